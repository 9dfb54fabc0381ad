"""How a command reaches its server: the options, and what they, the environment and a file say."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from fhirconv.cli import show
from fhirconv.cli.options import Decorated, tables_of
from fhirconv.files import printable

if TYPE_CHECKING:
    from fhirconv.http import Limits
    from fhirconv.server import Server
    from fhirconv.settings import Settings

META = "fhirconv.reach."  # keys of click's Context.meta
PATHS = ("ca", "certificate", "certificate_key")


def _keep(name: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    def remember(ctx: click.Context, _param: click.Parameter, value: Any) -> None:
        ctx.meta[META + name] = value

    return remember


def _option(flag: str, metavar: str, words: str, **more: Any) -> Callable[[Decorated], Decorated]:
    name = flag.removeprefix("--").replace("-", "_")
    more |= {"expose_value": False, "callback": _keep(name), "metavar": metavar, "help": words}
    return click.option(flag, name, **more)


OPTIONS = (
    _option("--server", "URL|NAME", "Base URL of the server, or its name in the settings."),
    _option(
        "--header",
        "NAME=VALUE",
        "Header of every request; a secret as NAME=env:VARIABLE, file:PATH or keyring:SERVICE. "
        "Can be repeated.",
        multiple=True,
    ),
    _option("--ca", "FILE", "Certificates to trust instead of the usual ones."),
    _option("--certificate", "FILE", "Our own certificate, for mutual TLS."),
    _option("--certificate-key", "FILE", "The key of our certificate, if in another file."),
    _option("--proxy", "URL", "The proxy, instead of that of the environment."),
    _option("--config", "FILE", "File of settings, instead of fhirconv/config.toml."),
)


def options(command: Decorated) -> Decorated:
    """Give a command the options of a server; `server` and `settings` read them."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def settings(name: str = "") -> "Settings":
    """Return what holds for the server of this command, and print what to know of its secrets.

    Raises UsageError for what is unknown or cannot be meant.
    """
    from fhirconv.connection import issues_of
    from fhirconv.settings import Flags, settings_of

    names = (*PATHS, "proxy")
    values = {name: _said(name) for name in names if _said(name)}
    flags = Flags(
        name or _said("server") or "", values, _said("header") or (), _said("config") or ""
    )
    found = settings_of(flags, os.environ)
    for issue in issues_of(found):
        show.remark(f"{issue.severity}: {printable(issue.message)}")
    return found


def server(name: str = "", limits: "Limits | None" = None, connections: int = 1) -> "Server":
    """Return the server of this command, not yet asked for anything; raises UsageError.

    A command with a --server of its own gives its value: an address, or a name in the settings.
    """
    from fhirconv.connection import session_of
    from fhirconv.http import LIMITS
    from fhirconv.server import Server

    session = session_of(settings(name), limits or LIMITS, connections)
    return Server(session, tables_of(()))


def _said(name: str) -> Any:
    return click.get_current_context().meta.get(META + name)
