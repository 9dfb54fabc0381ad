"""Time expressions: after X, three weeks later, on day +30, in March 2014, for 5 months."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fhirconv.extractors.chunks import Sentence
from fhirconv.extractors.dates import Date, dates
from fhirconv.extractors.quantities import Quantity
from fhirconv.extractors.reading import Reading

SENSES = {"after": "after", "before": "before", "during": "concurrent"}
ENDS = frozenset((",", "verb", "S", "R", ";", ":", ".", "(", "C"))


@dataclass(frozen=True, slots=True)
class Time:
    """When something was: chunks[first:last] of a sentence say it."""

    first: int
    last: int
    relation: str  # after, before, concurrent; '' for a date
    span: tuple[int, int]  # its words in the text
    offset: dict[str, Any] | None = None  # three weeks (after)
    target: tuple[int, int] | None = None  # the words (first, last) that it is relative to
    date: Date | None = None
    day: int | None = None  # day +30


def times(reading: Reading) -> list[Time]:
    """Return the time expressions of a sentence, from left to right."""
    found = [*_relative(reading), *_adverbs(reading), *_days(reading), *_dates(reading)]
    return sorted(found, key=lambda t: t.first)


def _relative(reading: Reading) -> Iterator[Time]:
    """Yield 'after X', 'three days following X', 'during X', 'before X'."""
    sentence = reading.sentence
    for number, chunk in enumerate(sentence.chunks):
        if chunk.kind != "P" or (number and sentence.chunks[number - 1].kind == "P"):
            continue
        match = sentence.lexicon.phrases("connectors", "sense").at(sentence.listed, chunk.first)
        relation = SENSES.get(match.entry.kind, "") if match else ""
        last = _phrase_end(sentence, number + 1) if relation else number
        if last <= number + 1:
            continue
        offset = _offset(sentence, number)
        first = number - 1 if offset else number
        span = _span(sentence, first, last)
        target = (sentence.chunks[number + 1].first, sentence.chunks[last - 1].last)
        fields = offset.fields() if offset else None
        yield Time(first, last, relation, span, fields, target)


def _phrase_end(sentence: Sentence, number: int) -> int:
    """Return where the phrase after a preposition ends: X of Y followed by Z."""
    chunks = sentence.chunks
    size = len(chunks)
    while number < size and chunks[number].kind in ("A", "P"):
        number += 1
    while number < size:
        chunk = chunks[number]
        low = sentence.listed[chunk.first].low
        following = chunks[number + 1].kind if number + 1 < size else "."
        if (
            chunk.kind == "noun"
            or (chunk.kind == "A" and following in ("noun", "A"))
            or (chunk.kind == "P" and (low in ("of", "with") or _followed(sentence, number)))
            or (chunk.kind in ("C", "P") and number + 1 < size and _is_list(sentence, number))
        ):
            number += 1
        else:
            break
    return number


def _followed(sentence: Sentence, number: int) -> bool:
    """Say whether a preposition is part of 'followed by'."""
    chunk = sentence.chunks[number]
    lows = [w.low for w in sentence.listed[max(0, chunk.first - 1) : chunk.last + 1]]
    return "followed" in lows and "by" in lows


def _is_list(sentence: Sentence, number: int) -> bool:
    """Say whether 'and' joins two noun phrases of one time: after fludarabine and radiation."""
    chunks = sentence.chunks
    behind = chunks[number + 2].kind if number + 2 < len(chunks) else "."
    return chunks[number].kind == "C" and chunks[number + 1].kind == "noun" and behind != "verb"


def _offset(sentence: Sentence, number: int) -> Quantity | None:
    """Return the length of time right before a preposition: three days (after)."""
    if not number:
        return None
    place = sentence.chunks[number].first
    found = next((q for q in sentence.quantities if q.last == place and q.is_time), None)
    before = sentence.listed[found.first - 1].low if found and found.first else ""
    return found if found is not None and before not in ("for", "over") else None


def _span(sentence: Sentence, first: int, last: int) -> tuple[int, int]:
    """Return the offsets of chunks[first:last] without an abbreviation at the end."""
    begin, end = sentence.chunks[first].first, sentence.chunks[last - 1].last
    while end - 1 in sentence.silent and end - 1 > begin:
        end -= 1
    return sentence.span(begin, end)


def _adverbs(reading: Reading) -> Iterator[Time]:
    """Yield 'Later', 'thereafter', 'three weeks later'."""
    sentence = reading.sentence
    trie = sentence.lexicon.phrases("time-adverbs")
    for number, chunk in enumerate(sentence.chunks):
        if chunk.kind not in ("A", "N", "noun"):
            continue
        match = trie.at(sentence.listed, chunk.first)
        if match is None:
            continue
        offset = _offset(sentence, number)
        first = number - 1 if offset else number
        if not offset and match.entry.row["alone"] != "yes":
            continue
        span = _span(sentence, first, number + 1)
        yield Time(first, number + 1, match.entry.kind, span, offset.fields() if offset else None)


def _days(reading: Reading) -> Iterator[Time]:
    """Yield 'on day +30', 'by day 12'."""
    sentence = reading.sentence
    listed = sentence.listed
    for place, word in enumerate(listed):
        if word.low != "day" or place + 1 >= len(listed):
            continue
        plus = listed[place + 1].text == "+"
        at = place + 2 if plus else place + 1
        if at < len(listed) and listed[at].low.isdecimal() and len(listed[at].low) < 5:
            first = place - 1 if place and listed[place - 1].low in ("on", "by", "at") else place
            number = _chunk(sentence, first)
            span = sentence.span(first, at + 1)
            yield Time(
                number, _chunk(sentence, at) + 1, "after-start", span, day=int(listed[at].low)
            )


def _dates(reading: Reading) -> Iterator[Time]:
    sentence = reading.sentence
    for date in dates(sentence):
        first = date.first
        if first and sentence.listed[first - 1].low in ("in", "on", "since", "by"):
            first -= 1
        span = sentence.span(first, date.last)
        yield Time(
            _chunk(sentence, first), _chunk(sentence, date.last - 1) + 1, "", span, date=date
        )


def _chunk(sentence: Sentence, place: int) -> int:
    return next((n for n, c in enumerate(sentence.chunks) if c.first <= place < c.last), 0)


def time_of(reading: Reading, found: list[Time], chunk: int) -> Time | None:
    """Return the time of what stands in a chunk: set before its clause, or behind its verb."""
    number = reading.clause_of(chunk)
    if number < 0:
        return None
    clause = reading.clauses[number]
    near = [t for t in found if clause.first <= t.first < clause.last]
    behind = [t for t in near if t.first > chunk or (t.first == chunk and t.last > chunk + 1)]
    ahead = [t for t in near if t.last <= clause.subject or t.first < chunk]
    if ahead and not any(t.first <= chunk < t.last for t in ahead):
        return ahead[0]
    return behind[0] if behind else None
