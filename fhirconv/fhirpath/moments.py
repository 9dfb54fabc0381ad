"""Dates and times of any precision: the first and the last moment that each may mean."""

import re
from calendar import isleap, monthrange
from datetime import UTC, datetime, timedelta, timezone

TIME = re.compile(
    r"(?P<year>\d{4})(-(?P<month>\d\d)(-(?P<day>\d\d)"
    r"(T(?P<hour>\d\d)(:(?P<minute>\d\d)(:(?P<second>\d\d)(\.(?P<fraction>\d+))?)?)?)?)?)?"
    r"(?P<zone>Z|[+-]\d\d:\d\d)?"
)
PARTS = (("year", 1), ("month", 1), ("day", 1), ("hour", 0), ("minute", 0), ("second", 0))
EAST, WEST = timedelta(hours=14), timedelta(hours=12)  # the zones farthest from Greenwich


def span(value: str) -> tuple[datetime, datetime] | None:
    """Return the first and the last moment of a date or time; None where it is none.

    What has no zone has moments without one.
    """
    found = TIME.fullmatch(value)
    if not found:
        return None
    try:
        year, month, day, hour, minute, second = (int(found[name] or low) for name, low in PARTS)
        micro = int((found["fraction"] or "0")[:6].ljust(6, "0"))
        first = datetime(year, month, day, hour, minute, min(second, 59), micro)
        last = first + _length(found, first)
        zone = _zone(found["zone"]) if found["zone"] else None
        return first.replace(tzinfo=zone), last.replace(tzinfo=zone)
    except (ValueError, OverflowError):
        return None


def may_follow(first: datetime, last: datetime) -> bool:
    """Say whether one moment may stand before another, or be it, in whatever zone a date is."""
    if (first.tzinfo is None) == (last.tzinfo is None):
        return first <= last
    if first.tzinfo is None:
        return first.replace(tzinfo=UTC) - EAST <= last
    return first <= last.replace(tzinfo=UTC) + WEST


def _length(found: re.Match[str], first: datetime) -> timedelta:
    """Return how long the least precise part that is there lasts, without its end."""
    short = timedelta(microseconds=1)
    if found["fraction"]:
        return timedelta()
    lengths = (
        ("second", timedelta(seconds=1)),
        ("minute", timedelta(minutes=1)),
        ("hour", timedelta(hours=1)),
        ("day", timedelta(days=1)),
        ("month", timedelta(days=monthrange(first.year, first.month)[1])),
    )
    year = timedelta(days=365 + isleap(first.year))
    return next((length for name, length in lengths if found[name]), year) - short


def _zone(text: str) -> timezone:
    if text == "Z":
        return UTC
    hours, minutes = text[1:].split(":")
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    return timezone(-offset if text[0] == "-" else offset)
