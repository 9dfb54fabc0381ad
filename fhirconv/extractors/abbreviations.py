"""Abbreviations that a report itself explains: graft-versus-host disease (GVHD)."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from fhirconv.extractors.words import Word

LONGEST = 12  # characters of a short form
MOST_WORDS = 3  # words of a short form: CD4, rIL-2


class Definition(NamedTuple):
    """words[first:last] say in full what words[begin:end], in parentheses, say in short."""

    short: str
    first: int
    last: int
    begin: int  # the opening parenthesis
    end: int  # behind the closing one


def definitions(listed: Sequence[Word]) -> Iterator[Definition]:
    """Yield the abbreviations that a sentence explains (the rule of Schwartz and Hearst)."""
    for place, word in enumerate(listed):
        if word.text == "(":
            signs = (n for n in range(place, place + MOST_WORDS + 2) if n < len(listed))
            end = next((n for n in signs if listed[n].text == ")"), -1)
            if end > place + 1:
                yield from _defined(listed, place, end)


def _defined(listed: Sequence[Word], place: int, end: int) -> Iterator[Definition]:
    inner = listed[place + 1 : end]
    short = "".join(w.joint + w.text for w in inner).strip()
    letters = "".join(w.text for w in inner)
    if not _is_short(letters) or not place:
        return
    first = _long_begin(listed, place, letters.casefold())
    if first is None and letters.endswith("s"):
        first = _long_begin(listed, place, letters[:-1].casefold())
        short = short[:-1]
    if first is not None:
        yield Definition(short, first, place, place, end + 1)


def _is_short(letters: str) -> bool:
    return (
        2 <= len(letters) <= LONGEST
        and any(c.isupper() for c in letters)
        and sum(c.isalpha() for c in letters) * 2 >= len(letters)
        and not (letters[0].isupper() and letters[1:].islower() and len(letters) > 4)
    )


def _long_begin(listed: Sequence[Word], place: int, letters: str) -> int | None:
    """Return the first word of the long form that ends before `place`, if there is one.

    Each character of the short form must be found, from right to left, and the first of
    them at the beginning of a word.
    """
    first = max(0, place - min(len(letters) * 2, len(letters) + 5))
    signs = [n for n in range(first, place) if not listed[n].low[0].isalnum()]
    first = signs[-1] + 1 if signs else first
    joined = " ".join(w.low for w in listed[first:place])
    spot = len(joined)
    for number in range(len(letters) - 1, -1, -1):
        spot = joined.rfind(letters[number], 0, spot)
        while not number and spot > 0 and joined[spot - 1] != " ":
            spot = joined.rfind(letters[0], 0, spot)
        if spot < 0:
            return None
    return first + joined.count(" ", 0, spot) if len(joined) - spot > len(letters) else None
