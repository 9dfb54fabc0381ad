"""The operators of FHIRPath: each takes what stands on its left and on its right."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

from fhirconv.fhirpath.items import (
    Item,
    Items,
    UndecidedError,
    distinct,
    is_number,
    key_of,
    one,
    same,
)
from fhirconv.fhirpath.moments import may_follow, span

ENOUGH = {"and": False, "or": True, "implies": False}  # what of the first decides


def _and(one_: bool | None, two: bool | None) -> bool | None:
    if one_ is False or two is False:
        return False
    return None if one_ is None or two is None else True


def _or(one_: bool | None, two: bool | None) -> bool | None:
    if one_ is True or two is True:
        return True
    return None if one_ is None or two is None else False


def _xor(one_: bool | None, two: bool | None) -> bool | None:
    return None if one_ is None or two is None else one_ is not two


def _implies(one_: bool | None, two: bool | None) -> bool | None:
    return _or(None if one_ is None else not one_, two)


LOGIC: dict[str, Callable[[bool | None, bool | None], bool | None]] = {
    "and": _and,
    "or": _or,
    "xor": _xor,
    "implies": _implies,
}


def _equal(left: Items, right: Items) -> Items:
    if not left or not right:
        return []
    return [Item(_are_same(left, right))]


def _are_same(left: Items, right: Items) -> bool:
    return len(left) == len(right) and all(map(same, left, right))


def _unequal(left: Items, right: Items) -> Items:
    if not left or not right:
        return []
    return [Item(not _are_same(left, right))]


def _equivalent(left: Items, right: Items) -> bool:
    def plain(items: Items) -> list[str]:
        values = (item.value for item in items)
        listed = (v.casefold() if isinstance(v, str) else key_of(Item(v)) for v in values)
        return sorted(map(str, listed))

    return plain(left) == plain(right)


def _ordered(holds: Callable[[Any, Any], bool], loosely: Callable[[Any, Any], bool]) -> Any:
    """Return a comparison; `loosely` is that of what two times may be, the first to the last."""

    def compare(left: Items, right: Items) -> Items:
        low, high = one(left), one(right)
        if low is None or high is None:
            return []
        if is_number(low) and is_number(high):
            return [Item(holds(Decimal(str(low)), Decimal(str(high))))]
        if isinstance(low, dict) and isinstance(high, dict):
            return compare(*_amounts(low, high))
        spans = _span(low), _span(high)
        if spans[0] is not None and spans[1] is not None:
            return [Item(loosely(spans[0], spans[1]))]
        if isinstance(low, str) and isinstance(high, str):
            return [Item(holds(low, high))]
        raise UndecidedError("two values cannot be compared")

    return compare


def _amounts(low: dict[str, Any], high: dict[str, Any]) -> tuple[Items, Items]:
    """Return the values of two quantities of one unit; raises UndecidedError for others."""
    if any(low.get(name) != high.get(name) for name in ("unit", "system", "code")):
        raise UndecidedError("two units cannot be compared")
    return [Item(low.get("value"))], [Item(high.get("value"))]


def _span(value: Any) -> tuple[datetime, datetime] | None:
    if isinstance(value, datetime):
        return value, value
    return span(value) if isinstance(value, str) else None


def _plus(left: Items, right: Items) -> Items:
    first, second = one(left), one(right)
    if first is None or second is None:
        return []
    if isinstance(first, str) != isinstance(second, str):
        raise UndecidedError("a text and a number cannot be added")
    return [Item(first + second)]


def _joined(left: Items, right: Items) -> Items:
    return [Item(f"{_blank(one(left))}{_blank(one(right))}")]


def _blank(value: Any) -> str:
    return "" if value is None else str(value)


def _numbers(work: Callable[[Any, Any], Any]) -> Callable[[Items, Items], Items]:
    def calculate(left: Items, right: Items) -> Items:
        first, second = one(left), one(right)
        if not is_number(first) or not is_number(second):
            return []
        try:
            return [Item(work(Decimal(str(first)), Decimal(str(second))))]
        except ArithmeticError:
            return []

    return calculate


def _in(left: Items, right: Items) -> Items:
    if not left:
        return []
    if len(left) > 1:  # HL7's validator asks whether all of them are
        there = {key_of(item) for item in right}
        return [Item(all(key_of(item) in there for item in left))]
    return [Item(any(same(left[0], item) for item in right))]


OPERATORS: dict[str, Callable[[Items, Items], Items]] = {
    "=": _equal,
    "!=": _unequal,
    "~": lambda left, right: [Item(_equivalent(left, right))],
    "!~": lambda left, right: [Item(not _equivalent(left, right))],
    "<": _ordered(lambda a, b: a < b, lambda a, b: may_follow(a[0], b[1]) and a != b),
    "<=": _ordered(lambda a, b: a <= b, lambda a, b: may_follow(a[0], b[1])),
    ">": _ordered(lambda a, b: a > b, lambda a, b: may_follow(b[0], a[1]) and a != b),
    ">=": _ordered(lambda a, b: a >= b, lambda a, b: may_follow(b[0], a[1])),
    "|": lambda left, right: distinct([*left, *right]),
    "in": _in,
    "contains": lambda left, right: _in(right, left),
    "+": _plus,
    "&": _joined,
    "-": _numbers(lambda a, b: a - b),
    "*": _numbers(lambda a, b: a * b),
    "/": _numbers(lambda a, b: a / b),
    "div": _numbers(lambda a, b: int(a / b)),
    "mod": _numbers(lambda a, b: a % b),
}
