"""fhirconv tables import: a terminology becomes code tables."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fhirconv.cli import options, show
from fhirconv.cli.verb import finish, verb
from fhirconv.errors import UsageError
from fhirconv.outcome import has_errors

if TYPE_CHECKING:
    from fhirconv.packs.draft import Pack
    from fhirconv.tables import Tables


@verb("fhirconv tables import hp.obo -o packs/hpo", "import")
@click.argument("source", metavar="SOURCE")
@click.option("-o", "--output", "out", metavar="DIR", required=True, help="Folder of the tables.")
@click.option(
    "--vocabulary",
    default="",
    metavar="NAME",
    help="The table of codes/ to make; without it the one of packs/namespaces.csv.",
)
@click.option(
    "--prefix",
    default="",
    metavar="PREFIX",
    help="Prefix of its code system in systems.csv; a new one is added there.",
)
@options.mappings
@options.speech
def import_(source: str, out: str, vocabulary: str, prefix: str, mappings: tuple[str, ...]) -> None:
    """Turn a terminology into code tables for --mappings.

    SOURCE is a file or folder (OBO, OBO JSON, FHIR CodeSystem, ValueSet and ConceptMap, SSSOM,
    ICD-10-CM XML, RxNorm RRF, SNOMED CT RF2), or a package of the extra 'ontologies'. All that
    is wrong in it is told at once, and then nothing is written.
    """
    from fhirconv.packs import import_pack
    from fhirconv.packs.written import write

    folder = Path(out)
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"the output {out!r} is a file, a folder is needed")
    tables = _tables(mappings, folder)
    pack, problems = import_pack(source, tables, vocabulary, prefix)
    if has_errors(problems):
        show.issues(problems, source)
        finish(problems)
    else:
        show.issues(pack.remarks, source)
        paths = write(pack, folder)
        _tell(pack)
        show.written(paths)


def _tables(mappings: tuple[str, ...], folder: Path) -> "Tables":
    """Return the tables below the pack, with the code systems that its folder has already."""
    there = (folder / "systems.csv").is_file() and str(folder) not in mappings
    return options.tables_of((*mappings, str(folder)) if there else mappings)


def _tell(pack: "Pack") -> None:
    for name, rows in pack.rows.items():
        same = sum(bool(row[5]) for row in rows)
        told = f"{show.number(len(rows) - same, 'row')} with a code"
        show.remark(f"codes/{name}.csv: {told}, {show.number(same, 'synonym')}")
    for reason, count in sorted(pack.left_out.items()):
        if count:
            show.remark(f"left out: {count} {reason}")
