"""Is the value of a primitive written as its type asks: format, range, calendar, text."""

import re
from calendar import isleap, monthrange
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from fhirconv.validate.definitions import Primitive
from fhirconv.validate.scope import quoted

LONGEST = 1024 * 1024  # characters of a string
CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
SURROGATES = re.compile("[\ud800-\udfff]")
BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
SPACE = re.compile(r"\s+")

JSON_NAMES = {str: "a string", bool: "a boolean", dict: "an object", list: "an array"}


def json_name(value: object) -> str:
    """Return what a value is called in JSON."""
    return "null" if value is None else JSON_NAMES.get(type(value), "a number")


def value_problem(value: object, primitive: Primitive) -> str:
    """Return a sentence that says what is wrong with a primitive value, '' where nothing is."""
    if primitive.json == "integer":
        return _integer(value, primitive)
    if primitive.json == "number":
        return _number(value, primitive)
    if primitive.json == "boolean":
        fits = isinstance(value, bool)
        return "" if fits else f"{_shown(value)} is not {primitive.words}"
    if not isinstance(value, str):
        return f"{_shown(value)} stands where a string belongs: {primitive.words}"
    if value == "":
        return "an empty string is no value: leave the element out"
    return _string(value, primitive)


def value_doubt(value: object, primitive: Primitive) -> str:
    """Return a sentence on what is odd in a value, but allowed; '' where nothing is."""
    if not isinstance(value, str):
        return ""
    if primitive.odd and primitive.odd.fullmatch(value):
        return f"{quoted(value)} is the address of an example"
    if primitive.check != "text":
        return ""
    found = CONTROLS.search(value)
    if found:
        return f"the text holds the control character U+{ord(found[0]):04X}"
    return "" if value.strip() else "the text holds nothing but white space"


def _string(value: str, primitive: Primitive) -> str:
    if SURROGATES.search(value):
        return f"{quoted(value)} holds half of a surrogate pair, which is no character"
    if primitive.pattern and not primitive.pattern.fullmatch(value):
        return f"{quoted(value)} is not {primitive.words}"
    if primitive.range and not primitive.range[0] <= int(value) <= primitive.range[1]:
        return f"{quoted(value)} is not {primitive.words}"
    return CHECKS[primitive.check](value) if primitive.check else ""


def _integer(value: object, primitive: Primitive) -> str:
    if type(value) is not int:
        return f"{_shown(value)} is not {primitive.words}"
    low, high = primitive.range or (value, value)
    return "" if low <= value <= high else f"{quoted(value)} is not {primitive.words}"


def _number(value: object, primitive: Primitive) -> str:
    """Check a decimal; a Decimal keeps its digits, a float has lost them."""
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return f"{_shown(value)} is not {primitive.words}"
    exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not exact.is_finite():
        return f"{quoted(value)} is no number of JSON"
    fits = primitive.pattern is None or primitive.pattern.fullmatch(str(exact))
    return "" if fits else f"{quoted(value)} is not {primitive.words}"


def _shown(value: object) -> str:
    return json_name(value) if isinstance(value, (dict, list)) else quoted(value)


def calendar_problem(value: str) -> str:
    """Check that the day of a date exists, such as no 30 February."""
    day = value[:10]
    if len(day) == 10:
        try:
            date.fromisoformat(day)
        except ValueError:
            return f"{quoted(value)} names a day that no calendar has"
    return ""


def base64_problem(value: str) -> str:
    """Check base64 text; white space between its characters is allowed."""
    fits = BASE64.fullmatch(SPACE.sub("", value))
    return "" if fits else f"{quoted(value)} is no base64 text"


def dense_base64_problem(value: str) -> str:
    """Check base64 text that has no white space (RFC 4648)."""
    holds = SPACE.search(value) and "is base64 text with white space in it"
    return base64_problem(value) or (f"{quoted(value)} {holds}" if holds else "")


def text_problem(value: str) -> str:
    """Check that a text is no longer than a string may be."""
    return "" if len(value) <= LONGEST else f"a text of {len(value)} characters is over 1048576"


CHECKS: dict[str, Callable[[str], str]] = {
    "calendar": calendar_problem,
    "base64": base64_problem,
    "dense base64": dense_base64_problem,
    "text": text_problem,
}


def span(value: str) -> tuple[datetime, datetime] | None:
    """Return the first and the last moment that a date or time may mean; None if it is none.

    A time has a zone; a date has none, and its moments are those of a zone unknown (no tzinfo).
    """
    try:
        if "T" in value:
            moment = datetime.fromisoformat(_leap_second(value))
            return moment, moment
        year, month, day = (*map(int, value.split("-")), 1, 1)[:3]
        first = datetime(year, month, day)
        length = timedelta(days=_days(year, month, value.count("-")), microseconds=-1)
    except (ValueError, TypeError, OverflowError):
        return None
    return first, first + length


def _days(year: int, month: int, precision: int) -> int:
    """Return how many days a year (precision 0), a month (1) or a day (2) has."""
    days = (365 + isleap(year), monthrange(year, month)[1], 1)
    return days[precision]


def is_before(first: datetime, last: datetime) -> bool:
    """Say whether one moment may stand before another, or be it, in whatever zone a date is."""
    if (first.tzinfo is None) == (last.tzinfo is None):
        return first <= last
    if first.tzinfo is None:
        return first.replace(tzinfo=UTC) - timedelta(hours=14) <= last
    return first <= last.replace(tzinfo=UTC) + timedelta(hours=12)


def _leap_second(value: str) -> str:
    """Return a time with the second 60, which Python does not know, as 59."""
    return value.replace(":60", ":59", 1)
