"""fhirconv import: a folder of Bulk Data into a FHIR server, by its own $import."""

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from fhirconv.cli import options, reach, show
from fhirconv.cli.verb import finish, verb
from fhirconv.errors import UsageError
from fhirconv.outcome import Issue

if TYPE_CHECKING:
    from fhirconv.intake import File
    from fhirconv.server import Server

LOOPBACK = ("localhost", "127.0.0.1", "::1")


@verb("fhirconv import bulk/ --server http://localhost:8080/fhir", name="import")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@reach.options
@click.option(
    "--listen",
    default="127.0.0.1:0",
    show_default=True,
    metavar="HOST:PORT",
    help="Where this machine offers the files for the server to fetch; port 0 is a free one.",
)
@click.option(
    "--files-at", metavar="URL", help="Where the server finds the files already; none is offered."
)
@click.option(
    "--wait",
    type=click.FloatRange(1, 604_800),
    default=3600.0,
    show_default=True,
    metavar="SECONDS",
    help="How long the import may take.",
)
@options.speech
def bulk_import(folder: Path, listen: str, files_at: str | None, wait: float) -> None:
    """Let a FHIR server import a folder of Bulk Data by itself.

    DIR is what convert --bundle ndjson made. The server's $import is asked to fetch the files of
    the manifest, and followed until it is over. The files are offered by this machine, under an
    address that nobody can guess, for so long.
    """
    from fhirconv.intake import listed, misfits
    from fhirconv.serving import served

    files = listed(folder)
    host, port = _place(listen)
    with reach.server() as server:
        if not files_at:
            _check_reachable(server.session.address, host)
        issues = misfits(server, folder, files)
        if not issues and files_at:
            issues = _import(server, files, files_at.rstrip("/") + "/", wait)
        elif not issues:
            with served(folder, [file.name for file in files], host, port) as base:
                issues = _import(server, files, base, wait)
    show.issues(issues, str(folder))
    if issues:
        show.remark("what refers to what was not there yet may be taken when imported once more")
    finish(issues)
    show.counts("resources", [(file.kind, file.count) for file in files])


def _place(listen: str) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    if not host or not port.isdigit():
        raise UsageError(f"--listen is {listen!r}: write HOST:PORT")
    return host, int(port)


def _check_reachable(address: str, host: str) -> None:
    """Raise UsageError where a server on another machine is to fetch from this one alone."""
    if host in LOOPBACK and urlsplit(address).hostname not in LOOPBACK:
        message = f"a server on another machine cannot fetch from {host}"
        raise UsageError(f"{message}: give --listen HOST:PORT as it is seen there, or --files-at")


def _import(server: "Server", files: "list[File]", base: str, wait: float) -> list[Issue]:
    """Ask for the import and tell how far it is; return what is wrong with it."""
    from fhirconv.intake import follow, kick_off, parameters

    url = kick_off(server, parameters(files, base))
    for told in follow(server, url, wait):
        if isinstance(told, list):
            return told
        show.detail(told or "the import goes on")
    return []
