"""What a server answered is kept by address and question for a week."""

import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from fhirconv import cache

FILE = "terminology.sqlite"
AGE = 7 * 24 * 3600.0  # seconds that an answer is believed
WAIT = 2.0  # seconds for another process that writes
TABLE = """CREATE TABLE IF NOT EXISTS answers
(address TEXT, question TEXT, told REAL, answer BLOB, PRIMARY KEY (address, question))"""


@dataclass
class Answers:
    """The answers of one server: in memory, and in a file where the user has a cache folder.

    A file that cannot be used is done without.
    """

    address: str
    age: float = AGE
    now: Callable[[], float] = time.time
    _known: dict[str, bytes] = field(default_factory=dict)
    _file: sqlite3.Connection | None = None

    def __post_init__(self) -> None:
        """Open the file and forget what is too old."""
        folder = cache.folder()
        if folder:
            with suppress(OSError, sqlite3.Error):
                self._file = _opened(folder / FILE)
                self._file.execute("DELETE FROM answers WHERE told < ?", (self.now() - self.age,))

    def get(self, question: str) -> bytes | None:
        """Return what was answered, empty where the server knew nothing; None: never asked."""
        if question not in self._known and self._file:
            with suppress(sqlite3.Error):
                asked = "SELECT answer FROM answers WHERE address = ? AND question = ?"
                found = self._file.execute(asked, (self.address, question)).fetchone()
                if found:
                    self._known[question] = found[0]
        return self._known.get(question)

    def put(self, question: str, answer: bytes) -> None:
        """Keep an answer."""
        self._known[question] = answer
        if self._file:
            with suppress(sqlite3.Error):
                row = (self.address, question, self.now(), answer)
                self._file.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?)", row)

    def close(self) -> None:
        """Close the file."""
        if self._file:
            self._file.close()
            self._file = None


def _opened(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = sqlite3.connect(path, timeout=WAIT, isolation_level=None)
    try:
        file.execute(TABLE)
    except sqlite3.Error:
        file.close()
        raise
    return file
