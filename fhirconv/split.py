"""A Bundle over a server's limit is cut into several, none of which lacks what it refers to."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fhirconv.bundle import serialise
from fhirconv.outcome import Issue
from fhirconv.references import address_of, groups, led, named, resource_of, targets

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

    def below(self, bundle: Resource) -> "Limit":
        """Return the limit after the server found a Bundle too large: half of its bytes."""
        return Limit(max(1, _size(bundle) // 2), self.entries)

    def __str__(self) -> str:
        told = [f"{self.size:,} bytes"] if self.size else []
        return " and ".join(told + ([_entries(self.entries)] if self.entries else []))


NO_LIMIT = Limit()
LONGEST_ID = 64


def portions(bundle: Resource, limit: Limit) -> "list[list[int]] | Issue":
    """Return the numbers of the entries of each part of a Bundle; or why it cannot be cut.

    A part refers to its own entries and to those of parts before it. What refers to each other
    in a circle stays in one part.
    """
    entries: list[Any] = bundle["entry"]
    if limit == NO_LIMIT or limit.allows(_size(bundle), len(entries)):
        return [list(range(len(entries)))]
    frame = _size(bundle | {"entry": []})
    leads = targets(entries)
    sizes = [_largest(entry, leads[number], entries) for number, entry in enumerate(entries)]
    packing = _Packing(limit, frame)
    for group in groups(leads):
        size = sum(sizes[number] for number in group)
        if not limit.allows(frame + size, len(group)):
            return _too_large(entries, group, frame + size, limit)
        packing.place(group, size, {target for number in group for target in leads[number]})
    return [sorted(numbers) for numbers in packing.parts]


def part(bundle: Resource, numbers: Iterable[int], homes: Mapping[str, str]) -> Resource:
    """Return some entries of a Bundle as one of their own, led to what was sent before."""
    return bundle | {"entry": [_led(bundle["entry"][number], homes) for number in numbers]}


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


def _led(entry: Any, homes: Mapping[str, str]) -> Any:
    return entry | {"resource": led(entry["resource"], homes)} if "resource" in entry else entry


def _largest(entry: Any, leads: set[int], entries: list[Any]) -> int:
    """Return the bytes of an entry and its comma when every reference in it is led elsewhere."""
    homes = {entries[n].get("fullUrl", ""): _home(entries[n]) for n in leads}
    return (
        _size(_led(entry, {url: home for url, home in homes.items() if len(home) > len(url)})) + 1
    )


def _home(entry: Any) -> str:
    """Return where a resource will be, or something as long as that can be."""
    kind = resource_of(entry).get("resourceType", "")
    return address_of(entry) or f"{kind}/{'-' * LONGEST_ID}"


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
