"""fhirconv push: bundles in, a FHIR server that has them out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from fhirconv import files
from fhirconv.cli import options, push_options, reach, sending, show
from fhirconv.cli.source import is_fhir
from fhirconv.cli.verb import finish, verb
from fhirconv.outcome import Issue, operation_outcome

if TYPE_CHECKING:
    from fhirconv.loader import Account
    from fhirconv.loader.preview import Trying

MOST = 10_000  # issues that are kept for the end
COLUMNS = ("created", "updated", "unchanged", "failed")


@verb(
    "fhirconv push bundles/ --server http://localhost:8080/fhir --jobs 8\n"
    "  fhirconv push bundles/ --server http://localhost:8080/fhir --dry-run\n"
    "  fhirconv push bundles/ --server http://localhost:8080/fhir --validate --ids server"
)
@options.files
@reach.options
@push_options.loading
@sending.options
@options.form
@options.max_size
@options.speech
def push(
    inputs: tuple[str, ...],
    jobs: int,
    retries: int,
    timeout: float,
    state: str | None,
    resume: bool,
    since: datetime | None,
    stats: str | None,
    form: str,
    max_size: int,
) -> None:
    """Send transaction bundles to a FHIR server.

    FILE holds one bundle or one a line (NDJSON, .gz), or is a folder of such files, or - for
    standard input. Every answer is read; what fails for good goes to the dead letters beside the
    journal, and they can be pushed as they are. Sending a bundle again changes nothing. A server
    that takes no transactions, no ids of ours or no large bundles gets them as it can.
    """
    from fhirconv.http import Limits
    from fhirconv.loader import Loading, Manner, Patience
    from fhirconv.loader.checks import preparations
    from fhirconv.loader.preview import Trying
    from fhirconv.loader.state import check_apart, default_folder
    from fhirconv.pool import settle

    listed = files.expand(inputs, is_fhir)
    there = reach.server(limits=Limits(read=timeout), connections=jobs)
    folder = Path(state) if state else default_folder(there.session.address)
    check_apart(folder, inputs)
    out = files.output_file(stats, listed) if stats else None
    settle()
    manner = Manner(jobs, max_size, resume, since, Patience(retries + 1))
    with there as server:
        steps = preparations(server, sending.terms(), sending.threshold())
        if sending.is_dry():
            trying = Trying.of(server, steps, folder, sending.terms().ids)
            _try(trying, listed, max_size, as_json=form == "json")
            return
        loading = Loading(server, folder, manner, steps, sending.terms().carrier)
        told = Told(form == "json")
        told.all_of(loading(listed), loading.account, _size(listed))
    told.show(loading.account, out)
    finish(told.issues)


def _size(listed: "Sequence[files.Input]") -> int | None:
    """Return the bytes of all inputs; None where they are not known before."""
    paths = [item.path for item in listed]
    try:
        sizes = [path.stat().st_size for path in paths if path and path.suffix != files.PACKED]
    except OSError:
        return None
    return sum(sizes) if len(sizes) == len(paths) else None


def _try(trying: "Trying", items: "Sequence[files.Input]", limit: int, *, as_json: bool) -> None:
    """Show what a push would do, which sends nothing."""
    from fhirconv.cli.push_preview import Preview

    preview = Preview(as_json)
    for bundle in trying(items, limit):
        preview.take(bundle)
    preview.show(trying.server.session.address)
    finish(preview.issues)


@dataclass
class Told:
    """What is to be said of a push, as it comes and at its end."""

    as_json: bool
    issues: list[Issue] = field(default_factory=list)
    more: int = 0  # issues that are not kept, as there are too many

    def all_of(self, said: Iterator[Issue | None], account: "Account", total: int | None) -> None:
        """Take what is said until the push is over, while a bar shows how far it is."""
        with show.pushing(account, total) as move:
            for issue in said:
                if issue is None:
                    move()
                elif len(self.issues) < MOST:
                    self.issues.append(issue)
                else:
                    self.more += 1

    def show(self, account: "Account", out: Path | None) -> None:
        """Print what came of it: the result on standard output, the account on standard error."""
        if self.more:
            message = f"{self.more} more issues stand in the dead letters"
            self.issues.append(Issue("error", "too-long", message))
        if out:
            from fhirconv.convert import serialise

            files.write(files.real(out), serialise(account.statistics()))
        if self.as_json:
            show.document(operation_outcome(self.issues))
        else:
            self._print(account)
        show.push(account.statistics())

    def _print(self, account: "Account") -> None:
        show.table("resources", COLUMNS, [[account.resources[name] for name in COLUMNS]])
        if self.issues:
            rows = [[issue.severity, issue.message, issue.where] for issue in self.issues]
            show.table("issues", ("severity", "message", "where"), rows)
