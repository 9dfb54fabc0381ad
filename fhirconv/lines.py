"""A file of documents, one a line, packed or not: read a line at a time, never the whole of it."""

import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass
from typing import BinaryIO, cast

from fhirconv.errors import ReadError
from fhirconv.files import PACKED, Input, reason

MAGIC = b"\x1f\x8b"
ENDINGS = (".ndjson", ".jsonl")
REST = 65536  # bytes at a time of what is passed over


@dataclass(frozen=True, slots=True)
class Line:
    """One line that holds anything, or one record; where it cannot be had, why."""

    number: int
    data: bytes
    problem: str = ""
    is_record: bool = False  # of a set of reports, so that it is a report


def named_so(name: str) -> bool:
    """Say whether a file is by its name one of documents, one a line."""
    return name.casefold().removesuffix(PACKED).endswith(ENDINGS)


def sniffed(item: Input, limit: int) -> tuple[bool, Input]:
    """Say whether an input holds documents one a line, by its name or its first two lines.

    Returns with it the input, which knows what of standard input was read for that. Raises
    ReadError where it cannot be read.
    """
    name = item.member or (item.path.name if item.path else "")
    if item.path and (named_so(name) or not item.path.is_file()):
        return named_so(name), item
    head = bytearray()
    try:
        with _start(item) as stream:
            found = _has_lines(stream, head, limit)
    except (OSError, ValueError) as error:
        raise ReadError(f"the file cannot be read: {reason(error)}", item.shown) from error
    return found and not (item.path and head.startswith(MAGIC)), item.begun_with(bytes(head))


def _start(item: Input) -> AbstractContextManager[BinaryIO]:
    """Return the start of an input; of standard input what was read before, if anything was."""
    if item.begun:
        return io.BytesIO(item.begun)
    return item.open()


def _has_lines(stream: BinaryIO, head: bytearray, limit: int) -> bool:
    """Say whether a stream begins with a JSON object on one line and goes on behind it."""
    head += stream.read(len(MAGIC))
    if head == MAGIC:
        return True
    line = bytes(head) + (b"" if head.endswith(b"\n") else stream.readline(limit))
    head[:] = line
    if not _is_object(line.removeprefix(b"\xef\xbb\xbf").strip()):
        return False
    while more := stream.readline(REST):
        head += more
        if more.strip():
            return True
        if len(head) > limit:
            return False
    return False


def _is_object(line: bytes) -> bool:
    """Say whether a line is a JSON object, whole; the first of a file may only begin one."""
    try:
        return line.startswith(b"{") and line.endswith(b"}") and isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def of_lines(stream: BinaryIO, limit: int) -> Iterator[Line]:
    """Yield the lines of a stream; of one that is too long, that it is."""
    number = 0
    while data := stream.readline(limit + 1):
        number += 1
        if len(data) > limit and not data.endswith(b"\n"):
            _pass_over(stream)
            yield Line(number, b"", f"the line is longer than {limit} bytes (--max-size)")
        else:
            yield Line(number, data.removesuffix(b"\n"))


@dataclass
class Reading:
    """The lines of an input, and how many of its bytes, packed as they are, have been read."""

    item: Input
    limit: int
    done: int = 0
    cut: Callable[[BinaryIO, int], Iterator[Line]] = of_lines  # or into other documents

    def __iter__(self) -> Iterator[Line]:
        """Yield the lines; the last tells it where the file breaks off or cannot be read."""
        number = 0
        try:
            with self._raw() as raw, _plain(raw) as stream:
                for line in self.cut(stream, self.limit):
                    number = line.number
                    self.done = raw.tell()
                    if line.problem or line.data.strip():
                        yield line
        except EOFError:
            yield Line(number + 1, b"", "the gzip file is cut short")
        except (OSError, ValueError, zlib.error) as error:
            yield Line(number + 1, b"", f"the file cannot be read: {_why(error)}")

    def _raw(self) -> AbstractContextManager["_Counted"]:
        return closing(_Counted(self.item.open(), self.item.begun))


class _Counted(io.RawIOBase):
    """The bytes that were read of a stream before and what follows, counted."""

    def __init__(self, stream: AbstractContextManager[BinaryIO], begun: bytes) -> None:
        self._context = stream
        self._stream = stream.__enter__()
        self._begun = io.BytesIO(begun)
        self._count = 0

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def tell(self) -> int:
        """Return the number of bytes that were read."""
        return self._count

    def readinto(self, buffer: object) -> int:
        """Fill a buffer and return the number of bytes."""
        data = memoryview(buffer)  # type: ignore[arg-type]
        got = self._begun.read(len(data)) or self._stream.read(len(data))
        data[: len(got)] = got
        self._count += len(got)
        return len(got)

    def close(self) -> None:
        """Close the stream, unless it is standard input."""
        if not self.closed:
            self._context.__exit__(None, None, None)
        super().close()


def _plain(raw: _Counted) -> AbstractContextManager[BinaryIO]:
    """Return what is read of a file: unpacked, where it is packed by gzip."""
    buffered = io.BufferedReader(raw, REST)
    if buffered.peek(len(MAGIC)).startswith(MAGIC):
        return cast(AbstractContextManager[BinaryIO], gzip.GzipFile(fileobj=buffered))
    return nullcontext(cast(BinaryIO, buffered))


def _pass_over(stream: BinaryIO) -> None:
    """Read to the end of a line without keeping it."""
    while (data := stream.readline(REST)) and not data.endswith(b"\n"):
        pass


def _why(error: Exception) -> str:
    return reason(error) if isinstance(error, OSError | ValueError) else str(error)
