"""fhirconv convert: a report or its case facts in, FHIR bundles out."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import chain, groupby
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fhirconv import files
from fhirconv.cli import options, show
from fhirconv.cli.convert_lines import by_type, convert_lines, in_one
from fhirconv.cli.source import is_report_or_facts, without_texts
from fhirconv.cli.verb import each, finish, verb
from fhirconv.errors import UsageError
from fhirconv.files import Input, Outputs
from fhirconv.lines import named_so
from fhirconv.outcome import Issue, operation_outcome
from fhirconv.records import several

if TYPE_CHECKING:
    from fhirconv.stream import Account, Converter, Made

BUNDLE = ".bundle.json"
KINDS = ("transaction", "collection", "document", "ndjson")


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
    help="Kind of Bundle to make; ndjson: no Bundle, but a file for each resource type.",
)
@options.mappings
@options.extractor
@click.option(
    "--report",
    metavar="FILE",
    help="Write all issues, and what was kept as text or skipped, as an OperationOutcome.",
)
@options.server
@click.option(
    "--no-validate",
    "validate",
    is_flag=True,
    default=True,
    flag_value=False,
    help="Do not validate what is made: faster, where it is validated later.",
)
@click.option("--keep-invalid", "keep", is_flag=True, help="Write bundles with an error too.")
@options.jobs
@options.timestamp
@options.max_size
@options.speech
def convert(
    inputs: tuple[str, ...],
    out: str | None,
    release: str | None,
    kind: str,
    mappings: tuple[str, ...],
    extractor: str,
    report: str | None,
    server: str,
    validate: bool,
    keep: bool,
    jobs: int,
    timestamp: str | None,
    max_size: int,
) -> None:
    """Turn reports, or their facts, into FHIR bundles.

    INPUT is a report (text, HTML, JATS XML, PDF, DOCX, records of PubMed or MEDLINE), a facts
    document, facts of others (brat, phenopackets, a line list), a file with a facts document or
    phenopacket a line (NDJSON, also packed by gzip: NAME.ndjson.gz), a folder or ZIP archive of
    these, or - for standard input. There is one bundle a patient. Several inputs give
    NAME.bundle.json each in the folder of -o; a report of several patients gives
    NAME.p1.bundle.json and so on, or one bundle a line where there is no folder.

    Where OUT is called .ndjson (or .ndjson.gz), or the one INPUT has a document a line or many
    records, all bundles go there one a line, in the order of the inputs: read, converted and
    written piece by piece, whatever the size; a bad line is told, and the others go on.

    With --bundle ndjson the resources go to a folder, as FHIR's Bulk Data has them: TYPE.ndjson for
    each resource type, each resource once, and a manifest.json.

    Standard error tells how many facts were mapped, kept as text or skipped. Every bundle is
    validated; one with an error is told and not written.
    """
    from fhirconv.stream import FOLDER, Converter

    wanted = options.release_of(release, options.tables_of(mappings))
    listed = without_texts(files.expand(inputs, is_report_or_facts))
    more = (FOLDER, server, validate, keep, extractor)
    converter = Converter(wanted, kind, mappings, timestamp, max_size, *more)
    with closing(converter):
        if kind == KINDS[-1]:
            _convert_by_type(converter, listed, out, report, jobs)
        else:
            _convert(converter, listed, inputs, out, report, jobs)


def _convert_by_type(
    converter: "Converter", listed: list[Input], out: str | None, report: str | None, jobs: int
) -> None:
    """Convert the inputs to a file for each resource type; raises UsageError."""
    from fhirconv.bulk import folder_of
    from fhirconv.stream import BULK

    folder = folder_of(out)
    inside = (i for i in listed if i.path and i.path.parent.resolve() == folder.resolve())
    if any(named_so(item.file) for item in inside):
        raise UsageError(
            f"the output {str(out)!r} is the folder of an input with a document a line"
        )
    outcome = None if report is None else files.output_file(report, listed)
    output = by_type(folder, listed, converter.timestamp)
    convert_lines(replace(converter, kind=KINDS[0], form=BULK), listed, output, outcome, jobs)


def _convert(
    converter: "Converter",
    listed: list[Input],
    arguments: Sequence[str],
    out: str | None,
    report: str | None,
    jobs: int,
) -> None:
    """Convert the inputs to bundles, a file each or one a line; raises UsageError."""
    from fhirconv.stream import FILE, FOLDER, LINES

    by_line, listed = _by_line(listed, arguments, out, converter.limit)
    outcome, outputs = _plan(arguments, listed, out, report, by_line=by_line)
    form = LINES if by_line else FOLDER if outputs.folder else FILE
    formed = replace(converter, form=form)
    if by_line:
        convert_lines(formed, listed, in_one(outputs.file), outcome, jobs)
    else:
        _convert_each(formed, listed, outputs, outcome, jobs)


def _by_line(
    listed: list[Input], arguments: Sequence[str], out: str | None, limit: int
) -> tuple[bool, list[Input]]:
    """Say whether the bundles go one a line to one file, and return the inputs.

    They do where the output is called so, or the only input has a document a line and the
    output is no folder.
    """
    folder = out is not None and files.is_folder(out)
    if out is not None and named_so(out) and not folder:
        return True, listed
    if files.many(arguments) or folder:
        return False, listed
    cut, item = several(listed[0], limit)
    return cut is not None, [item]


def _convert_each(
    converter: "Converter",
    listed: Sequence[Input],
    outputs: Outputs,
    outcome: Path | None,
    jobs: int,
) -> None:
    """Convert whole inputs, each to outputs of its own, and tell what became of every fact."""
    from fhirconv.convert import serialise
    from fhirconv.pool import in_order, settle
    from fhirconv.stream import Account, pieces

    settle()
    account = Account()
    with closing(in_order(converter, pieces(listed, converter.limit), jobs)) as results:
        groups = groupby(chain.from_iterable(results), key=attrgetter("item"))

        def work(item: Input) -> Iterable[Issue]:
            _, group = next(groups)
            found: list[Issue] = []
            show.written(_put(outputs, item, _noted(group, account, found)))
            return found

        issues = each(listed, "converting", work)
    show.account(account)
    if outcome:
        files.write(outcome, serialise(operation_outcome(issues)))
    finish(issues)


def _noted(group: Iterable["Made"], account: "Account", found: list[Issue]) -> Iterator["Made"]:
    """Yield what was made, counted and its issues put with what was found."""
    for made in group:
        account.add(made.account)
        found += made.issues
        yield made


def _put(outputs: Outputs, item: Input, group: Iterator["Made"]) -> Iterator[Path]:
    """Write what an input made and yield the paths; its lines are written one by one."""
    first = next(group)
    if first.by_line:
        yield from outputs.put_each(item, (d for m in chain([first], group) for d in m.documents))
    elif first.documents or not first.issues:
        yield from outputs.put(item, first.documents, _as_it_is)


def _as_it_is(document: bytes, *, compact: bool = False) -> bytes:
    return document


def _plan(
    arguments: Sequence[str],
    listed: Sequence[Input],
    out: str | None,
    report: str | None,
    *,
    by_line: bool,
) -> tuple[Path | None, Outputs]:
    """Return where the outcome and the bundles go; raises UsageError where these are one file."""
    outcome = None if report is None else files.output_file(report, listed)
    outputs = files.plan(listed, out, BUNDLE, several=files.many(arguments) and not by_line)
    if outcome and outputs.may_write(outcome):
        raise UsageError(f"the outcome {report!r} would be written over a bundle")
    return outcome, outputs
