"""The journal of a push: what was sent and what became of it, a line each, never rewritten."""

import os
import threading
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any, Self

import orjson

from fhirconv.errors import WriteError
from fhirconv.files import printable, reason

NAME = "journal.ndjson"
BEGUN, SENDING, TAKEN, REFUSED, UNKNOWN, ENDED = (
    "begun",
    "sending",
    "taken",
    "refused",
    "unknown",
    "ended",
)
MARK = b',"check":"'
APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
EVERY = 1.0  # seconds between two times that the disk is waited for

Line = dict[str, Any]


class Journal:
    """One file to whose end lines are written, each with a checksum; safe between threads.

    A line is with the system when `write` returns, so that a killed process loses none; with
    the disk it is at the latest a second later, or at once where it is asked for.
    """

    def __init__(self, folder: Path, server: str) -> None:
        self.path = folder / NAME
        self._server = server
        self._lock = threading.Lock()
        self._synced = monotonic()
        try:
            self._file = os.open(self.path, APPEND, 0o600)
            _keep_name(folder)
            if not _ends_whole(self.path):
                os.write(self._file, b"\n")  # what was torn stays, and is known by its checksum
        except OSError as error:
            raise self._trouble(error) from error

    def __enter__(self) -> Self:
        """Return the journal, to be closed at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Wait for the disk and close the file."""
        with self._lock:
            try:
                os.fsync(self._file)
            except OSError as error:
                raise self._trouble(error) from error
            finally:
                os.close(self._file)

    def write(self, event: str, *, now: bool = False, **told: Any) -> None:
        """Write a line; `now` waits for the disk. Raises WriteError."""
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        data = sealed({"at": at, "event": event, "server": self._server} | told)
        with self._lock:
            try:
                while data:
                    data = data[os.write(self._file, data) :]
                if now or monotonic() - self._synced > EVERY:
                    os.fsync(self._file)
                    self._synced = monotonic()
            except OSError as error:
                raise self._trouble(error) from error

    def _trouble(self, error: OSError) -> WriteError:
        message = f"the journal cannot be written: {reason(error)}"
        return WriteError(message, printable(str(self.path)))


def sealed(line: Line) -> bytes:
    """Return a line of the journal with its checksum at the end."""
    data = orjson.dumps(line)
    return b'%s%s%08x"}\n' % (data[:-1], MARK, zlib.crc32(data))


def opened(data: bytes) -> Line | None:
    """Return what a line says; None where it is torn or was changed."""
    body, mark, check = data.rstrip(b"\n").rpartition(MARK)
    if not mark or check != b'%08x"}' % zlib.crc32(body + b"}"):
        return None
    line: Line = orjson.loads(body + b"}")
    return line


def lines(folder: Path) -> Iterator[Line | None]:
    """Yield the lines of a journal, None for a damaged one; none at all where there is no journal.

    Raises WriteError where it cannot be read.
    """
    path = folder / NAME
    try:
        with path.open("rb") as file:
            for data in file:
                if data.strip():
                    yield opened(data)
    except FileNotFoundError:
        return
    except OSError as error:
        message = f"the journal cannot be read: {reason(error)}"
        raise WriteError(message, printable(str(path))) from error


def _ends_whole(path: Path) -> bool:
    with path.open("rb") as file:
        if file.seek(0, os.SEEK_END) == 0:
            return True
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def _keep_name(folder: Path) -> None:
    """Wait until the name of a new file is with the disk too; Windows has no such call."""
    if os.name == "posix":
        place = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(place)
        finally:
            os.close(place)
