"""Inputs and outputs: which files are meant, read within a limit, written whole or not at all."""

import io
import os
import re
import shutil
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from fhirconv.errors import ReadError, UsageError, WriteError

Document = dict[str, Any]
PACKED = ".gz"
JSON = (".json", ".ndjson", ".jsonl")
UNSAFE = re.compile(r'[<>:"|?*\x00-\x1f]')  # what no file on Windows may be called by
STREAM = "-"  # as an input standard input, as an output standard output


@dataclass(frozen=True, slots=True)
class Input:
    """One file to work on; without a path it is standard input."""

    path: Path | None = None
    begun: bytes = b""  # what was read of standard input already
    member: str = ""  # the name of the file within the archive at the path

    @property
    def shown(self) -> str:
        """The file as the user named it, fit to be printed."""
        return printable(f"{self.path}{self._within}") if self.path else "standard input"

    @property
    def file(self) -> str:
        """The name without folders, fit to stand in a document."""
        return printable(f"{self.path.name}{self._within}") if self.path else "stdin"

    @property
    def _within(self) -> str:
        return f"!{self.member}" if self.member else ""

    @property
    def folder(self) -> Path | None:
        """The folder in which other files of a report may lie beside it."""
        return self.path.parent if self.path and not self.member else None

    def open(self) -> AbstractContextManager[BinaryIO]:
        """Open what it holds; raises OSError or ValueError."""
        if self.path is None:
            return standard_input()
        if not self.member:
            return self.path.open("rb")
        from fhirconv.archives import Member

        return io.BufferedReader(Member(self.path, self.member))

    @property
    def stem(self) -> str:
        """The NAME of the outputs: without the last extension, and without .facts before .json."""
        if self.path is None:
            return "stdin"
        whole = Path(UNSAFE.sub("_", PurePosixPath(self.member).name)) if self.member else self.path
        packed = whole.suffix.casefold() == PACKED and Path(whole.stem).suffix
        path = Path(whole.stem) if packed else whole
        facts = path.suffix.casefold() in JSON and path.stem.endswith(".facts")
        return path.stem.removesuffix(".facts") if facts else path.stem

    def begun_with(self, data: bytes) -> "Input":
        """Return the input after these bytes of it were read; a file is read from its start."""
        return self if self.path else replace(self, begun=data)

    def load(self, limit: int) -> bytes:
        """Return the bytes; raises ReadError for what cannot be read or is over the limit."""
        try:
            with self.open() as stream:
                data: bytes = self.begun + stream.read(max(limit + 1 - len(self.begun), 0))
        except (OSError, ValueError) as error:
            raise ReadError(f"the file cannot be read: {reason(error)}", self.shown) from error
        if len(data) > limit:
            raise ReadError(f"the file is larger than {limit} bytes (--max-size)", self.shown)
        return data


def standard_input() -> nullcontext[BinaryIO]:
    """Return standard input, which stays open; raises OSError where it is closed."""
    if sys.stdin is None:
        raise OSError("standard input is closed")
    return nullcontext(sys.stdin.buffer)


