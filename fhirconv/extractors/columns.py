"""What the tables of a report tell of each of several patients, as readings and values."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from fhirconv.extractors.assertion import Assertion
from fhirconv.extractors.chunks import parse
from fhirconv.extractors.drafts import Draft, Drafts
from fhirconv.extractors.findings import category_of
from fhirconv.extractors.gathering import HEADED
from fhirconv.extractors.grids import LEAST, Cell, Entry, entries, sort_of
from fhirconv.extractors.lexicon import Lexicon
from fhirconv.extractors.mentions import Mention
from fhirconv.extractors.owners import announced
from fhirconv.extractors.patients import Patient
from fhirconv.extractors.reading import Reading, read
from fhirconv.extractors.tries import Trie
from fhirconv.report import Report

NUMBER = re.compile(r"[<>]?\s?\d[\d,.]*")
YEARS = {"unit": "years", "code": "a"}


@dataclass(slots=True)
class Columns:
    """The entries of the tables, with the numbers that the patients have in the report."""

    report: Report
    lexicon: Lexicon
    listed: list[tuple[int, Entry]] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)

    def introduce(self, people: list[Patient]) -> None:
        """Give the patients the ages and sexes that the tables tell; add who has none yet."""
        known = {patient.number: patient for patient in people}
        for number, entry in self.listed:
            if number not in known:
                known[number] = Patient(number)
                people.append(known[number])
            if entry.sort in ("age", "person"):
                _take_age(known[number], entry, self.lexicon)
            if entry.sort in ("sex", "person"):
                _take_sex(known[number], entry.cell, self.lexicon)
        people.sort(key=lambda patient: patient.number)

    def measure(self, drafts: Drafts) -> None:
        """Add the values that stand in the row or column of what was measured."""
        for number, entry in self.listed:
            mention = _measured(self, entry)
            value = _value(self, entry) if mention is not None else None
            if mention is None or value is None:
                continue
            place = mention.first, mention.last
            fields = {
                "value": value,
                "category": category_of(mention.sentence, place) or "laboratory",
            }
            spans = [(mention.start, mention.end), (entry.cell.start, entry.cell.end)]
            told = (number, Assertion(), spans, "rule", mention.origin, HEADED, fields)
            drafts.add(Draft("finding", mention.label, *told))


def columns(
    report: Report, lexicon: Lexicon, understood: Sequence[Reading], owned: list[int]
) -> Columns:
    """Return what tables tell of the patients whom the report speaks of, and of no others.

    Where the report only announces several patients, its own words are of all of them.
    """
    made = Columns(report, lexicon)
    for table in entries(report, lexicon):
        numbers = sorted({entry.patient for entry in table})
        count = max(owned, default=1)
        if count < LEAST and announced(understood, len(numbers)):
            owned[:] = [0] * len(owned)
        elif count != len(numbers):
            continue
        made.listed += [(numbers.index(entry.patient) + 1, entry) for entry in table]
    made.readings += _readings(made)
    return made


def _readings(made: Columns) -> Iterator[Reading]:
    """Yield the cells that say something in words, each as a sentence about its patient."""
    for number, entry in sorted(made.listed, key=lambda pair: pair[0]):
        if entry.sort in ("age", "sex", "person", "skip", "others"):
            continue
        answer = sort_of(entry.cell.text, made.lexicon)
        asked = answer in ("yes", "no") and len(entry.cell.text.split()) == 1
        reading = _read(made, entry.label if asked else entry.cell)
        reading.patient = number
        for told in reading.told:
            told.polarity = "absent" if asked and answer == "no" else told.polarity
            told.temporality = "historical" if entry.sort == "history" else told.temporality
            if entry.sort == "family":
                told.scope = told.relationship = "family"
        if reading.mentions:
            yield reading


def _read(made: Columns, cell: Cell) -> Reading:
    sentence = parse(made.report.text, made.lexicon, (cell.start, cell.end), "table")
    reading = read(sentence, Trie(), True)
    reading.statement = ""
    return reading


def _measured(made: Columns, entry: Entry) -> Mention | None:
    """Return what a label says was measured; None where its cell holds no number."""
    if entry.sort or not NUMBER.match(entry.cell.text):
        return None
    found = _read(made, entry.label).mentions
    return found[0] if found and found[0].kind == "measure" else None


def _value(made: Columns, entry: Entry) -> dict[str, Any] | None:
    """Return the value of a cell, with its own unit or that of its label; None without unit."""
    quantities = parse(
        made.report.text, made.lexicon, (entry.cell.start, entry.cell.end), "table"
    ).quantities
    if quantities and quantities[0].first == 0:
        return {"text": entry.cell.text, "quantity": quantities[0].fields()}
    number = re.fullmatch(r"\d+(?:\.\d+)?", entry.cell.text)
    listed = made.lexicon.words(entry.label.text)
    unit = next((m for m in made.lexicon.units.all(listed) if m.first), None)
    if number is None or unit is None:
        return {"text": entry.cell.text}
    words = entry.label.text[listed[unit.first].start : listed[unit.last - 1].end]
    quantity = {"value": float(number[0]), "unit": words, "code": unit.entry.row["code"]}
    return {"text": entry.cell.text, "quantity": quantity}


def _take_age(patient: Patient, entry: Entry, lexicon: Lexicon) -> None:
    """Take the age that a cell tells: a number of years, or with another unit."""
    number = re.match(r"(\d{1,3})(?![\d.])", entry.cell.text)
    if patient.age is not None or number is None:
        return
    code = "a"
    for text in (entry.label.text, entry.cell.text):
        listed = lexicon.words(text)
        for match in lexicon.units.all(listed):
            if match.entry.row["code"] in ("a", "mo", "wk", "d") and match.first:
                code = match.entry.row["code"]
    unit = {"a": "years", "mo": "months", "wk": "weeks", "d": "days"}[code]
    patient.age = {"value": int(number[0]), "unit": unit, "code": code}
    patient.age_span = entry.cell.start, entry.cell.start + number.end()


def _take_sex(patient: Patient, cell: Cell, lexicon: Lexicon) -> None:
    """Take the sex that a cell tells."""
    known = {**lexicon.people["noun"], **lexicon.people["letter"]}
    for word in lexicon.words(cell.text):
        if not patient.sex and known.get(word.low):
            patient.sex = known[word.low]
            patient.sex_span = cell.start + word.start, cell.start + word.end
