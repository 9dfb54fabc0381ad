"""Mentions become facts: each thing once, however often and by whatever name it is mentioned."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from fhirconv.extractors.assertion import Assertion
from fhirconv.extractors.drafts import Draft
from fhirconv.extractors.lexicon import Lexicon, Trie
from fhirconv.extractors.mentions import AGENTS, Mention, is_giving
from fhirconv.extractors.reading import Reading
from fhirconv.extractors.scope import main_verb

FACT_OF = {
    "condition": "condition",
    "finding": "finding",
    "untoward": "finding",
    "procedure": "procedure",
    "drug": "medication",
    "drug_class": "medication",
    "vaccine": "medication",
    "cells": "medication",
    "test": "procedure",
    "marker": "finding",
    "measure": "finding",
    "organism": "finding",
}
GROUP = {"condition": "problem", "finding": "problem"}
EXACT, HEADED = 0.9, 0.6


class Gathering:
    """The facts found so far, and the way from a mention to its fact."""

    def __init__(self, text: str, expansions: Trie, lexicon: Lexicon) -> None:
        self.text = text
        self.lexicon = lexicon
        self.expansions = expansions
        self.drafts: list[Draft] = []
        self.by_head: dict[tuple[int, str, str], list[Draft]] = {}
        self.of: dict[int, Draft] = {}  # by the identity of the mention

    def take(self, number: int, reading: Reading) -> None:
        """Take the mentions of a sentence that are facts by themselves."""
        if reading.generic or not reading.patient:
            return
        for mention, told in zip(reading.mentions, reading.told, strict=True):
            person = reading.person_at(mention.chunk)
            if person.scope != "patient" and told.scope == "patient":
                told.scope, told.relationship = person.scope, person.words
            if mention.kind in FACT_OF and not self._is_idle(reading, mention, told):
                self.add(number, reading, mention, told)
                for relative in person.others if told.scope == "family" else ():
                    self.add(number, reading, mention, replace(told, relationship=relative))
            elif mention.kind == "cells":
                self._refer(reading, mention)

    def _refer(self, reading: Reading, mention: Mention) -> None:
        """Let 'the LAK cells' name the cells that were given before."""
        keys = self.cell_keys(mention)
        given = [
            d
            for d in self.drafts
            if d.fields.get("agentType") == "cell_product" and d.patient == reading.patient
        ]
        for draft in reversed(given):
            known = self.cell_keys(draft.mentions[0])
            if known and keys and (keys <= known or known <= keys):
                self.of[id(mention)] = draft
                return
        first = mention.sentence.chunks[mention.chunk].first
        if (
            mention.listed
            and len(given) == 1
            and mention.sentence.listed[first].low in ("the", "these")
        ):
            self.of[id(mention)] = given[0]

    def _is_idle(self, reading: Reading, mention: Mention, told: Assertion) -> bool:
        """Say whether a mention tells nothing by itself."""
        if mention.kind == "cells" and told.polarity == "present":
            return not self._is_given(reading, mention)
        if mention.kind == "test":
            return not self._is_performed(reading, mention)
        if mention.kind in ("untoward", "marker", "organism", "measure"):
            return told.polarity == "present"
        return self._is_vague(mention) or self._is_encounter(mention)

    def _verb_of(self, reading: Reading, mention: Mention) -> tuple[str, int]:
        """Return (what it tells, chunk) of the verb of the clause that a mention stands in."""
        number = reading.clause_of(mention.chunk)
        clause = reading.clauses[number] if number >= 0 else None
        if clause is None or clause.verb < 0:
            return "", -1
        lemma = main_verb(mention.sentence, clause.verb)[0]
        return self.lexicon.meanings.get(lemma, {}).get("meaning", ""), clause.verb

    def _is_performed(self, reading: Reading, mention: Mention) -> bool:
        """Say whether the report tells of performing an examination: a biopsy, an MRI done."""
        meaning, verb = self._verb_of(reading, mention)
        low = mention.sentence.listed[mention.last - 1].low
        invasive = "invasive" in self.lexicon.classes.get(low, ())
        if meaning == "receive":
            return mention.chunk > verb
        if meaning == "give":
            return mention.chunk < verb
        return invasive and meaning == "show" and mention.chunk < verb

    def _is_given(self, reading: Reading, mention: Mention) -> bool:
        """Say whether cells are given to somebody: infused, received, or a named product."""
        sentence = mention.sentence
        if mention.agent is not None:
            return True
        head = sentence.lexicon.head(sentence.listed[mention.last - 1].key)
        if (
            mention.listed
            and (head is None or head.kind != "cells")
            and mention.core == mention.first
        ):
            return True
        meaning, verb = self._verb_of(reading, mention)
        if mention.chunk < verb:
            return meaning == "give" and main_verb(sentence, verb)[1]
        between = {c.kind for c in sentence.chunks[verb + 1 : mention.chunk]}
        return meaning in ("give", "receive", "treat") and between <= {"P", "A", "noun"}

    def _is_vague(self, mention: Mention) -> bool:
        """Say whether a mention is only 'treatment', 'successful therapy', 'other symptoms'."""
        classes = self.lexicon.classes
        words = mention.sentence.listed[mention.first : mention.last]
        if "vague" not in classes.get(words[-1].low, ()) or mention.listed and len(words) > 1:
            return False
        return all(
            w.low in self.lexicon.empties or "cut" in classes.get(w.low, ()) for w in words[:-1]
        )

    def _is_encounter(self, mention: Mention) -> bool:
        match = self.lexicon.phrases("encounters").at(mention.sentence.listed, mention.first)
        return match is not None and match.last == mention.last

    def add(self, number: int, reading: Reading, mention: Mention, told: Assertion) -> Draft:
        """Return the fact of a mention: the one it names again, or a new one."""
        kind = kind_of(mention, told)
        keys = self.keys(mention)
        head = self.head(mention)
        known = self._same(kind, reading.patient, keys, head, mention, told)
        if known is None:
            known = self._new(kind, number, reading.patient, mention, told)
            known.keys, known.head = keys, head
            slot = (reading.patient, GROUP.get(kind, kind), head)
            self.by_head.setdefault(slot, []).append(known)
            self.drafts.append(known)
        elif self._explains(mention, known):
            known.evidence = [
                (mention.start, mention.end) if s == _bare(known) else s for s in known.evidence
            ]
            known.label = mention.label
        elif mention.label.casefold() not in known_names(known) and not reading.in_time(mention):
            known.add_evidence((mention.start, mention.end))
            known.fields.setdefault("alternativeLabels", []).append(mention.label)
        known.mentions.append(mention)
        known.told_at = mention.start
        self.of[id(mention)] = known
        return known

    def _explains(self, mention: Mention, known: Draft) -> bool:
        """Say whether a mention is the name of a fact with its abbreviation: X (Y)."""
        return (
            mention.label.casefold().startswith(f"{known.label.casefold()} (")
            and mention.last - 1 in mention.sentence.silent
        )

    def _new(
        self, kind: str, number: int, patient: int, mention: Mention, told: Assertion
    ) -> Draft:
        method = "dictionary" if mention.listed else "rule"
        confidence = EXACT if mention.listed and mention.core == mention.first else HEADED
        draft = Draft(
            *(kind, mention.label, patient, told, [(mention.start, mention.end)]),
            *(method, mention.origin, confidence),
        )
        draft.reading = number
        draft.term = mention.term
        draft.fields |= _fields(kind, mention, told)
        return draft

    def keys(self, mention: Mention) -> frozenset[str]:
        """Return the keys of the words of a mention, its abbreviations spelled out."""
        return frozenset(self.spelled(mention))

    def spelled(self, mention: Mention) -> list[str]:
        """Return the keys of the words of a mention in order, abbreviations spelled out."""
        listed = mention.sentence.listed
        places = [
            n
            for n in mention.places
            if n not in mention.sentence.silent and listed[n].low[0].isalnum()
        ]
        found: list[str] = []
        skip = -1
        for place in places:
            if place >= skip:
                match = self.expansions.at(listed, place)
                if match is not None and match.last <= mention.last:
                    found += match.entry.row["keys"]
                    skip = match.last
                else:
                    found.append(listed[place].key)
        return found

    def components(self, regimen: Draft) -> list[frozenset[str]]:
        """Return the keys of each component in the name of a regimen: IL-2 and LAK."""
        name = regimen.label.rsplit(" ", 1)[0]
        parts = name.replace("+", "/").split("/")
        return [k for p in parts for k in self._expanded(p)] if len(parts) > 1 else []

    def _expanded(self, text: str) -> list[frozenset[str]]:
        """Return the keys of some words: as they stand, spelled out, by their preferred term."""
        listed = self.lexicon.words(text)
        found = [frozenset(w.key for w in listed)]
        for trie in (self.expansions, self.lexicon.terms) if listed else ():
            match = trie.at(listed, 0)
            if match is not None and match.last == len(listed):
                keys = match.entry.row.get("keys") or self.lexicon.keys(match.entry.text)
                found.append(frozenset(keys))
        return found

    def wide_keys(self, draft: Draft) -> frozenset[str]:
        """Return the keys of all words by which a treatment is known, short and long."""
        found: set[str] = set(self.lexicon.keys(draft.label))
        for mention in draft.mentions:
            found |= set(self.spelled(mention))
            listed = mention.sentence.listed[mention.first : mention.last]
            found |= {w.key for w in listed}
            if mention.term:
                found |= set(self.lexicon.keys(mention.term))
        return frozenset(found)

    def is_therapy(self, draft: Draft) -> bool:
        """Say whether a procedure is a therapy of many sessions, by its last word."""
        words = self.lexicon.words(draft.label)
        return bool(words) and "therapy" in self.lexicon.classes.get(words[-1].low, ())

    def _renamed(self, patient: int, keys: frozenset[str], told: Assertion) -> Draft | None:
        """Return the condition that has most words in common with a long name, if one has."""
        for draft in self.drafts:
            part = draft.mentions[0].sentence.part if draft.mentions else ""
            if part == "title" and draft.patient == patient and _alike(draft.told, told):
                common = len(draft.keys & keys)
                if common >= 4 and 2 * common >= 0.6 * (len(draft.keys) + len(keys)):
                    return draft
        return None

    def cell_keys(self, mention: Mention) -> frozenset[str]:
        """Return the keys of the words that tell cells from others: natural, killer."""
        whole = mention.term and mention.core == mention.first
        keys = set(self.lexicon.keys(mention.term) if whole else self.spelled(mention))
        listed = mention.sentence.listed
        giving = {
            listed[n].key
            for n in range(mention.first, mention.last)
            if is_giving(mention.sentence, n)
        }
        return frozenset(k for k in keys - giving if k not in self.lexicon.cell_words)

    def head(self, mention: Mention) -> str:
        """Return the key of the word that says what a mention is."""
        spelled = [k for k in self.spelled(mention) if not k[0].isdigit() and len(k) > 2]
        return spelled[-1] if spelled else mention.label.casefold()

    def _same(
        self,
        kind: str,
        patient: int,
        keys: frozenset[str],
        head: str,
        mention: Mention,
        told: Assertion,
    ) -> Draft | None:
        """Return the fact that a mention names again; None for a new one."""
        near = self.by_head.get((patient, GROUP.get(kind, kind), head), ())
        for draft in reversed(near):
            if not _alike(draft.told, told):
                continue
            if draft.keys <= keys or keys <= draft.keys:
                return draft
        if kind == "condition" and mention.sentence.part != "title":
            named = self._renamed(patient, keys, told)
            if named is not None:
                return named
        if mention.listed and mention.core == mention.first:
            for draft in reversed(self.drafts):
                if draft.term and draft.term == mention.term and _alike(draft.told, told):
                    plain = draft.mentions[0].core == draft.mentions[0].first
                    if draft.patient == patient and draft.kind == kind and plain:
                        return draft
        return None


def _bare(draft: Draft) -> tuple[int, int]:
    """Return the span of the first mention of a fact."""
    return draft.mentions[0].start, draft.mentions[0].end


def known_names(draft: Draft) -> list[str]:
    """Return the names that a fact has, in small letters."""
    names = [draft.label, *draft.fields.get("alternativeLabels", ())]
    return [n.casefold() for n in names]


def _alike(one: Assertion, two: Assertion) -> bool:
    return (one.polarity, one.scope, one.relationship) == (
        two.polarity,
        two.scope,
        two.relationship,
    ) and one.temporality in (two.temporality, "current", "historical")


def kind_of(mention: Mention, told: Assertion) -> str:
    """Return the kind of fact that a mention is, as it is said."""
    kind = FACT_OF[mention.kind]
    if told.scope == "family" and kind in ("condition", "finding"):
        return "family_history"
    if kind == "condition" and told.polarity == "absent" and not told.refuted:
        return "finding"
    return "condition" if kind == "finding" and told.refuted else kind


def _fields(kind: str, mention: Mention, told: Assertion) -> dict[str, Any]:
    if kind == "condition":
        return {"verification": verification(told)}
    if kind == "finding":
        return {"value": {"polarity": told.polarity}}
    if kind == "medication":
        return {"agentType": "cell_product" if mention.kind == "cells" else mention.kind}
    if mention.kind == "test":
        return {"diagnostic": True}
    if kind == "family_history":
        return {"relationship": told.relationship}
    return {}


def verification(told: Assertion) -> str:
    """Return how sure a condition is, in FHIR's words."""
    if told.refuted:
        return "refuted"
    return "confirmed" if told.certainty == "certain" else "provisional"


def treatments(drafts: Sequence[Draft]) -> list[Draft]:
    """Return the facts that are treatments."""
    return [d for d in drafts if d.kind in ("medication", "procedure")]


__all__ = ["AGENTS", "Gathering", "kind_of", "known_names", "treatments", "verification"]
