"""Blocks become sections: what stands under which heading, and what it may be read for."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import takewhile

from fhirconv.readers.blocks import LINE, Block
from fhirconv.readers.front import Front
from fhirconv.readers.headings import BODY, NUMBERING, SENTENCE, Headings
from fhirconv.report import Section
from fhirconv.tables import Tables

LEAD = "lead"  # words without a heading: an introduction where a case follows, else the case
UNKNOWN = "unknown"  # words under a heading that no table knows
CLOSED = frozenset("discussion methods references related".split())  # hold their subheadings
ENDS = frozenset("introduction case results methods discussion conclusion keywords".split())
OWN = CLOSED | {"front", "citation", "navigation", "statements", "authors"}  # keep identifiers
HEADS = frozenset("title authors citation keywords statements abstract".split())  # in the front
SIGNED = frozenset(
    {LEAD, "abstract", "case", "discussion", "conclusion"}
)  # may end with the authors
AFTER_ABSTRACT = frozenset({"introduction", "case", "results"})
LEGENDS = frozenset({"figure", "table"})
LONGEST_NUMBER = 12  # characters of 'Figure 1.' without a legend
LEAST_OF_NOTES = 5  # how much the first of some lines must look like a title
LONGEST_ABSTRACT = 5  # paragraphs without a heading that are taken for an abstract
LONGEST_KEYWORD = 80
LONGEST_LIST, LONGEST_PIECE = 300, 40
LISTED = re.compile(r"[;,·•|]")
WORDS_OF_PROSE = 12


@dataclass(slots=True)
class State:
    """Where a walk over the blocks is: the section, and what of the abstract was seen."""

    kind: str
    title: str = ""
    level: int = 0
    abstract_level: int | None = None  # of the heading 'Abstract'; None outside of an abstract
    seen: set[str] = field(default_factory=set)
    filled: bool = False  # the section has words
    hinted: bool = False  # mark-up said that the words before are of the abstract
    legend: str = ""  # 'Figure 1' stood alone: its legend follows
    listed: bool = False  # the keywords stand on one line
    bullets: int = 0  # how many blocks from here on are known to be keywords


@dataclass(frozen=True, slots=True)
class Outline:
    """The kinds of sections, and the rules by which blocks come to them."""

    front: Front
    headings: Headings
    parts: dict[str, str]  # kind -> its kind within an abstract

    def assign(self, blocks: Sequence[Block], title: str = "") -> list[Block]:
        """Return the blocks of a page with their kinds; title: words known to be the title."""
        end = self.front.end(blocks)
        if end == len(blocks) and not any(b.is_heading and b.kind for b in blocks):
            return self._unstructured(blocks, title)
        head = self._front(blocks, end, title)
        body = self._body(blocks, end, any(b.kind == "authors" for b in head))
        return self.settled([*head, *body])

    def walk(self, blocks: Sequence[Block], kind: str) -> list[Block]:
        """Return the blocks of a text that begins with words of one kind, with their kinds."""
        state = State(kind)
        made: list[Block] = []
        for number, block in enumerate(blocks):
            if block.is_heading:
                self._open(state, block)
                made.append(replace(block, kind=state.kind))
            elif block.role == LINE:
                state.legend = block.kind if len(block.words) <= LONGEST_NUMBER else ""
                made.append(block)
            else:
                made.append(self._placed(state, blocks, number))
        return made

    def _placed(self, state: State, blocks: Sequence[Block], number: int) -> Block:
        """Return a block of words with its kind, and its heading where it stands under one."""
        block = blocks[number]
        if not block.kind and state.kind not in OWN and self.front.is_identifier(block.words):
            return replace(block, kind="citation", title="")
        after = blocks[number + 1] if number + 1 < len(blocks) else None
        if state.kind in SIGNED and not block.kind and self.front.signs(block, after):
            state.kind, state.title = "authors", ""
        if not state.bullets and not block.kind:
            state.bullets = self._keywords(state, blocks, number)
        if state.bullets:
            state.bullets -= 1
            return replace(block, kind="keywords", title="")
        if state.legend in LEGENDS and not block.kind:
            kind = state.legend
            state.legend = kind if kind == "table" and not _is_prose(block) else ""
            return replace(block, kind=kind, title="")
        kind = self._kind(state, block)
        state.filled, state.legend = True, ""
        return replace(block, kind=kind, title=state.title if kind == state.kind else "")

    def _kind(self, state: State, block: Block) -> str:
        """Return the kind of a block of words, leaving a section that it cannot be part of."""
        before, state.hinted = state.hinted, block.kind == "abstract"
        if state.hinted:
            return state.kind if state.kind.startswith("abstract") else "abstract"
        if block.kind:
            return block.kind
        if state.kind == "keywords" and self._leaves_keywords(state, block):
            state.kind, state.title = (LEAD if _is_prose(block) else "other"), ""
        inside = state.kind.startswith("abstract") and state.abstract_level is None
        after = inside and not block.inline and (before or (state.title and block.gap))
        if after:
            state.kind, state.title = LEAD, ""
        return state.kind

    def _leaves_keywords(self, state: State, block: Block) -> bool:
        """Say whether a block after keywords is none: prose, or a line after a whole list."""
        if not state.filled:
            state.listed = bool(LISTED.search(block.words))
            return False
        return block.gap and not block.bullet and (state.listed or _is_prose(block))

    def _open(self, state: State, block: Block) -> None:
        """Begin the section of a heading."""
        nested = bool(block.level and state.level and block.level > state.level)
        kind = self._part_of_abstract(state, block, nested)
        if not kind:
            state.abstract_level = None
            kind = self._heading_kind(state, block, nested)
        if kind == "abstract" and state.abstract_level is None and not block.inline:
            state.abstract_level, state.seen = block.level, set()
        if not nested or not block.level:
            state.level = block.level
        title = NUMBERING.sub("", block.words, count=1).rstrip(" :.—–-") or block.words
        state.kind, state.title, state.filled = kind, title, False

    def _heading_kind(self, state: State, block: Block, nested: bool) -> str:
        if nested and state.kind in CLOSED:
            return state.kind
        if block.kind:
            return block.kind
        return state.kind if nested or not block.level else UNKNOWN

    def _part_of_abstract(self, state: State, block: Block, nested: bool) -> str:
        """Return the kind of a heading within an abstract, '' outside of one.

        Where mark-up does not nest it, 'Background' right after 'Abstract' begins the parts,
        and the first part that comes twice, or comes after the conclusion, is of the body.
        """
        kind = block.kind
        if block.inline:
            return self.parts.get(kind, "")
        if state.abstract_level is None or kind not in ENDS or kind == "keywords":
            return ""
        fresh = kind not in state.seen and "conclusion" not in state.seen
        if nested or (fresh and (state.seen or not state.filled)):
            state.seen.add(kind)
            return self.parts[kind]
        return ""

    def _keywords(self, state: State, blocks: Sequence[Block], number: int) -> int:
        """Return how many blocks after an abstract are keywords without a heading.

        Two bullets or lines or more, all short, or one line of short pieces that ends the
        abstract.
        """
        if not (state.kind.startswith("abstract") and state.filled):
            return 0
        count, first = 0, blocks[number]
        while number + count < len(blocks) and _is_keyword(blocks[number + count], first):
            count += 1
        after = blocks[number + 1] if number + 1 < len(blocks) else None
        ends = after is None or bool(after.role) or self.front.is_identifier(after.words)
        return count if count > 1 else int(ends and _is_list_of_keywords(blocks[number]))

    def _unstructured(self, blocks: Sequence[Block], title: str) -> list[Block]:
        """Return blocks without a heading and without prose: one case, maybe after a title."""
        goes_on = len(blocks) < 2 or (blocks[1].words[0].islower() and not blocks[1].gap)
        place = None if goes_on else self.front.title(blocks, 1, title, LEAST_OF_NOTES)
        return [
            replace(b, kind=b.kind or ("title" if i == place else "case"))
            for i, b in enumerate(blocks)
        ]

    def _front(self, blocks: Sequence[Block], end: int, known: str) -> list[Block]:
        """Return the blocks before the abstract or body with their kinds."""
        place = self.front.title(blocks, end, known)
        head = [self._plain(b) for b in blocks[:end]]
        if place is None:
            return self.walk(head, "front")
        rest = self.front.authors(head[place + 1 :])
        title = self._without_furniture(head[place])
        return [*self.walk(head[:place], "front"), title, *self.walk(rest, "front")]

    def _plain(self, block: Block) -> Block:
        """Return a heading of a title page as a plain line, where it heads nothing there.

        'Case report' is the type of the article; a menu opens no section.
        """
        if not block.is_heading or block.kind in HEADS:
            return block
        if block.kind in BODY or not block.kind:
            return replace(block, role="", kind="")
        return replace(block, role=LINE)

    def _without_furniture(self, block: Block) -> Block:
        """Return the title without 'Open Access' after it."""
        words = block.words.split()
        tail = " ".join(words[-2:])
        known = self.headings.find(tail) if len(words) > 3 and tail.istitle() else None
        end = block.words.rfind(words[-2]) if known and known[1] == LINE else len(block.words)
        return block.part(block.start, block.start + end, kind="title", role="", title="")

    def _body(self, blocks: Sequence[Block], end: int, authors: bool) -> list[Block]:
        """Return the blocks from the abstract on with their kinds."""
        rest = blocks[end:]
        lead = list(takewhile(lambda b: not b.is_heading, rest))
        later = {b.kind for b in rest if b.is_heading}
        others = later - {"references"}
        ends = bool(others) and not (others & BODY and others.isdisjoint(AFTER_ABSTRACT))
        short = sum(not b.role and not b.bullet for b in lead) <= LONGEST_ABSTRACT
        is_abstract = short and (ends or (authors and not later))
        return self.walk(rest, "abstract" if is_abstract else LEAD)

    def settled(self, blocks: list[Block]) -> list[Block]:
        """Return the blocks of a whole report with no kind left open.

        Words without a heading introduce a case that begins with one, else they are the case;
        words under headings that nobody knows are the case only where nothing else can be.
        """
        kinds = {b.kind for b in blocks if not b.is_heading}
        opened = any(
            b.kind == "case" and self.headings.opens_case(b.words) for b in blocks if b.is_heading
        )
        lead = "introduction" if opened or {"methods", "results"} <= kinds else "case"
        known = {"case", "results", "abstract", LEAD}
        still = {LEAD: lead, UNKNOWN: "other" if kinds & known else "case"}
        return [replace(b, kind=still.get(b.kind, b.kind)) for b in blocks]


@lru_cache(maxsize=4)
def outline_of(tables: Tables) -> Outline:
    """Return the outline's rules of a set of tables, made once."""
    rows = tables.extract["section-kinds"]
    return Outline(
        Front.of(tables), Headings.of(tables), {r["kind"]: r["in_abstract"] for r in rows}
    )


