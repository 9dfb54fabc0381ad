"""The mentions of a sentence: phrases that name a disease, a drug, a treatment, a sign."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fhirconv.extractors.chunks import Chunk, Sentence
from fhirconv.extractors.given import DRUGS, end_of, given, is_measured, prepares
from fhirconv.extractors.units import AGENTS, CLINICAL, NAMED, Unit, is_giving, tail_of, units_of

LONGEST = 20  # words before the last term of a name: what is longer is no name


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
    confidence: float = 0.0  # of a model that proposed it; 0 where tables found it
    part: float = 0.0  # how sure a model is of its part in a harm: as the drug, or its effect

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
    units = units_of(sentence, chunk)
    tail = tail_of(sentence, chunk)
    last = next((n for n in range(tail, chunk.last) if n in sentence.quantified), chunk.last)
    while units:
        unit = units.pop()
        ends = unit.last >= tail
        if is_measured(sentence, unit, chunk):
            unit.kind = "measure"
        if unit.kind == "mask" and ends:
            return
        if unit.kind in NAMED and (ends or unit.listed or _strong(unit)):
            agent = given(sentence, unit, units)
            end = last if ends else unit.last
            if agent is not unit and agent.kind in DRUGS:
                unit, end = agent, end_of(sentence, agent, chunk)
            first = _grown(sentence, chunk, agent, units)
            if first >= end:
                return
            yield _mention(sentence, number, agent, (first, end))
            units = _left(units, agent, first)
        last, tail = unit.first, unit.first


def _left(units: list[Unit], taken: Unit, first: int) -> list[Unit]:
    """Return the units that are left before a mention which begins at a place."""
    if taken.kind == "event":
        return units
    left = [u for u in units if u.last <= first]
    if taken.kind == "drug" and left and left[-1].kind == "drug_class" and left[-1].last == first:
        left.pop()  # the protease inhibitor indinavir
    return left


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
    sites, classes = sentence.lexicon.sites, sentence.lexicon.classes
    return any(
        sites.at(sentence.listed, place) is not None
        or "located" in classes.get(sentence.listed[place].low, ())
        for place in range(first, last)
    )


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


def _grown(sentence: Sentence, chunk: Chunk, unit: Unit, before: Sequence[Unit]) -> int:
    """Return where the label of a term begins: its qualifiers to the left belong to it."""
    place, least = unit.first, max(chunk.first, unit.first - LONGEST)
    while place > least and _qualifies(sentence, place - 1, unit, before):
        place -= 1
    while place < unit.first and not sentence.listed[place].low[0].isalpha():
        place += 1
    return place


def _qualifies(sentence: Sentence, place: int, unit: Unit, before: Sequence[Unit]) -> bool:
    """Say whether a word belongs to the label of the term behind it."""
    if place in sentence.silent:
        return True
    classes = sentence.lexicon.classes.get(sentence.listed[place].low, frozenset())
    behind = any(u.last == place and u.kind in AGENTS for u in before)
    if sentence.tagged[place] == "D" or place in sentence.quantified or "cut" in classes:
        return False
    if "causal" in classes and behind and unit.kind in CLINICAL | DRUGS:
        return False  # heparin-induced X
    if unit.kind in AGENTS and _is_route(sentence, place):
        return False
    if unit.kind == "drug":
        return prepares(sentence, place, unit, before)
    return "vague" in classes or not _is_other(sentence, place, unit, before)


def _is_other(sentence: Sentence, place: int, unit: Unit, before: Sequence[Unit]) -> bool:
    """Say whether a word is of a drug that is no part of the name behind it."""
    inside = next((u for u in before if u.first <= place < u.last), None)
    if inside is None or inside.kind not in DRUGS:
        return False
    lacking = unit.kind in CLINICAL and _is_lack(sentence, unit)  # zinc deficiency
    return not lacking and unit.kind not in ("procedure", "measure", "test", *AGENTS)


def _is_lack(sentence: Sentence, unit: Unit) -> bool:
    """Say whether a problem is that something is lacking, which is then no drug."""
    return "lacking" in sentence.lexicon.classes.get(sentence.listed[unit.last - 1].low, ())


def _is_route(sentence: Sentence, place: int) -> bool:
    match = sentence.lexicon.vocabulary("routes").at(sentence.listed, place)
    return match is not None and match.last == place + 1


__all__ = ["AGENTS", "CLINICAL", "Mention", "is_giving", "mentions"]
