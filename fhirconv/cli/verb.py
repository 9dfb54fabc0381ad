"""What every verb does alike: errors become sentences and exit codes, one bad file stays one."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any

import click

from fhirconv.cli import show
from fhirconv.errors import FactsError, FhirconvError, ReadError, UsageError, WriteError
from fhirconv.files import Input, reason
from fhirconv.outcome import Issue, has_errors

FAILED, INTERRUPTED, ENDED = 1, 130, 143  # wrong usage is click's 2


class Verb(click.Command):
    """A command whose errors are one sentence each, and never a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the verb; wrong usage exits with 2, any other trouble with 1."""
        show.replace_unwritable()
        _end_in_order()
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except UsageError as error:
            raise click.UsageError(show.clean(str(error)), ctx) from error
        except FhirconvError as error:
            raise click.ClickException(show.clean(str(error))) from error
        except BrokenPipeError:
            _discard_stdout()
            ctx.exit(FAILED)
        except OSError as error:
            _discard_stdout()
            raise click.ClickException(show.clean(reason(error))) from error
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
            ctx.exit(INTERRUPTED)
        return result


def _end_in_order() -> None:
    """Let the request to end (SIGTERM) be an exit, so that no hidden file is left behind."""
    default = signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    if default and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _ended)


def _ended(number: int, frame: object) -> None:
    signal.signal(number, signal.SIG_IGN)  # a second request would end the clearing up
    sys.exit(ENDED)


class Verbs(Verb, click.Group):
    """A verb that does something alone and has parts that are verbs too."""


def _discard_stdout() -> None:
    """Send what is still in the buffer nowhere, so that Python's exit does not fail on it."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def verb(example: str, name: str | None = None) -> Callable[[Callable[..., Any]], click.Command]:
    """Make a function a verb of the command line, with an example in its help."""
    return click.command(name, cls=Verb, epilog=f"\b\nExample:\n  {example}")


def verb_with_parts(
    example: str, parts: Sequence[click.Command]
) -> Callable[[Callable[..., Any]], click.Group]:
    """Make a function a verb that does what it says alone, and has parts: verb part ..."""
    listed = {part.name or "": part for part in parts}
    epilog = f"\b\nExample:\n  {example}"
    return click.group(cls=Verbs, commands=listed, invoke_without_command=True, epilog=epilog)


def each(
    items: Sequence[Input],
    doing: str,
    work: Callable[[Input], Iterable[Issue]],
    tell: Callable[[Iterable[Issue], str], None] = show.issues,
) -> list[Issue]:
    """Work on every input and return all issues; a bad input is told and does not stop the rest."""
    found: list[Issue] = []
    for item in show.progress(items, doing):
        show.detail(f"{doing} {item.shown}")
        try:
            listed = list(work(item))
        except (ReadError, FactsError, WriteError) as error:
            listed = [Issue("fatal", "processing", error.message, error.where or item.shown)]
        tell(listed, item.shown)
        found += [_of_file(issue, item) for issue in listed] if len(items) > 1 else listed
    return found


def _of_file(issue: Issue, item: Input) -> Issue:
    """Return an issue that names its file, for a list over several files."""
    message = issue.message if issue.where == item.shown else f"{item.shown}: {issue.message}"
    return Issue(issue.severity, issue.code, message, issue.where)


def finish(issues: Iterable[Issue]) -> None:
    """Exit with 1 where something has an error."""
    if has_errors(issues):
        click.get_current_context().exit(FAILED)
