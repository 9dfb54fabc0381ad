"""A CSV table of a stack of folders: its rows, each knowing its file and line."""

import csv
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from fhirconv.errors import TableError
from fhirconv.outcome import Issue
from fhirconv.terms import one_key, term_key

OPTIONAL = frozenset({"note", "need", "same_as", "source", "match", "releases", "also"})

Row = TypeVar("Row")
CodeRow = tuple[
    str, ...
]  # the cells of a row of codes/ in the order of its columns, its origin, its term_key
Line = Mapping[str, str]  # one row of a table: its cells by column, and 'origin'


@dataclass(frozen=True, slots=True)
class Sheets:
    """The tables of a stack of folders: the first is whole, each later one overlays it.

    Raises TableError at the first defect; where `problems` is a list, defects are put there
    as Issues instead, and the row is left out.
    """

    folders: tuple[Path, ...]
    problems: list[Issue] | None = None

    def problem(self, message: str, where: str) -> None:
        """Raise or keep a defect of a table."""
        if self.problems is None:
            raise TableError(message, where)
        self.problems.append(Issue("error", "structure", message, where))

    def lines(
        self,
        file: str,
        columns: Sequence[str] | None,
        key: Sequence[str] | None,
        *,
        ahead: bool = False,
    ) -> list[dict[str, str]]:
        """Return the rows of one table; an overlay's rows stand in the place of the same key.

        Its new rows stand behind all, or ahead where the first row that fits is taken. Without
        columns a table has those of its own first line; without a key, the first column is it.
        """
        paths = [folder / file for folder in self.folders]
        stack = [list(self._read(p, file, columns)) for p in paths if p.is_file()]
        if not stack:
            self.problem("the table is missing", file)
            return []
        below, *overlays = stack
        for above in overlays:
            names = key or (list(above[0])[:1] if above else ())
            if "system" in names:
                coded = {term_key(row["term"]) for row in above if row["code"]}
                below = [r for r in below if not _is_bare(r) or term_key(r["term"]) not in coded]
            below = _laid(below, above, partial(_key, names=names), ahead=ahead)
        return below

    def codes(self, file: str, columns: Sequence[str]) -> list[CodeRow]:
        """Return the rows of a code table as plain cells in the order of the columns, origin, key.

        An overlay's row stands in the place of that of the same term and system; a code there
        also in that of a row which says that the term has none.
        """
        stack = [
            list(self._rows(folder / file, file, columns))
            for folder in self.folders
            if (folder / file).is_file()
        ]
        below, *overlays = stack or [[]]
        for above in overlays:
            coded = {row[-1] for row in above if row[1]}
            kept = [r for r in below if r[1] or r[2] or r[5] or r[-1] not in coded]
            below = _laid(kept, above, _code_key, ahead=False)
        return below

    def _rows(self, path: Path, name: str, columns: Sequence[str]) -> Iterator[CodeRow]:
        whole = list(columns)
        for header, cells, origin in self._cells(path, name, columns):
            plain = list(map(str.strip, cells))
            if header != whole:
                told = dict(zip(header, plain, strict=True))
                plain = [told.get(column, "") for column in columns]
            yield (*plain, origin, one_key(plain[0]))

    def _read(
        self, path: Path, name: str, columns: Sequence[str] | None
    ) -> Iterator[dict[str, str]]:
        empty = dict.fromkeys(columns or (), "")
        for header, cells, origin in self._cells(path, name, columns):
            yield empty | dict(zip(header, map(str.strip, cells), strict=True)) | {"origin": origin}

    def _cells(
        self, path: Path, name: str, columns: Sequence[str] | None
    ) -> Iterator[tuple[list[str], list[str], str]]:
        """Yield the rows of a file that are neither empty nor remarks: (header, cells, origin)."""
        number = 1
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                reader = csv.reader(file, strict=True)
                header = next(reader, [])
                if not self._fits(header, columns, name):
                    return
                for cells in reader:
                    number = reader.line_num
                    if not any(cells) or cells[0].startswith("#"):
                        continue
                    if len(cells) == len(header):
                        yield header, cells, f"{name}:{number}"
                    else:
                        message = f"{len(cells)} cells where {len(header)} columns are"
                        self.problem(message, f"{name}:{number}")
        except UnicodeDecodeError as error:
            self.problem(f"the table is not UTF-8 at byte {error.start}", name)
        except csv.Error as error:
            self.problem(f"the table is not CSV: {error}", f"{name}:{number + 1}")

    def _fits(self, header: list[str], columns: Sequence[str] | None, name: str) -> bool:
        wanted = set(columns or header) - OPTIONAL
        strange = sorted(set(header) - set(columns or header)) + sorted(wanted - set(header))
        if not header or strange or len(set(header)) < len(header):
            known = ", ".join(columns or ()) or "at least one"
            self.problem(f"the columns are {', '.join(header)!r}, wanted are {known}", f"{name}:1")
            return False
        return True


def _key(line: Line, names: Sequence[str]) -> tuple[str, ...]:
    """Return the key by which an overlay's row replaces a row below it."""
    return tuple(
        line["code"].partition(":")[0] if name == "system" else term_key(line[name])
        for name in names
    )


def _is_bare(line: Line) -> bool:
    """Say whether a row of a code table says that its term has no code."""
    return not any(line[name] for name in ("code", "display", "same_as"))


def _code_key(row: CodeRow) -> tuple[str, str]:
    """Return the same for the row of a code table: its term and its system."""
    return row[-1], row[1].partition(":")[0]


def _laid(
    below: list[Row], above: list[Row], key_of: Callable[[Row], Hashable], *, ahead: bool
) -> list[Row]:
    """Return the rows of a table with those of an overlay in their place, ahead or behind."""
    fresh: dict[Hashable, list[Row]] = {}
    for row in above:
        fresh.setdefault(key_of(row), []).append(row)
    keys = [key_of(row) for row in below]
    known = set(keys)
    new = [row for key, rows in fresh.items() if key not in known for row in rows]
    merged: list[Row] = []
    for key, row in zip(keys, below, strict=True):
        if key in fresh:
            merged += fresh[key]
            fresh[key] = []  # the other rows of the key go with the first
        else:
            merged.append(row)
    return [*new, *merged] if ahead else [*merged, *new]