def printable(text: str) -> str:
    """Return a text without control characters and without bytes that are no text."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


def reason(error: OSError | ValueError) -> str:
    """Return what the system says of an error, without numbers and paths."""
    words = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return words[:1].lower() + words[1:]


def many(arguments: Sequence[str]) -> bool:
    """Say whether arguments mean, or can mean, more than one input."""
    return len(arguments) > 1 or any(os.path.isdir(a) or _is_archive(Path(a)) for a in arguments)


def expand(arguments: Iterable[str], wanted: Callable[[str], bool]) -> list[Input]:
    """Return the inputs that the arguments mean, in order; a folder means its wanted files.

    Wanted is asked for names in folders only: a file that the user names is always taken.
    """
    listed: list[Input] = []
    for argument in arguments:
        if not argument:
            raise UsageError("an input has the empty name ''")
        path = None if argument == STREAM else Path(argument)
        folder = path is not None and os.path.isdir(path)
        found = _files_of(Path(argument), wanted) if folder else [Input(path)]
        listed += [one for item in found for one in _unfolded(item, wanted)]
    if sum(item.path is None for item in listed) > 1:
        raise UsageError("standard input ('-') can be read only once")
    return listed


def _unfolded(item: Input, wanted: Callable[[str], bool]) -> list[Input]:
    """Return the files of an archive, as if it were a folder; any other input as it is."""
    if item.path is None or not _is_archive(item.path):
        return [item]
    from fhirconv.archives import members

    names = members(item.path, wanted)
    if not names:
        raise ReadError("the archive holds nothing to work on", item.shown)
    return [Input(item.path, member=name) for name in names]


def _is_archive(path: Path) -> bool:
    """Say whether a file is an archive of files; most are not, and are not asked much."""
    try:
        with path.open("rb") as file:
            if file.read(2) != b"PK":
                return False
    except (OSError, ValueError):
        return False
    from fhirconv.archives import is_archive

    return is_archive(path)


def _files_of(folder: Path, wanted: Callable[[str], bool]) -> list[Input]:
    """Return the wanted files in a folder and below; hidden files and folders are left out.

    Links to files are followed, links to folders are not: they may lead in a circle.
    """
    found: list[Path] = []
    for place, folders, names in os.walk(folder, onerror=_unreadable):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(place, n) for n in names if not n.startswith(".") and wanted(n)]
    files = sorted((p for p in found if p.is_file() or p.is_symlink()), key=lambda p: p.parts)
    if not files:
        raise ReadError("the folder holds nothing to work on", printable(str(folder)))
    return [Input(path) for path in files]


def _unreadable(error: OSError) -> None:
    where = printable(str(error.filename))
    raise ReadError(f"the folder cannot be read: {reason(error)}", where) from error


@dataclass(frozen=True, slots=True)
class Outputs:
    """Where documents go: into a folder, into a file, or (neither) to standard output."""

    ending: str  # .facts.json, .bundle.json
    folder: Path | None = None
    file: Path | None = None
    claims: dict[str, Input] = field(default_factory=dict)  # the names that inputs will give

    def put(
        self, item: Input, documents: Sequence[Any], serialise: Callable[..., bytes]
    ) -> list[Path]:
        """Write the documents of one input and return the paths; raises WriteError.

        Several go one a line to a file or standard output, and one a file to a folder.
        """
        if self.folder is not None:
            paths = self._paths(item, self.folder, len(documents))
            for path, document in zip(paths, documents, strict=True):
                write(path, serialise(document))
            return paths
        several = len(documents) > 1
        data = b"".join(serialise(document, compact=several) for document in documents)
        if self.file is None:
            send(data)
            return []
        write(real(self.file), data)
        return [self.file]

    def put_each(self, item: Input, documents: Iterator[bytes]) -> Iterator[Path]:
        """Write the documents of one input into the folder as they come; yield their paths."""
        folder = self.folder or Path()
        first = list(islice(documents, 2))
        for number, document in enumerate(chain(first, documents), 1 if len(first) > 1 else 0):
            path = self.numbered(item, folder, number)
            write(path, document)
            yield path

    def may_write(self, path: Path) -> bool:
        """Say whether a document could be written to a path."""
        if self.file is not None:
            return os.path.realpath(self.file) == os.path.realpath(path)
        inside = self.folder and os.path.realpath(self.folder) == os.path.realpath(path.parent)
        return bool(inside) and path.name.casefold().endswith(self.ending)

    def _paths(self, item: Input, folder: Path, count: int) -> list[Path]:
        numbers = [0] if count == 1 else range(1, count + 1)
        return [self.numbered(item, folder, number) for number in numbers]

    def numbered(self, item: Input, folder: Path, number: int) -> Path:
        """Return the path of the nth document of an input, of the only one with 0.

        Raises WriteError where it is the output of another input.
        """
        stem = f"{item.stem}.p{number}" if number else item.stem
        other = self.claims.get(name_key(stem), item)
        if (other.path, other.member) != (item.path, item.member):
            message = f"{stem + self.ending!r} is already the output of {other.shown}"
            raise WriteError(message, item.shown)
        return folder / (stem + self.ending)


def plan(inputs: Sequence[Input], out: str | None, ending: str, *, several: bool) -> Outputs:
    """Return where outputs will go; raises UsageError before any work where that cannot be.

    With several inputs (or a folder of them) out must be a folder, which is made if absent.
    """
    if out is None or out == STREAM:
        if several:
            raise UsageError("several inputs or a folder need an output folder: -o FOLDER")
        return Outputs(ending)
    if not (several or is_folder(out)):
        return Outputs(ending, file=output_file(out, inputs))
    claims = _claims(inputs, ending)
    apart((Path(out, item.stem + ending) for item in inputs), inputs)
    _make_folder(Path(out))
    return Outputs(ending, folder=Path(out), claims=claims)


def is_folder(out: str) -> bool:
    """Say whether an output is a folder, or is to be one as it ends in a slash."""
    return out.endswith(tuple(filter(None, (os.sep, os.altsep)))) or os.path.isdir(out)


def output_file(name: str, inputs: Iterable[Input]) -> Path:
    """Return the path of one output file; raises before any work where it cannot be written."""
    path = Path(name)
    if not name or name == STREAM or os.path.isdir(path):
        raise UsageError(f"{printable(name)!r} is no name for an output file")
    if not os.path.isdir(path.parent):
        message = "the output cannot be written: its folder is not there"
        raise WriteError(message, printable(name))
    apart([path], inputs)
    return path


def _claims(inputs: Iterable[Input], ending: str) -> dict[str, Input]:
    claims: dict[str, Input] = {}
    for item in inputs:
        other = claims.setdefault(name_key(item.stem), item)
        if other is not item:
            name = printable(item.stem) + ending
            raise UsageError(f"{other.shown} and {item.shown} would both be written to {name!r}")
    return claims


def name_key(name: str) -> str:
    """Return what decides whether two names are one file on the systems that fold case."""
    return unicodedata.normalize("NFC", name).casefold()


def apart(outputs: Iterable[Path], inputs: Iterable[Input]) -> None:
    """Raise UsageError where an output would replace an input."""
    read = {os.path.realpath(item.path) for item in inputs if item.path}
    for path in outputs:
        if os.path.realpath(path) in read:
            raise UsageError(f"the output {printable(str(path))!r} is one of the inputs")


def _make_folder(folder: Path) -> None:
    if os.path.exists(folder) and not os.path.isdir(folder):
        raise UsageError(f"the output {printable(str(folder))!r} is a file, a folder is needed")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        message = f"the output folder cannot be made: {reason(error)}"
        raise WriteError(message, printable(str(folder))) from error


def real(path: Path) -> Path:
    """Return what a link leads to, so that the link stays where it is written to."""
    return Path(os.path.realpath(path))


def write(path: Path, data: bytes) -> None:
    """Write a whole file or leave what was there; raises WriteError.

    A device or a pipe (such as /dev/null) is written to, never replaced.
    """
    with writing(path) as file:
        file.write(data)


@contextmanager
def writing(path: Path) -> Iterator[BinaryIO]:
    """Open a file to write to, which is there whole at the end of the block or not at all.

    A device or a pipe is written to, never replaced. Raises WriteError; within the block only
    the file may raise an OSError.
    """
    try:
        if path.exists() and not path.is_file():
            with path.open("wb") as device:
                yield device
        else:
            with _draft(path) as file:
                yield file
    except BrokenPipeError:
        raise
    except (OSError, ValueError) as error:
        message = f"the output cannot be written: {reason(error)}"
        raise WriteError(message, printable(str(path))) from error


@contextmanager
def _draft(path: Path) -> Iterator[BinaryIO]:
    """Open a hidden file beside the file, and move it into place at once."""
    if path.exists() and not os.access(path, os.W_OK):
        raise PermissionError("the file there may not be changed")
    draft = path.parent / f".fhirconv-{os.urandom(8).hex()}.tmp"
    try:
        with draft.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        with suppress(OSError):
            shutil.copymode(path, draft)
        draft.replace(path)
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def send(data: bytes) -> None:
    """Write to standard output, at once and as bytes; raises WriteError, or BrokenPipeError."""
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise WriteError(f"standard output cannot be written: {reason(error)}") from error
