"""The rules that span several children of a type: HL7's, and those of invariants.csv."""

from collections.abc import Callable, Iterator

from fhirconv.errors import TableError
from fhirconv.validate import bundles, rules
from fhirconv.validate.definitions import Definitions, Element, Invariant, Shape
from fhirconv.validate.scope import Check, Node, Problem, Scope

Function = Callable[[rules.Case], Iterator[rules.Finding]]
RULES: dict[str, Function] = {**rules.RULES, **bundles.RULES}

# The children that a rule is about (None: it may look at any), and its check.
Rule = tuple[frozenset[str] | None, Check]


def rules_of(
    shape: Shape | None, element: Element | None, definitions: Definitions
) -> tuple[Rule, ...]:
    """Return the rules of a type at one element; `shape` is None for a primitive."""
    if shape is None:
        return ()
    return tuple(_row_rule(row, shape, element) for row in shape.invariants)


def _row_rule(row: Invariant, shape: Shape, element: Element | None) -> Rule:
    """Return the rule of a row, which decides by itself."""
    function = _function(row)

    def check(value: Node, scope: Scope) -> list[Problem]:
        return list(_findings(row, function, rules.Case(value, row, shape, scope, element)))

    return frozenset(row.elements), check


def _findings(row: Invariant, function: Function, case: rules.Case) -> Iterator[Problem]:
    for place, detail in function(case):
        message = f"{row.sentence}: {detail} ({row.key})"
        yield Problem(row.severity, "invariant", message, place.steps)


def _function(row: Invariant) -> Function:
    found = RULES.get(row.rule)
    if found is None:
        known = ", ".join(sorted(RULES))
        raise TableError(f"no rule is called {row.rule!r} (known: {known})", row.origin)
    return found
