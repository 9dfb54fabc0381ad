"""fhirconv delete: what a bundle put on a FHIR server is taken off it again, after asking."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from fhirconv import files
from fhirconv.cli import options, reach, show
from fhirconv.cli.source import is_fhir, open_fhir
from fhirconv.cli.verb import FAILED, each, finish, verb
from fhirconv.errors import ServerError, UsageError
from fhirconv.files import Input
from fhirconv.outcome import Issue, operation_outcome

if TYPE_CHECKING:
    from fhirconv.remove import Removal
    from fhirconv.server import Server

SHOWN = 12  # types in the question


@verb("fhirconv delete bundles/ --server http://localhost:8080/fhir --yes")
@options.files
@reach.options
@click.option(
    "--ids",
    type=click.Choice(("client", "server")),
    default="client",
    show_default=True,
    help="Who chose the ids; with server, all that it has of the patients is deleted.",
)
@click.option("--yes", is_flag=True, help="Do not ask: for scripts.")
@options.form
@options.max_size
@options.speech
def delete(inputs: tuple[str, ...], ids: str, yes: bool, form: str, max_size: int) -> None:
    """Take what bundles put on a FHIR server off it again.

    FILE is a bundle that was pushed or pulled, a file with one a line, a folder of such files, or
    - for standard input. Every resource is deleted at its Type/id, those of a bundle all at once
    where the server takes transactions. What other resources still refer to, such as an article
    with another patient, is left and told; what is gone already is fine.
    """
    from fhirconv.remove import Removal, found, names_of

    listed = files.expand(inputs, is_fhir)
    with reach.server() as server:
        plans: list[list[str]] = []
        plan = names_of if ids == "client" else partial(found, server)
        issues = each(listed, "reading", lambda item: _plan(item, max_size, plan, plans))
        total = len(set().union(*plans))
        if total and not (yes or _agreed(server, plans, listed)):
            show.remark("nothing is deleted")
            click.get_current_context().exit(FAILED)
        removal = Removal()
        if total:
            server.release()
            _delete(server, plans, removal)
    told = [removal.reasons[name] for name in sorted(removal.reasons)]
    if form == "json":
        show.document(operation_outcome([*issues, *told]))
    else:
        show.table("resources", tuple(removal.counts), [list(removal.counts.values())])
        show.issues(told, server.session.address)
    finish([*issues, *told])


def _plan(
    item: Input,
    limit: int,
    plan: Callable[[dict[str, Any]], list[str]],
    plans: list[list[str]],
) -> Iterator[Issue]:
    """Keep what each bundle of a file put on the server; yield what is no bundle, or not there."""
    for line, bundle in open_fhir(item, limit):
        if bundle.get("resourceType") != "Bundle":
            kind = bundle.get("resourceType")
            yield Issue("error", "structure", f"{kind!r} is no Bundle", show.place(line, ""))
            continue
        try:
            plans.append(plan(bundle))
        except ServerError as error:
            yield Issue("error", "not-found", error.message, error.where)


def _agreed(server: "Server", plans: Sequence[Sequence[str]], listed: Sequence[Input]) -> bool:
    """Ask on the terminal; raises UsageError where there is none to ask on."""
    if not _can_ask(listed):
        raise UsageError("nobody can be asked here: give --yes to delete without asking")
    names = set().union(*plans)
    kinds = Counter(name.partition("/")[0].partition("?")[0] for name in names).most_common()
    words = ", ".join(f"{count} {kind}" for kind, count in kinds[:SHOWN])
    more = " ..." if len(kinds) > SHOWN else ""
    count = show.number(len(names), "resource")
    return click.confirm(f"Delete {count} ({words}{more}) from {server.session.address}?", err=True)


def _can_ask(listed: Sequence[Input]) -> bool:
    """Say whether there is a terminal, from which no bundle is read."""
    return sys.stdin.isatty() and not any(item.path is None for item in listed)


def _delete(server: "Server", plans: Sequence[list[str]], removal: "Removal") -> None:
    """Delete bundle by bundle, and at the end again what only bundles of this run were using."""
    from fhirconv.remove import DELETED, LEFT, remove

    for names in show.progress(plans, "deleting"):
        remove(server, [n for n in names if removal.results.get(n) != DELETED], removal)
    left = [name for name, result in removal.results.items() if result == LEFT]
    if left and len(plans) > 1:
        remove(server, left, removal)
