"""The packs: one file for each format of a terminology, and the tables that it becomes."""

import re
from collections import defaultdict
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from fhirconv.errors import ReadError, UsageError
from fhirconv.outcome import Issue
from fhirconv.packs import fhir, icd10cm, obo, obographs, rxnorm, snomed, sssom
from fhirconv.packs.concept import Source
from fhirconv.packs.draft import Pack
from fhirconv.packs.placing import Placing
from fhirconv.tables import Tables

# In the order in which they are asked: accepts(head) by content, read(source) -> Concepts.
FORMATS: tuple[ModuleType, ...] = (obographs, fhir, icd10cm, snomed, rxnorm, sssom, obo)
PREFIX = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
HEAD = 1 << 16  # bytes of a file by which its format is told


def open_pack(name: str, tables: Tables) -> tuple[ModuleType, Source]:
    """Return the format and the files of a terminology: a file, a folder, a package of PyPI.

    Raises ReadError where no format knows it, UsageError where it is not there.
    """
    path = Path(name)
    if not path.exists():
        path = _in_package(name, tables)
    listed = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    found: defaultdict[int, list[Path]] = defaultdict(list)
    for file in listed:
        number = _format_of(file)
        if number is not None:
            found[number].append(file)
    if not found:
        known = ", ".join(one.FORMAT for one in FORMATS)
        raise ReadError(f"no format of a terminology is known here (known: {known})", name)
    if len(found) > 1:
        several = ", ".join(FORMATS[number].FORMAT for number in sorted(found))
        raise UsageError(f"the folder holds several terminologies ({several}): name one", name)
    number, files = next(iter(found.items()))
    form = FORMATS[number]
    words = {r["word"]: r["means"] for r in tables.packs["words"] if r["format"] == form.WORDS}
    return form, Source(tuple(files), words)


def import_pack(
    name: str, tables: Tables, vocabulary: str = "", prefix: str = ""
) -> tuple[Pack, list[Issue]]:
    """Return the tables that a terminology becomes, and all that is wrong in it.

    Raises UsageError for a vocabulary that the tables have not, ReadError for no terminology.
    """
    if vocabulary and vocabulary not in tables.codes:
        known = ", ".join(sorted(tables.codes))
        raise UsageError(f"no vocabulary is called {vocabulary!r} (known: {known})")
    if prefix and not PREFIX.fullmatch(prefix):
        raise UsageError(f"{prefix!r} is no prefix: letters, digits, '-', '_' and '.'")
    form, source = open_pack(name, tables)
    pack = Placing(tables, source, vocabulary, prefix).pack(form.read(source))
    if not pack.concepts and not source.problems:
        left = ", ".join(f"{count} {reason}" for reason, count in source.left_out.items() if count)
        source.problem(f"the source holds no concept to take (left out: {left or 'none'})", name)
    return pack, source.problems


def _format_of(path: Path) -> int | None:
    with path.open("rb") as file:
        head = file.read(HEAD)
    return next((number for number, form in enumerate(FORMATS) if form.accepts(head)), None)


def _in_package(name: str, tables: Tables) -> Path:
    """Return the file that a package of the extra 'ontologies' carries."""
    rows = {row["package"]: row for row in tables.packs["packages"]}
    if name not in rows:
        known = ", ".join(rows)
        raise UsageError(f"there is no file, folder or package {name!r} (packages: {known})")
    row = rows[name]
    spec = find_spec(row["module"])
    if spec is None or not spec.submodule_search_locations:
        message = f"the package {name!r} is not installed: pip install 'fhirconv[ontologies]'"
        raise UsageError(message)
    places = [Path(place) for place in spec.submodule_search_locations]
    files = sorted(file for place in places for file in place.glob(row["file"]))
    if not files:
        raise ReadError(f"the package {name!r} has no file {row['file']!r}", str(places[0]))
    return files[-1]
