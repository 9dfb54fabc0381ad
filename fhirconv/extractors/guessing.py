"""Drugs that no table knows: by the words around them, and by the dose behind them."""

from collections.abc import Iterator, Sequence

from fhirconv.extractors.chunks import Chunk, Sentence
from fhirconv.extractors.mentions import Mention, singular_low

DOSES = ("mg", "ug", "g", "[iU]", "mL", "meq", "mmol", "ng", "U")


def guessed(sentence: Sentence, found: Sequence[Mention]) -> list[Mention]:
    """Return the mentions with the unknown words that stand where drugs stand."""
    taken = {m.chunk for m in found}
    added = [
        mention
        for number, chunk in enumerate(sentence.chunks)
        if chunk.kind == "noun" and number not in taken
        for mention in _drug(sentence, number, chunk)
    ]
    return sorted([*found, *added], key=lambda m: (m.chunk, m.first)) if added else list(found)


def _drug(sentence: Sentence, number: int, chunk: Chunk) -> Iterator[Mention]:
    """Yield the drug that an unknown noun phrase must be, if it must."""
    place = _name(sentence, chunk)
    if place < 0 or not _is_strange(sentence, place):
        return
    origin = _dosed(sentence, place + 1) or _announced(sentence, chunk)
    if origin:
        word = sentence.listed[place]
        yield Mention(
            *(sentence, "drug", place, place + 1, place, number, word.text, origin, False)
        )


def _name(sentence: Sentence, chunk: Chunk) -> int:
    """Return the place of the only word of a noun phrase that may be a name; -1 without."""
    places = [
        n
        for n in range(chunk.first, chunk.last)
        if sentence.tagged[n] == "N" and n not in sentence.quantified and n not in sentence.silent
    ]
    classes = sentence.lexicon.classes
    places = [n for n in places if "cut" not in classes.get(sentence.listed[n].low, ())]
    return places[0] if len(places) == 1 else -1


def _is_strange(sentence: Sentence, place: int) -> bool:
    """Say whether a word is one that no table knows and that has no everyday ending."""
    word, lexicon = sentence.listed[place], sentence.lexicon
    if len(word.low) < 6 or not word.low.isalpha() or word.low in lexicon.classes:
        return False
    if singular_low(word.low) in lexicon.classes:
        return False
    if lexicon.schedule("session").at([word], 0) is not None:
        return False
    if word.low in lexicon.verbs or word.low in lexicon.people["noun"] or lexicon.head(word.key):
        return False
    if lexicon.sites.at([word], 0) is not None or word.low in lexicon.numbers:
        return False
    return not word.low.endswith(lexicon.plain_endings)


def _dosed(sentence: Sentence, place: int) -> str:
    """Return the origin of a guess where a dose stands right behind a word."""
    for quantity in sentence.quantities:
        if quantity.first == place and quantity.code.split("/")[0] in DOSES:
            return "extract/drug-places.csv:dose"
    return ""


def _announced(sentence: Sentence, chunk: Chunk) -> str:
    """Return the origin of a guess where words like 'treated with' stand before a phrase."""
    trie = sentence.lexicon.phrases("drug-places")
    for back in range(1, 5):
        at = chunk.first - back
        if at >= 0:
            match = trie.at(sentence.listed, at)
            if match is not None and match.last == chunk.first:
                return match.entry.origin
    return ""
