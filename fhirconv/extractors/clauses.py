"""The clauses of a sentence: who or what, the verb, and what stands around them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from fhirconv.extractors.chunks import Chunk, Sentence

HARD = frozenset(("S", "R", ";", ":"))
BE = frozenset("is are was were be been being".split())
EITHER = frozenset(("or", "nor"))
PARTICIPLE_OF = frozenset(("P", ".", ",", ")"))


@dataclass(slots=True)
class Clause:
    """One finite clause as chunks[first:last]; its subject begins at `subject`."""

    first: int  # with what stands before the subject: After X, ...
    last: int
    subject: int
    verb: int  # the chunk of its finite verb; -1 where the sentence has none
    inherits: bool = False  # the subject is that of the clause before
    opener: str = ""  # the subordinator or relative pronoun that it follows


def clauses(sentence: Sentence) -> list[Clause]:
    """Return the clauses of a sentence in order; at least one."""
    chunks = sentence.chunks
    verbs = [n for n, c in enumerate(chunks) if c.kind == "verb" and finite(sentence, n)]
    if not verbs:
        return [Clause(0, len(chunks), 0, -1)]
    found: list[Clause] = []
    behind = -1
    for number, verb in enumerate(verbs):
        begin, inherits = _begin(sentence, behind, verb)
        opener = ""
        if begin and chunks[begin - 1].kind in ("S", "R"):
            opener = sentence.listed[chunks[begin - 1].first].low
        subject = verb if inherits else _subject(sentence, begin, verb)
        if found:
            found[-1].last = begin - 1 if opener else begin
        elif opener and begin > 1:
            found.append(Clause(0, begin - 1, 0, -1))
        elif number == 0 and begin:
            begin = 0 if not opener else begin
        found.append(Clause(begin, len(chunks), subject, verb, inherits, opener))
        behind = verb
    return [_trimmed(clause, chunks) for clause in found]


def finite(sentence: Sentence, number: int) -> bool:
    """Say whether a verb group is that of a clause, not a participle or an infinitive."""
    chunk = sentence.chunks[number]
    group = sentence.listed[chunk.first : chunk.last]
    first = group[0].low
    before = sentence.chunks[number - 1].kind if number else ""
    if before == "P" and sentence.listed[chunk.first - 1].low == "to":
        return False
    if any(sentence.tagged[n] == "X" for n in range(chunk.first, chunk.last)):
        return first not in ("being", "having", "been", "be")
    lemma, form = sentence.lexicon.verbs.get(first, ("", ""))
    if form in ("base", "s", "ing", "participle"):
        return form in ("base", "s")
    return _is_past(sentence, number, (lemma, form), before)


def _is_past(sentence: Sentence, number: int, verb: tuple[str, str], before: str) -> bool:
    """Say whether a form that may be past or participle is the past of a clause."""
    lemma, form = verb
    first = sentence.listed[sentence.chunks[number].first].low
    known = lemma in sentence.lexicon.finite_verbs
    if known or (lemma and _irregular_past(first, form)):
        return known or before not in ("", "P")
    following = sentence.chunks[number + 1].kind if number + 1 < len(sentence.chunks) else ""
    return bool(lemma) and following not in PARTICIPLE_OF and before not in ("", "P", "(")


def _irregular_past(low: str, form: str) -> bool:
    return form == "past" and (not low.endswith("ed") or len(low) < 5)


def _begin(sentence: Sentence, behind: int, verb: int) -> tuple[int, bool]:
    """Return (first chunk, subject is inherited) of the clause of a verb."""
    chunks = sentence.chunks
    place = verb - 1
    while place > behind and chunks[place].kind in ("A", "!"):
        place -= 1
    if place >= 0 and chunks[place].kind in ("C", ",") and behind >= 0:
        return place + 1, True
    soft = -1
    while place > behind:
        if chunks[place].kind in HARD:
            return place + 1, chunks[place].kind == "R" and place + 1 == verb
        if behind >= 0 and chunks[place].kind in ("C", ",") and _parts(sentence, place, soft):
            soft = place
        place -= 1
    if soft >= 0:
        return _fronted(sentence, soft, behind), False
    return behind + 1, False


def _parts(sentence: Sentence, place: int, soft: int) -> bool:
    """Say whether a sign parts two clauses rather than one further on, which joins a list.

    'A was normal, and no B or C was seen': what begins behind 'and' has 'B or C' for subject.
    """
    if soft < 0:
        return True
    chunks = sentence.chunks
    either = sentence.listed[chunks[soft].first].low in EITHER
    inside = {c.kind for c in chunks[place + 1 : soft]}
    if chunks[soft].kind != "C" or not inside <= {"noun", "P", ",", "A"}:
        return False
    if chunks[place].kind == ",":
        return either and sentence.tagged[chunks[place + 1].first] == "D" and "," not in inside
    comma = place > 0 and chunks[place - 1].kind == ","
    series = chunks[soft - 1].kind == "," and sum(c.kind == "," for c in chunks[place:soft]) > 1
    return series and comma if "," in inside else either or comma


def _fronted(sentence: Sentence, soft: int, behind: int) -> int:
    """Return the begin of a clause after a comma or conjunction, with what is set before it.

    'A fell, and after X, B rose': the clause of 'rose' begins at 'after'.
    """
    chunks = sentence.chunks
    place = soft - 1
    while place > behind + 1 and chunks[place].kind not in (",", "C", *HARD):
        place -= 1
    if place > behind and chunks[place].kind in (",", "C"):
        opener = chunks[place + 1].kind
        if opener in ("P", "A") and chunks[soft].kind == ",":
            return place + 1
    return soft + 1


def _subject(sentence: Sentence, begin: int, verb: int) -> int:
    """Return where the subject of a clause begins, after 'Later,', 'After X,', 'A week later,'."""
    chunks = sentence.chunks
    place = begin
    while place < verb and chunks[place].kind in ("A", ",", "C", "!"):
        place += 1
    if place < verb and (chunks[place].kind in ("P", "verb") or _is_time(sentence, place)):
        commas = [n for n in range(place, verb) if chunks[n].kind == ","]
        if commas:
            return _subject(sentence, _closing(sentence, place, commas) + 1, verb)
    return place if place < verb else verb


def _closing(sentence: Sentence, place: int, commas: Sequence[int]) -> int:
    """Return the comma that ends a phrase set before: Without fever, rash or cough, she left."""
    chunks = sentence.chunks
    for before, comma in pairwise(commas):
        listed = any(chunks[n].kind == "C" for n in range(before + 1, comma))
        plain = all(c.kind in ("noun", "C", "A") for c in chunks[before + 1 : comma])
        if listed and plain and chunks[comma + 1].kind != "C":
            return comma
    return commas[0]


def _is_time(sentence: Sentence, number: int) -> bool:
    """Say whether a length of time leads to another phrase: 10 days after, a week later."""
    chunk, following = sentence.chunks[number], sentence.chunks[number + 1]
    if chunk.kind != "noun" or following.kind not in ("P", "A", "S"):
        return False
    return any(
        q.is_time and chunk.first <= q.first and q.last == chunk.last for q in sentence.quantities
    )


def _trimmed(clause: Clause, chunks: list[Chunk]) -> Clause:
    while clause.first < clause.last and chunks[clause.first].kind in (",", "C", ";", ":"):
        clause.first += 1
    while clause.last > clause.first and chunks[clause.last - 1].kind in (",", "C", ".", ";", "!?"):
        clause.last -= 1
    clause.subject = max(clause.subject, clause.first)
    return clause


def main_verb(sentence: Sentence, verb: int) -> tuple[str, bool]:
    """Return (lemma, passive) of a verb group."""
    chunk = sentence.chunks[verb]
    lows = [word.low for word in sentence.listed[chunk.first : chunk.last]]
    tags = sentence.tagged[chunk.first : chunk.last]
    be = not BE.isdisjoint(lows)
    if "V" not in tags:
        return ("be" if be else "have", False)
    low = lows[len(tags) - 1 - tags[::-1].index("V")]
    lemma, form = sentence.lexicon.verbs.get(low, (low, "past" if low.endswith("ed") else ""))
    return lemma, be and form in ("past", "participle")
