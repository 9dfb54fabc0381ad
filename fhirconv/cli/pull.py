"""fhirconv pull: a case out of a FHIR server, as the bundle that was pushed."""

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fhirconv import files
from fhirconv.cli import options, reach, show
from fhirconv.cli.verb import finish, verb
from fhirconv.errors import ServerError, UsageError
from fhirconv.outcome import Issue

if TYPE_CHECKING:
    from fhirconv.server import Server

Resource = dict[str, Any]

ENDING = ".bundle.json"


@verb("fhirconv pull --server http://localhost:8080/fhir --patient p1 -o case.bundle.json")
@reach.options
@click.option(
    "--patient", "named", multiple=True, metavar="ID", help="Patient by its id. Can be repeated."
)
@click.option("--tag", metavar="TAG", help="Patients with a tag: CODE, SYSTEM|CODE.")
@click.option(
    "--identifier", metavar="ID", help="Patients with an identifier: VALUE, SYSTEM|VALUE."
)
@options.out
@options.speech
def pull(named: tuple[str, ...], tag: str | None, identifier: str | None, out: str | None) -> None:
    """Bring the case of a patient back from a FHIR server, as a bundle.

    The bundle is the transaction that was pushed: every resource under its own id, without what
    the server added, references and order as they were. Pushed again it changes nothing. All
    that refers to the patient is asked for, and references are followed to their ends. Several
    patients give one bundle a line, or ID.bundle.json each in the folder of -o.
    """
    if not (named or tag or identifier):
        raise UsageError("no patient is named: give --patient, --tag or --identifier")
    folder = Path(out) if out and files.is_folder(out) else None
    file = None if out in (None, files.STREAM) or folder else files.output_file(str(out), ())
    with reach.server() as server:
        server.release()
        found = _found(server, named, {"_tag": tag, "identifier": identifier})
        issues: list[Issue] = []
        cases = _cases(server, found, issues)
        if folder:
            _to_folder(folder, cases)
        else:
            _to_file(file, cases, compact=len(found) > 1)
    finish(issues)


def _found(server: "Server", named: Sequence[str], asked: dict[str, str | None]) -> list[str]:
    """Return the ids of all patients that are meant; raises ServerError where none is found."""
    from fhirconv.gather import patients

    found = dict.fromkeys(name.removeprefix("Patient/") for name in named)
    for parameter, value in asked.items():
        if value:
            listed = patients(server, parameter, value)
            if not listed:
                what = parameter.removeprefix("_")
                message = f"the server has no patient with the {what} {value!r}"
                raise ServerError(message, server.session.address)
            found |= dict.fromkeys(listed)
    return list(found)


def _cases(
    server: "Server", found: Sequence[str], issues: list[Issue]
) -> Iterator[tuple[str, Resource]]:
    """Yield the bundle of each patient, and tell what is to be said of it."""
    from fhirconv.gather import Case, gather
    from fhirconv.restore import restore

    for patient in show.progress(found, "pulling"):
        try:
            case = gather(server, patient)
        except ServerError as error:
            issue = Issue("error", "not-found", error.message, error.where)
            case = Case(patient, issues=[issue])
        show.issues(case.issues, patient)
        issues += case.issues
        if case.resources:
            show.detail(f"{patient}: {show.number(len(case.resources), 'resource')}")
            yield patient, restore(case.resources, server.session.address, server.tables)


def _to_folder(folder: Path, cases: Iterator[tuple[str, Resource]]) -> None:
    from fhirconv.convert import serialise

    folder.mkdir(parents=True, exist_ok=True)
    for patient, bundle in cases:
        path = folder / (patient + ENDING)
        files.write(files.real(path), serialise(bundle))
        show.written([path])


def _to_file(file: Path | None, cases: Iterator[tuple[str, Resource]], *, compact: bool) -> None:
    """Write the bundles to a file, or to standard output, as they come; nothing without any."""
    from fhirconv.convert import serialise

    first = next(cases, None)
    if first is None:
        return
    with files.writing(files.real(file)) if file else nullcontext() as output:
        write = output.write if output else files.send
        write(serialise(first[1], compact=compact))
        for _, bundle in cases:
            write(serialise(bundle, compact=compact))
