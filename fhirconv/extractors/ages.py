"""Ages: 81-year-old, aged 52, in her sixties, three weeks old."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from fhirconv.extractors.chunks import Sentence
from fhirconv.extractors.quantities import Quantity, number_at

AGE_CODES = frozenset(("a", "mo", "wk", "d"))
THIRDS = {"early": (0, 4), "mid": (3, 6), "middle": (3, 6), "late": (5, 9)}
MEASURES = {"older": ">", "over": ">", "younger": "<"}


class Age(NamedTuple):
    """An age in words[first:last] of a sentence, as the patient's age of a facts document."""

    first: int
    last: int
    fields: dict[str, Any]


def ages(sentence: Sentence) -> list[Age]:
    """Return the ages that a sentence states, whosoever they are."""
    found = [age for q in sentence.quantities if (age := _of_quantity(sentence, q))]
    found += _decades(sentence)
    found += _bare(sentence)
    return sorted(found, key=lambda age: age.first)


def _of_quantity(sentence: Sentence, quantity: Quantity) -> Age | None:
    """Return the age that a length of time is; None where it is none."""
    if quantity.code not in AGE_CODES:
        return None
    first, last = quantity.first, quantity.last
    behind = (
        sentence.lexicon.age_words("behind").at(sentence.listed, last)
        if last < _size(sentence)
        else None
    )
    never = (
        sentence.lexicon.age_words("never").at(sentence.listed, last)
        if last < _size(sentence)
        else None
    )
    before = _before(sentence, first)
    own = quantity.unit.casefold().endswith(("old", "of age"))
    if (never is not None and not own) or _at_age(sentence, first):
        return None
    stated = own or behind or before is not None or _in_brackets(sentence, quantity)
    if not (stated or _of_person(sentence, quantity)):
        return None
    fields: dict[str, Any] = {"unit": UNITS[quantity.code], "code": quantity.code}
    if quantity.high is not None:
        fields |= {"low": _plain(quantity.value), "high": _plain(quantity.high)}
    else:
        fields["value"] = _plain(quantity.value)
    comparator = quantity.comparator.replace("~", "") or _measure(sentence, before, first)
    if comparator:
        fields["comparator"] = comparator
    return Age(first, behind.last if behind else last, fields)


UNITS = {"a": "years", "mo": "months", "wk": "weeks", "d": "days"}


def _plain(value: float) -> float | int:
    return int(value) if value == int(value) else value


def _size(sentence: Sentence) -> int:
    return len(sentence.listed)


def _before(sentence: Sentence, first: int) -> int | None:
    """Return where words that announce an age begin before it: aged, older than."""
    for back in range(1, min(4, first) + 1):
        match = sentence.lexicon.age_words("before").at(sentence.listed, first - back)
        if match is not None and match.last == first:
            return first - back
    return None


def _measure(sentence: Sentence, before: int | None, first: int) -> str:
    if before is None:
        return ""
    return next((MEASURES[w.low] for w in sentence.listed[before:first] if w.low in MEASURES), "")


def _at_age(sentence: Sentence, first: int) -> bool:
    """Say whether 'at the age of' stands before: the age at an event, not the patient's."""
    lows = [w.low for w in sentence.listed[max(0, first - 4) : first]]
    return "at" in lows or lows[-2:] == ["age", "of"]


def _in_brackets(sentence: Sentence, quantity: Quantity) -> bool:
    """Say whether it stands first in brackets after a person: a patient (63 years, F)."""
    first = quantity.first
    return first > 1 and sentence.listed[first - 1].text == "(" and quantity.code == "a"


def _of_person(sentence: Sentence, quantity: Quantity) -> bool:
    """Say whether a person and 'of' stand before years: a man of 34 years."""
    nouns = sentence.lexicon.people["noun"]
    before = [w.low for w in sentence.listed[max(0, quantity.first - 2) : quantity.first]]
    return quantity.code == "a" and len(before) == 2 and before[0] in nouns and before[1] == "of"


def _decades(sentence: Sentence) -> Iterator[Age]:
    decades = sentence.lexicon.decades
    for place, word in enumerate(sentence.listed):
        if not (word.low in decades or word.low[0].isdecimal()):
            continue
        low, last = _decade(sentence, place)
        if low is None or low > 110:
            continue
        third = THIRDS.get(sentence.listed[place - 1].low) if place else None
        begin, end = third or (0, 9)
        if _of_decade(sentence, place - (1 if third else 0)) or word.low.endswith("arian"):
            fields = {"low": low + begin, "high": low + end, "unit": "years", "code": "a"}
            yield Age(place - (1 if third else 0), last, fields)


def _decade(sentence: Sentence, place: int) -> tuple[int | None, int]:
    """Return (first year, end) of a decade: sixties, 60s; (None, end) for other words."""
    listed = sentence.listed
    low = listed[place].low
    if len(low) == 2 and low.isdecimal() and low[1] == "0" and place + 1 < len(listed):
        behind = listed[place + 1]
        if behind.low == "s" and not behind.joint:
            return int(low), place + 2
    return sentence.lexicon.decades.get(low), place + 1


def _of_decade(sentence: Sentence, place: int) -> bool:
    lows = [w.low for w in sentence.listed[max(0, place - 2) : place]]
    return len(lows) == 2 and lows[0] == "in" and lows[1] in ("his", "her", "their", "the")


def _bare(sentence: Sentence) -> Iterator[Age]:
    """Yield ages without a unit: aged 19."""
    for place, word in enumerate(sentence.listed):
        if word.low == "aged" and place + 1 not in sentence.quantified:
            number = number_at(sentence.listed, place + 1, sentence.lexicon)
            if number is not None and 0 < number[0] < 120:
                fields = {"value": _plain(number[0]), "unit": "years", "code": "a"}
                yield Age(place + 1, number[1], fields)
