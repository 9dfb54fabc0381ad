"""fhirconv convert: a report or its case facts in, FHIR bundles out."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fhirconv import files
from fhirconv.cli import options, show
from fhirconv.cli.source import is_report_or_facts, open_input, without_texts
from fhirconv.cli.verb import each, finish, verb
from fhirconv.errors import UsageError
from fhirconv.files import Input, Outputs
from fhirconv.outcome import Issue, operation_outcome

if TYPE_CHECKING:
    from fhirconv.ledger import Ledger

BUNDLE = ".bundle.json"
KINDS = ("transaction", "collection", "document")


@verb("fhirconv convert reports/ -o bundles/ --report outcome.json")
@options.inputs
@options.out
@options.release
@click.option(
    "--bundle",
    "kind",
    type=click.Choice(KINDS),
    default=KINDS[0],
    show_default=True,
    help="Kind of Bundle to make.",
)
@options.mappings
@click.option(
    "--report",
    metavar="FILE",
    help="Write all issues, and what was kept as text or skipped, as an OperationOutcome.",
)
@options.timestamp
@options.max_size
@options.speech
def convert(
    inputs: tuple[str, ...],
    out: str | None,
    release: str | None,
    kind: str,
    mappings: tuple[str, ...],
    report: str | None,
    timestamp: str | None,
    max_size: int,
) -> None:
    """Turn reports, or their facts, into FHIR bundles.

    INPUT is a report (text, saved HTML page, JATS XML), a facts document, facts of others (brat's
    NAME.ann beside NAME.txt, phenopackets, a line list in CSV or TSV), a folder of these, or -
    for standard input. There is one bundle a patient. Several inputs give NAME.bundle.json
    each in the folder of -o; a report of several patients gives NAME.p1.bundle.json and so on,
    or one bundle a line where there is no folder. Standard error tells how many facts were
    mapped, kept as text or skipped.
    """
    from fhirconv.convert import convert, issues_of, serialise
    from fhirconv.ledger import joined

    tables = options.tables_of(mappings)
    wanted = options.release_of(release, tables)
    listed = without_texts(files.expand(inputs, is_report_or_facts))
    outcome, outputs = _plan(inputs, listed, out, report)
    ledgers: list[Ledger] = []

    def work(item: Input) -> Iterable[Issue]:
        source = open_input(item, max_size, tables)
        made = convert(source, wanted, bundle=kind, tables=tables, timestamp=timestamp)
        show.written(outputs.put(item, made.bundles, serialise))
        ledgers.append(made.ledger)
        return issues_of(made)

    issues = each(listed, "converting", work)
    show.ledger(joined(ledgers))
    if outcome:
        files.write(outcome, serialise(operation_outcome(issues)))
    finish(issues)


def _plan(
    arguments: Sequence[str], listed: Sequence[Input], out: str | None, report: str | None
) -> tuple[Path | None, Outputs]:
    """Return where the outcome and the bundles go; raises UsageError where these are one file."""
    outcome = None if report is None else files.output_file(report, listed)
    outputs = files.plan(listed, out, BUNDLE, several=files.many(arguments))
    if outcome and outputs.may_write(outcome):
        raise UsageError(f"the outcome {report!r} would be written over a bundle")
    return outcome, outputs
