"""fhirconv validate: FHIR resources in, what is wrong with them out."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fhirconv import files
from fhirconv.cli import options, reach, show
from fhirconv.cli.source import is_fhir
from fhirconv.cli.verb import FAILED, verb

if TYPE_CHECKING:
    from fhirconv.files import Input
    from fhirconv.findings import Checked, Finding
    from fhirconv.inspection import Second, Wanted

FORMS = ("text", "json", "sarif", "junit")
THRESHOLDS = ("error", "warning", "information")


@verb("fhirconv validate bundles/ --format sarif -o fhir.sarif --fail-on warning")
@options.files
@options.release
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMS),
    default=FORMS[0],
    show_default=True,
    help="Words for people, an OperationOutcome, SARIF for code hosts, JUnit for build servers.",
)
@click.option("-o", "--output", "out", metavar="FILE", help="Write the findings to a file.")
@click.option(
    "--package",
    "packages",
    multiple=True,
    metavar="DIR|TGZ",
    help="Package of an implementation guide: a folder, a .tgz, or NAME#VERSION in FHIR's package "
    "cache. Can be given several times.",
)
@click.option(
    "--profile",
    "profiles",
    multiple=True,
    metavar="URL",
    help="Profile that every resource of its type must keep. Can be given several times.",
)
@click.option(
    "--fail-on",
    "threshold",
    type=click.Choice(THRESHOLDS),
    default=THRESHOLDS[0],
    show_default=True,
    help="The least severity that makes the exit code 1.",
)
@click.option(
    "--server",
    "address",
    metavar="URL|NAME",
    help="Ask the $validate of a server too, and show both.",
)
@click.option(
    "--models", is_flag=True, help="Also ask the models of fhir.resources, a second opinion."
)
@options.jobs
@options.max_size
@options.speech
def validate(
    inputs: tuple[str, ...],
    release: str | None,
    form: str,
    out: str | None,
    packages: tuple[str, ...],
    profiles: tuple[str, ...],
    threshold: str,
    address: str | None,
    models: bool,
    jobs: int,
    max_size: int,
) -> None:
    """Check FHIR resources, element by element.

    Structure, values, codes, references and invariants are checked. FILE holds one resource of
    any type (a Bundle is one), or one a line (NDJSON), packed by gzip or not, or is a folder of
    such files, or - for standard input. Every issue is told with its line and column, its place
    as a FHIRPath, what stands there and what would be right. Without --release each resource is
    taken as of the release that its elements show, else that of the packages, else the default.
    A resource is held against the profiles that it names, where a package or HL7 has them.
    """
    from fhirconv.findings import fails
    from fhirconv.inspection import Wanted

    named = None if release is None else options.release_of(release, options.tables_of(()))
    wanted = Wanted(named, models, max_size, packages, profiles)
    listed = files.expand(inputs, is_fhir)
    output = None if out in (None, files.STREAM) else files.output_file(str(out), listed)
    told = Told(form, output)
    _missing(packages)
    _run(listed, wanted, jobs, address, told)
    told.finish(threshold)
    if fails(told.findings, threshold):
        click.get_current_context().exit(FAILED)


def _missing(packages: tuple[str, ...]) -> None:
    """Tell which packages others depend on and are not at hand."""
    from fhirconv.guides.library import library_of

    for issue in library_of(packages).issues if packages else ():
        show.remark(f"{issue.severity}: {issue.message}")


def _run(
    listed: "list[Input]", wanted: "Wanted", jobs: int, address: str | None, told: "Told"
) -> None:
    """Inspect every file, and ask the server where there is one."""
    from fhirconv.inspection import inspect

    with ExitStack() as stack:
        second = _asking(address, stack) if address else None
        for document in show.counted(inspect(listed, wanted, jobs, second), "validating"):
            told.take(document, address)


def _asking(address: str, stack: ExitStack) -> "Second":
    """Return what asks a server, whose connections are closed with the stack."""
    from fhirconv.findings import found

    server = stack.enter_context(reach.server(address))
    server.release()

    def second(document: Any, text: str, first_line: int) -> tuple["Finding", ...]:
        return found(document, text, server.validate(document), first_line, by=address)

    return second


@dataclass
class Told:
    """The findings so far: in words they are told at once, in other forms at the end."""

    form: str
    output: Path | None
    documents: list["Checked"] = field(default_factory=list)  # those with findings; of JUnit all
    findings: list["Finding"] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    lines: list[str] = field(default_factory=list)  # of the text that goes to a file

    def take(self, document: "Checked", server: str | None) -> None:
        """Tell what was found in a document, or keep it."""
        self.kinds[document.name.partition("/")[0]] += 1
        self.findings += document.findings
        if self.form == "text":
            self._say(self._text(document))
            if server and document.findings and self.output is None:
                self._compare(document)
        elif document.findings or self.form == "junit":
            self.documents.append(document)

    def finish(self, threshold: str) -> None:
        """Write what is written at the end, and tell the counts."""
        from fhirconv.cli.validate_text import counts, verdict

        if self.form == "text" and self.output is None and not show.setting(options.QUIET):
            if self.findings:
                show.table("", ("severity", "issue", "number"), counts(self.findings))
        elif self.form != "text" or self.output is not None:
            self._write(threshold)
        number = Counter(finding.issue.severity for finding in self.findings)
        show.remark(verdict(self.kinds.total(), self.kinds["Bundle"], number))

    def _text(self, document: "Checked") -> Iterator[str]:
        from fhirconv.cli.validate_text import document_text, in_colour

        colours = self.output is None and in_colour()
        return document_text(document, colours=colours, quiet=show.setting(options.QUIET))

    def _say(self, lines: Iterable[str]) -> None:
        if self.output is not None:
            self.lines += lines
            return
        for line in lines:
            show.styled(line)

    def _compare(self, document: "Checked") -> None:
        """Show what we and the server say, side by side."""
        from fhirconv.cli.validate_text import side_by_side

        columns = ("place", "fhirconv", "server")
        show.table(document.place, columns, side_by_side(document))

    def _write(self, threshold: str) -> None:
        data = self._data(threshold)
        if self.output is not None:
            files.write(self.output, data)
        else:
            files.send(data)

    def _data(self, threshold: str) -> bytes:
        """Return the findings in the form that was asked for."""
        from fhirconv.convert import serialise
        from fhirconv.findings.junit import junit
        from fhirconv.findings.outcomes import outcome
        from fhirconv.findings.sarif import sarif

        if self.form == "junit":
            return junit(self.documents, threshold)
        if self.form == "sarif":
            return serialise(sarif(self.documents))
        if self.form == "json":
            return serialise(outcome(self.documents))
        return "".join(f"{line}\n" for line in self.lines).encode()
