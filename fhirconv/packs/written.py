"""The tables of a pack on disk: all of them whole, or nothing."""

import csv
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from fhirconv.errors import UsageError, WriteError
from fhirconv.files import printable, reason
from fhirconv.packs.draft import Pack
from fhirconv.tables import CODE_COLUMNS, SYSTEM_COLUMNS, System

SYSTEMS = "systems.csv"


def write(pack: Pack, folder: Path) -> list[Path]:
    """Write the tables of a pack into a folder and return them; raises WriteError.

    A table that is there already is never changed: it may hold what a person wrote. But for
    systems.csv, to which rows are added.
    """
    names = [f"codes/{name}.csv" for name, rows in pack.rows.items() if rows]
    for name in names:
        if (folder / name).exists():
            message = "the table is there already: import into another folder, or take it away"
            raise UsageError(message, printable(str(folder / name)))
    try:
        with _draft_of(folder) as draft:
            for name, rows in pack.rows.items():
                if rows:
                    _table(draft / "codes" / f"{name}.csv", CODE_COLUMNS, rows)
            if pack.systems:
                names.append(SYSTEMS)
                _systems(draft / SYSTEMS, folder / SYSTEMS, pack.systems)
            _move(draft, folder, names)
    except OSError as error:
        message = f"the tables cannot be written: {reason(error)}"
        raise WriteError(message, printable(str(folder))) from error
    return [folder / name for name in names]


@contextmanager
def _draft_of(folder: Path) -> Iterator[Path]:
    """Make a folder beside the one that is meant, on the same disk; it goes in the end."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".fhirconv-", suffix=".tmp", dir=folder.parent))
    try:
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def _systems(path: Path, there: Path, systems: Iterable[System]) -> None:
    """Write the rows that are there already, as they are, and the new ones behind them."""
    if not there.is_file():
        _table(path, SYSTEM_COLUMNS, ())
    else:
        shutil.copyfile(there, path)
    text = path.read_text(encoding="utf-8-sig")
    header = next(csv.reader([text.partition("\n")[0]]))
    with path.open("a", encoding="utf-8", newline="") as file:
        file.write("" if text.endswith("\n") else "\n")
        writer = csv.DictWriter(file, header, extrasaction="ignore", lineterminator="\n")
        writer.writerows(
            {"prefix": one.prefix, "uri": one.uri, "check": one.check} for one in systems
        )


def _move(draft: Path, folder: Path, names: Iterable[str]) -> None:
    """Move what is ready into place; systems first, without which the codes are unsound."""
    for name in sorted(names, reverse=True):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        os.replace(draft / name, folder / name)
