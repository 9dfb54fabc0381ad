"""What a profile asks of a value is held against it: how many, which, in what slices."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from fhirconv.validate.definitions import Definitions
from fhirconv.validate.families.answers import is_beyond
from fhirconv.validate.profiles.items import RESOLVE, Item, at, children, contains, equal, resolved
from fhirconv.validate.profiles.tree import Discriminator, Rule, Slicing, Type
from fhirconv.validate.references import RESTFUL
from fhirconv.validate.scope import Problem, Scope, Step, nodes, quoted

if TYPE_CHECKING:
    from fhirconv.validate.profiles import Profiles

SPEAKING = {"required": "error", "extensible": "warning"}  # bindings, and how bad a breach is
EXTENSION = "Extension"
MOST = 12  # codes of a value set that a message lists


@dataclass(slots=True)
class Case:
    """One resource that is held against profiles, and what may be looked at from there."""

    profiles: "Profiles"
    scope: Scope
    profile: str = ""  # the name of the one in hand
    kind: str = ""  # the type that it is for
    active: set[tuple[int, str]] = field(default_factory=set)  # which end a circle of references

    @property
    def definitions(self) -> Definitions:
        """The definitions, those of packages first."""
        return self.scope.definitions

    def says(self, severity: str, code: str, message: str, steps: Sequence[Step]) -> Problem:
        """Return what is wrong, with the profile that says so."""
        shown = f"{message} (profile {self.profile})" if self.profile else message
        return Problem(severity, code, shown, steps)


def problems(rule: Rule, item: Item, case: Case) -> Iterator[Problem]:
    """Yield what is wrong with one value by its rule, and with all below it."""
    if rule.types and not _fitting(rule, item):
        if case.kind == EXTENSION and rule.name == "value":
            return  # the check of extensions says so
        known = " or ".join(dict.fromkeys(t.code for t in rule.types))
        message = f"{rule.shown} is a {item.kind}, it must be {known}"
        yield case.says("error", "structure", message, item.steps)
        return
    yield from _value(rule, item, case)
    for child in rule.children.values():
        yield from _child(child, item, case)


def _limited(rule: Rule, item: Item, case: Case) -> Iterator[Problem]:
    """Yield that a value is beyond the least or the greatest of its rule."""
    for word, limit, upper in (("least", rule.least, False), ("most", rule.most, True)):
        if limit is not None and is_beyond(item.value, limit, upper):
            message = f"{rule.shown} is {_shown(item.value)}, it must be at {word} {_shown(limit)}"
            yield case.says("error", "value", message, item.steps)


def _value(rule: Rule, item: Item, case: Case) -> Iterator[Problem]:
    """Yield what is wrong with a value itself."""
    if rule.fixed is not None and not equal(rule.fixed, item.value):
        message = f"{rule.shown} is {_shown(item.value)}, it must be {_shown(rule.fixed)}"
        yield case.says("error", "value", message, item.steps)
    if rule.pattern is not None and not contains(rule.pattern, item.value):
        message = f"{rule.shown} is {_shown(item.value)}, it must hold {_shown(rule.pattern)}"
        yield case.says("error", "value", message, item.steps)
    if rule.longest and isinstance(item.value, str) and len(item.value) > rule.longest:
        message = f"{rule.shown} has {len(item.value)} characters, at most {rule.longest} are right"
        yield case.says("error", "too-long", message, item.steps)
    yield from _limited(rule, item, case)
    told = case.kind == EXTENSION and rule.name == "value" and rule.strength == "required"
    if rule.strength in SPEAKING and not told:  # the check of extensions has told it
        yield from _bound(rule, item, case)
    if rule.types:
        yield from _typed(rule, item, case)
    for constraint in rule.constraints:
        if case.profiles.is_broken(constraint, rule.kind or item.kind, item, case):
            message = f"{constraint.sentence.rstrip('. ')} ({constraint.key})"
            problem = case.says(constraint.severity, "invariant", message, item.steps)
            problem.rule = constraint.key
            yield problem


def _child(rule: Rule, owner: Item, case: Case) -> Iterator[Problem]:
    """Yield what is wrong with the values of one child: their number, each of them, the slices."""
    found = list(children(owner, rule, case.definitions))
    yield from _number(rule, len(found), owner, found, case)
    if rule.high == 0:
        return
    for item in found:
        yield from problems(rule, item, case)
    if rule.slices and len(found) >= min(rule.low, 1):
        yield from _sliced(rule, owner, found, case)


def _number(
    rule: Rule, count: int, owner: Item, found: Sequence[Item], case: Case
) -> Iterator[Problem]:
    """Yield that there are too few or too many values."""
    if count < rule.low:
        code = "structure" if count else "required"
        message = f"{rule.shown} needs {_amount(rule.low)}, found {count or 'none'}"
        yield case.says("error", code, message, owner.steps)
    if rule.high is not None and count > rule.high:
        place = found[rule.high].steps
        if rule.high == 0:
            message = f"{rule.shown} must not be there"
        else:
            message = f"{rule.shown} has {count} values, at most {rule.high} are right"
            place = found[0].steps[:-1] if isinstance(found[0].steps[-1], int) else place
        yield case.says("error", "structure", message, place)


def _amount(low: int) -> str:
    return "a value" if low == 1 else f"{low} values"


# ---- slices


def _sliced(rule: Rule, owner: Item, found: Sequence[Item], case: Case) -> Iterator[Problem]:
    """Yield what is wrong with the slices of an element, and with the values in each."""
    slicing = rule.slicing or Slicing((Discriminator("type", "$this"),) if rule.choice else ())
    sorted_in: dict[str, list[Item]] = {name: [] for name in rule.slices}
    doubtful: Counter[str] = Counter()  # values of which nobody can say that they are of a slice
    order: list[tuple[int, Item]] = []
    names = list(rule.slices)
    for item in found:
        told = {n: _belongs(s, slicing, item, case) for n, s in rule.slices.items()}
        name = next((n for n in names if told[n]), None)
        doubtful.update(n for n in names if told[n] is None and name is None)
        order.append((_place(name, told), item))
        if name is not None:
            sorted_in[name].append(item)
    yield from _ordered(rule, slicing, order, case)
    for name, each in rule.slices.items():
        inside = sorted_in[name]
        if len(inside) >= each.low or not doubtful[name]:
            reasons = list(_reasons(each, slicing, order, case)) if len(inside) < each.low else []
            yield from reasons or _number(each, len(inside), owner, inside, case)
        for item in inside if each.high != 0 else ():
            yield from problems(each, item, case)
        if each.slices:
            yield from _sliced(each, owner, inside, case)


NOWHERE, PERHAPS = -1, -2


def _reasons(
    rule: Rule, slicing: Slicing, order: Sequence[tuple[int, Item]], case: Case
) -> Iterator[Problem]:
    """Yield why the values of a slice's type do not keep the profile that makes them its own."""
    told = (d for d in slicing.by if d.kind == "profile" and not d.path.endswith(RESOLVE))
    by = next(told, None)
    meant = case.profiles.meant(rule, by.path, case) if by else None
    if by is None or meant is None:
        return
    outside = (item for place, item in order if place == NOWHERE)
    for item in (inner for each in outside for inner in at(each, by.path, case.scope)):
        for url in case.profiles.urls(meant, by.path):
            if case.profiles.type_of(url) == item.kind:
                yield from case.profiles.issues(url.partition("|")[0], item, case)


