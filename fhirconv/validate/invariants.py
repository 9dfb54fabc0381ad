"""The rules that span several children of a type: HL7's, and those of invariants.csv."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from fhirconv.errors import TableError
from fhirconv.fhirpath import FhirpathError, Predicate, predicate
from fhirconv.validate import bundles, rules
from fhirconv.validate.definitions import Constraint, Element, Invariant, Shape
from fhirconv.validate.errata import rule_meant
from fhirconv.validate.paths import world_of
from fhirconv.validate.scope import Check, Node, Problem, Scope, Waiting

if TYPE_CHECKING:
    from fhirconv.validate.engine import Engine

Function = Callable[[rules.Case], Iterator[rules.Finding]]
RULES: dict[str, Function] = {**rules.RULES, **bundles.RULES}

# The children that a rule is about (None: it may look at any), and its check.
Rule = tuple[frozenset[str] | None, Check]

# Rules of HL7 that a check of references or of narratives holds, and words better.
ELSEWHERE = frozenset({"ref-1", "txt-1", "txt-2"})
# When a rule has nothing to say, so that it need not be asked: where its text was right before,
# where one of its elements is there, where not all of them are, where the first is not, where
# none is.
ONCE = frozenset({"absolute", "absolute_url"})
IF_THERE = frozenset({"narrated"})
UNLESS_ALL = frozenset(
    "ordered codes_exclude codes_both component_code absolute_value digest length".split()
)
UNLESS_FIRST = frozenset("coded codes_need".split())
# Rules that are broken by which of their elements are there, whatever they hold.
PRESENCE: dict[str, Callable[[list[bool]], bool]] = {
    "any_of": lambda there: not any(there),
    "at_most_one": lambda there: sum(there) > 1,
    "none_of": any,
    "exactly_one": lambda there: sum(there) != 1,
    "needs_any": lambda there: there[0] and not any(there[1:]),
    "needs_all": lambda there: there[0] and not all(there[1:]),
}
IF_ABSENT = frozenset(rules.RULES) - IF_THERE - PRESENCE.keys() - {"all_or_extension"}


def rules_of(shape: Shape | None, element: Element | None, engine: "Engine") -> tuple[Rule, ...]:
    """Return the rules of a type at one element; `shape` is None for a primitive.

    A row of the table is the plain function of its rule; FHIRPath tells the other rules of HL7.
    """
    rows = shape.invariants if shape else ()
    found = [_row_rule(row, shape, element) for row in rows if shape]
    listed = (*(shape.constraints if shape else ()), *(element.constraints if element else ()))
    told = ELSEWHERE.union(row.key for row in rows)
    kind = shape.name if shape else element.type if element else ""
    constraints = {c.key: c for c in listed if c.key not in told}
    judged = (_judged(constraint, kind, engine) for constraint in constraints.values())
    return (*found, *((None, check) for check in judged if check is not None))


def _judged(constraint: Constraint, kind: str, engine: "Engine") -> Check | None:
    """Return the check of a rule in FHIRPath; None where it cannot be read."""
    holds = _predicate(constraint.expression, kind, engine)
    if holds is None:
        return None

    def check(value: Any, scope: Scope) -> list[Problem] | None:
        try:
            # Empty is a fault, as for HL7's validator: a rule holds where it says true.
            return None if holds(value, scope) is True else [_problem(constraint)]
        except FhirpathError:  # what is here does not tell
            return None

    return check


def _problem(constraint: Constraint) -> Problem:
    message = f"{constraint.sentence.rstrip('. ')} ({constraint.key})"
    problem = Problem(constraint.severity, "invariant", message)
    problem.rule, problem.vague = constraint.key, True
    return problem


def _predicate(expression: str, kind: str, engine: "Engine") -> Predicate | None:
    """Return the compiled predicate; None where the expression is none that can be read."""
    model = engine.paths
    try:
        meant = rule_meant(expression, engine.definitions)
        return predicate(meant, kind, model, lambda v, scope: world_of(v, kind, model, scope))
    except FhirpathError:
        return None


def _row_rule(row: Invariant, shape: Shape, element: Element | None) -> Rule:
    """Return the rule of a row, asked only where it may have something to say."""
    function = _function(row)

    def run(value: Node, scope: Scope) -> list[Problem]:
        return list(_findings(row, function, rules.Case(value, row, shape, scope, element)))

    return frozenset(row.elements), _guarded(row, shape, run)


def _guarded(row: Invariant, shape: Shape, run: Check) -> Check:
    """Return the check of a row behind the quickest question that may save it."""
    if row.rule in bundles.QUIET:
        return _unless(bundles.QUIET[row.rule], run)
    if row.rule in ONCE:
        return _unless_seen(row.elements[0], run)
    parts = [frozenset(shape.names.get(element, ())) for element in row.elements]
    if row.rule in IF_THERE:
        any_of = frozenset[str]().union(*parts)
        return Waiting(any_of.isdisjoint, run)
    if row.rule in PRESENCE and all(parts):
        says = PRESENCE[row.rule]
        return Waiting(lambda names: says([not p.isdisjoint(names) for p in parts]), run)
    if row.rule == "absolute_value":
        run = _unless(partial(_is_absolute, row.elements, row.values), run)
    return _unless_absent(row, parts, run) if all(parts) and row.rule in IF_ABSENT else run


MEMORY = 4096  # texts that are remembered as right


def _unless_seen(name: str, run: Check) -> Check:
    seen: set[str] = set()

    def check(value: Any, scope: Scope) -> Any:
        text = value.get(name)
        if text is None or (type(text) is str and text in seen):
            return None
        found = run(value, scope)
        if not found and isinstance(text, str):
            if len(seen) >= MEMORY:
                seen.clear()
            seen.add(text)
        return found

    return Waiting(lambda names: name in names, check)


def _unless(quiet: Callable[[Node], bool], run: Check) -> Check:
    def check(value: Any, scope: Scope) -> Any:
        return None if quiet(value) else run(value, scope)

    return check


def _is_absolute(names: tuple[str, ...], values: tuple[str, ...], value: Node) -> bool:
    """Say whether a value that must be an absolute URI with one of some systems is one."""
    text = value.get(names[0])
    if type(text) is str and rules.ABSOLUTE.fullmatch(text):
        return True
    return value.get(names[1]) not in values


def _unless_absent(row: Invariant, parts: list[frozenset[str]], run: Check) -> Check:
    """Return a check that waits for one of the elements, for the first, or for all of them."""
    asked = parts
    if row.rule not in UNLESS_ALL:
        asked = [frozenset().union(*(parts[:1] if row.rule in UNLESS_FIRST else parts))]
    return Waiting(lambda names: not any(part.isdisjoint(names) for part in asked), run)


def _findings(row: Invariant, function: Function, case: rules.Case) -> Iterator[Problem]:
    for place, detail in function(case):
        message = f"{row.sentence}: {detail} ({row.key})"
        problem = Problem(row.severity, "invariant", message, place.steps)
        problem.rule = row.key
        yield problem


def _function(row: Invariant) -> Function:
    found = RULES.get(row.rule)
    if found is None:
        known = ", ".join(sorted(RULES))
        raise TableError(f"no rule is called {row.rule!r} (known: {known})", row.origin)
    return found
