"""What a push would do: each resource created, changed element by element, or left as it is."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fhirconv.comparison import Change, changes
from fhirconv.inquiry import Found, Inquiry
from fhirconv.references import address_of, homes_of, named, resource_of
from fhirconv.upload import entries_of

Resource = dict[str, Any]

KINDS = CREATE, CHANGE, LEAVE, UNKNOWN = ("create", "change", "leave", "unknown")
AT_ONCE = 100  # resources asked for before the first bundles are told of


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What would become of one entry."""

    entry: int
    resource: str  # Type/id
    kind: str
    version: str = ""  # that the server has
    note: str = ""
    changes: tuple[Change, ...] = ()


Versions = Callable[[str], str]  # Type/id -> the version that we left there, '' if not known
Told = tuple[Resource, list[Foreseen]]


def foresee(
    bundles: Iterable[Resource], inquiry: Inquiry, left: Versions = lambda _: ""
) -> Iterator[Told]:
    """Yield every bundle with what would become of its entries; nothing is written.

    Resources are asked for by their Type/id, those of several bundles at once.
    """
    held: list[Resource] = []
    wanted: dict[str, None] = {}
    for bundle in bundles:
        held.append(bundle)
        wanted |= dict.fromkeys(filter(None, map(_question, entries_of(bundle))))
        if len(wanted) >= AT_ONCE:
            yield from _answered(held, list(wanted), inquiry, left)
            held, wanted = [], {}
    yield from _answered(held, list(wanted), inquiry, left)


def _answered(
    bundles: list[Resource], wanted: list[str], inquiry: Inquiry, left: Versions
) -> Iterator[Told]:
    found = dict(zip(wanted, inquiry.ask(wanted), strict=True))
    base = inquiry.server.session.address
    for bundle in bundles:
        homes = homes_of(entries_of(bundle))
        homes |= {f"{base}/{home}": home for home in homes.values()}
        told = []
        for number, entry in enumerate(entries_of(bundle)):
            answer = found.get(_question(entry))
            told.append(_foreseen(number, entry, answer, homes, left))
        yield bundle, told


def _question(entry: Any) -> str:
    """Return what to ask a server to know what becomes of an entry; '' for nothing."""
    request = entry["request"]
    if request["method"] == "POST" and request.get("ifNoneExist"):
        return f"{request['url']}?{request['ifNoneExist']}"
    return address_of(entry)


def _foreseen(
    number: int, entry: Any, found: Found | None, homes: dict[str, str], left: Versions
) -> Foreseen:
    name = address_of(entry) or named(entry)
    if found is None:
        method = entry["request"]["method"]
        note = "" if method == "POST" else f"a {method} is not foreseen"
        return Foreseen(number, name, UNKNOWN if note else CREATE, note=note)
    if found.resource.get("resourceType") == "Bundle":
        there = bool(entries_of(found.resource))
        return Foreseen(number, name, LEAVE if there else CREATE)
    if found.is_there:
        return _compared(number, entry, found.resource, homes, left(name))
    if found.status == HTTPStatus.GONE:
        return Foreseen(number, name, CREATE, note="it was deleted on the server")
    if found.status == HTTPStatus.NOT_FOUND:
        note = "it was there after an earlier push" if left(name) else ""
        return Foreseen(number, name, CREATE, note=note)
    return Foreseen(number, name, UNKNOWN, note=f"the server answers {found.status}")


def _compared(
    number: int, entry: Any, stored: Resource, homes: dict[str, str], ours: str
) -> Foreseen:
    """Return what becomes of an entry that is there; `ours` is the version that we left."""
    meta = stored.get("meta")
    version = str(meta.get("versionId", "")) if isinstance(meta, dict) else ""
    edited = ours and version and ours != version
    note = f"somebody changed it since our version {ours}" if edited else ""
    listed = tuple(changes(resource_of(entry), stored, homes))
    kind = CHANGE if listed else LEAVE
    return Foreseen(number, address_of(entry), kind, version, note, listed)
