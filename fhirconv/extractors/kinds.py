"""Which kind of fact a mention is as it is said, and which mentions tell nothing."""

from typing import Any

from fhirconv.extractors.assertion import Assertion
from fhirconv.extractors.clauses import main_verb
from fhirconv.extractors.mentions import AGENTS, Mention, is_giving
from fhirconv.extractors.reading import Reading
from fhirconv.extractors.strangers import germ_announced
from fhirconv.extractors.words import singular_low

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
ONLY_ABSENT = frozenset(("untoward", "marker", "organism", "measure"))


def kind_of(mention: Mention, told: Assertion) -> str:
    """Return the kind of fact that a mention is, as it is said."""
    kind = FACT_OF[mention.kind]
    if told.scope == "family" and kind in ("condition", "finding"):
        return "family_history"
    if kind == "condition" and told.polarity == "absent" and not told.refuted:
        return "finding"
    return "condition" if kind == "finding" and told.refuted else kind


def fields_of(kind: str, mention: Mention, told: Assertion) -> dict[str, Any]:
    """Return the fields that a fact must have, by its mention and assertion."""
    if kind == "condition":
        return {"verification": verification(told)}
    if kind == "finding":
        return {"value": {"polarity": told.polarity}}
    if kind == "medication":
        return {"agentType": "cell_product" if mention.kind == "cells" else mention.kind}
    if mention.kind == "test":
        return {"diagnostic": True}
    return {"relationship": told.relationship} if kind == "family_history" else {}


def verification(told: Assertion) -> str:
    """Return how sure a condition is, in FHIR's words."""
    if told.refuted:
        return "refuted"
    return "confirmed" if told.certainty == "certain" else "provisional"


def is_idle(reading: Reading, mention: Mention, told: Assertion) -> bool:
    """Say whether a mention tells nothing by itself."""
    if mention.kind == "cells":
        return not is_given(reading, mention)
    if mention.kind == "test":
        return not is_performed(reading, mention)
    if mention.kind == "organism" and is_caught(reading, mention):
        return False
    if mention.kind in ONLY_ABSENT:
        return told.polarity == "present"
    none = told.polarity == "absent" and mention.kind == "drug_class"  # he took no medication
    vague = is_vague(mention) and not none
    return vague or _is_encounter(mention) or gives_drug(reading, mention)


def gives_drug(reading: Reading, mention: Mention) -> bool:
    """Say whether a procedure is only how a drug behind it is given: an infusion of X."""
    sentence = mention.sentence
    if mention.kind != "procedure" or not is_giving(sentence, mention.last - 1):
        return False
    if mention.last >= len(sentence.listed) or sentence.listed[mention.last].low != "of":
        return False
    number = mention.chunk + 2
    return any(m.kind in AGENTS and m.chunk == number for m in reading.mentions)


def _verb_of(reading: Reading, mention: Mention) -> tuple[str, int]:
    """Return (what it tells, chunk) of the verb of the clause that a mention stands in."""
    number = reading.clause_of(mention.chunk)
    clause = reading.clauses[number] if number >= 0 else None
    if clause is None or clause.verb < 0:
        return "", -1
    lemma = main_verb(mention.sentence, clause.verb)[0]
    row = mention.sentence.lexicon.meanings.get(lemma, {})
    return row.get("meaning", ""), clause.verb


def is_performed(reading: Reading, mention: Mention) -> bool:
    """Say whether the report tells of performing an examination: a biopsy, an MRI done."""
    meaning, verb = _verb_of(reading, mention)
    low = mention.sentence.listed[mention.last - 1].low
    invasive = "invasive" in mention.sentence.lexicon.classes.get(low, ())
    if meaning == "receive":
        return mention.chunk > verb
    if meaning == "give":
        return mention.chunk < verb
    return invasive and meaning == "show" and mention.chunk < verb


def is_caught(reading: Reading, mention: Mention) -> bool:
    """Say whether a germ is told to be there: infected with X, X was detected."""
    sentence = mention.sentence
    chunk = sentence.chunks[mention.chunk]
    if germ_announced(sentence, mention.chunk):
        return True
    before = sentence.chunks[mention.chunk - 1].kind if mention.chunk else ""
    shown = _verb_of(reading, mention)[0] == "show"
    return shown and before != "P" and mention.last == chunk.last


def is_given(reading: Reading, mention: Mention) -> bool:
    """Say whether cells are given to somebody: infused, received, or a named product."""
    sentence = mention.sentence
    if mention.agent is not None:
        return True
    last = singular_low(sentence.listed[mention.last - 1].low)
    if "grafted" in sentence.lexicon.classes.get(last, ()):
        return False
    head = sentence.lexicon.head(sentence.listed[mention.last - 1].key)
    named = head is None or head.kind != "cells"
    if mention.listed and named and mention.core == mention.first:
        return True
    meaning, verb = _verb_of(reading, mention)
    if mention.chunk < verb:
        return meaning == "give" and main_verb(sentence, verb)[1]
    between = {c.kind for c in sentence.chunks[verb + 1 : mention.chunk]}
    return meaning in ("give", "receive", "treat") and between <= {"P", "A", "noun"}


def meaning_of(reading: Reading, mention: Mention) -> str:
    """Return the meaning of the verb that tells of a mention, '' without."""
    return _verb_of(reading, mention)[0]


def is_vague(mention: Mention) -> bool:
    """Say whether a mention is only 'treatment', 'successful therapy', 'other symptoms'."""
    lexicon = mention.sentence.lexicon
    words = mention.sentence.listed[mention.first : mention.last]
    known = mention.listed and len(words) > 1
    if known or "vague" not in lexicon.classes.get(singular_low(words[-1].low), ()):
        return False
    empty = lexicon.listed("empty-words")
    return all(w.low in empty or "cut" in lexicon.classes.get(w.low, ()) for w in words[:-1])


def _is_encounter(mention: Mention) -> bool:
    trie = mention.sentence.lexicon.phrases("encounters")
    match = trie.at(mention.sentence.listed, mention.first)
    return match is not None and match.last == mention.last
