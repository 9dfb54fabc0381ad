"""The lines of a plain text become blocks: bullets, Markdown headings, wrapped paragraphs."""

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from fhirconv.readers.blocks import HEADING, Block

LINE = re.compile("[^\n\r\f\v\x85\u2028\u2029]+")
LINE_END = re.compile("\r\n|[\n\r\f\v\x85\u2028\u2029]")
BULLET = re.compile(r"(?:[•◦▪‣·●○∙■□–—*-]|\d{1,3}[.)]|\(\d{1,3}\))\s+(?=\S)")
MARKDOWN = re.compile(r"(#{1,6})\s+(?=\S)")
NUMBERED = re.compile(r"(\d{1,2}(?:\.\d{1,2}){1,3})\.?\s+[A-Z][^\n]{2,100}")
EMPHASIS = re.compile(r"(\*\*|__)([^*_]{1,150}?)[.:]?(?:\1)[.:]?")
UNDERLINE = re.compile(r"(={3,}|-{3,})")
SENTENCE_END = re.compile(r"[.!?:;]['\"”’)\]]*$")
WRAPPED_AT_MOST = 120  # the longest line of a text that an editor wrapped
LONGEST_CAPITALS = 80
NEARLY_FULL = 0.7  # how long a wrapped line is at least, of the longest


def blocks_of(text: str) -> list[Block]:
    """Return the lines of a text as blocks, the lines of a wrapped paragraph as one."""
    lines = [_marked(b) for b in _underlined(_lines(text))]
    width = max((len(b.words) for b in lines), default=0)
    if not _is_wrapped(lines, width):
        return lines
    return list(_joined(lines, text, width))


def _lines(text: str) -> Iterator[Block]:
    end = 0
    for line in LINE.finditer(text):
        words = line.group().strip()
        if words:
            start = line.start() + line.group().find(words[0])
            breaks = len(LINE_END.findall(text, end, start)) if end else 2
            yield Block(start, start + len(words), words, gap=breaks > 1)
            end = start + len(words)


def _underlined(lines: Iterator[Block]) -> Iterator[Block]:
    """Yield the lines; one that a row of '=' or '-' underlines is a heading."""
    before: Block | None = None
    for block in lines:
        rule = UNDERLINE.fullmatch(block.words)
        if rule and before and not block.gap and len(before.words) <= 150:
            level = 1 if rule[1][0] == "=" else 2
            before = replace(before, role=HEADING, level=level)
        elif not rule:
            if before:
                yield before
            before = block
    if before:
        yield before


def _marked(block: Block) -> Block:
    """Return the block without the signs of a bullet or of a Markdown heading."""
    heading = MARKDOWN.match(block.words)
    if heading:
        end = block.start + len(block.words.rstrip(" \t#"))
        words = block.part(block.start + heading.end(), max(end, block.start + heading.end() + 1))
        return replace(_plain(words), role=HEADING, level=len(heading[1]))
    bold = EMPHASIS.fullmatch(block.words)
    if bold:
        return replace(_plain(block), role=HEADING)
    numbered = NUMBERED.fullmatch(block.words)
    if numbered and not SENTENCE_END.search(block.words[-10:]):
        return replace(block, role=HEADING, level=1 + numbered[1].count("."))
    if block.gap and _is_capitals(block.words):
        return replace(block, role=HEADING)
    return bulleted(block)


def bulleted(block: Block) -> Block:
    """Return a block without the bullet or number before its words, which is noted."""
    bullet = None if block.is_heading else BULLET.match(block.words)
    if bullet is None:
        return block
    sign = bullet.group().strip()
    return block.part(block.start + bullet.end(), block.end, bullet=sign)


def _is_capitals(words: str) -> bool:
    """Say whether a line is a heading in capitals: 'MARROW FINDINGS', but not 'CD34+ IL-2'."""
    letters = [c for c in words[: LONGEST_CAPITALS + 1] if c.isalpha()]
    long = any(len(w) > 3 and w.isalpha() for w in words[:LONGEST_CAPITALS].split())
    fits = len(words) <= LONGEST_CAPITALS and not SENTENCE_END.search(words[-10:])
    return fits and long and all(c.isupper() for c in letters)


def _plain(block: Block) -> Block:
    """Return a heading without Markdown's signs of emphasis."""
    bold = EMPHASIS.fullmatch(block.words)
    return block.part(block.start + bold.start(2), block.start + bold.end(2)) if bold else block


def _is_wrapped(lines: list[Block], width: int) -> bool:
    """Say whether an editor broke the lines: none is long, and sentences go on in lower case."""
    if width > WRAPPED_AT_MOST:
        return False
    full = NEARLY_FULL * width
    return sum(len(a.words) >= full and _goes_on(a, b) for a, b in pairwise(lines)) >= 2


def _goes_on(line: Block, after: Block) -> bool:
    """Say whether a sentence runs from one line to the next."""
    apart = after.gap or after.bullet or after.role or line.role
    return not apart and after.words[0].islower() and not SENTENCE_END.search(line.words[-10:])


def _joined(lines: list[Block], text: str, width: int) -> Iterator[Block]:
    """Yield wrapped paragraphs whole; a short line ends its paragraph."""
    first = last = lines[0]
    for block in lines[1:]:
        apart = block.gap or block.bullet or block.role or last.role
        if apart or len(last.words) < NEARLY_FULL * width:
            yield _span(first, last, text)
            first = block
        last = block
    yield _span(first, last, text)


def _span(first: Block, last: Block, text: str) -> Block:
    return replace(first, end=last.end, words=text[first.start : last.end])
