"""Line lists in CSV or TSV: one row a patient, or one row a fact, columns named by a table."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fhirconv.importers.cells import Cells, Sheet, sheet_of
from fhirconv.importers.imported import Imported, TextOf, left_out, refuse
from fhirconv.importers.knowledge import Knowledge, Line, knowledge_of
from fhirconv.importers.listed import Entry, Place
from fhirconv.importers.rows import Row
from fhirconv.importers.sources import source_of
from fhirconv.outcome import Issue
from fhirconv.tables import Tables

FORMAT = "line list in CSV or TSV"
TABLE = "line-list"
ENDINGS = {".csv": "text/csv", ".tsv": "text/tab-separated-values"}
SKIP, PATIENT, LABEL, KIND = "skip", "patient", "label", "kind"
BY_PATIENT, BY_FACT = "patient", "fact"
SHOWN = 24  # columns that a message lists


def accepts(data: bytes, name: str) -> bool:
    """Say whether a file is called a table."""
    return name.casefold().endswith(tuple(ENDINGS))


def load(data: bytes, name: str, tables: Tables, text_of: TextOf | None = None) -> Imported:
    """Return a facts document for each patient of a line list.

    Raises ReadError with all rows that cannot be read.
    """
    known = knowledge_of(tables)
    problems: list[str] = []
    sheet = sheet_of(data, problems)
    refuse(problems, name)
    layout = layout_of(sheet, known)
    if not layout.columns:
        listed = list(dict.fromkeys(r["column"] for r in known.rows(TABLE)))
        more = f"{', '.join(listed[:SHOWN])} and {len(listed) - SHOWN} more"
        refuse([f"no column of the table is one of import/{TABLE}.csv ({more})"], name)
    media_type = next(kind for end, kind in ENDINGS.items() if name.casefold().endswith(end))
    records = []
    for rows in patients(sheet, layout):
        text = sheet.header + "".join(row.text for row in rows)
        place = "line " + ", ".join(str(row.line) for row in rows)
        source = source_of(text.encode("utf-8"), name, media_type, place)
        entry = Entry(layout.columns, source, known, problems)
        for row in rows:
            entry.tell(row)
        records.append(entry.record())
    refuse(problems, name)
    made = Imported.of(records, known)
    return Imported(made.documents, (*_strangers(sheet, layout, name), *made.issues))


@dataclass(frozen=True, slots=True)
class Layout:
    """What the columns of a file are."""

    columns: tuple[Place, ...]
    named: frozenset[str]  # the columns that the table names, those left out among them
    by_fact: bool
    label: str  # the column that tells patients apart, '' where there is none


def layout_of(sheet: Sheet, known: Knowledge) -> Layout:
    """Return what the columns of a file are: with a kind and a label, one row is a fact."""
    lines: list[Line] = [r for r in known.rows(TABLE) if r["column"] in sheet.columns]
    by_fact = {KIND, LABEL} <= {r["field"] for r in lines if r["layout"] == BY_FACT}
    layout = BY_FACT if by_fact else BY_PATIENT
    mine = [r for r in lines if r["layout"] in ("", layout)]
    columns = tuple(_place(r) for r in mine if r["kind"] != SKIP)
    labels = [r["column"] for r in mine if (r["kind"], r["field"]) == (PATIENT, LABEL)]
    named = frozenset(r["column"] for r in mine)
    return Layout(columns, named, by_fact, next(iter(labels), ""))


def _place(line: Line) -> Place:
    row = Row.of({**line, "when": ""}, line["column"])
    return Place(row, line["fact"], line["kind"], line["beside"])


def patients(sheet: Sheet, layout: Layout) -> Iterator[Sequence[Cells]]:
    """Yield the rows of each patient: those of one label, else each by itself.

    In a list of facts without a column that tells patients apart, all are of one.
    """
    groups: dict[str, list[Cells]] = {}
    for row in sheet.rows:
        label = row.values.get(layout.label, "")
        alone = not label and not layout.by_fact
        groups.setdefault(f"line {row.line}" if alone else f"= {label}", []).append(row)
    yield from groups.values()


def _strangers(sheet: Sheet, layout: Layout, name: str) -> Iterator[Issue]:
    """Yield the columns that the table does not name."""
    for column, spelt in sheet.columns.items():
        if column not in layout.named:
            yield left_out(f"the column {spelt!r}", f"import/{TABLE}.csv does not name it", name)
