"""The grammar of a sentence, as far as it goes without a parser: a tag for each word.

N noun or adjective, # number, D determiner, P preposition, C conjunction, S subordinator,
R relative pronoun, O pronoun, X auxiliary, A adverb, V verb, ! negation, and signs as they are.
"""

from collections.abc import Sequence

from fhirconv.extractors.lexicon import Lexicon
from fhirconv.extractors.tries import Match
from fhirconv.extractors.words import MOST, Word

CLASSES = {
    "determiner": "D",
    "relative": "R",
    "preposition": "P",
    "conjunction": "C",
    "subordinator": "S",
    "pronoun": "O",
    "auxiliary": "X",
    "adverb": "A",
    "negation": "!",
    "interrogative": "R",
    "noun": "N",
}
FORMS = {"past": "E", "participle": "E", "ing": "G", "s": "H", "base": "B"}
TO_RESOLVE = frozenset("EGHB")  # forms that are verbs or not, as what stands around them says
NOUN_LIKE = frozenset(("N", "#", "E", "G", "H", "B"))


def tags(listed: Sequence[Word], known: Sequence[Match], lexicon: Lexicon) -> list[str]:
    """Return the tag of each word; words of known terms count as nouns."""
    found = [_known(word, lexicon) for word in listed]
    for match in known:
        plain = match.last - match.first > 1 or found[match.first] in "NEGBA#"
        for place in range(match.first, match.last):
            if plain or not lexicon.classes.get(listed[place].low):
                found[place] = "N" if found[place] != "#" else "#"
    for match in lexicon.phrases("connectors").all(listed):
        if match.last - match.first > 1:
            tag = CLASSES[match.entry.kind]
            found[match.first : match.last] = [tag] * (match.last - match.first)
    for match in lexicon.schedule("frequency").all(listed):
        if match.last - match.first > 1:
            found[match.first : match.last] = ["A"] * (match.last - match.first)
    return Resolving(listed, found, lexicon).all()


def _known(word: Word, lexicon: Lexicon) -> str:
    """Return the tag of a word by itself, found once."""
    known: dict[str, str] = lexicon.memory.setdefault("tags", {})
    tag = known.get(word.low)
    if tag is None:
        if len(known) > MOST:
            known.clear()
        tag = known[word.low] = _alone(word, lexicon)
    return tag


def _alone(word: Word, lexicon: Lexicon) -> str:
    """Return the tag of a word by itself; E, G, H and B are forms of verbs to be resolved."""
    low = word.low
    if not low[0].isalpha():
        return "#" if low[0].isdecimal() else low
    if low in lexicon.numbers and low != "one":
        return "#"
    closed = lexicon.tag_of(low, CLASSES)
    if closed:
        return closed
    form = lexicon.verbs.get(low)
    return FORMS[form[1]] if form else _by_ending(low, word, lexicon)


def _by_ending(low: str, word: Word, lexicon: Lexicon) -> str:
    """Return the tag of an unknown word by its last letters."""
    if lexicon.head(word.key) or len(low) <= 4:
        return "N"
    if low.endswith("ed"):
        return "E"
    if low.endswith("ing") and len(low) > 5:
        return "G"
    return "A" if low.endswith("ly") else "N"


