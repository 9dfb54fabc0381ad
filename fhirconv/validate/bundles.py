"""The rules of a Bundle: its entries, their addresses and requests, and what its type asks for."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from fhirconv.validate.references import (
    PLACEHOLDERS,
    RESTFUL,
    UUID,
    type_and_id,
    unreachable,
    version_of,
)
from fhirconv.validate.rules import ABSOLUTE, Case, Finding
from fhirconv.validate.scope import Node, Place, nodes, quoted

OUTCOME = "OperationOutcome"  # the only result that nothing refers to
WRITES = ("PUT", "PATCH", "DELETE")  # to an address of one resource
WEB = ("http://", "https://")


def entries(case: Case) -> Iterator[tuple[Place, Node]]:
    """Yield every entry of a Bundle with its place."""
    listed = case.value.get("entry")
    for number, entry in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(entry, dict):
            yield case.at.child("entry", number), entry


def _all_have(case: Case, name: str) -> bool:
    """Say whether every entry has an element; asked first, for it is quick."""
    return all(name in entry for entry in nodes(case.value, "entry"))


def _any_has(case: Case, name: str) -> bool:
    return any(name in entry for entry in nodes(case.value, "entry"))


def request_of(entry: Node) -> Node:
    """Return the request of an entry, empty where it has none or it is no object."""
    request = entry.get("request")
    return request if isinstance(request, dict) else {}


def entry_has(case: Case) -> Iterator[Finding]:
    """Hold that in Bundles of the row's types every entry has an element."""
    name = case.row.elements[0]
    if case.value.get("type") in case.row.values and not _all_have(case, name):
        for place, entry in entries(case):
            if name not in entry:
                yield place, f"a {case.value['type']} has an entry without {name}"


def entry_lacks(case: Case) -> Iterator[Finding]:
    """Hold that in Bundles of the row's types no entry has an element."""
    name = case.row.elements[0]
    if case.value.get("type") in case.row.values and _any_has(case, name):
        for place, entry in entries(case):
            if name in entry:
                yield place.child(name), f"a {case.value['type']} has an entry with {name}"


def bundle_has(case: Case) -> Iterator[Finding]:
    """Hold that Bundles of the row's types have the elements, a.b meaning b of a."""
    if case.value.get("type") not in case.row.values:
        return
    for path in case.row.elements:
        found: Any = case.value
        for name in path.split("."):
            found = found.get(name) if isinstance(found, dict) else None
        if found is None:
            yield case.at, f"a {case.value['type']} lacks {path}"


def bundle_lacks(case: Case) -> Iterator[Finding]:
    """Hold that Bundles of the row's types do not have an element."""
    name = case.row.elements[0]
    if case.value.get("type") in case.row.values and name in case.value:
        yield case.at.child(name), f"a {case.value['type']} has {name}"


def first_is(case: Case) -> Iterator[Finding]:
    """Hold that a Bundle of the row's first value begins with a resource of the second."""
    kind, wanted = case.row.values
    if case.value.get("type") != kind:
        return
    found = first_type(case)
    if found != wanted:
        yield case.at.child("entry", 0), f"the first entry holds {found}"


def first_type(case: Case) -> str:
    """Return the type of a Bundle's first resource."""
    first = next((entry.get("resource") for _, entry in entries(case)), None)
    return str(first.get("resourceType")) if isinstance(first, dict) else "nothing"


def self_link(case: Case) -> Iterator[Finding]:
    """Hold that a Bundle of the row's types has a link of relation self."""
    links = nodes(case.value, "link")
    named = any(link.get("relation") == "self" and link.get("url") for link in links)
    if case.value.get("type") in case.row.values and not named:
        yield case.at, f"a {case.value['type']} has no such link"


def addressed(case: Case) -> Iterator[Finding]:
    """Hold that every entry has a fullUrl, save in the row's types or to POST (bdl-15)."""
    if case.value.get("type") in case.row.values or _all_have(case, "fullUrl"):
        return
    for place, entry in entries(case):
        if "fullUrl" not in entry and request_of(entry).get("method") != "POST":
            yield place, f"the entry of {_named(entry)} has none"


def distinct(case: Case) -> Iterator[Finding]:
    """Hold that a fullUrl stands once, save for versions of a resource (bdl-7)."""
    seen: set[tuple[str, str]] = set()
    listed = [str(entry.get("fullUrl")) for entry in nodes(case.value, "entry")]
    if len(set(listed)) == len(listed):
        return
    for place, entry in entries(case):
        url, version = entry.get("fullUrl"), str(version_of(entry))
        if not isinstance(url, str) or case.value.get("type") in case.row.values:
            continue
        if (url, version) in seen:
            yield place.child("fullUrl"), f"{quoted(url)} is the fullUrl of one before it"
        seen.add((url, version))


def unversioned(case: Case) -> Iterator[Finding]:
    """Hold that a fullUrl names no version (bdl-8)."""
    address = case.value.get("fullUrl")
    if isinstance(address, str) and "/_history/" in address:
        yield case.at.child("fullUrl"), f"the fullUrl is {quoted(address)}"


def address_form(case: Case) -> Iterator[Finding]:
    """Hold that a fullUrl is absolute, and a urn:uuid: one a UUID in small letters."""
    address = case.value.get("fullUrl")
    if not isinstance(address, str):
        return
    sound = ABSOLUTE.fullmatch(address)
    if address.startswith(PLACEHOLDERS[0]):
        sound = UUID.fullmatch(address) if address == address.lower() else None
    if not sound:
        yield case.at.child("fullUrl"), f"the fullUrl is {quoted(address)}"


