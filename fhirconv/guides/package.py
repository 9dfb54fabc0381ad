"""An implementation guide's package: a folder or a .tgz as npm and FHIR's package cache have it."""

import json
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from fhirconv.errors import ReadError
from fhirconv.files import printable, reason
from fhirconv.validate.archive import FACTS
from fhirconv.validate.bare import STRIPPED, bare

Resource = dict[str, Any]

KINDS = tuple(STRIPPED)
MANIFEST = "package.json"
FOLDER = "package"  # where npm has the files of a package
LARGEST = 50_000_000  # bytes of one file
TOTAL = 1_000_000_000  # bytes of all files that are read
COUNT = 100_000  # files
PACKED = (".tgz", ".tar.gz")


@dataclass(eq=False)
class Package:
    """The definitions of a package by kind and URL, and what else it names."""

    name: str
    version: str
    dependencies: Mapping[str, str]
    where: str
    fhir: tuple[str, ...] = ()  # the versions of FHIR that it is for
    _raw: dict[str, dict[str, Resource]] = field(default_factory=dict, repr=False)
    _bare: dict[tuple[str, str], Resource] = field(default_factory=dict, repr=False)

    def find(self, kind: str, url: str) -> Resource | None:
        """Return the definition with a URL (no version), without prose; None where none is."""
        raw = self._raw.get(kind, {}).get(url)
        if raw is not None and (kind, url) not in self._bare:
            self._bare[kind, url] = _stripped(raw)
        return self._bare.get((kind, url))

    def facts(self, kind: str) -> Mapping[str, Resource]:
        """Return what is known of each definition of a kind, by URL."""
        listed = self._raw.get(kind, {})
        return {url: {name: raw.get(name) for name in FACTS} for url, raw in listed.items()}

    def add(self, resource: object) -> None:
        """Take a resource in where it is a definition with a URL."""
        if isinstance(resource, dict) and resource.get("resourceType") in KINDS:
            url = resource.get("url")
            if isinstance(url, str) and url:
                self._raw.setdefault(resource["resourceType"], {}).setdefault(url, resource)


def load_package(path: Path) -> Package:
    """Return the package of a folder or a .tgz; raises ReadError for what is none.

    A .tgz is read as a stream and nothing of it is written; links, devices, and names that lead
    out of it are passed over. Both have limits of size.
    """
    shown = printable(str(path))
    try:
        files = dict(_members(path) if path.is_file() else _files(path))
    except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
        why = reason(error) if isinstance(error, OSError) else str(error)
        raise ReadError(f"the package cannot be read: {why}", shown) from error
    manifest = _json(files.pop(MANIFEST, b"null"), f"{shown}: {MANIFEST}")
    if not isinstance(manifest, dict) or not isinstance(manifest.get("name"), str):
        raise ReadError(f"this is no FHIR package: it has no {MANIFEST} with a name", shown)
    wanted = manifest.get("dependencies")
    versions = manifest.get("fhirVersions", manifest.get("fhir-version-list"))
    made = Package(
        manifest["name"],
        str(manifest.get("version", "")),
        {str(k): str(v) for k, v in wanted.items()} if isinstance(wanted, dict) else {},
        shown,
        tuple(map(str, versions)) if isinstance(versions, list) else (),
    )
    for name, data in sorted(files.items()):
        made.add(_json(data, f"{shown}: {name}"))
    return made


def _stripped(raw: Resource) -> Resource:
    """Return a definition without its prose; one whose shape is broken is as good as empty."""
    try:
        return bare(raw)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        where = printable(str(raw.get("url")))
        raise ReadError(
            f"the definition is broken: {type(error).__name__} {error}", where
        ) from error


def _json(data: bytes, where: str) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ReadError("the package holds a file that is no JSON", printable(where)) from error


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a package in a folder, which is it or holds it as `package`."""
    inner = folder / FOLDER
    root = inner if (inner / MANIFEST).is_file() else folder
    total = 0
    for path in sorted(root.glob("*.json")):
        if not _is_wanted(path.name) or path.is_symlink() or not path.is_file():
            continue
        total = _within(path.stat().st_size, total, str(path))
        yield path.name, path.read_bytes()


def _members(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a package in a .tgz."""
    total = 0
    with tarfile.open(path, "r|gz") as archive:
        for number, member in enumerate(archive):
            if number > COUNT:
                raise ReadError(f"the package has more than {COUNT} files", printable(str(path)))
            name = PurePosixPath(member.name)
            if not member.isreg() or name.parts[:-1] != (FOLDER,) or not _is_wanted(name.name):
                continue
            total = _within(member.size, total, f"{path}: {member.name}")
            stream = archive.extractfile(member)
            if stream is not None:
                yield name.name, stream.read()


def _is_wanted(name: str) -> bool:
    """Say whether a file may be a definition: FHIR packages name them by their type."""
    return name == MANIFEST or (name.endswith(".json") and name.startswith(KINDS))


def _within(size: int, total: int, where: str) -> int:
    """Return the bytes read so far with one more file; raises ReadError over the limits."""
    if size > LARGEST or total + size > TOTAL:
        raise ReadError(f"the package is too large: {size} bytes", printable(where))
    return total + size
