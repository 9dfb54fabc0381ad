"""The tables of the extractors, compiled once into what is looked up word by word."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from fhirconv.extractors.heads import Head, Heads
from fhirconv.extractors.inflection import forms
from fhirconv.extractors.tries import Entry, Match, Trie, is_abbreviation
from fhirconv.extractors.words import Folding, Word, words
from fhirconv.tables import Tables, Term

EFFECTS = frozenset(("cause", "effect"))

Line = Mapping[str, str]  # one row of an extract table: its cells, and 'origin'


@dataclass
class Lexicon:
    """Everything that the extractors know, from the tables alone."""

    tables: Tables
    memory: dict[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, tables: Tables) -> "Lexicon":
        """Return the lexicon of these tables, compiled once for each Tables."""
        kept = vars(tables).get("_lexicon")
        if kept is None:
            kept = vars(tables)["_lexicon"] = cls(tables)
        return kept

    def rows(self, name: str) -> tuple[Line, ...]:
        """Return the rows of a table of extract/; none where the table is not there."""
        return self.tables.extract.get(name, ())

    @cached_property
    def folding(self) -> Folding:
        """The way from words to keys."""
        return Folding(self.rows("spelling"))

    def keys(self, text: str) -> list[str]:
        """Return the keys of the words of a phrase."""
        return [w.key for w in self.words(text)]

    def lows(self, phrase: str) -> list[str]:
        """Return the words of a phrase of the tables in lower case, found once."""
        key = f"lows/{phrase}"
        if key not in self.memory:
            self.memory[key] = [word.low for word in self.words(phrase)]
        return self.memory[key]  # type: ignore[no-any-return]

    def words(self, text: str) -> list[Word]:
        """Return the words of a phrase."""
        return words(text, 0, len(text), self.folding)

    @cached_property
    def sentence_abbreviations(self) -> frozenset[str]:
        """What a point may follow without ending a sentence."""
        return frozenset(r["word"] for r in self.rows("sentence-abbreviations"))

    @cached_property
    def classes(self) -> dict[str, frozenset[str]]:
        """The grammatical classes of closed-class words."""
        found: dict[str, set[str]] = {}
        for row in self.rows("words"):
            found.setdefault(row["word"], set()).add(row["class"])
        return {word: frozenset(classes) for word, classes in found.items()}

    def tag_of(self, low: str, tags: Mapping[str, str]) -> str:
        """Return the tag of a closed-class word, the first of the tags that fits; '' without."""
        classes = self.classes.get(low)
        return next((tag for name, tag in tags.items() if name in classes), "") if classes else ""

    @cached_property
    def verbs(self) -> dict[str, tuple[str, str]]:
        """Every form of every known verb: (lemma, form) by the lower-case word."""
        found: dict[str, tuple[str, str]] = {}
        for row in self.rows("verbs"):
            for form, word in forms(row["lemma"], row["past"], row["participle"]):
                found.setdefault(word, (row["lemma"], form))
        return found

    @cached_property
    def noun_verbs(self) -> frozenset[str]:
        """The verbs that are as often nouns: cause, increase, cough."""
        return frozenset(r["lemma"] for r in self.rows("verbs") if r["noun"])

    @cached_property
    def finite_verbs(self) -> frozenset[str]:
        """The verbs whose past form before a preposition is no participle: responded to."""
        return frozenset(r["lemma"] for r in self.rows("verbs") if r["finite"])

    @cached_property
    def terms(self) -> Trie:
        """The terms of every vocabulary that makes facts, and the terms without code."""
        trie = Trie()
        for row in self.rows("vocabularies"):
            vocabulary = self.tables.codes.get(row["vocabulary"])
            for term in vocabulary.terms.values() if vocabulary else ():
                self._add_term(trie, row["kind"], term)
        for row in self.rows("heads"):
            if row["where"] == "phrase":
                trie.add(self.keys(row["head"]), Entry(row["kind"], row["head"], row["origin"]))
        for row in self.rows("terms"):
            text = row["term"]
            cased = text if is_abbreviation(text) else ""
            trie.add(self.keys(text), Entry(row["kind"], text, row["origin"], cased))
        return trie

    def _add_term(self, trie: Trie, kind: str, term: Term) -> None:
        text = term.text
        cased = "".join(w.text for w in self.words(text)) if is_abbreviation(text) else ""
        keys = self.keys(text)
        if keys:
            trie.add(keys, Entry(kind, term.preferred, term.origin, cased))

    @cached_property
    def numbers(self) -> dict[str, float]:
        """The values of cardinal numbers in words."""
        return self._numbers("cardinal")

    @cached_property
    def ordinals(self) -> dict[str, float]:
        """First, second, third."""
        return self._numbers("ordinal")

    def _numbers(self, kind: str) -> dict[str, float]:
        return {r["word"]: float(r["value"]) for r in self.rows("numbers") if r["kind"] == kind}

    @cached_property
    def comparators(self) -> Trie:
        """What stands before a number: more than, at least."""
        return self.phrases("comparators", "comparator")

    @cached_property
    def parts(self) -> dict[str, str]:
        """The kinds of section that may yield facts, and what evidence in them is called."""
        return {r["kind"]: r["evidence"] for r in self.rows("section-kinds") if r["facts"] == "yes"}

    @cached_property
    def own_parts(self) -> dict[str, str]:
        """The kinds of section of which only the words about the case itself may yield facts."""
        return {r["kind"]: r["evidence"] for r in self.rows("section-kinds") if r["facts"] == "own"}

    @cached_property
    def cues(self) -> Trie:
        """The cues of negation, doubt, history and plan: each phrase with all of its rows."""
        return self._grouped("cues")

    def _grouped(self, name: str) -> Trie:
        """Return the phrases of a table, each with all rows that it stands in."""
        listed: dict[str, list[Line]] = {}
        for row in self.rows(name):
            listed.setdefault(row["phrase"], []).append(row)
        trie = Trie()
        for phrase, rows in listed.items():
            kind = rows[0].get("class", name)
            entry = Entry(kind, phrase, rows[0]["origin"], "", {"rows": rows})
            trie.add(self.keys(phrase), entry)
        return trie

    def age_words(self, where: str) -> Trie:
        """What stands before or behind a number that is an age, or is never one."""
        return self._chosen("age-words", "where", where, "word")

    def schedule(self, kind: str) -> Trie:
        """The words for how often (frequency), for lengths of time (unit), for sessions."""
        return self._chosen("schedule-words", "class", kind, "phrase")

    def _chosen(self, name: str, column: str, value: str, text: str) -> Trie:
        """Return the phrases of the rows of a table that have a value in a column."""
        key = f"{name}/{column}/{value}"
        if key not in self.memory:
            trie = self.memory[key] = Trie()
            for row in self.rows(name):
                if row[column] == value:
                    trie.add(self.keys(row[text]), Entry(value, row[text], row["origin"], "", row))
        return self.memory[key]  # type: ignore[no-any-return]

    @cached_property
    def events(self) -> Trie:
        """The nouns that tell a course: remission, disappearance, administration."""
        return self.phrases("events", "meaning")

    def event(self, mention: Any) -> Line | None:
        """Return what the last words of a mention tell of a course; None for other mentions."""
        listed = mention.sentence.listed
        for place in range(mention.first, mention.last):
            match = self.events.at(listed, place)
            if match is not None and match.last >= mention.last - len(mention.sentence.silent):
                return match.entry.row
        return None

    def qualifiers_in(self, text: str) -> list[str]:
        """Return the qualifiers of course in a label, as they stand there."""
        listed = self.words(text)
        trie = self.phrases("qualifier-words")
        return [text[listed[m.first].start : listed[m.last - 1].end] for m in trie.all(listed)]

    @cached_property
    def labels(self) -> dict[str, str]:
        """The names that facts get where the words of the report stand apart."""
        return {r["name"]: r["text"] for r in self.rows("labels")}

    @cached_property
    def cell_words(self) -> frozenset[str]:
        """The keys of words that do not tell one sort of cells or therapy from another."""
        found = {k for k, h in self.heads.items() if h.kind == "cells"}
        plain = {w for w, c in self.classes.items() if c & {"therapy", "giving", "preposition"}}
        return frozenset(found | {self.folding.key(w) for w in plain})

    @cached_property
    def links(self) -> Trie:
        """What may stand between a treatment and a problem: each phrase with all of its rows."""
        return self._grouped("links")

    @cached_property
    def effects(self) -> frozenset[str]:
        """The verbs by which a treatment brings something about: led to, induced."""
        return frozenset(r["lemma"] for r in self.rows("verb-meanings") if r["meaning"] in EFFECTS)

    @cached_property
    def plain_endings(self) -> tuple[str, ...]:
        """The endings of everyday words, which no name of a drug has."""
        return tuple(r["ending"] for r in self.rows("plain-endings"))

    @cached_property
    def unchanged_pasts(self) -> frozenset[str]:
        """The verbs whose past is like their present: put, spread."""
        return frozenset(r["lemma"] for r in self.rows("verbs") if r["past"] == r["lemma"])

    @cached_property
    def young(self) -> frozenset[str]:
        """The words for newborns and infants."""
        return frozenset(self.folding.key(r["word"]) for r in self.rows("young-words"))

    def listed(self, name: str, column: str = "word") -> frozenset[str]:
        """Return the words of a column of a table: what says nothing, what a dose may have."""
        key = f"{name}.{column}"
        if key not in self.memory:
            self.memory[key] = frozenset(r[column] for r in self.rows(name))
        return self.memory[key]  # type: ignore[no-any-return]

    @cached_property
    def seriousness(self) -> dict[str, str]:
        """Serious and non-serious, by the words for them."""
        return {r["phrase"]: r["class"] for r in self.rows("untoward-words") if r["class"]}

    @cached_property
    def severities(self) -> dict[str, str]:
        """Mild, moderate, severe, by the words for them."""
        return {r["word"]: r["severity"] for r in self.rows("severity-words")}

    @cached_property
    def sides(self) -> dict[str, str]:
        """Left, right, bilateral, by the words for them."""
        return {r["word"]: r["side"] for r in self.rows("side-words")}

    @cached_property
    def months(self) -> dict[str, int]:
        """The months by name."""
        return {r["word"]: int(r["month"]) for r in self.rows("months")}

    @cached_property
    def times(self) -> dict[str, float]:
        """Once, twice, thrice."""
        return self._numbers("times")

    @cached_property
    def decades(self) -> dict[str, int]:
        """The first year of a decade of life, by its word."""
        return {row["word"]: int(row["low"]) for row in self.rows("decades")}

    @cached_property
    def people(self) -> dict[str, dict[str, str]]:
        """The sex that a word gives to a person, by kind of word and word in lower case."""
        found: dict[str, dict[str, str]] = {}
        for row in self.rows("persons"):
            found.setdefault(row["kind"], {})[row["word"].casefold()] = row["sex"]
        return found

    @cached_property
    def anybody(self) -> frozenset[str]:
        """The keys of the words for a person: patient, patients, man."""
        return frozenset(self.folding.key(word) for word in self.people["noun"])

    @cached_property
    def relations(self) -> Trie:
        """The words for relatives and donors."""
        trie = Trie()
        for row in self.rows("relatives"):
            trie.add(self.keys(row["word"]), Entry(row["scope"], row["word"], row["origin"]))
        known = self.tables.codes.get("relationships")
        for term in known.terms.values() if known else ():
            if self.folding.key(term.text) not in self.young:  # any patient may be a child
                self._add_term(trie, "family", term)
        return trie

    @cached_property
    def meanings(self) -> dict[str, Line]:
        """What a verb tells, by its lemma: give, receive, trend, status."""
        return {row["lemma"]: row for row in self.rows("verb-meanings")}

    @cached_property
    def units(self) -> Trie:
        """The units of measure, with their UCUM codes."""
        trie = Trie()
        vocabulary = self.tables.codes.get("units")
        for term in vocabulary.terms.values() if vocabulary else ():
            code = next((c.code for c in term.codings if c.prefix == "UCUM"), "")
            trie.add(
                self.keys(term.text), Entry("unit", term.text, term.origin, "", {"code": code})
            )
        return trie

    @cached_property
    def sites(self) -> Trie:
        """The words for places of the body, as nouns and as adjectives."""
        trie = Trie()
        for row in self.rows("sites"):
            cased = row["term"] if is_abbreviation(row["term"]) else ""
            trie.add(self.keys(row["term"]), Entry("site", row["site"], row["origin"], cased))
        known = self.tables.codes.get("body-sites")
        for term in known.terms.values() if known else ():
            self._add_term(trie, "site", term)
        return trie

    def phrases(self, name: str, kind: str = "class", text: str = "phrase") -> Trie:
        """Return the phrases of one table of extract/."""
        key = f"{name}/{kind}"
        if key not in self.memory:
            trie = self.memory[key] = Trie()
            for row in self.rows(name):
                trie.add(self.keys(row[text]), Entry(row[kind], row[text], row["origin"], "", row))
        return self.memory[key]  # type: ignore[no-any-return]

    def vocabulary(self, name: str) -> Trie:
        """Return the terms of one vocabulary of codes/ as phrases."""
        key = f"codes/{name}"
        if key not in self.memory:
            trie = Trie()
            known = self.tables.codes.get(name)
            for term in known.terms.values() if known else ():
                self._add_term(trie, name, term)
            self.memory[key] = trie
        return self.memory[key]  # type: ignore[no-any-return]

    @cached_property
    def heads(self) -> Heads:
        """The last words that make a phrase a disease, a drug, a treatment."""
        return Heads(self.rows("heads"), self.folding)

    @cached_property
    def untoward(self) -> Trie:
        """The general words for harm: side effects, adverse events."""
        trie = Trie()
        for row in self.rows("heads"):
            if row["where"] == "phrase":
                trie.add(self.keys(row["head"]), Entry(row["kind"], row["head"], row["origin"]))
        return trie

    def is_untoward(self, listed: Sequence[Word], match: Match) -> bool:
        """Say whether the last words of a term are a general word for harm."""
        places = range(match.first, match.last)
        found = (self.untoward.at(listed[: match.last], n) for n in places)
        return any(f is not None and f.last == match.last for f in found)

    def head(self, key: str) -> Head | None:
        """Return what a word says as the last of a phrase: by the word, else by its ending."""
        return self.heads.of(key)
