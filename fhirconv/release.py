"""Which FHIR release a resource is of, told by the elements that only one release has."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from fhirconv.tables import Mark, Tables

Resource = dict[str, Any]

BUNDLE = "Bundle"


def release_of(bundle: Resource, tables: Tables) -> str | None:
    """Return the one release that a resource can be of; None where several can, or none.

    A definition says so itself, in its fhirVersion; of anything else the marks tell.
    """
    stated = _stated(bundle, tables)
    if stated:
        return stated
    possible = set(tables.releases)
    for _, mark in marks_of(bundle, tables):
        possible &= set(mark.releases)
    return possible.pop() if len(possible) == 1 else None


def marks_of(bundle: Resource, tables: Tables) -> Iterator[tuple[int, Mark]]:
    """Yield every mark of a release in a bundle, with the number of its entry.

    A resource that is no bundle counts as its entry 0.
    """
    by_type = _by_type(tables)
    entries = bundle.get("entry")
    alone = [{"resource": bundle}] if bundle.get("resourceType") != BUNDLE else ()
    for number, entry in enumerate(alone or (entries if isinstance(entries, list) else ())):
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if isinstance(resource, dict):
            for mark in by_type.get(str(resource.get("resourceType")), ()):
                if _has(resource, mark.element.split(".") if mark.element else []):
                    yield number, mark


@lru_cache(maxsize=4)
def _by_type(tables: Tables) -> dict[str, list[Mark]]:
    """Return the marks of each resource type."""
    by_type: dict[str, list[Mark]] = {}
    for mark in (mark for mark in tables.marks if mark.releases):
        by_type.setdefault(mark.resource, []).append(mark)
    return by_type


def _stated(resource: Resource, tables: Tables) -> str | None:
    """Return the release of the one fhirVersion that a definition names; None where none is."""
    versions = resource.get("fhirVersion")
    listed = versions if isinstance(versions, list) else [versions]
    known = {release.version: name for name, release in tables.releases.items()}
    named = {known.get(str(version)) for version in listed}
    return named.pop() if len(named) == 1 else None


def _has(node: object, path: list[str]) -> bool:
    """Say whether a node has the element of a path, as a list where the path says '[]'."""
    if not path:
        return True
    if not isinstance(node, dict):
        return False
    step, rest = path[0], path[1:]
    name = step.removesuffix("[]")
    value = node.get(name, node.get(f"_{name}"))
    if value is None or isinstance(value, list) != (step != name):
        return False
    return any(_has(one, rest) for one in (value if isinstance(value, list) else [value]))
