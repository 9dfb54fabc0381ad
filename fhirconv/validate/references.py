"""References: do they lead somewhere, and to a resource of an allowed type."""

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from fhirconv.validate.definitions import Element, Shape
from fhirconv.validate.scope import Check, Node, Problem, Scope, error, nodes, quoted, warning

if TYPE_CHECKING:
    from fhirconv.validate.engine import Engine

# A reference as a REST server has it: Type/id, alone or at the end of a URL, maybe of a version.
RESTFUL = re.compile(
    r"(?P<base>https?://\S+/)?(?P<type>[A-Za-z]+)/(?P<id>[A-Za-z0-9.-]{1,64})"
    r"(?:/_history/(?P<version>[A-Za-z0-9.-]{1,64}))?(?:#.*)?"
)
QUERY = re.compile(r"(?P<type>[A-Za-z]+)\?[^=&?]+=[^&?]+(&[^=&?]+=[^&?]+)*")
PLACEHOLDERS = ("urn:uuid:", "urn:oid:")
# The Bundles that are of no use without what their placeholders stand for; what is collected or
# was found may refer to what is elsewhere, of which HL7's validator warns too.
SPACE = re.compile(r"\s")
LOOSE = re.compile(r"[^/?#\s]+")  # what is meant for an id
WHOLE = ("transaction", "batch", "document", "message")
UUID = re.compile(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
LINKED = 8  # of the entries that one reference means; more than one is an error anyway
ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")


class Index:
    """The entries of a Bundle by fullUrl and by Type/id, and which of them point to which."""

    def __init__(self, bundle: Node) -> None:
        listed = bundle.get("entry")
        self.type = bundle.get("type")
        self.entries: list[Node] = (
            [e if isinstance(e, dict) else {} for e in listed] if isinstance(listed, list) else []
        )
        self.links: dict[int, list[Node]] = {}
        self._found: dict[str, list[Node]] = {}
        self._around = {id(entry.get("resource")): entry for entry in self.entries}
        for entry in self.entries:
            for name in filter(None, (entry.get("fullUrl"), type_and_id(entry.get("resource")))):
                if isinstance(name, str):
                    self._found.setdefault(name, []).append(entry)
        named = ((name, found[0]) for name, found in self._found.items() if len(found) == 1)
        told = ((name, entry, kind_of(entry)) for name, entry in named)
        # What one entry alone can mean, whoever refers to it, with the type of its resource.
        self.plain: dict[object, tuple[Node, str]] = {
            name: (entry, kind) for name, entry, kind in told if kind and _is_placeholder(name)
        }

    def entry_around(self, resource: object) -> Node | None:
        """Return the entry that holds a resource."""
        return self._around.get(id(resource))

    def find(self, reference: str, around: Node | None) -> list[Node]:
        """Return the entries that a reference means; `around` is the entry that holds it."""
        path, _, version = reference.partition("#")[0].partition("/_history/")
        own = RESTFUL.fullmatch(str((around or {}).get("fullUrl", "")))
        base = own["base"] or "" if own and not ABSOLUTE.fullmatch(path) else ""
        found = self._found.get(base + path) or self._found.get(path, [])
        return [e for e in found if version_of(e) == version] if version else found

    def link(self, entry: Node | None, target: Node) -> None:
        """Note that the resource of one entry points to that of another."""
        self.links.setdefault(id(entry), []).append(target)


def _is_placeholder(name: str) -> bool:
    return name.startswith(PLACEHOLDERS)


def kind_of(entry: Node) -> str:
    """Return the type that the resource of an entry says it is, '' where it says none."""
    resource = entry.get("resource")
    kind = resource.get("resourceType") if isinstance(resource, dict) else None
    return kind if isinstance(kind, str) else ""


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


def reference_check(shape: Shape, element: Element | None, engine: "Engine") -> Check:
    """Return the check that a Reference leads to a resource that is there, of an allowed type."""
    allowed = element.targets if element else ()
    abstract = [name for name in allowed if not engine.definitions.is_resource(name)]
    targets = () if abstract else allowed

    def check(value: Node, scope: Scope) -> list[Problem] | None:
        reference = value.get("reference")
        named = value.get("type")
        index = scope.index
        if index is not None and named is None and reference in index.plain:
            entry, plain = index.plain[reference]
            if not targets or plain in targets:
                index.link(scope.entry, entry)
                return None
        found: list[Problem] = []
        kind = _kind(reference, scope, targets, found) if isinstance(reference, str) else named
        if isinstance(kind, str) and kind and targets and kind.rpartition("/")[2] not in targets:
            found.append(_wrong_type(kind, reference, targets))
        if kind and kind != named and isinstance(named, str) and named.rpartition("/")[2] != kind:
            message = (
                f"the reference {quoted(reference)} leads to a {kind}, its type says {named!r}"
            )
            found.append(error("value", message, "type"))
        return found or None

    return check


def _wrong_type(
    kind: str, reference: object, allowed: tuple[str, ...], tell: Callable[..., Problem] = error
) -> Problem:
    """Tell a type that is not allowed."""
    literal = isinstance(reference, str)
    shown = quoted(reference) if literal else "without a literal reference"
    message = f"the reference {shown} leads to a {kind}, allowed is {' or '.join(allowed)}"
    return tell("structure", message)


def _kind(reference: str, scope: Scope, allowed: tuple[str, ...], found: list[Problem]) -> str:
    """Return the type that a reference leads to, '' where it cannot be told; note problems."""
    if reference.startswith("#"):
        return _contained(reference, scope, found)
    if reference.startswith(PLACEHOLDERS):
        return _in_bundle(reference, scope, found)
    if "?" in reference:
        return _conditional(reference, scope, found)
    return _restful(reference, scope, allowed, found)


def _contained(reference: str, scope: Scope, found: list[Problem]) -> str:
    """Return the type of the contained resource that is meant; '' where there is none."""
    container = scope.container or scope.resource
    if reference == "#" and scope.container:
        return str(container.get("resourceType", ""))
    for resource in nodes(container, "contained"):
        if resource.get("id") == reference[1:]:
            return str(resource.get("resourceType", ""))
    message = f"no contained resource has the id of {quoted(reference)} (ref-1)"
    found.append(error("not-found", message, "reference"))
    return ""


def _in_bundle(reference: str, scope: Scope, found: list[Problem]) -> str:
    """Return the type of the entry that a urn: means; '' where there is none."""
    if scope.index is not None:
        entries = scope.index.find(reference, scope.entry)
        if entries:
            return _type_of(entries, reference, scope, found)
    tell = error if scope.index is not None and scope.index.type in WHOLE else warning
    if reference.startswith(PLACEHOLDERS[0]) and not UUID.fullmatch(reference):
        message = f"{quoted(reference)} is no urn:uuid: of a UUID"
        found.append(tell("value", message, "reference"))
    elif scope.index is None:
        message = f"{quoted(reference)} leads nowhere: there is no Bundle around the resource"
        found.append(warning("not-found", message, "reference"))
    else:
        message = f"no entry has the fullUrl {quoted(reference)}"
        found.append(tell("not-found", message, "reference"))
    return ""


def _conditional(reference: str, scope: Scope, found: list[Problem]) -> str:
    """Return the type that a conditional reference (Patient?identifier=...) searches."""
    asked = QUERY.fullmatch(reference)
    if not asked or not scope.definitions.is_resource(asked["type"]):
        if not ABSOLUTE.fullmatch(reference):
            message = f"{quoted(reference)} is no reference by search: Type?name=value"
            meant = scope.definitions.is_resource(reference.partition("?")[0])
            found.append((error if meant else _literal(scope))("value", message, "reference"))
        return ""
    if scope.index is None or scope.index.type not in ("transaction", "batch"):
        message = f"{quoted(reference)} searches, which only what is sent to a server may do"
        found.append(_literal(scope)("business-rule", message, "reference"))
    return asked["type"]


def _literal(scope: Scope) -> Callable[..., Problem]:
    """Return how what is wrong with the text of a reference is told.

    It is an error in a Bundle. Outside of one the server that is meant may know better: HL7's
    validator lets it pass, and it is a warning here.
    """
    return warning if scope.index is None else error


def _restful(reference: str, scope: Scope, allowed: tuple[str, ...], found: list[Problem]) -> str:
    """Return the type that Type/id or a URL names; '' where it names none."""
    parts = RESTFUL.fullmatch(reference)
    known = parts and scope.definitions.is_resource(parts["type"])
    if not known and not ABSOLUTE.fullmatch(reference):
        release = scope.definitions.release
        message = f"{quoted(reference)} is neither Type/id of a type of FHIR {release} nor a URL"
        kind, slash, name = reference.partition("/")
        near = slash and name and LOOSE.fullmatch(name) and scope.definitions.is_resource(kind)
        tell = error if SPACE.search(reference) else warning if near else _literal(scope)
        found.append(tell("value", message, "reference"))
        return ""
    targets = scope.index.find(reference, scope.entry) if scope.index else []
    kind = parts["type"] if parts and known else ""
    if targets:
        return _type_of(targets, reference, scope, found)
    if kind and allowed and kind not in allowed:
        found.append(_wrong_type(kind, reference, allowed, _literal(scope)))
        return ""
    if scope.index and parts and not parts["base"] and _whole(scope.index):
        found.append(warning("not-found", f"{quoted(reference)} is not in the Bundle", "reference"))
    return kind


def _whole(index: Index) -> bool:
    """Say whether a Bundle should hold what it refers to: no result of a search or a history."""
    return index.type not in ("searchset", "history", "batch-response", "transaction-response")


def _type_of(entries: list[Node], reference: str, scope: Scope, found: list[Problem]) -> str:
    """Return the type of the resource in the entry that was found."""
    index = scope.index
    if len(entries) > 1 and index and index.type != "history":
        message = f"{quoted(reference)} means {len(entries)} entries of the Bundle"
        found.append(error("multiple-matches", message, "reference"))
    for entry in entries[:LINKED]:
        if index:
            index.link(scope.entry, entry)
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
