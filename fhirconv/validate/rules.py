"""The rules of types and datatypes, each a plain function that rows of invariants.csv name."""

import re
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha1
from typing import Any, TypeGuard

from fhirconv.validate.definitions import Element, Invariant, Shape
from fhirconv.validate.scope import HERE, Node, Place, Scope, nodes, quoted
from fhirconv.validate.values import is_before, span

Finding = tuple[Place, str]  # where, and what stands there
ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")
LOCAL = "#"  # how what is contained is named
CERTAIN = "certain"  # a row's value: times of which nobody can tell which is first are not ordered


@dataclass(slots=True)
class Case:
    """One object and the row of invariants.csv that it is held against."""

    value: Node
    row: Invariant
    shape: Shape
    scope: Scope
    element: Element | None = None  # where the object stands
    at: Place = HERE

    @property
    def there(self) -> list[str]:
        """The elements of the row that the object has."""
        return [name for name in self.row.elements if self.shape.has(self.value, name)]

    def get(self, base: str) -> Any:
        """Return the value of an element, whichever type of a choice it has."""
        names = self.shape.names[base]
        return next((self.value[n] for n in names if n in self.value and n[0] != "_"), None)


def any_of(case: Case) -> Iterator[Finding]:
    """Hold that at least one of the elements is there."""
    if not case.there:
        yield case.at, f"{_listed(case.row.elements, 'or')} is missing"


def at_most_one(case: Case) -> Iterator[Finding]:
    """Hold that no two of the elements are there."""
    if len(case.there) > 1:
        yield case.at, f"{_listed(case.there, 'and')} stand together"


def none_of(case: Case) -> Iterator[Finding]:
    """Hold that none of the elements is there."""
    for name in case.there:
        yield case.at.child(name), f"{name} {_shown(case.get(name))} stands there"


def exactly_one(case: Case) -> Iterator[Finding]:
    """Hold that one of the elements is there, and no two."""
    yield from at_most_one(case) if case.there else any_of(case)


def needs_any(case: Case) -> Iterator[Finding]:
    """Hold that where the first element is, one of the others is too."""
    first, *others = case.row.elements
    if first in case.there and not set(others) & set(case.there):
        yield case.at, f"{first} {_shown(case.get(first))} stands without {_listed(others, 'or')}"


def needs_all(case: Case) -> Iterator[Finding]:
    """Hold that where the first element is, all the others are too."""
    first, *others = case.row.elements
    missing = [name for name in others if name not in case.there]
    if first in case.there and missing:
        yield case.at, f"{first} {_shown(case.get(first))} stands without {_listed(missing, 'and')}"


def all_or_extension(case: Case) -> Iterator[Finding]:
    """Hold that all of the elements are there, or none of them and an extension."""
    missing = [name for name in case.row.elements if name not in case.there]
    if missing and (case.there or not case.value.get("extension")):
        yield case.at, f"{_listed(missing, 'and')} is missing"


def ordered(case: Case) -> Iterator[Finding]:
    """Hold that the first of two times or quantities is not after the second."""
    low, high = (case.get(name) for name in case.row.elements)
    fit = _times_certain if CERTAIN in case.row.values else _times_fit
    before = fit(low, high) if isinstance(low, str) else _quantities_fit(low, high)
    if not before:
        yield case.at, f"{_amount(low)} is not before {_amount(high)}"


def _times_fit(low: str, high: Any) -> bool:
    first, last = span(low), span(high) if isinstance(high, str) else None
    return first is None or last is None or is_before(first[0], last[1])


def _times_certain(low: str, high: Any) -> bool:
    """Say whether a time is before another, or the same, whatever they leave open."""
    first, last = span(low), span(high) if isinstance(high, str) else None
    if first is None or last is None or first == last:
        return True
    end, start = first[1], last[0]
    zone = end.tzinfo or start.tzinfo  # a date is taken for one of the other's zone
    return end.replace(tzinfo=end.tzinfo or zone) <= start.replace(tzinfo=start.tzinfo or zone)


def _quantities_fit(low: Any, high: Any) -> bool:
    if not isinstance(low, dict) or not isinstance(high, dict):
        return True
    alike = all(low.get(name) == high.get(name) for name in ("unit", "system", "code"))
    least, most = low.get("value"), high.get("value")
    return not alike or not _is_number(least) or not _is_number(most) or least <= most


def _amount(value: Any) -> str:
    return quoted(value.get("value")) if isinstance(value, dict) else quoted(value)


