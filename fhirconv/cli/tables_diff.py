"""fhirconv tables diff: what two sets of tables say differently."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from fhirconv.cli import options, show
from fhirconv.cli.verb import verb

if TYPE_CHECKING:
    from fhirconv.difference import Change
    from fhirconv.tables import Tables

BUILT_IN = "built-in"


@verb("fhirconv tables diff built-in mine/")
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@options.form
@options.speech
def diff(old: str, new: str, form: str) -> None:
    """Say what differs between two sets of tables.

    OLD and NEW are folders as --mappings takes them (with a releases.csv a whole set, else laid
    over the built-in tables), or the word built-in. Notes are not compared.
    """
    from fhirconv.difference import difference

    changes = list(difference(_tables(old), _tables(new)))
    if form == "json":
        show.document([asdict(change) for change in changes])
    else:
        _print(changes)


def _tables(name: str) -> "Tables":
    return options.tables_of(() if name == BUILT_IN else (name,))


def _print(changes: "list[Change]") -> None:
    """Print each table that differs with its counts, and under it what differs."""
    from fhirconv.difference import counts

    for table, counted in counts(changes).items():
        told = ", ".join(f"{number} {kind}" for kind, number in counted.items() if number)
        show.line(f"{table}: {told}")
        for change in changes:
            if change.table == table:
                show.line(f"{change.kind}: {change.words}", indent=2)
    show.remark("the tables differ" if changes else "the tables say the same")
