"""Headings: which words open which kind of section, as the table sections.csv says."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from fhirconv.readers.blocks import HEADING, LINE, Block
from fhirconv.tables import Tables

NUMBERING = re.compile(r"^\(?(?:\d{1,2}(?:\.\d{1,2}){0,3}|[IVX]{1,4})[.)]?:?\s+(?=\S)")
COUNT = re.compile(r"\s*\(\d{1,4}\)$")  # 'References (42)'
COUNTER = re.compile(
    r"(?<=\s)(?:\d{1,3}|[ivx]{1,4}|[a-h]|one|two|three|four|five|six)$", re.IGNORECASE
)
JOINED = re.compile(r"\s*/\s*|\s+and\s+|\s*,\s*(?:and\s+)?")
SPACE = re.compile(r"\s+")
WORD = re.compile(r"[^\W_]+(?:[-'][^\W_]+)*")
SEPARATOR = re.compile(r"\*{0,2}(?:[:.]\*{0,2}(?=\s)|\s[–—-](?=\s)|—|:\*{0,2}(?=\S))")
SENTENCE = re.compile(r"[.!?][\"'”’)\]]{0,2}$")
# Five words with a colon, or capitals without one, at the beginning of a sentence.
INSIDE = re.compile(
    r"(?<=[.!?)\]])\s{1,3}(?:([A-Z][\w/&'’-]*(?: [\w/&'’-]+){0,4})\s?:(?=\s+[^\sa-z])"
    r"|([A-Z]{4,}(?: [A-Z/&-]{2,}){0,4})(?=\s+[A-Z0-9]))"
)
LONGEST_HEADING = 150
LONGEST_LABEL = 80
BODY = frozenset("introduction case results methods discussion conclusion".split())
RUN_IN = BODY | {"title", "abstract", "keywords", "citation", "statements", "references"}
APART = frozenset("references related navigation table figure other".split())
PARTS = frozenset({"introduction", "methods", "conclusion"})  # show that labels are of an abstract
ASSERTING = frozenset("results discussion conclusion".split())  # 'Findings: no fever' is none
OUTSIDE = frozenset({"keywords", "citation", "statements", "references"})


def key(words: str) -> str:
    """Return the key of a heading: case, numbering, '&' and the punctuation after it gone."""
    plain = COUNT.sub("", NUMBERING.sub("", words.strip(" \t*_"), count=1))
    plain = SPACE.sub(" ", plain.replace("’", "'").replace("&", "and")).casefold()
    return plain.strip(" :.*_—–-|\t")


@dataclass(frozen=True, slots=True)
class Headings:
    """The headings, labels, captions and boilerplate of sections.csv, by their keys."""

    exact: dict[str, tuple[str, str]]  # key -> kind, form
    starts: dict[str, list[tuple[str, str, str]]]  # first word -> (key, kind, form)
    words: dict[str, str]
    opening: frozenset[str]  # words of the first heading of a case
    captions: tuple[tuple[re.Pattern[str], str], ...] = field(default=())

    @classmethod
    def of(cls, tables: Tables) -> "Headings":
        """Return the headings of a set of tables."""
        exact: dict[str, tuple[str, str]] = {}
        starts: dict[str, list[tuple[str, str, str]]] = {}
        captions = []
        for row in tables.extract["sections"]:
            words, kind, form = key(row["heading"]) or row["heading"], row["kind"], row["form"]
            if form in ("start", "opening"):
                starts.setdefault(words.split(" ")[0][:1], []).append((words, kind, form))
            elif form == "caption":
                number = re.escape(words).replace(r"\#", r"s?\d{1,3}[a-z]?\b")
                captions.append((re.compile(number, re.IGNORECASE), kind))
            else:
                exact[words] = (kind, form)
        single = {r["word"].casefold(): r["kind"] for r in tables.extract["section-words"]}
        opening = (r["word"] for r in tables.extract["section-words"] if r["opens"])
        return cls(exact, starts, single, frozenset(opening), tuple(captions))

    def opens_case(self, words: str) -> bool:
        """Say whether a heading is the first of a case, so that a lead before it is none."""
        return not self.opening.isdisjoint(WORD.findall(key(words[:LONGEST_HEADING])))

    def find(self, words: str) -> tuple[str, str] | None:
        """Return (kind, form) of a whole line; None where the table does not know it."""
        if len(words) > LONGEST_HEADING:
            return None
        plain = key(words)
        known = self.exact.get(plain) or self.exact.get(COUNTER.sub("#", plain))
        return known or self._joined(plain)

    def _joined(self, plain: str) -> tuple[str, str] | None:
        """Return (kind, form) of 'case report/case presentation': of the case where one is."""
        parts = [self.exact.get(p, ("", "")) for p in JOINED.split(plain)]
        if len(parts) < 2 or any(form not in ("heading", "label") for _, form in parts):
            return None
        kinds = [kind for kind, _ in parts]
        return next((k for k in ("case", "results") if k in kinds), kinds[0]), "heading"

    def start(self, words: str) -> tuple[str, str] | None:
        """Return (kind, form) of boilerplate that a line begins with."""
        plain = key(words[:LONGEST_HEADING]) or words[:1]
        for known, kind, form in self.starts.get(plain[:1], ()):
            after = plain[len(known) : len(known) + 1]
            if plain.startswith(known) and not (known[-1].isalnum() and after.isalnum()):
                return kind, form
        return None

    def caption(self, words: str) -> str:
        """Return 'figure' or 'table' for the legend of one, else ''."""
        for pattern, kind in self.captions:
            found = pattern.match(words)
            if found:
                rest = words[found.end() :]
                return kind if _is_legend(rest) else ""
        return ""

    def kind_by_word(self, words: str) -> str:
        """Return the kind that a single word of a heading gives away, else ''."""
        plain = key(words[:LONGEST_HEADING])
        return next((self.words[w] for w in WORD.findall(plain) if w in self.words), "")

    def run_in(self, words: str) -> tuple[int, int, str] | None:
        """Return (end of the label, beginning of the words, kind) of a run-in heading."""
        for found in SEPARATOR.finditer(words, 0, LONGEST_LABEL):
            known = self.find(words[: found.start()])
            if known and known[1] in ("heading", "label"):
                rest = len(words) - len(words[found.end() :].lstrip(" \t*"))
                fits = known[0] in RUN_IN and rest < len(words)
                fits = fits and not (known[0] in ASSERTING and words[rest].islower())
                return (found.start(), rest, known[0]) if fits else None
        return self._bare(words)

    def _bare(self, words: str) -> tuple[int, int, str] | None:
        """Return a label that stands before its words without a sign: 'Funding The authors'."""
        ends = [m.end() for m in WORD.finditer(words, 0, LONGEST_LABEL)][:6]
        for end in reversed(ends):
            known = self.exact.get(key(words[:end]))
            if known and known[1] == "label" and words[end : end + 1].isspace():
                rest = end + 1
                first = words[rest : rest + 1]
                if first and (not first.islower() or known[0] == "keywords"):
                    return end, rest, known[0]
        return None

    def inside(self, words: str) -> Iterator[tuple[int, int, int, str]]:
        """Yield (start, end, beginning of the words, kind) of labels within a paragraph."""
        for found in INSIDE.finditer(words):
            group = 1 if found[1] else 2
            start, end = found.span(group)
            if group == 2:
                end = self._known_capitals(words, start, end)
            known = self.find(words[start:end])
            if known and known[1] in ("heading", "label") and known[0] in BODY | {"abstract"}:
                rest = max(end, found.end()) if group == 1 else end
                yield start, end, rest + 1, known[0]

    def _known_capitals(self, words: str, start: int, end: int) -> int:
        while end > start and not self.find(words[start:end]):
            end = max(words.rfind(" ", start, end), start)
        return end


def _is_legend(rest: str) -> bool:
    """Say whether what follows 'Figure 1' makes a legend of it, not a sentence about it."""
    if not rest.strip() or rest.lstrip()[0] in ".:|—–-":
        return True
    return rest.lstrip()[0].isupper() and not SENTENCE.search(rest.rstrip()[-4:])


def labelled(blocks: list[Block], headings: Headings) -> list[Block]:
    """Return the blocks with their headings known, and run-in headings cut from their words."""
    made: list[Block] = []
    run: list[Block] = []  # neighbouring paragraphs that begin with labels
    for block in blocks:
        pieces = _labelled(block, headings)
        if not (len(pieces) > 1 and pieces[0].is_heading):
            made += [*_parts(run), *pieces]
            run = []
        else:
            run += pieces
    return [*made, *_parts(run)]


def _parts(run: list[Block]) -> list[Block]:
    """Return paragraphs with labels, as parts of an abstract where their labels are of one."""
    kinds = [b.kind for b in run if b.is_heading]
    inline = len(kinds) > 1 and not PARTS.isdisjoint(kinds)
    return [replace(b, inline=inline and b.kind not in OUTSIDE) for b in run]


def _labelled(block: Block, headings: Headings) -> list[Block]:
    if block.kind in APART:  # a heading within a figure or box is a line of it
        return [replace(block, role=LINE if block.is_heading else block.role, level=0)]
    known = headings.find(block.words) or headings.start(block.words)
    if block.is_heading or known:
        return [_heading(block, known, headings)]
    caption = headings.caption(block.words)
    if caption:
        return [replace(block, role=LINE, kind=caption)]
    return _cut(block, headings)


def _heading(block: Block, known: tuple[str, str] | None, headings: Headings) -> Block:
    """Return a heading or line of furniture with its kind, which mark-up may have given."""
    kind, form = known or (headings.kind_by_word(block.words), "")
    if form in ("line", "start"):
        return replace(block, role=LINE, kind=kind, level=0)
    if block.kind == "abstract":  # a part of an abstract, as mark-up says
        kind = kind if kind in RUN_IN else "abstract"
        return replace(block, role=HEADING, kind=kind, inline=True)
    return replace(block, role=HEADING, kind=block.kind or kind)


def _cut(block: Block, headings: Headings) -> list[Block]:
    """Return a paragraph as headings and words in turn, where it has run-in headings."""
    cuts = []
    first = headings.run_in(block.words)
    if first and first[2] == "case" and not SENTENCE.search(block.words[-4:]):
        return _subtitled(block, first[0])
    if first:
        cuts.append((0, first[0], first[1], first[2]))
    cuts += [cut for cut in headings.inside(block.words) if not first or cut[0] >= first[1]]
    if not cuts:
        return [block]
    pieces = list(_pieces(block, cuts))
    return pieces if pieces[0].is_heading else _parts(pieces)


def _subtitled(block: Block, label_end: int) -> list[Block]:
    """Return 'Case 1: a man with fever' as a heading; 'Case report: a title' as it is."""
    counted = COUNTER.search(block.words[:label_end])
    if counted:
        return [block.part(block.start, block.end, role=HEADING, kind="case")]
    return [block]


def _pieces(block: Block, cuts: list[tuple[int, int, int, str]]) -> Iterator[Block]:
    base = block.start
    if cuts[0][0] > 0:
        yield block.part(base, base + cuts[0][0])
    ends = [*(cut[0] for cut in cuts[1:]), len(block.words)]
    for (start, end, rest, kind), stop in zip(cuts, ends, strict=True):
        label = block.part(base + start, base + end)
        yield replace(label, role=HEADING, kind=kind, gap=block.gap and start == 0, bullet="")
        words = block.part(base + rest, base + stop, gap=False)
        if words.words:
            yield words
