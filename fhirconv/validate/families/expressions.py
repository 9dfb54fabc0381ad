"""FHIRPath in resources: can it be read, and are the elements that it names there."""

from typing import Any

from fhirconv.fhirpath.parser import FhirpathError, Tree, parsed
from fhirconv.validate.definitions import Definitions
from fhirconv.validate.scope import quoted

LONGEST = 20_000  # characters
Types = frozenset[str] | None  # the shapes that a step may lead to; None: not known


def expression_problem(text: Any, bases: tuple[str, ...], definitions: Definitions) -> str:
    """Say what is wrong with an expression on resources of some types, '' where nothing is.

    Only plain steps from the name of a type are followed; behind a function all is allowed.
    """
    if not isinstance(text, str) or len(text) > LONGEST:
        return ""
    try:
        tree = parsed(text)
        _followed(tree, frozenset(bases) or None, definitions)
    except (FhirpathError, RecursionError) as problem:
        return f"{quoted(text)} is no FHIRPath here: {problem}"
    return ""


def _followed(tree: Tree, types: Types, definitions: Definitions) -> Types:
    """Return the types that an expression leads to; raises FhirpathError for an unknown step."""
    if tree.kind == "dot":
        left, right = tree.below
        reached = _followed(left, types, definitions)
        if right.kind == "member":
            return _stepped(right.value, reached, definitions)
        return reached if right.kind == "call" and right.value == "where" else None
    if tree.kind == "member":
        return _named(tree.value, types, definitions)
    for below in tree.below if tree.kind in ("binary", "index") else ():
        _followed(below, types, definitions)
    return None


def _named(name: str, types: Types, definitions: Definitions) -> Types:
    """Return what the first name of an expression leads to: a type, or an element of one."""
    if definitions.is_resource(name):
        return frozenset((name,))
    return None if definitions.is_type(name) else _stepped(name, types, definitions)


def _stepped(name: str, types: Types, definitions: Definitions) -> Types:
    """Return what an element of some types leads to; raises FhirpathError where none has it."""
    if types is None:
        return None
    found: set[str] = set()
    has = False
    for kind in types:
        if kind in definitions.primitives or kind == "Resource":
            return None
        shape = definitions.shape(kind)
        for json_name in shape.names.get(name, ()):
            element = shape.elements[json_name]
            has = True
            found.add(element.shape or element.type)
    if not has:
        listed = ", ".join(sorted(types))
        raise FhirpathError(f"{listed} has no element {name!r}")
    return frozenset(found)
