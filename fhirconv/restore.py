"""What a server has of a case becomes the Bundle again that was sent."""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from fhirconv.bundle import URN, bundle
from fhirconv.identity import names_of
from fhirconv.tables import Tables

Resource = dict[str, Any]

URI = "urn:ietf:rfc:3986"
OF_SERVER = ("versionId", "lastUpdated")  # in meta
PATIENTS = 1000  # of one source, whose names are tried: p1, p2 ...


def restore(resources: Mapping[str, Resource], base: str, tables: Tables) -> Resource:
    """Return the transaction Bundle that puts the resources of a case where they were put.

    What the server added is taken away, each resource has the id again that it was sent with,
    and references lead to it; the order is that of order.csv, then that of the facts.
    """
    ids = _ids(resources)
    homes = {name: _full_url(ids[name], name, base) for name in resources}
    homes |= {f"{base}/{name}": url for name, url in homes.items()}
    plain = [_plain(resource, ids[name], homes) for name, resource in resources.items()]
    plain.sort(key=_order(plain, tables))
    return _bundle(plain, {_home(r): u for r, u in _urls(resources, ids, homes)})


def _ids(resources: Mapping[str, Resource]) -> dict[str, str]:
    """Return the ids that resources were sent with.

    A Provenance has no identifier: where the server named it, and it is the only one, its id is
    made again as conversion makes it.
    """
    ids = {name: own_id(resource) for name, resource in resources.items()}
    unnamed = [n for n in ids if n.startswith("Provenance/") and not _is_uuid(ids[n])]
    patients = [n for n in ids if n.startswith("Patient/")]
    if len(unnamed) == 1 and len(patients) == 1:
        source = _source(resources[patients[0]])
        patient = _name(source, ids[patients[0]])
        if patient != ids[patients[0]]:
            ids[unnamed[0]] = names_of(source)(f"Provenance/provenance-{patient}")
    return ids


def _source(resource: Resource) -> str:
    """Return the URI of the source; HAPI adds the id of the request to it."""
    return str(resource.get("meta", {}).get("source", "")).partition("#")[0]


def own_id(resource: Resource) -> str:
    """Return the id that a resource was sent with: it is its identifier too, where it has one."""
    listed = resource.get("identifier")
    for identifier in listed if isinstance(listed, list) else [listed]:
        named = identifier if isinstance(identifier, dict) else {}
        value = str(named.get("value", ""))
        if named.get("system") == URI and value.startswith(URN):
            return value.removeprefix(URN)
    return str(resource.get("id"))


def _urls(
    resources: Mapping[str, Resource], ids: Mapping[str, str], homes: Mapping[str, str]
) -> Iterator[tuple[Resource, str]]:
    for name, resource in resources.items():
        yield resource | {"id": ids[name]}, homes[name]


def _home(resource: Resource) -> str:
    return f"{resource['resourceType']}/{resource['id']}"


def _full_url(name: str, address: str, base: str) -> str:
    """Return urn:uuid:ID for an id that is a UUID, else the address on the server."""
    return URN + name if _is_uuid(name) else f"{base}/{address}"


def _is_uuid(name: str) -> bool:
    try:
        return str(UUID(name)) == name
    except ValueError:
        return False


def _plain(resource: Resource, own: str, homes: Mapping[str, str]) -> Resource:
    """Return a resource as it was sent."""
    made: Resource = _led(resource, homes)
    meta = {k: v for k, v in made.get("meta", {}).items() if k not in OF_SERVER}
    meta["source"] = _source(made)
    meta = {name: value for name, value in meta.items() if value}
    made["id"] = own
    made["meta"] = meta
    return made if meta else {name: value for name, value in made.items() if name != "meta"}


def _led(item: Any, homes: Mapping[str, str]) -> Any:
    """Return a copy whose references lead to full URLs, where these are names and no addresses."""
    if isinstance(item, dict):
        made = {name: _led(value, homes) for name, value in item.items()}
        url = homes.get(made["reference"], "") if isinstance(made.get("reference"), str) else ""
        if url.startswith(URN):
            made["reference"] = url
        return made
    return [_led(value, homes) for value in item] if isinstance(item, list) else item


def _order(resources: list[Resource], tables: Tables) -> Any:
    """Return the key of a resource's place: its type, its place among the facts, its id.

    The facts are told in order by what they came from: the targets of the Provenance.
    """
    told = [t for r in resources for t in _targets(r)]
    place = {reference: number for number, reference in reversed(list(enumerate(told)))}

    def key(resource: Resource) -> tuple[int, int, str]:
        kind, name = str(resource["resourceType"]), str(resource["id"])
        return tables.order.get(kind, len(tables.order)), place.get(URN + name, len(place)), name

    return key


def _targets(resource: Resource) -> Iterator[str]:
    if resource["resourceType"] == "Provenance":
        for target in resource.get("target", ()):
            yield str(target.get("reference"))


def _bundle(resources: list[Resource], urls: Mapping[str, str]) -> Resource:
    """Return the resources as a transaction, by the name that it was sent with where it is told."""
    patient = next((r for r in resources if r["resourceType"] == "Patient"), {})
    source = _source(patient)
    stamps = {r.get("recorded") for r in resources if r["resourceType"] == "Provenance"}
    stamp = stamps.pop() if len(stamps) == 1 else None
    made = bundle(resources, "transaction", source, _name(source, str(patient.get("id"))), stamp)
    for entry in made["entry"]:
        entry["fullUrl"] = urls[_home(entry["resource"])]
    return made


def _name(source: str, patient: str) -> str:
    """Return the name that a patient has in the facts: the one of which the id was made.

    Facts found in reports call them p1, p2 and so on; for others the id has to do.
    """
    names = names_of(source)
    listed = (f"p{number}" for number in range(1, PATIENTS))
    return next((name for name in listed if names(f"Patient/{name}") == patient), patient)
