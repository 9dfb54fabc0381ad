"""Times as FHIR can say them: a date, an interval, a schedule, or an anchor to another fact."""

from collections.abc import Mapping
from typing import Any

Fields = dict[str, Any]

NO_TIME = {"value": 0, "unit": "days"}


def time_fields(time: Mapping[str, Any]) -> Fields:
    """Return a time with the fields that rows read: date, from, to, schedule, scheduleText.

    What FHIR cannot hold is left to the words: an interval that ends before it begins or whose
    ends cannot be compared (per-1), half a schedule (tim-2, tim-8).
    """
    kind, made = time["kind"], dict(time)
    if kind == "absolute":
        made["date"] = time.get("start")
    if kind == "interval":
        made |= _interval(time.get("start"), time.get("end"))
    if kind == "schedule":
        made["scheduleText"] = time.get("text")
        made["schedule"] = _schedule(time.get("schedule") or {})
    return made


def _interval(start: str | None, end: str | None) -> Fields:
    if not start or not end:
        return {"from": start, "to": end}
    if start.startswith(end) or end.startswith(start):  # the more precise one is true of both
        return {"from": start, "to": end} if start == end else {"date": max(start, end, key=len)}
    return {"from": start, "to": end} if start < end else {}


def _schedule(schedule: Mapping[str, Any]) -> Fields | None:
    """Return a schedule without the parts that FHIR takes only together with others."""
    made = dict(schedule)
    if not {"period", "periodUnit"} <= made.keys():
        for name in ("frequency", "period", "periodUnit"):
            made.pop(name, None)
    if "count" not in made:
        made.pop("countMax", None)
    return made or None


def offset_fields(relation: str, offset: Mapping[str, Any] | None) -> Fields:
    """Return how far from its anchor a time is: exactly, at the earliest, at the latest (H3).

    'after X' is true of every moment from X on: earliest 0 days, and nothing more.
    """
    if offset is None:
        return _open(relation)
    number = {name: offset[name] for name in ("value", "unit") if name in offset}
    comparator = offset.get("comparator", "")
    if "high" in offset:
        return {"earliest": number, "latest": number | {"value": offset["high"]}}
    if comparator.startswith(">"):
        return {"earliest": number}
    if comparator.startswith("<"):
        return {"earliest": NO_TIME, "latest": number}
    return _open(relation) if comparator else {"offset": number}


def _open(relation: str) -> Fields:
    if relation.startswith("after"):
        return {"earliest": NO_TIME}
    if relation.startswith("before"):
        return {"latest": NO_TIME}
    return {"offset": NO_TIME}
