"""What of an expression can be told from the names that a JSON object has, without its items."""

from collections.abc import Callable
from typing import Any

from fhirconv.fhirpath.compiler import Evaluate, function_of
from fhirconv.fhirpath.items import Item, Model, World, truth
from fhirconv.fhirpath.operators import ENOUGH, LOGIC
from fhirconv.fhirpath.parser import Tree, parsed

Node = dict[str, Any]
WorldOf = Callable[[Any, Any], World]  # of a value, in a context that only the caller knows
# Of a JSON object, and the context: true, false, or None where the expression is empty.
Predicate = Callable[[Any, Any], bool | None]

PRESENCE = {"exists": True, "empty": False}  # what these functions say where something is there
PASSING = ("where", "first", "last", "tail", "ofType", "as", "resolve", "extension", "select")
NOWHERE = {"exists": False, "hasValue": False, "all": True}  # and where nothing is


def predicate(expression: str, kind: str, model: Model, world_of: WorldOf) -> Predicate:
    """Return what an expression says of a value of a type.

    `world_of` makes the world of a value; it is asked only where the names of the value's
    children do not tell. Raises FhirpathError for what is no expression; the function that is
    returned raises UndecidedError where what is here does not tell.
    """
    return _Quick(kind, model, world_of).of(parsed(expression))


class _Quick:
    """How the expressions on one type are told."""

    def __init__(self, kind: str, model: Model, world_of: WorldOf) -> None:
        self.kind = kind
        self.simple = kind[:1].islower()
        self.model = model
        self.world_of = world_of

    def of(self, tree: Tree) -> Predicate:
        """Return the predicate of a tree."""
        if self.simple:  # a primitive has no names to look for
            return self._fully(tree)
        if tree.kind == "binary" and tree.value in LOGIC:
            return _logic(tree.value, *(self.of(below) for below in tree.below))
        if tree.kind == "binary" and tree.value in ("=", "!="):
            return self._if_there(tree.below[0], None, tree)
        if tree.kind == "dot" and tree.below[1].kind == "call":
            return self._asked(tree)
        return self._fully(tree)

    def _asked(self, tree: Tree) -> Predicate:
        """Return the predicate of a function at the end of a path."""
        path, call = tree.below
        if call.value == "not":
            return _negation(self.of(path))
        if call.value in PRESENCE and not call.below:
            return self._presence(path, PRESENCE[call.value], tree)
        if call.value in NOWHERE:
            return self._if_there(path, NOWHERE[call.value], tree)
        return self._fully(tree)

    def _fully(self, tree: Tree) -> Predicate:
        """Return the predicate that walks the items."""
        evaluate: Evaluate = function_of(tree)
        world_of = self.world_of

        def say(value: Any, context: Any) -> bool | None:
            world = world_of(value, context)
            return truth(evaluate([world.this], world))

        return say

    def _names(self, path: Tree) -> frozenset[str] | None:
        """Return the names in JSON without which a path is empty; None where it cannot be told."""
        while path.kind in ("dot", "index"):
            last = path.below[1]
            if path.kind == "dot" and last.kind == "call" and last.value not in PASSING:
                return None
            path = path.below[0]
        if path.kind != "member" or path.value == self.kind:
            return None
        names = [name for name, _ in self.model.steps(self.kind, path.value)]
        return frozenset((*names, *(f"_{name}" for name in names)))

    def _presence(self, path: Tree, there: bool, tree: Tree) -> Predicate:
        """Return the predicate of path.exists() or path.empty()."""
        names = self._names(path)
        if names is None:
            return self._fully(tree)
        if path.kind != "member":
            return self._if_there(path, not there, tree)

        def say(value: Any, context: Any) -> bool:
            return names.isdisjoint(value) is not there

        return say

    def _if_there(self, path: Tree, otherwise: bool | None, tree: Tree) -> Predicate:
        """Return the predicate of a path that is walked only where it begins with something."""
        names, fully = self._names(path), self._fully(tree)
        if names is None:
            return fully

        def say(value: Any, context: Any) -> bool | None:
            return otherwise if names.isdisjoint(value) else fully(value, context)

        return say


def _negation(inner: Predicate) -> Predicate:
    def say(value: Any, context: Any) -> bool | None:
        said = inner(value, context)
        return None if said is None else not said

    return say


def _logic(operator: str, left: Predicate, right: Predicate) -> Predicate:
    """Return the predicate of two others; the second is asked only where it counts."""
    decide = LOGIC[operator]
    enough = ENOUGH.get(operator)

    def say(value: Any, context: Any) -> bool | None:
        said = left(value, context)
        if said is not None and said is enough:
            return decide(said, None)
        return decide(said, right(value, context))

    return say


__all__ = ["Item", "Predicate", "predicate"]
