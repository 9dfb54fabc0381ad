"""Words that a line broke are joined where it is sure what they are, else they keep the hyphen."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from fhirconv.tables import Tables

WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
BROKEN = re.compile(r"([^\W\d_]+(?:-[^\W\d_]+)*)[-\u2010\u00ad]$")
NEXT = re.compile(r"[^\W\d_]+")
SOFT = "\u00ad"
HYPHENS = ("-", "\u2010", SOFT)
NUMBERED = re.compile(r"\w[-\u2010]$")


@dataclass(frozen=True, slots=True)
class Hyphens:
    """The words that a paper, the tables of terms and cues know."""

    own: frozenset[str]
    known: frozenset[str]

    @classmethod
    def of(cls, lines: Iterable[str], tables: Tables) -> "Hyphens":
        """Return the words of lines, without the pieces at their ends."""
        own: set[str] = set()
        for line in lines:
            found = WORD.findall(line)
            own.update(w.casefold() for w in (found[:-1] if line.endswith(HYPHENS) else found))
        return cls(frozenset(own), _vocabulary(tables))

    def joined(self, line: str, after: str) -> str:
        """Return a line and the one after it as one, with a space or without.

        'throm-' and 'bosis' are joined where 'thrombosis' is a word of the paper or of a table;
        'well-' and 'known' keep the hyphen, and so does what nobody knows.
        """
        if not line.endswith(HYPHENS):
            return f"{line} {after}"
        first, second = BROKEN.search(line), NEXT.match(after)
        if first is None or second is None:
            return f"{line}{after}" if NUMBERED.search(line) else f"{line} {after}"
        stem = line[:-1]
        if line.endswith(SOFT):
            return stem + after
        whole = f"{first[1]}{second.group()}".casefold()
        compound = f"{first[1]}-{second.group()}".casefold()
        if compound not in self.own and (whole in self.own or whole in self.known):
            return stem + after
        return f"{stem}-{after}"


@lru_cache(maxsize=2)
def _vocabulary(tables: Tables) -> frozenset[str]:
    """Return the words of all terms, and of what the extractors look for."""
    words: set[str] = set()
    for vocabulary in tables.codes.values():
        for term in vocabulary.terms:
            words.update(WORD.findall(term.casefold()))
    for rows in tables.extract.values():
        for row in rows:
            for cell in row.values():
                words.update(WORD.findall(str(cell).casefold()))
    return frozenset(words)
