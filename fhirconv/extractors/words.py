"""The words of a text, with their places and the key by which tables know them."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

TOKEN = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+|\S")
DASHES = frozenset("-\u2010\u2011\u2012\u2013\u2014\u2212")
QUOTES = frozenset("'\u2019\u02bc")
MOST = 200_000  # words remembered: a text of random letters must not fill the memory
SILENT = DASHES | QUOTES | {"s", "S"}
PLURALS = (
    *(("ies", "y"), ("oses", "osis"), ("stases", "stasis"), ("iases", "iasis")),
    *(("yses", "ysis"), ("xes", "x"), ("ches", "ch"), ("shes", "sh"), ("sses", "ss")),
)


class Word(NamedTuple):
    """One word, number or sign: text[start:end], its lower-case form and its key in tables."""

    start: int
    end: int
    text: str
    low: str
    key: str
    joint: str  # what stands before it: ' ' space, '' nothing, '-' a dash


class Folding:
    """The way from a word to its key: case, British spelling and plural do not count."""

    def __init__(self, rows: Sequence[Mapping[str, str]]) -> None:
        self.anywhere = tuple((r["from"], r["to"]) for r in rows if r["where"] == "any")
        self.ends = tuple((r["from"], r["to"]) for r in rows if r["where"] == "end")
        self.known: dict[str, str] = {}

    def key(self, low: str) -> str:
        """Return the key of a lower-case word."""
        key = self.known.get(low)
        return self._learn(low) if key is None else key

    def _learn(self, low: str) -> str:
        if len(self.known) > MOST:
            self.known.clear()
        key = self.known[low] = self._fold(low)
        return key

    def _fold(self, low: str) -> str:
        if len(low) <= 3:
            return low if low.isascii() else self._spell(low)
        return self._end(singular(self._spell(low)))

    def _spell(self, low: str) -> str:
        for old, new in self.anywhere:
            if old in low:
                low = low.replace(old, new)
        return low

    def _end(self, low: str) -> str:
        for old, new in self.ends:
            if low.endswith(old):
                return low[: -len(old)] + new
        return low


def singular(low: str) -> str:
    """Return a lower-case noun without its plural ending."""
    if not low.endswith("s") or low.endswith(("ss", "us", "is")):
        return low
    for old, new in PLURALS:
        if low.endswith(old) and len(low) > len(old) + 2:
            return low[: -len(old)] + new
    return low[:-1]


def words(text: str, start: int, end: int, folding: Folding) -> list[Word]:
    """Return the words of text[start:end].

    A dash inside a word and a possessive 's are no words of their own: the next word knows
    by its joint that a dash stands before it.
    """
    found = [(*m.span(), m[0]) for m in TOKEN.finditer(text, start, end)]
    listed: list[Word] = []
    behind, joint = start, " "
    for number, (first, last, shown) in enumerate(found):
        if shown in SILENT and first <= behind and listed and _is_silent(found, number):
            joint = "-" if shown in DASHES else joint
            behind = last
            continue
        low = shown.lower()
        before = joint if joint == "-" else " " if first > behind else ""
        listed.append(Word(first, last, shown, low, folding.key(low), before))
        behind, joint = last, ""
    return listed


def _is_silent(found: list[tuple[int, int, str]], number: int) -> bool:
    """Say whether a token right behind another is a dash in a word, or part of a possessive."""
    _, last, shown = found[number]
    if shown in DASHES:
        return number + 1 < len(found)
    if shown in QUOTES:
        following = found[number + 1] if number + 1 < len(found) else None
        return following is not None and following[0] == last and following[2] in "sS"
    return shown in "sS" and found[number - 1][2] in QUOTES


def singular_low(low: str) -> str:
    """Return a lower-case word without the plain plural s."""
    return low[:-1] if low.endswith("s") and not low.endswith("ss") else low
