"""Words that no table knows, which have the form of a name: of a drug, where drugs stand."""

from collections.abc import Iterator

from fhirconv.extractors.chunks import Chunk, Sentence
from fhirconv.extractors.words import singular_low

BEFORE = ("before", "before-short")
SHORT = "-short"  # the classes of places where an abbreviation is a drug, too


def is_strange(sentence: Sentence, place: int, short: bool = False) -> bool:
    """Say whether a word may be an unknown name; with short, an abbreviation is one."""
    word, lexicon = sentence.listed[place], sentence.lexicon
    if place in sentence.silent or place in sentence.quantified or _is_known(sentence, place):
        return False
    if word.text[:2].isupper():
        return short and 2 <= len(word.text) <= 6 and word.text.isalnum()
    if len(word.low) < 6 or not word.low.isalpha():
        return False
    return not word.low.endswith(lexicon.plain_endings)


def is_unknown(sentence: Sentence, place: int) -> bool:
    """Say whether no table holds a word."""
    return not _is_known(sentence, place)


def _is_known(sentence: Sentence, place: int) -> bool:
    """Say whether a table holds a word, or its singular, as anything."""
    word, lexicon = sentence.listed[place], sentence.lexicon
    if word.low in lexicon.classes or singular_low(word.low) in lexicon.classes:
        return True
    if word.low in lexicon.verbs or word.low in lexicon.people["noun"]:
        return True
    if lexicon.schedule("session").at([word], 0) is not None or word.low in lexicon.numbers:
        return True
    if lexicon.sites.at([word], 0) is not None or lexicon.head(word.key) is not None:
        return True
    return any(m.first <= place < m.last for m in sentence.known)


def names(sentence: Sentence, chunk: Chunk) -> Iterator[tuple[int, str]]:
    """Yield the unknown names of a noun phrase that the next word shows to be drugs.

    So in 'X-induced colitis' and 'X administration'; each with the row that says so.
    """
    trie = sentence.lexicon.phrases("drug-places")
    for match in trie.within(sentence.listed, chunk.first + 1, chunk.last):
        place = match.first - 1
        if match.last > chunk.last or not match.entry.kind.startswith("behind"):
            continue
        if sentence.tagged[place] == "N" and is_strange(sentence, place, _short(match.entry.kind)):
            yield place, match.entry.origin


def is_abbreviated(sentence: Sentence, place: int) -> bool:
    """Say whether a word is an abbreviation that no table knows."""
    word = sentence.listed[place]
    return word.text[:2].isupper() and is_strange(sentence, place, short=True)


def announced(sentence: Sentence, chunk: Chunk, place: int, table: str = "drug-places") -> str:
    """Return the row by whose words before a phrase an unknown word in it is a drug, or ''.

    So a disease, with the table of the places where diseases stand.
    """
    trie = sentence.lexicon.phrases(table)
    for at in range(max(0, chunk.first - 4), chunk.first):
        match = trie.at(sentence.listed, at)
        if match is None or match.last != chunk.first or match.entry.kind not in BEFORE:
            continue
        if table != "drug-places" or is_strange(sentence, place, _short(match.entry.kind)):
            return match.entry.origin
    return ""


def germ_announced(sentence: Sentence, number: int) -> bool:
    """Say whether words before a phrase, or its list, tell that the germ it names was there."""
    chunks, trie = sentence.chunks, sentence.lexicon.phrases("problem-places")
    while (
        number > 1 and chunks[number - 1].kind in ("C", ",") and chunks[number - 2].kind == "noun"
    ):
        number -= 2
    first = chunks[number].first
    found = (trie.at(sentence.listed, at) for at in range(max(0, first - 4), first))
    return any(match is not None and match.last == first for match in found)


def _short(kind: str) -> bool:
    return kind.endswith(SHORT)
