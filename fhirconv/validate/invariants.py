"""The rules that span several children of a type: which stand in invariants.csv, how in code."""

from collections.abc import Callable, Iterator

from fhirconv.errors import TableError
from fhirconv.validate import bundles, rules
from fhirconv.validate.definitions import Invariant, Shape
from fhirconv.validate.scope import Node, Place, Scope

Rule = Callable[[rules.Case], Iterator[rules.Finding]]
RULES: dict[str, Rule] = {**rules.RULES, **bundles.RULES}


def check(value: Node, shape: Shape, failed: set[str], scope: Scope, at: Place) -> None:
    """Check the rules of a type, but not those on children that are wrong in themselves."""
    for invariant in shape.invariants:
        if failed and not failed.isdisjoint(invariant.elements):
            continue
        for place, detail in _rule(invariant)(rules.Case(value, invariant, shape, scope, at)):
            message = f"{invariant.sentence}: {detail} ({invariant.key})"
            scope.report(invariant.severity, "invariant", message, place)


def _rule(invariant: Invariant) -> Rule:
    found = RULES.get(invariant.rule)
    if found is None:
        known = ", ".join(sorted(RULES))
        raise TableError(f"no rule is called {invariant.rule!r} (known: {known})", invariant.origin)
    return found
