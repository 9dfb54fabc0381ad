"""Trees of FHIRPath to plain functions: of a collection, and of one JSON object to a truth."""

from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any

from fhirconv.fhirpath.functions import FUNCTIONS
from fhirconv.fhirpath.items import (
    Item,
    Items,
    UndecidedError,
    World,
    boolean,
    children,
    is_number,
    one,
    truth,
)
from fhirconv.fhirpath.operators import ENOUGH, LOGIC, OPERATORS
from fhirconv.fhirpath.parser import FhirpathError, Tree, parsed

Evaluate = Callable[[Items, World], Items]
MOST = 100_000  # items that repeat() may find


@lru_cache(maxsize=4096)
def compiled(expression: str) -> Evaluate:
    """Return a function that evaluates an expression; raises FhirpathError for what is none."""
    return function_of(parsed(expression))


def function_of(tree: Tree) -> Evaluate:
    """Return the function that evaluates a tree."""
    return MAKERS[tree.kind](tree)


def _member(tree: Tree) -> Evaluate:
    name = tree.value

    def evaluate(items: Items, world: World) -> Items:
        found: Items = []
        steps = world.model.steps
        for item in items:
            if item.kind == name and item is world.this:
                return [item]  # an expression may begin with the type that it is about
            found.extend(children(item, steps(item.kind, name)))
        return found

    return evaluate


def _dot(tree: Tree) -> Evaluate:
    left, right = map(function_of, tree.below)
    return lambda items, world: right(left(items, world), world)


def _index(tree: Tree) -> Evaluate:
    left, right = map(function_of, tree.below)

    def evaluate(items: Items, world: World) -> Items:
        found, number = left(items, world), one(right([world.this], world))
        return found[number : number + 1] if isinstance(number, int) and number >= 0 else []

    return evaluate


def _literal(tree: Tree) -> Evaluate:
    found = [Item(tree.value)]
    return lambda _items, _world: found


def _empty(_tree: Tree) -> Evaluate:
    return lambda _items, _world: []


def _constant(tree: Tree) -> Evaluate:
    name = tree.value

    def evaluate(_items: Items, world: World) -> Items:
        known = {"resource": world.resource, "rootResource": world.root, "context": world.context}
        if name in known:
            return [known[name]]
        if name in world.constants:
            return [Item(world.constants[name])]
        raise UndecidedError(f"%{name} is not known")

    return evaluate


def _special(tree: Tree) -> Evaluate:
    if tree.value == "$this":
        return lambda _items, world: [world.this]
    if tree.value == "$index":
        return lambda _items, world: [Item(world.index)]
    raise FhirpathError(f"{tree.value} cannot be asked for")


def _unary(tree: Tree) -> Evaluate:
    inner, minus = function_of(tree.below[0]), tree.value == "-"

    def evaluate(items: Items, world: World) -> Items:
        value = one(inner(items, world))
        if not is_number(value):
            return []
        return [Item(-value if minus else value)]

    return evaluate


def _type(tree: Tree) -> Evaluate:
    way, name = tree.value
    inner = function_of(tree.below[0])
    work = _is if way == "is" else _as
    return lambda items, world: work(inner(items, world), name, world)


def _is(items: Items, name: str, world: World) -> Items:
    if len(items) > 1:
        raise UndecidedError("several values stand where the type of one is asked for")
    return [Item(_fits(item, name, world)) for item in items]


def _as(items: Items, name: str, world: World) -> Items:
    return [item for item in items if _fits(item, name, world)]


SYSTEM_TYPES = {"Boolean": bool, "String": str, "Integer": int, "Decimal": Decimal}


def _fits(item: Item, name: str, world: World) -> bool:
    if item.kind:  # the boolean of FHIR is the Boolean of FHIRPath too
        system = name in SYSTEM_TYPES and item.kind == name.lower()
        return system or world.model.is_a(item.kind, name)
    wanted = SYSTEM_TYPES.get(name[0].upper() + name[1:])
    return wanted is not None and type(item.value) is wanted


# ---- operators


def _binary(tree: Tree) -> Evaluate:
    left, right = map(function_of, tree.below)
    if tree.value in LOGIC:
        return _logic(tree.value, left, right)
    work = OPERATORS[tree.value]
    return lambda items, world: work(left(items, world), right(items, world))


def _logic(operator: str, left: Evaluate, right: Evaluate) -> Evaluate:
    """Return an operator of two truths; the second is asked only where it counts."""
    decide = LOGIC[operator]
    enough = ENOUGH.get(operator)

    def evaluate(items: Items, world: World) -> Items:
        said = truth(left(items, world))
        if said is not None and said is enough:
            return boolean(decide(said, None))
        return boolean(decide(said, truth(right(items, world))))

    return evaluate


# ---- functions


def _call(tree: Tree) -> Evaluate:
    name = tree.value
    if name in WALKS:
        return WALKS[name](*map(function_of, tree.below))
    if name in TYPE_CALLS:
        work, wanted = TYPE_CALLS[name], tree.below[0].value
        return lambda items, world: work(items, wanted, world)
    function = FUNCTIONS.get(name)
    if function is None:
        raise FhirpathError(f"no function is called {name!r}")
    arguments = [function_of(below) for below in tree.below]

    def evaluate(items: Items, world: World) -> Items:
        here = [world.this]
        return function(items, [argument(here, world) for argument in arguments], world)

    return evaluate


TYPE_CALLS = {"is": _is, "as": _as, "ofType": _as}


def _each(items: Items, inner: Evaluate, world: World) -> Any:
    """Yield each item with what an expression says of it."""
    this, index = world.this, world.index
    try:
        for number, item in enumerate(items):
            world.this, world.index = item, number
            yield item, inner([item], world)
    finally:
        world.this, world.index = this, index


def _where(inner: Evaluate) -> Evaluate:
    return lambda items, world: [
        item for item, said in _each(items, inner, world) if truth(said) is True
    ]


def _select(inner: Evaluate) -> Evaluate:
    return lambda items, world: [found for _, said in _each(items, inner, world) for found in said]


def _all(inner: Evaluate) -> Evaluate:
    return lambda items, world: [
        Item(all(truth(said) is True for _, said in _each(items, inner, world)))
    ]


def _exists(inner: Evaluate | None = None) -> Evaluate:
    if inner is None:
        return lambda items, _world: [Item(bool(items))]
    chosen = _where(inner)
    return lambda items, world: [Item(bool(chosen(items, world)))]


def _repeat(inner: Evaluate) -> Evaluate:
    def evaluate(items: Items, world: World) -> Items:
        found: Items = []
        ahead = items
        while ahead:
            ahead = [inside for _, said in _each(ahead, inner, world) for inside in said]
            found += ahead
            if len(found) > MOST:
                raise UndecidedError("repeat() finds no end")
        return found

    return evaluate


def _iif(asked: Evaluate, then: Evaluate, other: Evaluate | None = None) -> Evaluate:
    def evaluate(items: Items, world: World) -> Items:
        if truth(asked(items, world)):
            return then(items, world)
        return other(items, world) if other else []

    return evaluate


WALKS: dict[str, Callable[..., Evaluate]] = {
    "where": _where,
    "select": _select,
    "all": _all,
    "exists": _exists,
    "repeat": _repeat,
    "iif": _iif,
}
MAKERS: dict[str, Callable[[Tree], Evaluate]] = {
    "member": _member,
    "dot": _dot,
    "index": _index,
    "literal": _literal,
    "empty": _empty,
    "constant": _constant,
    "special": _special,
    "unary": _unary,
    "type": _type,
    "binary": _binary,
    "call": _call,
}
