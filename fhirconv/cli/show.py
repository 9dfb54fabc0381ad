"""What people read: issues, tables of counts and the progress of long work."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from fhirconv.cli.options import QUIET, VERBOSE
from fhirconv.files import printable, send
from fhirconv.outcome import Issue

if TYPE_CHECKING:
    from fhirconv.loader import Account as Pushed
    from fhirconv.stream import Account

Item = TypeVar("Item")

WIDTH = 100  # of tables that do not go to a terminal


def setting(key: str) -> bool:
    """Say whether the user asked for quiet or for more words."""
    return bool(click.get_current_context().meta.get(key))


def clean(text: str) -> str:
    """Return words of a report or a server as one line without control characters."""
    return printable(" ".join(text.split()))


def line(text: str, indent: int = 0) -> None:
    """Print one line of the result on standard output."""
    click.echo(" " * indent + clean(text), file=sys.stdout)


def styled(text: str) -> None:
    """Print one line of the result that is clean already, in its colours."""
    click.echo(text, file=sys.stdout)


def document(content: Any) -> None:
    """Print a JSON document on standard output."""
    from fhirconv.convert import serialise

    send(serialise(content))


def remark(text: str) -> None:
    """Print one line on standard error, unless quiet."""
    if not setting(QUIET):
        _say(text)


def _say(text: str) -> None:
    """Print one line on the standard error of now: while a bar is shown, it keeps clear of it."""
    click.echo(clean(text), file=sys.stderr)


def detail(text: str) -> None:
    """Print one line on standard error where the user asked for more words."""
    if setting(VERBOSE):
        remark(text)


def sentence(issue: Issue, name: str) -> str:
    """Return an issue as 'file: severity: message [where]'."""
    where = issue.where
    for known in (name, Path(name).name):  # the file is said already
        where = "" if where == known else where.removeprefix(f"{known}: ")
    severity = "error" if issue.is_error else issue.severity
    return f"{name}: {severity}: {issue.message}" + (f" [{where}]" if where else "")


def issues(found: Iterable[Issue], name: str) -> None:
    """Print issues on standard error: errors always, remarks only where more is asked for."""
    for issue in found:
        if issue.is_error:
            _say(sentence(issue, name))
        elif issue.severity == "information":
            detail(sentence(issue, name))
        else:
            remark(sentence(issue, name))


def results(found: Iterable[Issue], name: str) -> None:
    """Print issues as the result, on standard output."""
    for issue in found:
        line(sentence(issue, name))


def nothing(_found: Iterable[Issue], _name: str) -> None:
    """Print no issue, as they are printed together later."""


def written(paths: Iterable[Path]) -> None:
    """Print which files were written, where the user asked for more words."""
    for path in paths:
        detail(f"wrote {path}")


def place(line: int, where: str) -> str:
    """Return a place in a file that holds one bundle a line; its only bundle has the line 0."""
    return f"line {line}: {where}".removesuffix(": ") if line else where


def number(count: int, noun: str) -> str:
    """Return '1 error', '2 errors'."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, err: bool = False
) -> None:
    """Print a table; numbers stand to the right, nothing is cut off."""
    from rich.table import Table
    from rich.text import Text

    made = Table(title=title, title_justify="left", title_style="bold", header_style="bold")
    listed = [list(row) for row in rows]
    for number, column in enumerate(columns):
        counts = bool(listed) and all(isinstance(row[number], int) for row in listed)
        made.add_column(column, justify="right" if counts else "left", overflow="fold")
    for row in listed:
        made.add_row(*(Text(clean(str(cell))) for cell in row))
    _console(err=err).print(made)


def account(facts: "Account") -> None:
    """Print what became of the facts on standard error, unless quiet."""
    number = facts.counts
    if number["facts"] and not setting(QUIET):
        rows = [("found", number.pop("facts")), *number.items()]
        rows += [(f"skipped: {reason}", count) for reason, count in facts.reasons.items()]
        table("", ("facts", "number"), rows, err=True)


