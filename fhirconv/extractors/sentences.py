"""The sentences of a section: where they begin and end."""

import re
from collections.abc import Iterator

END = re.compile(
    r"[.!?]['\"\u201d\u2019)\]]*(?:\[[\d,;\u2013\s-]{1,24}\])?(?=\s|$)"
    r"|(?<=[a-z]{2})[.!?]['\"\u201d\u2019)]*\d{1,3}(?:[,\u2013-]\d{1,3}){0,5}(?=\s+[A-Z(\"\u201c])"
    r"|\n[ \t]*\n\s*|\n(?=[ \t]*[\u2022*\u25aa-])|\n"
)  # the number of a citation may stand between the point and the next sentence: seen.12 The, [3]
SHORT_LINE = 60  # a line of fewer characters that ends without a point is a heading or an item
LONGEST = 2000  # characters of a sentence: what is longer is no prose
OPENERS = "([\"'\u201c\u2018"


def sentences(
    text: str, start: int, end: int, abbreviations: frozenset[str]
) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of each sentence of text[start:end], white space left out.

    A point ends a sentence unless it stands after a known abbreviation or a single letter,
    or before a small letter; a blank line or the end of a short line ends one too.
    """
    begin = start
    for found in END.finditer(text, start, end):
        if found.start() >= begin and _ends(text, begin, found, end, abbreviations):
            yield from _trimmed(text, begin, found.end())
            begin = found.end()
    yield from _trimmed(text, begin, end)


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield a stretch of text without white space around it, in pieces where it is too long."""
    while end - start > LONGEST:
        cut = max(text.rfind(sign, start + 1, start + LONGEST) for sign in ("; ", ", ", " ", "\n"))
        cut = cut + 1 if cut > start else start + LONGEST
        yield from _bare(text, start, cut)
        start = cut
    yield from _bare(text, start, end)


def _bare(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start < end:
        yield start, end


def _ends(
    text: str, begin: int, found: re.Match[str], end: int, abbreviations: frozenset[str]
) -> bool:
    sign = found[0]
    if sign.startswith("\n"):
        return _line_ends(text, begin, found, end)
    if sign[0] != ".":
        return True
    following = text[found.end() : found.end() + 3].lstrip().lstrip(OPENERS)[:1]
    if following and following.islower():
        return False
    before = re.split(r"[\s(]", text[max(begin, found.start() - 20) : found.start()])[-1]
    if before.casefold() in abbreviations:
        return not following
    return not (len(before) == 1 and before.isalpha() and before.isupper() and following)


def _line_ends(text: str, begin: int, found: re.Match[str], end: int) -> bool:
    if (
        "\n" in found[0][1:]
        or text[found.end() : min(end, found.end() + 40)].lstrip(" \t")[:1] in "\u2022*\u25aa-"
    ):
        return True
    if found.start() - begin >= SHORT_LINE:
        return False
    following = text[found.end() : found.end() + 40].lstrip(" \t")[:1]
    return not following.islower() and text[found.start() - 1 : found.start()] not in ",-"