def _is_prose(block: Block) -> bool:
    enough = len(block.words.split(None, WORDS_OF_PROSE)) > WORDS_OF_PROSE
    return enough and bool(SENTENCE.search(block.words[-5:]))


def _is_keyword(block: Block, first: Block) -> bool:
    """Say whether a block is a keyword of a list that begins with `first`."""
    short = len(block.words) <= LONGEST_KEYWORD and not block.role and not block.kind
    alike = bool(block.bullet) if first.bullet else block.gap == (block is first)
    return short and alike and not re.search(r"[.!?:]$", block.words)


def _is_list_of_keywords(block: Block) -> bool:
    """Say whether a line is 'ibrutinib, hepatitis B': short pieces, no sentence."""
    pieces = re.split(r"[;,]", block.words[:LONGEST_LIST])
    short = all(0 < len(p.strip()) <= LONGEST_PIECE for p in pieces)
    plain = block.gap and not block.role and len(block.words) < LONGEST_LIST
    return plain and len(pieces) > 1 and short and not re.search(r"[.:!?]", block.words)


def sections(blocks: Sequence[Block]) -> tuple[Section, ...]:
    """Return the sections of blocks with kinds: neighbours of one kind and heading are one."""
    return tuple(_sections(blocks))


def _sections(blocks: Sequence[Block]) -> Iterator[Section]:
    current: Section | None = None
    for block in blocks:
        same = current and (current.kind, current.title) == (block.kind, block.title)
        if current and (block.is_heading or not same):
            yield current
            current = None
        if not block.is_heading:
            start = current.start if current else block.start
            current = Section(block.kind, start, block.end, block.title)
    if current:
        yield current