def _place(name: str | None, told: dict[str, bool | None]) -> int:
    """Return the number of the slice of a value, or that it is of none, or may be of one."""
    if name is not None:
        return list(told).index(name)
    return PERHAPS if None in told.values() else NOWHERE


def _ordered(
    rule: Rule, slicing: Slicing, order: Sequence[tuple[int, Item]], case: Case
) -> Iterator[Problem]:
    """Yield which values stand in no slice though they must, or not in the order of the slices."""
    names = list(rule.slices)
    known = ", ".join(names)
    last = -1
    for number, (place, item) in enumerate(order):
        after = any(other >= 0 for other, _ in order[number + 1 :])
        outside = slicing.rules == "closed" or (slicing.rules == "openAtEnd" and after)
        if place == NOWHERE and outside:
            where = "in none" if slicing.rules == "closed" else "before the end, in none"
            message = f"{rule.name} stands {where} of the slices {known}"
            yield case.says("error", "structure", message, item.steps)
        elif slicing.ordered and 0 <= place < last:
            message = f"{rule.name} of the slice {names[place]} stands too late: {known}"
            yield case.says("error", "structure", message, item.steps)
        last = max(last, place)


def _belongs(rule: Rule, slicing: Slicing, item: Item, case: Case) -> bool | None:
    """Say whether a value is of a slice, by all that tells the slices apart; None: not known."""
    told = [_tells(by, rule, item, case) for by in slicing.by]
    if not told or False in told:
        return False
    return None if None in told else True


