"""A case is gathered from a server: what refers to a patient, and all that this refers to."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from fhirconv.address import is_within, shown
from fhirconv.errors import ServerError
from fhirconv.outcome import Issue
from fhirconv.references import ADDRESS, VERSIONED, references
from fhirconv.server import Server

Resource = dict[str, Any]

PATIENT = "Patient"
PAGE = 200  # resources that are asked for at once
URI = "urn:ietf:rfc:3986"  # the system of an identifier that is a URI
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
MOST = 100_000  # resources of one search: a server whose pages never end is left


@dataclass
class Case:
    """What a server has of one patient, by Type/id, and what is to be said of it."""

    patient: str  # its id on the server
    resources: dict[str, Resource] = field(default_factory=dict)
    issues: list[Issue] = field(default_factory=list)


def gather(server: Server, patient: str) -> Case:
    """Return all that a server has of the patient with an id.

    The patient's $everything is asked for where the server has it, and what searches.csv says
    to find whatever refers to the patient; then references are followed to their ends. The id is
    that on the server, or the one that was sent where the server chose another. Raises
    ServerError where there is no such patient.
    """
    name = f"{PATIENT}/{patient}"
    first = server.ask(name, PATIENT) if ADDRESS.fullmatch(name) else None
    if first is None and UUID.fullmatch(patient):  # the server may have chosen another id
        found = patients(server, "identifier", f"{URI}|urn:uuid:{patient}")
        if len(found) == 1:
            return gather(server, found[0])
    if first is None:
        raise ServerError(f"the server has no patient {patient!r}", server.session.address)
    case = Case(patient, {name: first})
    for query in (f"{name}/$everything?_count={PAGE}", *_queries(server, name)):
        _add(case, _all_of(server, query, case))
    _follow(server, case)
    return case


def patients(server: Server, parameter: str, value: str) -> list[str]:
    """Return the ids of the patients that a search finds, in order; raises ServerError."""
    query = f"{PATIENT}?{parameter}={quote(value, safe='')}&_count={PAGE}"
    found = {str(r.get("id")) for r in _pages(server, query) if r.get("resourceType") == PATIENT}
    return sorted(found)


def _queries(server: Server, name: str) -> Iterator[str]:
    for line in server.tables.searches:
        yield f"{line['resource']}?{line['parameter']}={quote(name, safe='')}&_count={PAGE}"


def _all_of(server: Server, query: str, case: Case) -> Iterator[Resource]:
    """Yield what a query finds; one that the server has not is told where it may matter."""
    try:
        yield from _pages(server, query)
    except ServerError as error:
        operation = "$" in query  # many servers have none: the searches find the same
        severity = "information" if operation else "warning"
        kind = query.partition("?")[0]
        message = f"what the server has of {kind} may be left out: {error.message}"
        case.issues.append(Issue(severity, "incomplete", message, error.where))


def _pages(server: Server, query: str) -> Iterator[Resource]:
    """Yield the resources of all pages of a search; raises ServerError."""
    url: str | None = query
    count = 0
    while url:
        page = server.ask(url, "Bundle")
        if page is None:
            raise ServerError("the server does not know this search", _place(server, url))
        for entry in _dicts(page.get("entry")):
            resource = entry.get("resource")
            if isinstance(resource, dict) and resource.get("resourceType") != "OperationOutcome":
                count += 1
                yield resource
        url = _next(server, page)
        if url and count > MOST:
            raise ServerError(f"the search finds more than {MOST} resources", _place(server, url))


def _next(server: Server, page: Resource) -> str | None:
    """Return the address of the next page; raises ServerError where it is on another host."""
    for link in _dicts(page.get("link")):
        url = link.get("url")
        if link.get("relation") == "next" and isinstance(url, str):
            if "://" in url and not is_within(server.session.address, url):
                message = f"the next page is on another host, {shown(url)!r}, which is not asked"
                raise ServerError(message, server.session.address)
            return url
    return None


def _follow(server: Server, case: Case) -> None:
    """Read what the resources refer to and the case has not, to the ends."""
    waiting = list(case.resources.values())
    asked = set(case.resources)
    while waiting:
        resource = waiting.pop()
        for name in named(server, references(resource)):
            if name in asked:
                continue
            asked.add(name)
            found = server.ask(name, name.partition("/")[0])
            if found is None:
                own = f"{resource.get('resourceType')}/{resource.get('id')}"
                message = f"{own} refers to {name}, which the server has not"
                case.issues.append(Issue("warning", "not-found", message, _place(server, name)))
            else:
                _add(case, [found])
                waiting.append(found)


def named(server: Server, listed: Iterable[str]) -> Iterator[str]:
    """Yield the Type/id of those references that lead to this server."""
    for reference in listed:
        local = reference.removeprefix(server.session.address + "/").partition("#")[0]
        versioned = VERSIONED.fullmatch(local)
        name = versioned["address"] if versioned else local
        if ADDRESS.fullmatch(name):
            yield name


def _add(case: Case, resources: Iterable[Resource]) -> None:
    for resource in resources:
        name = f"{resource.get('resourceType')}/{resource.get('id')}"
        if ADDRESS.fullmatch(name):
            case.resources.setdefault(name, resource)


def _place(server: Server, path: str) -> str:
    return shown(path) if "://" in path else f"{server.session.address}/{path.partition('?')[0]}"


def _dicts(value: Any) -> Iterator[Resource]:
    yield from (one for one in (value if isinstance(value, list) else ()) if isinstance(one, dict))
