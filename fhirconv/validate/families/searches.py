"""Bundles as results of a search, documents and messages: links, entries, what must be there."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

from fhirconv.validate.references import Index
from fhirconv.validate.scope import Node, Problem, Scope, error, nodes, quoted, warning

SEARCH, DOCUMENT, MESSAGE = "searchset", "document", "message"
PAGES = ("first", "previous", "prev", "next", "last")
PAGED = (SEARCH, "history")
OUTCOME = "OperationOutcome"
# What a document must hold, of those that its Composition refers to; [] goes through an array.
HELD = ("subject", "encounter", "author", "custodian", "attester.party", "event.detail")
IN_SECTION = ("author", "focus", "entry")


def bundle(value: Node, scope: Scope) -> Iterator[Problem]:
    """Check what the type of a Bundle asks for (bundle.html, documents.html, messaging.html)."""
    kind = value.get("type")
    yield from _links(value, kind)
    if kind == SEARCH:
        yield from _searched(value, scope)
    elif kind in (DOCUMENT, MESSAGE) and scope.index is not None:
        if not scope.index.entries:
            yield error("required", f"a {kind} has at least one entry")
        yield from _held(scope.index, kind)


def _links(value: Node, kind: object) -> Iterator[Problem]:
    """Hold that a relation stands once in a search, and that pages are those of a search."""
    seen: set[Any] = set()
    for index, link in enumerate(nodes(value, "link")):
        relation = link.get("relation")
        if kind not in PAGED and relation in PAGES:
            message = f"the link {quoted(relation)} is of a search or a history, not of a {kind}"
            yield error("business-rule", message, "link", index, "relation")
        elif kind == SEARCH and relation in seen and relation in (*PAGES, "self"):
            message = f"the link {quoted(relation)} stands before"
            yield error("duplicate", message, "link", index)
        seen.add(relation)


def _searched(value: Node, scope: Scope) -> Iterator[Problem]:
    """Hold that the entries of a search set are of the types that were searched, and named."""
    own = next((x.get("url") for x in nodes(value, "link") if x.get("relation") == "self"), None)
    types = _types(own, scope) if isinstance(own, str) else frozenset()
    for index, entry in enumerate(nodes(value, "entry")):
        for problem in _result(entry, types):
            problem.steps.extend((index, "entry"))
            yield problem


def _types(url: str, scope: Scope) -> frozenset[str]:
    """Return the types that the URL of a search asks for; none where it does not tell."""
    path, _, query = url.partition("?")
    asked = [v for name, v in parse_qsl(query) if name == "_type"]
    named = asked[0].split(",") if asked else [path.rstrip("/").rpartition("/")[2]]
    return frozenset(name for name in named if scope.definitions.is_resource(name))


def _result(entry: Node, types: frozenset[str]) -> Iterator[Problem]:
    resource, search = entry.get("resource"), entry.get("search")
    mode = search.get("mode") if isinstance(search, dict) else None
    if not isinstance(resource, dict):
        yield error("required", "an entry of a search set holds a resource")
        return
    kind = resource.get("resourceType")
    if mode == "outcome" and kind != OUTCOME:
        yield error("business-rule", f"an outcome is an {OUTCOME}, not a {kind}", "resource")
    if kind == OUTCOME:
        return
    if "id" not in resource:
        tell = error if types else warning
        yield tell("required", f"the {kind} that was found has no id", "resource")
    if types and kind not in types and mode in (None, "match"):
        message = f"the search is for {' or '.join(sorted(types))}, a {kind} was found"
        yield error("business-rule", message, "resource")


def _held(index: Index, kind: str) -> Iterator[Problem]:
    """Hold that a document, or a message, holds what its first entry refers to."""
    first = index.entries[0].get("resource") if index.entries else None
    if not isinstance(first, dict):
        return
    listed = _composed(first) if kind == DOCUMENT else _focus(first)
    for reference, steps in listed:
        if reference.startswith("#"):
            continue
        found = index.find(reference, index.entries[0])
        if not found:
            message = f"the {kind} does not hold {quoted(reference)}"
            yield error("not-found", message, "entry", 0, "resource", *steps)


Steps = tuple[str | int, ...]


def _composed(composition: Node) -> Iterator[tuple[str, Steps]]:
    """Yield the references of a Composition that its document holds."""
    for path in HELD:
        yield from _referred(composition, path.split("."), ())
    ahead: list[tuple[Node, Steps]] = [(composition, ())]
    while ahead:
        holder, steps = ahead.pop()
        for index, section in enumerate(nodes(holder, "section")):
            place = (*steps, "section", index)
            ahead.append((section, place))
            for name in IN_SECTION:
                yield from _referred(section, [name], place)


def _focus(header: Node) -> Iterator[tuple[str, Steps]]:
    """Yield the references of a MessageHeader that its message holds."""
    yield from _referred(header, ["focus"], ())


def _referred(value: Any, names: list[str], steps: Steps) -> Iterator[tuple[str, Steps]]:
    """Yield the references at the end of some names, through arrays, with their steps."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _referred(item, names, (*steps, index))
    elif isinstance(value, dict) and names:
        yield from _referred(value.get(names[0]), names[1:], (*steps, names[0]))
    elif isinstance(value, dict) and isinstance(value.get("reference"), str):
        yield value["reference"], (*steps, "reference")
