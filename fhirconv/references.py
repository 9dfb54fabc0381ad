"""References between the entries of a Bundle: found, and led to where a server has the resource."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Resource = dict[str, Any]

ADDRESS = re.compile(r"([A-Z][A-Za-z]*)/([A-Za-z0-9.-]{1,64})")
VERSIONED = re.compile(r"(?P<address>.*?[A-Z][A-Za-z]*/[A-Za-z0-9.-]{1,64})/_history/.*")


def references(item: Any) -> Iterator[str]:
    """Yield what every Reference in a resource, or a part of it, says."""
    if isinstance(item, dict):
        if isinstance(item.get("reference"), str):
            yield item["reference"]
        for value in item.values():
            if isinstance(value, dict | list):
                yield from references(value)
    elif isinstance(item, list):
        for value in item:
            yield from references(value)


def led(item: Any, homes: Mapping[str, str]) -> Any:
    """Return a copy of a resource, or a part of it, whose references lead to their homes.

    `homes` has the Type/id of a full URL; a reference that is not in it stays.
    """
    if isinstance(item, dict):
        made = {name: led(value, homes) for name, value in item.items()}
        reference = made.get("reference")
        if isinstance(reference, str) and reference in homes:
            made["reference"] = homes[reference]
        return made
    return [led(value, homes) for value in item] if isinstance(item, list) else item


def address_of(entry: Any) -> str:
    """Return the Type/id that an entry puts its resource at; '' where the server chooses it."""
    request = entry.get("request") if isinstance(entry, dict) else None
    url = request.get("url") if isinstance(request, dict) else None
    if not isinstance(request, dict) or request.get("method") != "PUT" or not isinstance(url, str):
        return ""
    return url if ADDRESS.fullmatch(url) else ""


def home_of(entry: Any) -> str:
    """Return how requests of their own can mean the resource of an entry; '' where none can.

    It is Type/id, or Type?query where the server chooses the id.
    """
    request = entry.get("request") if isinstance(entry, dict) else None
    query = request.get("ifNoneExist") if isinstance(request, dict) else None
    kind = resource_of(entry).get("resourceType")
    return address_of(entry) or (f"{kind}?{query}" if query and kind else "")


def homes_of(entries: Iterable[Any]) -> dict[str, str]:
    """Return the Type/id of every full URL whose entry says where its resource is put."""
    return {
        entry["fullUrl"]: address
        for entry in entries
        if (address := address_of(entry)) and isinstance(entry.get("fullUrl"), str)
    }


def named(entry: Any) -> str:
    """Return Type/id of the resource of an entry, or as much of it as there is."""
    resource = resource_of(entry)
    words = [str(resource[name]) for name in ("resourceType", "id") if resource.get(name)]
    return "/".join(words) or address_of(entry) or "the entry"


def targets(entries: list[Any]) -> list[set[int]]:
    """Return for every entry the numbers of the others that it refers to."""
    numbers: dict[str, int] = {}
    for number, entry in enumerate(entries):
        full_url = entry.get("fullUrl") if isinstance(entry, dict) else None
        for name in (address_of(entry), full_url):
            if name and isinstance(name, str):
                numbers.setdefault(name, number)
    found = []
    for number, entry in enumerate(entries):
        named = {_plain(text) for text in references(resource_of(entry))}
        found.append({numbers[name] for name in named if name in numbers} - {number})
    return found


def groups(leads: list[set[int]]) -> list[list[int]]:
    """Return the numbers in groups, each that is referred to before those that refer to it.

    A group is one number, or several that refer to each other in a circle, in their order
    (Tarjan 1972, without recursion: a chain may be as long as a bundle).
    """
    search = _Search(leads)
    for root in range(len(leads)):
        search.run(root)
    return search.made


class _Search:
    """A walk along references that closes a group where no way leads out of it."""

    def __init__(self, leads: list[set[int]]) -> None:
        self.leads = leads
        self.made: list[list[int]] = []
        self._low: dict[int, int] = {}  # the earliest step that a number leads back to
        self._open: list[int] = []
        self._closed: set[int] = set()

    def run(self, root: int) -> None:
        """Walk from a number, unless it has been come to already."""
        work = [self._come_to(root)] if root not in self._low else []
        while work:
            node, begun, rest = work[-1]
            step = next(rest, None)
            if step is None:
                work.pop()
                self._close(node, begun)
                for above in work[-1:]:
                    self._low[above[0]] = min(self._low[above[0]], self._low[node])
            elif step not in self._low:
                work.append(self._come_to(step))
            elif step not in self._closed:
                self._low[node] = min(self._low[node], self._low[step])

    def _come_to(self, node: int) -> tuple[int, int, Iterator[int]]:
        begun = self._low[node] = len(self._low)
        self._open.append(node)
        return node, begun, iter(sorted(self.leads[node]))

    def _close(self, node: int, begun: int) -> None:
        """Take the group that begins with a number off those that are open, if one does."""
        if self._low[node] < begun:
            return
        group = [self._open.pop()]
        while group[-1] != node:
            group.append(self._open.pop())
        self._closed |= set(group)
        self.made.append(sorted(group))


def _plain(reference: str) -> str:
    """Return a reference without the version and the part of the resource that it names."""
    text = reference.partition("#")[0]
    versioned = VERSIONED.fullmatch(text)
    return versioned["address"] if versioned else text


def resource_of(entry: Any) -> Resource:
    """Return the resource of an entry; an empty one where it has none."""
    resource = entry.get("resource") if isinstance(entry, dict) else None
    return resource if isinstance(resource, dict) else {}
