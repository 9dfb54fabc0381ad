"""Whom a clause is about: the patient, a relative, a donor, or people in general."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from fhirconv.extractors.chunks import Chunk, Sentence
from fhirconv.extractors.clauses import Clause, main_verb


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody: 'patient', 'family', 'donor' or 'generic', and the words that name them."""

    scope: str
    words: str = ""
    others: tuple[str, ...] = ()  # the relatives named with it: his mother and an uncle


PATIENT = Person("patient")


def subjects(sentence: Sentence, parts: Sequence[Clause]) -> list[Person]:
    """Return whom each clause of a sentence is about."""
    told: list[Person] = []
    for number, clause in enumerate(parts):
        if clause.inherits or _is_pronoun(sentence, clause):
            person = _carried(sentence, parts, told, number)
        else:
            person = _named(sentence, clause)
        told.append(person)
    return told


def _is_pronoun(sentence: Sentence, clause: Clause) -> bool:
    chunk = sentence.chunks[clause.subject] if clause.subject < clause.last else None
    return chunk is not None and chunk.kind == "O" and not _leads_on(sentence, clause.subject)


def _carried(
    sentence: Sentence, parts: Sequence[Clause], told: Sequence[Person], number: int
) -> Person:
    """Return the person of a clause without a subject of its own."""
    clause = parts[number]
    if clause.opener in RELATIVES and clause.first >= 2:
        place = clause.first - 2
        while place > 0 and sentence.chunks[place].kind in (",", "P"):
            place -= 1
        before = person_in(sentence, sentence.chunks[place])
        if before is not None:
            return before
        owner = next(
            (t for c, t in zip(parts, told, strict=False) if c.first <= place < c.last), None
        )
        return owner or PATIENT
    if number > 1 and parts[number - 1].opener in OWNERS:
        return told[number - 2]
    return told[number - 1] if number else PATIENT


RELATIVES = frozenset(("who", "which", "that", "whom"))
OWNERS = RELATIVES | {"whose"}


def _named(sentence: Sentence, clause: Clause) -> Person:
    behind = clause.verb if clause.verb >= 0 else clause.last
    for number in range(clause.subject, behind):
        chunk = sentence.chunks[number]
        if chunk.kind == "noun":
            found = person_in(sentence, chunk)
            if found is not None and _only_tells(sentence, clause):
                return PATIENT
            if found is not None:
                return replace(found, others=tuple(_others(sentence, number, behind)))
            if not _leads_on(sentence, number):
                return PATIENT
    return PATIENT


def _only_tells(sentence: Sentence, clause: Clause) -> bool:
    """Say whether a relative only tells of the patient: her mother noticed a rash."""
    if clause.verb < 0:
        return False
    lemma, passive = main_verb(sentence, clause.verb)
    return not passive and "witness" in sentence.lexicon.classes.get(lemma, ())


def _others(sentence: Sentence, number: int, behind: int) -> Iterator[str]:
    """Yield the relatives that stand with another as the subject of a clause."""
    while number + 2 < behind and sentence.chunks[number + 1].kind in ("C", ","):
        number += 2
        person = person_in(sentence, sentence.chunks[number])
        if person is not None and person.scope == "family":
            yield person.words


def _leads_on(sentence: Sentence, number: int) -> bool:
    """Say whether 'of' follows a noun phrase: two of his brothers."""
    chunks = sentence.chunks
    following = chunks[number + 1] if number + 1 < len(chunks) else None
    return following is not None and sentence.listed[following.first].low == "of"


def person_in(sentence: Sentence, chunk: Chunk) -> Person | None:
    """Return the relative or donor that a noun phrase names as its last word; None without."""
    if chunk.kind != "noun":
        return None
    for match in sentence.lexicon.relations.within(sentence.listed, chunk.first, chunk.last):
        if match.last == chunk.last:
            start, end = sentence.span(match.first, match.last)
            return Person(match.entry.kind, sentence.text[start:end])
    return None


def sex_of(sentence: Sentence, chunk: Chunk) -> str | None:
    """Return the sex that a noun phrase gives to a person ('' for none); None without person."""
    if any(sentence.lexicon.relations.within(sentence.listed, chunk.first, chunk.last)):
        return None
    nouns = sentence.lexicon.people["noun"]
    found = [w.low for w in sentence.listed[chunk.first : chunk.last] if w.low in nouns]
    if not found:
        return None
    return next((nouns[low] for low in found if nouns[low]), "")


def is_child(sentence: Sentence, clause: Clause) -> str:
    """Return the words for a newborn or infant that is the subject of a clause; '' without."""
    behind = clause.verb if clause.verb >= 0 else clause.last
    if clause.inherits or clause.subject >= behind:
        return ""
    chunk = sentence.chunks[clause.subject]
    word = sentence.listed[chunk.last - 1]
    definite = sentence.listed[chunk.first].low in ("the", "her", "both")
    return word.text if definite and word.key in sentence.lexicon.young else ""


def _is_apposed(sentence: Sentence, number: int) -> bool:
    """Say whether a comma and another phrase for the same person stand here: , a man of 48."""
    chunks = sentence.chunks
    if number + 1 >= len(chunks) or chunks[number].kind != "," or chunks[number + 1].kind != "noun":
        return False
    words = sentence.listed[chunks[number + 1].first : chunks[number + 1].last]
    return words[0].low in ("a", "an") and any(
        w.low in sentence.lexicon.people["noun"] for w in words
    )


def people_near(sentence: Sentence) -> dict[int, Person]:
    """Return the chunks inside a clause that are about another person: a donor with asthma."""
    found: dict[int, Person] = {}
    chunks = sentence.chunks
    for number, chunk in enumerate(chunks):
        person = person_in(sentence, chunk)
        if person is None:
            continue
        found[number] = person
        if number > 1 and sentence.listed[chunks[number - 1].first].low == "in":
            own = sentence.listed[chunk.first].low in ("his", "her", "their")
            found |= dict.fromkeys(range(0 if own else number - 2, number), person)
        place = number + 1
        if _is_apposed(sentence, place):
            found[place + 1] = person
            place += 2
        if place < len(chunks) and sentence.listed[chunks[place].first].low == "with":
            while place < len(chunks) and chunks[place].kind in ("P", "noun", "C"):
                found[place] = person
                place += 1
    return found
