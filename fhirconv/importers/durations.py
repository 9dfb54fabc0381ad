"""Lengths of time: ISO 8601 durations and words, as a quantity in the unit that is stated."""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Any

from fhirconv.importers.knowledge import Knowledge, Length
from fhirconv.importers.quantities import number_of

ISO = re.compile(r"P(?=.)((?:\d+(?:[.,]\d+)?[A-Z])*)(?:T((?:\d+(?:[.,]\d+)?[A-Z])+))?\Z")
PART = re.compile(r"(\d+(?:[.,]\d+)?)([A-Z])")
WORD = re.compile(r"\d+(?:[.,]\d+)?|[^\W\d_]+")

Quantity = dict[str, Any]


def of_iso(text: str, known: Knowledge) -> Quantity | None:
    """Return an ISO 8601 duration as a quantity: P6Y is 6 years, P1Y6M is 18 months.

    What has no fixed number of the smaller unit (P1M3D) is given in the units completed, as
    ages are. None where the text is no duration.
    """
    match = ISO.match(text.strip())
    if match is None:
        return None
    parts = [(n, letter) for n, letter in PART.findall(match[1])]
    parts += [(n, f"T{letter}") for n, letter in PART.findall(match[2] or "")]
    if not parts or any(letter not in known.lengths for _, letter in parts):
        return None
    numbers = [(number_of(n), letter) for n, letter in parts]
    return _sum([p for p in numbers if p[0]] or numbers[-1:], known)


def of_words(text: str, known: Knowledge) -> Quantity | None:
    """Return a length of time in words: '28-year-old', '2 years and 3 months', '6 weeks'."""
    parts = list(_parts(WORD.findall(text), known))
    return _sum(parts, known) if parts else None


def _parts(words: list[str], known: Knowledge) -> Iterator[tuple[int | Decimal, str]]:
    """Yield (number, letter) for each number that a unit of time follows."""
    letters = {length.code: letter for letter, length in known.lengths.items()}
    for word, after in pairwise(words):
        number = number_of(word if word[0].isdigit() else known.word("numbers", word) or "")
        unit = known.unit(after)
        if number is not None and unit in letters:
            yield number, letters[unit]


def _sum(parts: Sequence[tuple[int | Decimal | None, str]], known: Knowledge) -> Quantity | None:
    total, letter = parts[0]
    for number, smaller in parts[1:]:
        factor = _factor(letter, smaller, known)
        if factor is None or total is None or number is None:
            break
        total, letter = total * factor + number, smaller
    length: Length = known.lengths[letter]
    return None if total is None else {"value": total, "unit": length.unit, "code": length.code}


def _factor(letter: str, smaller: str, known: Knowledge) -> int | None:
    """Return how many of the smaller unit the larger has; None where that is not fixed."""
    factor = 1
    while letter != smaller:
        length = known.lengths.get(letter)
        if length is None or not length.part:
            return None
        factor, letter = factor * length.count, length.part
    return factor
