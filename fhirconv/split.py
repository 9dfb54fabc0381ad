"""A Bundle over a server's limit is cut into several, none of which lacks what it refers to."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fhirconv.bundle import serialise
from fhirconv.outcome import Issue
from fhirconv.references import groups, home_of, homes_of, led, named, targets

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Limit:
    """The largest Bundle that a server takes; 0 is no limit."""

    size: int = 0  # bytes
    entries: int = 0

    def allows(self, size: int, entries: int) -> bool:
        """Say whether a Bundle of so many bytes and entries is within the limit."""
        return (not self.size or size <= self.size) and (
            not self.entries or entries <= self.entries
        )

    def below(self, size: int) -> "Limit":
        """Return the limit after the server found a Bundle of so many bytes too large."""
        return Limit(max(1, size // 2), self.entries)

    def __str__(self) -> str:
        told = [f"{self.size:,} bytes"] if self.size else []
        return " and ".join(told + ([_entries(self.entries)] if self.entries else []))


NO_LIMIT = Limit()


def split(bundle: Resource, limit: Limit) -> "list[Resource] | Issue":
    """Return a Bundle as parts within a limit, to be sent in their order; or why it cannot be.

    A part refers to its own entries and to those of earlier parts, to these by Type/id (by
    Type?query where the server chooses the id). What refers to each other in a circle stays in
    one part, and so does an entry that no address leads to with those that refer to it.
    """
    entries: list[Any] = bundle["entry"]
    frame = _size(bundle | {"entry": []})
    if limit == NO_LIMIT or limit.allows(_size(bundle), len(entries)):
        return [bundle]
    leads = targets(entries)
    sizes = [_largest(entry, leads[number], entries) for number, entry in enumerate(entries)]
    packing = _Packing(limit, frame)
    for group in groups(_bound(leads, entries)):
        size = sum(sizes[number] for number in group)
        if not limit.allows(frame + size, len(group)):
            return _too_large(entries, group, frame + size, limit)
        packing.place(group, size, {target for number in group for target in leads[number]})
    return [bundle | {"entry": listed} for listed in _parts(entries, packing.parts)]


class _Packing:
    """Groups of entries, each in the first part that has room and comes after no target of it."""

    def __init__(self, limit: Limit, frame: int) -> None:
        self.parts: list[list[int]] = []
        self._limit = limit
        self._frame = frame
        self._sizes: list[int] = []
        self._part_of: dict[int, int] = {}

    def place(self, group: list[int], size: int, leads: set[int]) -> None:
        """Put a group into a part; what it refers to has been put already."""
        first = max((self._part_of[n] for n in leads if n in self._part_of), default=0)
        fits = (p for p in range(first, len(self.parts)) if self._has_room(p, size, len(group)))
        part = next(fits, len(self.parts))
        if part == len(self.parts):
            self.parts.append([])
            self._sizes.append(self._frame)
        self.parts[part] += group
        self._sizes[part] += size
        self._part_of |= dict.fromkeys(group, part)

    def _has_room(self, part: int, size: int, count: int) -> bool:
        return self._limit.allows(self._sizes[part] + size, len(self.parts[part]) + count)


def _parts(entries: list[Any], parts: list[list[int]]) -> Iterator[list[Any]]:
    """Yield the entries of each part in their order, led to what earlier parts have sent."""
    homes: dict[str, str] = {}
    for numbers in parts:
        listed = [entries[number] for number in sorted(numbers)]
        yield [_led(entry, homes) for entry in listed]
        homes |= homes_of(listed)


def _led(entry: Any, homes: Mapping[str, str]) -> Any:
    return entry | {"resource": led(entry["resource"], homes)} if "resource" in entry else entry


def _bound(leads: list[set[int]], entries: list[Any]) -> list[set[int]]:
    """Return what refers to what, both ways where only the same Bundle can lead there."""
    bound = [set(found) for found in leads]
    for number, found in enumerate(leads):
        for target in found:
            if not home_of(entries[target]):
                bound[target].add(number)
    return bound


def _largest(entry: Any, leads: set[int], entries: list[Any]) -> int:
    """Return the bytes of an entry and its comma when every reference in it is led elsewhere."""
    homes = homes_of([entries[number] for number in leads])
    longer = {url: home for url, home in homes.items() if len(home) > len(url)}
    return _size(_led(entry, longer)) + 1


def _too_large(entries: list[Any], group: list[int], size: int, limit: Limit) -> Issue:
    name = named(entries[group[0]])
    found = f"{size:,} bytes and {_entries(len(group))}, and the server takes {limit} at once"
    message = f"the {len(group)} entries around {name} must be sent together: they have {found}"
    if len(group) == 1:
        message = f"{name} alone has {found}"
    return Issue("error", "too-long", message, f"Bundle.entry[{group[0]}]")


def _entries(number: int) -> str:
    return "1 entry" if number == 1 else f"{number} entries"


def _size(document: Resource) -> int:
    return len(serialise(document, compact=True)) - 1
