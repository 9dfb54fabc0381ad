"""Mentions become facts: each thing once, however often and by whatever name it is mentioned."""

from collections.abc import Mapping
from dataclasses import replace

from fhirconv.extractors.assertion import Assertion
from fhirconv.extractors.doses import NOTHING, Regime
from fhirconv.extractors.drafts import Draft, Drafts
from fhirconv.extractors.kinds import FACT_OF, fields_of, is_given, is_idle, kind_of
from fhirconv.extractors.lexicon import Lexicon
from fhirconv.extractors.mentions import Mention
from fhirconv.extractors.reading import Reading
from fhirconv.extractors.tries import Trie
from fhirconv.extractors.wording import Wording

GROUP = {"condition": "problem", "finding": "problem"}
EXACT, HEADED = 0.9, 0.6  # how sure a listed term is, and one by its last word
COMMON, DICE = 4, 0.6  # the words that two names of one disease have in common


class Gathering:
    """The facts found so far, and the way from a mention to its fact."""

    def __init__(self, text: str, expansions: Trie, lexicon: Lexicon) -> None:
        self.text = text
        self.wording = Wording(expansions, lexicon)
        self.drafts = Drafts()
        self.by_head: dict[tuple[int, str, str], list[Draft]] = {}
        self.by_term: dict[tuple[int, str, str], list[Draft]] = {}
        self.titled: list[Draft] = []  # the conditions of the title
        self.of: dict[int, Draft] = {}  # by the identity of the mention
        self.regimes: Mapping[int, Regime] = {}  # of the mentions of the sentence at hand

    def take(self, number: int, reading: Reading, regimes: Mapping[int, Regime]) -> None:
        """Take the mentions of a sentence that are facts by themselves."""
        self.regimes = regimes
        if reading.generic or not reading.patient:
            return
        for mention, told in zip(reading.mentions, reading.told, strict=True):
            person = reading.person_at(mention.chunk)
            if person.scope != "patient" and told.scope == "patient":
                told.scope, told.relationship = person.scope, person.words
            if told.polarity == "absent" and mention.kind == "cells":
                mention.kind = "cells" if is_given(reading, mention) else "marker"  # no blasts
            if mention.kind in FACT_OF and not is_idle(reading, mention, told):
                self.add(number, reading, mention, told)
                for relative in person.others if told.scope == "family" else ():
                    self.add(number, reading, mention, replace(told, relationship=relative))
            elif mention.kind == "cells":
                self._refer(reading, mention)

    def _refer(self, reading: Reading, mention: Mention) -> None:
        """Let 'the LAK cells' name the cells that were given before."""
        given = [
            d
            for d in self.drafts.of_kind("medication")
            if d.fields.get("agentType") == "cell_product" and d.patient == reading.patient
        ]
        for draft in reversed(given):
            if self.wording.same_cells(mention, draft.mentions[0]):
                self.of[id(mention)] = draft
                return
        first = mention.sentence.listed[mention.sentence.chunks[mention.chunk].first].low
        if mention.listed and len(given) == 1 and first in ("the", "these"):
            self.of[id(mention)] = given[0]

    def add(self, number: int, reading: Reading, mention: Mention, told: Assertion) -> Draft:
        """Return the fact of a mention: the one it names again, or a new one."""
        new = self._new(mention, told)
        new.patient, new.reading = reading.patient, number
        given = self.regimes.get(id(mention), NOTHING) if new.kind == "medication" else NOTHING
        known = self._same(new, mention, given)
        if known is None:
            known = new
            self._keep(new, mention)
        elif _explains(mention, known):
            plain, span = _bare(known), (mention.start, mention.end)
            known.evidence = [span if s == plain else s for s in known.evidence]
            known.label = mention.label
        elif mention.label.casefold() not in _names(known) and not reading.in_time(mention):
            known.add_evidence((mention.start, mention.end))
            known.fields.setdefault("alternativeLabels", []).append(mention.label)
        if known is not new and (given.fields or not reading.in_time(mention)):
            known.add_evidence((mention.start, mention.end))
        known.modelled += [name for name in given.modelled if name not in known.fields]
        given.fill(known.fields)
        known.mentions.append(mention)
        self.of[id(mention)] = known
        return known

    def _new(self, mention: Mention, told: Assertion) -> Draft:
        """Return the fact that a mention makes if nothing else named it before."""
        kind = kind_of(mention, told)
        exact = mention.listed and mention.core == mention.first
        modelled = mention.confidence > 0
        method = "model" if modelled else "dictionary" if mention.listed else "rule"
        draft = Draft(
            *(kind, mention.label, 1, told, [(mention.start, mention.end)]),
            *(method, mention.origin),
            mention.confidence if modelled else EXACT if exact else HEADED,
            fields_of(kind, mention, told),
        )
        draft.term = mention.term if exact else ""
        draft.keys = frozenset(self.wording.spelled(mention))
        draft.head = self.wording.head(mention)
        return draft

    def _same(self, new: Draft, mention: Mention, given: Regime) -> Draft | None:
        """Return the fact that a mention names again; None where it is new."""
        slot = (new.patient, GROUP.get(new.kind, new.kind), new.head)
        for draft in reversed(self.by_head.get(slot, ())):
            alike = draft.keys <= new.keys or new.keys <= draft.keys
            if alike and _alike(draft.told, new.told) and not self._differs(draft, given):
                return draft
        if new.kind == "condition" and mention.sentence.part != "title":
            named = next((d for d in self.titled if _renames(new, d)), None)
            if named is not None:
                return named
        known = self.by_term.get((new.patient, new.kind, new.term), ()) if new.term else ()
        told = (d for d in reversed(known) if _alike(d.told, new.told))
        return next((d for d in told if not self._differs(d, given)), None)

    def _differs(self, draft: Draft, given: Regime) -> bool:
        """Say whether a drug is given in another dose or way: another course of it."""
        dose, route = (draft.fields.get(name) for name in ("dose", "routeText"))
        other = given.fields.get("routeText")
        routes = {self.wording.preferred("routes", r) for r in (route, other) if r}
        return (dose or given.fields.get("dose")) != (given.fields.get("dose") or dose) or (
            len(routes) > 1 and "" not in routes
        )

    def _keep(self, draft: Draft, mention: Mention) -> None:
        """Keep a new fact where later mentions of it will look for it."""
        slot = (draft.patient, GROUP.get(draft.kind, draft.kind), draft.head)
        self.by_head.setdefault(slot, []).append(draft)
        if draft.term:
            self.by_term.setdefault((draft.patient, draft.kind, draft.term), []).append(draft)
        if draft.kind == "condition" and mention.sentence.part == "title":
            self.titled.append(draft)
        self.drafts.add(draft)


