"""A large JSON file item by item: only one item of the lists that are asked for is in memory."""

import json
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, TextIO

CHUNK = 1 << 20
SPACE = re.compile(r"[ \t\r\n]*")

Path_ = tuple[str | int, ...]
Item = tuple[Path_, int, Any]  # where it stands, its line, the value


class BrokenError(ValueError):
    """The text is no JSON, from this line on."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message, line)
        self.message = message
        self.line = line


def items(path: Path, lists: Collection[str]) -> Iterator[Item]:
    """Yield every item of the lists at these paths, and every plain value beside and above them.

    A path is names with dots between: `graphs.nodes`. Raises BrokenError with the line.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        text = _Text(file)
        try:
            yield from _walk(text, (), frozenset(lists))
            if text.peek():
                raise text.broken("there is more after the end")
        except UnicodeDecodeError:
            raise text.broken("it is not UTF-8 behind this line") from None


def _walk(text: "_Text", path: Path_, lists: frozenset[str]) -> Iterator[Item]:
    name = ".".join(step for step in path if isinstance(step, str))
    leads = not name or any(wanted.startswith(name + ".") for wanted in lists)
    opening = text.peek()
    if opening == "[" and name in lists:
        for number in text.members("[", "]"):
            yield (*path, number), text.line, text.value()
    elif opening == "[":
        for number in text.members("[", "]"):
            if leads:
                yield from _walk(text, (*path, number), lists)
            else:
                text.value()
    elif opening == "{" and leads:
        for _ in text.members("{", "}"):
            key = text.key()
            yield from _walk(text, (*path, key), lists)
    else:
        line, value = text.line, text.value()
        if not isinstance(value, dict):
            yield path, line, value


class _Text:
    """The text of a file, of which only the part that is being read is held."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._text = ""
        self._at = 0
        self._counted, self._lines = 0, 1  # the line at a place, counted up to there
        self._ended = False
        self._decode = json.JSONDecoder().raw_decode

    @property
    def line(self) -> int:
        """The number of the line that is being read."""
        self._lines += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._lines

    def broken(self, message: str) -> BrokenError:
        """Return the defect at the present place."""
        return BrokenError(message, self.line)

    def peek(self) -> str:
        """Return the next sign that is no space; '' at the end."""
        while True:
            self._at = SPACE.match(self._text, self._at).end()  # type: ignore[union-attr]
            if self._at < len(self._text) or not self._more():
                return self._text[self._at : self._at + 1]

    def members(self, opening: str, closing: str) -> Iterator[int]:
        """Yield 0, 1, 2 ... with the text at each member of a list or an object."""
        self._take(opening)
        number = 0
        while self.peek() != closing:
            if number:
                self._take(",")
                if self.peek() == closing:
                    raise self.broken("a comma stands before the end of a list or object")
            yield number
            number += 1
        self._take(closing)

    def key(self) -> str:
        """Return the name of a member and step over its colon."""
        if self.peek() != '"':
            raise self.broken(f"a name in quotes is wanted, not {self.peek() or 'the end'!r}")
        name: str = self.value()
        self._take(":")
        return name

    def value(self) -> Any:
        """Return the whole value that stands here, reading on until it is complete."""
        self.peek()
        while True:
            try:
                value, end = self._decode(self._text, self._at)
            except RecursionError:
                raise self.broken("it is nested too deeply") from None
            except ValueError as error:
                if not self._more():
                    at = getattr(error, "pos", self._at)
                    self._at = min(max(at, self._at), len(self._text))
                    raise self.broken(getattr(error, "msg", str(error))) from None
                continue
            if end < len(self._text) or not self._more():
                self._at = end
                return value

    def _take(self, sign: str) -> None:
        found = self.peek()
        if found != sign:
            raise self.broken(f"{sign!r} is wanted, not {found or 'the end of the file'!r}")
        self._at += 1

    def _more(self) -> bool:
        """Read on, twice as much each time for one value, and forget what has been read."""
        if self._ended:
            return False
        assert self.line  # counted before it is forgotten
        rest = self._text[self._at :]
        chunk = self._file.read(max(CHUNK, len(rest)))
        self._text, self._at, self._counted = rest + chunk, 0, 0
        self._ended = not chunk
        return bool(chunk)
