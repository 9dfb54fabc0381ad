"""The front matter of a report: where it ends, its title, its authors."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from fhirconv.readers.affiliations import LONE_LABEL, Places
from fhirconv.readers.bibliography import DOI, PMID, YEAR, Styles
from fhirconv.readers.blocks import LINE, Block
from fhirconv.readers.headings import BODY, SENTENCE, key
from fhirconv.readers.names import Names
from fhirconv.tables import Tables

LONGEST_TITLE = 500
LONGEST_LINE = 2000  # a longer paragraph is prose
LONGEST_FRONT = 600  # blocks: a page whose front is longer has none that anybody could tell
NOTICES = 20  # blocks between a notice of the page and the authors
SENTENCE_WORDS = 3  # a line of fewer words is no prose, even with a full stop
STARTS = BODY | {"abstract"}
LONGEST_IDENTIFIER = 200
DOI_LINE = re.compile(r"(?:doi:?\s*)?(?:https?://\S{1,60}/)?10\.\d{4,9}/\S{1,150}", re.IGNORECASE)
DATE = re.compile(
    r"\d{1,2}(?:st|nd|rd|th)?[\s./-]+(?:[^\W\d_]{3,9}|\d{1,2})[\s./,-]+(?:19|20)\d\d"
    r"|[^\W\d_]{3,9}\.?(?: \d{1,2},?)? (?:19|20)\d\d|(?:19|20)\d\d[ -]"
)
LABELS = frozenset("statements keywords citation references".split())  # run in before words
WORD = re.compile(r"[^\W_]+")
ADDRESS = re.compile(r"https?://|www\.|@")
LABEL_END = re.compile(r"[:\s]")


@dataclass(frozen=True, slots=True)
class Front:
    """What tells the lines of a title page apart: names, places, styles, labels."""

    names: Names
    places: Places
    styles: Styles
    labels: dict[str, str]  # 'received' -> received
    types: frozenset[str]  # 'case report'

    @classmethod
    def of(cls, tables: Tables) -> "Front":
        """Return the front matter's words of a set of tables."""
        labels = {key(r["label"]): r["field"] for r in tables.extract["citation-labels"]}
        types = frozenset(key(r["words"]) for r in tables.extract["citation-types"])
        return cls(Names.of(tables), Places.of(tables), Styles.of(tables), labels, types)

    def label(self, words: str) -> tuple[str, int]:
        """Return the field of a line such as 'Received: 3 May 1998', and where its value begins."""
        ends = [m.start() for m in LABEL_END.finditer(words, 0, 60)] or [len(words)]
        for end in reversed([*ends, len(words)] if len(words) <= 60 else ends):
            field = self.labels.get(key(words[:end]))
            if field:
                rest = words[end:]
                return field, end + len(rest) - len(rest.lstrip(" :\t"))
        return "", 0

    def is_authors(self, words: str) -> bool:
        """Say whether a line lists authors by their whole names."""
        read = self.names.read(words) if len(words) < 8000 else None
        if not read or not all(name.is_whole for name in read[0]):
            return False
        names, _ = read
        signs = any(n.marks or n.initials for n in names) or ";" in words
        return len(names) > 1 or signs or 2 <= len(words.split()) <= 4

    def is_list_of_authors(self, words: str) -> bool:
        """Say whether a line plainly lists authors, wherever it stands: several, or with marks."""
        read = self.names.read(words) if len(words) < 8000 else None
        if not read or not all(name.is_whole for name in read[0]):
            return False
        return len(read[0]) > 1 or bool(read[0][0].marks)

    def is_bibliographic(self, block: Block) -> bool:
        """Say whether a line tells journal, date, DOI or PMID, or is a label for one."""
        words = block.words[:1000]
        if self.label(words)[0] or PMID.search(words):
            return True
        if len(words) < 300 and DOI.search(words):
            return True
        return bool(YEAR.search(words)) and bool(self.styles.read(words, 0, len(words), alone=True))

    def is_identifier(self, words: str) -> bool:
        """Say whether a line between paragraphs gives DOI, PMID or a date of the article."""
        if len(words) > LONGEST_IDENTIFIER:
            return False
        field, rest = self.label(words)
        if field in ("doi", "pmid", "pmcid"):
            return rest < len(words)
        if field == "articleType":
            return self.is_type(words[rest:])
        return bool(DATE.match(words, rest) if field else DOI_LINE.fullmatch(words))

    def is_type(self, words: str) -> bool:
        """Say whether a line names the type of the article."""
        return len(words) < 150 and key(words) in self.types

    def is_prose(self, block: Block, after: Block | None) -> bool:
        """Say whether a block is running text of the report, no line of its front matter."""
        if block.is_heading or block.role == LINE or block.kind in ("title", "abstract"):
            return block.kind == "abstract" and not block.role
        words = block.words
        if not SENTENCE.search(words[-5:]) or len(WORD.findall(words[:400])) < SENTENCE_WORDS:
            return False
        return len(words) > LONGEST_LINE or not self._is_front(block, after)

    def _is_front(self, block: Block, after: Block | None) -> bool:
        """Say whether a line that ends as a sentence does is one of a title page."""
        words = block.words
        if self.places.is_correspondence(words) or self.places.is_affiliation(words):
            return True
        if self.is_bibliographic(block) or self.is_list_of_authors(words):
            return True
        title = after is not None and not after.is_heading and len(words) <= LONGEST_TITLE
        return title and after is not None and self.is_list_of_authors(after.words)

    def end(self, blocks: Sequence[Block]) -> int:
        """Return how many blocks stand before the abstract or body."""
        for number, block in enumerate(blocks[:LONGEST_FRONT]):
            if block.is_heading and block.kind == "references":
                break
            if block.is_heading and block.kind in STARTS:
                if block.kind != "case" or self._leads_to_prose(blocks, number):
                    return self._at_abstract(blocks, number)
            elif self.is_prose(block, _at(blocks, number + 1)):
                return self._at_abstract(blocks, self._after_authors(blocks, number))
        return self._first_heading(blocks)

    def _first_heading(self, blocks: Sequence[Block]) -> int:
        """Return the place of the first heading with words under it, in a text without prose."""
        for number, block in enumerate(blocks[:LONGEST_FRONT]):
            after = _at(blocks, number + 1)
            if block.is_heading and block.kind in STARTS and after and not after.is_heading:
                return number
        return min(len(blocks), LONGEST_FRONT)

    def _after_authors(self, blocks: Sequence[Block], number: int) -> int:
        """Return the first prose after a list of authors with their places, where one follows.

        What stands before it is a notice of the page that no table knows.
        """
        if any(self.is_list_of_authors(b.words) for b in blocks[:number]):
            return number
        for place in range(number + 1, min(len(blocks), number + NOTICES)):
            if blocks[place].is_heading:
                return number
            if self.is_list_of_authors(blocks[place].words):
                return self._after_title(blocks, number, place)
        return number

    def _after_title(self, blocks: Sequence[Block], number: int, place: int) -> int:
        """Return where prose begins after a title, the authors at a place, and their addresses."""
        if SENTENCE.search(blocks[place - 1].words[-5:]):
            return number  # authors who sign a letter
        if not self._has_places(blocks[place + 1 : place + 1 + NOTICES]):
            return number
        for start in range(place + 1, len(blocks)):
            if blocks[start].is_heading and blocks[start].kind not in STARTS:
                return number
            if blocks[start].is_heading or self.is_prose(blocks[start], _at(blocks, start + 1)):
                return start
        return number

    def _has_places(self, blocks: Sequence[Block]) -> bool:
        places = self.places
        return any(
            places.is_affiliation(b.words) or places.is_correspondence(b.words) for b in blocks
        )

    def _leads_to_prose(self, blocks: Sequence[Block], number: int) -> bool:
        """Say whether 'Case report' is the heading of a case, not the type of the article."""
        for place in range(number + 1, min(len(blocks), number + 4)):
            if not (blocks[place].is_heading and blocks[place].kind == "case"):
                return self.is_prose(blocks[place], _at(blocks, place + 1))
        return False

    def _at_abstract(self, blocks: Sequence[Block], number: int) -> int:
        """Return the place of a heading 'Abstract' that stands before any part of the body."""
        if blocks[number].kind == "abstract" or blocks[number].inline:
            return number
        for place in range(number, min(len(blocks), LONGEST_FRONT)):
            block = blocks[place]
            if block.is_heading and block.kind == "abstract":
                return place
            if block.is_heading and block.kind in BODY | {"references", "keywords"}:
                return number
        return number

    def title(
        self, blocks: Sequence[Block], end: int, known: str = "", least: int = 0
    ) -> int | None:
        """Return which block is the title, of those before `end`; None for none.

        known are words that a meta tag gives as the title; least is how much a line must look
        like a title (one that stands alone before prose need not look so much so).
        """
        stated = next((i for i in range(end) if blocks[i].kind == "title"), None)
        if stated is not None:
            after = blocks[stated].is_heading and stated + 1 < end and blocks[stated].level == 0
            return stated + 1 if after else stated
        scores = [(self._score(blocks, i, end, known), -i) for i in range(end)]
        if not scores:
            return None
        best, place = max(scores)
        alone = end == 1 and not blocks[0].bullet
        return -place if best >= (least - 3 if alone else least) else None

    def _score(self, blocks: Sequence[Block], number: int, end: int, known: str) -> int:
        """Return how much a block looks like the title of the article."""
        block = blocks[number]
        words = " ".join(block.words.split())
        count = len(words.split())
        if block.role == LINE or len(words) > LONGEST_TITLE or count < 2:
            return -99
        before = blocks[number - 1] if number else None
        if before and before.is_heading and not block.gap and before.kind in LABELS:
            return -99
        if self.is_type(words) or (block.is_heading and block.kind and not block.level):
            return -99
        if len(words) > 15 and known and plain(words).rstrip(".") in known:
            return 50 if plain(words).rstrip(".") == known else 20 + min(count, 20)
        score = -4 if count < 3 else -1 if count < 5 else 2
        score += {0: 0, 1: 4}.get(block.level, 1)
        score -= 3 * bool(block.bullet) + 2 * words.endswith((".", ":", ";", ","))
        score += 1 if words[0].isupper() or words[0].isdigit() else -1
        if self.is_bibliographic(block) or ADDRESS.search(words) or block.kind == "authors":
            return score - 8
        after = next((b for b in blocks[number + 1 : end] if b.role != LINE), None)
        if after is not None and self.is_authors(after.words):
            score += 5
        return (
            score - 6
            if self.is_list_of_authors(words) or self.places.is_affiliation(words)
            else score
        )

    def authors(self, blocks: Sequence[Block]) -> list[Block]:
        """Return the blocks after the title, those with authors and their places marked so."""
        made: list[Block] = []
        labels: frozenset[str] = frozenset()
        for block in blocks:
            if block.is_heading or block.role == LINE or block.kind not in ("", "authors"):
                made.append(block)
                continue
            if self.is_authors(block.words) and not self.is_type(block.words):
                labels |= self._marks(block.words)
            listed = any(b.kind == "authors" for b in made)
            label = LONE_LABEL.fullmatch(made[-1].words) if made and listed else None
            if label:  # a page without styles has '1' on the line before the institution
                made[-1] = replace(made[-1], kind="authors")
                block = replace(block, bullet=label[1])  # noqa: PLW2901
            is_part = self._is_of_authors(block, labels, listed)
            made.append(replace(block, kind="authors") if is_part else block)
        return made

    def signs(self, block: Block, after: Block | None) -> bool:
        """Say whether a block lists the authors who sign a letter, with a place after it."""
        if after is None or after.is_heading or len(block.words) > LONGEST_LINE:
            return False
        return self.places.is_affiliation(after.words) and self.is_authors(block.words)

    def _marks(self, words: str) -> frozenset[str]:
        names, _ = self.names.read(words) or ([], True)
        return frozenset(mark for name in names for mark in name.marks)

    def _is_of_authors(self, block: Block, labels: frozenset[str], listed: bool) -> bool:
        """Say whether a line names authors, whom to write to, or, after names, a place."""
        if self.places.is_correspondence(block.words):
            return True
        if self.is_authors(block.words):
            return not self.is_type(block.words)
        return listed and self.places.is_affiliation(block.words, labels)


def plain(words: str) -> str:
    """Return words as they are compared: letters and digits, in lower case."""
    return " ".join(WORD.findall(words)).casefold()


def _at(blocks: Sequence[Block], number: int) -> Block | None:
    return blocks[number] if number < len(blocks) else None
