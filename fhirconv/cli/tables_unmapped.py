"""fhirconv tables unmapped: the terms of reports that got no code, most frequent first."""

from collections.abc import Iterable
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fhirconv import files
from fhirconv.cli import options, show
from fhirconv.cli.explain import text_of_input
from fhirconv.cli.source import is_report_or_facts, open_input, without_texts
from fhirconv.cli.verb import each, finish, verb
from fhirconv.errors import UsageError, WriteError
from fhirconv.files import Input
from fhirconv.outcome import Issue

if TYPE_CHECKING:
    from fhirconv.unmapped import Unmapped

CSV = "csv"


@verb("fhirconv tables unmapped reports/ --format csv -o mine/")
@options.inputs
@options.release
@options.mappings
@click.option(
    "--format",
    "form",
    type=click.Choice(("text", "json", CSV)),
    default="text",
    show_default=True,
    help="A table for people, JSON for programs, or CSV in the format of codes/ to fill in.",
)
@click.option(
    *("-o", "--output", "out"),
    metavar="DIR",
    help="Folder for the CSV, DIR/codes/NAME.csv, to be filled in and used with --mappings.",
)
@options.server
@options.max_size
@options.speech
def unmapped(
    inputs: tuple[str, ...],
    release: str | None,
    mappings: tuple[str, ...],
    form: str,
    out: str | None,
    server: str,
    max_size: int,
) -> None:
    """List the terms that got no code, most frequent first.

    INPUT is what convert takes. Each term is told with its number, the table in which it would
    stand, and a sentence. The CSV leaves out what a table says to have no code.
    """
    from fhirconv.stream import Converter
    from fhirconv.unmapped import Tally

    if out is not None and form != CSV:
        raise UsageError("an output folder is for the CSV: --format csv")
    tables = options.tables_of(mappings)
    tally = Tally(tables, options.release_of(release, tables))
    converter = Converter(tally.release, server=server, folders=mappings)

    def work(item: Input) -> Iterable[Issue]:
        opened = open_input(item, max_size, tables)
        made = converter.conversion(opened)
        tally.add(made, text_of_input(opened, item, tables))
        return (i for i in made.issues if i.code == "transient")  # of the server

    listed = without_texts(files.expand(inputs, is_report_or_facts))
    with closing(converter):
        issues = each(listed, "converting", work)
    _tell(tally.terms(), form, out)
    finish(issues)


def _tell(terms: "list[Unmapped]", form: str, out: str | None) -> None:
    if form == CSV:
        _write(terms, out)
    elif form == "json":
        show.document([asdict(term) for term in terms])
    else:
        columns = ("number", "term", "kind", "table", "example")
        show.table("", columns, [_row(term) for term in terms])
        show.remark(f"{show.number(len(terms), 'term')} without a code")


def _row(term: "Unmapped") -> tuple[int, str, str, str, str]:
    table = f"{term.vocabulary} (says: no code)" if term.told else term.vocabulary
    return term.count, term.term, term.kind, table, term.example


def _write(terms: "list[Unmapped]", out: str | None) -> None:
    """Write the CSV of each table into a folder, or of the only one to standard output."""
    from fhirconv.unmapped import sheets

    made = list(sheets(terms))
    if out is None:
        if len(made) > 1:
            named = ", ".join(name for name, _ in made)
            raise UsageError(f"the terms belong to several tables ({named}): -o FOLDER")
        for _, data in made:
            files.send(data)
        return
    paths = [Path(out) / "codes" / f"{name}.csv" for name, _ in made]
    for path in paths:
        if path.exists():
            raise WriteError("a table is there already and is not written over", str(path))
    for path, (_, data) in zip(paths, made, strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write(path, data)
    show.written(paths)
