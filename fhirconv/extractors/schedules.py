"""How often and how many times: twice weekly, every 12 h, eight sessions, for six cycles."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from fhirconv.extractors.chunks import Sentence
from fhirconv.extractors.quantities import number_at

TIMES = frozenset(("times", "time"))
PER = frozenset(("a", "per", "each", "every", "/", "an"))
INTERVALS = frozenset(("interval", "intervals"))


class Frequency(NamedTuple):
    """How often, in words[first:last]; frequency and period are 0 where only words say it."""

    first: int
    last: int
    frequency: int
    period: float
    unit: str

    def fields(self) -> dict[str, Any]:
        """Return it as a schedule of the facts document."""
        if not self.period:
            return {}
        period = int(self.period) if self.period == int(self.period) else self.period
        return {"frequency": self.frequency, "period": period, "periodUnit": self.unit}


class Count(NamedTuple):
    """How many times, in words[first:last]: the number and the sessions that it counts."""

    first: int
    last: int
    number: int
    most: int | None

    def fields(self) -> dict[str, Any]:
        """Return it as a schedule of the facts document."""
        found: dict[str, Any] = {"count": self.number}
        return found | {"countMax": self.most} if self.most else found


def frequencies(sentence: Sentence) -> list[Frequency]:
    """Return what a sentence says about how often something is done."""
    found: list[Frequency] = []
    place = 0
    while place < len(sentence.listed):
        hit = _every(sentence, place) or _times(sentence, place) or _phrase(sentence, place)
        if hit is None:
            place += 1
        else:
            found.append(hit)
            place = hit.last
    return found


def _phrase(sentence: Sentence, place: int) -> Frequency | None:
    """Return a listed phrase: b.i.d., every other day."""
    match = sentence.lexicon.schedule("frequency").at(sentence.listed, place)
    if match is None:
        return None
    row = match.entry.row
    if not row["period"]:
        return Frequency(place, match.last, 0, 0, "")
    return Frequency(place, match.last, int(row["frequency"]), float(row["period"]), row["unit"])


def _every(sentence: Sentence, place: int) -> Frequency | None:
    """Return 'every 12 h', 'at intervals of 4 weeks', 'at 4-week intervals'."""
    lows = [w.low for w in sentence.listed[place : place + 3]]
    at = 1 if lows[0] in ("every", "at") else 0
    at = 3 if lows == ["at", "intervals", "of"] else at
    length = _length(sentence, place + at) if at else None
    if length is None:
        return None
    value, unit, last = length
    if lows[0] == "at" and at == 1:
        if last >= len(sentence.listed) or sentence.listed[last].low not in INTERVALS:
            return None
        last += 1
    return Frequency(place, last, 1, value, unit)


def _length(sentence: Sentence, place: int) -> tuple[float, str, int] | None:
    """Return (value, UCUM code, end) of a length of time, in numbers or in words."""
    if place >= len(sentence.listed):
        return None
    for quantity in sentence.quantities:
        if quantity.first == place and quantity.is_time:
            return quantity.value, quantity.code, quantity.last
    number = number_at(sentence.listed, place, sentence.lexicon)
    unit = _unit(sentence, number[1]) if number else None
    return (number[0], *unit) if number and unit else None


def _unit(sentence: Sentence, place: int) -> tuple[str, int] | None:
    """Return (UCUM code, end) of a word for a length of time."""
    if place >= len(sentence.listed):
        return None
    match = sentence.lexicon.schedule("unit").at(sentence.listed, place)
    return (match.entry.row["unit"], match.last) if match else None


def _times(sentence: Sentence, place: int) -> Frequency | None:
    """Return 'twice a week', 'three times daily', '2-3 times per week'."""
    listed, lexicon = sentence.listed, sentence.lexicon
    word = lexicon.times.get(listed[place].low)
    number = (word, place + 1) if word else number_at(listed, place, lexicon)
    if number is None:
        return None
    value, last = number
    if last < len(listed) and listed[last].low in TIMES:
        last += 1
    elif word is None:
        return None
    if last >= len(listed):
        return None
    base = lexicon.schedule("frequency").at(listed, last)
    if base is not None and base.entry.row["frequency"] == "1":
        row = base.entry.row
        return Frequency(place, base.last, int(value), float(row["period"]), row["unit"])
    return None


def counts(sentence: Sentence) -> Iterator[Count]:
    """Yield how many sessions, cycles or doses a sentence speaks of."""
    listed, lexicon = sentence.listed, sentence.lexicon
    for place in range(len(listed)):
        number = number_at(listed, place, lexicon)
        if number is None and listed[place].low == "single":
            number = (1.0, place + 1)
        if number is None or number[0] != int(number[0]) or number[0] > 500:
            continue
        value, last = number
        most, last = _most(sentence, last)
        match = lexicon.schedule("session").at(listed, last) if last < len(listed) else None
        if match is not None and not _is_part(sentence, place):
            yield Count(place, match.last, int(value), most)


def _most(sentence: Sentence, last: int) -> tuple[int | None, int]:
    """Return (upper number, end) behind a number: six to eight, 2-3."""
    listed = sentence.listed
    if last >= len(listed):
        return None, last
    step = 1 if listed[last].low in ("to", "or") else 0
    if not step and listed[last].joint != "-":
        return None, last
    second = number_at(listed, last + step, sentence.lexicon)
    return (int(second[0]), second[1]) if second else (None, last)


def _is_part(sentence: Sentence, place: int) -> bool:
    """Say whether a number is the second part of another: 42 in forty-two, 8 in six to eight."""
    listed = sentence.listed
    before = [w.low for w in listed[max(0, place - 2) : place]]
    if listed[place].joint == "-":
        return True
    return len(before) == 2 and before[1] in ("to", "or") and before[0] in sentence.lexicon.numbers
