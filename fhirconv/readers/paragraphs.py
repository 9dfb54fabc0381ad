"""The lines of a printed paper become paragraphs: heads and page numbers out, notes put aside."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from fhirconv.readers.columns import RAISED, Line
from fhirconv.readers.hyphens import Hyphens

MARGIN = 0.1  # of the height of a page: where heads and feet stand
LONE = 1.8  # of the size: a head has that much space below
NUMBER = re.compile(r"\d+")
PAGE_NUMBER = re.compile(
    r"(?:[^\W\d_]{1,5}\.?\s)?[-–—|]?\s*(?:\d{1,4}|[ivxlc]{1,6})\s*[-–—|]?"
    r"(?:\s*(?:/|of|\|)\s*\d{1,4})?|[eES]\d{1,5}"
)
SENTENCE_END = re.compile(r"[.!?:;]['\"”’)\]]*$")
LISTED = re.compile(r"(?:[•◦▪‣·●○■□]|\(?\d{1,3}[.)\]]|\[\d{1,3}\])\s+\S")
NOTE = re.compile(rf"[*†‡§¶#]|{RAISED[0]}")
LEADING = 1.4  # of the usual distance of lines: a paragraph ends
INDENT = (0.7, 4.0)  # of the size: the first line of a paragraph
SHORT = 0.85  # of its column: a line that ends its paragraph
OTHER_SIZE = 0.06
SMALL = 0.94
TITLE = 1.2  # of the size of running text
LONGEST_TITLE = 8  # lines


@dataclass(slots=True)
class Paragraph:
    """Words that belong together, from one page or more; marks tells where pages begin in them."""

    words: str
    size: float
    last: Line
    lines: int = 1
    marks: list[tuple[int, int]] = field(default_factory=list)  # (offset in words, page)
    gap: bool = True


@dataclass(frozen=True, slots=True)
class Paper:
    """All pages of a paper as paragraphs in reading order, and what its title seems to be."""

    paragraphs: list[Paragraph]
    title: str


def paper_of(
    pages: Sequence[tuple[float, list[Line]]],
    ordered: Callable[[list[Line]], list[Line]],
    hyphens: Callable[[Iterable[str]], Hyphens],
) -> Paper:
    """Return the paragraphs of pages: (height, lines) each."""
    kept = list(_without_furniture(pages))
    lines = [replace(line, page=n) for n, page in kept for line in ordered(page)]
    usual = _usual_size(lines)
    flow, notes = _notes_apart(lines, usual)
    known = hyphens(line.words for line in lines)
    paragraphs = list(_joined(flow, known))
    title = next(_titles(paragraphs, usual), "")
    aside = list(_joined(notes, known))
    first = [p for p in aside if p.marks[0][1] == 1]
    start = _head_end(paragraphs, usual)
    later = [p for p in aside if p.marks[0][1] != 1]
    return Paper([*paragraphs[:start], *first, *paragraphs[start:], *later], title)


# --- heads, feet and page numbers


def _without_furniture(
    pages: Sequence[tuple[float, list[Line]]],
) -> Iterator[tuple[int, list[Line]]]:
    """Yield (number, lines) of each page without what is printed on page after page.

    What a head or foot says is kept on the first page: it may tell journal and year.
    """
    outer = [_outer(lines, height) for height, lines in pages]
    seen = Counter(shape for lines in outer for shape in {_shape(line.words) for line in lines})
    for number, (height, lines) in enumerate(pages, 1):
        edge = outer[number - 1]
        numbered = {line.base for line in edge if PAGE_NUMBER.fullmatch(line.words)}
        dropped = {line for line in edge if PAGE_NUMBER.fullmatch(line.words)}
        if number > 1:
            dropped |= {line for line in edge if seen[_shape(line.words)] > 1}
            dropped |= {line for line in edge if line.base in numbered}
            dropped |= {line for line in edge if _is_head(line, lines, height)}
        yield number, [line for line in lines if line not in dropped]


def _outer(lines: Sequence[Line], height: float) -> list[Line]:
    """Return the lines in the margins of a page, of its first and last two rows."""
    rows = sorted({line.base for line in lines})
    ends = {*rows[:2], *rows[-2:]}
    low, high = MARGIN * height, (1 - MARGIN) * height
    return [line for line in lines if line.base in ends and not low < line.base < high]


def _shape(words: str) -> str:
    return NUMBER.sub("#", words.casefold())


def _is_head(line: Line, lines: Sequence[Line], height: float) -> bool:
    """Say whether a line is the head of a page: the first, apart from the rest, with a number."""
    if line.base < (1 - MARGIN) * height or not NUMBER.search(line.words):
        return False
    others = [other.base for other in lines if other.base < line.base - line.size / 2]
    above = any(other.base > line.base + line.size / 2 for other in lines)
    return not above and bool(others) and line.base - max(others) > LONE * line.size


# --- notes


def _usual_size(lines: Sequence[Line]) -> float:
    """Return the size of running text: that of most letters."""
    letters: Counter[float] = Counter()
    for line in lines:
        letters[round(line.size, 1)] += len(line.words)
    return letters.most_common(1)[0][0] if letters else 1.0


def _notes_apart(lines: Sequence[Line], usual: float) -> tuple[list[Line], list[Line]]:
    """Return the lines of the text, and those of the notes at the foot of columns."""
    flow: list[Line] = []
    notes: list[Line] = []
    for column in _columns(lines):
        start = len(column)
        for number in range(len(column) - 1, 0, -1):
            line = column[number]
            if line.size > SMALL * usual:
                break
            if NOTE.match(line.words):
                start = number
        flow += column[:start]
        notes += column[start:]
    return flow, notes


def _columns(lines: Iterable[Line]) -> Iterator[list[Line]]:
    column: list[Line] = []
    for line in lines:
        if column and (line.first or line.page != column[-1].page):
            yield column
            column = []
        column.append(line)
    if column:
        yield column


# --- paragraphs


def _joined(lines: Sequence[Line], hyphens: Hyphens) -> Iterator[Paragraph]:
    """Yield the paragraphs of lines in reading order."""
    leading = _leading(lines)
    current: Paragraph | None = None
    for line in lines:
        if current and _goes_on(current, line, leading):
            current.words = hyphens.joined(current.words, line.words)
            if line.page != current.last.page:
                current.marks.append((len(current.words) - len(line.words), line.page))
            current.last = line
            current.lines += 1
            continue
        if current:
            yield current
        beside = current is not None and "|" in line.words and "|" in current.words
        current = Paragraph(line.words, line.size, line, marks=[(0, line.page)], gap=not beside)
    if current:
        yield current


def _leading(lines: Sequence[Line]) -> float:
    """Return the usual distance of lines, in sizes of their letters."""
    found: Counter[float] = Counter()
    for above, line in pairwise(lines):
        distance = (above.base - line.base) / line.size if line.size else 0.0
        if not line.first and 0 < distance < 3:
            found[round(distance, 1)] += 1
    return found.most_common(1)[0][0] if found else 1.2


def _goes_on(paragraph: Paragraph, line: Line, leading: float) -> bool:
    """Say whether a line goes on with a paragraph."""
    above = paragraph.last
    if " | " in line.words or " | " in above.words or LISTED.match(line.words):
        return False
    if abs(line.size - above.size) > OTHER_SIZE * above.size:
        return False
    ended = SENTENCE_END.search(paragraph.words) is not None
    if line.first or line.page != above.page or line.base > above.base:
        return _goes_on_above(line, above, ended=ended)
    if above.base - line.base > LEADING * leading * line.size:
        return False
    if _is_indented(line) and not _is_indented(above) and (ended or paragraph.lines > 1):
        return LISTED.match(paragraph.words) is not None
    return _is_full(above) or not ended


def _goes_on_above(line: Line, above: Line, *, ended: bool) -> bool:
    """Say whether the first line of a column goes on with the last of the column before."""
    if ended:
        return _is_full(above) and not _is_indented(line)
    return _is_full(above) or line.words[:1].islower()


def _is_indented(line: Line) -> bool:
    return INDENT[0] < (line.left - line.column[0]) / line.size < INDENT[1]


def _is_full(line: Line) -> bool:
    width = line.column[1] - line.column[0]
    return line.right - line.column[0] > SHORT * width


# --- the title


def _titles(paragraphs: Sequence[Paragraph], usual: float) -> Iterator[str]:
    """Yield what stands in the largest letters of the first page."""
    first = [p for p in paragraphs if p.marks[0][1] == 1 and len(p.words.split()) > 1]
    large = [p for p in first if p.size > TITLE * usual and p.lines <= LONGEST_TITLE]
    if large:
        yield max(large, key=lambda p: (round(p.size), len(p.words))).words


def _head_end(paragraphs: Sequence[Paragraph], usual: float) -> int:
    """Return where the first running text of the paper begins."""
    for number, paragraph in enumerate(paragraphs):
        running = paragraph.lines > 2 and paragraph.size >= SMALL * usual
        if running and SENTENCE_END.search(paragraph.words) and paragraph.size < TITLE * usual:
            before = paragraphs[number - 1] if number else None
            return number - bool(before and before.lines == 1 and len(before.words) < 40)
    return len(paragraphs)
