"""The tables of a report that have a column or a row for each patient, cell by cell."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from fhirconv.extractors.lexicon import Lexicon
from fhirconv.extractors.owners import numbered
from fhirconv.report import Report

SHORT = re.compile(r"(?:[A-Za-z]{1,2}\.? ?)?(\d{1,2})|([A-H])")
LEAST = 2  # patients of a table that tells of several


@dataclass(frozen=True, slots=True)
class Cell:
    """The words text[start:end] of a cell, without space around them."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Entry:
    """What a table says of one patient: the words of a cell, and of what it is about."""

    patient: int  # as the table numbers them
    label: Cell
    cell: Cell
    sort: str  # the class of the label in table-words.csv; '' for what it does not know


@dataclass(slots=True)
class Grid:
    """A table: what stands above it, and its rows of cells."""

    above: str = ""
    rows: list[list[Cell]] = field(default_factory=list)


def entries(report: Report, lexicon: Lexicon) -> Iterator[list[Entry]]:
    """Yield what each table that has a place for each patient says of them."""
    for section in report.parts("table"):
        for grid in _grids(report.text, section.start, section.end):
            found = list(_by_column(grid, lexicon) or _by_row(grid, lexicon))
            strange = sort_of(grid.above, lexicon, anywhere=True) == "others"
            if strange or any(entry.sort == "others" for entry in found):
                continue
            if len({entry.patient for entry in found}) >= LEAST:
                yield found


def _grids(text: str, start: int, end: int) -> Iterator[Grid]:
    """Yield the tables of a stretch of text; a line of one cell stands above the next."""
    grid = Grid()
    for line in re.finditer(r"[^\n]+", text[start:end]):
        cells = _cells(line[0], start + line.start())
        if len(cells) > 1:
            grid.rows.append(cells)
        elif grid.rows:
            yield grid
            grid = Grid(line[0])
        else:
            grid.above += f" {line[0]}"
    yield grid


def _cells(line: str, start: int) -> list[Cell]:
    """Return the cells of a line; an empty one keeps its place."""
    found, place = [], 0
    for piece in re.split(r"[|\t]", line):
        words = piece.strip()
        begin = start + place + len(piece) - len(piece.lstrip())
        found.append(Cell(begin, begin + len(words), words))
        place += len(piece) + 1
    return found


def _by_column(grid: Grid, lexicon: Lexicon) -> list[Entry]:
    """Return what a table with a column for each patient says."""
    if not grid.rows:
        return []
    head, *rows = grid.rows
    named = numbered(lexicon.words(f"{head[0].text} 1"), 0, lexicon) is not None
    columns = {n: p for n, c in enumerate(head[1:], 1) if (p := _patient(c, lexicon, named))}
    if len(columns) < LEAST:
        return []
    return [
        Entry(patient, row[0], row[column], sort_of(row[0].text, lexicon))
        for column, patient in columns.items()
        for row in rows
        if column < len(row) <= len(head) and row[0].text and row[column].text
    ]


def _by_row(grid: Grid, lexicon: Lexicon) -> list[Entry]:
    """Return what a table with a row for each patient says."""
    if not grid.rows:
        return []
    head, *rows = grid.rows
    named = numbered(lexicon.words(f"{head[0].text} 1"), 0, lexicon) is not None
    return [
        Entry(patient, label, cell, sort_of(label.text, lexicon))
        for row in rows
        if (patient := _patient(row[0], lexicon, named))
        for label, cell in zip(head[1:], row[1:], strict=False)
        if label.text and cell.text
    ]


def _patient(cell: Cell, lexicon: Lexicon, named: bool) -> int:
    """Return the number of the patient that a cell names; 0 without. named: the numbers are."""
    listed = lexicon.words(cell.text)
    number = numbered(listed, 0, lexicon) if 1 < len(listed) < 5 else None
    short = SHORT.fullmatch(cell.text) if named else None
    if number is None and short:
        return int(short[1]) if short[1] else ord(short[2]) - ord("A") + 1
    return number or 0


def sort_of(text: str, lexicon: Lexicon, anywhere: bool = False) -> str:
    """Return the class of the words that a label begins with, or holds; '' where none is known."""
    listed = lexicon.words(text)
    trie = lexicon.phrases("table-words")
    places: Sequence[int] = range(len(listed) if anywhere else min(1, len(listed)))
    found = (trie.at(listed, place) for place in places)
    return next((match.entry.kind for match in found if match is not None), "")
