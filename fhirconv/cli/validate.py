"""fhirconv validate: bundles in, what is wrong with them out."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain

import click

from fhirconv import files
from fhirconv.cli import options, show
from fhirconv.cli.source import is_fhir, open_fhir
from fhirconv.cli.verb import each, finish, verb
from fhirconv.files import Input
from fhirconv.outcome import Issue, operation_outcome


@verb("fhirconv validate bundles/ --format json")
@options.files
@options.release
@click.option(
    "--models", is_flag=True, help="Also ask the models of fhir.resources, a second opinion."
)
@options.form
@options.max_size
@options.speech
def validate(
    inputs: tuple[str, ...], release: str | None, models: bool, form: str, max_size: int
) -> None:
    """Check FHIR bundles, element by element.

    Structure, values, codes, references and invariants are checked. FILE holds one bundle, or
    one a line (NDJSON), or is a folder of such files, or - for standard input. Every issue is
    one line: file, severity, what is wrong, where. Without --release each bundle is taken as
    of the release that its elements show, else the default.
    """
    from fhirconv.release import release_of
    from fhirconv.validate import validate
    from fhirconv.validate.models import check_models

    tables = options.tables_of(())
    wanted = None if release is None else options.release_of(release, tables)
    listed = files.expand(inputs, is_fhir)
    checked = 0

    def work(item: Input) -> Iterator[Issue]:
        nonlocal checked
        bundles = open_fhir(item, max_size)
        for line, bundle in bundles:
            checked += 1
            of = wanted or release_of(bundle, tables) or tables.default_release
            second = check_models(bundle, of) if models else ()
            for issue in chain(validate(bundle, of), second):
                yield replace(issue, where=show.place(line, issue.where))

    issues = each(listed, "validating", work, tell=show.results if form == "text" else show.nothing)
    if form == "json":
        show.document(operation_outcome(issues))
    show.remark(_verdict(checked, issues))
    finish(issues)


def _verdict(checked: int, issues: Sequence[Issue]) -> str:
    """Return '2 bundles: 0 errors, 1 warning'."""
    number = Counter("error" if issue.is_error else issue.severity for issue in issues)
    counts = [show.number(number["error"], "error"), show.number(number["warning"], "warning")]
    return f"{show.number(checked, 'bundle')}: {', '.join(counts)}"
