"""The words of mentions as keys: spelled out, so that two names of one thing are seen as one."""

from fhirconv.extractors.drafts import Draft
from fhirconv.extractors.lexicon import Lexicon
from fhirconv.extractors.mentions import Mention, is_giving
from fhirconv.extractors.tries import Trie


class Wording:
    """The way from mentions to keys in one report, whose abbreviations are known."""

    def __init__(self, expansions: Trie, lexicon: Lexicon) -> None:
        self.expansions = expansions
        self.lexicon = lexicon

    def spelled(self, mention: Mention) -> list[str]:
        """Return the keys of the words of a mention in order, abbreviations spelled out."""
        listed = mention.sentence.listed
        silent = mention.sentence.silent
        found: list[str] = []
        skip = -1
        for place in mention.places:
            if place < skip or place in silent or not listed[place].low[0].isalnum():
                continue
            match = self.expansions.at(listed, place)
            if match is not None and match.last <= mention.last:
                found += match.entry.row["keys"]
                skip = match.last
            else:
                found.append(listed[place].key)
        return found

    def preferred(self, vocabulary: str, text: str) -> str:
        """Return the preferred words of a term that has a code; '' for others."""
        known = self.lexicon.tables.codes.get(vocabulary)
        term = known.find(text) if known is not None else None
        return term.preferred if term is not None and term.codings else ""

    def head(self, mention: Mention) -> str:
        """Return the key of the word that says what a mention is."""
        spelled = [k for k in self.spelled(mention) if not k[0].isdecimal() and len(k) > 2]
        return spelled[-1] if spelled else mention.label.casefold()

    def cells(self, mention: Mention) -> list[frozenset[str]]:
        """Return the keys that tell cells from others: as spelled out, and by their term."""
        listed = mention.sentence.listed
        places = range(mention.first, mention.last)
        giving = {listed[n].key for n in places if is_giving(mention.sentence, n)}
        known = [self.spelled(mention)]
        if mention.term and mention.core == mention.first:
            known.append(self.lexicon.keys(mention.term))
        plain = giving | self.lexicon.cell_words
        return [keys for k in known if (keys := frozenset(k) - plain)]

    def same_cells(self, one: Mention, two: Mention) -> bool:
        """Say whether two mentions name the same sort of cells, one perhaps in more words."""
        pairs = ((a, b) for a in self.cells(one) for b in self.cells(two))
        return any(a <= b or b <= a for a, b in pairs)

    def has_cells(self, mention: Mention, draft: Draft) -> bool:
        """Say whether a therapy, by any of its names, is one with these cells."""
        names = [keys for m in draft.mentions for keys in self.cells(m)]
        whole = frozenset().union(*names)
        return any(keys <= whole for keys in self.cells(mention))

    def wide(self, draft: Draft) -> frozenset[str]:
        """Return the keys of all words by which a treatment is known, short and long."""
        found: set[str] = set(self.lexicon.keys(draft.label))
        for mention in draft.mentions:
            found |= set(self.spelled(mention))
            found |= {w.key for w in mention.sentence.listed[mention.first : mention.last]}
            if mention.term:
                found |= set(self.lexicon.keys(mention.term))
        return frozenset(found)

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

    def is_therapy(self, draft: Draft) -> bool:
        """Say whether a procedure is a therapy of many sessions, by its last word."""
        words = self.lexicon.words(draft.label)
        return bool(words) and "therapy" in self.lexicon.classes.get(words[-1].low, ())
