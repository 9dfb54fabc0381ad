"""The patients of a report: who they are, how old, of which sex."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from fhirconv.extractors.ages import Age, ages
from fhirconv.extractors.chunks import Chunk, Sentence
from fhirconv.extractors.persons import PATIENT, Person, is_child, sex_of
from fhirconv.extractors.reading import Reading

Span = tuple[int, int]
BEFORE_LETTER = frozenset((",", "(", "/", "years", "year", "old", "o", "yo"))


@dataclass(slots=True)
class Patient:
    """One patient: the spans of the text that introduce them, their age and sex."""

    number: int
    evidence: list[Span] = field(default_factory=list)
    age: dict[str, Any] | None = None
    age_span: Span | None = None
    age_reading: int = -1  # the reading that tells the age
    sex: str = ""
    sex_span: Span | None = None
    deceased: bool = False
    death_date: str = ""


def patients(readings: Sequence[Reading], owned: Sequence[int]) -> list[Patient]:
    """Return the patients in order; at least one, without evidence where none is spoken of."""
    found: dict[int, Patient] = {}
    for number, reading in enumerate(readings):
        owner = owned[number]
        if owner and not reading.generic:
            _introduce(found.setdefault(owner, Patient(owner)), number, reading)
    for patient in found.values():
        if not patient.sex:
            _sex_of_pronouns(patient, readings, owned)
    return [found[n] for n in sorted(found)] or [Patient(1)]


def part_children(readings: Sequence[Reading], people: Sequence[Patient]) -> None:
    """Let the newborn of a grown-up patient be somebody else."""
    grown = {
        p.number for p in people if p.age and p.age["code"] == "a" and p.age.get("value", 0) >= 12
    }
    for reading in readings:
        for number, clause in enumerate(reading.clauses) if reading.patient in grown else ():
            words = is_child(reading.sentence, clause)
            before = reading.persons[number - 1] if number else PATIENT
            if words:
                reading.persons[number] = Person("family", words)
            elif clause.inherits and before.words and before.scope == "family":
                reading.persons[number] = before


def part_siblings(readings: Sequence[Reading]) -> None:
    """Let a relative who is the next patient be a patient: Case 2. Her brother."""
    known = {1}
    for reading in readings:
        if reading.patient and reading.patient not in known:
            if all(clause.verb < 0 for clause in reading.clauses) and not reading.mentions:
                continue  # only a heading: Case 2.
            known.add(reading.patient)
            if any(p.scope == "family" for p in reading.persons):
                reading.persons = [PATIENT] * len(reading.persons)
                reading.near = {}
                reading.relative = True


def _introduce(patient: Patient, number: int, reading: Reading) -> None:
    """Take the patient's age and sex from a sentence where it tells them first."""
    sentence = reading.sentence
    if patient.age is None:
        for age in ages(sentence):
            place = _chunk_at(sentence, age.first)
            if place is not None and _is_patients(place, age, reading):
                _take_age(patient, number, age, sentence)
                break
    for chunk_number, chunk in enumerate(sentence.chunks):
        if chunk.kind == "noun" and reading.scope_at(chunk_number) == "patient":
            person = _relative(sentence, chunk) if reading.relative else None
            person = person or sex_of(sentence, chunk)
            if person is not None:
                _take_person(patient, person, chunk_number, sentence)


def _take_age(patient: Patient, number: int, age: Age, sentence: Sentence) -> None:
    patient.age = dict(age.fields)
    patient.age_span = sentence.span(age.first, age.last)
    patient.age_reading = number


def _chunk_at(sentence: Sentence, place: int) -> int | None:
    return next((n for n, c in enumerate(sentence.chunks) if c.first <= place < c.last), None)


def _is_patients(number: int, age: Age, reading: Reading) -> bool:
    """Say whether an age is the patient's: it stands with a word for a person, no relative's."""
    sentence = reading.sentence
    if reading.scope_at(number) != "patient":
        return False
    for near in (number, number - 1, number - 2, number + 1):
        if 0 <= near < len(sentence.chunks) and sex_of(sentence, sentence.chunks[near]) is not None:
            return True
    return sentence.listed[age.last - 1].low in ("old", "o", "yo") and age.fields["unit"] != "days"


def _relative(sentence: Sentence, chunk: Chunk) -> str | None:
    """Return the sex of a relative who is a patient; None without."""
    words = sentence.listed[chunk.first : chunk.last]
    known = sentence.lexicon.people["relative"]
    return next((known[w.low] for w in words if w.low in known), None)


def _take_person(patient: Patient, sex: str, number: int, sentence: Sentence) -> None:
    """Note where a patient is introduced, and the sex where the words give it."""
    chunk = sentence.chunks[number]
    start, end = sentence.span(chunk.first, chunk.last)
    told = patient.age_span is not None and start <= patient.age_span[0] < end
    if not patient.evidence or (told and patient.evidence[0][1] < patient.age_span[0]):  # type: ignore[index]
        patient.evidence = [(start, _relative_end(sentence, number, end))]
    if sex and not patient.sex:
        patient.sex = sex
        first = chunk.first
        while sentence.tagged[first] == "D":
            first += 1
        patient.sex_span = sentence.span(first, chunk.last)


def _relative_end(sentence: Sentence, number: int, end: int) -> int:
    """Return where a person's relative clause ends: a patient who relapsed after surgery."""
    chunks = sentence.chunks
    if number + 1 >= len(chunks) or chunks[number + 1].kind != "R":
        return end
    last = number + 1
    while last + 1 < len(chunks) and chunks[last + 1].kind not in (",", ";", ".", "S", "C", ":"):
        last += 1
    return sentence.span(chunks[last].first, chunks[last].last)[1]


def _sex_of_pronouns(patient: Patient, readings: Sequence[Reading], owned: Sequence[int]) -> None:
    """Take the sex that the pronouns for a patient agree on."""
    found = [
        pronoun
        for owner, reading in zip(owned, readings, strict=True)
        if owner == patient.number and not reading.generic
        for pronoun in _pronouns(reading)
    ]
    sexes = {sex for sex, _ in found}
    if len(sexes) == 1:
        patient.sex, patient.sex_span = found[0]


def _pronouns(reading: Reading) -> Iterator[tuple[str, Span]]:
    """Yield (sex, span) of the pronouns of a sentence before any other person is named."""
    sentence = reading.sentence
    known = sentence.lexicon.people["pronoun"]
    for place, word in enumerate(sentence.listed):
        if word.low in known:
            yield known[word.low], (word.start, word.end)
        elif sentence.lexicon.relations.at(sentence.listed, place) is not None:
            return
    letters = sentence.lexicon.people["letter"]
    for place, word in enumerate(sentence.listed):
        before = sentence.listed[place - 1].text if place else ""
        if word.text.isupper() and word.low in letters and before in BEFORE_LETTER:
            yield letters[word.low], (word.start, word.end)
