"""The packages that a user names, and those they depend on, as far as these are at hand."""

import csv
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from fhirconv.errors import UsageError
from fhirconv.files import printable
from fhirconv.guides.package import FOLDER, MANIFEST, PACKED, Package, load_package
from fhirconv.outcome import Issue
from fhirconv.tables import MAPPINGS, Tables

SHIPPED = MAPPINGS / "validate" / "packages.csv"
CACHE = Path(".fhir") / "packages"  # below the user's home: name#version/package
NAMED = re.compile(r"(?P<name>[a-z0-9][a-z0-9.-]*)[#@](?P<version>[\w.-]+)", re.IGNORECASE)


class Library:
    """Packages in the order in which a definition is looked for, and what could not be had."""

    def __init__(self, arguments: Iterable[str], home: Path | None = None) -> None:
        self.cache = (home or Path.home()) / CACHE
        self.packages: list[Package] = []
        self.issues: list[Issue] = []
        self._seen: set[str] = set()
        ahead = [self._path(argument) for argument in arguments]
        while ahead:
            ahead += list(self._load(ahead.pop(0)))

    def release(self, tables: Tables) -> str | None:
        """Return the release that the packages are for, None where they do not say one."""
        known = {release.version: name for name, release in tables.releases.items()}
        listed = [known[v] for package in self.packages for v in package.fhir if v in known]
        return listed[0] if listed else None

    def _path(self, argument: str) -> Path:
        """Return the path of a package; raises UsageError where none is there."""
        path = Path(argument)
        named = NAMED.fullmatch(argument)
        if not path.exists() and named:
            path = self.cache / f"{named['name']}#{named['version']}"
        if not path.exists():
            raise UsageError(f"no package is at {printable(argument)!r}", "--package")
        return path

    def _load(self, path: Path) -> Iterator[Path]:
        """Take a package in, and yield where those are that it depends on."""
        package = load_package(path)
        if package.name in self._seen:
            return
        self._seen.add(package.name)
        self.packages.append(package)
        for name, version in package.dependencies.items():
            if name in shipped() or name in self._seen:
                continue
            found = next(_at_hand(name, version, (path.resolve().parent, self.cache)), None)
            if found is not None:
                yield found
            else:
                message = (
                    f"{package.name} {package.version} depends on {name} {version}, which is not "
                    f"at hand: what it defines is not checked (--package {name}#{version})"
                )
                self.issues.append(Issue("information", "not-found", message, package.where))


@lru_cache(maxsize=4)
def library_of(arguments: tuple[str, ...]) -> Library:
    """Return the packages that arguments name, read once."""
    return Library(arguments)


@lru_cache(maxsize=1)
def shipped() -> frozenset[str]:
    """Return the names of the packages whose definitions are compiled into ours."""
    with SHIPPED.open(encoding="utf-8", newline="") as file:
        return frozenset(row["name"] for row in csv.DictReader(file))


def _at_hand(name: str, version: str, folders: Iterable[Path]) -> Iterator[Path]:
    """Yield where a package may be: beside the one that asks for it, or in the cache.

    Its version is the one asked for, else the newest with the same first number: another may ask
    for what the one that is asked for did not.
    """
    major = version.partition(".")[0]
    for folder in folders:
        exact = [f"{name}#{version}", f"{name}-{version}", f"{name}@{version}"]
        others = sorted((p.name for p in folder.glob(f"{name}[#@-]{major}.*")), reverse=True)
        for candidate in dict.fromkeys([*exact, *others]):
            yield from _whole(folder / candidate)


def _whole(path: Path) -> Iterator[Path]:
    """Yield the paths at which a package is: a folder, or an archive of the same name."""
    if (path / MANIFEST).is_file() or (path / FOLDER / MANIFEST).is_file():
        yield path
    yield from (p for e in PACKED if (p := path.with_name(path.name + e)).is_file())
    if path.name.endswith(PACKED) and path.is_file():
        yield path
