"""The check of a primitive value: what was once seen to be right is not looked at again."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fhirconv.validate import narrative
from fhirconv.validate.codings import word_problem
from fhirconv.validate.definitions import Element, Primitive
from fhirconv.validate.plain import is_plain
from fhirconv.validate.scope import Check, Problem, Scope, error, nodes, quoted, warning
from fhirconv.validate.values import LONGEST, value_doubt, value_problem

if TYPE_CHECKING:
    from fhirconv.validate.engine import Engine

MEMORY, SHORT = 4096, 256  # values, and characters of one, that are remembered
TEXTS = ("text",)  # the check of primitives.csv whose values seldom come twice


def primitive_check(element: Element, engine: "Engine") -> Check:
    """Return the check of one value of a primitive element."""
    primitive = engine.definitions.primitives[element.type]
    slow = _slowly(element, primitive)
    if element.codes:
        codes = engine.definitions.value_sets.find(element.codes)
        return _among(codes.all, slow) if codes and not codes.open else slow
    if primitive.json == "boolean":
        return _boolean(slow)
    if element.type == "canonical":
        return _local(_remembering(slow, engine.seen(element.type)), element)
    return _by_form(element, primitive, slow, engine)


def _by_form(element: Element, primitive: Primitive, slow: Check, engine: "Engine") -> Check:
    """Return the check of a value that only its type says how to write."""
    if element.type == "xhtml":
        return _narrative(slow)
    if primitive.json == "string":
        known = engine.seen(element.type)
        return _text(slow) if primitive.check in TEXTS else _remembering(slow, known)
    if primitive.json == "integer" and primitive.range:
        return _integer(*primitive.range, slow)
    return slow


def _remembering(slow: Check, known: set[str]) -> Check:
    """Return a check that takes a text that was right in this type for right."""

    def check(value: Any, scope: Scope) -> Any:
        if type(value) is str and value in known:
            return None
        found = slow(value, scope)
        if not found and type(value) is str and len(value) <= SHORT:
            if len(known) >= MEMORY:
                known.clear()
            known.add(value)
        return found

    return check


def _local(one: Check, element: Element) -> Check:
    """Return a check that a canonical such as #vs names a contained resource."""

    def check(value: Any, scope: Scope) -> Any:
        if type(value) is not str or not value.startswith("#"):
            return one(value, scope)
        contained = nodes(scope.container or scope.resource, "contained")
        if any(resource.get("id") == value[1:] for resource in contained):
            return None
        message = f"{element.base}: no contained resource has the id of {quoted(value)}"
        return [error("not-found", message)]

    return check


def _among(codes: frozenset[str], slow: Check) -> Check:
    def check(value: Any, scope: Scope) -> Any:
        return None if type(value) is str and value in codes else slow(value, scope)

    return check


def _narrative(slow: Check) -> Check:
    def check(value: Any, scope: Scope) -> Any:
        plain = type(value) is str and is_plain(value, scope.resource.get("language"))
        return None if plain else slow(value, scope)

    return check


def _boolean(slow: Check) -> Check:
    def check(value: Any, scope: Scope) -> Any:
        return None if value is True or value is False else slow(value, scope)

    return check


def _text(slow: Check) -> Check:
    """Return the check of a text: of printable characters, and not only of spaces."""

    def check(value: Any, scope: Scope) -> Any:
        plain = type(value) is str and value.isprintable() and 0 < len(value) <= LONGEST
        return None if plain and not value.isspace() else slow(value, scope)

    return check


def _integer(low: int, high: int, slow: Check) -> Check:
    def check(value: Any, scope: Scope) -> Any:
        return None if type(value) is int and low <= value <= high else slow(value, scope)

    return check


def _slowly(element: Element, primitive: Primitive) -> Callable[[Any, Scope], list[Problem]]:
    """Return the check that finds every problem, and words it."""

    def check(value: Any, scope: Scope) -> list[Problem]:
        if value is None:
            return [error("structure", f"{element.base} is null: leave the element out")]
        problem = value_problem(value, primitive)
        if problem:
            return [error("value", f"{element.base}: {problem}")]
        if element.type == "xhtml":
            return narrative.problems(value, scope)
        if element.codes:
            found = word_problem(value, element, scope)
            return [found] if found else []
        doubt = value_doubt(value, primitive)
        return [warning("value", f"{element.base}: {doubt}")] if doubt else []

    return check