def _tells(by: Discriminator, rule: Rule, item: Item, case: Case) -> bool | None:
    found = list(at(item, by.path, case.scope))
    meant = case.profiles.meant(rule, by.path, case)
    if by.kind == "exists":
        wanted = meant is not None and meant.high != 0
        return bool(found) is wanted
    if meant is None:
        return False
    if by.kind == "type":
        codes = case.profiles.codes(meant, by.path)
        return any(one.kind in codes for one in found)
    if by.kind == "profile":
        urls = case.profiles.urls(meant, by.path)
        return _any(case.profiles.is_of(one, url, case) for one in found for url in urls)
    return _any(_fits(meant, one, case) for one in found)


def _any(told: Iterable[bool | None]) -> bool | None:
    """Say whether any is true; None where none is and one is not known."""
    listed = list(told)
    return True if True in listed else (None if None in listed else False)


def _fits(rule: Rule, item: Item, case: Case) -> bool | None:
    """Say whether a value has what a slice fixes; where nothing is fixed, nothing fits."""
    if rule.fixed is not None:
        return equal(rule.fixed, item.value)
    if rule.pattern is not None:
        return contains(rule.pattern, item.value)
    if rule.strength == "required":
        codes = case.definitions.value_sets.find(rule.binding)
        return None if codes is None else any(codes.has(s, c) for s, c in codings(item))
    told = [_below(child, item, case) for child in _every(rule) if _discerns(child)]
    if not told or False in told:
        return False
    return None if None in told else True


def _every(rule: Rule) -> list[Rule]:
    return [*rule.children.values(), *(each for each in rule.slices.values() if each.low)]


def _discerns(rule: Rule) -> bool:
    """Say whether a rule fixes anything, itself or below."""
    own = rule.fixed is not None or rule.pattern is not None or rule.strength == "required"
    return own or any(_discerns(child) for child in _every(rule))


def _below(rule: Rule, item: Item, case: Case) -> bool | None:
    if rule.slice:  # a slice of the value itself: one of its items
        return _fits(rule, item, case)
    return _any(_fits(rule, one, case) for one in children(item, rule, case.definitions))


# ---- codes


def codings(item: Item) -> list[tuple[str | None, str]]:
    """Return the codes of a value as (system, code), of whatever type it is."""
    if isinstance(item.value, str):
        return [(None, item.value)]
    node = item.node
    if isinstance(node.get("concept"), dict):
        return codings(Item(node["concept"]))
    listed = nodes(node, "coding") if "coding" in node or "text" in node else [node]
    pairs = ((coding.get("system"), coding.get("code")) for coding in listed)
    return [(s if isinstance(s, str) else None, c) for s, c in pairs if isinstance(c, str)]


