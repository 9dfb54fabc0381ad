"""A Bundle for a server that chooses every id: what it has already is found, the rest made once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from fhirconv.capability import Capability
from fhirconv.comparison import is_equal
from fhirconv.errors import ServerError
from fhirconv.inquiry import Found, Inquiry
from fhirconv.outcome import Issue
from fhirconv.references import address_of, named, resource_of
from fhirconv.tables import Lookup, Tables
from fhirconv.upload import entries_of, place

Resource = dict[str, Any]

URI = "urn:ietf:rfc:3986"  # the system of an identifier that is a URI
BY_IDENTIFIER = "identifier"
URN = "urn:uuid:"
PAGE = 200  # of a search that may find many


def named_by_server(bundle: Resource) -> Resource:
    """Return a Bundle that puts resources on ids of its own as one that lets the server choose.

    Each is created unless one with its identifier is there: that is left as it is. Resources
    refer to each other by fullUrl, which the server resolves.
    """
    return bundle | {"entry": [_posted(entry) for entry in entries_of(bundle)]}


def _posted(entry: Resource) -> Resource:
    if not address_of(entry):
        return entry
    system, value = identifier_of(entry) or (URI, str(entry.get("fullUrl", "")))
    query = f"{BY_IDENTIFIER}={_escaped(f'{system}|{value}')}"
    kind = entry["resource"]["resourceType"]
    return entry | {"request": {"method": "POST", "url": kind, "ifNoneExist": query}}


def identifier_of(entry: Resource) -> tuple[str, str] | None:
    """Return the identifier by which a resource is known: its fullUrl, else its first one."""
    own = resource_of(entry).get("identifier")
    listed = [one for one in (own if isinstance(own, list) else [own]) if isinstance(one, dict)]
    pairs = [(str(one.get("system", "")), str(one["value"])) for one in listed if one.get("value")]
    url = entry.get("fullUrl")
    return next((pair for pair in pairs if pair[1] == url), pairs[0] if pairs else None)


@dataclass(frozen=True, slots=True)
class Searches:
    """How resources are found: by what the server says, and by the tables for a release."""

    capability: Capability
    tables: Tables
    release: str

    def ways(self, kind: str) -> list[Lookup | None]:
        """Return the searches that find resources of a type, best first; None: by identifier.

        What a statement lists counts; where it lists nothing, what the release has.
        """
        said = self.capability.kinds.get(kind)
        offered = said.searches if said else None
        rows = [
            search
            for search in self.tables.lookups
            if search.resource == kind and (not search.releases or self.release in search.releases)
        ]
        if offered is None:
            return list(rows) if rows else [None]
        by_identifier: list[Lookup | None] = [None] if BY_IDENTIFIER in offered else []
        return by_identifier + [search for search in rows if search.parameter in offered]

    def obstacles(self, bundle: Resource) -> Iterator[Issue]:
        """Yield why resources cannot be found again on a server, one sentence for each type."""
        told: set[str] = set()
        for number, entry in enumerate(entries_of(bundle)):
            kind = str(resource_of(entry).get("resourceType"))
            if is_conditional(entry) and kind not in told and not self.ways(kind):
                told.add(kind)
                message = (
                    f"the server cannot be asked whether it has a {kind} already, so that each "
                    "push would make another one: it must take ids of ours (--ids client)"
                )
                yield Issue("error", "not-supported", message, place(bundle, number))


def is_conditional(entry: Any) -> bool:
    """Say whether an entry is created unless it is there."""
    request = entry.get("request") if isinstance(entry, dict) else None
    fields = request if isinstance(request, dict) else {}
    return fields.get("method") == "POST" and bool(fields.get("ifNoneExist"))


class UnfindableError(ServerError):
    """A server cannot be asked whether it has a resource: sending it might double it."""


@dataclass
class Finder:
    """Finds what a server has of a bundle, by identifier or by what else the tables name."""

    inquiry: Inquiry
    searches: Searches

    def is_searchable(self, entry: Resource) -> bool:
        """Say whether the server itself can see by its condition that it has a resource."""
        ways = self.searches.ways(entry["resource"]["resourceType"])
        return ways[:1] == [None] and identifier_of(entry) is not None

    def find(self, bundle: Resource) -> dict[int, Resource]:
        """Return what the server has already, by the numbers of the entries.

        Raises UnfindableError where that cannot be known, ServerError where no server answers.
        """
        return _Search(self, entries_of(bundle)).run()


class _Search:
    """The search for the entries of one bundle; what was asked once is not asked again."""

    def __init__(self, finder: Finder, entries: list[Any]) -> None:
        self._finder = finder
        self._entries = entries
        self._answers: dict[str, Found] = {}
        self._homes: dict[str, str] = {}

    def run(self) -> dict[int, Resource]:
        """Return what the server has, by number: those with an identifier are looked for first."""
        conditional = [n for n, entry in enumerate(self._entries) if is_conditional(entry)]
        known = [n for n in conditional if self._finder.is_searchable(self._entries[n])]
        others = [n for n in conditional if n not in known]
        queries = [_path(self._entries[n]) for n in known]
        first = [query for n in others for query in self._queries(n)[:1]]
        self._ask([*queries, *filter(None, first)])
        found: dict[int, Resource] = {}
        for number, query in zip(known, queries, strict=True):
            listed = self._listed(query)
            if listed is None:
                raise UnfindableError(f"the server does not answer the search {query}", "")
            if listed:
                found[number] = listed[0]
        self._homes = homes_found(self._entries, found)
        for number in others:
            stored = self._alike(number)
            if stored is not None:
                found[number] = stored
                self._homes |= homes_found(self._entries, {number: stored})
        return found

    def _alike(self, number: int) -> Resource | None:
        """Return the resource on the server with the same identifier, or without one an equal."""
        entry = self._entries[number]
        own = identifier_of(entry)
        for query in self._queries(number):
            if query is None:  # what it belongs to is not on the server, and so it is not
                return None
            for stored in (listed := self._listed(query)) or ():
                if own is None and is_equal(entry["resource"], stored, self._homes):
                    return stored
                if own and identifier_of({"resource": stored, "fullUrl": own[1]}) == own:
                    return stored
            if listed is not None:
                return None
        name = named(entry)
        message = f"the server cannot be asked whether it has {name}, which it could get twice"
        raise UnfindableError(message, f"Bundle.entry[{number}]")

    def _queries(self, number: int) -> list[str | None]:
        """Return the searches for an entry, best first; None: no server can have it."""
        resource = self._entries[number]["resource"]
        made: list[str | None] = []
        for search in filter(None, self._finder.searches.ways(resource["resourceType"])):
            values = list(_values(resource, search.element.split(".")))
            led = [self._homes.get(value, value) for value in values]
            wanted = next((value for value in led if not value.startswith(URN)), None)
            if wanted is not None:
                query = f"{search.parameter}={_escaped(wanted)}&_count={PAGE}"
                made.append(f"{search.resource}?{query}")
            elif values:
                made.append(None)
        return made

    def _ask(self, queries: list[str]) -> None:
        wanted = [query for query in dict.fromkeys(queries) if query not in self._answers]
        self._answers |= zip(wanted, self._finder.inquiry.ask(wanted), strict=True)

    def _listed(self, query: str) -> list[Resource] | None:
        """Return what a search finds; None where the server refuses to search so."""
        self._ask([query])
        answer = self._answers[query]
        return list(self._finder.inquiry.matches(answer)) if answer.is_there else None


def homes_found(entries: list[Any], found: Mapping[int, Resource]) -> dict[str, str]:
    """Return where the resources of entries are that the server has already, by fullUrl."""
    return {
        entries[number]["fullUrl"]: f"{stored['resourceType']}/{stored['id']}"
        for number, stored in found.items()
        if isinstance(entries[number].get("fullUrl"), str)
    }


def _path(entry: Resource) -> str:
    return f"{entry['request']['url']}?{entry['request']['ifNoneExist']}"


def _values(node: Any, path: list[str]) -> Iterator[str]:
    """Yield the words, or the references, at a path."""
    if isinstance(node, list):
        for one in node:
            yield from _values(one, path)
    elif isinstance(node, dict) and path:
        yield from _values(node.get(path[0].removesuffix("[]")), path[1:])
    elif isinstance(node, dict) and isinstance(node.get("reference"), str):
        yield node["reference"]
    elif isinstance(node, str):
        yield node


def _escaped(text: str) -> str:
    return quote(text, safe="")
