"""What a page shows of its own citation, found in the words of its blocks."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fhirconv.readers.affiliations import Affiliation, has_part_of_address
from fhirconv.readers.bibliography import (
    DOI,
    LONGEST,
    PMID,
    YEAR,
    Reference,
    doi_in,
    doi_url,
)
from fhirconv.readers.blocks import Block
from fhirconv.readers.citation import Citation
from fhirconv.readers.front import WORD, Front
from fhirconv.readers.headings import key
from fhirconv.readers.names import Name
from fhirconv.tables import Tables

ABOUT = frozenset({"front", "citation", "navigation", "authors"})  # kinds that may tell of a page
SEGMENT = re.compile(r"\s*[|•·]\s*|(?<=Access)(?=[A-Z])|\s{3,}")
KEYWORDS = re.compile(r"\s*[;•·|\n\t]\s*")
COMMA = re.compile(r"\s*,\s+")
BETWEEN = re.compile(r"[\s.?!,;:'\"”’)]*")
DATED = re.compile(r"[\s.,]*\(?((?:1[89]|20)\d\d)[a-z]?[^()]{0,20}\)?[\s.:,]*$")
DATE_LABELS = ("published", "issued", "received", "revised", "accepted")
JOURNAL_WORDS = 8
LONGEST_KEYWORD = 120


@dataclass(slots=True)
class Page:
    """The blocks of a page with their kinds, and the citation that is read from them."""

    text: str
    blocks: Sequence[Block]
    front: Front
    tables: Tables
    citation: Citation
    own: tuple[int, int] | None = None  # the place of 'Cite this article'

    def read(self) -> Citation:
        """Return the citation with what the page shows; what is known already stays."""
        self._title()
        cited = self._cited()
        self._authors(cited)
        if cited:
            self._reference_of(cited)
        for reference, before in self._references():
            self._reference(reference, before)
        self._identifiers()
        self._dates()
        self._type()
        return self.read_rest()

    def read_rest(self) -> Citation:
        """Return the citation with the keywords and statements that the page shows."""
        self._keywords()
        self._statements()
        return self.citation

    @property
    def head(self) -> list[Block]:
        """The blocks before the abstract or body."""
        kinds = [b.kind for b in self.blocks]
        end = next(
            (
                i
                for i, k in enumerate(kinds)
                if k not in ABOUT | {"title", "keywords", "statements", "other"}
            ),
            len(kinds),
        )
        return list(self.blocks[:end])

    def find(self, words: str) -> tuple[int, int] | None:
        """Return where words stand in the lines that tell of the page; None for nowhere."""
        title = [b for b in self.blocks if b.kind == "title" and not b.is_heading]
        for block in (*title, *self.about()):
            place = self.text.find(words, block.start, block.end)
            if place >= 0:
                return place, place + len(words)
        return None

    def shows_authors(self) -> bool:
        """Say whether the head of the page lists the authors."""
        blocks = [b for b in self.head if b.kind == "authors" and not b.is_heading]
        return any(self.front.is_authors(b.words) for b in blocks)

    def about(self) -> Iterator[Block]:
        """Yield the lines that tell of the page: citation sections first, then its head."""
        yield from (b for b in self.blocks if b.kind == "citation" and not b.is_heading)
        yield from (b for b in self.head if b.kind != "citation" and b.kind in ABOUT)

    def _title(self) -> None:
        title = next((b for b in self.blocks if b.kind == "title" and not b.is_heading), None)
        if title:
            words = title.words.removesuffix(".") if not title.words.endswith("..") else title.words
            self.citation.add(
                "title", " ".join(words.split()), (title.start, title.start + len(words))
            )

    # --- the page's own citation

    def _cited(self) -> tuple[Block, int, int] | None:
        """Return the page's own citation and where the title in it starts and ends."""
        title = self.citation.get("title") or ""
        pattern = re.compile(r"\W+".join(map(re.escape, WORD.findall(title)[:80])), re.IGNORECASE)
        for block in self.blocks:
            if block.kind != "citation" or block.is_heading or len(block.words) > LONGEST:
                continue
            found = pattern.search(block.words) if title else None
            place = found.span() if found else self._title_within(block)
            if place:
                self.own = (block.start, block.end)
                return block, block.start + place[0], block.start + place[1]
        return None

    def _title_within(self, block: Block) -> tuple[int, int] | None:
        """Return where the title stands in a citation: after the names, before the journal."""
        start = self._names_end(block.words)
        reference = self.front.styles.find(self.text, block.start + start, block.end)
        if not start or not reference or "journal" not in reference.fields:
            return None
        end = reference.start - block.start
        words = block.words[start:end].rstrip(" .")
        if len(words.split()) < 3:
            return None
        place = (block.start + start, block.start + start + len(words))
        self.citation.add("title", " ".join(words.split()), place)
        return start, start + len(words)

    def _names_end(self, words: str) -> int:
        """Return where the title begins, after the names and maybe a year."""
        best = 0
        for found in re.finditer(r"(?:\.|\bet al\.?|\))[\s:]+(?=[\"“‘(]?[^\W_])", words[:3000]):
            before = DATED.sub("", words[: found.end()])
            if self.front.names.read(before.rstrip(" .:,")) or self.front.names.read(
                before.rstrip()
            ):
                best = found.end()
            elif best:
                break
        return best

    def _reference_of(self, cited: tuple[Block, int, int]) -> None:
        block, start, end = cited
        gap = BETWEEN.match(self.text, end, block.end)
        after = gap.end() if gap else end
        read = self.front.styles.read(self.text, after, block.end)
        self._reference(read or self.front.styles.find(self.text, after, block.end), None)
        dated = DATED.search(self.text[block.start : start])
        if dated:
            place = (block.start + dated.start(1), block.start + dated.end(1))
            self.citation.add("year", dated[1], place)

    # --- authors

    def _authors(self, cited: tuple[Block, int, int] | None) -> None:
        blocks = [b for b in self.head if b.kind == "authors" and not b.is_heading]
        names = self._names(blocks)
        if not names and cited:
            self._cited_authors(cited)
        if not names:
            blocks = [b for b in self.blocks if b.kind == "authors" and not b.is_heading]
            names = self._names(blocks) if "authors" not in self.citation.fields else []
        labels = frozenset(mark for name in names for mark in name.marks)
        places = [a for b in blocks for a in self._places(b, labels)]
        self.citation.add(
            "affiliations", [a.text for a in places], *((a.start, a.end) for a in places)
        )
        answers = [b for b in blocks if self.front.places.is_correspondence(b.words)]
        self.citation.add(
            "correspondence", [b.words for b in answers], *((b.start, b.end) for b in answers)
        )
        self.citation.fragment = any(has_part_of_address(b.words) for b in answers)
        if names:
            authors = [_author(n, places, answers) for n in names]
            self.citation.add("authors", authors, *((n.start, n.end) for n in names))

    def _names(self, blocks: Sequence[Block]) -> list[Name]:
        """Return the names that blocks list, each once."""
        names: dict[tuple[str, str], Name] = {}
        for block in blocks:
            if self.front.places.is_correspondence(block.words) or not self.front.is_authors(
                block.words
            ):
                continue
            read = self.front.names.read(self.text[block.start : block.end], block.start)
            for name in read[0] if read else ():
                names.setdefault((name.family, (name.given or name.initials)[:1]), name)
            if read and "authors" not in self.citation.fields:
                self.citation.complete = self.citation.complete and read[1]
        return list(names.values())

    def _places(self, block: Block, labels: frozenset[str]) -> list[Affiliation]:
        places = self.front.places
        if places.is_correspondence(block.words) or self.front.is_list_of_authors(block.words):
            return []
        return places.read(block) if places.is_affiliation(block.words, labels) else []

    def _cited_authors(self, cited: tuple[Block, int, int]) -> None:
        block, start, _ = cited
        before = DATED.sub("", self.text[block.start : start]).rstrip()
        words = before if re.search(r"(\bal|\b[A-Z])\.$", before) else before.rstrip(" .:,")
        read = self.front.names.read(words, block.start)
        if read and "authors" not in self.citation.fields:
            authors = [name.author() for name in read[0]]
            self.citation.add("authors", authors, (block.start, block.start + len(words)))
            self.citation.complete = read[1]

    # --- journal, year, volume, pages, DOI, PMID

    def _references(self) -> Iterator[tuple[Reference, Block | None]]:
        """Yield what the lines of the page say of where it appeared, with the line before."""
        before: Block | None = None
        for block in self.about():
            if len(block.words) <= LONGEST and YEAR.search(block.words):
                for start in (0, *(m.end() for m in SEGMENT.finditer(block.words))):
                    start += len(block.words[start:]) - len(block.words[start:].lstrip(". "))
                    read = self.front.styles.read(
                        self.text, block.start + start, block.end, alone=True
                    )
                    if read and not self.front.label(block.words[start:])[0]:
                        yield read, before
                        break
            before = block

    def _reference(self, reference: Reference | None, before: Block | None) -> None:
        """Note the fields of a reference; its journal may stand on the line before."""
        if reference is None:
            return
        known = self.citation.fields.get("journal")
        for name, (start, end) in reference.fields.items():
            span = (reference.start, reference.end) if name == "journal" else (start, end)
            if name != "journal" or known is None:
                self.citation.add(name, " ".join(self.text[start:end].split()), span)
        if "journal" not in reference.fields and before and self._is_journal(before):
            self.citation.add("journal", before.words, (before.start, before.end))

    def _is_journal(self, block: Block) -> bool:
        words = block.words
        short = len(words.split()) <= JOURNAL_WORDS and words[0].isupper()
        plain = not re.search(r"[\d:;@]", words) and block.kind == "front"
        return short and plain and not self.front.is_type(words) and not block.role

    def _identifiers(self) -> None:
        for block in self.about():
            found = doi_in(self.text, block.start, min(block.end, block.start + LONGEST))
            if found:
                address = doi_url(self.text, found)
                self.citation.add("doi", self.text[slice(*found)], address or found)
                if address and self.text[slice(*found)] == self.citation.get("doi"):
                    self.citation.add("url", self.text[slice(*address)], address)
            number = PMID.search(self.text, block.start, block.end)
            if number:
                self.citation.add("pmid", number[1], number.span(1))

    def _dates(self) -> None:
        """Note the year of publication, and whether labels of dates stand without a date."""
        labels = [(b, *self.front.label(b.words)) for b in self.about() if len(b.words) < 300]
        for wanted in DATE_LABELS[:2]:
            for block, name, rest in labels:
                year = YEAR.search(self.text, block.start + rest, block.end)
                if name == wanted and year:
                    self.citation.add("year", year.group(), (block.start + rest, block.end))
        dates = [block.words[rest:] for block, name, rest in labels if name in DATE_LABELS]
        self.citation.hollow = bool(dates) and not any(dates)
        if any(dates):
            self.citation.add("dates", "stated")

    # --- the rest

    def _type(self) -> None:
        for block in self.head:
            if (
                block.is_heading
                or block.kind not in ("front", "citation")
                or len(block.words) > 300
            ):
                continue
            start = 0
            for piece in SEGMENT.split(block.words):
                place = block.start + block.words.find(piece, start)
                if piece and self.front.is_type(piece):
                    self.citation.add("articleType", piece, (place, place + len(piece)))

    def _keywords(self) -> None:
        places: list[tuple[int, int]] = []
        for block in self.blocks:
            if block.kind == "keywords" and not block.is_heading:
                places += _split(block)
        words = [" ".join(self.text[a:b].split()) for a, b in places]
        if all(len(w) <= LONGEST_KEYWORD for w in words):
            self.citation.add("keywords", words, *places)

    def _statements(self) -> None:
        """Note the statements on funding, interests and peer review."""
        rows = {key(r["heading"]): r for r in self.tables.extract["citation-statements"]}
        heading: Block | None = None
        found: dict[str, list[Block]] = {}
        for block in self.blocks:
            if block.is_heading:
                heading = block
            elif block.kind == "statements" and heading and key(heading.words) in rows:
                found.setdefault(key(heading.words), [heading]).append(block)
        for name, (first, *words) in found.items():
            row = rows[name]
            runs_in = "\n" not in self.text[first.end : words[0].start]
            last = words[0] if runs_in else words[-1]
            start, end = words[0].start, last.end
            value = " ".join(self.text[start:end].split())
            start = first.start if runs_in and row["quote"] == "whole" else start
            self.citation.add(row["field"], value, (start, end))


