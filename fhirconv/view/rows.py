"""The words of a row of the tables, by the file and line that everything made of it names."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from fhirconv.tables import Tables

Cells = Mapping[str, str]  # by column; empty cells are left out
CODE, TERM, DISPLAY = "code", "term", "display"


@dataclass
class Rows:
    """The rows of a set of tables as they stand in their files, each file read once."""

    tables: Tables
    _files: dict[Path, dict[int, Cells]] = field(default_factory=dict)

    def cells(self, origin: str, made: Any = "") -> Cells:
        """Return the cells of a row, empty where no file has it.

        Where several folders have such a line, what was made of it tells which is meant.
        """
        if origin in self._filling:
            return self._filling[origin]
        found = list(self._candidates(origin))
        fitting = (cells for cells in found if len(found) == 1 or _is_in(cells, made))
        return next(fitting, found[0] if found else {})

    @cached_property
    def _filling(self) -> dict[str, Cells]:
        """The rows of resources and types by origin: these are in memory, whoever's they are."""
        listed = (*self.tables.resources.values(), *self.tables.types.values())
        names = ("fact", "element", "type", "field", "fixed", "codes", "need", "note")
        return {
            row.origin: _filled((name, getattr(row, name)) for name in names)
            for rows in listed
            for row in rows
        }

    def _candidates(self, origin: str) -> Iterator[Cells]:
        """Yield the lines of that name, those of the last overlay first."""
        file, _, number = origin.rpartition(":")
        if not number.isdecimal() or not file.endswith(".csv"):
            return
        for folder in reversed(self.tables.folders):
            cells = self._lines(folder / file).get(int(number))
            if cells:
                yield cells

    def _lines(self, path: Path) -> dict[int, Cells]:
        if path not in self._files:
            self._files[path] = dict(_read(path)) if path.is_file() else {}
        return self._files[path]


def _read(path: Path) -> Iterator[tuple[int, Cells]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        header = next(reader, [])
        for cells in reader:
            yield reader.line_num, _filled(zip(header, cells, strict=False))


def _filled(pairs: Iterable[tuple[str, str]]) -> Cells:
    return {name: value.strip() for name, value in pairs if value.strip()}


def _is_in(cells: Cells, made: Any) -> bool:
    """Say whether what was made shows the code of a row, or else its words."""
    code = cells.get(CODE, "")
    wanted = {code, code.partition(":")[2]} if code else {cells.get(TERM), cells.get(DISPLAY)}
    return not wanted.isdisjoint(_texts(made))


def _texts(made: Any) -> Iterator[str]:
    """Yield every text in a value."""
    if isinstance(made, Mapping):
        made = list(made.values())
    for part in made if isinstance(made, list) else ():
        yield from _texts(part)
    if isinstance(made, str):
        yield made
