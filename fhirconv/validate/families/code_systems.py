"""CodeSystems: codes once, counts that agree, properties as declared, supplements of what is."""

from collections.abc import Iterator
from typing import Any

from fhirconv.validate.families.urls import url_of
from fhirconv.validate.scope import Node, Problem, Scope, error, nodes, quoted, warning

COMPLETE, FRAGMENTS, ABSENT, SUPPLEMENT = (
    "complete",
    ("fragment", "example"),
    "not-present",
    "supplement",
)
LONGEST = 200_000  # concepts that are walked
Step = str | int


def code_system(value: Node, scope: Scope) -> Iterator[Problem]:
    """Check a CodeSystem (codesystem.html: content, count, property, supplements)."""
    concepts = list(_walk(value))
    yield from _duplicates(concepts)
    yield from _amounts(value, len(concepts))
    yield from _properties(value, scope)
    yield from _values(value, concepts)
    yield from _supplement(value, concepts, scope)
    for concept, steps in concepts:
        yield from _designations(concept, value, steps)


def _walk(value: Node) -> Iterator[tuple[Node, tuple[Step, ...]]]:
    """Yield every concept with the steps to it, as the document has them."""
    ahead: list[tuple[Node, tuple[Step, ...]]] = _children(value, ())
    count = 0
    while ahead and count < LONGEST:
        concept, steps = ahead.pop()
        count += 1
        yield concept, steps
        ahead.extend(_children(concept, steps))


def _children(value: Node, steps: tuple[Step, ...]) -> list[tuple[Node, tuple[Step, ...]]]:
    listed = [(c, (*steps, "concept", n)) for n, c in enumerate(nodes(value, "concept"))]
    return listed[::-1]


def _duplicates(concepts: list[tuple[Node, tuple[Step, ...]]]) -> Iterator[Problem]:
    """Hold that a code is defined once (csd-1, told at its place)."""
    seen: set[Any] = set()
    for concept, steps in concepts:
        code = concept.get("code")
        if isinstance(code, str) and code in seen:
            yield error("duplicate", f"the code {quoted(code)} is defined before", *steps)
        seen.add(code)


def _amounts(value: Node, found: int) -> Iterator[Problem]:
    """Hold that the content and the count that are stated are those that are there."""
    content, count = value.get("content"), value.get("count")
    if content == ABSENT and found:
        yield error("business-rule", "content is not-present, yet there are concepts", "concept", 0)
    if content == COMPLETE and not found:
        yield warning("business-rule", "content is complete, yet there is no concept")
    if not isinstance(count, int):
        return
    if content == COMPLETE and count != found:
        message = f"the count is {count}, but the complete code system has {found} concepts"
        yield error("business-rule", message, "count")
    elif content in FRAGMENTS and found >= count:
        message = f"the count is {count}, yet the {content} alone has {found} concepts"
        yield warning("business-rule", message, "count")


def _properties(value: Node, scope: Scope) -> Iterator[Problem]:
    """Hold that properties are declared once, by absolute URIs, with the type that these have."""
    seen: set[tuple[str, Any]] = set()
    standard = url_of("concept-properties", scope.definitions)
    types = dict(pair.split("=") for pair in url_of("property-types", scope.definitions).split())
    for index, declared in enumerate(nodes(value, "property")):
        for name in ("code", "uri"):
            given = declared.get(name)
            if given is not None and (name, given) in seen:
                message = f"the property with the {name} {quoted(given)} is declared before"
                yield error("duplicate", message, "property", index)
            seen.add((name, given))
        problem = _uri_problem(declared, standard, types)
        if problem:
            yield error("value", problem, "property", index)


def _uri_problem(declared: Node, standard: str, types: dict[str, str]) -> str:
    uri, kind = declared.get("uri"), declared.get("type")
    if not isinstance(uri, str):
        return ""
    if ":" not in uri:
        return f"the URI of a property is absolute, not {quoted(uri)}"
    if not uri.startswith(standard):
        return ""
    wanted = types.get(uri.removeprefix(standard))
    if wanted is None:
        return f"{quoted(uri)} is none of the properties that FHIR defines under {standard}"
    return "" if kind == wanted else f"the property {uri} is of type {wanted}, not {quoted(kind)}"


def _values(value: Node, concepts: list[tuple[Node, tuple[Step, ...]]]) -> Iterator[Problem]:
    """Hold that the properties of concepts are declared, of their types, and lead to codes."""
    declared = {p.get("code"): p for p in nodes(value, "property")}
    codes = {concept.get("code") for concept, _ in concepts}
    complete = value.get("content") == COMPLETE
    for concept, steps in concepts:
        for index, given in enumerate(nodes(concept, "property")):
            place = (*steps, "property", index)
            known = declared.get(given.get("code"))
            name = next((n for n in given if n.startswith("value")), "")
            kind = name[5:6].lower() + name[6:]
            if known is None:
                message = f"the property {quoted(given.get('code'))} is not declared"
                yield warning("not-found", message, *place)
            elif name and kind != known.get("type"):
                message = f"the property {quoted(given['code'])} has a {kind}"
                yield error("structure", f"{message}, declared is {known.get('type')}", *place)
            elif kind == "code" and complete and given[name] not in codes:
                message = f"{quoted(given[name])} is no code of this code system"
                tell = error if "#parent" in str(known.get("uri")) else warning
                yield tell("code-invalid", message, *place)


def _supplement(
    value: Node, concepts: list[tuple[Node, tuple[Step, ...]]], scope: Scope
) -> Iterator[Problem]:
    """Hold that a supplement says of what, and has the codes of that code system."""
    of, content = value.get("supplements"), value.get("content")
    if content == SUPPLEMENT and not isinstance(of, str):
        yield error("required", "a supplement names the code system that it supplements", "content")
    if not isinstance(of, str):
        return
    if content != SUPPLEMENT:
        yield error("business-rule", "what supplements has the content supplement", "content")
    base = scope.definitions.value_sets.concepts(of.partition("|")[0])
    for concept, steps in concepts if base is not None else ():
        if base is not None and concept.get("code") not in base:
            message = f"{quoted(concept.get('code'))} is no code of {of}, which is supplemented"
            yield error("code-invalid", message, *steps)


def _designations(concept: Node, value: Node, steps: tuple[Step, ...]) -> Iterator[Problem]:
    """Warn of a designation that nothing tells from the display."""
    display = concept.get("display")
    for index, given in enumerate(nodes(concept, "designation")):
        alike = given.get("language") in (None, value.get("language"))
        if display and alike and "use" not in given and given.get("value") != display:
            message = f"nothing tells {quoted(given.get('value'))} from the display"
            yield warning("business-rule", message, *steps, "designation", index)