def _bound(rule: Rule, item: Item, case: Case) -> Iterator[Problem]:
    """Yield that a value has no code of the value set that the profile binds it to."""
    sets = case.definitions.value_sets
    codes = sets.find(rule.binding)
    given = codings(item)
    name = rule.binding.rpartition("/")[2]
    unlisted = case.profiles.unlisted(rule.binding)
    if codes is None or unlisted:
        if given and ("set", rule.binding) not in case.scope.memo:
            case.scope.memo["set", rule.binding] = True
            why = unlisted or "it is not at hand"
            message = f"the codes of {rule.shown} are not held against {name}: {why}"
            yield case.says("information", "not-supported", message, item.steps)
        if codes is None:
            return
    plain = isinstance(item.value, str)
    if any(codes.word(code) if plain else codes.has(system, code) for system, code in given):
        return
    if not given and rule.strength != "required":
        return
    if not given and not item.node:
        return
    found = ", ".join(quoted(code) for _, code in given) or "no code"
    known = sorted(codes.all)
    listed = f" (known: {', '.join(known)})" if 0 < len(known) <= MOST else ""
    word = "must" if rule.strength == "required" else "should"
    message = f"{rule.shown} {word} have a code of {name}, found {found}{listed}"
    yield case.says(SPEAKING[rule.strength], "code-invalid", message, item.steps)


# ---- types


def _typed(rule: Rule, item: Item, case: Case) -> Iterator[Problem]:
    """Yield that a value keeps none of the profiles of its type, or leads elsewhere."""
    fitting = _fitting(rule, item)
    urls = [url for t in fitting for url in t.profiles]
    if urls and all(t.profiles for t in fitting):
        yield from case.profiles.one_of(urls, item, case)
    targets = [url for t in fitting for url in t.targets]
    if targets and all(t.targets for t in fitting):
        yield from _leads(rule, targets, item, case)


def _fitting(rule: Rule, item: Item) -> list[Type]:
    """Return the types of a rule that a value may be of."""
    return [t for t in rule.types if item.kind in ("", t.code) or _is_abstract(t)]


def _is_abstract(type_: Type) -> bool:
    return type_.code in ("Resource", "DomainResource", "Element", "BackboneElement")


def _leads(rule: Rule, targets: Sequence[str], item: Item, case: Case) -> Iterator[Problem]:
    """Yield that a reference leads to a resource of no allowed type or profile."""
    node = item.node.get("reference") if isinstance(item.node.get("reference"), dict) else item.node
    reference = node.get("reference") if isinstance(node, dict) else None
    if not isinstance(reference, str):
        return
    target = resolved(reference, case.scope)
    restful = RESTFUL.fullmatch(reference)
    kind = str(target.get("resourceType")) if target else (restful["type"] if restful else "")
    if not case.definitions.is_resource(kind):
        return
    types = {case.profiles.type_of(url) for url in targets}
    if rule.targets and kind not in rule.targets:
        return  # the check of the type has said so
    if not types & {kind, "Resource", ""}:
        known = " or ".join(sorted(types))
        message = f"{rule.shown} leads to a {kind}, it must lead to {known}"
        yield case.says("error", "structure", message, item.steps)
    elif target is not None:
        mine = [url for url in targets if case.profiles.type_of(url) in (kind, "Resource", "")]
        there = Item(target, (), kind)
        if not any(case.profiles.conforms(there, url, case) for url in mine):
            known = " or ".join(url.rpartition("/")[2] for url in mine)
            message = f"{rule.shown} leads to {quoted(reference)}, which does not keep {known}"
            yield case.says("error", "structure", message, item.steps)


def _shown(value: Any) -> str:
    """Return a value as a message shows it: an object as JSON, cut where it is long."""
    if not isinstance(value, (dict, list)):
        return quoted(value) if value is not None else "missing"
    import json

    text = json.dumps(value, ensure_ascii=False, default=_number_of)
    return text if len(text) <= 200 else text[:199] + "…"


def _number_of(value: object) -> float:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(type(value).__name__)
