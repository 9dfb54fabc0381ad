"""Where authors work, and which of them answers letters."""

import re
from dataclasses import dataclass
from itertools import pairwise

from fhirconv.readers.blocks import Block
from fhirconv.readers.names import SUPERSCRIPTS
from fhirconv.tables import Tables

LABEL = re.compile(r"\(?(\d{1,2}|[a-z]|[*∗†‡§¶#]|[¹²³⁰-⁹]{1,2})\)?[.:]?\s*(?=[^\W\d_a-z])")
SEVERAL = re.compile(r"[;,.]?\s+(?=\(?\d{1,2}\)?\s?[^\W\d_a-z])")
WORD = re.compile(r"[^\W\d_]+")
LONE_LABEL = re.compile(r"\(?(\d{1,2}|[a-z]|[*∗†‡§¶#])\)?")
ADDRESS = re.compile(
    r"[\w.+-]+\s?(?:@|[\[{(]at[\]})])\s?[\w-]+(?:\s?(?:\.|[\[{(]dot[\]})])\s?[\w-]+)+"
)
FRAGMENT = re.compile(r"[\w.+-](?:\s?[\[{(]at[\]})]|@)")
LONGEST = 600  # characters of a line of affiliation


@dataclass(frozen=True, slots=True)
class Affiliation:
    """One place of work: its label, its words, and where it stands with its label."""

    label: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Places:
    """Words that institutions and lines of correspondence have."""

    institutions: frozenset[str]
    correspondence: tuple[str, ...]

    @classmethod
    def of(cls, tables: Tables) -> "Places":
        """Return the words of a set of tables."""
        rows = tables.extract["citation-places"]
        return cls(
            frozenset(r["word"] for r in rows if r["class"] == "institution"),
            tuple(r["word"] for r in rows if r["class"] == "correspondence"),
        )

    def is_correspondence(self, words: str) -> bool:
        """Say whether a line tells whom to write to."""
        return words[:80].lstrip("*∗†‡✉#0123456789 ").casefold().startswith(self.correspondence)

    def is_affiliation(self, words: str, labels: frozenset[str] = frozenset()) -> bool:
        """Say whether a line names an institution; labels are those that the authors bear."""
        if len(words) > LONGEST * max(1, len(labels)):
            return False
        label = LABEL.match(words)
        if label and label[1].translate(SUPERSCRIPTS) in labels:
            return True
        listed = WORD.findall(words)
        small = sum(w[0].islower() and len(w) > 3 for w in listed)
        known = any(w.casefold() in self.institutions for w in listed)
        return known and "," in words and 4 * small <= len(listed)

    def read(self, block: Block) -> list[Affiliation]:
        """Return the places that a line names, one for each label in it."""
        cuts = [0, *(m.end() for m in SEVERAL.finditer(block.words)), len(block.words)]
        if not LABEL.match(block.words):
            cuts = [0, len(block.words)]
        pieces = (block.part(block.start + a, block.start + b) for a, b in pairwise(cuts))
        return [_affiliation(p, block.bullet if len(cuts) == 2 else "") for p in pieces]


def _affiliation(block: Block, bullet: str) -> Affiliation:
    label = LABEL.match(block.words)
    sign = label[1].translate(SUPERSCRIPTS) if label else bullet.strip(".()")
    words = block.words[label.end() :] if label else block.words
    return Affiliation(sign, " ".join(words.split()).rstrip(";."), block.start, block.end)


def has_part_of_address(words: str) -> bool:
    """Say whether a line shows a part of an e-mail address, and none whole."""
    return bool(FRAGMENT.search(words[:2000])) and not ADDRESS.search(words[:2000])
