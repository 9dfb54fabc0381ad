"""What a page shows of its own citation, found in the words of its blocks."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fhirconv.readers.authorship import DATED, Authorship
from fhirconv.readers.bibliography import (
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
from fhirconv.tables import Tables

ABOUT = frozenset({"front", "citation", "navigation", "authors"})  # kinds that may tell of a page
SEGMENT = re.compile(r"\s*[|•·]\s*|(?<=Access)(?=[A-Z])|\s{3,}")
LONGEST_TYPE = 300
KEYWORDS = re.compile(r"\s*[;•·|\n\t]\s*")
COMMA = re.compile(r"\s*,\s+")
BETWEEN = re.compile(r"[\s.?!,;:'\"”’)]*")
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
        Authorship(self.text, self.front, self.citation).read(self.head, self.blocks, cited)
        if cited:
            self._reference_of(*cited)
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
        return any(b.kind == "authors" and self.front.is_authors(b.words) for b in self.head)

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

    def _reference_of(self, block: Block, start: int, end: int) -> None:
        """Note what the page's own citation says after (and before) the title."""
        gap = BETWEEN.match(self.text, end, block.end)
        after = gap.end() if gap else end
        read = self.front.styles.read(self.text, after, block.end)
        self._reference(read or self.front.styles.find(self.text, after, block.end), None)
        dated = DATED.search(self.text[block.start : start])
        if dated:
            place = (block.start + dated.start(1), block.start + dated.end(1))
            self.citation.add("year", dated[1], place)

    # --- journal, year, volume, pages, DOI, PMID

    def _references(self) -> Iterator[tuple[Reference, Block | None]]:
        """Yield what the lines of the page say of where it appeared, with the line before."""
        before: Block | None = None
        for block in self.about():
            if len(block.words) <= LONGEST and YEAR.search(block.words):
                read = next(filter(None, map(self._alone, _pieces(block))), None)
                if read:
                    yield read, before
            before = block

    def _alone(self, piece: Block) -> Reference | None:
        """Return what a piece of a line says of where the article appeared."""
        if self.front.label(piece.words)[0]:
            return None
        start = piece.start + len(piece.words) - len(piece.words.lstrip(". "))
        return self.front.styles.read(self.text, start, piece.end, alone=True)

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
        """Note the type of the article, which stands alone or beside other words of the head."""
        for block in self.about():
            if block.kind in ("front", "citation") and len(block.words) <= LONGEST_TYPE:
                field, rest = self.front.label(block.words)
                start = rest if field == "articleType" else 0
                for piece in _pieces(block.part(block.start + start, block.end)):
                    if self.front.is_type(piece.words):
                        self.citation.add("articleType", piece.words, (piece.start, piece.end))

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


def _pieces(block: Block) -> Iterator[Block]:
    """Yield the parts of a line between '|' and the like."""
    start = 0
    for found in [*SEGMENT.finditer(block.words), None]:
        end = found.start() if found else len(block.words)
        if block.words[start:end].strip():
            yield block.part(block.start + start, block.start + end)
        start = found.end() if found else end


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