def _renames(new: Draft, titled: Draft) -> bool:
    """Say whether a long name has most words in common with one of the title."""
    common = len(titled.keys & new.keys)
    near = common >= COMMON and 2 * common >= DICE * (len(titled.keys) + len(new.keys))
    return near and titled.patient == new.patient and _alike(titled.told, new.told)


def _explains(mention: Mention, known: Draft) -> bool:
    """Say whether a mention is the name of a fact with its abbreviation: X (Y)."""
    begins = mention.label.casefold().startswith(f"{known.label.casefold()} (")
    return begins and mention.last - 1 in mention.sentence.silent


def _bare(draft: Draft) -> tuple[int, int]:
    """Return the span of the first mention of a fact."""
    return draft.mentions[0].start, draft.mentions[0].end


def _names(draft: Draft) -> list[str]:
    """Return the names that a fact has, in small letters."""
    return [n.casefold() for n in (draft.label, *draft.fields.get("alternativeLabels", ()))]


def _alike(one: Assertion, two: Assertion) -> bool:
    """Say whether two mentions may be of one fact, by whom they tell it of and whether it was."""
    same = (one.polarity, one.scope, one.relationship) == (
        two.polarity,
        two.scope,
        two.relationship,
    )
    return same and one.temporality in (two.temporality, "current", "historical")
