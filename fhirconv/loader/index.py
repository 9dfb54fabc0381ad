"""Which resources a server has from us, each by a hash, on disk: as many as there may be."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from typing import Self

TABLE = """
CREATE TABLE resource (key BLOB PRIMARY KEY, hash BLOB, address TEXT, place INTEGER, run INTEGER)
    WITHOUT ROWID;
CREATE TABLE document (digest BLOB PRIMARY KEY, event TEXT, once INTEGER) WITHOUT ROWID;
CREATE TABLE place (number INTEGER PRIMARY KEY, name TEXT);
"""
MOST = 500  # keys asked for at once


@dataclass(frozen=True, slots=True)
class Known:
    """A resource that the server has: its content, its address, who brought it, in this run."""

    hash: bytes
    address: str
    place: int
    is_ours: bool  # of this run, or of the one that it resumes


class Index:
    """The resources that were sent, in a file of their own that ends with the process."""

    def __init__(self) -> None:
        self._base = sqlite3.connect("", check_same_thread=False, isolation_level=None)
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
            marks = ",".join("?" * len(some))
            rows = self._base.execute(
                f"SELECT key, hash, address, place, run FROM resource WHERE key IN ({marks})",  # noqa: S608 - marks are question marks
                some,
            )
            for key, hashed, address, place, run in rows:
                name = names[key]
                found[name] = Known(hashed, address or name, place, bool(run))
        return found

    def add(
        self, place: str, number: int, rows: Iterable[tuple[str, bytes, str]], *, ours: bool = True
    ) -> None:
        """Note the (key, hash, address) of resources that one document brought."""
        made = [
            (_short(key), hashed, "" if address == key else address, number, int(ours))
            for key, hashed, address in rows
        ]
        self._base.execute("BEGIN")
        self._base.execute("INSERT OR REPLACE INTO place VALUES (?, ?)", (number, place))
        self._base.executemany("INSERT OR REPLACE INTO resource VALUES (?, ?, ?, ?, ?)", made)
        self._base.execute("COMMIT")

    def place(self, number: int) -> str:
        """Return the place of a document that brought something."""
        row = self._base.execute("SELECT name FROM place WHERE number = ?", (number,)).fetchone()
        return str(row[0]) if row else "an earlier run"

    def note(self, digest: str, event: str, *, once: bool) -> None:
        """Note what an earlier run did with a document; `once`: it must not be sent twice."""
        self._base.execute(
            "INSERT INTO document VALUES (?, ?, ?) ON CONFLICT (digest) "
            "DO UPDATE SET event = excluded.event, once = max(once, excluded.once)",
            (bytes.fromhex(digest), event, int(once)),
        )

    def event(self, digest: str) -> str:
        """Return what an earlier run did with a document; empty for nothing."""
        found = self._base.execute(
            "SELECT event FROM document WHERE digest = ?", (bytes.fromhex(digest),)
        ).fetchone()
        return str(found[0]) if found else ""

    def clear(self) -> None:
        """Forget what was noted, but for the documents that must not be sent twice."""
        self._base.execute("DELETE FROM resource")
        self._base.execute("DELETE FROM place")
        self._base.execute("DELETE FROM document WHERE NOT once")


def _short(key: str) -> bytes:
    return blake2b(key.encode(), digest_size=16).digest()
