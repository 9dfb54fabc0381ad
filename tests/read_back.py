"""What a HAPI server changes in a resource that it stores; everything else must come back equal."""

import json
from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import canonicalize

Resource = dict[str, Any]


def parse(text: bytes | str) -> Resource:
    """Read JSON with every number as it was written: 1.0 is not 1."""
    parsed: Resource = json.loads(text, parse_float=lambda digits: ("number", digits))
    return parsed


def addresses(bundle: Resource) -> dict[str, str]:
    """Give the relative address under which each full URL of a bundle is stored."""
    return {
        entry["fullUrl"]: f"{entry['resource']['resourceType']}/{entry['resource']['id']}"
        for entry in bundle["entry"]
    }


def as_sent(resource: Resource, stored: Mapping[str, str]) -> Any:
    """Give the form in which a resource of a bundle must come back: references by address.

    In extensions of primitives (`_start`, `_date`) HAPI leaves references as they were sent.
    The attributes of a narrative have no order, so it is compared as canonical XML.
    """
    return _changed(resource, stored)


def as_read(resource: Resource) -> Any:
    """Take from a stored resource what the server adds: version, time, request id after '#'."""
    meta = {
        key: value
        for key, value in resource.get("meta", {}).items()
        if key not in ("versionId", "lastUpdated")
    }
    if "source" in meta:
        meta["source"] = meta["source"].rpartition("#")[0]
    kept = {key: value for key, value in meta.items() if value}
    rest = {key: value for key, value in resource.items() if key != "meta"}
    return _changed(rest | ({"meta": kept} if kept else {}), {})


def _changed(item: Any, stored: Mapping[str, str], name: str = "") -> Any:
    if isinstance(item, dict):
        return {
            key: _changed(value, {} if key.startswith("_") else stored, key)
            for key, value in item.items()
        }
    if isinstance(item, list):
        return [_changed(value, stored, name) for value in item]
    if name == "reference" and isinstance(item, str):
        return stored.get(item, item)
    if name == "div" and isinstance(item, str):
        return canonicalize(item)
    return item
