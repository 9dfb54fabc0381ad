"""The options of push: how a server is reached, how much at once, what is remembered."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import click

from fhirconv.cli.options import Decorated


def _moment(_ctx: click.Context, _param: click.Parameter, value: str | None) -> datetime | None:
    """Return a day or a point in time; without a zone it is of UTC."""
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as error:
        message = f"{value!r} is no day or time such as 2026-11-01 or 2026-11-01T12:00:00Z"
        raise click.BadParameter(message) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


jobs = click.option(
    *("-j", "--jobs"),
    type=click.IntRange(1, 256),
    default=4,
    metavar="N",
    show_default=True,
    help="Most connections at once; fewer are used while the server answers 429 or 503.",
)
retries = click.option(
    "--retries",
    type=click.IntRange(0, 100),
    default=9,
    metavar="N",
    show_default=True,
    help="How often a bundle is sent again that the server could not take.",
)
timeout = click.option(
    "--timeout",
    type=click.FloatRange(0.001, 3600),
    default=60.0,
    metavar="SECONDS",
    show_default=True,
    help="Longest silence of the server.",
)
state = click.option(
    "--state",
    metavar="DIR",
    help="Folder of the journal and the dead letters; without it one of the user's own, for each "
    "server.",
)
resume = click.option(
    "--resume",
    is_flag=True,
    help="Go on with the last push: what the server took, by the journal, is not sent again.",
)
since = click.option(
    "--since",
    callback=_moment,
    metavar="TIME",
    help="Leave out what the server took since a time, by the journal, and still has in that "
    "version: 2026-11-01 or 2026-11-01T12:00:00Z.",
)
stats = click.option(
    "--stats", metavar="FILE", help="Write the numbers of the table at the end as JSON."
)

LISTED: tuple[Callable[[Decorated], Decorated], ...] = (
    jobs,
    retries,
    timeout,
    state,
    resume,
    since,
    stats,
)


def loading(command: Decorated) -> Decorated:
    """Give a command all of these."""
    made: Any = command
    for option in reversed(LISTED):
        made = option(made)
    return made  # type: ignore[no-any-return]
