"""How far a cue reaches: the list after it, the subject before it, its clause, its sentence."""

from collections.abc import Iterator, Sequence

from fhirconv.extractors.chunks import Chunk, Sentence
from fhirconv.extractors.clauses import Clause
from fhirconv.extractors.lexicon import Match
from fhirconv.extractors.mentions import Mention

STOPS = frozenset((";", ":", "S", "R", "."))
TURNS = frozenset(("but", "yet"))
UNMOVED = frozenset(("change", "trend", "status", "stop", "exclude"))


class Scope:
    """The mentions of one sentence, and which of them a cue reaches."""

    def __init__(
        self,
        sentence: Sentence,
        parts: Sequence[Clause],
        found: Sequence[Mention],
        cues: Sequence[Match],
    ) -> None:
        self.sentence = sentence
        self.parts = parts
        self.found = found
        self.lexicon = sentence.lexicon
        self.turns = {c.first for c in cues if c.entry.row["rows"][0]["class"] == "except"}
        self.chunk_of = {
            place: number
            for number, chunk in enumerate(sentence.chunks)
            for place in range(chunk.first, chunk.last)
        }
        self.by_chunk: dict[int, list[int]] = {}
        for number, mention in enumerate(found):
            self.by_chunk.setdefault(mention.chunk, []).append(number)

    def reached(self, scope: str, cue: Match) -> list[int]:
        """Return the numbers of the mentions that a cue of this scope reaches."""
        if scope == "after":
            return list(self.after(cue.last, cue.first))
        if scope == "before":
            clause = self.clause_at(cue.first)
            return list(self.subject(clause)) if clause else []
        if scope == "clause":
            clause = self.clause_at(cue.first)
            return self.inside(clause) if clause else []
        if scope == "sentence":
            return list(range(len(self.found)))
        return self._verb(cue) if scope == "verb" else []

    def clause_at(self, place: int) -> Clause | None:
        """Return the clause that a word stands in."""
        number = self.chunk_of.get(place, -1)
        return next((c for c in self.parts if c.first <= number < c.last), None)

    def before(self, place: int) -> list[int]:
        """Return the mentions of the sentence before a place."""
        return [n for n, m in enumerate(self.found) if m.last <= place]

    def inside(self, clause: Clause) -> list[int]:
        """Return the mentions of a clause."""
        return [
            n for chunk in range(clause.first, clause.last) for n in self.by_chunk.get(chunk, ())
        ]

    def after(self, place: int, first: int) -> Iterator[int]:
        """Yield the mentions of the list that begins after a cue: fever, cough and rash."""
        chunks = self.sentence.chunks
        number = self.chunk_of.get(place if place in self.chunk_of else place - 1, len(chunks))
        if number == self.chunk_of.get(place - 1) and chunks[number].last == place:
            number += 1
        taken, skip, clear = False, False, True
        while number < len(chunks):
            chunk = chunks[number]
            if chunk.first in self.turns and chunk.first > first:
                return
            if chunk.kind == "noun":
                near = [n for n in self.by_chunk.get(number, ()) if self.found[n].last > place]
                if not skip:
                    yield from near
                    taken = taken or bool(near)
                    clear = clear and (bool(near) or self._transparent(chunk))
                if any(self._is_change(n) for n in near):
                    return
                skip = False
            elif not self._goes_on(number, taken, clear):
                return
            elif chunk.kind == "P":
                skip = self.sentence.listed[chunk.first].low != "of" and taken
            number += 1

    def _is_change(self, number: int) -> bool:
        """Say whether a mention is a change: no improvement of X does not deny X."""
        row = self.lexicon.event(self.found[number]) if self.found[number].kind == "event" else None
        return row is not None and row["meaning"] == "trend"

    def _goes_on(self, number: int, taken: bool, clear: bool) -> bool:
        """Say whether a list may go on over a chunk that is no noun phrase."""
        chunk = self.sentence.chunks[number]
        low = self.sentence.listed[chunk.first].low
        if chunk.kind in STOPS or low in TURNS:
            return False
        if chunk.kind in (",", "C", "A", "!", "(", ")", "/"):
            return True
        if chunk.kind == "P":
            return clear or (low == "of" and taken) or self._list_after(number)
        return chunk.kind == "verb" and not taken and clear

    def _list_after(self, number: int) -> bool:
        """Say whether a list goes on behind the noun phrase of a preposition."""
        chunks = self.sentence.chunks
        return number + 2 < len(chunks) and chunks[number + 2].kind in (",", "C")

    def _transparent(self, chunk: Chunk) -> bool:
        """Say whether a noun phrase only leads to what it speaks of: evidence (of X)."""
        low = self.sentence.listed[chunk.last - 1].low
        return "transparent" in self.lexicon.classes.get(low, ()) or chunk.last - chunk.first == 0

    def subject(self, clause: Clause) -> Iterator[int]:
        """Yield the mentions that are the subject of a clause, not those that modify it."""
        if clause.inherits:
            place = self.parts.index(clause)
            if place and clause.opener != "":
                yield from self._antecedent(clause)
            elif place:
                yield from self.subject(self.parts[place - 1])
            return
        chunks = self.sentence.chunks
        behind = clause.verb if clause.verb >= 0 else clause.last
        skip = False
        for number in range(clause.subject, behind):
            chunk = chunks[number]
            if chunk.kind == "noun" and not skip:
                yield from self.by_chunk.get(number, ())
            elif chunk.kind in ("P", "verb"):
                before = chunks[number - 1] if number > clause.subject else None
                skip = not (before and before.kind == "noun" and self._transparent(before))
            elif chunk.kind in (",", "C"):
                skip = False

    def _antecedent(self, clause: Clause) -> Iterator[int]:
        """Yield the mentions that a relative pronoun stands for."""
        chunks = self.sentence.chunks
        number = clause.first - 2
        while number >= 0 and chunks[number].kind in (",", "P", "A"):
            number -= 1
        yield from self.by_chunk.get(number, ())

    def _verb(self, cue: Match) -> list[int]:
        """Return what a word inside a verb group reaches: not, may, will."""
        number = self.chunk_of.get(cue.first, -1)
        clause = self.clause_at(cue.first)
        if clause is None:
            return []
        chunks = self.sentence.chunks
        verb = number if chunks[number].kind == "verb" else clause.verb
        if cue.entry.kind == "refused":
            return [] if list(self.after(cue.last, cue.first)) else self.before(cue.first)
        if cue.entry.kind != "absent":
            return self.inside(clause) if clause.verb in (number, number + 1, number - 1) else []
        if chunks[number].kind == "!" and clause.verb == number - 1:
            return list(self.after(cue.last, cue.first)) or list(self.subject(clause))
        return self._denied(verb, clause)

    def _denied(self, verb: int, clause: Clause) -> list[int]:
        """Return what a negated verb denies: its object, or its subject where it has none."""
        if verb < 0:
            return []
        lemma, passive = main_verb(self.sentence, verb)
        row = self.lexicon.meanings.get(lemma)
        if row is not None and row["meaning"] in UNMOVED and row["value"] != "appeared":
            return []
        last = self.sentence.chunks[verb].last
        behind = [] if passive else list(self.after(last, last - 1))
        return behind or list(self.subject(clause))


def main_verb(sentence: Sentence, verb: int) -> tuple[str, bool]:
    """Return (lemma, passive) of a verb group."""
    chunk = sentence.chunks[verb]
    lows = [sentence.listed[n].low for n in range(chunk.first, chunk.last)]
    places = [n for n in range(chunk.first, chunk.last) if sentence.tagged[n] == "V"]
    be = any(low in BE for low in lows)
    if not places:
        return ("be" if be else "have", False)
    low = sentence.listed[places[-1]].low
    lemma, form = sentence.lexicon.verbs.get(low, (low, "past" if low.endswith("ed") else ""))
    return lemma, be and form in ("past", "participle")


BE = frozenset("is are was were be been being".split())