def _is_number(value: Any) -> TypeGuard[Decimal]:
    return isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)


def not_negative(case: Case) -> Iterator[Finding]:
    """Hold that the numbers are zero or more."""
    for name in case.there:
        number = case.get(name)
        if _is_number(number) and number < 0:
            yield case.at.child(name), f"{name} is {number}"


def positive(case: Case) -> Iterator[Finding]:
    """Hold that the numbers are above zero."""
    for name in case.there:
        number = case.get(name)
        if _is_number(number) and number <= 0:
            yield case.at.child(name), f"{name} is {number}"


def whole(case: Case) -> Iterator[Finding]:
    """Hold that the numbers have no fraction."""
    for name in case.there:
        number = case.get(name)
        if _is_number(number) and number != int(number):
            yield case.at.child(name), f"{name} is {number}"


def one_of(case: Case) -> Iterator[Finding]:
    """Hold that the elements, where they are, have one of the row's values."""
    for name in case.there:
        given = case.get(name)
        if given is not None and given not in case.row.values:
            yield case.at.child(name), f"{name} is {quoted(given)}"


def coded(case: Case) -> Iterator[Finding]:
    """Hold that where the first element is, the second has one of the row's codes."""
    first, second = case.row.elements
    codes = _codes(case.get(second))
    if first in case.there and not codes & set(case.row.values):
        found = _listed(sorted(codes), "and") if codes else "missing"
        yield case.at, f"{first} stands there and {second} is {found}"


def codes_exclude(case: Case) -> Iterator[Finding]:
    """Hold that where the first element has one of the row's codes, the second is not there."""
    first, second = case.row.elements
    found = _codes(case.get(first)) & set(case.row.values)
    if found and second in case.there:
        yield case.at, f"{first} is {_listed(sorted(found), 'and')} and {second} stands there"


def codes_need(case: Case) -> Iterator[Finding]:
    """Hold that where the first element has one of the row's codes, the second is there."""
    first, second = case.row.elements
    found = _codes(case.get(first)) & set(case.row.values)
    if found and second not in case.there:
        yield case.at, f"{first} is {_listed(sorted(found), 'and')} and {second} is missing"


def codes_both(case: Case) -> Iterator[Finding]:
    """Hold that no two elements have the two codes of the row."""
    pairs = list(zip(case.row.elements, case.row.values, strict=True))
    if all(code in _codes(case.get(name)) for name, code in pairs):
        yield case.at, " and ".join(f"{name} is {code}" for name, code in pairs)


def _codes(value: Any) -> set[str]:
    """Return the codes of a code, Coding or CodeableConcept, or of several."""
    if isinstance(value, (str, bool)):
        return {quoted(value) if isinstance(value, bool) else value}
    if isinstance(value, list):
        return {code for item in value for code in _codes(item)}
    if isinstance(value, dict):
        return _codes(value.get("coding") or value.get("code"))
    return set()


def true_once(case: Case) -> Iterator[Finding]:
    """Hold that no two items of the first element have a true value of the second."""
    several, name = case.row.elements[0], case.row.values[0]
    true = [item for item in nodes(case.value, several) if item.get(name) is True]
    if len(true) > 1:
        yield case.at, f"{len(true)} of {several} have {name}"


def component_code(case: Case) -> Iterator[Finding]:
    """Hold that a value does not stand beside a component with the code of the whole (obs-7)."""
    if not case.shape.has(case.value, "value"):
        return
    own = _codings(case.get("code"))
    for number, component in enumerate(nodes(case.value, "component")):
        shared = own & _codings(component.get("code"))
        if shared:
            yield case.at.child("component", number), f"both have the code {sorted(shared)[0][1]}"


def _codings(concept: Any) -> set[tuple[str, str]]:
    listed = nodes(concept, "coding") if isinstance(concept, dict) else ()
    return {(str(c.get("system")), str(c["code"])) for c in listed if "code" in c}


def contained_lacks(case: Case) -> Iterator[Finding]:
    """Hold that contained resources have none of the row's elements (dom-2, dom-4, dom-5)."""
    for number, resource in enumerate(nodes(case.value, "contained")):
        for path in case.row.values:
            above, _, name = path.rpartition(".")
            around = resource.get(above) if above else resource
            if isinstance(around, dict) and name in around:
                yield case.at.child("contained", number).child(path), f"it has {path}"


