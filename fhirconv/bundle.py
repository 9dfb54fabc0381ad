"""Resources become one Bundle."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import orjson

from fhirconv.errors import UsageError
from fhirconv.identity import names_of

Resource = dict[str, Any]

KINDS = ("transaction", "collection", "document")
URN = "urn:uuid:"


def bundle(
    resources: Sequence[Resource], kind: str, source: str, patient: str, timestamp: str | None
) -> Resource:
    """Return the Bundle of one patient's resources; source is the URI of the report.

    A transaction PUTs every resource on its own id, so that a second upload changes nothing.
    A document holds what its Composition leads to, and needs a timestamp (FHIR bdl-10).
    Raises UsageError for an unknown kind, or a document without a timestamp.
    """
    if kind not in KINDS:
        raise UsageError(f"no kind of Bundle called {kind!r} (known: {', '.join(KINDS)})")
    if kind == "document":
        if timestamp is None:
            raise UsageError(
                "a document Bundle needs a time: give --timestamp or SOURCE_DATE_EPOCH"
            )
        resources = list(_reachable(resources))
    name = names_of(source)(f"Bundle/{patient}")
    made: Resource = {"resourceType": "Bundle", "id": name}
    made["identifier"] = {"system": "urn:ietf:rfc:3986", "value": URN + name}
    made["type"] = kind
    if timestamp is not None:
        made["timestamp"] = timestamp
    made["entry"] = [_entry(resource, kind) for resource in resources]
    return made


def serialise(document: Mapping[str, Any], *, compact: bool = False) -> bytes:
    """Return a JSON document as UTF-8 with a newline at its end: the same bytes each time."""
    options = orjson.OPT_APPEND_NEWLINE | (0 if compact else orjson.OPT_INDENT_2)
    return orjson.dumps(document, _as_written, option=options)


def _as_written(value: Any) -> orjson.Fragment:
    """Return an exact decimal with the digits that it was read with."""
    if not isinstance(value, Decimal):
        raise TypeError(f"a {type(value).__name__} has no place in a JSON document")
    return orjson.Fragment(str(value).lower())


def _entry(resource: Resource, kind: str) -> Resource:
    entry: Resource = {"fullUrl": URN + resource["id"], "resource": resource}
    if kind == "transaction":
        url = f"{resource['resourceType']}/{resource['id']}"
        entry["request"] = {"method": "PUT", "url": url}
    return entry


def _reachable(resources: Sequence[Resource]) -> Iterator[Resource]:
    """Yield the Composition, what it leads to, and the Provenance of these."""
    by_name = {URN + r["id"]: r for r in resources}
    todo = [r for r in resources if r["resourceType"] == "Composition"]
    seen = {r["id"] for r in todo}
    while todo:
        for name in _references(todo.pop()):
            if name in by_name and by_name[name]["id"] not in seen:
                seen.add(by_name[name]["id"])
                todo.append(by_name[name])
    return (r for r in resources if r["id"] in seen or r["resourceType"] == "Provenance")


def _references(item: Any) -> Iterator[str]:
    if isinstance(item, dict):
        if isinstance(item.get("reference"), str):
            yield item["reference"]
        for value in item.values():
            yield from _references(value)
    elif isinstance(item, list):
        for value in item:
            yield from _references(value)
