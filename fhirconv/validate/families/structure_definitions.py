"""StructureDefinitions: a differential names elements of its base, in their order, and narrows."""

from collections.abc import Iterator
from math import inf
from typing import Any

from fhirconv.validate.families.base_elements import Bases
from fhirconv.validate.scope import Node, Problem, Scope, error, nodes, quoted, warning

CONSTRAINT, SPECIALIZATION, LOGICAL = "constraint", "specialization", "logical"
KIND = "StructureDefinition"
UNBOUNDED = "*"


def structure_definition(value: Node, scope: Scope) -> Iterator[Problem]:
    """Check a StructureDefinition (structuredefinition.html, profiling.html)."""
    url = value.get("baseDefinition")
    base = scope.definitions.find(KIND, url) if isinstance(url, str) else None
    yield from _kinds(value, base, scope)
    if isinstance(url, str) and base is None:
        message = f"the base {quoted(url)} is not known, so nothing can be compared with it"
        yield warning("not-found", message, "baseDefinition")
    yield from _roots(value)
    yield from _extension_url(value)
    yield from _contexts(value, scope)
    if base is not None and value.get("derivation") == CONSTRAINT and _alike(value, base):
        yield from _differential(value, Bases(base, scope.definitions))


def _alike(value: Node, base: Node) -> bool:
    return bool(value.get("type") == base.get("type"))


def _kinds(value: Node, base: Node | None, scope: Scope) -> Iterator[Problem]:
    """Hold that type, kind and derivation agree with those of the base."""
    derivation, kind, named = (value.get(n) for n in ("derivation", "kind", "type"))
    if value.get("baseDefinition") is not None and derivation is None:
        yield error("required", "what has a base has a derivation")
    if not isinstance(named, str):
        return
    known = scope.definitions.is_type(named)
    if derivation == CONSTRAINT and base is not None:
        if named != base.get("type"):
            message = f"the type is {named}, that of the base which is constrained {base['type']}"
            yield error("business-rule", message, "type")
        if kind != base.get("kind") and base.get("kind") is not None:
            message = f"the kind is {quoted(kind)}, that of the base {base['kind']}"
            yield error("business-rule", message, "kind")
    elif derivation == SPECIALIZATION and ":" not in named and kind != LOGICAL:
        own = scope.definitions.find(KIND, str(value.get("url")))
        if known and (own is None or own.get("type") != named):
            message = f"{named} is a type of FHIR, it can be constrained only"
            yield error("business-rule", message, "type")
        elif not known and own is None:
            message = f"{quoted(named)} is no type of FHIR: a type of one's own is a URL"
            yield error("value", message, "type")


def _roots(value: Node) -> Iterator[Problem]:
    """Hold that every path begins with the type."""
    named = value.get("type")
    if not isinstance(named, str):
        return
    root = named.rpartition("/")[2].partition(".")[0]
    for part in ("differential", "snapshot"):
        holder = value.get(part)
        for index, element in enumerate(
            nodes(holder, "element") if isinstance(holder, dict) else ()
        ):
            path = element.get("path")
            if isinstance(path, str) and path.partition(".")[0] != root and ":" not in named:
                message = f"the path {quoted(path)} does not begin with the type {root}"
                yield error("value", message, part, "element", index, "path")


def _extension_url(value: Node) -> Iterator[Problem]:
    """Hold that an extension fixes its url to the URL of its definition."""
    if value.get("type") != "Extension" or value.get("derivation") != CONSTRAINT:
        return
    holder = value.get("snapshot") or value.get("differential")
    listed = nodes(holder, "element") if isinstance(holder, dict) else []
    fixed = [e.get("fixedUri") for e in listed if e.get("path") == "Extension.url"]
    found = next((f for f in fixed if f is not None), None)
    if found is None and listed:
        yield error("business-rule", f"Extension.url is not fixed to {value.get('url')}")
    elif found is not None and found != value.get("url"):
        message = (
            f"Extension.url is fixed to {quoted(found)}, the URL is {quoted(value.get('url'))}"
        )
        yield error("business-rule", message)


def _contexts(value: Node, scope: Scope) -> Iterator[Problem]:
    """Hold that only an extension has contexts, and that these are elements."""
    contexts = nodes(value, "context")
    if contexts and value.get("type") != "Extension":
        yield error(
            "business-rule", f"a {value.get('type')} has no context of an extension", "context"
        )
        return
    for index, context in enumerate(contexts):
        path = context.get("expression")
        element = context.get("type") == "element" and isinstance(path, str)
        if element and not _is_element(str(path).rpartition("#")[2], scope):
            message = f"{quoted(path)} is no element"
            yield error("not-found", message, "context", index, "expression")


