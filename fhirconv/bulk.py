"""Bulk Data: resources one a line in a file for each type, and the manifest that lists them."""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any, BinaryIO

from fhirconv import files
from fhirconv.bundle import serialise
from fhirconv.errors import UsageError
from fhirconv.outcome import Issue
from fhirconv.references import homes_of, led

Resource = dict[str, Any]

ENDING, MANIFEST = ".ndjson", "manifest.json"
REQUEST = "fhirconv convert --bundle ndjson"
TOLD = 100  # resources that were made twice, differently
TABLE = "CREATE TABLE seen (name TEXT PRIMARY KEY, digest BLOB) WITHOUT ROWID"


def lines_of(bundle: Resource) -> bytes:
    """Return the resources of a transaction, two lines each: Type/id, and the resource.

    References lead to Type/id, as no Bundle holds the resources together.
    """
    homes = homes_of(bundle["entry"])
    made = bytearray()
    for entry in bundle["entry"]:
        resource = entry["resource"]
        made += f"{resource['resourceType']}/{resource['id']}\n".encode()
        made += serialise(led(resource, homes), compact=True)
    return bytes(made)


@dataclass
class Writer:
    """Writes each resource once, to the file of its type; what was written is kept on disk."""

    folder: Path
    stack: ExitStack
    seen: sqlite3.Connection
    counts: dict[str, int] = field(default_factory=dict)
    issues: list[Issue] = field(default_factory=list)
    _files: dict[str, BinaryIO] = field(default_factory=dict)

    def __call__(self, document: bytes) -> None:
        """Write the resources of a bundle, as `lines_of` has them."""
        lines = iter(document.split(b"\n"))
        for name in lines:
            if name:
                self._put(name.decode(), next(lines))

    def _put(self, name: str, line: bytes) -> None:
        digest = blake2b(line, digest_size=16).digest()
        put = "INSERT OR IGNORE INTO seen VALUES (?, ?)"
        if not self.seen.execute(put, (name, digest)).rowcount:
            asked = "SELECT digest FROM seen WHERE name = ?"
            if self.seen.execute(asked, (name,)).fetchone()[0] != digest:
                self._tell(name)
            return
        kind = name.partition("/")[0]
        if kind not in self._files:
            path = files.real(self.folder / (kind + ENDING))
            self._files[kind] = self.stack.enter_context(files.writing(path))
        self._files[kind].write(line + b"\n")
        self.counts[kind] = self.counts.get(kind, 0) + 1

    def _tell(self, name: str) -> None:
        if len(self.issues) < TOLD:
            message = f"{name} is made twice, differently: the first is kept"
            self.issues.append(Issue("warning", "duplicate", message, name))


def folder_of(out: str | None) -> Path:
    """Return the folder that an output names; raises UsageError where it names none."""
    if out in (None, "", files.STREAM) or Path(str(out)).is_file():
        raise UsageError("--bundle ndjson makes a file for each type: give a folder, -o DIR/")
    return Path(str(out))


@contextmanager
def writing(folder: Path, when: str | None) -> Iterator[Writer]:
    """Yield what writes resources to a folder, whose files are there whole at the end.

    The manifest comes last; files of an older manifest that are no more are removed. `when` is
    the time that the manifest states. Raises WriteError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect("", isolation_level=None)) as seen:  # on disk, gone when closed
        seen.execute("PRAGMA journal_mode=OFF")
        seen.execute("PRAGMA synchronous=OFF")
        seen.execute(TABLE)
        seen.execute("BEGIN")
        with ExitStack() as stack:
            writer = Writer(folder, stack, seen)
            yield writer
    path = folder / MANIFEST
    for name in _listed(path) - {kind + ENDING for kind in writer.counts}:
        with suppress(OSError):
            (folder / name).unlink()
    files.write(files.real(path), serialise(_manifest(writer.counts, when)))


def newest(paths: Iterable[Path | None]) -> str | None:
    """Return when the newest of some files was changed, as a FHIR instant; None for none."""
    times = []
    for path in paths:
        with suppress(OSError):
            times += [path.stat().st_mtime] if path else []
    return datetime.fromtimestamp(int(max(times)), UTC).strftime("%FT%TZ") if times else None


def _manifest(counts: dict[str, int], when: str | None) -> Resource:
    """Return the manifest that a Bulk Data server would answer with, its addresses relative."""
    output = [
        {"type": kind, "url": kind + ENDING, "count": counts[kind]} for kind in sorted(counts)
    ]
    made: Resource = {"transactionTime": when} if when else {}
    made |= {"request": REQUEST, "requiresAccessToken": False, "output": output, "error": []}
    return made


def _listed(manifest: Path) -> set[str]:
    """Return the files that an older manifest of ours lists."""
    try:
        said = json.loads(manifest.read_bytes())
        if said["request"] != REQUEST:
            return set()
        return {f"{one['type']}{ENDING}" for one in said["output"] if one["type"].isalpha()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return set()
