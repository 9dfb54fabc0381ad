"""fhirconv tables export: the vocabularies in the forms that others read."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fhirconv import files
from fhirconv.cli import options, show
from fhirconv.cli.verb import verb
from fhirconv.errors import UsageError

if TYPE_CHECKING:
    from fhirconv.tables import Tables

FORMATS = ("conceptmap", "sssom", "markdown")  # of fhirconv.exporters, held by a test


@verb("fhirconv tables export --format markdown -o tables.md")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    required=True,
    help="FHIR ConceptMaps, one SSSOM mapping set (TSV), or a page for people.",
)
@options.release
@click.option(
    "--vocabulary",
    "names",
    multiple=True,
    metavar="NAME",
    help="A table of codes/; can be given several times. Without it all of them.",
)
@options.mappings
@click.option(
    *("-o", "--output", "out"),
    metavar="OUT",
    help="Output file, or folder (ends in '/' or is one) for one file a vocabulary; without it "
    "standard output.",
)
@options.speech
def export(
    form: str,
    release: str | None,
    names: tuple[str, ...],
    mappings: tuple[str, ...],
    out: str | None,
) -> None:
    """Write the vocabularies for others to read.

    As ConceptMaps, each term is a code of the system that the map names; one file of several
    is a transaction that puts them on a server. As SSSOM, the words are literals.
    """
    from fhirconv.exporters import export

    tables = options.tables_of(mappings)
    wanted = options.release_of(release, tables)
    chosen = _known(names, tuple(tables.codes))
    if out is None or out == files.STREAM:
        files.send(export(tables, form, wanted, chosen))
    elif out.endswith("/") or Path(out).is_dir():
        for name in chosen or _coded(tables):
            _write(Path(out) / (name + _ending(form)), export(tables, form, wanted, [name]))
    else:
        _write(files.output_file(out, ()), export(tables, form, wanted, chosen))


def _known(names: tuple[str, ...], known: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if name not in known:
            listed = ", ".join(known)
            raise UsageError(f"no vocabulary is called {name!r} (known: {listed})", "--vocabulary")
    return names


def _coded(tables: "Tables") -> list[str]:
    """Return the vocabularies that have a code."""
    return [
        name
        for name, vocabulary in tables.codes.items()
        if any(coding.code for term in vocabulary.terms.values() for coding in term.codings)
    ]


def _ending(form: str) -> str:
    from fhirconv.exporters import EXPORTERS

    return EXPORTERS[form][0]


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write(path, data)
    show.written([path])
