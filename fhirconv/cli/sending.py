"""How a push sends: checked before, how much at once, in which way, on whose ids; or not at all."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from fhirconv.cli.options import Decorated, size_of

if TYPE_CHECKING:
    from fhirconv.loader.ways import Terms

META = "fhirconv.sending."  # keys of click's Context.meta
COUNT = re.compile(r"([0-9]+)\s*entr(?:y|ies)", re.IGNORECASE)
THRESHOLDS = ("error", "warning", "information")
WAYS = ("auto", "transaction", "batch", "single")
IDS = ("client", "server")


def _keep(name: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    def remember(ctx: click.Context, _param: click.Parameter, value: Any) -> None:
        ctx.meta[META + name] = value

    return remember


def _limit(ctx: click.Context, _param: click.Parameter, value: str | None) -> None:
    """Keep a limit such as 2MB, 100entries, or both with a comma; raises BadParameter."""
    size, entries = 0, 0
    for word in (value or "").split(",") if value is not None else ():
        count = COUNT.fullmatch(word.strip())
        size, entries = (size, int(count[1])) if count else (size_of(word.strip()), entries)
        if not (size or entries):
            message = f"{value!r} is no limit such as 2MB, 100entries or 2MB,100entries"
            raise click.BadParameter(message)
    ctx.meta[META + "limit"] = (size, entries)


def _option(*names: str, keep: str = "", **more: Any) -> Callable[[Decorated], Decorated]:
    name = keep or names[0].removeprefix("--").replace("-", "_")
    more.setdefault("callback", _keep(name))
    return click.option(*names, f"_{name}", expose_value=False, **more)


OPTIONS = (
    _option(
        "--dry-run",
        is_flag=True,
        help="Send nothing: ask the server what would be created or changed, and show it.",
    ),
    _option(
        "--validate",
        is_flag=True,
        help="Check each bundle before, as validate does; one that fails becomes a dead letter.",
    ),
    _option(
        "--fail-on",
        type=click.Choice(THRESHOLDS),
        default=THRESHOLDS[0],
        show_default=True,
        help="The least severity that keeps a bundle back, with --validate.",
    ),
    _option(
        "--ids",
        type=click.Choice(IDS),
        default=IDS[0],
        show_default=True,
        help="Who chooses the ids: with server, what it has of an identifier is left as it is.",
    ),
    _option(
        "--as",
        keep="way",
        type=click.Choice(WAYS),
        default=WAYS[0],
        show_default=True,
        help="How bundles are sent; auto is a transaction where the server takes them.",
    ),
    _option(
        "--max-bundle-size",
        callback=_limit,
        metavar="SIZE",
        help="What the server takes at once, as 2MB, 100entries or both with a comma: a larger "
        "bundle is sent in parts.",
    ),
)


def options(command: Decorated) -> Decorated:
    """Give a command these options; `terms`, `threshold` and `is_dry` read them."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def terms() -> "Terms":
    """Return how bundles are to be brought to the server."""
    from fhirconv.loader.ways import Terms
    from fhirconv.split import Limit

    return Terms(_said("ids"), _said("way"), Limit(*_said("limit")))


def threshold() -> str:
    """Return the severity that keeps a bundle back; '' where none is checked."""
    return str(_said("fail_on")) if _said("validate") else ""


def is_dry() -> bool:
    """Say whether nothing is to be sent."""
    return bool(_said("dry_run"))


def _said(name: str) -> Any:
    return click.get_current_context().meta[META + name]
