"""The grammar of a sentence, as far as it goes without a parser: a tag for each word.

N noun or adjective, # number, D determiner, P preposition, C conjunction, S subordinator,
R relative pronoun, O pronoun, X auxiliary, A adverb, V verb, ! negation, and signs as they are.
"""

from collections.abc import Sequence

from fhirconv.extractors.lexicon import Lexicon
from fhirconv.extractors.tries import Match
from fhirconv.extractors.words import Word

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
PERFECT = ("past", "participle")


def tags(listed: Sequence[Word], known: Sequence[Match], lexicon: Lexicon) -> list[str]:
    """Return the tag of each word; words of known terms count as nouns."""
    found = [_alone(word, lexicon) for word in listed]
    for match in known:
        plain = match.last - match.first > 1 or found[match.first] in "NEGBA#"
        for place in range(match.first, match.last):
            if plain or not lexicon.classes.get(listed[place].low):
                found[place] = "N" if found[place] != "#" else "#"
    for match in lexicon.phrases("connectors").all(listed):
        if match.last - match.first > 1:
            tag = CLASSES[match.entry.kind]
            found[match.first : match.last] = [tag] * (match.last - match.first)
    for place, tag in enumerate(found):
        if tag == "^" and place > 2 and found[place - 2] in ("×", "N") and found[place - 1] == "#":
            found[place - 2] = found[place] = "#"  # 2 × 10^9
        if tag in "EGBH":
            found[place] = _resolved(tag, place, found, listed, lexicon)
        elif listed[place].low == "that":
            found[place] = _that(place, found)
    return found


def _alone(word: Word, lexicon: Lexicon) -> str:
    """Return the tag of a word by itself; E, G, H and B are forms of verbs to be resolved."""
    low = word.low
    if not low[0].isalpha():
        return "#" if low[0].isdigit() else low
    if low in lexicon.numbers and low != "one":
        return "#"
    classes = lexicon.classes.get(low, frozenset())
    for name, tag in CLASSES.items() if classes else ():
        if name in classes:
            return tag
    form = lexicon.verbs.get(low)
    if form:
        return {"past": "E", "participle": "E", "ing": "G", "s": "H", "base": "B"}[form[1]]
    if lexicon.head(word.key):
        return "N"
    if len(low) > 4 and low.endswith("ed"):
        return "E"
    if len(low) > 5 and low.endswith("ing"):
        return "G"
    return "A" if len(low) > 4 and low.endswith("ly") else "N"


def _that(place: int, found: list[str]) -> str:
    following = found[place + 1] if place + 1 < len(found) else ""
    before = found[place - 1] if place else ""
    if following in ("N", "#") and before not in ("N", "V", "E"):
        return "D"
    if before in ("V", "E", "C"):
        return "S"
    return "R" if before in ("N", "#", ")", ",") else "D"


def _resolved(
    tag: str, place: int, found: list[str], listed: Sequence[Word], lexicon: Lexicon
) -> str:
    before = _before(place, found)
    following = found[place + 1] if place + 1 < len(found) else ""
    low = listed[place].low
    if listed[place].joint == "-" and before == "N":
        return "N"  # graft-derived, contrast-enhanced
    if tag == "E":
        return _past(low, before, following, found, place, lexicon)
    if tag == "G":
        return _ing(low, before, following, lexicon)
    verbs = any(t in "XVEHB" for n, t in enumerate(found) if n != place)
    return _present(tag, low, before, following, verbs, lexicon)


def _before(place: int, found: list[str]) -> str:
    """Return the tag before a place, adverbs and negations left out; '' at the beginning."""
    place -= 1
    while place >= 0 and found[place] in "A!":
        place -= 1
    return found[place] if place >= 0 else ""


def _past(
    low: str, before: str, following: str, found: list[str], place: int, lexicon: Lexicon
) -> str:
    if before == "X":
        return "V"
    into_noun = following in ("N", "#", "E", "G", "H", "B") and following != ""
    if before in ("D", "P", "#", "") or (before == "V" and into_noun):
        return "N" if into_noun or before in ("D", "#") else "V"
    if before in ("C", ",", "(", "/"):
        known = low in lexicon.verbs and "participle" not in lexicon.classes.get(low, ())
        finite = known and any(t in "VX" for t in found[:place])
        return "V" if not into_noun or finite else "N"
    return "V"


def _ing(low: str, before: str, following: str, lexicon: Lexicon) -> str:
    if before == "X":
        return "V"
    if before == "D" or (before == "V" and following == "N"):
        return "N"
    if low not in lexicon.verbs:
        return "N" if following in ("N", "") or before in ("P", "") else "V"
    if following in ("D", "N", "#", "P", "A", "S", "R", "O"):
        return "V"
    return "V" if before in ("S", "O") else "N"


def _present(tag: str, low: str, before: str, following: str, verbs: bool, lexicon: Lexicon) -> str:
    if before == "D" or (before == "P" and tag == "H"):
        return "N"
    noun = lexicon.verbs[low][0] in lexicon.noun_verbs
    if before in ("O", "R", "X") or (before == "P" and not noun and tag == "B"):
        return "V"
    if not noun:
        return "V"
    if before in ("D", "P", "#", "", "C", ",", "V"):
        return "N"
    if tag == "H" and before == "N" and following == "N" and not verbs:
        return "V"  # Bleomycin causes fibrosis
    return "V" if following in ("D", "S", "R") and tag == "H" else "N"
