"""What one sentence tells of several patients: each gets a reading of its own share."""

from collections.abc import Iterator, Sequence
from copy import copy

from fhirconv.extractors.clauses import Clause
from fhirconv.extractors.owners import named_in, numbers_of
from fhirconv.extractors.persons import Person, sex_of
from fhirconv.extractors.reading import Reading

Owners = dict[int, set[int]]  # of each chunk, the patients whom it is about
OTHER = Person("generic")  # another patient than the one at hand
EACH = "respectively"
PLACES = frozenset(("in", "for", "of", "from"))


def parted(readings: Sequence[Reading], owned: Sequence[int]) -> tuple[list[Reading], list[int]]:
    """Return the readings with their owners, those of several patients once for each of them.

    What is told of all of them is told of each; a sentence of the title stays as it is.
    """
    numbers = numbers_of(readings)
    found: list[tuple[Reading, int]] = []
    for reading, owner in zip(readings, owned, strict=True):
        told = not owner and len(numbers) > 1 and not reading.generic
        shares = _shares(reading, numbers) if told and reading.sentence.part != "title" else {}
        several = sorted(set().union(*shares.values()))
        found += [(_share(reading, shares, number), number) for number in several]
        found += [] if several else [(reading, owner)]
    return [reading for reading, _ in found], [owner for _, owner in found]


def _shares(reading: Reading, numbers: Sequence[int]) -> Owners:
    """Return the patients of each chunk, by the marks around it; the same for all without."""
    marks = _marks(reading, numbers)
    everybody = set().union(*marks.values()) or set(range(1, len(numbers) + 1))
    found: Owners = dict.fromkeys(range(len(reading.sentence.chunks)), everybody)
    before = everybody
    for clause in reading.clauses:
        named = _of_clause(reading, clause, marks)
        several = clause.verb < 0 and len(named) > 1  # without a verb nobody knows whose it is
        before = set() if several else named or before
        found |= dict.fromkeys(range(clause.first, clause.last), before)
        found |= _placed(reading, clause, marks)
    each = any(word.low == EACH for word in reading.sentence.listed)
    for places in _lists(reading, len(everybody)):
        if each or all(_introduces(reading, place) for place in places):
            found |= {n: {one} for n, one in zip(places, sorted(everybody), strict=True)}
    return found


def _marks(reading: Reading, numbers: Sequence[int]) -> Owners:
    """Return the patients whom each chunk names by number, letter or ordinal."""
    chunks = reading.sentence.chunks
    found: Owners = {}
    for place, number in named_in(reading.sentence).items():
        chunk = next((n for n, c in enumerate(chunks) if c.first <= place < c.last), -1)
        if number in numbers and chunk >= 0:
            found.setdefault(chunk, set()).add(numbers.index(number) + 1)
    return found


def _of_clause(reading: Reading, clause: Clause, marks: Owners) -> set[int]:
    """Return whom a clause is about: its subject, else all whom it names; none without."""
    behind = clause.verb if clause.verb >= 0 else clause.last
    subject = {n for c in range(clause.subject, behind) for n in marks.get(c, ())}
    return subject or {n for c in range(clause.first, clause.last) for n in marks.get(c, ())}


def _placed(reading: Reading, clause: Clause, marks: Owners) -> Owners:
    """Return the patients of chunks before 'in patient 1', where all marks stand so."""
    listed, chunks = reading.sentence.listed, reading.sentence.chunks
    inside = [c for c in range(clause.first, clause.last) if c in marks]
    placed = all(c and listed[chunks[c - 1].first].low in PLACES for c in inside)
    if len(inside) < 2 or not placed:
        return {}
    found: Owners = {}
    for chunk in range(clause.first, clause.last):
        found[chunk] = marks[next((c for c in inside if c >= chunk), inside[-1])]
    return found


def _introduces(reading: Reading, number: int) -> bool:
    """Say whether a noun phrase introduces a person: a 34-year-old woman."""
    sentence = reading.sentence
    chunk = sentence.chunks[number]
    return sentence.listed[chunk.first].low in ("a", "an") and sex_of(sentence, chunk) is not None


def _lists(reading: Reading, size: int) -> Iterator[list[int]]:
    """Yield the chunks of each list of so many noun phrases: fever and rash."""
    chunks, number = reading.sentence.chunks, 0
    while number < len(chunks):
        places = [number] if chunks[number].kind == "noun" else []
        while places and number + 2 < len(chunks) and chunks[number + 1].kind in ("C", ","):
            step = 2 if chunks[number + 2].kind == "noun" else 3
            if number + step >= len(chunks) or chunks[number + step].kind != "noun":
                break
            number += step
            places.append(number)
        if len(places) == size:
            yield places
        number += 1


def _share(reading: Reading, shares: Owners, number: int) -> Reading:
    """Return what a sentence tells of one patient."""
    mine = {chunk for chunk, patients in shares.items() if number in patients}
    kept = [
        (copy(mention), copy(told))
        for mention, told in zip(reading.mentions, reading.told, strict=True)
        if mention.chunk in mine
    ]
    own = copy(reading)
    own.mentions = [mention for mention, _ in kept]
    own.told = [told for _, told in kept]
    own.near = {chunk: reading.person_at(chunk) if chunk in mine else OTHER for chunk in shares}
    own.persons = [
        person if clause.verb in mine or clause.verb < 0 else OTHER
        for clause, person in zip(reading.clauses, reading.persons, strict=True)
    ]
    return own
