"""The commands: arguments in, files out, exit codes."""

import click

from fhirconv.cli.bulk_import import bulk_import
from fhirconv.cli.convert import convert
from fhirconv.cli.delete import delete
from fhirconv.cli.explain import explain
from fhirconv.cli.extract import extract
from fhirconv.cli.options import speech
from fhirconv.cli.pull import pull
from fhirconv.cli.push import push
from fhirconv.cli.settings import settings
from fhirconv.cli.tables import tables
from fhirconv.cli.validate import validate
from fhirconv.cli.view import view
from fhirconv.version import VERSION

VERBS = (
    *(extract, convert, validate, push, pull, delete, bulk_import),
    *(settings, explain, view, tables),
)
NOT_YET = """Not there yet: reading PDF, or articles by their PubMed or PMC number; a learned tagger
beside the tables; validation with a terminology server; pushing to servers that choose their own
ids; correcting what a page shows."""


class Line(click.Group):
    """The group of all verbs, listed in the order in which they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs in the order of the line."""
        return [verb.name or "" for verb in VERBS]


@click.group(
    cls=Line,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=f"\b\nExample:\n  fhirconv convert report.txt -o report.bundle.json\n\n{NOT_YET}",
)
@click.version_option(VERSION, message="%(prog)s %(version)s")
@speech
def main() -> None:
    """Turn published case reports into FHIR bundles, each element traced to the words.

    Exit codes: 0 fine, 1 something has an error, 2 wrong usage.
    """


for verb in VERBS:
    main.add_command(verb)
