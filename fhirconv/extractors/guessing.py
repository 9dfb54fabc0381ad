"""Drugs and diseases that no table knows: by the words around them, or by a dose behind."""

from collections.abc import Iterator, Sequence

from fhirconv.extractors.chunks import Chunk, Sentence
from fhirconv.extractors.mentions import Mention
from fhirconv.extractors.strangers import announced, is_abbreviated, is_strange

DOSES = ("mg", "ug", "g", "[iU]", "mL", "meq", "mmol", "ng", "U")


def guessed(sentence: Sentence, found: Sequence[Mention]) -> list[Mention]:
    """Return the mentions with the unknown words that stand where drugs stand."""
    taken = {m.chunk for m in found}
    added = [
        mention
        for number, chunk in enumerate(sentence.chunks)
        if chunk.kind == "noun" and number not in taken
        for mention in _guess(sentence, number, chunk)
    ]
    return sorted([*found, *added], key=lambda m: (m.chunk, m.first)) if added else list(found)


def _guess(sentence: Sentence, number: int, chunk: Chunk) -> Iterator[Mention]:
    """Yield what an unknown noun phrase must be, by where it stands: a drug, a disease."""
    drugs = list(_drug(sentence, number, chunk))
    yield from drugs or _disease(sentence, number, chunk)


def _disease(sentence: Sentence, number: int, chunk: Chunk) -> Iterator[Mention]:
    """Yield the disease that an unknown abbreviation must be: a diagnosis of PMME."""
    place = chunk.last - 1
    while place > chunk.first and place in sentence.silent:
        place -= 1
    if not is_abbreviated(sentence, place):
        return
    origin = announced(sentence, chunk, place, "problem-places")
    if origin:
        label = sentence.listed[place].text
        yield Mention(
            *(sentence, "condition", place, place + 1, place, number, label, origin, False)
        )


def _drug(sentence: Sentence, number: int, chunk: Chunk) -> Iterator[Mention]:
    """Yield the drug that an unknown noun phrase must be, if it must."""
    place = _name(sentence, chunk)
    if place < 0:
        return
    dosed = _dosed(sentence, place + 1) if is_strange(sentence, place, short=True) else ""
    origin = dosed or announced(sentence, chunk, place)
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


def _dosed(sentence: Sentence, place: int) -> str:
    """Return the origin of a guess where a dose stands right behind a word."""
    for quantity in sentence.quantities:
        if quantity.first == place and quantity.code.split("/")[0] in DOSES:
            return "extract/drug-places.csv:dose"
    return ""
