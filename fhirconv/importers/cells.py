"""A CSV or TSV file: its columns by their normal names, its rows with their lines and bytes."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from fhirconv.terms import term_key

DELIMITERS = "\t;,"


@dataclass(frozen=True, slots=True)
class Cells:
    """One row: the line that it begins on, its own text, its cells by column."""

    line: int
    text: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Sheet:
    """The columns of a file, as it spells them, by their normal names; and its rows."""

    header: str
    columns: Mapping[str, str]
    rows: tuple[Cells, ...]


EMPTY = Sheet("", {}, ())


def sheet_of(data: bytes, problems: list[str]) -> Sheet:
    """Return the rows of a file; what is wrong with it goes to the problems."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        problems.append(f"the file is not UTF-8 at byte {error.start}")
        return EMPTY
    if not text.strip():
        problems.append("the file is empty where a table should be")
        return EMPTY
    lines = text.splitlines(keepends=True)
    listed = list(_rows(lines, problems))
    if problems or not listed:
        return EMPTY
    (_, header, names), *rest = listed
    columns = _columns(names, problems)
    rows = [_cells(line, own, cells, columns, problems) for line, own, cells in rest]
    if not rows:
        problems.append("the table has no row below its header")
    return Sheet(header, {name: names[at].strip() for name, at in columns.items()}, tuple(rows))


def _rows(lines: Sequence[str], problems: list[str]) -> Iterator[tuple[int, str, list[str]]]:
    """Yield (line, text, cells) of each row that has any."""
    first = next(line for line in lines if line.strip())
    delimiter = max(DELIMITERS, key=first.count)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    before = 0
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield before + 1, "".join(lines[before : reader.line_num]), cells
            before = reader.line_num
    except csv.Error as error:
        problems.append(f"line {before + 1}: the row is not CSV: {error}")


def _columns(names: Sequence[str], problems: list[str]) -> dict[str, int]:
    """Return where each column stands, by its normal name: case and underscores do not count."""
    columns: dict[str, int] = {}
    for place, spelt in enumerate(names):
        name = term_key(spelt.replace("_", " "))
        if name in columns:
            problems.append(f"line 1: the column {spelt.strip()!r} stands twice")
        if name:
            columns[name] = place
    return columns


def _cells(
    line: int, text: str, cells: Sequence[str], columns: Mapping[str, int], problems: list[str]
) -> Cells:
    most = max(columns.values(), default=-1) + 1
    if len(cells) < most or any(cell.strip() for cell in cells[most:]):
        problems.append(f"line {line}: {len(cells)} cells where {most} columns are")
        return Cells(line, text, {})
    return Cells(line, text, {name: cells[place].strip() for name, place in columns.items()})
