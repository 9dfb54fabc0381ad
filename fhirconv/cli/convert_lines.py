"""fhirconv convert by line: documents in and bundles out one a line, in memory that stays flat."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import dataclass
from gzip import GzipFile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fhirconv import files
from fhirconv.cli import show
from fhirconv.cli.options import VERBOSE
from fhirconv.cli.verb import FAILED
from fhirconv.files import PACKED, Input
from fhirconv.outcome import Issue, has_errors, operation_outcome

if TYPE_CHECKING:
    from fhirconv.stream import Account, Converter, Made, Piece

LEVEL = 6  # of gzip

Write = Callable[[bytes], object]


class _NothingMadeError(Exception):
    """No document gave a bundle, so that what is there is not to be replaced."""


@dataclass
class Counted:
    """How many documents were read, how many of them failed, and what became of the facts."""

    account: "Account"
    documents: int = 0
    failed: int = 0
    bundles: int = 0

    def add(self, made: "Made") -> None:
        """Count what a document made."""
        self.documents += 1
        self.failed += has_errors(made.issues)
        self.bundles += len(made.documents)
        self.account.add(made.account)

    def show(self) -> None:
        """Print the counts on standard error."""
        rows = [("read", self.documents), ("with an error", self.failed), ("bundles", self.bundles)]
        show.counts("documents", rows)
        show.account(self.account)


def convert_lines(
    converter: "Converter",
    listed: Sequence[Input],
    output: AbstractContextManager[Write],
    outcome: Path | None,
    jobs: int,
) -> None:
    """Convert all documents of the inputs to lines of an output, and tell how many failed."""
    from fhirconv.stream import Account

    counted = Counted(Account())
    with _told(outcome, counted) as tell, suppress(_NothingMadeError), output as write:
        for made in _made(converter, listed, jobs):
            counted.add(made)
            for document in made.documents:
                write(document)
            tell(made.issues)
            _say(made)
        if counted.failed and not counted.bundles:
            raise _NothingMadeError
    counted.show()
    if counted.failed:
        click.get_current_context().exit(FAILED)


def _made(converter: "Converter", listed: Sequence[Input], jobs: int) -> Iterator["Made"]:
    """Yield what each document made, in order, while a bar tells how far it is."""
    from fhirconv.pool import in_order, settle
    from fhirconv.stream import pieces

    settle()
    sizes: deque[int] = deque()

    def noted() -> Iterator["Piece"]:
        for piece in pieces(listed, converter.limit):
            sizes.append(piece.size)
            yield piece

    with show.reading(_size(listed)) as move, closing(in_order(converter, noted(), jobs)) as done:
        for made in done:
            yield from made
            move(sizes.popleft(), len(made))


def _size(listed: Iterable[Input]) -> int | None:
    """Return the bytes of all inputs; None where they are not known before."""
    try:
        return sum(path.stat().st_size for path in {item.path for item in listed} if path) or None
    except OSError:
        return None


@contextmanager
def by_type(folder: Path, listed: Sequence[Input], timestamp: str | None) -> Iterator[Write]:
    """Yield what writes resources to a file for each type; all are there whole at the end.

    The manifest states the time of generation, else when the newest input was changed.
    """
    from fhirconv import bulk

    when = timestamp or bulk.newest(item.path for item in listed)
    with bulk.writing(folder, when) as writer:
        yield writer
    show.issues(writer.issues, str(folder))
    show.counts("resources", sorted(writer.counts.items()))


@contextmanager
def in_one(out: Path | None) -> Iterator[Write]:
    """Yield what writes to the output, which is there whole at the end or as it was."""
    if out is None:
        yield files.send
        return
    with files.writing(files.real(out)) as file:
        if out.name.casefold().endswith(PACKED):
            with GzipFile("", "wb", LEVEL, file, mtime=0) as packed:  # no name, no time: same bytes
                yield packed.write
        else:
            yield file.write


@contextmanager
def _told(outcome: Path | None, counted: Counted) -> Iterator[Callable[[Iterable[Issue]], None]]:
    """Yield what puts issues into the outcome, which ends with the sums of the facts."""
    if outcome is None:
        yield lambda issues: None
        return
    from fhirconv.convert import serialise

    with files.writing(files.real(outcome)) as file:
        before = b'{"resourceType":"OperationOutcome","issue":[\n'

        def tell(issues: Iterable[Issue]) -> None:
            nonlocal before
            for issue in operation_outcome(issues)["issue"] if issues else ():
                file.write(before + serialise(issue, compact=True))
                before = b","

        yield tell
        tell(list(counted.account.issues()))
        file.write(b"]}\n")


def _say(made: "Made") -> None:
    """Print the errors of a document, and where more words are asked for everything."""
    all_of_it = show.setting(VERBOSE)
    show.issues((i for i in made.issues if i.is_error or all_of_it), made.place)
