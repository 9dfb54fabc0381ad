"""The definitions of one release in one file: read by need, the same bytes from the same input."""

import json
import zlib
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from fhirconv.errors import TableError

Resource = dict[str, Any]

MAGIC = b"fhirconv definitions 1\n"
LENGTH = 8  # bytes of the length of the index, which stands behind MAGIC
# What the index tells of a structure, so that types are known before one is read.
FACTS = ("name", "kind", "type", "baseDefinition", "derivation", "abstract")


class Source(Protocol):
    """Where definitions come from: the file of a release, or a package of a user."""

    def find(self, kind: str, url: str) -> Resource | None:
        """Return the definition with a URL (no version), without prose; None where none is."""

    def facts(self, kind: str) -> Mapping[str, Resource]:
        """Return what is known of each definition of a kind before it is read, by URL."""


class Archive:
    """A file of definitions; each is decoded when it is first asked for."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._data = path.read_bytes()
        if not self._data.startswith(MAGIC):
            raise TableError("this is no file of definitions", path.name)
        start = len(MAGIC) + LENGTH
        length = int.from_bytes(self._data[len(MAGIC) : start], "big")
        self._start = start + length
        self._index: dict[str, dict[str, list[Any]]] = json.loads(
            zlib.decompress(self._data[start : self._start])
        )
        self._read: dict[tuple[str, str], Resource] = {}

    def find(self, kind: str, url: str) -> Resource | None:
        """Return the definition with a URL (no version), without prose; None where none is."""
        if (kind, url) not in self._read:
            entry = self._index.get(kind, {}).get(url)
            if entry is None:
                return None
            at = self._start + entry[0]
            self._read[kind, url] = json.loads(zlib.decompress(self._data[at : at + entry[1]]))
        return self._read[kind, url]

    def facts(self, kind: str) -> Mapping[str, Resource]:
        """Return what the index tells of each definition of a kind, by URL."""
        return self._facts[kind]

    @cached_property
    def _facts(self) -> dict[str, dict[str, Resource]]:
        return {
            kind: {url: dict(zip(FACTS, entry[2:], strict=False)) for url, entry in listed.items()}
            for kind, listed in self._index.items()
        }


def written(resources: Iterable[Resource]) -> bytes:
    """Return the bytes of an archive of definitions, in the order of kind and URL."""
    index: dict[str, dict[str, list[Any]]] = {}
    body = bytearray()
    for resource in sorted(resources, key=lambda r: (r["resourceType"], r["url"])):
        packed = zlib.compress(_json(resource), 9)
        told = [resource.get(name) for name in FACTS] if "kind" in resource else []
        listed = index.setdefault(resource["resourceType"], {})
        listed[resource["url"]] = [len(body), len(packed), *told]
        body += packed
    packed = zlib.compress(_json(index), 9)
    return MAGIC + len(packed).to_bytes(LENGTH, "big") + packed + bytes(body)


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
