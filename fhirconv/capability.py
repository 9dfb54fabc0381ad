"""What a server says that it takes: its CapabilityStatement, which may leave out much."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from fhirconv.outcome import Issue
from fhirconv.references import address_of, resource_of

Resource = dict[str, Any]

WAYS = ("transaction", "batch", "single")  # how a bundle can be sent, best first


@dataclass(frozen=True, slots=True)
class Kind:
    """What is said of one resource type; None where nothing is said."""

    interactions: frozenset[str] | None = None
    searches: frozenset[str] | None = None
    update_creates: bool | None = None
    conditional_create: bool | None = None


@dataclass(frozen=True, slots=True)
class Capability:
    """What a statement says of the whole server, and of each resource type; None: nothing."""

    interactions: frozenset[str] | None = None
    kinds: Mapping[str, Kind] = field(default_factory=dict)

    @property
    def way(self) -> str:
        """How bundles are best sent: a statement that says nothing of it is no obstacle."""
        said = self.interactions or frozenset(WAYS)
        return next((way for way in WAYS[:2] if way in said), "single")


def capability_of(statement: Resource) -> Capability:
    """Return what a CapabilityStatement says of the server, of any shape."""
    for rest in _dicts(statement.get("rest")):
        if rest.get("mode", "server") == "server":
            kinds = {str(r.get("type")): _kind(r) for r in _dicts(rest.get("resource"))}
            return Capability(_codes(rest.get("interaction")), kinds)
    return Capability()


def obstacles(bundle: Resource, capability: Capability, where: str) -> Iterator[Issue]:
    """Yield why a server cannot take a bundle by its own words, one sentence each.

    What the statement leaves out is no obstacle, as many leave out much.
    """
    entries = bundle.get("entry") or []
    kinds = dict.fromkeys(str(resource_of(entry).get("resourceType")) for entry in entries)
    if capability.kinds:
        unknown = [kind for kind in kinds if kind not in capability.kinds]
        if unknown:
            known = len(capability.kinds)
            message = f"the server says that it takes no {' and no '.join(unknown)}"
            yield Issue(
                "error", "not-supported", f"{message} (types in its statement: {known})", where
            )
    put = dict.fromkeys(address_of(entry).partition("/")[0] for entry in entries)
    refusing = [k for k in put if k and _of(capability, k).update_creates is False]
    if refusing:
        message = f"the server says that it lets no client choose the id of a {refusing[0]}"
        yield Issue("error", "not-supported", f"{message}: try --ids server", where)


def _of(capability: Capability, kind: str) -> Kind:
    return capability.kinds.get(kind, Kind())


def _kind(resource: Resource) -> Kind:
    searches = resource.get("searchParam")
    names = frozenset(str(one.get("name")) for one in _dicts(searches))
    return Kind(
        _codes(resource.get("interaction")),
        names if isinstance(searches, list) else None,
        _truth(resource.get("updateCreate")),
        _truth(resource.get("conditionalCreate")),
    )


def _codes(listed: Any) -> frozenset[str] | None:
    """Return the codes of interactions; None where none are listed."""
    return frozenset(str(one.get("code")) for one in _dicts(listed)) or None


def _truth(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _dicts(value: Any) -> Iterator[Resource]:
    yield from (one for one in (value if isinstance(value, list) else ()) if isinstance(one, dict))
