"""How far a cue reaches: the list after it, the subject before it, its clause, its sentence."""

from collections.abc import Iterator, Mapping, Sequence

from fhirconv.extractors.chunks import Chunk, Sentence
from fhirconv.extractors.clauses import BE, Clause, main_verb
from fhirconv.extractors.mentions import CLINICAL, Mention
from fhirconv.extractors.tries import Match

STOPS = frozenset((";", ":", "S", "R", "."))
TURNS = frozenset(("but", "yet", "only"))
OF_LISTS = frozenset(("of", "such", "including", "like"))
EXAMPLES = OF_LISTS - {"of"}
PLACES = ("in", "on", "at")
UNMOVED = frozenset(("change", "trend", "status", "stop", "exclude"))
SEEMING = frozenset(("appear", "seem", "tend"))
OCCURRING = frozenset(("show", "diagnose", "develop", "happen", "cause", "effect", "achieve"))


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
        self.heads = {clause.verb for clause in parts}  # the verbs of clauses
        self.starts = {clause.first for clause in parts if not clause.inherits and clause.first}
        self.by_chunk: dict[int, list[int]] = {}
        for number, mention in enumerate(found):
            self.by_chunk.setdefault(mention.chunk, []).append(number)

    def reached(self, scope: str, cue: Match) -> list[int]:
        """Return the numbers of the mentions that a cue of this scope reaches."""
        clause = self.clause_at(cue.first)
        if scope == "after":
            nobody = clause if clause and self._is_nobody(cue, clause) else None
            return self._behind(nobody) if nobody else list(self.after(cue.last, cue.first))
        if scope == "sentence":
            return list(range(len(self.found)))
        return self._in_clause(scope, cue, clause) if clause else []

    def _in_clause(self, scope: str, cue: Match, clause: Clause) -> list[int]:
        if scope == "behind":
            return [n for n, m in enumerate(self.found) if m.last == cue.first]
        if scope == "before":
            return list(self.subject(clause))
        if scope == "clause":
            return self._of_clause(clause, cue)
        if scope == "perfect":
            return self._of_clause(clause, cue) if self._is_perfect(clause) else []
        return self._verb(cue, clause) if scope == "verb" else []

    def _is_nobody(self, cue: Match, clause: Clause) -> bool:
        """Say whether the subject of a clause is nobody: no patient, neither of her sisters."""
        number = self.chunk_of.get(cue.first, -1)
        if not clause.subject <= number < clause.verb:
            return False
        chunks = self.sentence.chunks
        if chunks[number].last == cue.last and number + 1 < clause.verb:
            number += 2 if self.sentence.listed[cue.last].low == "of" else 1
        return self._is_somebody(cue.last, chunks[number].last)

    def _behind(self, clause: Clause) -> list[int]:
        """Return the mentions behind the verb of a clause."""
        return [n for n in self.inside(clause) if self.found[n].chunk > clause.verb]

    def _is_somebody(self, first: int, last: int) -> bool:
        """Say whether words end in a person, a relative, or those of whom was told: of them."""
        if first >= last:
            return False
        listed, relations = self.sentence.listed, self.lexicon.relations
        related = (relations.at(listed, place) for place in range(first, last))
        known = (
            listed[last - 1].key in self.lexicon.anybody or self.sentence.tagged[last - 1] == "O"
        )
        return known or any(match is not None and match.last == last for match in related)

    def _is_perfect(self, clause: Clause) -> bool:
        """Say whether a clause tells what had been before: had suffered."""
        chunk = self.sentence.chunks[clause.verb]
        return chunk.last - chunk.first > 1 and self.sentence.listed[chunk.first].low == "had"

    def clause_at(self, place: int) -> Clause | None:
        """Return the clause that a word stands in."""
        number = self.chunk_of.get(place, -1)
        return next((c for c in self.parts if c.first <= number < c.last), None)

    def _of_clause(self, clause: Clause, cue: Match) -> list[int]:
        """Return the mentions of a clause; where a cue stands behind some, the last of them."""
        found = self.inside(clause)
        ahead = [n for n in found if self.found[n].last <= cue.first]
        if self.chunk_of.get(cue.first, -1) < clause.subject or not ahead or len(ahead) < 2:
            return found
        last = self.found[ahead[-1]]
        return [n for n in ahead if n == ahead[-1] or self._joined(self.found[n], last)]

    def _joined(self, one: Mention, two: Mention) -> bool:
        """Say whether two mentions are parts of one list."""
        tags = self.sentence.tagged[one.last : two.first]
        return not set(tags) & {"P", "V", "X", "S", "R"}

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
        begin = self._begin(place)
        taken, skip, clear = False, False, True
        for number in range(begin, len(chunks)):
            chunk = chunks[number]
            if self._stops(number, begin, first, taken):
                return
            if chunk.kind == "noun" or self._is_listed(number):
                near = [n for n in self.by_chunk.get(number, ()) if self.found[n].last > place]
                if taken and any(self._is_end(n) for n in near):
                    return
                through = self._transparent(chunk)
                if not skip:
                    yield from near
                    taken = taken or (bool(near) and not through)
                    clear = clear and (bool(near) or through or self._is_part(number))
                if any(self._is_change(n) for n in near):
                    return
                skip = False
            elif not self._goes_on(number, taken, clear):
                return
            elif chunk.kind == "P" and not self._exemplifies(number):
                skip = taken and self.sentence.listed[chunk.first].low not in OF_LISTS

    def _is_listed(self, number: int) -> bool:
        """Say whether a form of a verb is a part of a list: no coughing or hiccupping."""
        chunks = self.sentence.chunks
        form = chunks[number].kind == "verb" and number not in self.heads
        joined = number > 0 and chunks[number - 1].kind in ("C", ",", "!")
        return form and joined and number in self.by_chunk

    def _begin(self, place: int) -> int:
        """Return the chunk in which what follows a cue begins."""
        chunks = self.sentence.chunks
        number = self.chunk_of.get(place if place in self.chunk_of else place - 1, len(chunks))
        inside = number == self.chunk_of.get(place - 1) and chunks[number].last == place
        return number + 1 if inside else number

    def _stops(self, number: int, begin: int, first: int, taken: bool) -> bool:
        """Say whether a cue reaches no further than this chunk."""
        chunk = self.sentence.chunks[number]
        if chunk.first in self.turns and chunk.first > first:
            return True
        if number in self.heads and number > begin:
            return taken or not (self._is_copula(number) or self._leads(number, begin))
        if number in self.starts and number > begin:
            return not self._is_inverted(begin, number)
        if chunk.kind == "," and self._opens_clause(number, begin):
            return True
        if chunk.kind == "," and number == begin:
            return self.sentence.tagged[chunk.first - 1] != "P"
        return chunk.kind == ")" and self._opened(first, chunk.first)

    def _leads(self, number: int, begin: int) -> bool:
        """Say whether a verb leads to what is denied: nor did he have, no sign that goes with."""
        if self._is_inverted(begin, number - 1):
            return True
        return number > 0 and self.sentence.chunks[number - 1].kind == "R"

    def _is_inverted(self, begin: int, number: int) -> bool:
        """Say whether a subject stands behind its auxiliary: nor did he."""
        chunk = self.sentence.chunks[begin]
        alone = all(tag == "X" for tag in self.sentence.tagged[chunk.first : chunk.last])
        return alone and number == begin + 1 and self.sentence.chunks[number].kind in ("O", "noun")

    def _opens_clause(self, number: int, begin: int) -> bool:
        """Say whether a comma ends a phrase before the subject: without fever, he went home."""
        subjects = {c.subject for c in self.parts if c.verb > c.subject and not c.inherits}
        return number + 1 in subjects and begin < number and begin not in subjects

    def _is_copula(self, number: int) -> bool:
        """Say whether a verb only joins: the provisional diagnosis was X."""
        chunk = self.sentence.chunks[number]
        return all(w.low in BE for w in self.sentence.listed[chunk.first : chunk.last])

    def _opened(self, first: int, place: int) -> bool:
        """Say whether the bracket that closes here was opened before a cue."""
        texts = [w.text for w in self.sentence.listed[first:place]]
        return texts.count("(") <= texts.count(")")

    def _is_end(self, number: int) -> bool:
        """Say whether a mention is the end of something: (no air and) resolution of X."""
        mention = self.found[number]
        row = self.lexicon.event(mention) if mention.kind == "event" else None
        return row is not None and row["value"] in ("resolved", "disappeared", "improved")

    def _is_change(self, number: int) -> bool:
        """Say whether a mention is a change: no improvement of X does not deny X."""
        mention = self.found[number]
        if mention.kind == "event":
            row = self.lexicon.event(mention)
            return row is not None and (row["meaning"] == "trend" or row["value"] == "response")
        low = mention.sentence.listed[mention.last - 1].low
        return "shift" in self.lexicon.classes.get(low, ())

    def _goes_on(self, number: int, taken: bool, clear: bool) -> bool:
        """Say whether a list may go on over a chunk that is no noun phrase."""
        chunk = self.sentence.chunks[number]
        low = self.sentence.listed[chunk.first].low
        if not taken and clear and chunk.kind in ("O", "R", "S", "verb", "P", "A", "!"):
            return True
        if chunk.kind in STOPS or low in TURNS:
            return False
        if chunk.kind == "P":
            return clear or (low in OF_LISTS and taken) or self._list_after(number)
        return chunk.kind in (",", "C", "A", "!", "(", ")", "/")

    def _list_after(self, number: int) -> bool:
        """Say whether a list goes on behind the noun phrase of a preposition."""
        chunks = self.sentence.chunks
        if number + 3 >= len(chunks) or chunks[number + 2].kind not in (",", "C"):
            return False
        following = self.sentence.listed[chunks[number + 3].first].low
        return chunks[number + 2].kind == "C" or following not in ("a", "an", "the")

    def _exemplifies(self, number: int) -> bool:
        """Say whether examples follow: such as, including."""
        low = self.sentence.listed[self.sentence.chunks[number].first].low
        if low == "as" and number:
            return self.sentence.listed[self.sentence.chunks[number - 1].first].low == "such"
        return low in EXAMPLES

    def _is_part(self, number: int) -> bool:
        """Say whether words before a leading noun stand here: no clinical or imaging signs of."""
        chunks = self.sentence.chunks
        while number + 1 < len(chunks) and chunks[number].kind in ("noun", ",", "C"):
            number += 1
            if chunks[number].kind == "noun" and self._transparent(chunks[number]):
                return True
        return False

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
            elif self._exemplifies(number):
                skip = False
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
        if not self._is_plural(clause):
            return
        while number > 1 and chunks[number - 1].kind in ("C", ","):
            number -= 3 if chunks[number - 1].kind == "C" and chunks[number - 2].kind == "," else 2
            yield from self.by_chunk.get(number, ())

    def _is_plural(self, clause: Clause) -> bool:
        chunk = self.sentence.chunks[clause.verb]
        return self.sentence.listed[chunk.first].low in ("were", "are", "have")

    def _verb(self, cue: Match, clause: Clause) -> list[int]:
        """Return what a word inside a verb group reaches: not, may, will, refused."""
        if cue.entry.kind == "refused":
            return [] if list(self.after(cue.last, cue.first)) else self.before(cue.first)
        return self._not(cue, clause) if cue.entry.kind == "absent" else self._modal(cue, clause)

    def _modal(self, cue: Match, clause: Clause) -> list[int]:
        number = self.chunk_of[cue.first]
        if clause.verb < 0 or abs(clause.verb - number) > 1:
            return []
        if self._is_denied(clause.verb) and cue.entry.kind != "planned":
            return []  # could not be controlled: what 'not' denies is looked at by itself
        return self._going_on(clause, cue.entry.kind)

    def _not(self, cue: Match, clause: Clause) -> list[int]:
        number = self.chunk_of[cue.first]
        alone = self.sentence.chunks[number].kind == "!"
        if alone and any(self._follows(cue.last, low) for low in PLACES):
            return []  # seen in A, but not in B
        if alone and clause.verb == number - 1:
            return list(self.after(cue.last, cue.first)) or self._not_so(number, clause)
        if alone and clause.verb != number + 1:
            shared = list(self.subject(clause)) if self._shares(number) else []
            return list(self.after(cue.last, cue.first)) or shared
        inside = self.sentence.chunks[number].kind == "verb"
        return self._denied(number if inside else clause.verb, clause)

    def _not_so(self, number: int, clause: Clause) -> list[int]:
        """Return what of a subject there is not: X was not available; a pain not severe is one."""
        subject = list(self.subject(clause))
        return self._happened(subject, {}) if self._has_object(number) else subject

    def _shares(self, number: int) -> bool:
        """Say whether a participle behind a negation shares a subject: planned but never done."""
        chunks = self.sentence.chunks
        joined = number > 0 and chunks[number - 1].kind == "C"
        return joined and number + 1 < len(chunks) and chunks[number + 1].kind == "verb"

    def _is_denied(self, verb: int) -> bool:
        chunk = self.sentence.chunks[verb]
        return "!" in self.sentence.tagged[chunk.first : chunk.last]

    def _going_on(self, clause: Clause, kind: str) -> list[int]:
        """Return the mentions of a clause; of a plan, those of the present clauses behind too."""
        found = self.inside(clause)
        if kind == "planned":
            for part in self.parts[self.parts.index(clause) + 1 :]:
                chunk = self.sentence.chunks[part.verb] if part.verb >= 0 else None
                if chunk and self.sentence.listed[chunk.first].low in ("is", "are", "has", "have"):
                    found += self.inside(part)
        return found

    def _denied(self, verb: int, clause: Clause) -> list[int]:
        """Return what a negated verb denies: its object, or its subject where it has none."""
        if verb < 0:
            return []
        lemma, passive = main_verb(self.sentence, verb)
        row = self.lexicon.meanings.get(lemma, {})
        if row.get("meaning") in UNMOVED and row.get("value") != "appeared":
            return []
        last = self.sentence.chunks[verb].last
        after = list(self.after(last, last - 1))
        own = self.by_chunk.get(verb, [])
        subject = list(self.subject(clause))
        if own or row.get("meaning") == "accompany":
            return own + after
        if passive and subject:
            return self._happened(subject, row)
        if lemma in SEEMING and self._follows(last, "to"):
            return []
        acts = lemma != "be" and self._has_object(verb)
        return after or ([] if acts else self._happened(subject, row))

    def _happened(self, subject: list[int], row: Mapping[str, str]) -> list[int]:
        """Return what a negated verb says there was not: not seen; a mass not biopsied is there."""
        tells = row.get("meaning") in OCCURRING or row.get("value") == "appeared"
        return [n for n in subject if tells or self.found[n].kind not in CLINICAL]

    def _has_object(self, verb: int) -> bool:
        """Say whether a noun phrase or pronoun stands behind a verb: did not reach the bone."""
        chunks = self.sentence.chunks
        if verb + 1 >= len(chunks) or chunks[verb + 1].kind not in ("noun", "O"):
            return False
        return chunks[verb + 1].first not in self.sentence.quantified

    def _follows(self, place: int, low: str) -> bool:
        listed = self.sentence.listed
        return place < len(listed) and listed[place].low == low
