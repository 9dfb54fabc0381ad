"""fhirconv push: bundles in, a FHIR server that has them out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import click

from fhirconv import files
from fhirconv.cli import options, show
from fhirconv.cli.source import is_fhir, open_fhir
from fhirconv.cli.verb import each, finish, verb
from fhirconv.errors import ServerError
from fhirconv.files import Input
from fhirconv.outcome import Issue, operation_outcome

if TYPE_CHECKING:
    from fhirconv.server import Server
    from fhirconv.upload import Upload

IN_A_ROW = 3  # bundles without an answer, after which the server counts as gone


@verb("fhirconv push bundles/ --server http://localhost:8080/fhir")
@options.files
@click.option("--server", "address", required=True, metavar="URL", help="Base URL of the server.")
@options.form
@options.max_size
@options.speech
def push(inputs: tuple[str, ...], address: str, form: str, max_size: int) -> None:
    """Send transaction bundles to a FHIR server.

    FILE holds one bundle or one a line (NDJSON), or is a folder of such files, or - for
    standard input. The answer to every entry is read. Sending a bundle again changes nothing.
    """
    from fhirconv.server import Server
    from fhirconv.upload import Upload

    listed = files.expand(inputs, is_fhir)
    with Server.at(address, options.tables_of(())) as server:
        server.release()
        delivery = Delivery(server, max_size, Upload())
        issues = each(listed, "sending", delivery.send, tell=show.nothing)
    if form == "json":
        show.document(operation_outcome(issues))
    else:
        _print(delivery.total, issues)
    finish(issues)


@dataclass
class Delivery:
    """What has been sent so far, and how often in a row the server has not answered."""

    server: "Server"
    limit: int
    total: "Upload"
    unanswered: int = 0

    def send(self, item: Input) -> Iterator[Issue]:
        """Send the bundles of a file and yield what is to be said of them."""
        for line, bundle in open_fhir(item, self.limit):
            for issue in self._send(bundle):
                yield replace(issue, where=show.place(line, issue.where))

    def _send(self, bundle: dict[str, Any]) -> Sequence[Issue]:
        if self.unanswered >= IN_A_ROW:
            return [Issue("fatal", "transient", "not sent, as the server no longer answers")]
        try:
            upload = self.server.push(bundle)
        except ServerError as error:
            self.unanswered += 1
            return [Issue("fatal", "transient", error.message, error.where)]
        self.unanswered = 0
        self.total += upload
        return upload.issues


def _print(total: "Upload", issues: Sequence[Issue]) -> None:
    """Print how many resources were created and so on, and then the issues, as tables."""
    columns = ("created", "updated", "unchanged", "failed")
    show.table("resources", columns, [[getattr(total, name) for name in columns]])
    if issues:
        rows = [[issue.severity, issue.message, issue.where] for issue in issues]
        show.table("issues", ("severity", "message", "where"), rows)