class Resolving:
    """The tags of a sentence while the forms of verbs are resolved, from left to right."""

    def __init__(self, listed: Sequence[Word], found: list[str], lexicon: Lexicon) -> None:
        self.listed = listed
        self.found = found
        self.lexicon = lexicon

    def all(self) -> list[str]:
        """Return the tags with every form of a verb resolved."""
        for place, tag in enumerate(self.found):
            if tag == "^" and place > 2 and self.found[place - 1] == "#":
                self.found[place - 2] = self.found[place] = "#"  # 2 × 10^9
            elif tag in TO_RESOLVE:
                self.found[place] = self._resolved(tag, place)
            elif self.listed[place].low == "that":
                self.found[place] = self._that(place)
            elif tag == "A" and self._counts(place):
                self.found[place] = "N"  # a first cousin
        return self.found

    def _counts(self, place: int) -> bool:
        """Say whether an ordinal stands between a determiner and its noun."""
        near = self.found[place - 1 : place] + self.found[place + 1 : place + 2]
        inside = len(near) == 2 and near[0] == "D" and near[1] in NOUN_LIKE
        return inside and self.listed[place].low in self.lexicon.ordinals

    def _resolved(self, tag: str, place: int) -> str:
        before, low = self._before(place), self.listed[place].low
        following = self.found[place + 1] if place + 1 < len(self.found) else ""
        if self.listed[place].joint == "-" and before == "N":
            return "N"  # graft-derived, contrast-enhanced
        if tag == "E":
            return self._past(low, before, following, place)
        if tag == "G":
            return self._ing(low, before, following)
        return self._present(tag, low, before, following, place)

    def _before(self, place: int) -> str:
        """Return the tag before a place, adverbs and negations left out; '' at the beginning."""
        place -= 1
        while place >= 0 and self.found[place] in ("A", "!"):
            place -= 1
        return self.found[place] if place >= 0 else ""

    def _past(self, low: str, before: str, following: str, place: int) -> str:
        into_noun = following in NOUN_LIKE
        if before == "#" and self._is_mark(place):
            return "V"  # patient 1 received
        if before in ("D", "P", "#", "") or (before == "V" and into_noun):
            return "N" if into_noun or before in ("D", "#") else "V"
        if before in ("C", ",", "(", "/"):
            adjective = "participle" in self.lexicon.classes.get(low, ())
            finite = low in self.lexicon.verbs and not adjective
            told = finite and (self._is_finite(low) or any(t in "VX" for t in self.found[:place]))
            return "V" if not into_noun or told else "N"
        return "N" if into_noun and self._qualifies(place) else "V"

    def _is_finite(self, low: str) -> bool:
        """Say whether a form is no participle: the patient, a man with X, developed Y."""
        return self.lexicon.verbs[low][0] in self.lexicon.finite_verbs

    def _is_mark(self, place: int) -> bool:
        """Say whether a number before a place is that of a patient: patient 1."""
        trie = self.lexicon.phrases("case-markers")
        return place > 1 and trie.at(self.listed, place - 2) is not None

    def _qualifies(self, place: int) -> bool:
        """Say whether a participle stands between an adjective and its noun: previous known X."""
        both = (self.listed[place - 1].low, self.listed[place].low)
        first, second = (self.lexicon.classes.get(low, frozenset()) for low in both)
        return "cut" in first and bool(second & {"cut", "participle"})

    def _ing(self, low: str, before: str, following: str) -> str:
        if before == "X":
            return "V"
        if before == "D" or (before == "V" and following == "N"):
            return "N"
        if low not in self.lexicon.verbs:
            return "N" if following in ("N", "") or before in ("P", "") else "V"
        return "V" if following in ("D", "N", "#", "P", "A", "S", "R", "O") else self._after(before)

    def _after(self, before: str) -> str:
        return "V" if before in ("S", "O") else "N"

    def _present(self, tag: str, low: str, before: str, following: str, place: int) -> str:
        noun = self.lexicon.verbs[low][0] in self.lexicon.noun_verbs
        if before == "D" or (before == "P" and (tag == "H" or noun)):
            return "N"
        if before in ("O", "R", "X") or not noun:
            return "V"
        if before in ("P", "#", "", "C", ",", "V"):
            return "N"
        others = (t for n, t in enumerate(self.found) if n != place)
        alone = before == "N" and following == "N" and not any(t in "XVEHB" for t in others)
        return "V" if tag == "H" and (following in ("D", "S", "R") or alone) else "N"

    def _that(self, place: int) -> str:
        """Return whether 'that' is a determiner, a subordinator or a relative pronoun."""
        following = self.found[place + 1] if place + 1 < len(self.found) else ""
        before = self.found[place - 1] if place else ""
        if following in ("N", "#") and before not in ("N", "V", "E"):
            return "D"
        if before in ("V", "E", "C"):
            return "S"
        return "R" if before in ("N", "#", ")", ",") else "D"
