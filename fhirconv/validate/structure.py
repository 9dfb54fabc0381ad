"""The walk over a resource: known elements, cardinalities, types, nothing empty."""

from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

from fhirconv.validate import codings, invariants, narrative, references
from fhirconv.validate.definitions import Element, Shape
from fhirconv.validate.scope import Node, Place, Scope, quoted
from fhirconv.validate.values import json_name, value_doubt, value_problem

# What a type asks for beyond its shape, once its children are sound.
Check = Callable[[Node, Scope, Place, Element | None], None]
CHECKS: dict[str, tuple[Check, ...]] = {
    "CodeableConcept": (codings.check_concept,),
    "Coding": (codings.check_coding,),
    "Quantity": (codings.check_quantity,),
    "Reference": (references.check_reference,),
}
ABSENT = object()


def check_resource(value: Any, scope: Scope, at: Place, contained: bool = False) -> None:
    """Check a resource, and each resource in it.

    `scope` is that of the resource around it, or of the whole document.
    """
    name = _resource_type(value, scope, at)
    if not name:
        return
    inner = scope.of_resource(value, at, contained)
    if name == "Bundle":
        inner.index = references.Index(value, at)
    check_object(value, scope.definitions.shape(name), inner, at, None)


def _resource_type(value: Any, scope: Scope, at: Place) -> str:
    """Return the type of a resource, '' where it has none that the release knows."""
    release = scope.definitions.release
    if not isinstance(value, dict):
        scope.error("structure", f"{json_name(value)} stands where a resource belongs", at)
    elif "resourceType" not in value:
        scope.error("structure", "the object has no resourceType, so it is no resource", at)
    elif not scope.definitions.is_resource(value["resourceType"]):
        named = value["resourceType"]
        near = _near(named, scope.definitions.resources) if isinstance(named, str) else ""
        message = f"FHIR {release} has no resource type {quoted(named)}{near}"
        scope.error("structure", message, at)
    else:
        return str(value["resourceType"])
    return ""


def check_object(
    value: Node, shape: Shape, scope: Scope, at: Place, element: Element | None
) -> None:
    """Check an object by its shape: each child, then what is missing, then what spans children."""
    failed: set[str] = set()  # names of children in which an error was found
    for name in value:
        before = len(scope.issues)
        base = _check_child(name, value, shape, scope, at)
        if len(scope.issues) > before and scope.failed_since(before):
            failed.add(base)
    failed |= _missing(value, shape, scope, at)
    failed |= _chosen_twice(value, shape, scope, at)
    if not failed:
        for check in _checks(shape):
            check(value, scope, at, element)
    invariants.check(value, shape, failed, scope, at)


def _checks(shape: Shape) -> tuple[Check, ...]:
    return tuple(check for name in shape.types if name in CHECKS for check in CHECKS[name])


def _check_child(name: str, value: Node, shape: Shape, scope: Scope, at: Place) -> str:
    """Check the child of one name; return its name in FHIRPath."""
    element = shape.elements.get(name)
    if element is None:
        if name != "resourceType" or not shape.is_resource:
            _unknown(name, shape, scope, at)
        return name
    if element.type in scope.definitions.primitives:
        if name == element.name or element.name not in value:  # _name is checked with name
            given = (value.get(element.name, ABSENT), value.get(f"_{element.name}", ABSENT))
            _check_primitives(*given, element, scope, at)
    elif element.many:
        _check_list(value[name], element, scope, at)
    else:
        _check_complex(value[name], element, scope, at.child(element.step))
    return element.base


def _unknown(name: str, shape: Shape, scope: Scope, at: Place) -> None:
    near = _near(name, shape.elements)
    message = (
        f"{shape.name} has no element {quoted(name)} in FHIR {scope.definitions.release}{near}"
    )
    scope.error("structure", message, at.child(name))


def _near(name: str, known: Any) -> str:
    """Return the known names that are nearest to an unknown one, or all, in brackets."""
    names = sorted(n for n in known if not n.startswith("_"))
    near = get_close_matches(name, names, 3)
    listed = near or (names if len(names) <= 40 else [])
    return f" ({'nearest' if near else 'known'}: {', '.join(listed)})" if listed else ""


def _check_list(value: Any, element: Element, scope: Scope, at: Place) -> None:
    if _is_array(value, element, scope, at):
        for index, item in enumerate(value):
            _check_complex(item, element, scope, at.child(element.step, index))


