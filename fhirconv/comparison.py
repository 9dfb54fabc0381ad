"""What differs between a resource as it is sent and as a server has it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from difflib import SequenceMatcher
from typing import Any
from xml.etree.ElementTree import ParseError, canonicalize

from fhirconv.bundle import serialise
from fhirconv.references import led

Resource = dict[str, Any]

OF_SERVER = ("versionId", "lastUpdated")  # in meta
KEPT = ("profile", "security", "tag")  # in meta: an update adds to them, and takes none away
MISSING = None  # JSON has no null in FHIR but in lists of primitives


@dataclass(frozen=True, slots=True)
class Change:
    """One element that differs: what the server has, and what is sent; None is nothing."""

    path: str  # Condition.code.text
    old: Any
    new: Any


def changes(sent: Resource, stored: Resource, homes: Mapping[str, str]) -> Iterator[Change]:
    """Yield what sending a resource changes in the one that a server has.

    `homes` has the Type/id of the full URLs that the resource refers to. What servers add by
    themselves is no change: the version, the time, a request after '#' in meta.source, a
    generated narrative.
    """
    ours, theirs = led(sent, homes), led(stored, homes)
    theirs = _without_additions(theirs, ours)
    yield from _differing(str(sent.get("resourceType", "")), theirs, ours)


def is_equal(sent: Resource, stored: Resource, homes: Mapping[str, str]) -> bool:
    """Say whether a server has a resource as it is sent, whatever id it has there."""
    return not any(change.path.partition(".")[2] != "id" for change in changes(sent, stored, homes))


def _without_additions(stored: Resource, sent: Resource) -> Resource:
    """Return a stored resource without what the server added to the one that was sent."""
    kept = dict(stored)
    meta = _meta(_dict(stored.get("meta")), _dict(sent.get("meta")))
    kept.pop("meta", None)
    if meta:
        kept["meta"] = meta
    if "text" not in sent and _dict(stored.get("text")).get("status") == "generated":
        kept.pop("text")
    return kept


def _meta(stored: Resource, sent: Resource) -> Resource:
    kept = {name: value for name, value in stored.items() if name not in OF_SERVER}
    source = kept.get("source")
    if isinstance(source, str) and "#" in source and source != sent.get("source"):
        kept["source"] = source.rpartition("#")[0]  # HAPI adds the id of the request
    for name in KEPT:
        listed = kept.get(name)
        wanted = sent.get(name)
        if isinstance(listed, list):
            kept[name] = [one for one in listed if isinstance(wanted, list) and one in wanted]
    return {name: value for name, value in kept.items() if value}


def _differing(path: str, old: Any, new: Any) -> Iterator[Change]:
    if isinstance(old, dict) and isinstance(new, dict):
        for name in dict.fromkeys((*new, *old)):
            yield from _differing(f"{path}.{name}", old.get(name), new.get(name))
    elif isinstance(old, list) and isinstance(new, list):
        yield from _of_lists(path, old, new)
    elif not _same(path, old, new):
        yield Change(path, old, new)


def _of_lists(path: str, old: list[Any], new: list[Any]) -> Iterator[Change]:
    """Yield what differs in a list: items of one number pair up, else the equal ones first."""
    if len(old) == len(new):
        for number, pair in enumerate(zip(old, new, strict=True)):
            yield from _differing(f"{path}[{number}]", *pair)
        return
    matcher = SequenceMatcher(None, [_key(o) for o in old], [_key(n) for n in new], autojunk=False)
    for kind, first, last, begin, end in matcher.get_opcodes():
        if kind != "equal":
            pairs = min(last - first, end - begin)
            for step in range(pairs):
                where = f"{path}[{begin + step}]"
                yield from _differing(where, old[first + step], new[begin + step])
            for number in range(first + pairs, last):
                yield Change(f"{path}[{number}]", old[number], MISSING)
            for number in range(begin + pairs, end):
                yield Change(f"{path}[{number}]", MISSING, new[number])


def _key(item: Any) -> bytes:
    return serialise({"": item}, compact=True)


def _same(path: str, old: Any, new: Any) -> bool:
    if isinstance(old, bool) or isinstance(new, bool):
        return old is new
    if isinstance(old, int | float | Decimal) and isinstance(new, int | float | Decimal):
        return Decimal(str(old)) == Decimal(str(new))
    if path.endswith(".div") and isinstance(old, str) and isinstance(new, str):
        return _canonical(old) == _canonical(new)
    return bool(old == new)


def _canonical(narrative: str) -> str:
    """Return XHTML with its attributes in order; a server writes them as it likes."""
    if "<!" in narrative:  # no XHTML of FHIR has entities or a document type
        return narrative
    try:
        return canonicalize(narrative)
    except ParseError:
        return narrative


def _dict(value: Any) -> Resource:
    return value if isinstance(value, dict) else {}
