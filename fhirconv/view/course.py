"""The course of a case in order: what is dated, what is told beside another, what is not told."""

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from fhirconv.view.legend import Legend
from fhirconv.view.values import quantity

Fact = Mapping[str, Any]

AHEAD = {"followed_by": True, "before": True, "after": False}  # relations: does 'from' come first?
AFTER, BEFORE, WITH = "after", "before", "with"
SIDES = {AFTER: "+", BEFORE: "−"}
UNKNOWN = ("", "", WITH)  # an anchor whose relation no row tells of


@dataclass(frozen=True, slots=True)
class Anchor:
    """Another fact that a time is told by: '3 weeks after' it."""

    fact: str
    label: str
    words: str  # 3 weeks after
    short: str  # +3 weeks
    order: str  # before | with | after


@dataclass(frozen=True, slots=True)
class Step:
    """A fact in the course, and all that is told of its time."""

    fact: Fact
    when: str  # a date, an interval, an age; empty for a time that is none of these
    anchors: tuple[Anchor, ...]
    words: str  # of the report
    day: str  # 'day +21' where the distances to the start of all are exact
    since: str  # the label of what the days are counted from


@dataclass(frozen=True, slots=True)
class Course:
    """The facts whose place in time is told, in their order; the others in that of the text."""

    chains: tuple[tuple[Step, ...], ...]  # between two chains no order is told
    untold: tuple[Fact, ...]


def course_of(facts: Iterable[Fact], relations: Iterable[Fact], legend: Legend) -> Course:
    """Return the course of a patient; nothing is put in an order that nothing told of it."""
    happened = [f for f in facts if all(sign.in_course for sign in legend.signs_of(f))]
    known = {fact["id"]: fact for fact in happened}
    edges = dict.fromkeys(_edges(known, relations, legend))
    tied = {end for edge in edges for end in edge} | _tied(known)
    told = [fact for fact in happened if fact["id"] in tied or _when(fact)]
    days = _days(known, legend)
    chains = tuple(
        tuple(_step(fact, known, days, legend) for fact in _in_order(chain, edges))
        for chain in _chains(told, [*edges, *pairwise(_dated(known))])
    )
    names = {fact["id"] for fact in told}
    return Course(chains, tuple(fact for fact in happened if fact["id"] not in names))


def _chains(facts: Sequence[Fact], edges: Iterable[tuple[str, str]]) -> list[list[Fact]]:
    """Return the facts that are told by each other together, what is told first ahead."""
    chain_of = {fact["id"]: [fact["id"]] for fact in facts}
    for one, two in edges:
        here, there = chain_of[one], chain_of[two]
        if here is not there:
            here += there
            chain_of.update(dict.fromkeys(there, here))
    known = {fact["id"]: fact for fact in facts}
    chains = {id(chain): [known[name] for name in chain] for chain in chain_of.values()}
    return sorted(chains.values(), key=lambda chain: max(map(_place, chain)))


def _tied(known: Mapping[str, Fact]) -> set[str]:
    """Return what is told to be at the time of another, and these others."""
    pairs = ((name, a["fact"]) for name, f in known.items() for a in _anchors(f, known))
    return {end for pair in pairs for end in pair}


def _anchors(fact: Fact, known: Mapping[str, Fact]) -> list[Mapping[str, Any]]:
    return [a for a in (fact.get("time") or {}).get("anchors", ()) if a["fact"] in known]


def _edges(
    known: Mapping[str, Fact], relations: Iterable[Fact], legend: Legend
) -> Iterator[tuple[str, str]]:
    """Yield (earlier, later): by anchors, by dates, by what relations say of order."""
    for name, fact in known.items():
        for anchor in _anchors(fact, known):
            _, _, order = legend.anchors.get(anchor["relation"], UNKNOWN)
            pair = (anchor["fact"], name)
            yield pair[::-1] if order == BEFORE else pair
    for one, two in pairwise(_dated(known)):
        if not _start(known[two]).startswith(_start(known[one])):
            yield one, two
    for relation in relations:
        pair = (relation["from"], relation["to"])
        if relation["type"] in AHEAD and known.keys() >= set(pair) and relation["explicit"]:
            yield pair if AHEAD[relation["type"]] else pair[::-1]


def _dated(known: Mapping[str, Fact]) -> list[str]:
    """Return the facts with a date, the earlier first; those of one month in no order."""
    return sorted((name for name in known if _start(known[name])), key=lambda n: _start(known[n]))


def _start(fact: Fact) -> str:
    return str((fact.get("time") or {}).get("start") or "")


