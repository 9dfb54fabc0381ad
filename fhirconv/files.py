"""Inputs and outputs: which files are meant, read within a limit, written whole or not at all."""

import os
import shutil
import sys
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from fhirconv.errors import ReadError, UsageError, WriteError

Document = dict[str, Any]
STREAM = "-"  # as an input standard input, as an output standard output


@dataclass(frozen=True, slots=True)
class Input:
    """One file to work on; without a path it is standard input."""

    path: Path | None = None

    @property
    def shown(self) -> str:
        """The file as the user named it, fit to be printed."""
        return printable(str(self.path)) if self.path else "standard input"

    @property
    def file(self) -> str:
        """The name without folders, fit to stand in a document."""
        return printable(self.path.name) if self.path else "stdin"

    @property
    def stem(self) -> str:
        """The NAME of the outputs: without the last extension, and without .facts before .json."""
        if self.path is None:
            return "stdin"
        facts = self.path.suffix.casefold() == ".json" and self.path.stem.endswith(".facts")
        return self.path.stem.removesuffix(".facts") if facts else self.path.stem

    def load(self, limit: int) -> bytes:
        """Return the bytes; raises ReadError for what cannot be read or is over the limit."""
        try:
            with self.path.open("rb") if self.path else _standard_input() as stream:
                data: bytes = stream.read(limit + 1)
        except (OSError, ValueError) as error:
            raise ReadError(f"the file cannot be read: {reason(error)}", self.shown) from error
        if len(data) > limit:
            raise ReadError(f"the file is larger than {limit} bytes (--max-size)", self.shown)
        return data


def _standard_input() -> nullcontext[BinaryIO]:
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
    return len(arguments) > 1 or any(map(os.path.isdir, arguments))


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
        listed += _files_of(Path(argument), wanted) if folder else [Input(path)]
    if sum(item.path is None for item in listed) > 1:
        raise UsageError("standard input ('-') can be read only once")
    return listed


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
        self, item: Input, documents: Sequence[Document], serialise: Callable[..., bytes]
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
        write(Path(os.path.realpath(self.file)), data)
        return [self.file]

    def may_write(self, path: Path) -> bool:
        """Say whether a document could be written to a path."""
        if self.file is not None:
            return os.path.realpath(self.file) == os.path.realpath(path)
        inside = self.folder and os.path.realpath(self.folder) == os.path.realpath(path.parent)
        return bool(inside) and path.name.casefold().endswith(self.ending)

    def _paths(self, item: Input, folder: Path, count: int) -> list[Path]:
        numbers = range(1, count + 1)
        stems = [item.stem] if count == 1 else [f"{item.stem}.p{number}" for number in numbers]
        for stem in stems:
            other = self.claims.get(name_key(stem), item)
            if other != item:
                message = f"{stem + self.ending!r} is already the output of {other.shown}"
                raise WriteError(message, item.shown)
        return [folder / (stem + self.ending) for stem in stems]


def plan(inputs: Sequence[Input], out: str | None, ending: str, *, several: bool) -> Outputs:
    """Return where outputs will go; raises UsageError before any work where that cannot be.

    With several inputs (or a folder of them) out must be a folder, which is made if absent.
    """
    if out is None or out == STREAM:
        if several:
            raise UsageError("several inputs or a folder need an output folder: -o FOLDER")
        return Outputs(ending)
    named = out.endswith(tuple(filter(None, (os.sep, os.altsep))))
    if not (several or named or os.path.isdir(out)):
        return Outputs(ending, file=output_file(out, inputs))
    claims = _claims(inputs, ending)
    apart((Path(out, item.stem + ending) for item in inputs), inputs)
    _make_folder(Path(out))
    return Outputs(ending, folder=Path(out), claims=claims)


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


def write(path: Path, data: bytes) -> None:
    """Write a whole file or leave what was there; raises WriteError.

    A device or a pipe (such as /dev/null) is written to, never replaced.
    """
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(data)
        else:
            _replace(path, data)
    except (OSError, ValueError) as error:
        message = f"the output cannot be written: {reason(error)}"
        raise WriteError(message, printable(str(path))) from error


def _replace(path: Path, data: bytes) -> None:
    """Write under a hidden name beside the file, then move it into place at once."""
    if path.exists() and not os.access(path, os.W_OK):
        raise PermissionError("the file there may not be changed")
    draft = path.parent / f".fhirconv-{os.urandom(8).hex()}.tmp"
    try:
        with draft.open("xb") as file:
            file.write(data)
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
