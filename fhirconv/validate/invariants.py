"""The rules that span several children of a type: HL7's, and those of invariants.csv."""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from fhirconv.errors import TableError
from fhirconv.fhirpath import FhirpathError, Predicate, predicate
from fhirconv.validate import bundles, rules
from fhirconv.validate.definitions import Constraint, Element, Invariant, Shape
from fhirconv.validate.paths import world_of
from fhirconv.validate.scope import Check, Node, Problem, Scope

if TYPE_CHECKING:
    from fhirconv.validate.engine import Engine

Function = Callable[[rules.Case], Iterator[rules.Finding]]
RULES: dict[str, Function] = {**rules.RULES, **bundles.RULES}

# The children that a rule is about (None: it may look at any), and its check.
Rule = tuple[frozenset[str] | None, Check]

# Which rules decide by themselves though HL7 has a FHIRPath, which is slow or too strict.
ALONE = frozenset(
    (*bundles.RULES, *"narrated contained_referred contained_lacks contained_named".split())
) | {"component_code"}
# Rules of HL7 that a check of references or of narratives holds, and words better.
ELSEWHERE = frozenset({"ref-1", "txt-1", "txt-2"})
# When a rule has nothing to say: where its text was right before, where one of its elements is
# there, or where none is.
ONCE = frozenset({"absolute", "absolute_url"})
IF_THERE = frozenset({"any_of", "narrated"})
IF_ABSENT = frozenset(rules.RULES) - IF_THERE - {"exactly_one", "all_or_extension"}


def rules_of(shape: Shape | None, element: Element | None, engine: "Engine") -> tuple[Rule, ...]:
    """Return the rules of a type at one element; `shape` is None for a primitive."""
    rows = shape.invariants if shape else ()
    listed = (*(shape.constraints if shape else ()), *(element.constraints if element else ()))
    constraints = {constraint.key: constraint for constraint in listed}
    kind = shape.name if shape else element.type if element else ""
    alone = ELSEWHERE | {row.key for row in rows if row.rule in ALONE}
    judged = [
        _judged(constraint, [row for row in rows if row.key == key], kind, engine, (shape, element))
        for key, constraint in constraints.items()
        if key not in alone
    ]
    own = (row for row in rows if row.key not in constraints or row.rule in ALONE)
    found = (*(rule for rule in judged if rule), *(_alone(r, shape, element) for r in own if shape))
    order = {row.key: number for number, row in enumerate(rows)}
    return tuple(rule for _, rule in sorted(found, key=lambda f: order.get(f[0], len(order))))


Named = tuple[str, Rule]  # with the key that it has in the table
Where = tuple[Shape | None, Element | None]


def _judged(
    constraint: Constraint, rows: list[Invariant], kind: str, engine: "Engine", where: Where
) -> Named | None:
    """Return a rule that a FHIRPath decides, and rows of the table word where there are some."""
    shape, element = where
    holds = _predicate(constraint.expression, kind, engine)
    if holds is None:
        return None
    words = [(row, _function(row)) for row in rows] if shape else []

    def check(value: Any, scope: Scope) -> Iterable[Problem] | None:
        try:
            if holds(value, scope) is not False:  # empty: older rules forget what may be absent
                return None
        except FhirpathError:  # what is here does not tell
            return None
        found = [
            problem
            for row, function in words
            if shape
            for problem in _findings(row, function, rules.Case(value, row, shape, scope, element))
        ]
        return found or [_problem(constraint)]

    about = frozenset(name for row in rows for name in row.elements) if rows else None
    return constraint.key, (about, check)


def _problem(constraint: Constraint) -> Problem:
    message = f"{constraint.sentence.rstrip('. ')} ({constraint.key})"
    problem = Problem(constraint.severity, "invariant", message)
    problem.rule, problem.vague = constraint.key, True
    return problem


def _predicate(expression: str, kind: str, engine: "Engine") -> Predicate | None:
    """Return the compiled predicate; None where the expression is none that can be read."""
    model = engine.paths
    try:
        return predicate(expression, kind, model, lambda v, scope: world_of(v, kind, model, scope))
    except FhirpathError:
        return None


def _alone(row: Invariant, shape: Shape, element: Element | None) -> Named:
    """Return the rule of a row that decides by itself, asked only where it may say something."""
    names = frozenset(n for e in row.elements for n in shape.names.get(e, ()))
    whole = all(e in shape.names for e in row.elements)
    function = _function(row)

    def run(value: Node, scope: Scope) -> list[Problem]:
        return list(_findings(row, function, rules.Case(value, row, shape, scope, element)))

    check: Check = run
    if row.rule in ONCE:
        check = _unless_seen(row.elements[0], run)
    elif row.rule == "exactly_one" and len(row.elements) == 2:
        one, other = (frozenset(shape.names[e]) for e in row.elements)
        check = _unless_either(one, other, run)
    elif row.rule in IF_THERE:
        check = _unless_there(names, run)
    elif row.rule in IF_ABSENT and whole:
        check = _unless_absent(names, run)
    return row.key, (frozenset(row.elements), check)


MEMORY = 4096  # texts that are remembered as right


def _unless_seen(name: str, run: Check) -> Check:
    seen: set[str] = set()

    def check(value: Any, scope: Scope) -> Any:
        text = value.get(name)
        if text is None or text in seen:
            return None
        found = run(value, scope)
        if not found and isinstance(text, str):
            if len(seen) >= MEMORY:
                seen.clear()
            seen.add(text)
        return found

    return check


def _unless_either(one: frozenset[str], other: frozenset[str], run: Check) -> Check:
    def check(value: Any, scope: Scope) -> Any:
        return run(value, scope) if one.isdisjoint(value) is other.isdisjoint(value) else None

    return check


def _unless_there(names: frozenset[str], run: Check) -> Check:
    def check(value: Any, scope: Scope) -> Any:
        return run(value, scope) if names.isdisjoint(value) else None

    return check


def _unless_absent(names: frozenset[str], run: Check) -> Check:
    def check(value: Any, scope: Scope) -> Any:
        return None if names.isdisjoint(value) else run(value, scope)

    return check


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