def _in_order(facts: list[Fact], edges: Iterable[tuple[str, str]]) -> Iterator[Fact]:
    """Yield the facts, the earlier first, else by their place in the text.

    What relations say may lead in a circle: then the first in the text goes ahead.
    """
    waiting = {fact["id"]: (_place(fact), number) for number, fact in enumerate(facts)}
    later: dict[str, list[str]] = {}
    open_ends = dict.fromkeys(waiting, 0)
    for one, two in edges:
        if one not in waiting:
            continue
        later.setdefault(one, []).append(two)
        open_ends[two] += 1
    ready = [(*waiting[name], name) for name, count in open_ends.items() if not count]
    heapq.heapify(ready)
    by_name = {fact["id"]: fact for fact in facts}
    while waiting:
        name = heapq.heappop(ready)[-1] if ready else min(waiting, key=waiting.__getitem__)
        if name not in waiting:
            continue
        yield by_name[name]
        del waiting[name]
        for other in later.get(name, ()):
            open_ends[other] -= 1
            if not open_ends[other] and other in waiting:
                heapq.heappush(ready, (*waiting[other], other))


def _place(fact: Fact) -> int:
    return min((e["start"] for e in fact["evidence"] if "start" in e), default=0)


def _days(known: Mapping[str, Fact], legend: Legend) -> dict[str, tuple[int, str]]:
    """Return, by fact, the day and the fact from which it is counted, where that is exact."""
    days: dict[str, tuple[int, str]] = {}
    for name in known:
        chain: dict[str, int] = {}
        while name not in days:
            anchors = _anchors(known[name], known)
            distance = _distance(anchors[0], legend) if len(anchors) == 1 else None
            if distance is None or name in chain:
                days[name] = (0, name)
            else:
                chain[name] = distance
                name = anchors[0]["fact"]  # noqa: PLW2901 - from link to link of the chain
        day, root = days[name]
        for link in reversed(chain):
            day += chain[link]
            days[link] = (day, root)
    return days


def _distance(anchor: Mapping[str, Any], legend: Legend) -> int | None:
    """Return how many days behind its anchor a fact is; None where that is not exact."""
    offset = anchor.get("offset")
    _, _, order = legend.anchors.get(anchor["relation"], UNKNOWN)
    if offset is None or order not in (AFTER, BEFORE) or {"high", "comparator"} & offset.keys():
        return None
    days = legend.days.get(offset.get("code", ""))
    number = days * offset["value"] if days else None
    if number is None or number != int(number):
        return None
    return int(number) if order == AFTER else -int(number)


def _step(
    fact: Fact, known: Mapping[str, Fact], days: Mapping[str, tuple[int, str]], legend: Legend
) -> Step:
    time = fact.get("time") or {}
    anchors = tuple(
        Anchor(a["fact"], known[a["fact"]]["label"], *_told(a, legend))
        for a in _anchors(fact, known)
    )
    day, root = days[fact["id"]]
    counted = root != fact["id"]
    told = f"day {day:+d}".replace("-", "−") if counted else ""
    since = known[root]["label"] if counted else ""
    return Step(fact, _when(fact), anchors, str(time.get("text") or ""), told, since)


def _told(anchor: Mapping[str, Any], legend: Legend) -> tuple[str, str, str]:
    """Return '3 weeks after', '+3 weeks' and the order of an anchor."""
    words, short, order = legend.anchors.get(anchor["relation"], UNKNOWN)
    words = words or anchor["relation"]
    if "offset" not in anchor:
        return words, short, order
    distance = quantity(anchor["offset"])
    return f"{distance} {words}", f"{SIDES.get(order, '')}{distance}", order


def _when(fact: Fact) -> str:
    """Return the date, the interval or the age at which something is told to have been."""
    time = fact.get("time") or {}
    if time.get("age"):
        return f"at {quantity(time['age'])}"
    start, end = time.get("start"), time.get("end")
    return " to ".join(filter(None, (start, end if end != start else None)))


def time_words(fact: Fact, facts: Mapping[str, Fact], legend: Legend) -> tuple[str, list[Anchor]]:
    """Return what the card of a fact tells of its time: words, and the facts it is told by."""
    time = fact.get("time") or {}
    anchors = [
        Anchor(a["fact"], facts[a["fact"]]["label"], *_told(a, legend))
        for a in time.get("anchors", ())
    ]
    duration = f"for {quantity(time['duration'])}" if time.get("duration") else ""
    words = f"“{time['text']}”" if time.get("text") else ""
    return ", ".join(filter(None, (_when(fact), words, duration))), anchors
