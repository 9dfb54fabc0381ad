"""Are the tables sound: every row held against the definitions of its releases, all at once."""

from collections.abc import Iterable
from pathlib import Path

from fhirconv.errors import FhirconvError
from fhirconv.outcome import Issue
from fhirconv.tables import Tables
from fhirconv.tables_check import asked, codes, dead, imports, lists, looks, rows
from fhirconv.tables_check.defect import defect

CHECKS = (
    *(
        codes.vocabularies,
        dead.routes,
        dead.sections,
        lists.order,
        lists.searches,
        rows.rows,
        dead.rows,
    ),
    *(dead.fields, lists.releases, lists.systems, lists.extensions, lists.relations),
    *(lists.marks, lists.lookups, lists.files, rows.others, imports.imports, asked.asked),
    looks.looks,
)


def check(folders: Iterable[Path | str]) -> list[Issue]:
    """Return every defect of a stack of table folders, each with its file and line."""
    found: list[Issue] = []
    tables = Tables(tuple(Path(f) for f in folders), found)
    for part in CHECKS:
        try:
            found += part(tables)
        except FhirconvError as error:  # what keeps the rest from being read at all
            found.append(defect(error.message, error.where))
    return list(dict.fromkeys(found))
