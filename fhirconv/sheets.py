"""A CSV table of a stack of folders: its rows, each knowing its file and line."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fhirconv.errors import TableError
from fhirconv.outcome import Issue
from fhirconv.terms import term_key

OPTIONAL = frozenset({"note", "need", "same_as", "source", "match", "releases"})

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
            below = _laid(below, above, names, ahead=ahead)
        return below

    def _read(
        self, path: Path, name: str, columns: Sequence[str] | None
    ) -> Iterator[dict[str, str]]:
        number = 1
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                reader = csv.reader(file, strict=True)
                header = next(reader, [])
                if not self._fits(header, columns, name):
                    return
                for cells in reader:
                    number = reader.line_num
                    line = self._line(header, cells, f"{name}:{number}")
                    if line is not None:
                        yield dict.fromkeys(columns or (), "") | line
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

    def _line(self, header: list[str], cells: list[str], origin: str) -> dict[str, str] | None:
        if not any(cells) or cells[0].startswith("#"):
            return None
        if len(cells) != len(header):
            self.problem(f"{len(cells)} cells where {len(header)} columns are", origin)
            return None
        return dict(zip(header, (c.strip() for c in cells), strict=True)) | {"origin": origin}


def _key(line: Line, names: Sequence[str]) -> tuple[str, ...]:
    """Return the key by which an overlay's row replaces a row below it."""
    return tuple(
        line["code"].partition(":")[0] if name == "system" else term_key(line[name])
        for name in names
    )


def _laid(
    below: list[dict[str, str]], above: list[dict[str, str]], names: Sequence[str], *, ahead: bool
) -> list[dict[str, str]]:
    """Return the rows of a table with those of an overlay in their place, ahead or behind."""
    fresh: dict[tuple[str, ...], list[dict[str, str]]] = {}
    for row in above:
        fresh.setdefault(_key(row, names), []).append(row)
    known = {_key(row, names) for row in below}
    new = [row for key, rows in fresh.items() if key not in known for row in rows]
    merged: list[dict[str, str]] = []
    for row in below:
        key = _key(row, names)
        if key in fresh:
            merged += fresh[key]
            fresh[key] = []  # the other rows of the key go with the first
        else:
            merged.append(row)
    return [*new, *merged] if ahead else [*merged, *new]
