"""Numbers with their units: doses, durations, values of a laboratory."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from fhirconv.extractors.lexicon import Lexicon
from fhirconv.extractors.tries import Match
from fhirconv.extractors.words import DASHES, Word

TIME_CODES = frozenset(("s", "min", "h", "d", "wk", "mo", "a"))
RANGE_SIGNS = frozenset(("to", "and", "or", *DASHES))


class Quantity(NamedTuple):
    """A number in words[first:last], with a unit where one stands after it."""

    first: int
    last: int
    value: float
    high: float | None
    comparator: str
    unit: str  # the words of the report
    code: str  # UCUM; '' where the table has none

    @property
    def is_time(self) -> bool:
        """Whether it is a length of time."""
        return self.code in TIME_CODES

    def fields(self) -> dict[str, Any]:
        """Return it as a quantity of the facts document."""
        found: dict[str, Any] = {"value": _plain(self.value), "unit": self.unit}
        if self.code:
            found["code"] = self.code
        if self.comparator:
            found["comparator"] = self.comparator
        if self.high is not None:
            found["high"] = _plain(self.high)
        return found


def _plain(value: float) -> float | int:
    return int(value) if value == int(value) and abs(value) < 1e15 else value


def quantities(text: str, listed: Sequence[Word], lexicon: Lexicon) -> list[Quantity]:
    """Return the numbers of a sentence that have a unit, from left to right."""
    found: list[Quantity] = []
    free, numbers = 0, lexicon.numbers
    for place, word in enumerate(listed):
        if place < free or not (word.low in numbers or word.low[0].isdecimal()):
            continue
        quantity = _quantity(text, listed, place, lexicon)
        if quantity is not None:
            found.append(quantity)
            free = quantity.last
    return found


def _quantity(text: str, listed: Sequence[Word], place: int, lexicon: Lexicon) -> Quantity | None:
    number = number_at(listed, place, lexicon)
    if number is None or (place and _is_part_of_name(listed, place)):
        return None
    value, last = number
    high = None
    if last + 1 < len(listed) and _joins_range(text, listed, last):
        step = 0 if listed[last].joint == "-" else 1
        second = number_at(listed, last + step, lexicon)
        if second is not None and second[0] > value:
            high, last = second
    unit = _unit(listed, place + 1, lexicon) if last == place + 5 else None
    if unit is not None:
        value, last = number_at(listed[: place + 1], place, lexicon) or (value, last)
    unit = unit or _unit(listed, last, lexicon)
    if unit is None:
        plain = last == place + 5
        return Quantity(place, last, value, high, "", "", "") if plain else None
    shown = text[listed[unit.first].start : listed[unit.last - 1].end]
    first, comparator = _comparator(listed, place, lexicon)
    return Quantity(first, unit.last, value, high, comparator, shown, unit.entry.row["code"])


def _is_part_of_name(listed: Sequence[Word], place: int) -> bool:
    """Say whether a figure belongs to a name: ChAdOx1-S, CD4."""
    return not listed[place].joint and listed[place - 1].text[-1].isalpha()


def _unit(listed: Sequence[Word], place: int, lexicon: Lexicon) -> Match | None:
    """Return the unit at a place, without 'daily': that is how often, not how much."""
    unit = lexicon.units.at(listed, place) if place < len(listed) else None
    if unit is not None and unit.last - unit.first > 1:
        often = lexicon.schedule("frequency").at(listed, unit.last - 1)
        if often is not None and listed[unit.last - 1].joint == " ":
            return lexicon.units.at(listed[: unit.last - 1], place)
    return unit


def _joins_range(text: str, listed: Sequence[Word], last: int) -> bool:
    return listed[last].joint == "-" or listed[last].low in RANGE_SIGNS


def number_at(listed: Sequence[Word], place: int, lexicon: Lexicon) -> tuple[float, int] | None:
    """Return (value, end) of a number in figures or words that begins at a place."""
    if place >= len(listed):
        return None
    low = listed[place].low
    if low[0].isdecimal():
        return _fraction(listed, place) or _power(listed, place) or (_figures(low), place + 1)
    value = lexicon.numbers.get(low)
    if value is None:
        return None
    if value >= 20 and value % 10 == 0 and place + 1 < len(listed):
        below = lexicon.numbers.get(listed[place + 1].low)
        if below is not None and below < 10 <= value < 100:
            return value + below, place + 2
    if value < 100 and place + 1 < len(listed):
        many = lexicon.numbers.get(listed[place + 1].low, 0)
        if many >= 100:
            return value * many, place + 2  # five hundred
    return value, place + 1


def _fraction(listed: Sequence[Word], place: int) -> tuple[float, int] | None:
    """Return 5 1/2 as 5.5."""
    parts = [w.low for w in listed[place : place + 4]]
    if len(parts) < 4 or parts[2] != "/" or parts[3] not in ("2", "3", "4"):
        return None
    if listed[place + 2].joint or listed[place + 1].joint != " " or parts[1] not in "123":
        return None
    return _figures(parts[0]) + int(parts[1]) / int(parts[3]), place + 4


def _power(listed: Sequence[Word], place: int) -> tuple[float, int] | None:
    """Return 2 × 10^9 where no unit of the tables stands there."""
    parts = [w.low for w in listed[place + 1 : place + 5]]
    if (
        len(parts) == 4
        and parts[0] in ("×", "x")
        and parts[1:3] == ["10", "^"]
        and parts[3].isdecimal()
    ):
        return _figures(listed[place].low) * 10 ** min(int(parts[3]), 30), place + 5
    return None


def _figures(low: str) -> float:
    """Return 1,000 as 1000 and 5.2 as 5.2; a comma before fewer than three figures is a point."""
    parts = low.split(",")
    if len(parts) > 1 and all(len(p) == 3 for p in parts[1:]):
        low = "".join(parts)
    try:
        return float(low.replace(",", "."))
    except ValueError:
        return float("".join(c for c in low if c.isdecimal())[:12])


def _comparator(listed: Sequence[Word], place: int, lexicon: Lexicon) -> tuple[int, str]:
    """Return (first word, comparator) with what stands before a number: more than 80."""
    for back in (2, 1):
        if place >= back:
            match = lexicon.comparators.at(listed, place - back)
            if match is not None and match.last == place:
                return place - back, match.entry.kind
    return place, ""


def spans(found: Sequence[Quantity]) -> Iterator[int]:
    """Yield the places of all words in quantities."""
    for quantity in found:
        yield from range(quantity.first, quantity.last)
