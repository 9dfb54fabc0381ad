"""The exporters: one for each form in which others read the vocabularies, and the choice of one."""

from collections.abc import Callable, Iterable

from fhirconv.errors import UsageError
from fhirconv.exporters import conceptmap, markdown, sssom
from fhirconv.exporters.mapped import MappedTables
from fhirconv.tables import Tables

EXPORTERS: dict[str, tuple[str, Callable[[MappedTables], bytes]]] = {
    # format: the ending of its files, and the exporter
    "conceptmap": (".conceptmap.json", conceptmap.export),
    "sssom": (".sssom.tsv", sssom.export),
    "markdown": (".md", markdown.export),
}


def export(tables: Tables, form: str, release: str, names: Iterable[str] = ()) -> bytes:
    """Return vocabularies (all, unless named) in a form; raises UsageError, TableError."""
    if form not in EXPORTERS:
        known = ", ".join(EXPORTERS)
        raise UsageError(f"no form of the tables is called {form!r} (known: {known})", "")
    found = {name: tables.vocabulary(name) for name in names} or tables.codes
    return EXPORTERS[form][1](MappedTables(tables, tables.release(release).name, found))
