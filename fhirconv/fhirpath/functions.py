"""The functions of FHIRPath that need no expression: each takes items and values."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from fhirconv.fhirpath.items import (
    Item,
    Items,
    UndecidedError,
    World,
    boolean,
    children,
    distinct,
    key_of,
    one,
    text,
)
from fhirconv.fhirpath.moments import span

# The input, the values of the arguments, the world.
Function = Callable[[Items, list[Items], World], Items]
LONGEST = 10_000  # characters that a pattern is held against
WHOLE = re.compile(r"[+-]?[0-9]+")


def _texts(work: Callable[..., Any]) -> Function:
    """Return a function of a text and its arguments; it is empty where one of them is."""

    def function(items: Items, arguments: list[Items], world: World) -> Items:
        given = text(items)
        values = [one(argument) for argument in arguments]
        if given is None or None in values:
            return []
        found = work(given, *values)
        return [] if found is None else [Item(found)]

    return function


def _lists(work: Callable[[Items], Any]) -> Function:
    """Return a function of a collection alone."""
    return lambda items, _arguments, _world: [Item(work(items))]


def _parts(work: Callable[[Items], Items]) -> Function:
    """Return a function that gives a part of a collection."""
    return lambda items, _arguments, _world: work(items)


@lru_cache(maxsize=1024)
def pattern(expression: str) -> re.Pattern[str]:
    """Return a compiled pattern; raises UndecidedError where Python cannot read it."""
    try:
        return re.compile(expression, re.DOTALL)
    except re.error:
        raise UndecidedError(f"{expression!r} is no pattern that can be read") from None


def _matches(value: str, expression: str) -> bool:
    if len(value) > LONGEST:
        raise UndecidedError("the text is too long for a pattern")
    return pattern(expression).search(value) is not None


def _substring(value: str, start: Any, length: Any = None) -> str | None:
    if not isinstance(start, int) or not 0 <= start < len(value):
        return None
    return value[start:] if length is None else value[start : start + max(int(length), 0)]


def _to_string(items: Items, _arguments: list[Items], _world: World) -> Items:
    value = one(items)
    if value is None or isinstance(value, (dict, list)):
        return []
    return [Item(str(value).lower() if isinstance(value, bool) else str(value))]


def _to_integer(items: Items, _arguments: list[Items], _world: World) -> Items:
    value = one(items)
    if isinstance(value, str) and WHOLE.fullmatch(value):
        return [Item(int(value))]
    return [Item(int(value))] if isinstance(value, int) else []


def _has_value(items: Items, _arguments: list[Items], _world: World) -> Items:
    single = len(items) == 1 and items[0].value is not None
    return [Item(single and not isinstance(items[0].value, dict))]


def _children(items: Items, _arguments: list[Items], world: World) -> Items:
    every = world.model.every_step
    return [child for item in items for child in children(item, every(item.kind))]


def _descendants(items: Items, _arguments: list[Items], world: World) -> Items:
    found: Items = []
    ahead = items
    while ahead:
        ahead = _children(ahead, [], world)
        found += ahead
    return found


def _resolve(items: Items, _arguments: list[Items], world: World) -> Items:
    found: Items = []
    for item in items:
        value = item.value
        reference = value.get("reference") if isinstance(value, dict) else value
        if isinstance(reference, str):
            resource = world.resolve(reference)
            if resource is not None:
                found.append(Item(resource, str(resource.get("resourceType"))))
    return found


def _extension(items: Items, arguments: list[Items], world: World) -> Items:
    url = text(arguments[0])
    steps = world.model.steps("Element", "extension")
    listed = (child for item in items for child in children(item, steps))
    return [
        child for child in listed if isinstance(child.value, dict) and child.value["url"] == url
    ]


def _boundary(end: int) -> Function:
    """Return the function that gives the first (0) or the last (1) moment of a time."""

    def function(items: Items, _arguments: list[Items], _world: World) -> Items:
        value = one(items)
        if isinstance(value, str):
            moments = span(value)
            if moments is None:
                raise UndecidedError(f"{value!r} is no date")
            return [Item(moments[end])]
        return items

    return function


def _comparable(items: Items, arguments: list[Items], _world: World) -> Items:
    left, right = one(items), one(arguments[0])
    if not isinstance(left, dict) or not isinstance(right, dict):
        return []
    alike = all(left.get(name) == right.get(name) for name in ("system", "code"))
    return [Item(alike and (left.get("code") or left.get("unit")) is not None)]


def _intersect(items: Items, arguments: list[Items], _world: World) -> Items:
    there = {key_of(item) for item in arguments[0]}
    return distinct([item for item in items if key_of(item) in there])


def _exclude(items: Items, arguments: list[Items], _world: World) -> Items:
    there = {key_of(item) for item in arguments[0]}
    return [item for item in items if key_of(item) not in there]


def _subset(items: Items, arguments: list[Items], _world: World) -> Items:
    return [Item({key_of(i) for i in items} <= {key_of(i) for i in arguments[0]})]


def _superset(items: Items, arguments: list[Items], _world: World) -> Items:
    return [Item({key_of(i) for i in items} >= {key_of(i) for i in arguments[0]})]


def _number(arguments: list[Items]) -> int:
    value = one(arguments[0])
    return value if isinstance(value, int) else 0


def _decided_elsewhere(_items: Items, _arguments: list[Items], _world: World) -> Items:
    raise UndecidedError("this is not told by FHIRPath here")


def _member_of(items: Items, arguments: list[Items], world: World) -> Items:
    """Say whether a code is in a value set; nothing of nothing."""
    value, url = one(items), text(arguments[0])
    return [] if value is None or url is None else [Item(world.model.is_member(value, url))]


def _conforms_to(items: Items, arguments: list[Items], world: World) -> Items:
    value, url = one(items), text(arguments[0])
    if value is None or url is None:
        return []
    return [Item(world.model.is_of_structure(items[0].kind, url))]


FUNCTIONS: dict[str, Function] = {
    "empty": _lists(lambda items: not items),
    "count": _lists(len),
    "not": lambda items, _a, _w: boolean(_negated(items)),
    "hasValue": _has_value,
    "getValue": lambda items, _a, _w: [Item(i.value) for i in items if i.value is not None],
    "isDistinct": _lists(lambda items: len(distinct(items)) == len(items)),
    "distinct": _parts(distinct),
    "first": _parts(lambda items: items[:1]),
    "last": _parts(lambda items: items[-1:]),
    "tail": _parts(lambda items: items[1:]),
    "single": _parts(lambda items: items if one(items) is not None else []),
    "skip": lambda items, arguments, _w: items[max(_number(arguments), 0) :],
    "take": lambda items, arguments, _w: items[: max(_number(arguments), 0)],
    "allTrue": _lists(lambda items: all(item.value is True for item in items)),
    "allFalse": _lists(lambda items: all(item.value is False for item in items)),
    "anyTrue": _lists(lambda items: any(item.value is True for item in items)),
    "anyFalse": _lists(lambda items: any(item.value is False for item in items)),
    "children": _children,
    "descendants": _descendants,
    "trace": lambda items, _a, _w: items,
    "resolve": _resolve,
    "extension": _extension,
    "startsWith": _texts(str.startswith),
    "endsWith": _texts(str.endswith),
    "contains": _texts(lambda value, part: part in value),
    "indexOf": _texts(str.find),
    "length": _texts(len),
    "lower": _texts(str.lower),
    "upper": _texts(str.upper),
    "trim": _texts(str.strip),
    "matches": _texts(_matches),
    "matchesFull": _texts(lambda value, expression: bool(pattern(expression).fullmatch(value))),
    "replace": _texts(str.replace),
    "replaceMatches": _texts(lambda value, was, new: pattern(was).sub(new, value)),
    "substring": _texts(_substring),
    "toString": _to_string,
    "toInteger": _to_integer,
    "lowBoundary": _boundary(0),
    "highBoundary": _boundary(1),
    "comparable": _comparable,
    "intersect": _intersect,
    "exclude": _exclude,
    "subsetOf": _subset,
    "supersetOf": _superset,
    "combine": lambda items, arguments, _w: [*items, *arguments[0]],
    "union": lambda items, arguments, _w: distinct([*items, *arguments[0]]),
    "htmlChecks": _decided_elsewhere,  # the narrative is checked on its own
    "memberOf": _member_of,
    "conformsTo": _conforms_to,
}


def _negated(items: Items) -> bool | None:
    value = one(items)
    return None if value is None else value is False
