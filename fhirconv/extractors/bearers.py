"""Whose problem it is in a title: X in a patient with Y who was treated with Z."""

from collections.abc import Sequence

from fhirconv.extractors.mentions import Mention
from fhirconv.extractors.reading import Reading
from fhirconv.extractors.words import singular_low

GAP = 3  # words between a problem and 'in a patient'
NOUNS = frozenset(("D", "N", "#", "A"))


def borne(
    reading: Reading, groups: Sequence[list[Mention]], treatment: Sequence[Mention]
) -> Sequence[Mention]:
    """Return the problems that a person has who is then said to have been given a treatment.

    They stand before 'in a patient'; what stands behind it is what the person has besides.
    """
    chunks, listed = reading.sentence.chunks, reading.sentence.listed
    number = treatment[0].chunk - 1
    while number > 0:
        chunk = chunks[number]
        behind = chunks[number - 1]
        if (
            chunk.kind == "noun"
            and _is_person(reading, number)
            and listed[behind.first].low == "in"
        ):
            return _before(reading, groups, behind.first)
        if chunk.kind == ";":
            break
        number -= 1
    return ()


def _is_person(reading: Reading, number: int) -> bool:
    """Say whether a noun phrase ends in a word for a person: an elderly woman."""
    sentence = reading.sentence
    chunk = sentence.chunks[number]
    nouns = sentence.lexicon.people["noun"]
    lows = (w.low for w in sentence.listed[chunk.first : chunk.last])
    return any(low in nouns or singular_low(low) in nouns for low in lows)


def _before(reading: Reading, groups: Sequence[list[Mention]], place: int) -> Sequence[Mention]:
    """Return the group of mentions that stands right before a place."""
    near = next((g for g in reversed(groups) if g[-1].last <= place), None)
    if near is None or place - near[-1].last > GAP:
        return ()
    tags = set(reading.sentence.tagged[near[-1].last : place])
    return near if tags <= NOUNS | {"X", "V"} else ()