def counts(title: str, rows: Sequence[tuple[str, int]]) -> None:
    """Print a table of two columns on standard error, unless quiet."""
    if not setting(QUIET):
        table("", (title, "number"), rows, err=True)


def push(numbers: dict[str, Any]) -> None:
    """Print the account of a push on standard error, unless quiet."""
    if setting(QUIET):
        return
    rows: list[tuple[str, str]] = [(f"bundles {k}", str(n)) for k, n in numbers["bundles"].items()]
    rows += [(f"resources {name}", str(count)) for name, count in numbers["resources"].items()]
    rows += [(name, str(numbers[name])) for name in ("requests", "retried")]
    rows += [(f"bytes {name}", str(count)) for name, count in numbers["bytes"].items()]
    rows += [("bundles a second", f"{numbers['bundlesPerSecond']:.1f}")]
    rows += [(f"latency {k}", f"{1000 * s:.1f} ms") for k, s in numbers["latency"].items()]
    table("", ("push", "number"), rows, err=True)


@contextmanager
def pushing(account: "Pushed", total: int | None) -> Iterator[Callable[[], None]]:
    """Show a bar of a push on a terminal's standard error; yield what brings it up to date.

    Without a total of bytes (standard input, packed files) only rate and errors are told.
    """
    if setting(QUIET) or not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (BarColumn(), TextColumn("{task.percentage:>3.0f}%"), TimeRemainingColumn())
    told = TextColumn("{task.description}")
    shown = (told, *columns) if total else (told,)
    with Progress(*shown, console=_console(err=True), transient=True) as bar:
        task = bar.add_task("sending", total=total)

        def move() -> None:
            seen, numbers = bar.tasks[0].elapsed or 0.0, account.bundles
            rate = numbers["sent"] / seen if seen else 0.0
            words = f"{numbers['sent']} bundles, {rate:.0f}/s, {numbers['failed']} failed, "
            words += f"{account.retried} tried again"
            bar.update(task, completed=account.bytes_read, description=words)

        yield move


@contextmanager
def reading(total: int | None) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on a terminal's standard error; yield what moves it: bytes read, documents done.

    Without a total (standard input) only the rate is told.
    """
    if setting(QUIET) or not sys.stderr.isatty():
        yield lambda read, done: None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (BarColumn(), TextColumn("{task.percentage:>3.0f}%"), TimeRemainingColumn())
    told = TextColumn("{task.fields[done]} documents, {task.fields[rate]:.0f}/s")
    shown = (told, *columns) if total else (told,)
    with Progress(*shown, console=_console(err=True), transient=True) as bar:
        task = bar.add_task("", total=total, done=0, rate=0.0)

        def move(read: int, done: int) -> None:
            now = bar.tasks[0]
            count = now.fields["done"] + done
            rate = count / now.elapsed if now.elapsed else 0.0
            bar.update(task, advance=read, done=count, rate=rate)

        yield move


def progress(items: Sequence[Item], doing: str) -> Iterator[Item]:
    """Yield the items, with a bar on a terminal's standard error where they are several."""
    if len(items) < 2 or setting(QUIET) or not sys.stderr.isatty():
        return iter(items)
    from rich.progress import track

    return iter(track(items, doing, console=_console(err=True), transient=True))


def counted(items: Iterable[Item], doing: str) -> Iterator[Item]:
    """Yield the items, with their count on a terminal's standard error; how many is not known."""
    if setting(QUIET) or not sys.stderr.isatty():
        yield from items
        return
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description} {task.completed}"))
    with Progress(
        *columns, TimeElapsedColumn(), console=_console(err=True), transient=True
    ) as progress:
        task = progress.add_task(doing, total=None)
        for item in items:
            yield item
            progress.advance(task)


def _console(*, err: bool) -> Any:
    from rich.console import Console

    stream = sys.stderr if err else sys.stdout
    width = None if stream.isatty() else WIDTH
    return Console(file=stream, width=width, highlight=False)


def replace_unwritable() -> None:
    """Let the streams write '?' for what their encoding has not, rather than fail."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, ValueError, OSError):
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]
