"""JSON as FHIR has it: bytes to values, with every oddity told by line and column."""

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NoReturn

from fhirconv.errors import JsonError

TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')
BEGUN = re.compile(r"n|nu|nul|t|tr|tru|f|fa|fal|fals|-|\.|(\.[0-9]+)?[eE][+-]?")  # a word cut off
NUMBERS = re.compile(r"-?Infinity|NaN")


class _DuplicateKeyError(ValueError):
    """An object has one key twice."""


class _NoNumberError(ValueError):
    """A number is none that JSON has."""


def load_json(data: bytes, where: str = "") -> Any:
    """Return the value of a JSON document; a number with a fraction is an exact Decimal.

    Raises JsonError for what is not UTF-8, breaks off, is no JSON, has a key twice in one
    object, or has NaN or Infinity: one sentence with line and column; `where` names the file.
    """
    text = _decoded(data, where)
    try:
        return json.loads(
            text,
            parse_float=Decimal,
            parse_constant=_refuse,
            object_pairs_hook=_object,
        )
    except _DuplicateKeyError as error:
        _fail(f"the key {error.args[0]!r} stands twice in one object", text, _twice(text), where)
    except _NoNumberError as error:
        _fail(f"{error.args[0]} is no number of JSON", text, _constant(text), where)
    except json.JSONDecodeError as error:
        _fail(_told(error, text), text, error.pos, where)
    except RecursionError:
        _fail("the JSON is nested too deeply to be read", text, _deepest(text), where)
    except ValueError:  # Python reads whole numbers of up to 4,300 digits
        _fail("a number has too many digits to be read", text, _longest(text), where)


def _decoded(data: bytes, where: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8-sig", errors="replace")
        message = f"the file is not UTF-8: the byte 0x{data[error.start]:02x}"
        _fail(message, before, len(before), where)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        raise _DuplicateKeyError(next(name for name in names if names.count(name) > 1))
    return made


def _refuse(constant: str) -> NoReturn:
    raise _NoNumberError(constant)


def _told(error: json.JSONDecodeError, text: str) -> str:
    if not text.strip():
        return "the file is empty where a JSON document should be"
    if text.lstrip().startswith("<"):
        return "this is XML or HTML: FHIR is read as JSON (application/fhir+json) alone"
    rest = text[error.pos :].rstrip()
    escape = "escape" in error.msg and '"' not in rest
    if not rest or error.msg.startswith("Unterminated") or escape or BEGUN.fullmatch(rest):
        return "the JSON breaks off: the file is cut short"
    found = rest[:20].partition("\n")[0]
    return f"this is no JSON ({error.msg[:1].lower()}{error.msg[1:]}): {found!r}"


def _tokens(text: str) -> Iterator[re.Match[str]]:
    yield from TOKEN.finditer(text)


def _twice(text: str) -> int:
    """Return where the second of two equal keys stands."""
    keys: list[set[str]] = []
    last: re.Match[str] | None = None
    for token in _tokens(text):
        if token[0] in "{[":
            keys.append(set())
        elif token[0] in "}]":
            keys.pop()
        elif token[0] == ":" and last:
            name = json.loads(last[0])
            if name in keys[-1]:
                return last.start()
            keys[-1].add(name)
        last = token
    return 0


def _constant(text: str) -> int:
    """Return where NaN or Infinity stands outside of strings."""
    return next((t.start() for t in _tokens(text) if NUMBERS.fullmatch(t[0])), 0)


def _longest(text: str) -> int:
    """Return where the longest word outside of strings stands."""
    words = (t for t in _tokens(text) if not t[0].startswith('"'))
    return max(words, key=lambda t: len(t[0])).start()


def _deepest(text: str) -> int:
    """Return where the brackets are nested most deeply."""
    depth = deepest = at = 0
    for token in _tokens(text):
        depth += (token[0] in "{[") - (token[0] in "}]")
        if depth > deepest:
            deepest, at = depth, token.start()
    return at


def _fail(message: str, text: str, at: int, where: str) -> NoReturn:
    line = text.count("\n", 0, at) + 1
    column = at - (text.rfind("\n", 0, at) + 1) + 1
    raise JsonError(message, where, line, column) from None
