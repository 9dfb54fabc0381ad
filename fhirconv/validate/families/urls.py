"""The URLs that the families of rules go by, read from urls.csv."""

import csv
import re
from functools import lru_cache
from pathlib import Path

from fhirconv.validate.definitions import Definitions


@lru_cache(maxsize=8)
def _read(folder: Path) -> dict[str, str]:
    with (folder / "urls.csv").open(encoding="utf-8", newline="") as file:
        return {row["role"]: row["url"] for row in csv.DictReader(file)}


def url_of(role: str, definitions: Definitions) -> str:
    """Return the URL that has a role in urls.csv."""
    return _read(definitions.folder)[role]


@lru_cache(maxsize=32)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


def matches(role: str, url: str, definitions: Definitions) -> re.Match[str] | None:
    """Match a URL with the pattern that has a role in urls.csv."""
    return _compiled(url_of(role, definitions)).fullmatch(url)
