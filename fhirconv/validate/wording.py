"""What is said of a resource that is not shaped as its type asks; nothing is asked here."""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from fhirconv.validate.definitions import Element, Shape
from fhirconv.validate.scope import Problem, error, quoted
from fhirconv.validate.values import json_name

SHORT = 40  # names that a message lists


def no_resource(value: Any, resources: Iterable[str], release: str) -> Problem:
    """Say why a value is no resource of a release."""
    if not isinstance(value, dict):
        return error("structure", f"{json_name(value)} stands where a resource belongs")
    if "resourceType" not in value:
        return error("structure", "the object has no resourceType, so it is no resource")
    named = value["resourceType"]
    near = nearest(named, resources) if isinstance(named, str) else ""
    return error("structure", f"FHIR {release} has no resource type {quoted(named)}{near}")


def unknown(name: str, shape: Shape, release: str) -> Problem:
    """Say that a type has no such element."""
    near = nearest(name, shape.elements)
    message = f"{shape.name} has no element {quoted(name)} in FHIR {release}{near}"
    return error("structure", message, name)


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the known names that are nearest to an unknown one, or all, in brackets."""
    names = sorted(n for n in known if not n.startswith("_"))
    near = get_close_matches(name[:SHORT], names, 3)
    listed = near or (names if len(names) <= SHORT else [])
    return f" ({'nearest' if near else 'known'}: {', '.join(listed)})" if listed else ""


def array_problem(value: Any, element: Element) -> Problem | None:
    """Say why a value is no array of the right length; None where it is one."""
    if not isinstance(value, list):
        found = _found(value)
        return error("structure", f"{element.base} is an array of values, found {found}")
    if not value:
        return error("structure", f"{element.base} is an empty array: leave it out")
    if element.high is not None and len(value) > element.high:
        message = f"{element.base} has {len(value)} values, at most {element.high} are allowed"
        return error("structure", message)
    return None


def no_object(value: Any, element: Element) -> Problem:
    """Say why a value is no object with content."""
    if not isinstance(value, dict):
        found = _found(value)
        message = f"{element.base} is an object ({element.type}), found {found}"
        return error("structure", message)
    if not value:
        return error("structure", f"{element.base} is an empty object: leave it out")
    return error("invariant", f"{element.base} holds nothing but an id (ele-1)")


def missing(shape: Shape, base: str) -> Problem:
    """Say that a required element is not there."""
    names = [n for n in shape.names[base] if not n.startswith("_")]
    asked = f" ({', '.join(names)})" if names != [base] and len(names) < 12 else ""
    return error("required", f"{shape.name} lacks {base}{asked}, which is required")


def chosen_twice(value: Mapping[str, Any], base: str, names: Sequence[str]) -> Problem | None:
    """Say that a choice is made twice; None where it is not."""
    types = sorted({n.removeprefix("_") for n in names if n in value})
    if len(types) < 2:
        return None
    return error("structure", f"{base}[x] has one type, found {' and '.join(types)}", base)


def no_extension(extended: Any, given: bool, element: Element) -> Problem | None:
    """Say why what stands beside a primitive is no object with an id or extensions."""
    if not isinstance(extended, dict) or not extended:
        found = _found(extended)
        message = f"_{element.name} is an object with an id or extensions, found {found}"
        return error("structure", message)
    if not given and extended.keys() <= {"id"}:
        message = f"{element.base} has neither a value nor an extension (ele-1)"
        return error("invariant", message)
    return None


def _found(value: Any) -> str:
    shown = json_name(value)
    return shown if isinstance(value, (dict, list, type(None))) else f"{shown} {quoted(value)}"
