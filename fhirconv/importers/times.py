"""Points and spans of time, as 'time' of a fact: GA4GH's TimeElement, and dates in words."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from fhirconv.importers.durations import of_iso, of_words
from fhirconv.importers.knowledge import Knowledge
from fhirconv.importers.pointers import named

Time = dict[str, Any]
STAMP = "timestamp"  # the one element of time that is no object

ISO_DATE = re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?\Z")
INSTANT = re.compile(
    r"(\d{4}-\d{2}-\d{2})T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(Z|[+-]\d{2}:\d{2})\Z"
)
WORDED = re.compile(
    r"(?:(?P<day>\d{1,2})(?:st|nd|rd|th)?\s+(?:of\s+)?)?(?P<month>[^\W\d_]+)\.?,?\s+"
    r"(?:(?P<late>\d{1,2})(?:st|nd|rd|th)?,?\s+)?(?P<year>\d{4})\Z"
)
LEADING = re.compile(r"^(?:in|on|from|since)\s+(?:the\s+)?", re.IGNORECASE)


def date_of(text: str, known: Knowledge) -> str | None:
    """Return a calendar date as FHIR has it, as precise as it is stated; None for no date.

    1 May 2014 is 2014-05-01, May 2014 is 2014-05; 1/5/2014 may be two days, and is none.
    """
    bare = LEADING.sub("", text.strip()).rstrip(".,")
    if ISO_DATE.match(bare) or INSTANT.match(bare):
        return bare
    match = WORDED.match(bare)
    month = known.word("months", match["month"]) if match else None
    if match is None or month is None or (match["day"] and match["late"]):
        return None
    day = match["day"] or match["late"]
    if day and not 1 <= int(day) <= 31:
        return None
    return f"{match['year']}-{int(month):02}" + (f"-{int(day):02}" if day else "")


def time_of_words(text: str, known: Knowledge) -> Time:
    """Return a time in words: a date where it is one, else the words alone."""
    date = date_of(text, known)
    if date is None:
        return {"kind": "relative", "text": text}
    return {"kind": "absolute", "text": text, "start": date}


def time_of_age(text: str, known: Knowledge) -> Time | None:
    """Return the time of an age, in ISO 8601 or in words; None where it is no age."""
    age = of_iso(text, known) or of_words(text, known)
    return _aged(text, age) if age else None


def _aged(text: str, age: dict[str, Any]) -> Time:
    return {"kind": "age", "text": text, "age": age}


def time_of_element(element: Any, known: Knowledge) -> Time | None:
    """Return a TimeElement of GA4GH as a time; None where it says nothing."""
    for name, read in ELEMENTS.items():
        value = named(element, name)
        if value and (isinstance(value, Mapping) or name == STAMP):
            return read(value, known)
    return None


def _iso(holder: Any) -> str:
    """Return the duration of an Age of GA4GH, '' where it has none."""
    return str(holder.get("iso8601duration", "")) if isinstance(holder, Mapping) else ""


def _age(value: Any, known: Knowledge) -> Time | None:
    text = _iso(value)
    return time_of_age(text, known) or ({"kind": "relative", "text": text} if text else None)


def _age_range(value: Any, known: Knowledge) -> Time | None:
    start, end = (_iso(value.get(name)) for name in ("start", "end"))
    low, high = of_iso(start, known), of_iso(end, known)
    text = f"{start}/{end}"
    if low and high and low["code"] == high["code"] and low["value"] < high["value"]:
        return _aged(text, low | {"high": high["value"]})
    return {"kind": "relative", "text": text}


def _gestational(value: Any, known: Knowledge) -> Time | None:
    phrase = known.word("phrases", "gestational-age") or "{weeks} {days}"
    text = phrase.format(weeks=value.get("weeks", 0), days=value.get("days", 0))
    return {"kind": "relative", "text": text}


def _class(value: Any, known: Knowledge) -> Time | None:
    text = value.get("label") or value.get("id")
    return {"kind": "relative", "text": str(text)} if text else None


def _timestamp(value: Any, known: Knowledge) -> Time | None:
    text = str(value)
    return time_of_words(text, known)


def _interval(value: Any, known: Knowledge) -> Time | None:
    ends = {name: str(value[name]) for name in ("start", "end") if value.get(name)}
    dates = {name: text for name, text in ends.items() if date_of(text, known)}
    text = "/".join(ends.values())
    return {"kind": "interval", "text": text, **dates} if dates else None


ELEMENTS: dict[str, Callable[[Any, Knowledge], Time | None]] = {  # by the name of the choice
    "age": _age,
    "ageRange": _age_range,
    "gestationalAge": _gestational,
    "ontologyClass": _class,
    STAMP: _timestamp,
    "interval": _interval,
}
