"""The options that commands share, and how their values are written."""

import os
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click

from fhirconv.errors import TableError, UsageError

if TYPE_CHECKING:
    from fhirconv.tables import Tables

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

QUIET = "fhirconv.quiet"  # keys of click's Context.meta, which a group and its verbs share
VERBOSE = "fhirconv.verbose"

UNITS = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3}
SIZE = re.compile(r"([0-9]+)\s*([kmg]?)b?", re.IGNORECASE)


def _size(_ctx: click.Context, _param: click.Parameter, value: str) -> int:
    return size_of(value)


def size_of(value: str) -> int:
    """Return a number of bytes: 20000000, 20MB, 500k; raises BadParameter for anything else."""
    found = SIZE.fullmatch(value)
    size = int(found[1]) * UNITS[found[2].casefold()] if found else 0
    if not size:
        raise click.BadParameter(f"{value!r} is no size such as 20MB or 500000")
    return size


def _instant(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    """Return a point in time as it was given, else the one of SOURCE_DATE_EPOCH, else none."""
    if value is None:
        return _epoch(os.environ.get("SOURCE_DATE_EPOCH", ""))
    from fhirconv.convert import checked_instant

    try:
        datetime.fromisoformat(checked_instant(value)[:19])
    except (UsageError, ValueError) as error:
        message = f"{value!r} is no time with a zone such as 2024-02-29T12:00:00Z"
        raise click.BadParameter(message) from error
    return value


def _epoch(seconds: str) -> str | None:
    if not seconds:
        return None
    try:
        moment = datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        message = f"SOURCE_DATE_EPOCH is {seconds!r}, which is no number of seconds since 1970"
        raise click.UsageError(message) from None
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _address(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str:
    """Return the address of a server as it was given; none is the empty one."""
    if value is None:
        return ""
    from fhirconv.address import base_of

    try:
        base_of(value)
    except UsageError as error:
        raise click.BadParameter(error.message) from error
    return value


class ReleaseOption(click.Option):
    """An option for a FHIR release: the help lists the built-in ones."""

    def make_metavar(self, *_: Any, **__: Any) -> str:
        """Return the releases of the built-in tables."""
        from fhirconv.tables import built_in

        return "|".join(built_in().releases)


def _set(key: str) -> Callable[[click.Context, click.Parameter, bool], None]:
    def remember(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
        if value:
            ctx.meta[key] = True

    return remember


def speech(command: Decorated) -> Decorated:
    """Give a command -q and -v, before or after the name of the verb."""
    quiet = click.option(
        *("-q", "--quiet"),
        is_flag=True,
        expose_value=False,
        callback=_set(QUIET),
        help="Say nothing but errors.",
    )
    verbose = click.option(
        *("-v", "--verbose"),
        is_flag=True,
        expose_value=False,
        callback=_set(VERBOSE),
        help="Say what is done, and remarks too.",
    )
    return quiet(verbose(command))


inputs = click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
files = click.argument("inputs", nargs=-1, required=True, metavar="FILE...")
release = click.option(
    "--release",
    cls=ReleaseOption,
    help="FHIR release to make, a row of releases.csv; without it the default one there.",
)
mappings = click.option(
    "--mappings",
    multiple=True,
    metavar="DIR",
    help="Folder of mapping tables: with a releases.csv the whole set, else laid over the "
    "built-in tables. Can be given several times.",
)
out = click.option(
    *("-o", "--output", "out"),
    metavar="OUT",
    help="Output file, or folder where it is one, ends in '/' or there are several inputs.",
)
form = click.option(
    "--format",
    "form",
    type=click.Choice(("text", "json")),
    default="text",
    show_default=True,
    help="Words for people or JSON for programs.",
)
max_size = click.option(
    "--max-size",
    callback=_size,
    metavar="SIZE",
    default="20MB",
    show_default=True,
    help="Largest input to read.",
)

extractor = click.option(
    "--extractor",
    type=click.Choice(("tagger", "tables")),
    callback=lambda _ctx, _param, value: value or "",
    help="How facts are found in reports: by tables of terms and cues alone, or by a trained "
    "tagger beside them; without it by the tagger where it is installed.",
)
jobs = click.option(
    *("-j", "--jobs"),
    type=click.IntRange(1, 1024),
    default=1,
    metavar="N",
    show_default=True,
    help="Number of processes that work; the output is the same with any.",
)
server = click.option(
    "--tx",
    "server",
    callback=_address,
    metavar="URL",
    help="Base URL of a FHIR terminology server: it is asked for terms without a code, and for "
    "displays. Without it no server is asked.",
)
timestamp = click.option(
    "--timestamp",
    callback=_instant,
    metavar="INSTANT",
    help="Time of generation to write, such as 2024-02-29T12:00:00Z; without it "
    "SOURCE_DATE_EPOCH; without that none is written.",
)


def tables_of(folders: Sequence[str]) -> "Tables":
    """Return the mapping tables of --mappings; what is no folder of tables is wrong usage."""
    from fhirconv.tables import tables_of as read

    read.cache_clear()  # a folder may have changed since another command was called from Python
    try:
        return read(tuple(folders))
    except TableError as error:
        raise UsageError(error.message, error.where) from error


def release_of(name: str | None, tables: "Tables") -> str:
    """Return the release asked for, however its letters are, or the default one."""
    known = {release.casefold(): release for release in tables.releases}
    if name is None:
        return tables.default_release
    if name.casefold() not in known:
        listed = ", ".join(known.values())
        raise UsageError(f"no FHIR release is called {name!r} (known: {listed})")
    return known[name.casefold()]