def _spans(blocks: Sequence[Block]) -> list[tuple[int, int]]:
    return [(b.start, b.end) for b in blocks]


def _split(block: Block) -> list[tuple[int, int]]:
    """Return the places of the keywords of one line; a bullet is one keyword."""
    if block.bullet and ";" not in block.words:
        return [(block.start, block.end)]
    separator = KEYWORDS if KEYWORDS.search(block.words) else COMMA
    places, start = [], 0
    for found in [*separator.finditer(block.words), None]:
        end = found.start() if found else len(block.words)
        piece = block.part(block.start + start, block.start + end)
        words = piece.words.rstrip(".,;")
        if words:
            places.append((piece.start, piece.start + len(words)))
        start = found.end() if found else end
    return places


def _author(name: Name, places: Sequence[Affiliation], answers: Sequence[Block]) -> dict[str, Any]:
    made = name.author()
    labels = {a.label: number for number, a in enumerate(places, 1) if a.label}
    own = [labels[mark] for mark in name.marks if mark in labels]
    if own:
        made["affiliations"] = own
    if any(_answers(name, block.words) for block in answers):
        made["corresponding"] = True
    return made


def _answers(name: Name, words: str) -> bool:
    """Say whether a line of correspondence names this author, or bears the sign that he bears."""
    said = set(WORD.findall(words))
    family = set(WORD.findall(name.family))
    given = WORD.findall(name.given) or list(name.initials)
    named = family <= said and (not given or any(g in said or g[0] in said for g in given[:1]))
    return named or (words[:1] in "*†‡✉" and words[:1] in name.marks)
