"""Doses, routes, schedules and durations, each given to the treatment that it belongs to."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from fhirconv.extractors.kinds import gives_drug
from fhirconv.extractors.mentions import AGENTS, Mention
from fhirconv.extractors.quantities import Quantity, number_at
from fhirconv.extractors.reading import Reading
from fhirconv.extractors.schedules import Count, Frequency, counts, frequencies
from fhirconv.extractors.tries import Match

REACH = 14  # words between a treatment and its dose
LASTING = frozenset(("for", "over", "during", "since"))
CHANGED = frozenset(("to", "then", "by"))  # before what a dose was changed to
WAYS = frozenset(("via", "through"))
THEREAFTER = frozenset(("thereafter", "afterwards", "subsequently"))


@dataclass(slots=True)
class Regime:
    """How a treatment is given: the fields of the fact, and the words they come from."""

    fields: dict[str, Any] = field(default_factory=dict)
    schedule: dict[str, Any] = field(default_factory=dict)
    first: int = -1  # the words of the schedule around the treatment
    last: int = -1
    said: list[tuple[int, int]] = field(default_factory=list)  # the words of the fields
    modelled: list[str] = field(default_factory=list)  # the fields that a model found
    later: list["Regime"] = field(default_factory=list)  # what a dose was changed to

    def widen(self, first: int, last: int) -> None:
        """Take words[first:last] into the words of the schedule."""
        self.first = first if self.first < 0 else min(self.first, first)
        self.last = max(self.last, last)

    def fill(self, fields: dict[str, Any]) -> None:
        """Give a fact the fields that it has not."""
        for name, value in self.fields.items():
            fields.setdefault(name, value)

    def told(self) -> Iterator[tuple[int, int]]:
        """Yield the words of the fields, and of what the dose was changed to."""
        yield from self.said
        for later in self.later:
            yield from later.said

    def around(self, first: int, last: int) -> tuple[int, int]:
        """Return words[first:last] with the words of the fields."""
        return min([first, *(a for a, _ in self.said)]), max([last, *(b for _, b in self.said)])


NOTHING = Regime()


def regimes(reading: Reading) -> dict[int, Regime]:
    """Return how each treatment of a sentence is given, by the identity of its mention."""
    drugs = [m for m in reading.mentions if m.kind in AGENTS or _is_infusion(reading, m)]
    found = {id(m): Regime() for m in drugs}
    if not drugs:
        return found
    for frequency in frequencies(reading.sentence):
        _give_frequency(reading, frequency, drugs, found)
    for count in counts(reading.sentence):
        _give_count(reading, count, drugs, found)
    for quantity in reading.sentence.quantities:
        _give_quantity(reading, quantity, drugs, found)
    for amount in reading.sentence.lexicon.phrases("amounts", "class").all(reading.sentence.listed):
        _give_words(reading, amount, f"{amount.entry.kind}Text", drugs, found)
    for route in reading.sentence.lexicon.vocabulary("routes").all(reading.sentence.listed):
        _give_words(reading, route, "routeText", drugs, found)
    for mention in drugs:
        _count_before(reading, mention, mention.first, found[id(mention)])
    _share(reading, drugs, found)
    return found


def _is_infusion(reading: Reading, mention: Mention) -> bool:
    """Say whether a procedure is given in sessions: an infusion, a cycle."""
    sentence = mention.sentence
    return (
        mention.kind == "procedure"
        and not gives_drug(reading, mention)
        and not _is_way(mention)
        and mention.last - mention.first > 1
        and any(
            sentence.lexicon.schedule("session").at(sentence.listed, n)
            for n in range(mention.first, mention.last)
        )
    )


def _is_way(mention: Mention) -> bool:
    """Say whether a procedure is only the way that something is given: via injection."""
    chunk = mention.sentence.chunks[mention.chunk]
    return chunk.first > 0 and mention.sentence.listed[chunk.first - 1].low in WAYS


def _owner(reading: Reading, first: int, last: int, drugs: Sequence[Mention]) -> Mention | None:
    """Return the treatment that words[first:last] tell about: the one after, else before them."""
    inside = next((m for m in drugs if m.first <= first and last <= m.last), None)
    if inside is not None:
        return inside
    behind = next((m for m in drugs if m.first >= last), None)
    if behind is not None and _adjoins(reading, last, behind.first):
        return behind
    before = _before_words(reading, first, drugs)
    return before if before is not None and _reaches(reading, before, first) else None


def _before_words(reading: Reading, first: int, drugs: Sequence[Mention]) -> Mention | None:
    """Return the last treatment before a place that stands in no bracket which ends before it."""
    tagged = reading.sentence.tagged
    for mention in reversed(drugs):
        if mention.last <= first and ")" not in _outside(tagged[mention.last : first]):
            return mention
    return None


def _adjoins(reading: Reading, last: int, first: int) -> bool:
    """Say whether nothing but 'of' and qualifiers stands between a dose and a treatment."""
    words = reading.sentence.listed[last:first]
    tags = reading.sentence.tagged[last:first]
    plain = all(t in ("N", "#", "D") or w.low == "of" for t, w in zip(tags, words, strict=True))
    return len(words) <= 3 and plain


def _reaches(reading: Reading, mention: Mention, first: int) -> bool:
    """Say whether a dose after a treatment still belongs to it: near, in no other clause."""
    tags = list(_outside(reading.sentence.tagged[mention.last : first]))
    near = len(tags) <= REACH and ";" not in tags and "S" not in tags
    return near and tags.count("X") + tags.count("V") <= 2


def _outside(tags: Sequence[str]) -> Iterator[str]:
    """Yield the tags that stand in no closed bracket: X (a brand; its maker) was given."""
    closed = [n for n, tag in enumerate(tags) if tag == ")"]
    place = 0
    while place < len(tags):
        end = next((n for n in closed if n > place), -1) if tags[place] == "(" else -1
        if end < 0:
            yield tags[place]
        place = max(place, end) + 1


def _give_frequency(
    reading: Reading, found: Frequency, drugs: Sequence[Mention], told: dict[int, Regime]
) -> None:
    owner = _owner(reading, found.first, found.last, drugs)
    if owner is None or "frequencyText" in told[id(owner)].fields or _is_taken(reading, found):
        return
    regime = told[id(owner)]
    regime.fields["frequencyText"] = _quote(reading, found.first, found.last)
    regime.said.append((found.first, found.last))
    regime.schedule |= found.fields()
    if found.period:
        regime.widen(found.first, found.last)
        _count_before(reading, owner, found.first, regime)


def _is_taken(reading: Reading, found: Frequency) -> bool:
    """Say whether a frequency belongs to a unit, or to a dose after another: then 2 mg daily."""
    return any(
        q.first < found.first < q.last or (q.last == found.first and _before(reading, q) == "then")
        for q in reading.sentence.quantities
    )


def _count_before(reading: Reading, owner: Mention, place: int, regime: Regime) -> None:
    """Take a bare number before a frequency or treatment as its count: ten daily infusions."""
    if place < 1 or "count" in regime.schedule or not _is_session(owner):
        return
    low = reading.sentence.listed[place - 1].low
    number = number_at(reading.sentence.listed, place - 1, reading.sentence.lexicon)
    value = 1 if low == "single" else int(number[0]) if number and number[1] == place else 0
    if value:
        regime.schedule["count"] = value
        regime.widen(place - 1, owner.last)


def _is_session(mention: Mention) -> bool:
    sentence = mention.sentence
    last = min(mention.last + 1, sentence.chunks[mention.chunk].last)  # rituximab (infusions)
    return any(
        sentence.lexicon.schedule("session").at(sentence.listed, n) is not None
        for n in range(mention.first, max(mention.last, last))
    )


def _give_count(
    reading: Reading, found: Count, drugs: Sequence[Mention], told: dict[int, Regime]
) -> None:
    sentence = reading.sentence
    inside = next((m for m in drugs if m.first < found.last and found.first < m.last), None)
    behind = next((m for m in drugs if m.first >= found.last), None)
    near = sentence.listed[found.last : behind.first] if behind is not None else []
    leads = bool(near) and near[0].low == "of" and len(near) <= 6
    owner = inside or (behind if leads else _owner(reading, found.first, found.last, drugs))
    if owner is None or "count" in told[id(owner)].schedule:
        return
    regime = told[id(owner)]
    regime.schedule |= found.fields()
    regime.widen(found.first, found.last)
    regime.widen(owner.first, owner.last)


def _give_quantity(
    reading: Reading, quantity: Quantity, drugs: Sequence[Mention], told: dict[int, Regime]
) -> None:
    if quantity.is_time:
        course = _course_of(reading, quantity, drugs)
        if course is not None:
            _last(reading, quantity, told[id(course)])
        elif _leads(reading, quantity) in LASTING or quantity.unit.startswith("-"):
            _give_duration(reading, quantity, drugs, told)
        return
    if quantity.code and quantity.code not in reading.sentence.lexicon.listed("dose-units", "unit"):
        return
    owner = _owner(reading, quantity.first, quantity.last, drugs)
    if owner is None:
        return
    regime = told[id(owner)]
    if "dose" not in regime.fields and _before(reading, quantity) == "from" and quantity.high:
        _take_dose(reading, regime, quantity._replace(high=None), text=False)
        regime.later.append(_dosed(reading, _second(reading, quantity)))
    elif "dose" not in regime.fields:
        _take_dose(reading, regime, quantity)
    elif _before(reading, quantity) in CHANGED or _lasts(reading, quantity):
        regime.later.append(_dosed(reading, quantity))


def _before(reading: Reading, quantity: Quantity) -> str:
    return reading.sentence.listed[quantity.first - 1].low if quantity.first else ""


def _leads(reading: Reading, quantity: Quantity) -> str:
    """Return the word that leads to a duration: 'over' may also say that it is more."""
    first = reading.sentence.listed[quantity.first].low
    return first if first in LASTING else _before(reading, quantity)


def _second(reading: Reading, quantity: Quantity) -> Quantity:
    """Return the second of 'from 5 to 10 mg'."""
    places = range(quantity.first + 1, quantity.last)
    first = next((n + 1 for n in places if reading.sentence.listed[n].low == "to"), quantity.first)
    return quantity._replace(first=first, value=quantity.high or quantity.value, high=None)


def _lasts(reading: Reading, quantity: Quantity) -> bool:
    """Say whether 'thereafter' stands behind a dose."""
    near = reading.sentence.listed[quantity.last : quantity.last + 3]
    return any(w.low in THEREAFTER for w in near)


def _dosed(reading: Reading, quantity: Quantity) -> Regime:
    """Return the regime that a changed dose begins."""
    regime = Regime()
    _take_dose(reading, regime, quantity)
    for length in reading.sentence.quantities:
        if (
            length.is_time
            and _before(reading, length) == "for"
            and length.first == quantity.last + 1
        ):
            _last(reading, length, regime)
    for frequency in frequencies(reading.sentence):
        if frequency.first == quantity.last:
            regime.fields["frequencyText"] = _quote(reading, frequency.first, frequency.last)
            regime.schedule |= frequency.fields()
            regime.said.append((frequency.first, frequency.last))
    return regime


def _take_dose(reading: Reading, regime: Regime, quantity: Quantity, text: bool = True) -> None:
    first = quantity.first
    if quantity.unit:
        regime.fields["dose"] = quantity.fields()
    if text:
        regime.fields["doseText"] = _quote(reading, first, quantity.last)
    regime.said.append((first, quantity.last))


def _course_of(reading: Reading, quantity: Quantity, drugs: Sequence[Mention]) -> Mention | None:
    """Return the treatment behind a duration: a 10-day course of X, three weeks of X."""
    listed, place = reading.sentence.listed, quantity.last
    if place < len(listed) and reading.sentence.lexicon.schedule("session").at(listed, place):
        place += 1
    behind = next((m for m in drugs if m.first > place), None)
    leads = place < len(listed) and listed[place].low == "of"
    leads = leads and _before(reading, quantity) != "within"
    return behind if leads and behind and _adjoins(reading, place, behind.first) else None


def _give_duration(
    reading: Reading, quantity: Quantity, drugs: Sequence[Mention], told: dict[int, Regime]
) -> None:
    before = _before_words(reading, quantity.first, drugs)
    if before is None:
        return
    between = range(before.last, quantity.first)
    near = [m for m in reading.mentions if m.first in between]
    others = [m for m in near if m.kind not in AGENTS]
    if not others and _reaches(reading, before, quantity.first):
        _last(reading, quantity, told[id(before)])


def _last(reading: Reading, quantity: Quantity, regime: Regime) -> None:
    """Let a treatment last as long as a quantity says."""
    regime.fields.setdefault("durationText", _quote(reading, quantity.first, quantity.last))
    regime.said.append((quantity.first, quantity.last))


def _give_words(
    reading: Reading, match: Match, name: str, drugs: Sequence[Mention], told: dict[int, Regime]
) -> None:
    """Give a route, or a dose in words, to the treatment that it belongs to."""
    owner = _owner(reading, match.first, match.last, drugs)
    if owner is None or (owner.kind == "cells" and owner.first <= match.first < owner.last):
        return  # an infusion of cells says so in its name
    if name not in told[id(owner)].fields:
        told[id(owner)].fields[name] = _quote(reading, match.first, match.last)
        told[id(owner)].said.append((match.first, match.last))


def _share(reading: Reading, drugs: Sequence[Mention], told: dict[int, Regime]) -> None:
    """Give the drugs of a list what stands behind the last, or before 'of' and the first."""
    for before, after in pairwise(drugs):
        if _lists(reading, before, after):
            _share_route(reading, told[id(before)], told[id(after)])
    for before, after in zip(reversed(drugs[:-1]), reversed(drugs), strict=False):
        if _lists(reading, before, after) and not _only_dosed(told[id(after)], told[id(before)]):
            for name in ("routeText", "frequencyText", "durationText", *_in_words(told[id(after)])):
                if name in told[id(after)].fields:
                    told[id(before)].fields.setdefault(name, told[id(after)].fields[name])


def _only_dosed(last: Regime, other: Regime) -> bool:
    """Say whether only the last drug has a dose, and so what stands behind: A, and B 2 mg daily."""
    return "dose" in last.fields and "dose" not in other.fields


def _in_words(regime: Regime) -> tuple[str, ...]:
    """Return the name of a dose that has no number: A and B at low doses."""
    return () if "dose" in regime.fields else ("doseText",)


def _lists(reading: Reading, before: Mention, after: Mention) -> bool:
    """Say whether two drugs stand in one list: A 5 mg and B 10 mg."""
    between = reading.sentence.tagged[before.last : after.first]
    return "C" in between and not set(between) & {"V", "X", "P", "S", "R", ";"}


def _share_route(reading: Reading, before: Regime, after: Regime) -> None:
    """Give a drug the route of the one before it: infusion of A and B."""
    route = before.fields.get("routeText")
    listed = reading.sentence.listed
    places = [b for a, b in before.said if _quote(reading, a, b) == route and b < len(listed)]
    if route and any(listed[b].low == "of" for b in places):
        after.fields.setdefault("routeText", route)


def _quote(reading: Reading, first: int, last: int) -> str:
    start, end = reading.sentence.span(first, last)
    return reading.sentence.text[start:end]
