"""The values that a profile speaks of, each with its type and the steps that lead to it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from fhirconv.validate.definitions import Definitions
from fhirconv.validate.profiles.tree import Rule
from fhirconv.validate.scope import Node, Scope, Step

EXTENSION = re.compile(r"extension\(['\"](?P<url>[^'\"]*)['\"]\)")
OF_TYPE = re.compile(r"ofType\((?P<type>\w+)\)")
# The steps of the path of a discriminator: names, extension('url'), ofType(T), resolve(), $this.
PART = re.compile(r"extension\([^)]*\)|ofType\([^)]*\)|resolve\(\)|\$this|[^.]+")
RESOLVE = "resolve()"
TYPE = "resourceType"


@dataclass(frozen=True, slots=True)
class Item:
    """One value of an element: what JSON has under its name and, of a primitive, beside it."""

    value: Any
    steps: tuple[Step, ...] = ()
    type: str = ""  # '' where only the definition of the element says it
    beside: Any = None

    @property
    def node(self) -> Node:
        """The object in which the children of the value stand."""
        held = self.value if isinstance(self.value, dict) else self.beside
        return held if isinstance(held, dict) else {}

    @property
    def kind(self) -> str:
        """The type of the value: of a resource the one it says."""
        named = self.value.get(TYPE) if isinstance(self.value, dict) else None
        return named if isinstance(named, str) else self.type


def children(item: Item, rule: Rule, definitions: Definitions) -> Iterator[Item]:
    """Yield the values of the child that a rule is for."""
    node = item.node
    for name, kind in _names(node, rule, definitions):
        step = f"{rule.name}.ofType({kind})" if rule.choice else name
        yield from _items(node.get(name), node.get(f"_{name}"), kind, (*item.steps, step))


def _names(node: Node, rule: Rule, definitions: Definitions) -> Iterator[tuple[str, str]]:
    """Yield the names in JSON under which an element stands, each with the type it tells."""
    if not rule.choice:
        if rule.name in node or f"_{rule.name}" in node:
            code = rule.types[0].code if len(rule.types) == 1 else ""
            yield rule.name, code
        return
    for name in dict.fromkeys(key.removeprefix("_") for key in node):
        tail = name.removeprefix(rule.name)
        if tail != name and tail[:1].isupper():
            small = tail[0].lower() + tail[1:]
            yield name, small if small in definitions.primitives else tail


def _items(value: Any, beside: Any, kind: str, steps: tuple[Step, ...]) -> Iterator[Item]:
    if not isinstance(value, list) and not isinstance(beside, list):
        yield Item(value, steps, kind, beside)
        return
    values = value if isinstance(value, list) else []
    extended = beside if isinstance(beside, list) else []
    for index in range(max(len(values), len(extended))):
        here = values[index] if index < len(values) else None
        more = extended[index] if index < len(extended) else None
        yield Item(here, (*steps, index), kind, more)


def at(item: Item, path: str, scope: Scope) -> Iterator[Item]:
    """Yield the values at the path of a discriminator."""
    found = [item]
    for part in PART.findall(path):
        found = [inner for each in found for inner in _step(each, part, scope)]
    yield from found


def _step(item: Item, part: str, scope: Scope) -> Iterator[Item]:
    if part == "$this":
        yield item
    elif part == RESOLVE:
        target = resolved(item.node.get("reference"), scope)
        if target is not None:
            yield Item(target, item.steps, str(target.get(TYPE, "")))
    elif named := EXTENSION.fullmatch(part):
        rule = Rule("extension")
        listed = children(item, rule, scope.definitions)
        yield from (each for each in listed if each.node.get("url") == named["url"])
    elif wanted := OF_TYPE.fullmatch(part):
        if item.kind in ("", wanted["type"]):
            yield item
    else:
        plain = list(children(item, Rule(part), scope.definitions))
        yield from plain or children(item, Rule(part, choice=True), scope.definitions)


def resolved(reference: Any, scope: Scope) -> Node | None:
    """Return the resource that a reference means, in its resource or Bundle; None: not there."""
    if not isinstance(reference, str):
        return None
    if reference.startswith("#"):
        container = scope.container or scope.resource
        listed = container.get("contained")
        inner = listed if isinstance(listed, list) else []
        named = (one for one in inner if isinstance(one, dict) and one.get("id") == reference[1:])
        return next(named, container if reference == "#" else None)
    found = scope.index.find(reference, scope.entry) if scope.index else []
    target = found[0].get("resource") if len(found) == 1 else None
    return target if isinstance(target, dict) else None


def equal(wanted: Any, value: Any) -> bool:
    """Say whether a value is a fixed one: the same JSON, whatever the order of its names."""
    if isinstance(wanted, dict):
        same = isinstance(value, dict) and wanted.keys() == value.keys()
        return same and all(equal(wanted[name], value[name]) for name in wanted)
    if isinstance(wanted, list):
        same = isinstance(value, list) and len(wanted) == len(value)
        return same and all(equal(one, two) for one, two in zip(wanted, value, strict=True))
    return _same(wanted, value)


def contains(pattern: Any, value: Any) -> bool:
    """Say whether a value has all that a pattern has; each item of an array is somewhere in it."""
    if isinstance(pattern, dict):
        has = isinstance(value, dict)
        return has and all(contains(pattern[name], value.get(name)) for name in pattern)
    if isinstance(pattern, list):
        listed = value if isinstance(value, list) else []
        return all(any(contains(one, item) for item in listed) for one in pattern)
    return _same(pattern, value)


def _same(wanted: Any, value: Any) -> bool:
    """Say whether two primitive values are the same; true is no number."""
    if isinstance(wanted, bool) or isinstance(value, bool):
        return wanted is value
    if isinstance(wanted, int | float | Decimal) and isinstance(value, int | float | Decimal):
        return Decimal(str(wanted)) == Decimal(str(value))
    return bool(type(wanted) is type(value) and wanted == value)
