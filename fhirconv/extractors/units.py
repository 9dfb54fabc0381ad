"""The units of a noun phrase: the words and phrases in it that mean something."""

from dataclasses import dataclass

from fhirconv.extractors import strangers
from fhirconv.extractors.chunks import Chunk, Sentence
from fhirconv.extractors.tries import Match
from fhirconv.extractors.words import singular_low

CLINICAL = frozenset(("condition", "finding", "untoward"))
AGENTS = frozenset(("drug", "drug_class", "cells", "vaccine"))
NAMED = CLINICAL | AGENTS | {"procedure", "test", "measure", "event", "marker", "organism"}
TRAILING = frozenset(("i", "ii", "iii", "iv", "v", "vi", "a", "b", "c"))


@dataclass(slots=True)
class Unit:
    """A word or phrase inside a noun phrase that means something: words[first:last]."""

    first: int
    last: int
    kind: str
    origin: str
    text: str = ""  # the preferred words of its term
    listed: bool = False  # a term of a vocabulary, not only a telling last word


def units_of(sentence: Sentence, chunk: Chunk) -> list[Unit]:
    """Return what means something in a noun phrase, from left to right."""
    hidden = sentence.hidden
    found = [
        Unit(m.first, m.last, kind_of(sentence, m), m.entry.origin, m.entry.text, True)
        for m in sentence.known
        if chunk.first <= m.first < chunk.last and m.first not in hidden
    ]
    found = _events(sentence, chunk, found)
    covered = {n for u in found for n in range(u.first, u.last)}
    for place, origin in strangers.names(sentence, chunk):
        if place not in covered:
            found.append(Unit(place, place + 1, "drug", origin, "suffix"))
            covered.add(place)
    for place in range(chunk.first, chunk.last):
        if place not in covered and place not in hidden:
            key = sentence.listed[place].key
            head = sentence.lexicon.head(key)
            if head is not None:
                mark = "" if key in sentence.lexicon.heads else "suffix"
                found.append(Unit(place, place + 1, head.kind, head.origin, mark))
    return _salted(sentence, chunk, sorted(found, key=lambda u: u.first))


def _salted(sentence: Sentence, chunk: Chunk, found: list[Unit]) -> list[Unit]:
    """Return the units with the salts of drugs in their names: warfarin potassium."""
    classes = sentence.lexicon.classes
    for unit in found:
        while unit.kind == "drug" and unit.last < chunk.last:
            if "salt" not in classes.get(sentence.listed[unit.last].low, ()):
                break
            unit.last += 1
    salted = {n for u in found if u.kind == "drug" for n in range(u.first + 1, u.last)}
    return [u for u in found if u.first not in salted]


def _events(sentence: Sentence, chunk: Chunk, known: list[Unit]) -> list[Unit]:
    """Return the units with the nouns of course in place of shorter terms: remission."""
    found = list(known)
    for match in sentence.lexicon.events.within(sentence.listed, chunk.first, chunk.last):
        if match.last > chunk.last:
            continue
        around = [u for u in known if u.first < match.last and match.first < u.last]
        if match.entry.kind in ("status", "trend", "give", "stop", "die") and all(
            u.last - u.first <= match.last - match.first for u in around
        ):
            found = [u for u in found if u not in around]
            found.append(Unit(match.first, match.last, "event", match.entry.origin))
            return found
    return found


def kind_of(sentence: Sentence, match: Match) -> str:
    """Return the kind of a known term; a last word that is an agent overrules a vocabulary."""
    head = sentence.lexicon.head(sentence.listed[match.last - 1].key)
    if match.entry.kind in ("procedure", "drug") and head is not None and head.kind in AGENTS:
        return head.kind
    if match.entry.kind == "procedure" and head is not None and head.kind == "test":
        return "test"
    if sentence.lexicon.is_untoward(sentence.listed, match):
        return "untoward"
    return match.entry.kind


def tail_of(sentence: Sentence, chunk: Chunk) -> int:
    """Return where a noun phrase ends without numbers and abbreviations: type 2, (GVHD)."""
    last = chunk.last
    while last > chunk.first and (
        last - 1 in sentence.silent
        or sentence.tagged[last - 1] == "#"
        or last - 1 in sentence.quantified
        or sentence.listed[last - 1].low in TRAILING
    ):
        last -= 1
    return last


def is_giving(sentence: Sentence, place: int) -> bool:
    """Say whether a word is one for giving something: infusion, transfer."""
    low = singular_low(sentence.listed[place].low)
    return "giving" in sentence.lexicon.classes.get(low, ())