def address_agrees(case: Case) -> Iterator[Finding]:
    """Hold that a fullUrl that is a URL ends with the type and id of the resource."""
    address, resource = case.value.get("fullUrl"), case.value.get("resource")
    if not isinstance(address, str) or not isinstance(resource, dict):
        return
    if not address.startswith(WEB):
        return
    if "id" not in resource:
        kind = case.scope.index.type if case.scope.index else None
        if kind not in case.row.values and resource.get("resourceType") != OUTCOME:
            yield case.at.child("fullUrl"), f"{quoted(address)} holds a resource without id"
        return
    found = RESTFUL.fullmatch(address)
    known = found and case.scope.definitions.is_resource(found["type"])
    named = type_and_id(resource)
    plain = address.partition("/_history/")[0]
    agrees = plain.endswith(f"/{named}") if known else plain.endswith(str(resource["id"]))
    if not agrees:
        yield case.at.child("fullUrl"), f"{quoted(address)} holds {named}"


def request_agrees(case: Case) -> Iterator[Finding]:
    """Hold that a request addresses the type, and with PUT the id, of its resource."""
    request, resource = request_of(case.value), case.value.get("resource")
    kind = resource.get("resourceType") if isinstance(resource, dict) else None
    if not request or not isinstance(kind, str) or not case.scope.definitions.is_resource(kind):
        return
    method, url = request.get("method"), str(request.get("url", ""))
    wanted = {"POST": kind, "PUT": type_and_id(resource) or f"{kind}/id"}.get(str(method))
    search = method == "PUT" and url.startswith(f"{kind}?")
    operation = method == "POST" and "$" in url
    whole = ABSOLUTE.fullmatch(url) and url.endswith(f"/{wanted}")
    if wanted and url != wanted and not whole and not search and not operation:
        place = case.at.child("request").child("url")
        yield place, f"{method} {quoted(url)} has the resource {type_and_id(resource) or kind}"


def request_sends(case: Case) -> Iterator[Finding]:
    """Hold that POST and PUT have a resource to send, and GET and DELETE none."""
    request = request_of(case.value)
    method, sends = request.get("method"), "resource" in case.value
    if "response" in case.value:  # a history tells what was done, and need not say it all
        return
    if method in ("POST", "PUT") and not sends and "$" not in str(request.get("url")):
        yield case.at, f"{method} has no resource"
    elif method in ("GET", "HEAD", "DELETE") and sends:
        yield case.at.child("resource"), f"{method} has a resource"


def written_once(case: Case) -> Iterator[Finding]:
    """Hold that a transaction writes a resource only once."""
    if case.value.get("type") not in case.row.values:
        return
    asked = [request_of(entry) for entry in nodes(case.value, "entry")]
    written = [str(request.get("url")) for request in asked if request.get("method") in WRITES]
    if len(set(written)) == len(written):
        return
    seen: set[str] = set()
    for place, entry in entries(case):
        request = request_of(entry)
        url = str(request.get("url"))
        if request.get("method") in WRITES:
            if url in seen:
                yield place.child("request").child("url"), f"{quoted(url)} is written before it"
            seen.add(url)


def reached(case: Case) -> Iterator[Finding]:
    """Hold that every entry of a document is reached from its first by references."""
    kind, start = case.row.values
    index = case.scope.index
    if case.value.get("type") != kind or index is None or first_type(case) != start:
        return
    for number in unreachable(index, index.entries[:1]):
        yield case.at.child("entry", number), f"nothing leads to {_named(index.entries[number])}"


def _named(entry: Node) -> str:
    return type_and_id(entry.get("resource")) or "a resource without id"


RULES = {
    rule.__name__: rule
    for rule in (
        *(entry_has, entry_lacks, bundle_has, bundle_lacks, first_is, self_link, addressed),
        *(distinct, unversioned, address_form, address_agrees, request_agrees, request_sends),
        *(written_once, reached),
    )
}


def _has_plain_address(entry: Node) -> bool:
    address = entry.get("fullUrl")
    return type(address) is str and len(address) == PLAIN_LENGTH and _is_plain(address)


@lru_cache(maxsize=4096)
def _is_plain(address: str) -> bool:
    """Say whether an address is that of a UUID; more than one rule asks for each."""
    return PLAIN_UUID.fullmatch(address) is not None


def _has_plain_request(entry: Node) -> bool:
    """Say whether a resource is created at the address of its type, or updated at its own."""
    request, resource = entry.get("request"), entry.get("resource")
    if not isinstance(request, dict) or not isinstance(resource, dict):
        return False
    method, kind, url = request.get("method"), resource.get("resourceType"), request.get("url")
    if method == "POST":
        return bool(url == kind)
    return method == "PUT" and url == f"{kind}/{resource.get('id')}"


PLAIN_LENGTH = 45  # characters
PLAIN_UUID = re.compile("urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# What an entry shows at a glance, where a rule then has nothing to say.
QUIET = {
    "unversioned": _has_plain_address,
    "address_form": _has_plain_address,
    "address_agrees": _has_plain_address,
    "request_agrees": _has_plain_request,
    "request_sends": _has_plain_request,
}
