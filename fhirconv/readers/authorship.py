"""Who wrote a report, where they work, and who answers letters, as its page shows it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fhirconv.readers.affiliations import LONE_LABEL, Affiliation, has_part_of_address
from fhirconv.readers.blocks import Block
from fhirconv.readers.citation import Citation
from fhirconv.readers.front import WORD, Front
from fhirconv.readers.names import Name

# The year that stands between the authors and the title: 'Smith J. (2019)'.
DATED = re.compile(r"[\s.,]*\(?((?:1[89]|20)\d\d)[a-z]?(?:, [^()\d]{0,20}\d{0,2})?\)?[\s.:,]*$")
ABBREVIATED = re.compile(r"(\bal|\b[A-Z])\.$")
SIGNS = frozenset("*∗†‡✉")
Cited = tuple[Block, int, int]  # the page's own citation, and where the title in it stands


@dataclass(frozen=True, slots=True)
class Authorship:
    """The authors of a page, read into its citation."""

    text: str
    front: Front
    citation: Citation

    def read(self, head: Sequence[Block], blocks: Sequence[Block], cited: Cited | None) -> None:
        """Note authors, affiliations and correspondence.

        The lines under the title are best, then a complete list in the page's own citation,
        then a section on the authors, then a citation with 'et al.'.
        """
        shown = [b for b in blocks if b.kind == "authors" and not b.is_heading]
        first = [b for b in head if b.kind == "authors" and not b.is_heading]
        answers = [b for b in shown if self.front.places.is_correspondence(b.words)]
        names, complete = self._names(first)
        listed, whole, span = self._cited(cited)
        if not names and not (listed and whole):
            names, complete = self._names(shown)
        spans = [(n.start, n.end) for n in names] or [span]
        names, complete = (names, complete) if names else (listed, whole)
        places = self._places(first if self._has_places(first) else shown, names)
        self._note_authors(names, complete, spans, places, answers)
        self.citation.add(
            "affiliations", [a.text for a, _ in places], *((a.start, a.end) for a, _ in places)
        )
        self.citation.add(
            "correspondence", [b.words for b in answers], *((b.start, b.end) for b in answers)
        )
        self.citation.fragment = any(has_part_of_address(b.words) for b in answers)

    def _note_authors(
        self,
        names: Sequence[Name],
        complete: bool,
        spans: Sequence[tuple[int, int]],
        places: "Sequence[Place]",
        answers: Sequence[Block],
    ) -> None:
        if names and "authors" not in self.citation.fields:
            authors = [_author(name, places, answers) for name in names]
            self.citation.add("authors", authors, *spans)
            self.citation.complete = complete

    def _names(self, blocks: Sequence[Block]) -> tuple[list[Name], bool]:
        """Return the names that blocks list, each once, and whether the lists are complete."""
        names: dict[tuple[str, str], Name] = {}
        complete = True
        for block in blocks:
            answers = self.front.places.is_correspondence(block.words)
            if answers or not self.front.is_authors(block.words):
                continue
            listed, whole = self.front.names.read(block.words, block.start) or ([], True)
            complete = complete and whole
            for name in listed:
                names.setdefault(_identity(name), name)
        return list(names.values()), complete

    def _cited(self, cited: Cited | None) -> tuple[list[Name], bool, tuple[int, int]]:
        """Return the authors in the page's own citation, complete or not, and their place."""
        if cited is None:
            return [], True, (0, 0)
        block, start, _ = cited
        before = DATED.sub("", self.text[block.start : start]).rstrip()
        words = before if ABBREVIATED.search(before) else before.rstrip(" .:,")
        listed, complete = self.front.names.read(words, block.start) or ([], True)
        return listed, complete, (block.start, block.start + len(words))

    def _is_lone(self, block: Block) -> bool:
        """Say whether a line is no place of work, though a word in it is of places."""
        return bool(LONE_LABEL.fullmatch(block.words)) or self.front.is_bibliographic(block)

    def _has_places(self, blocks: Sequence[Block]) -> bool:
        return any(self.front.places.is_affiliation(b.words) for b in blocks)

    def _places(self, blocks: Sequence[Block], names: Sequence[Name]) -> "list[Place]":
        """Return the affiliations, each with the authors whom the line after it lists."""
        labels = frozenset(mark for name in names for mark in name.marks)
        places: list[Place] = []
        for block in blocks:
            if self.front.places.is_correspondence(block.words) or self._is_lone(block):
                continue
            if self.front.is_authors(block.words):
                listed, _ = self._names([block])
                if places and not places[-1][0].label:
                    places[-1][1].extend(_identity(name) for name in listed)
            elif self.front.places.is_affiliation(block.words, labels):
                places += [(place, []) for place in self.front.places.read(block)]
        return places


Place = tuple[Affiliation, list[tuple[str, str]]]


def _identity(name: Name) -> tuple[str, str]:
    """Return what tells authors apart: the family name and the first initial."""
    return name.family.casefold(), (name.given or name.initials)[:1].casefold()


def _author(name: Name, places: Sequence[Place], answers: Sequence[Block]) -> dict[str, Any]:
    made = name.author()
    own = [
        number
        for number, (place, authors) in enumerate(places, 1)
        if (place.label and place.label in name.marks) or _identity(name) in authors
    ]
    if own:
        made["affiliations"] = own
    if any(_answers(name, block) for block in answers):
        made["corresponding"] = True
    return made


def _answers(name: Name, block: Block) -> bool:
    """Say whether a line of correspondence names this author, or bears the sign that he bears."""
    said = set(WORD.findall(block.words))
    family = set(WORD.findall(name.family))
    given = WORD.findall(name.given) or list(name.initials)
    named = family <= said and (not given or given[0] in said or given[0][0] in said)
    sign = block.words[0] if block.words[0] in SIGNS else block.bullet
    return named or (sign in SIGNS and sign in name.marks)
