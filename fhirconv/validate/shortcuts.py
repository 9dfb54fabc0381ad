"""Objects that show at a glance that they are sound: codings seen before, links within a Bundle."""

from collections.abc import Callable
from typing import Any

from fhirconv.validate.definitions import Element
from fhirconv.validate.scope import Check, Scope

MEMORY = 4096  # codings that are remembered, for each element
# Of a check, and the element whose value it checks: a check that asks it only where it must.
Shortcut = Callable[[Check, Element | None], Check]


def known_codings(check: Check, element: Element | None) -> Check:
    """Return a check that takes a coding that was sound in this element for sound."""
    seen: set[tuple[Any, Any, Any]] = set()

    def quickly(value: Any, scope: Scope) -> Any:
        if type(value) is not dict:
            return check(value, scope)
        system, code, display = value.get("system"), value.get("code"), value.get("display")
        if not (type(system) is str and type(code) is str and type(display) is str):
            return check(value, scope)
        key = (system, code, display)
        if key in seen and len(value) == len(key):
            return None
        found = check(value, scope)
        if not found and len(value) == len(key):
            if len(seen) >= MEMORY:
                seen.clear()
            seen.add(key)
        return found

    return quickly


def plain_links(check: Check, element: Element | None) -> Check:
    """Return a check that lets a bare reference to one entry of the Bundle pass, if of a type."""
    targets = frozenset(element.targets) if element else frozenset()

    def quickly(value: Any, scope: Scope) -> Any:
        index = scope.index
        if index is None or type(value) is not dict or len(value) != 1:
            return check(value, scope)
        reference = value.get("reference")
        found = index.plain.get(reference) if type(reference) is str else None
        if found is None or (targets and found[1] not in targets):
            return check(value, scope)
        index.link(scope.entry, found[0])
        return None

    return quickly


SHORTCUTS: dict[str, Shortcut] = {"Coding": known_codings, "Reference": plain_links}
