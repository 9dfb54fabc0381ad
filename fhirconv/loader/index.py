"""Which resources a server has from us, each by a hash, on disk: as many as there may be."""

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Self

from fhirconv.errors import WriteError

TABLE = """
CREATE TABLE resource (
    key BLOB PRIMARY KEY, hash BLOB, address TEXT, version TEXT, place INTEGER, state INTEGER
) WITHOUT ROWID;
CREATE TABLE document (digest BLOB PRIMARY KEY, event TEXT, once INTEGER) WITHOUT ROWID;
CREATE TABLE place (number INTEGER PRIMARY KEY, name TEXT);
"""
MOST = 500  # keys asked for at once
BEFORE, CONFIRMED, OURS = range(3)  # from an earlier run, confirmed by the server, of this run
FIND = "SELECT * FROM resource WHERE key IN (%s)"
CONFIRM = "UPDATE resource SET state = 1 WHERE key = ? AND state = 0"
FORGET = "DELETE FROM resource WHERE key = ? AND state = 0"
ADD = "INSERT OR REPLACE INTO resource VALUES (?, ?, ?, ?, ?, ?)"
NOTE = (
    "INSERT INTO document VALUES (?, ?, ?) ON CONFLICT (digest) "
    "DO UPDATE SET event = excluded.event, once = max(once, excluded.once)"
)

Row = tuple[str, bytes, str, str]  # key, hash, address, version


@dataclass(frozen=True, slots=True)
class Known:
    """A resource that the server has: its content, its address and version, who brought it."""

    hash: bytes
    address: str
    version: str
    place: int
    state: int  # BEFORE, CONFIRMED, OURS: of this run, or of the one that it resumes


class Index:
    """The resources that were sent, in a file of their own that ends with the process."""

    def __init__(self) -> None:
        self._base = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        self._lock = threading.Lock()
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-16000"):
            self._base.execute(f"PRAGMA {pragma}")
        self._base.executescript(TABLE)

    @classmethod
    @contextmanager
    def open(cls) -> Iterator[Self]:
        """Yield an empty index, which is gone at the end of the block."""
        index = cls()
        try:
            yield index
        finally:
            index._base.close()

    def find(self, keys: Iterable[str]) -> dict[str, Known]:
        """Return what is known of resources, by their keys."""
        names = {_short(key): key for key in keys}
        found: dict[str, Known] = {}
        listed = list(names)
        for start in range(0, len(listed), MOST):
            some = listed[start : start + MOST]
            for key, hashed, address, *rest in self._do(FIND % ",".join("?" * len(some)), some):
                found[names[key]] = Known(hashed, address or names[key], *rest)
        return found

    def add(self, place: str, number: int, rows: Iterable[Row], state: int = OURS) -> None:
        """Note the resources that one document brought."""
        made = [
            (_short(key), hashed, "" if address == key else address, version, number, state)
            for key, hashed, address, version in rows
        ]
        with self._lock, _told():
            self._base.execute("BEGIN")
            self._base.execute("INSERT OR REPLACE INTO place VALUES (?, ?)", (number, place))
            self._base.executemany(ADD, made)
            self._base.execute("COMMIT")

    def confirm(self, key: str, *, is_there: bool) -> None:
        """Note whether the server still has a resource of an earlier run as that left it."""
        self._do(CONFIRM if is_there else FORGET, [_short(key)])

    def place(self, number: int) -> str:
        """Return the place of a document that brought something."""
        rows = self._do("SELECT name FROM place WHERE number = ?", [number])
        return str(rows[0][0]) if rows else "an earlier run"

    def note(self, digest: str, event: str, *, once: bool) -> None:
        """Note what an earlier run did with a document; `once`: it must not be sent twice."""
        self._do(NOTE, [bytes.fromhex(digest), event, int(once)])

    def event(self, digest: str) -> str:
        """Return what an earlier run did with a document; empty for nothing."""
        rows = self._do("SELECT event FROM document WHERE digest = ?", [bytes.fromhex(digest)])
        return str(rows[0][0]) if rows else ""

    def clear(self) -> None:
        """Forget what was noted, but for the documents that must not be sent twice."""
        self._do("DELETE FROM resource")
        self._do("DELETE FROM place")
        self._do("DELETE FROM document WHERE NOT once")

    def _do(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._lock, _told():
            return self._base.execute(statement, values).fetchall()


@contextmanager
def _told() -> Iterator[None]:
    """Raise WriteError where the file cannot be kept."""
    try:
        yield
    except sqlite3.Error as error:
        message = f"what was sent cannot be remembered in the folder for temporary files: {error}"
        raise WriteError(message) from error


def _short(key: str) -> bytes:
    return blake2b(key.encode(), digest_size=16).digest()