def contained_named(case: Case) -> Iterator[Finding]:
    """Hold that each contained resource has an id, and one of its own."""
    seen: set[str] = set()
    for number, resource in enumerate(nodes(case.value, "contained")):
        name = resource.get("id")
        place = case.at.child("contained", number)
        if name is None:
            yield place, f"the {resource.get('resourceType')} has no id"
        elif name in seen:
            yield place, f"{quoted(name)} is the id of one before it"
        seen.add(str(name))


def contained_referred(case: Case) -> Iterator[Finding]:
    """Hold that each contained resource is referred to, or refers to its container (dom-3)."""
    contained = nodes(case.value, "contained")
    if not contained or case.scope.container is not None:  # that one is in another breaks dom-2
        return
    local = set(_local(case.value))
    for number, resource in enumerate(contained):
        name = resource.get("id")
        if name and f"#{name}" not in local and "#" not in set(_local(resource)):
            yield case.at.child("contained", number), f"nothing refers to '#{name}'"


def _local(value: Any) -> Iterator[str]:
    """Yield every text below a value that is a reference to something contained."""
    if isinstance(value, str):
        if value.startswith("#"):
            yield value
    elif isinstance(value, dict):
        for child in value.values():
            yield from _local(child)
    elif isinstance(value, list):
        for child in value:
            yield from _local(child)


def narrated(case: Case) -> Iterator[Finding]:
    """Hold that a resource that stands alone has the elements; a contained one need not (dom-6)."""
    if case.scope.container is None:
        yield from any_of(case)


def absolute(case: Case) -> Iterator[Finding]:
    """Hold that the elements are absolute URIs; of how one may begin where the row has values."""
    for name in case.there:
        given = case.get(name)
        if not isinstance(given, str) or (LOCAL in case.row.values and given.startswith(LOCAL)):
            continue
        schemes = tuple(value for value in case.row.values if value != LOCAL)
        if not ABSOLUTE.fullmatch(given) or (schemes and not given.startswith(schemes)):
            yield case.at.child(name), f"{name} is {quoted(given)}"


def absolute_url(case: Case) -> Iterator[Finding]:
    """Hold that the url of an extension is absolute, where it is no part of another extension."""
    if case.element is None or case.element.owner != case.shape.name:
        yield from absolute(case)


def absolute_value(case: Case) -> Iterator[Finding]:
    """Hold that the first element is an absolute URI where the second has the row's value."""
    first, second = case.row.elements
    given = case.get(first)
    if case.get(second) in case.row.values and given and not ABSOLUTE.fullmatch(str(given)):
        yield case.at.child(first), f"{first} is {quoted(given)}"


def digest(case: Case) -> Iterator[Finding]:
    """Hold that the second element is the SHA-1 of the data in the first, in base64."""
    data, stated = (case.get(name) for name in case.row.elements)
    if isinstance(data, str) and isinstance(stated, str):
        found = b64encode(sha1(b64decode(data), usedforsecurity=False).digest()).decode()
        if found != stated:
            yield (
                case.at.child(case.row.elements[1]),
                f"{quoted(stated)} is stated, it is {found!r}",
            )


def length(case: Case) -> Iterator[Finding]:
    """Hold that the second element is the number of bytes of the data in the first."""
    data, stated = (case.get(name) for name in case.row.elements)
    if isinstance(data, str) and stated is not None:
        found = len(b64decode(data))
        if str(found) != str(stated):
            yield case.at.child(case.row.elements[1]), f"{quoted(stated)} is stated, it is {found}"


def identifier_like(case: Case) -> Iterator[Finding]:
    """Hold that a name is a capital letter and up to 254 letters, digits and underscores."""
    given = case.get(case.row.elements[0])
    if isinstance(given, str) and not re.fullmatch("[A-Z][A-Za-z0-9_]{0,254}", given):
        yield case.at.child(case.row.elements[0]), f"it is {quoted(given)}"


def _listed(names: Any, joint: str) -> str:
    *most, last = names
    return f"{', '.join(most)} {joint} {last}" if most else str(last)


def _shown(value: Any) -> str:
    return quoted(value) if isinstance(value, (str, int, float, Decimal)) else ""


RULES = {
    rule.__name__: rule
    for rule in (
        *(any_of, at_most_one, none_of, exactly_one, needs_any, needs_all, all_or_extension),
        *(ordered, not_negative, positive, whole, one_of, coded, codes_exclude, codes_need),
        *(
            codes_both,
            true_once,
            component_code,
            contained_lacks,
            contained_named,
            contained_referred,
        ),
        *(
            narrated,
            absolute,
            absolute_url,
            absolute_value,
            digest,
            length,
            identifier_like,
        ),
    )
}
