"""Calendar dates, as far as they are stated: 2006, March 2014, 17 March 2014."""

from collections.abc import Iterator
from typing import NamedTuple

from fhirconv.extractors.chunks import Sentence

FIRST_YEAR, LAST_YEAR = 1800, 2100
BEFORE_YEAR = frozenset(("in", "since", "until", "by", "of", "early", "late", "mid", "during"))


class Date(NamedTuple):
    """A date in words[first:last], as ISO 8601 with the parts that are stated."""

    first: int
    last: int
    iso: str


def dates(sentence: Sentence) -> Iterator[Date]:
    """Yield the dates of a sentence from left to right."""
    free, months = 0, sentence.lexicon.months
    for place, word in enumerate(sentence.listed):
        if place < free or not (word.low in months or word.low[0].isdecimal()):
            continue
        found = _iso(sentence, place) or _month(sentence, place) or _year(sentence, place)
        if found is not None:
            yield found
            free = found.last


def _is_year(low: str) -> bool:
    return len(low) == 4 and low.isdecimal() and FIRST_YEAR <= int(low) <= LAST_YEAR


def _iso(sentence: Sentence, place: int) -> Date | None:
    """Return 2014-03-17."""
    parts = sentence.listed[place : place + 3]
    if len(parts) < 3 or not _is_year(parts[0].low) or parts[1].joint != "-":
        return None
    year, month, day = (p.low for p in parts)
    if parts[2].joint == "-" and _fits(month, 12) and _fits(day, 31):
        return Date(place, place + 3, f"{year}-{int(month):02}-{int(day):02}")
    return None


def _fits(low: str, most: int) -> bool:
    return low.isdecimal() and len(low) <= 2 and 1 <= int(low) <= most


def _month(sentence: Sentence, place: int) -> Date | None:
    """Return March 2014, March 17, 2014 or 17 March 2014."""
    listed = sentence.listed
    first, day = place, ""
    if _fits(listed[place].low, 31) and place + 1 < len(listed):
        day, place = listed[place].low, place + 1
        if listed[place].low in ("st", "nd", "rd", "th") and place + 1 < len(listed):
            place += 1
    month = sentence.lexicon.months.get(listed[place].low)
    if month is None or not listed[place].text[0].isupper():
        return None
    place += 1
    if not day and place + 1 < len(listed) and _fits(listed[place].low, 31):
        day, place = listed[place].low, place + 1
    while place < len(listed) and listed[place].low in (",", "st", "nd", "rd", "th", "of", "."):
        place += 1
    if place < len(listed) and _is_year(listed[place].low):
        days = f"-{int(day):02}" if day else ""
        return Date(first, place + 1, f"{listed[place].low}-{month:02}{days}")
    return None


def _year(sentence: Sentence, place: int) -> Date | None:
    """Return 2006 where 'in' or the like stands before it."""
    listed = sentence.listed
    if place and _is_year(listed[place].low) and listed[place - 1].low in BEFORE_YEAR:
        following = listed[place + 1].low if place + 1 < len(listed) else ""
        if following not in ("patients", "cases", "%", "mg", "ml"):
            return Date(place, place + 1, listed[place].low)
    return None
