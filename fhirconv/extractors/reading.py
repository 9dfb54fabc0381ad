"""A sentence as it is understood: its clauses, whom they are about, its mentions."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from fhirconv.extractors.abbreviations import Definition
from fhirconv.extractors.assertion import Assertion, assess
from fhirconv.extractors.chunks import Sentence, chunk, parse
from fhirconv.extractors.clauses import Clause, clauses
from fhirconv.extractors.guessing import guessed
from fhirconv.extractors.lexicon import Lexicon
from fhirconv.extractors.mentions import Mention, mentions
from fhirconv.extractors.persons import PATIENT, Person, people_near, subjects
from fhirconv.extractors.sentences import sentences
from fhirconv.extractors.sharing import complete
from fhirconv.extractors.statements import classify
from fhirconv.extractors.tries import Entry, Match, Trie
from fhirconv.report import Report

Found = tuple[Sentence, list[Mention]]
Propose = Callable[[Sequence[Found]], list[list[Mention]]]


def _as_found(found: Sequence[Found]) -> list[list[Mention]]:
    return [mentions for _, mentions in found]


@dataclass(slots=True)
class Reading:
    """A sentence with all that is found in it before facts are made."""

    sentence: Sentence
    clauses: list[Clause]
    persons: list[Person]  # whom each clause is about
    mentions: list[Mention]
    told: list[Assertion]  # of each mention
    statement: str = ""  # 'background' or 'conclusion' where it is about nobody in particular
    patient: int = 1  # the number of the patient; 0 where it is about all
    relative: bool = False  # it is about a patient who is a relative of another
    near: dict[int, Person] = field(default_factory=dict)  # people inside a clause, by chunk

    @property
    def generic(self) -> bool:
        """Whether it tells nothing of a patient."""
        return bool(self.statement)

    def clause_of(self, chunk: int) -> int:
        """Return the number of the clause that a chunk stands in; -1 between clauses."""
        for number, clause in enumerate(self.clauses):
            if clause.first <= chunk < clause.last:
                return number
        return -1

    def person_at(self, chunk: int) -> Person:
        """Return whom a chunk is about."""
        if chunk in self.near:
            return self.near[chunk]
        number = self.clause_of(chunk)
        return self.persons[number] if number >= 0 else PATIENT

    def scope_at(self, chunk: int) -> str:
        """Return the scope of a chunk: patient, family, donor or generic."""
        return self.person_at(chunk).scope

    def in_time(self, mention: Mention) -> bool:
        """Say whether a mention stands in a phrase of time: after administration of X."""
        chunks, number = self.sentence.chunks, mention.chunk - 1
        while (number > 0 and chunks[number].kind in ("noun", "A")) or (
            number > 0 and self.sentence.listed[chunks[number].first].low == "of"
        ):
            number -= 1
        low = self.sentence.listed[chunks[number].first].low if number >= 0 else ""
        return low in ("after", "before", "during", "following", "since", "by")

    def mentions_in(self, chunks: Sequence[int]) -> list[Mention]:
        """Return the mentions of some chunks."""
        return [m for m in self.mentions if m.chunk in chunks]


def readings(report: Report, lexicon: Lexicon, propose: Propose = _as_found) -> list[Reading]:
    """Return the sentences of a report that may tell of a patient, each understood.

    What the tables find in the sentences goes through `propose`, which may add to it.
    """
    listed = list(_sentences(report, lexicon))
    local = _explained(listed)
    found = propose([(sentence, _found(sentence, local)) for sentence in listed])
    told: list[Reading] = []
    spoken = False
    for sentence, named in zip(listed, found, strict=True):
        reading = _understood(sentence, named, spoken)
        spoken = spoken or (not reading.generic and sentence.part != "title")
        told.append(reading)
    return told


def _sentences(report: Report, lexicon: Lexicon) -> Iterator[Sentence]:
    """Yield the sentences of the case; elsewhere only those that speak of it."""
    marks = lexicon.listed("own-words", "phrase")
    for section in report.sections:
        whole = section.kind in lexicon.parts
        if not whole and section.kind not in lexicon.own_parts:
            continue
        heading = section.title
        for span in sentences(
            report.text, section.start, section.end, lexicon.sentence_abbreviations
        ):
            low = "" if whole else report.text[span[0] : span[1]].casefold()
            if whole or any(mark in low for mark in marks):
                yield parse(report.text, lexicon, span, section.kind, heading)
            heading = ""


def _found(sentence: Sentence, local: Trie) -> list[Mention]:
    """Return the mentions that the tables find in a sentence, which is chunked for it."""
    chunk(sentence, _known(sentence, local))
    return guessed(sentence, complete(mentions(sentence)))


def read(sentence: Sentence, local: Trie, spoken: bool) -> Reading:
    """Return one sentence understood by the tables; spoken: the patient was spoken of before."""
    return _understood(sentence, _found(sentence, local), spoken)


def _understood(sentence: Sentence, found: list[Mention], spoken: bool) -> Reading:
    parts = clauses(sentence)
    return Reading(
        sentence,
        parts,
        subjects(sentence, parts),
        found,
        assess(sentence, parts, found),
        classify(sentence, parts, spoken),
        near=people_near(sentence),
    )


def _known(sentence: Sentence, local: Trie) -> list[Match]:
    """Return the known terms of a sentence; what the report explains counts before tables."""
    listed, terms = sentence.listed, sentence.lexicon.terms
    found, free = [], 0
    for place, word in enumerate(listed):
        if place >= free and (word.key in terms.root or word.key in local.root):
            match = local.at(listed, place) or terms.at(listed, place)
            match = _without_course(sentence, match, terms)
            if match is not None:
                found.append(match)
                free = match.last
    return found


def _without_course(sentence: Sentence, match: Match | None, terms: Trie) -> Match | None:
    """Return the disease of 'acute leukemia in relapse' without its course."""
    if match is None or match.last - match.first < 3:
        return match
    listed, last = sentence.listed, match.last
    if listed[last - 2].low == "in" and sentence.lexicon.events.at(listed, last - 1) is not None:
        return terms.at(listed[: last - 2], match.first)
    return match


def _explained(listed: Sequence[Sentence]) -> Trie:
    """Return the abbreviations that the report explains, with the kind of what they mean."""
    local, empty = Trie(), Trie()
    for sentence in listed:
        if sentence.defined:
            chunk(sentence, _known(sentence, empty))
        spoken = mentions(sentence) if sentence.defined else []
        for found in sentence.defined:
            named = [m for m in spoken if m.last in (found.last, found.end) and m.core < found.last]
            entry = _entry(sentence, found, named)
            if entry is not None:
                local.add(sentence.lexicon.keys(found.short), entry)
    return local


def _entry(sentence: Sentence, found: Definition, named: list[Mention]) -> Entry | None:
    """Return what an abbreviation stands for: the mention it explains, or what its words are."""
    if named:
        start, end = sentence.span(named[-1].first, found.last)
        return Entry(named[-1].kind, sentence.text[start:end], named[-1].origin)
    head = sentence.lexicon.head(sentence.listed[found.last - 1].key)
    if head is None or head.kind not in ("cells", "condition", "drug"):
        return None
    start, end = sentence.span(found.first, found.last)
    return Entry(head.kind, sentence.text[start:end], head.origin)


def expansions(listed: Sequence[Reading]) -> Trie:
    """Return the abbreviations that a report explains, each with the keys of its long form."""
    trie = Trie()
    for reading in listed:
        known = reading.sentence.listed
        for found in reading.sentence.defined:
            keys = [w.key for w in known[found.first : found.last]]
            row = {"keys": keys, "origin": ""}
            entry = Entry("expansion", found.short, "", "", row)
            trie.add(reading.sentence.lexicon.keys(found.short), entry)
    return trie
