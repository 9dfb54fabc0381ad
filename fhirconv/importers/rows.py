"""The rows of an import table, carried out: what an element of a source says of a fact."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fhirconv.errors import TableError
from fhirconv.importers.drafts import CITATION, PATIENT, Draft
from fhirconv.importers.knowledge import Knowledge, Line
from fhirconv.importers.readings import READINGS, shown

REFERENCE = "fact"  # the field leads to another fact of the same message
ELSE = "else"  # a row for an element that no row above could read
AGE, SEX, LIST = "age", "sex", "[]"
Stated = Mapping[str, list[tuple[str, Any]]]  # element -> where its values stand, and the values


@dataclass(frozen=True, slots=True)
class Row:
    """One row: which field of the fact takes which element, read how."""

    element: str
    field: str
    fixed: str
    reading: str
    argument: str  # of the reading: a list of words, a unit
    when: str
    origin: str

    @classmethod
    def of(cls, line: Line, element: str) -> "Row":
        """Return a line of a table as a row; its element stands in a column of its own."""
        reading, argument = reading_of(line)
        told = (line["field"], line["fixed"], reading, argument, line["when"], line["origin"])
        return cls(element, *told)

    def read(self, value: Any, known: Knowledge) -> Any:
        """Return what the field takes of a value; None where it cannot be read so."""
        return READINGS[self.reading](self.fixed or value, self.argument, known)


def reading_of(line: Line) -> tuple[str, str]:
    """Return (reading, its argument) of a row; raises TableError for a reading that is none."""
    reading, _, argument = line["as"].partition(":")
    if reading not in READINGS and reading != REFERENCE:
        known = ", ".join(filter(None, (*READINGS, REFERENCE)))
        raise TableError(f"no value is read as {reading!r} (known: {known})", line["origin"])
    return reading, argument


@dataclass(frozen=True, slots=True)
class Value:
    """A value that a row has read: where it stands, its words, what it is for the field."""

    place: str
    words: str
    made: Any

    @property
    def quote(self) -> list[dict[str, str]]:
        """The value as evidence."""
        return [{"pointer": self.place, "text": self.words}]


def fill(draft: Draft, rows: Iterable[Row], stated: Stated, known: Knowledge) -> set[str]:
    """Let each row put its element into the draft; return the elements that were read.

    A row only fills what is empty, so rows for one field stand in order of preference. A fixed
    word is put where its element is stated, or the row names none.
    """
    used: set[str] = set()
    for row in rows:
        if row.when == ELSE and row.element in used:
            continue
        values = _values(row, stated, known)
        if values and row.element and not row.fixed:
            used.add(row.element)
        for value in values if row.field.endswith(LIST) else _single(draft, values):
            _put(draft, row.field, value)
    return used


def _values(row: Row, stated: Stated, known: Knowledge) -> list[Value]:
    listed = stated.get(row.element, []) if row.element else [("", None)]
    read = [(place, value, row.read(value, known)) for place, value in listed]
    return [Value(place, shown(value), made) for place, value, made in read if made is not None]


def _single(draft: Draft, values: list[Value]) -> list[Value]:
    """Return the one value of a field: the first of a patient or a citation, else all or none.

    Several words stand one after another; several numbers are not one number.
    """
    distinct = [v for n, v in enumerate(values) if v.made not in [u.made for u in values[:n]]]
    if len(distinct) < 2 or draft.kind in (PATIENT, CITATION):
        return distinct[:1]
    if not all(isinstance(value.made, str) for value in distinct):
        return []
    text = "; ".join(value.made for value in distinct)
    return [Value(distinct[0].place, text, text)]


def _put(draft: Draft, field: str, value: Value) -> None:
    if draft.kind == PATIENT and field == AGE:
        draft.put(field, value.made | {"evidence": value.quote})
    elif draft.kind == PATIENT and field == SEX:
        draft.put(field, {"value": value.made, "evidence": value.quote})
    else:
        draft.put(field, value.made)
        draft.places.setdefault(field, value.quote[0])


def quoted(label: str, stated: Stated, used: Iterable[str]) -> str:
    """Return the words that a record says of a fact: its label, then what else was read."""
    told: dict[str, str] = {label: label}  # each words once
    read = set(used)
    for element in stated:
        words = "; ".join(filter(None, (shown(value) for _, value in stated[element])))
        if element in read and words:
            name = element.rpartition(".")[2].rpartition("/")[2].partition("[")[0]
            told.setdefault(words, f"{name}: {words}" if name else words)
    more = "; ".join(list(told.values())[1:])
    return f"{label} ({more})" if more and label else label or more
