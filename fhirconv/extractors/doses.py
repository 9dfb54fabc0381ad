"""Doses, routes, schedules and durations, each given to the treatment that it belongs to."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from fhirconv.extractors.mentions import AGENTS, Mention
from fhirconv.extractors.quantities import Quantity, number_at
from fhirconv.extractors.reading import Reading
from fhirconv.extractors.schedules import Count, Frequency, counts, frequencies
from fhirconv.extractors.tries import Match

REACH = 14  # words between a treatment and its dose


@dataclass(slots=True)
class Regime:
    """How a treatment is given: the fields of the fact, and the words they come from."""

    fields: dict[str, Any] = field(default_factory=dict)
    schedule: dict[str, Any] = field(default_factory=dict)
    first: int = -1  # the words of the schedule around the treatment
    last: int = -1

    def widen(self, first: int, last: int) -> None:
        """Take words[first:last] into the words of the schedule."""
        self.first = first if self.first < 0 else min(self.first, first)
        self.last = max(self.last, last)


def regimes(reading: Reading) -> dict[int, Regime]:
    """Return how each treatment of a sentence is given, by the identity of its mention."""
    drugs = [m for m in reading.mentions if m.kind in AGENTS or _is_infusion(m)]
    found = {id(m): Regime() for m in drugs}
    if not drugs:
        return found
    for frequency in frequencies(reading.sentence):
        _give_frequency(reading, frequency, drugs, found)
    for count in counts(reading.sentence):
        _give_count(reading, count, drugs, found)
    for quantity in reading.sentence.quantities:
        _give_quantity(reading, quantity, drugs, found)
    for route in reading.sentence.lexicon.vocabulary("routes").all(reading.sentence.listed):
        _give_route(reading, route, drugs, found)
    for mention in drugs:
        _own_words(reading, mention, found[id(mention)])
    _share(reading, drugs, found)
    return found


def _is_infusion(mention: Mention) -> bool:
    """Say whether a procedure is given in sessions: an infusion, a cycle."""
    sentence = mention.sentence
    return (
        mention.kind == "procedure"
        and mention.last - mention.first > 1
        and any(
            sentence.lexicon.schedule("session").at(sentence.listed, n)
            for n in range(mention.first, mention.last)
        )
    )


def _owner(reading: Reading, first: int, last: int, drugs: Sequence[Mention]) -> Mention | None:
    """Return the treatment that words[first:last] tell about: the one after, else before them."""
    inside = next((m for m in drugs if m.first <= first and last <= m.last), None)
    if inside is not None:
        return inside
    behind = next((m for m in drugs if m.first >= last), None)
    if behind is not None and _adjoins(reading, last, behind.first):
        return behind
    before = next((m for m in reversed(drugs) if m.last <= first), None)
    if before is not None and first - before.last <= REACH and _reaches(reading, before, first):
        return before
    return None


def _adjoins(reading: Reading, last: int, first: int) -> bool:
    """Say whether nothing but 'of' and qualifiers stands between a dose and a treatment."""
    words = reading.sentence.listed[last:first]
    tags = reading.sentence.tagged[last:first]
    plain = all(t in ("N", "#", "D") or w.low == "of" for t, w in zip(tags, words, strict=True))
    return len(words) <= 3 and plain


def _reaches(reading: Reading, mention: Mention, first: int) -> bool:
    """Say whether a dose after a treatment still belongs to it: no verb of another clause."""
    tags = reading.sentence.tagged[mention.last : first]
    return tags.count("X") + tags.count("V") <= 2 and ";" not in tags and "S" not in tags


def _give_frequency(
    reading: Reading, found: Frequency, drugs: Sequence[Mention], told: dict[int, Regime]
) -> None:
    owner = _owner(reading, found.first, found.last, drugs)
    if owner is None or "frequencyText" in told[id(owner)].fields:
        return
    regime = told[id(owner)]
    regime.fields["frequencyText"] = _quote(reading, found.first, found.last)
    regime.schedule |= found.fields()
    if found.period:
        regime.widen(found.first, found.last)
        _count_before(reading, owner, found.first, regime)


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
    return any(
        sentence.lexicon.schedule("session").at(sentence.listed, n) is not None
        for n in range(mention.first, mention.last)
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
    before = reading.sentence.listed[quantity.first - 1].low if quantity.first else ""
    if quantity.is_time:
        if before in ("for", "over", "during") or quantity.unit.startswith("-"):
            _give_duration(reading, quantity, drugs, told)
        return
    if quantity.code.startswith("/") or quantity.code in ("%", "Cel"):
        return
    owner = _owner(reading, quantity.first, quantity.last, drugs)
    if owner is None or "dose" in told[id(owner)].fields:
        return
    if quantity.unit:
        told[id(owner)].fields["dose"] = quantity.fields()
    told[id(owner)].fields["doseText"] = _quote(reading, quantity.first, quantity.last)


def _give_duration(
    reading: Reading, quantity: Quantity, drugs: Sequence[Mention], told: dict[int, Regime]
) -> None:
    before = [m for m in drugs if m.last <= quantity.first]
    if before and quantity.first - before[-1].last <= REACH:
        between = range(before[-1].last, quantity.first)
        others = [m for m in reading.mentions if m.first in between and m.kind not in AGENTS]
        if not others and _reaches(reading, before[-1], quantity.first):
            text = _quote(reading, quantity.first, quantity.last)
            told[id(before[-1])].fields.setdefault("durationText", text)


def _give_route(
    reading: Reading, route: Match, drugs: Sequence[Mention], told: dict[int, Regime]
) -> None:
    owner = _owner(reading, route.first, route.last, drugs)
    if owner is not None:
        text = _quote(reading, route.first, route.last)
        told[id(owner)].fields.setdefault("routeText", text)


def _own_words(reading: Reading, mention: Mention, regime: Regime) -> None:
    """Take what the words of a treatment say themselves: low-dose, a single infusion."""
    match = next(_amounts(mention), None)
    if match is not None:
        regime.fields.setdefault("doseText", _quote(reading, match.first, match.last))
    _count_before(reading, mention, mention.first, regime)


def _amounts(mention: Mention) -> Iterator[Match]:
    sentence = mention.sentence
    amounts = sentence.lexicon.phrases("amounts", "class")
    for place in range(mention.first, mention.last):
        match = amounts.at(sentence.listed, place)
        if match is not None:
            yield match


def _share(reading: Reading, drugs: Sequence[Mention], told: dict[int, Regime]) -> None:
    """Give the drugs of a list the route, frequency and duration that stand behind the last."""
    for before, after in zip(reversed(drugs[:-1]), reversed(drugs), strict=False):
        between = reading.sentence.tagged[before.last : after.first]
        if "C" in between and not set(between) & {"V", "X", "P", "S", "R", ";"}:
            for name in ("routeText", "frequencyText", "durationText"):
                if name in told[id(after)].fields:
                    told[id(before)].fields.setdefault(name, told[id(after)].fields[name])


def _quote(reading: Reading, first: int, last: int) -> str:
    start, end = reading.sentence.span(first, last)
    return reading.sentence.text[start:end]
