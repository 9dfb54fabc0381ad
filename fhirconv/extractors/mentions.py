"""The mentions of a sentence: phrases that name a disease, a drug, a treatment, a sign."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fhirconv.extractors import strangers
from fhirconv.extractors.chunks import Chunk, Sentence
from fhirconv.extractors.tries import Match
from fhirconv.extractors.words import singular_low

CLINICAL = frozenset(("condition", "finding", "untoward"))
AGENTS = frozenset(("drug", "drug_class", "cells", "vaccine"))
NAMED = CLINICAL | AGENTS | {"procedure", "test", "measure", "event", "marker", "organism"}
TRAILING = frozenset(("i", "ii", "iii", "iv", "v", "vi", "a", "b", "c"))
JOINS = frozenset(("/", "+", "&"))


@dataclass(slots=True)
class Unit:
    """A word or phrase inside a noun phrase that means something: words[first:last]."""

    first: int
    last: int
    kind: str
    origin: str
    text: str = ""  # the preferred words of its term
    listed: bool = False  # a term of a vocabulary, not only a telling last word


@dataclass(slots=True)
class Mention:
    """A phrase that names something: words[first:last] of a sentence, and its label."""

    sentence: Sentence
    kind: str
    first: int
    last: int
    core: int  # where the term itself begins, after its qualifiers
    chunk: int
    label: str
    origin: str
    listed: bool
    term: str = ""  # the preferred words of its term
    apart: tuple[int, ...] = ()  # its words where they stand apart: cutaneous (and liver) GVHD
    agent: tuple[int, int] | None = None  # words of what an infusion or transfer gives

    @property
    def places(self) -> tuple[int, ...]:
        """The places of its words in the sentence."""
        return self.apart or tuple(range(self.first, self.last))

    @property
    def start(self) -> int:
        """The offset of its first character."""
        return self.sentence.listed[self.first].start

    @property
    def end(self) -> int:
        """The offset behind its last character."""
        return self.sentence.listed[self.last - 1].end


def mentions(sentence: Sentence) -> list[Mention]:
    """Return the mentions of a chunked sentence in order."""
    found: list[Mention] = []
    for number, chunk in enumerate(sentence.chunks):
        if chunk.kind == "noun":
            found += reversed(list(_in_noun(sentence, number, chunk)))
    return found


def _in_noun(sentence: Sentence, number: int, chunk: Chunk) -> Iterator[Mention]:
    """Yield the mentions of one noun phrase, the last first."""
    units = _units(sentence, chunk)
    tail = _without_trailing(sentence, chunk)
    last = next((n for n in range(tail, chunk.last) if n in sentence.quantified), chunk.last)
    while units:
        unit = units.pop()
        ends = unit.last >= tail
        if unit.kind == "mask" and ends:
            return
        if unit.kind in NAMED and (ends or unit.listed or _strong(unit)):
            unit = _given(sentence, unit, units)
            first = _grown(sentence, chunk, unit, units)
            if first >= (last if ends else unit.last):
                return
            yield _mention(sentence, number, unit, (first, last if ends else unit.last))
            if unit.kind != "event":
                units = [u for u in units if u.last <= first]
        last, tail = unit.first, unit.first


def _given(sentence: Sentence, unit: Unit, before: list[Unit]) -> Unit:
    """Return what is given in place of the word for giving it: rituximab (infusion)."""
    if unit.kind == "procedure" and _gives_cells(sentence, unit):
        return Unit(unit.first, unit.last, "cells", unit.origin, unit.text, True)
    word = sentence.listed[unit.last - 1].low
    if unit.kind != "procedure" or not before or before[-1].kind not in AGENTS:
        return unit
    if any(sentence.listed[n].text in JOINS for n in range(before[0].first, unit.first)):
        return unit
    classes = sentence.lexicon.classes.get(singular_low(word), frozenset())
    if before[-1].kind == "cells":
        return Unit(unit.first, unit.last, "cells", unit.origin) if "giving" in classes else unit
    return before.pop() if "carrier" in classes else unit


def _gives_cells(sentence: Sentence, unit: Unit) -> bool:
    """Say whether a term is an infusion of cells: donor lymphocyte infusion, infusion of cells."""
    places = [n for n in range(unit.first, unit.last) if n not in sentence.silent]
    if len(places) < 2:
        return False
    cells = [_is_cells(sentence, n) for n in places]
    giving = [is_giving(sentence, n) for n in places]
    return (giving[-1] and cells[-2]) or (giving[0] and cells[-1])


def _is_cells(sentence: Sentence, place: int) -> bool:
    """Say whether a word alone names cells: lymphocytes, MSC."""
    head = sentence.lexicon.head(sentence.listed[place].key)
    if head is not None:
        return head.kind == "cells"
    match = sentence.lexicon.terms.at(sentence.listed[place : place + 1], 0)
    return match is not None and match.entry.kind == "cells"


def _strong(unit: Unit) -> bool:
    """Say whether a word means the same inside a phrase as at its end: -itis, -mab."""
    return unit.kind in ("drug", "condition") and "suffix" in unit.text


def _mention(sentence: Sentence, number: int, unit: Unit, span: tuple[int, int]) -> Mention:
    first, last = span
    start, end = sentence.span(first, last)
    given = _agent(sentence, unit, first)
    located = unit.kind == "untoward" and _is_located(sentence, first, last)
    kind = "finding" if located else unit.kind
    return Mention(
        *(sentence, kind, first, last, unit.first, number, sentence.text[start:end]),
        *(unit.origin, unit.listed, unit.text if unit.listed else ""),
        agent=given,
    )


def _is_located(sentence: Sentence, first: int, last: int) -> bool:
    """Say whether a general word for harm says of what: pulmonary toxicity."""
    sites = sentence.lexicon.sites
    return any(sites.at(sentence.listed, place) is not None for place in range(first, last))


def _agent(sentence: Sentence, unit: Unit, first: int) -> tuple[int, int] | None:
    """Return the words of the cells in an infusion of cells; None for other mentions."""
    if unit.kind != "cells":
        return None
    last = unit.last
    while last > first and last - 1 in sentence.silent:
        last -= 1
    if is_giving(sentence, last - 1):
        return first, last - 1
    if is_giving(sentence, unit.first) and last - unit.first > 2:
        return unit.first + 2, last
    return None


def is_giving(sentence: Sentence, place: int) -> bool:
    """Say whether a word is one for giving something: infusion, transfer."""
    low = singular_low(sentence.listed[place].low)
    return "giving" in sentence.lexicon.classes.get(low, ())


def _units(sentence: Sentence, chunk: Chunk) -> list[Unit]:
    """Return what means something in a noun phrase, from left to right."""
    hidden = sentence.silent | sentence.quantified
    found = [
        Unit(m.first, m.last, _kind(sentence, m), m.entry.origin, m.entry.text, True)
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
    return sorted(found, key=lambda u: u.first)


def _events(sentence: Sentence, chunk: Chunk, known: list[Unit]) -> list[Unit]:
    """Return the units with the nouns of course in place of shorter terms: remission."""
    found = list(known)
    for place in range(chunk.first, chunk.last):
        match = sentence.lexicon.events.at(sentence.listed, place)
        if match is None or match.last > chunk.last:
            continue
        around = [u for u in known if u.first < match.last and match.first < u.last]
        if match.entry.kind in ("status", "trend", "give", "stop", "die") and all(
            u.last - u.first <= match.last - match.first for u in around
        ):
            found = [u for u in found if u not in around]
            found.append(Unit(match.first, match.last, "event", match.entry.origin))
            return found
    return found


def _kind(sentence: Sentence, match: Match) -> str:
    """Return the kind of a known term; a last word that is an agent overrules a vocabulary."""
    head = sentence.lexicon.head(sentence.listed[match.last - 1].key)
    if match.entry.kind in ("procedure", "drug") and head is not None and head.kind in AGENTS:
        return head.kind
    if match.entry.kind == "procedure" and head is not None and head.kind == "test":
        return "test"
    if sentence.lexicon.is_untoward(sentence.listed, match):
        return "untoward"
    return match.entry.kind


def _without_trailing(sentence: Sentence, chunk: Chunk) -> int:
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


def _grown(sentence: Sentence, chunk: Chunk, unit: Unit, before: Sequence[Unit]) -> int:
    """Return where the label of a term begins: its qualifiers to the left belong to it."""
    place = unit.first
    while place > chunk.first and _qualifies(sentence, place - 1, unit, before):
        place -= 1
    while place < unit.first and not sentence.listed[place].low[0].isalpha():
        place += 1
    return place


def _qualifies(sentence: Sentence, place: int, unit: Unit, before: Sequence[Unit]) -> bool:
    """Say whether a word belongs to the label of the term behind it."""
    if place in sentence.silent:
        return True
    classes = sentence.lexicon.classes.get(sentence.listed[place].low, ())
    if sentence.tagged[place] == "D" or place in sentence.quantified or "cut" in classes:
        return False
    if unit.kind in AGENTS and _is_route(sentence, place):
        return False
    behind = any(u.last == place and u.kind in AGENTS for u in before)
    if "causal" in classes and behind and unit.kind in CLINICAL:
        return False  # heparin-induced X
    inside = next((u for u in before if u.first <= place < u.last), None)
    if "vague" in classes:
        return True  # a drug reaction
    drug = inside is not None and inside.kind in ("drug", "drug_class")
    return not drug or unit.kind in ("procedure", "measure", "test", *AGENTS)


def _is_route(sentence: Sentence, place: int) -> bool:
    match = sentence.lexicon.vocabulary("routes").at(sentence.listed, place)
    return match is not None and match.last == place + 1


__all__ = ["AGENTS", "CLINICAL", "Mention", "is_giving", "mentions"]
