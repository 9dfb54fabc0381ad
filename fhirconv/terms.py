"""The words of a term: when two are the same, and what a phrase is a kind of."""

import re
from collections.abc import Iterator
from functools import lru_cache

ALIKE = str.maketrans(
    dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-")
    | dict.fromkeys("\u2018\u2019\u02bc", "'")
)


def one_key(text: str) -> str:
    """Return the key of a term as term_key does, for words that come once."""
    plain = text if text.isascii() else text.translate(ALIKE)
    return " ".join(plain.split()).casefold()


@lru_cache(maxsize=65536)
def term_key(text: str) -> str:
    """Return the key of a term: letter case, kinds of dash and runs of space do not count."""
    return one_key(text)


BRACKET = re.compile(r"\s*[(\[][^()\[\]]*[)\]]")
TAIL = re.compile(
    r"\s(?:of|in|on|at|with|without|for|after|before|during|to|from|by|due|following|against)\s.*"
)
NO_KIND = frozenset(  # a noun behind one of these is not a kind of that noun
    "no not non anti pseudo pre post risk history suspected possible donor donor's family".split()
)


def heads(text: str) -> Iterator[str]:
    """Yield the words, then what they are a kind of: ever shorter, from the left.

    'bone marrow transplantation (BMT) from a donor' -> itself, without brackets, without
    what follows a preposition, then 'marrow transplantation', 'transplantation'. Words with
    a hyphen are one word: 'non-Hodgkin lymphoma' is no 'Hodgkin lymphoma'.
    """
    yield text
    bare = BRACKET.sub("", text).strip()
    if bare != text:
        yield bare
    head = TAIL.sub("", bare)
    if head != bare:
        yield head
    parts = head.split()
    for number in range(1, len(parts)):
        if parts[number - 1].casefold() in NO_KIND:
            return
        yield " ".join(parts[number:])
