"""A defect of a table as an Issue, and what several checks of tables ask."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import orjson

from fhirconv.outcome import Issue
from fhirconv.sheets import Line
from fhirconv.tables import MAPPINGS, Tables

ABSTRACT = "DomainResource"  # its rows serve every resource


def defect(message: str, where: str) -> Issue:
    """Return a defect that makes the tables unsound."""
    return Issue("error", "structure", message, where)


def doubt(message: str, where: str) -> Issue:
    """Return a defect that a person should look at, with which the tables still work."""
    return Issue("warning", "structure", message, where)


@lru_cache(maxsize=1)
def schema() -> Mapping[str, Any]:
    """Return the parts of the schema of facts documents, by name."""
    parts: Mapping[str, Any] = orjson.loads((MAPPINGS / "facts.schema.json").read_bytes())["$defs"]
    return parts


def strange_releases(names: Iterable[str], tables: Tables, where: str) -> Iterator[Issue]:
    """Yield a defect for each release that the tables do not know."""
    for name in sorted(set(names) - set(tables.releases)):
        known = ", ".join(tables.releases)
        yield defect(f"no FHIR release called {name!r} (known: {known})", where)


def releases_of(names: Iterable[str], tables: Tables) -> frozenset[str]:
    """Return the releases that a row is meant for: those it names, or all."""
    return frozenset(names) or frozenset(tables.releases)


def said_twice(lines: Iterable[Line], key: Sequence[str], tables: Tables) -> Iterator[Issue]:
    """Yield a defect for each row whose key another row has in one of its releases."""
    seen: dict[tuple[str, ...], list[tuple[frozenset[str], str]]] = {}
    for line in lines:
        name = tuple(line[column] for column in key)
        mine = releases_of(line.get("releases", "").split(), tables)
        others = seen.setdefault(name, [])
        other = next((origin for releases, origin in others if releases & mine), "")
        if other:
            said = " ".join(filter(None, name)) or "all"
            yield defect(f"there is a row for {said!r} already ({other})", line["origin"])
        others.append((mine, line["origin"]))
