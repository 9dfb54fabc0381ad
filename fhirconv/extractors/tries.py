"""Phrases by the keys of their words: the longest one that stands at a place is found."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from fhirconv.extractors.words import Word


class Entry(NamedTuple):
    """What a phrase of the tables stands for: its kind, its row, where the row stands."""

    kind: str
    text: str  # the words that are preferred for it
    origin: str
    cased: str = ""  # the only spelling that counts, for abbreviations
    row: Mapping[str, Any] = {}


class Match(NamedTuple):
    """A phrase found: words[first:last] and what it stands for."""

    first: int
    last: int
    entry: Entry


class Trie:
    """Phrases by the keys of their words; the longest that stands at a place is found."""

    def __init__(self) -> None:
        self.root: dict[str, Any] = {}

    def add(self, keys: Sequence[str], entry: Entry) -> None:
        """Add a phrase; of equal phrases the first counts, of other case all do."""
        node = self.root
        for key in keys:
            node = node.setdefault(key, {})
        listed = node.setdefault("", [])
        if all(e.cased != entry.cased or e.kind != entry.kind for e in listed):
            listed.append(entry)

    def at(self, listed: Sequence[Word], first: int) -> Match | None:
        """Return the longest phrase that begins with this word."""
        node = self.root.get(listed[first].key)
        if node is None:
            return None
        found, last = None, first
        while node is not None:
            last += 1
            if "" in node:
                found = self._fitting(node[""], listed, first, last) or found
            if last >= len(listed):
                break
            node = node.get(listed[last].key)
        return found

    def _fitting(
        self, entries: list[Entry], listed: Sequence[Word], first: int, last: int
    ) -> Match | None:
        for entry in entries:
            if not entry.cased or _spelled(entry.cased, listed[first:last]):
                return Match(first, last, entry)
        return None

    def within(self, listed: Sequence[Word], first: int, last: int) -> Iterator[Match]:
        """Yield the longest phrase at every word of listed[first:last] where one begins."""
        begins = self.root
        for place in range(first, last):
            if listed[place].key in begins:
                match = self.at(listed, place)
                if match is not None:
                    yield match

    def each(self, listed: Sequence[Word], blocking: str = "") -> Iterator[Match]:
        """Yield the longest phrase at every word; a blocking kind hides what is inside it."""
        free, begins = 0, self.root
        for place, word in enumerate(listed):
            match = self.at(listed, place) if word.key in begins and place >= free else None
            if match is not None:
                yield match
                if match.entry.kind == blocking:
                    free = match.last

    def all(self, listed: Sequence[Word]) -> Iterator[Match]:
        """Yield the phrases of a sentence from left to right, none overlapping another."""
        free, begins = 0, self.root
        for place, word in enumerate(listed):
            match = self.at(listed, place) if word.key in begins and place >= free else None
            if match is not None:
                yield match
                free = match.last


def _spelled(cased: str, listed: Sequence[Word]) -> bool:
    shown = "".join(w.text for w in listed)
    return shown == cased or (shown.endswith("s") and shown[:-1] == cased)


def is_abbreviation(text: str) -> bool:
    """Say whether a term counts only as it is spelled: AIDS, rIL-2, ALL, but not Aspirin."""
    big = sum(c.isupper() for c in text)
    return big >= 2 and " " not in text and len(text) <= 8 and big >= len(text) / 3
