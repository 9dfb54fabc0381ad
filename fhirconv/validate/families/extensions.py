"""Extensions: is the URL known, may it stand there, and is its value what its definition allows."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from fhirconv.validate.definitions import Definitions, Element, Shape
from fhirconv.validate.definitions import definitions as release_definitions
from fhirconv.validate.errata import further_contexts
from fhirconv.validate.families.base_elements import Bases
from fhirconv.validate.families.forms import CODE, Form, Spot, form_of
from fhirconv.validate.families.steps import step_of
from fhirconv.validate.families.urls import matches, url_of
from fhirconv.validate.scope import Check, Node, Problem, Scope, error, nodes, quoted, warning

if TYPE_CHECKING:
    from fhirconv.validate.engine import Engine

OWN = ("Element", "Extension")  # beside a primitive, within an extension: checked from above
EVERYWHERE = ("Element", "Resource")
CANONICAL = ("CanonicalResource", "MetadataResource")
LISTS = ("extension", "modifierExtension")
VALUE = "value"
VALUES = (VALUE, f"_{VALUE}")


@dataclass(frozen=True, slots=True)
class Part:
    """What an extension within an extension may be: how often, and of which types."""

    low: int
    high: int | None
    types: frozenset[str]
    codes: str  # the URL of a required value set


@dataclass(frozen=True, slots=True)
class Definition:
    """What a StructureDefinition says of an extension."""

    url: str
    modifier: bool
    contexts: tuple[tuple[str, str], ...]
    value: Part
    parts: Mapping[str, Part]  # by the url within this extension
    closed: bool  # no other extension may stand in it


@lru_cache(maxsize=4096)
def definition_of(url: str, definitions: Definitions) -> Definition | None:
    """Return what is known of an extension; None where its URL is not known."""
    found = definitions.find("StructureDefinition", url)
    if found is None or found.get("type") != "Extension":
        return None
    elements = found.get("snapshot", {}).get("element", [])
    by_path = {e["path"]: e for e in elements if ":" not in e.get("id", "")}
    inner = by_path.get("Extension.extension", {})
    return Definition(
        url,
        bool(by_path.get("Extension", {}).get("isModifier")),
        tuple(_contexts(found, definitions)),
        _part(by_path.get("Extension.value[x]", {})),
        dict(_parts(elements)),
        inner.get("max") == "0" or inner.get("slicing", {}).get("rules") == "closed",
    )


def _contexts(structure: Node, definitions: Definitions) -> Iterator[tuple[str, str]]:
    for context in structure.get("context", ()):
        yield context.get("type", ""), context.get("expression", "")
    for expression in further_contexts(str(structure.get("url")), definitions):
        yield "element", expression


def _part(element: Node) -> Part:
    """Return what an element definition says of a value."""
    high = element.get("max", "1")
    types = () if high == "0" else element.get("type", ())
    binding = element.get("binding", {})
    return Part(
        element.get("min", 0),
        None if high == "*" else int(high),
        frozenset(t["code"][0].upper() + t["code"][1:] for t in types if "code" in t),
        binding.get("valueSet", "") if binding.get("strength") == "required" else "",
    )


def _parts(elements: Iterable[Node]) -> Iterator[tuple[str, Part]]:
    """Yield the parts of a complex extension by their url."""
    by_id = {e.get("id", e["path"]): e for e in elements}
    for name, element in by_id.items():
        if element["path"] == "Extension.extension" and "sliceName" in element:
            url = str(by_id.get(f"{name}.url", {}).get("fixedUri", element["sliceName"]))
            value = _part(by_id.get(f"{name}.value[x]", {"max": "*", "type": []}))
            high = element.get("max", "*")
            yield (
                url,
                Part(
                    element.get("min", 0),
                    None if high == "*" else int(high),
                    value.types,
                    value.codes,
                ),
            )


def extension_check(shape: Shape, element: Element | None, engine: "Engine") -> Check | None:
    """Return the check of the extensions of an object and of its primitive children.

    FHIR extensibility (extensibility.html): an extension has a published definition, which says
    where it may stand (context) and what its value is.
    """
    if shape.name in OWN:
        return None
    beside = {f"_{e.name}": e for e in shape.elements.values() if f"_{e.name}" in shape.elements}
    named = {name: (e, Spot(_places_beside(e))) for name, e in beside.items()}
    names = frozenset((*LISTS, *beside))
    here = Spot(_places(shape, element))

    def check(value: Node, scope: Scope) -> Iterable[Problem] | None:
        if names.isdisjoint(value):
            return None
        found: list[Problem] = []
        for name in LISTS:
            if name in value:
                found += _listed(value, name, here, scope)
        if not beside.keys().isdisjoint(value):
            found.extend(_beside(value, named, scope))
        return found

    return check


def _places(shape: Shape, element: Element | None) -> frozenset[str]:
    """Return the names by which a context may call the place of an object."""
    named = {*shape.types, "Element"}
    if shape.is_resource and "url" in shape.elements:
        named.update(CANONICAL)
    if element is not None and element.path:
        named.update(_spellings(element))
    return frozenset(named)


def _places_beside(element: Element) -> frozenset[str]:
    """Return the names by which a context may call the place of a primitive value."""
    return frozenset((*_spellings(element), *EVERYWHERE, "PrimitiveType", "DataType"))


def _spellings(element: Element) -> Iterator[str]:
    """Yield how contexts write the path of an element."""
    yield element.path
    yield element.path.removesuffix("[x]")
    yield element.type


def _beside(
    value: Node, beside: Mapping[str, tuple[Element, Spot]], scope: Scope
) -> Iterator[Problem]:
    """Check the extensions of the primitive children of an object."""
    for name in value.keys() & beside.keys():
        element, spot = beside[name]
        given = value[name]
        if element.type == "code" and isinstance(given, dict) and name[1:] not in value:
            yield from _uncoded(given, element, scope)
        for index, one in enumerate(given if isinstance(given, list) else [given]):
            if isinstance(one, dict):
                for problem in _listed(one, "extension", spot, scope):
                    steps = (element.step, index) if element.many else (element.step,)
                    problem.steps.extend(reversed(steps))
                    yield problem


def _uncoded(beside: Node, element: Element, scope: Scope) -> Iterator[Problem]:
    """Hold that a code of a required value set is there, not only what stands for it.

    A code of another release may stand for it (versions.html#extensions).
    """
    urls = (str(extension.get("url")) for extension in nodes(beside, "extension"))
    if element.codes and not any(matches("cross-version", url, scope.definitions) for url in urls):
        message = f"{element.base} has no code, one of {element.codes} is required"
        yield error("required", message, element.step)


def _listed(value: Node, name: str, spot: Spot, scope: Scope) -> list[Problem]:
    found: list[Problem] = []
    for index, extension in enumerate(nodes(value, name)):
        form = form_of(extension, name)
        if form is not None and form in spot.sound:
            continue
        problems = list(_one(extension, name, spot.places, scope))
        for problem in problems:
            problem.steps.extend((index, name))
        found += problems
        if form is not None and not problems and not _has_codes(form, scope.definitions):
            spot.remember(form)
    return found


def _has_codes(form: Form, definitions: Definitions) -> bool:
    """Say whether the definition of an extension asks for codes that its form does not hold."""
    definition = definition_of(str(form[0]).partition("|")[0], definitions)
    if definition is None:
        return False
    coded = {url for url, part in definition.parts.items() if part.codes}
    inner = (part for part in form if isinstance(part, tuple))
    if any(part[0] in coded and CODE not in part for part in inner):
        return True
    return bool(definition.value.codes) and CODE not in form


def _one(extension: Node, name: str, places: frozenset[str], scope: Scope) -> Iterator[Problem]:
    """Check one extension against its definition."""
    url = extension.get("url")
    if not isinstance(url, str) or ":" not in url:  # a rule of Extension says so
        return
    definition, told = _judged(url, name, places, scope.definitions)
    for severity, code, message in told:
        yield Problem(severity, code, message, ("url",))
    if definition is not None:
        yield from _content(extension, definition, scope)


Told = tuple[tuple[str, str, str], ...]  # severity, code, message


@lru_cache(maxsize=8192)
def _judged(
    url: str, name: str, places: frozenset[str], definitions: Definitions
) -> tuple[Definition | None, Told]:
    """Return the definition of an extension, and what is wrong with it at a place."""
    definition = definition_of(url.partition("|")[0], definitions)
    if definition is None:
        problem = unknown_problem(url, name, definitions)
        return None, ((problem.severity, problem.code, problem.message),) if problem else ()
    told: list[tuple[str, str, str]] = []
    if definition.modifier != (name == "modifierExtension"):
        other = LISTS[definition.modifier]
        told.append(("error", "structure", f"the extension {quoted(url)} belongs in {other}"))
    if not _fits(definition, places):
        allowed = ", ".join(sorted(expression for _, expression in definition.contexts))
        message = f"the extension {quoted(url)} may not stand here (only at: {allowed})"
        told.append(("error", "structure", message))
    return definition, tuple(told)


def unknown_problem(url: str, name: str, definitions: Definitions) -> Problem | None:
    """Say what is wrong with the URL of an extension that has no definition."""
    other = matches("cross-version", url, definitions)
    if other:
        return _cross_version(url, other[1], other[2], definitions)
    message = f"no definition of the extension {quoted(url)} is known"
    if matches("unchecked", url, definitions):
        return None
    if matches("example", url, definitions) and name == "extension":
        return warning("not-found", message, "url")
    return error("not-found", f"{message}, so it is not allowed (a package may define it)", "url")


def _cross_version(url: str, version: str, path: str, definitions: Definitions) -> Problem | None:
    """Check the URL of an element of another release (versions.html#extensions)."""
    known = dict(v.partition("=")[::2] for v in url_of("versions", definitions).split())
    if version not in known:
        listed = ", ".join(sorted(known))
        message = f"{quoted(url)} names FHIR {version}, which is none of {listed}"
        return error("value", message, "url")
    if known[version] and not _is_element(path, known[version], definitions):
        message = f"{quoted(url)} names {quoted(path)}, which FHIR {version} does not have"
        return error("value", message, "url")
    return None


def _is_element(path: str, release: str, definitions: Definitions) -> bool:
    """Say whether a path such as Patient.contact.name is one of a release."""
    other = release_definitions(definitions.folder, release)
    name = path.partition(".")[0]
    if not other.is_type(name):
        return False
    bases = Bases(other.structure(name), other)
    return (bases.find(path) or bases.find(f"{path}[x]")) is not None


def _fits(definition: Definition, places: frozenset[str]) -> bool:
    """Say whether a context of a definition allows a place; what cannot be decided does."""
    if not definition.contexts:
        return True
    for kind, expression in definition.contexts:
        plain = expression.partition("#")[2] or expression
        above = plain.rpartition(".")[0]  # HL7 itself writes X.type.code and means X.type
        if kind != "element" or not places.isdisjoint((plain, plain.removesuffix("[x]"), above)):
            return True
        if plain.count(".") > 1 and any(p.endswith(plain[plain.rindex(".") :]) for p in places):
            return True
    return False


def _content(extension: Node, definition: Definition, scope: Scope) -> Iterator[Problem]:
    """Check the value or the parts of an extension."""
    inner = nodes(extension, "extension")
    name = value_name(extension)
    if definition.value.high == 0:
        if name:
            message = f"the extension {quoted(definition.url)} has parts, no value"
            yield error("structure", message, step_of("Extension", name, scope.definitions))
        yield from _inner(inner, definition, scope)
    elif name:
        yield from _value(extension, name, definition.value, definition.url, scope)
    elif inner and not definition.parts:
        message = f"the extension {quoted(definition.url)} has a value, no parts"
        yield error("structure", message, "extension")


def value_name(extension: Node) -> str:
    """Return the name in JSON of the value of an extension, '' where it has none."""
    for name in extension:
        if name.startswith(VALUES):
            return name
    return ""


def _inner(inner: list[Node], definition: Definition, scope: Scope) -> Iterator[Problem]:
    """Check the parts of a complex extension: known, as often as they may be, of their types."""
    found: Iterable[Problem]
    counts = dict.fromkeys(definition.parts, 0)
    for index, one in enumerate(inner):
        url = one.get("url")
        part = definition.parts.get(url) if isinstance(url, str) else None
        if part is not None and isinstance(url, str):
            counts[url] += 1
            found = _value(one, value_name(one), part, f"{definition.url}#{url}", scope)
        elif isinstance(url, str) and ":" not in url and definition.parts:
            listed = ", ".join(sorted(definition.parts))
            message = f"{definition.url} has no part {quoted(url)} (known: {listed})"
            found = (error("structure", message, "url"),)
        else:
            found = ()
        for problem in found:
            problem.steps.extend((index, "extension"))
            yield problem
    yield from _counted(counts, definition)


def _counted(counts: Mapping[str, int], definition: Definition) -> Iterator[Problem]:
    for url, count in counts.items():
        part = definition.parts[url]
        if count < part.low:
            yield error("required", f"the extension {definition.url} lacks its part {quoted(url)}")
        elif part.high is not None and count > part.high:
            message = f"{definition.url} has its part {quoted(url)} {count} times"
            yield error("structure", f"{message}, at most {part.high} may stand")


def _value(extension: Node, name: str, part: Part, url: str, scope: Scope) -> Iterable[Problem]:
    """Check the type of a value, and its code where a value set is required."""
    kind = name.removeprefix("_").removeprefix(VALUE)
    if not name or (kind in part.types and not part.codes):
        return ()
    step = step_of("Extension", name, scope.definitions)
    if part.types and kind not in part.types:
        listed = ", ".join(sorted(part.types)[:8])
        message = f"the value of {url} is of type {kind}, allowed: {listed}"
        return (error("structure", message, step),)
    return _coded(extension.get(name), step, part.codes, scope) if part.codes else ()


def _coded(value: Any, name: str, codes: str, scope: Scope) -> Iterator[Problem]:
    """Check a code against the required value set of an extension."""
    known = scope.definitions.value_sets.find(codes)
    if known is None:
        return
    if isinstance(value, str):
        if not known.word(value):
            yield error("code-invalid", f"{quoted(value)} is no code of {codes}", name)
        return
    codings = nodes(value, "coding") if isinstance(value, dict) and "coding" in value else [value]
    pairs = [(c.get("system"), c.get("code")) for c in codings if isinstance(c, dict)]
    if pairs and not any(known.has(str(s), str(c)) for s, c in pairs):
        yield error("code-invalid", f"{quoted(pairs[0][1])} is no code of {codes}", name)
