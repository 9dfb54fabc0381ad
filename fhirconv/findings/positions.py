"""Where the places of issues stand in a file: line and column, by a second look at its text."""

import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"?|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)
STEP = re.compile(
    r"(?P<name>[^.\[\]()]+)(?:\.ofType\((?P<type>[A-Za-z0-9]+)\))?(?:\[(?P<index>[0-9]{1,9})\])?"
    r"(?:\.ofType\((?P<late>[A-Za-z0-9]+)\))?(?:\.|$)"
)
Key = str | int
Path = tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in a text: line and column from 1, and how many characters stand before it."""

    line: int
    column: int
    offset: int


@dataclass(slots=True)
class _Wanted:
    """A step of a wanted path: where it was found, and the steps that go on from it."""

    offset: int = -1
    after: dict[Key, "_Wanted"] = field(default_factory=dict)


@dataclass(slots=True)
class _Open:
    """An object or array that is being read."""

    wanted: _Wanted | None
    number: int  # of the item in an array; -1 in an object
    key: Key | None = None
    at: int = -1


def steps(where: str) -> Path:
    """Return the keys that lead to a FHIRPath from the top of its document.

    `Observation.value.ofType(Quantity).unit` is ('valueQuantity', 'unit'): a type in the path
    belongs to the name in JSON. The first step, which names the document, is no key.
    """
    found: list[Key] = []
    for step in STEP.finditer(where.partition(".")[2]):
        kind = step["type"] or step["late"] or ""
        found.append(step["name"] + kind[:1].upper() + kind[1:])
        if step["index"]:
            found.append(int(step["index"]))
    return tuple(found)


def locate(text: str, paths: Iterable[Path]) -> dict[Path, Spot]:
    """Return where paths stand in a JSON text, or what is nearest above them there.

    A member of an object stands where its name begins. One look at the text, whatever its
    form: what is no JSON gives the places up to there, a key given twice the first of them.
    """
    listed = list(paths)
    root = _Wanted()
    for path in listed:
        here = root
        for key in path:
            here = here.after.setdefault(key, _Wanted())
    _read(text, root)
    lines = Lines(text)
    return {path: lines.spot(_nearest(root, path)) for path in listed}


class Lines:
    """The lines of a text, to tell line and column of an offset."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(found.end() for found in re.finditer("\n", text))]

    def spot(self, offset: int) -> Spot:
        """Return line and column of an offset."""
        line = bisect_right(self._starts, offset)
        return Spot(line, offset - self._starts[line - 1] + 1, offset)


def _read(text: str, root: _Wanted) -> None:
    """Go over the tokens of a text and note where wanted values begin."""
    stack: list[_Open] = []
    name = ""
    for token in TOKEN.finditer(text):
        word, at = token[0], token.start()
        if word in "{[":
            stack.append(_opened(stack, root, word, at))
        elif word in "}]":
            if stack:
                stack.pop()
        elif word == ":":
            _name(stack, name)
        elif word == ",":
            _next(stack)
        elif stack and stack[-1].number < 0 and stack[-1].key is None:
            name, stack[-1].at = word, at
        else:
            _value(stack, root, at)


def _opened(stack: list[_Open], root: _Wanted, word: str, at: int) -> _Open:
    return _Open(_value(stack, root, at), -1 if word == "{" else 0)


def _value(stack: list[_Open], root: _Wanted, at: int) -> _Wanted | None:
    """Note where a value begins; return what is wanted inside of it."""
    if not stack:
        found: _Wanted | None = root
    else:
        top = stack[-1]
        key = top.key if top.number < 0 else top.number
        found = None if top.wanted is None or key is None else _inner(top.wanted, key)
        at = top.at if top.number < 0 else at
    if found is not None and found.offset < 0:
        found.offset = at
    return found


def _inner(wanted: _Wanted, key: Key) -> _Wanted | None:
    """Return what is wanted of a member; `_name` holds the extensions of `name`, and is it too."""
    found = wanted.after.get(key)
    return found or (wanted.after.get(key[1:]) if isinstance(key, str) and key[:1] == "_" else None)


def _name(stack: list[_Open], word: str) -> None:
    if stack and stack[-1].number < 0 and stack[-1].wanted is not None:
        try:
            stack[-1].key = json.loads(word)
        except ValueError:
            stack[-1].key = word
    elif stack and stack[-1].number < 0:
        stack[-1].key = word


def _next(stack: list[_Open]) -> None:
    if stack and stack[-1].number < 0:
        stack[-1].key = None
    elif stack:
        stack[-1].number += 1


def _nearest(root: _Wanted, path: Path) -> int:
    """Return where a path stands, or the deepest step of it that is there."""
    return max((offset for offset in _trail(root, path)), default=0)


def _trail(root: _Wanted, path: Path) -> Iterator[int]:
    """Yield the offset of each step that was found."""
    here: _Wanted | None = root
    for key in path:
        if here is None or here.offset < 0:
            return
        yield here.offset
        here = here.after.get(key)
    if here is not None and here.offset >= 0:
        yield here.offset
