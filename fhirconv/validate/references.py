"""References: do they lead somewhere, and to a resource of an allowed type."""

import re
from collections.abc import Iterable

from fhirconv.validate.definitions import Element
from fhirconv.validate.scope import Node, Place, Scope, nodes, quoted

# A reference as a REST server has it: Type/id, alone or at the end of a URL, maybe of a version.
RESTFUL = re.compile(
    r"(?P<base>https?://\S+/)?(?P<type>[A-Za-z]+)/(?P<id>[A-Za-z0-9.-]{1,64})"
    r"(?:/_history/(?P<version>[A-Za-z0-9.-]{1,64}))?(?:#.*)?"
)
QUERY = re.compile(r"(?P<type>[A-Za-z]+)\?[^=&?]+=[^&?]+(&[^=&?]+=[^&?]+)*")
PLACEHOLDERS = ("urn:uuid:", "urn:oid:")
UUID = re.compile(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")


class Index:
    """The entries of a Bundle by fullUrl and by Type/id, and which of them point to which."""

    def __init__(self, bundle: Node, place: Place) -> None:
        listed = bundle.get("entry")
        self.place = place
        self.type = bundle.get("type")
        self.entries: list[Node] = (
            [e if isinstance(e, dict) else {} for e in listed] if isinstance(listed, list) else []
        )
        self.links: dict[int, list[Node]] = {}
        self._found: dict[str, list[Node]] = {}
        for entry in self.entries:
            for name in filter(None, (entry.get("fullUrl"), type_and_id(entry.get("resource")))):
                if isinstance(name, str):
                    self._found.setdefault(name, []).append(entry)

    def entry_around(self, place: Place) -> Node | None:
        """Return the entry whose resource stands at a place."""
        above = place.above
        if above is None or above.name != "entry" or above.above is not self.place:
            return None
        return self.entries[above.index or 0]

    def find(self, reference: str, around: Node | None) -> list[Node]:
        """Return the entries that a reference means; `around` is the entry that holds it."""
        path, _, version = reference.partition("#")[0].partition("/_history/")
        own = RESTFUL.fullmatch(str((around or {}).get("fullUrl", "")))
        base = own["base"] or "" if own and not ABSOLUTE.fullmatch(path) else ""
        found = self._found.get(base + path) or self._found.get(path, [])
        return [e for e in found if not version or version_of(e) == version]

    def link(self, entry: Node | None, target: Node) -> None:
        """Note that the resource of one entry points to that of another."""
        self.links.setdefault(id(entry), []).append(target)


def type_and_id(resource: object) -> str:
    """Return Type/id of a resource, '' where it has no id."""
    if not isinstance(resource, dict) or not resource.get("id"):
        return ""
    return f"{resource.get('resourceType')}/{resource['id']}"


def version_of(entry: Node) -> object:
    """Return the version that the resource of an entry says it is."""
    resource = entry.get("resource")
    meta = resource.get("meta") if isinstance(resource, dict) else None
    return meta.get("versionId") if isinstance(meta, dict) else None


def check_reference(value: Node, scope: Scope, at: Place, element: Element | None) -> None:
    """Check that a Reference leads to a resource that is there, and of an allowed type."""
    reference = value.get("reference")
    allowed = element.targets if element else ()
    named = value.get("type")
    if not isinstance(reference, str):
        _check_type(named, "", allowed, scope, at)
        return
    place = at.child("reference")
    if reference.startswith("#"):
        kind = _contained(reference, scope, place)
    elif reference.startswith(PLACEHOLDERS):
        kind = _in_bundle(reference, scope, place)
    elif "?" in reference:
        kind = _conditional(reference, scope, place)
    else:
        kind = _restful(reference, scope, place, allowed)
    _check_type(kind, reference, allowed, scope, at)
    if kind and isinstance(named, str) and named.rpartition("/")[2] != kind:
        message = f"the reference {quoted(reference)} leads to a {kind}, its type says {named!r}"
        scope.error("value", message, at.child("type"))


def _check_type(
    kind: object, reference: str, allowed: tuple[str, ...], scope: Scope, at: Place
) -> None:
    if isinstance(kind, str) and kind and allowed and kind.rpartition("/")[2] not in allowed:
        shown = quoted(reference) if reference else "without a literal reference"
        message = f"the reference {shown} leads to a {kind}, allowed is {' or '.join(allowed)}"
        scope.error("structure", message, at)


def _contained(reference: str, scope: Scope, at: Place) -> str:
    """Return the type of the contained resource that is meant; '' where there is none."""
    container = scope.container or scope.resource
    if reference == "#":
        return str(container.get("resourceType", "")) if scope.container else ""
    for resource in nodes(container, "contained"):
        if resource.get("id") == reference[1:]:
            return str(resource.get("resourceType", ""))
    scope.error("not-found", f"no contained resource has the id of {quoted(reference)} (ref-1)", at)
    return ""


def _in_bundle(reference: str, scope: Scope, at: Place) -> str:
    """Return the type of the entry that a urn: means; '' where there is none."""
    if reference.startswith(PLACEHOLDERS[0]) and not UUID.fullmatch(reference):
        scope.error("value", f"{quoted(reference)} is no urn:uuid: of a UUID", at)
        return ""
    if scope.index is None:
        message = f"{quoted(reference)} leads nowhere: there is no Bundle around the resource"
        scope.warn("not-found", message, at)
        return ""
    found = scope.index.find(reference, scope.entry)
    if not found:
        scope.error("not-found", f"no entry has the fullUrl {quoted(reference)}", at)
    return _type_of(found, reference, scope, at)


def _conditional(reference: str, scope: Scope, at: Place) -> str:
    """Return the type that a conditional reference (Patient?identifier=...) searches."""
    found = QUERY.fullmatch(reference)
    if not found or not scope.definitions.is_resource(found["type"]):
        if ABSOLUTE.fullmatch(reference):
            return ""
        scope.error("value", f"{quoted(reference)} is no reference by search: Type?name=value", at)
        return ""
    if scope.index is None or scope.index.type != "transaction":
        message = f"{quoted(reference)} searches, which only a transaction may do"
        scope.error("business-rule", message, at)
    return found["type"]


def _restful(reference: str, scope: Scope, at: Place, allowed: tuple[str, ...]) -> str:
    """Return the type that Type/id or a URL names; '' where it names none."""
    found = RESTFUL.fullmatch(reference)
    known = found and scope.definitions.is_resource(found["type"])
    if not known and not ABSOLUTE.fullmatch(reference):
        release = scope.definitions.release
        message = f"{quoted(reference)} is neither Type/id of a type of FHIR {release} nor a URL"
        scope.error("value", message, at)
        return ""
    targets = scope.index.find(reference, scope.entry) if scope.index else []
    kind = found["type"] if found and known else ""
    if targets:
        return _type_of(targets, reference, scope, at)
    wrong = kind and allowed and kind not in allowed
    if scope.index and found and not found["base"] and not wrong and _whole(scope.index):
        scope.warn("not-found", f"{quoted(reference)} is not in the Bundle", at)
    return kind


def _whole(index: Index) -> bool:
    """Say whether a Bundle should hold what it refers to: no result of a search or a history."""
    return index.type not in ("searchset", "history", "batch-response", "transaction-response")


def _type_of(entries: list[Node], reference: str, scope: Scope, at: Place) -> str:
    """Return the type of the resource in the entry that was found."""
    if len(entries) > 1 and scope.index and scope.index.type != "history":
        message = f"{quoted(reference)} means {len(entries)} entries of the Bundle"
        scope.error("multiple-matches", message, at)
    for entry in entries:
        if scope.index:
            scope.index.link(scope.entry, entry)
    resource = entries[0].get("resource") if entries else None
    kind = resource.get("resourceType") if isinstance(resource, dict) else None
    return str(kind) if scope.definitions.is_resource(kind) else ""


def unreachable(index: Index, start: Iterable[Node]) -> list[int]:
    """Return the numbers of entries that no chain of references from the first ones reaches.

    A reference leads both ways: what points to a reached entry is reached as well.
    """
    both: dict[int, set[int]] = {}
    for source, targets in index.links.items():
        for target in targets:
            both.setdefault(source, set()).add(id(target))
            both.setdefault(id(target), set()).add(source)
    reached: set[int] = set()
    ahead = [id(entry) for entry in start]
    while ahead:
        entry = ahead.pop()
        if entry not in reached:
            reached.add(entry)
            ahead.extend(both.get(entry, ()))
    return [n for n, entry in enumerate(index.entries) if id(entry) not in reached]
