"""The words of a report with its evidence marked: marks stand in marks, crossing ones are cut."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from fhirconv.report import Report
from fhirconv.view.shown import shown

TITLE = "title"  # the kind of section
DEEPEST = 24  # marks in marks, which a browser still draws

MARK = Markup('<mark class="{}" data-quote="{}" data-facts="{}"{}>')
LINK = Markup('<a href="#{}"{} aria-describedby="{}">{}</a>')


@dataclass(frozen=True, slots=True)
class Span:
    """Words of the text that facts rest on, all of them the same words."""

    start: int
    end: int
    facts: tuple[str, ...]  # the anchors of their cards, the first is where a click leads
    looks: tuple[str, ...]  # the classes of the first: its kind, its signs

    @property
    def name(self) -> str:
        """The anchor of the words."""
        return f"q{self.start}-{self.end}"


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, a heading, or words between others that are not at hand."""

    start: int
    text: str
    is_heading: bool = False

    @property
    def end(self) -> int:
        """The offset behind it."""
        return self.start + len(self.text)


def marked(
    blocks: Sequence[Block], spans: Iterable[Span], prefix: str = ""
) -> Iterator[tuple[Block, Markup]]:
    """Yield every block with its marks; blocks and their offsets are in order.

    Outer words are marked outside, of words that cross the later are cut in two.
    """
    waiting = sorted(spans, key=lambda span: (span.start, -span.end))
    waiting.reverse()
    active: list[Span] = []
    seen: set[str] = set()
    for block in blocks:
        yield block, Markup().join(_block(block, waiting, active, seen, prefix))


def _block(
    block: Block, waiting: list[Span], active: list[Span], seen: set[str], prefix: str
) -> Iterator[Markup]:
    """Yield the parts of a block; spans go from waiting to active and from there to nowhere."""
    here, opened = block.start, list[Span]()
    while here < block.end:
        active[:] = [span for span in active if span.end > here]
        while waiting and waiting[-1].start <= here:
            span = waiting.pop()
            if span.end > here and len(active) < DEEPEST:
                active.append(span)
        common = _common(opened, active)
        yield Markup("</mark>") * (len(opened) - common)
        for span in active[common:]:
            yield _open(span, seen, prefix)
        opened = list(active)
        ahead = [span.end for span in active] + [span.start for span in waiting[-1:]]
        after = min([block.end, *(place for place in ahead if place > here)])
        words = shown(block.text[here - block.start : after - block.start])
        yield _link(active[-1], words, seen) if active and words.strip() else escape(words)
        here = after
    yield Markup("</mark>") * len(opened)


def _common(one: Sequence[Span], two: Sequence[Span]) -> int:
    """Return how many spans both begin with."""
    pairs = enumerate(zip(one, two, strict=False))
    return next((n for n, (a, b) in pairs if a is not b), min(len(one), len(two)))


def _open(span: Span, seen: set[str], prefix: str) -> Markup:
    """Return the beginning of a mark; only its first piece has the anchor."""
    first = "" if span.name in seen else Markup(' id="{}"').format(prefix + span.name)
    seen.add(span.name)
    facts = " ".join(span.facts)
    return MARK.format(" ".join(span.looks), prefix + span.name, facts, first)


def _link(span: Span, words: str, seen: set[str]) -> Markup:
    """Return the words as a link to the card; by keyboard each span is met once."""
    key = f"{span.name} link"
    again = Markup(' tabindex="-1"') if key in seen else ""
    seen.add(key)
    described = " ".join(f"legend-{look}" for look in span.looks)
    return LINK.format(span.facts[0], again, described, words)


def paragraphs(text: str, headings: Collection[int] = ()) -> Iterator[Block]:
    """Yield the lines of a text that hold any words; headings are told by where they begin."""
    start = 0
    for line in text.splitlines(keepends=True):
        if line.strip():
            lead = len(line) - len(line.lstrip())
            yield Block(start, line.rstrip("\r\n"), start + lead in headings)
        start += len(line)


def headings_of(report: Report) -> set[int]:
    """Return where the headings of a report begin: its title, the words ahead of a section."""
    found: set[int] = set()
    for section in report.sections:
        if section.kind == TITLE:
            found.add(section.start)
        place = report.text.rfind(section.title, 0, section.start) if section.title else -1
        if place >= 0 and not report.text[place + len(section.title) : section.start].strip():
            found.add(place)
    return found


def patches(quotes: Iterable[tuple[int, str]]) -> Iterator[Block]:
    """Yield what quotes tell of a text that is not at hand: those that overlap as one."""
    start, text = 0, ""
    for begin, words in sorted(quotes):
        if text and begin < start + len(text):
            text += words[start + len(text) - begin :] if begin + len(words) > start else ""
            continue
        if text:
            yield Block(start, text)
        start, text = begin, words
    if text:
        yield Block(start, text)