def _is_element(path: str, scope: Scope) -> bool:
    """Say whether a path is one of the release; what is of no known type may be one of a model."""
    name, dot, _ = path.partition(".")
    known = scope.definitions
    if not dot or not known.is_type(name):
        return True
    return Bases(known.structure(name), known).find(path) is not None


def _differential(value: Node, bases: Bases) -> Iterator[Problem]:
    """Check each element of the differential against that of the base."""
    holder = value.get("differential")
    elements = nodes(holder, "element") if isinstance(holder, dict) else []
    sliced = {e.get("path") for e in elements if "slicing" in e}
    last = -1
    for index, element in enumerate(elements):
        path = element.get("path")
        if not isinstance(path, str) or path.partition(".")[0] != bases.root:
            continue
        found = list(_element(element, path, sliced, bases))
        place = bases.order(path)
        if place is not None and place < last:
            message = f"{quoted(path)} stands behind elements that follow it in the base"
            found.append(error("structure", message, "path"))
        last = last if place is None else place
        for problem in found:
            problem.steps.extend((index, "element", "differential"))
            yield problem


def _element(element: Node, path: str, sliced: set[Any], bases: Bases) -> Iterator[Problem]:
    base = bases.find(path)
    if base is None:
        yield error("not-found", f"{bases.name} has no element {quoted(path)}", "path")
        return
    if "sliceName" in element and not _may_slice(path, base, sliced):
        message = f"the slice {quoted(element['sliceName'])} stands, but {path} is not sliced"
        yield error("structure", message, "sliceName")
    if "." not in path and "slicing" in element:
        yield error("structure", "the root of a structure cannot be sliced", "slicing")
    yield from _cardinality(element, base, path)
    yield from _types(element, base, path, bases)


def _may_slice(path: str, base: Node, sliced: set[Any]) -> bool:
    name = path.rpartition(".")[2]
    implied = name in ("extension", "modifierExtension") or base["path"].endswith("[x]")
    return implied or path in sliced or "slicing" in base or "." not in path


def _cardinality(element: Node, base: Node, path: str) -> Iterator[Problem]:
    """Hold that a cardinality is within that of the base (profiling.html#cardinality)."""
    low, high = element.get("min"), element.get("max")
    least, most = base.get("min", 0), str(base.get("max", UNBOUNDED))
    plain = "sliceName" not in element and ":" not in str(element.get("id"))
    if isinstance(low, int) and plain and low < least:
        yield error("business-rule", f"{path}: min is {low}, that of the base {least}", "min")
    if isinstance(high, str) and _most(high) > _most(most):
        yield error("business-rule", f"{path}: max is {high}, that of the base {most}", "max")


def _most(high: str) -> float:
    """Return how many values a maximum allows."""
    return float(high) if high.isdigit() and len(high) < 10 else inf


def _types(element: Node, base: Node, path: str, bases: Bases) -> Iterator[Problem]:
    """Hold that types are among those of the base, and fixed values of one of them."""
    allowed = [t.get("code") for t in nodes(base, "type")]
    for index, given in enumerate(nodes(element, "type")):
        code = given.get("code")
        if allowed and isinstance(code, str) and not bases.narrows(code, allowed):
            listed = ", ".join(sorted(str(a) for a in allowed)[:8])
            message = f"{path}: the type {quoted(code)} is none of the base ({listed})"
            yield error("business-rule", message, "type", index, "code")
        yield from _targets(given, base, path, index, bases)
    own = [t.get("code") for t in nodes(element, "type")] or allowed
    for name in element:
        way = next((w for w in ("fixed", "pattern") if name.startswith(w)), "")
        kind = name.removeprefix(way)
        if way and kind and own and not _is_of(kind, own) and "http" not in str(own[0]):
            listed = ", ".join(sorted(str(o) for o in own)[:8])
            yield error("business-rule", f"{path}: {name} is a value of none of: {listed}", name)


def _is_of(kind: str, codes: list[Any]) -> bool:
    wanted = {str(code)[:1].upper() + str(code)[1:] for code in codes}
    return kind in wanted or (kind == "Quantity" and "SimpleQuantity" in wanted)


def _targets(given: Node, base: Node, path: str, index: int, bases: Bases) -> Iterator[Problem]:
    """Hold that a reference leads to what that of the base may lead to."""
    of_base = [t for t in nodes(base, "type") if t.get("code") == given.get("code")]
    wanted = [u for t in of_base for u in t.get("targetProfile") or () if isinstance(u, str)]
    targets = given.get("targetProfile")
    for number, url in enumerate(targets if isinstance(targets, list) else ()):
        if wanted and isinstance(url, str) and not bases.leads(url, wanted):
            listed = ", ".join(w.rpartition("/")[2] for w in wanted[:8])
            message = f"{path}: {quoted(url)} is no target of the base ({listed})"
            yield error("business-rule", message, "type", index, "targetProfile", number)