def _is_array(value: Any, element: Element, scope: Scope, at: Place) -> bool:
    """Check that a repeating element is an array of the right length."""
    place = at.child(element.step)
    if not isinstance(value, list):
        found = _found(value)
        scope.error("structure", f"{element.base} is an array of values, found {found}", place)
    elif not value:
        scope.error("structure", f"{element.base} is an empty array: leave it out", place)
    elif element.high is not None and len(value) > element.high:
        message = f"{element.base} has {len(value)} values, at most {element.high} are allowed"
        scope.error("structure", message, place)
    else:
        return True
    return False


def _found(value: Any) -> str:
    shown = json_name(value)
    return shown if isinstance(value, (dict, list, type(None))) else f"{shown} {quoted(value)}"


def _check_complex(value: Any, element: Element, scope: Scope, at: Place) -> None:
    """Check one value of an element that has children."""
    if not isinstance(value, dict):
        found = _found(value)
        scope.error("structure", f"{element.base} is an object ({element.type}), found {found}", at)
    elif not value:
        scope.error("structure", f"{element.base} is an empty object: leave it out", at)
    elif element.type == "Resource":
        check_resource(value, scope, at, contained=element.name == "contained")
    elif value.keys() <= {"id"}:
        message = f"{element.base} holds nothing but an id (ele-1)"
        scope.error("invariant", message, at)
    else:
        check_object(value, scope.definitions.shape_of(element), scope, at, element)


def _check_primitives(given: Any, extended: Any, element: Element, scope: Scope, at: Place) -> None:
    """Check the value or values of a primitive element, and the extensions beside them."""
    if not element.many:
        _check_primitive(given, extended, element, scope, at.child(element.step))
        return
    arrays = [value for value in (given, extended) if value is not ABSENT]
    if not all(_is_array(value, element, scope, at) for value in arrays):
        return
    for index in range(max(map(len, arrays))):
        here, beside = (
            value[index] if value is not ABSENT and index < len(value) else None
            for value in (given, extended)
        )
        place = at.child(element.step, index)
        if here is None and beside is None:
            scope.error("structure", f"{element.base} holds null, which is no value", place)
            continue
        nothing = (ABSENT if here is None else here, ABSENT if beside is None else beside)
        _check_primitive(*nothing, element, scope, place)


def _check_primitive(given: Any, extended: Any, element: Element, scope: Scope, at: Place) -> None:
    """Check one primitive value and the object beside it that holds its id and extensions."""
    if given is not ABSENT:
        _check_value(given, element, scope, at)
    if extended is ABSENT:
        return
    if not isinstance(extended, dict) or not extended:
        message = f"_{element.name} is an object with an id or extensions, found {_found(extended)}"
        scope.error("structure", message, at)
    elif given is ABSENT and extended.keys() <= {"id"}:
        message = f"{element.base} has neither a value nor an extension (ele-1)"
        scope.error("invariant", message, at)
    else:
        check_object(extended, scope.definitions.shape("Element"), scope, at, None)


def _check_value(value: Any, element: Element, scope: Scope, at: Place) -> None:
    if value is None:
        scope.error("structure", f"{element.base} is null: leave the element out", at)
        return
    primitive = scope.definitions.primitives[element.type]
    problem = value_problem(value, primitive)
    if problem:
        scope.error("value", f"{element.base}: {problem}", at)
    elif element.type == "xhtml":
        narrative.check(value, scope, at)
    elif element.codes:
        codings.check_word(value, element, scope, at)
    else:
        doubt = value_doubt(value, primitive)
        if doubt:
            scope.warn("value", f"{element.base}: {doubt}", at)


def _missing(value: Node, shape: Shape, scope: Scope, at: Place) -> set[str]:
    """Report each required element that is not there; return their names."""
    missing = {base for base in shape.required if not shape.has(value, base)}
    for base in shape.required:
        if base in missing:
            names = [n for n in shape.names[base] if not n.startswith("_")]
            asked = f" ({', '.join(names)})" if names != [base] and len(names) < 12 else ""
            scope.error("required", f"{shape.name} lacks {base}{asked}, which is required", at)
    return missing


def _chosen_twice(value: Node, shape: Shape, scope: Scope, at: Place) -> set[str]:
    """Report each choice that is made twice; return their names."""
    twice: set[str] = set()
    for base in shape.choices:
        found = [n for n in shape.names[base] if n in value]
        types = {n.removeprefix("_") for n in found}
        if len(types) > 1:
            message = f"{base}[x] has one type, found {' and '.join(sorted(types))}"
            scope.error("structure", message, at.child(base))
            twice.add(base)
    return twice
