"""Paths into a JSON document: a.b[].c, with a JSON Pointer for every value found."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

UPPER = re.compile(r"(?<=[a-z0-9])([A-Z])")
HERE = "."
STEPS = re.compile(r"[^.\[]+(?:\[[^\]]*\])?")


def values_at(value: Any, path: str, pointer: str = "") -> Iterator[tuple[str, Any]]:
    """Yield (pointer, value) for what stands at a path, in order.

    'list[]' is each item of a list, 'list[name=word]' each that has this word under this name,
    '.' the value itself. A name is found as the path spells it or with underscores, as
    protobuf's JSON may have it.
    """
    found = [(pointer, value)]
    for step in STEPS.findall(path) if path != HERE else ():
        found = [each for place, holder in found for each in _step(holder, step, place)]
    yield from found


def _step(holder: Any, step: str, pointer: str) -> Iterator[tuple[str, Any]]:
    name, _, rest = step.partition("[")
    key = _key(holder, name)
    if key is None:
        return
    value, place = holder[key], f"{pointer}/{_escaped(key)}"
    if not rest:
        yield place, value
        return
    wanted, _, word = rest.rstrip("]").partition("=")
    for number, item in enumerate(value if isinstance(value, list) else ()):
        if not wanted or (isinstance(item, Mapping) and str(item.get(wanted)) == word):
            yield f"{place}/{number}", item


def named(holder: Any, name: str) -> Any:
    """Return what stands in an object under a name, in either spelling; None for nothing."""
    key = _key(holder, name)
    return None if key is None else holder[key]


def _key(holder: Any, name: str) -> str | None:
    """Return the key of a name in an object, as it is spelt there; None where it has none."""
    if not isinstance(holder, Mapping):
        return None
    if holder.get(name) is not None:
        return name
    snake = UPPER.sub(r"_\1", name).lower()
    return snake if holder.get(snake) is not None else None


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def patterns(value: Any, path: str = "") -> Iterator[str]:
    """Yield the path of every value that is no object and no list, as a table spells it."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            name = re.sub(r"(?<=[a-z0-9])_([a-z])", lambda m: m[1].upper(), key)
            yield from patterns(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for inner in value:
            yield from patterns(inner, f"{path}[]")
    elif value is not None:
        yield path
