"""The mentions of a sentence: phrases that name a disease, a drug, a treatment, a sign."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fhirconv.extractors.chunks import Chunk, Sentence
from fhirconv.extractors.lexicon import Entry, Lexicon, Match

CLINICAL = frozenset(("condition", "finding", "untoward"))
AGENTS = frozenset(("drug", "drug_class", "cells"))
NAMED = CLINICAL | AGENTS | {"procedure", "test", "measure"}
TRAILING = frozenset(("i", "ii", "iii", "iv", "v", "vi", "a", "b", "c"))


@dataclass(slots=True)
class Unit:
    """A word or phrase inside a noun phrase that means something: words[first:last]."""

    first: int
    last: int
    kind: str
    origin: str
    text: str = ""  # the preferred words of its term
    listed: bool = False  # a term of a vocabulary, not only a telling last word


@dataclass(slots=True)
class Mention:
    """A phrase that names something: words[first:last] of a sentence, and its label."""

    sentence: Sentence
    kind: str
    first: int
    last: int
    core: int  # where the term itself begins, after its qualifiers
    chunk: int
    label: str
    origin: str
    listed: bool
    term: str = ""  # the preferred words of its term
    modifier: tuple[int, int] | None = None  # words of a shared phrase: cutaneous (... GVHD)

    @property
    def start(self) -> int:
        """The offset of its first character."""
        return self.sentence.listed[self.first].start

    @property
    def end(self) -> int:
        """The offset behind its last character."""
        return self.sentence.listed[self.last - 1].end


def mentions(sentence: Sentence, text: str, lexicon: Lexicon) -> list[Mention]:
    """Return the mentions of a chunked sentence in order."""
    found: list[Mention] = []
    for number, chunk in enumerate(sentence.chunks):
        if chunk.kind == "noun":
            found += reversed(list(_in_noun(sentence, number, chunk, text, lexicon)))
    return found


def _in_noun(
    sentence: Sentence, number: int, chunk: Chunk, text: str, lexicon: Lexicon
) -> Iterator[Mention]:
    """Yield the mentions of one noun phrase, the last first."""
    units = _units(sentence, chunk, lexicon)
    tail = _without_trailing(sentence, chunk)
    last = chunk.last
    while units:
        unit = units.pop()
        ends = unit.last >= tail
        if unit.kind == "mask" and ends:
            return
        if unit.kind in NAMED and (ends or unit.listed or _strong(unit)):
            first = _grown(sentence, chunk, unit, units, lexicon)
            yield _mention(sentence, number, unit, first, last if ends else unit.last, text)
            units = [u for u in units if u.last <= first]
        last, tail = unit.first, unit.first


def _strong(unit: Unit) -> bool:
    """Say whether a word means the same inside a phrase as at its end: -itis, -mab."""
    return unit.kind in ("drug", "condition") and "suffix" in unit.text


def _mention(
    sentence: Sentence, number: int, unit: Unit, first: int, last: int, text: str
) -> Mention:
    start, end = sentence.span(first, last)
    label = text[start:end]
    term = unit.text if unit.listed else ""
    return Mention(
        sentence, unit.kind, first, last, unit.first, number, label, unit.origin, unit.listed, term
    )


def _units(sentence: Sentence, chunk: Chunk, lexicon: Lexicon) -> list[Unit]:
    """Return what means something in a noun phrase, from left to right."""
    found = [
        Unit(m.first, m.last, _kind(sentence, m, lexicon), m.entry.origin, m.entry.text, True)
        for m in sentence.known
        if chunk.first <= m.first < chunk.last
    ]
    covered = {n for u in found for n in range(u.first, u.last)}
    for place in range(chunk.first, chunk.last):
        if place not in covered and place not in sentence.silent:
            key = sentence.listed[place].key
            head = lexicon.head(key)
            if head is not None:
                mark = "" if key in lexicon.heads else "suffix"
                found.append(Unit(place, place + 1, head.kind, head.origin, mark))
    return sorted(found, key=lambda u: u.first)


def _kind(sentence: Sentence, match: Match, lexicon: Lexicon) -> str:
    """Return the kind of a known term; a last word that is an agent overrules a vocabulary."""
    head = lexicon.heads.get(sentence.listed[match.last - 1].key)
    if match.entry.kind == "procedure" and head is not None and head.kind in AGENTS:
        return head.kind
    return "untoward" if lexicon.is_untoward(sentence.listed, match) else match.entry.kind


def _without_trailing(sentence: Sentence, chunk: Chunk) -> int:
    """Return where a noun phrase ends without numbers and abbreviations: type 2, (GVHD)."""
    last = chunk.last
    while last > chunk.first and (
        last - 1 in sentence.silent
        or sentence.tagged[last - 1] == "#"
        or sentence.listed[last - 1].low in TRAILING
    ):
        last -= 1
    return last


def _grown(
    sentence: Sentence, chunk: Chunk, unit: Unit, before: Sequence[Unit], lexicon: Lexicon
) -> int:
    """Return where the label of a term begins: its qualifiers to the left belong to it."""
    place = unit.first
    while place > chunk.first and _qualifies(sentence, place - 1, unit, before, lexicon):
        place -= 1
    while place < unit.first and not sentence.listed[place].low[0].isalnum():
        place += 1
    return place


def _qualifies(
    sentence: Sentence, place: int, unit: Unit, before: Sequence[Unit], lexicon: Lexicon
) -> bool:
    if place in sentence.silent:
        return True
    word = sentence.listed[place]
    if sentence.tagged[place] == "D" or place in sentence.quantified:
        return False
    if "cut" in lexicon.classes.get(word.low, ()):
        return False
    inside = next((u for u in before if u.first <= place < u.last), None)
    if inside is not None and inside.kind in AGENTS:
        return unit.kind in ("procedure", "measure", "test", *AGENTS)
    return True


def spread(found: list[Mention], text: str, lexicon: Lexicon) -> list[Mention]:
    """Return the mentions with those added that share a last word: cutaneous and liver GVHD."""
    listed: list[Mention] = []
    for mention in found:
        if mention.kind in CLINICAL | {"procedure"}:
            listed += _sharing(mention, text, lexicon)
        listed.append(mention)
    return listed


def _sharing(mention: Mention, text: str, lexicon: Lexicon) -> list[Mention]:
    """Return the mentions that bare qualifiers before 'and' make with the last word of this."""
    sentence = mention.sentence
    own = _leading(mention, lexicon)
    if own is None:
        return []
    added: list[Mention] = []
    number = mention.chunk - 1
    while number >= 1 and sentence.chunks[number].kind in ("C", ","):
        if sentence.chunks[number].kind == "," and sentence.chunks[number - 1].kind == "C":
            number -= 1
        chunk = sentence.chunks[number - 1]
        if chunk.kind != "noun" or not _bare(sentence, chunk, own[0], lexicon):
            break
        added.append(_shared(mention, chunk, number - 1, own[1], text, lexicon))
        number -= 2
    return added[::-1]


def _leading(mention: Mention, lexicon: Lexicon) -> tuple[str, int] | None:
    """Return (kind, end) of the qualifier that a mention begins with: a site or another."""
    sentence = mention.sentence
    site = lexicon.sites.at(sentence.listed, mention.first)
    if site is not None and site.last < mention.last:
        return "site", site.last
    match = lexicon.vocabulary("qualifiers").at(sentence.listed, mention.first)
    if match is not None and match.last < mention.last:
        return "qualifier", match.last
    return None


def _bare(sentence: Sentence, chunk: Chunk, kind: str, lexicon: Lexicon) -> bool:
    """Say whether a noun phrase is nothing but a qualifier of this kind."""
    first = _content(sentence, chunk)
    trie = lexicon.sites if kind == "site" else lexicon.vocabulary("qualifiers")
    match = trie.at(sentence.listed, first) if first < chunk.last else None
    return match is not None and match.last == chunk.last


def _content(sentence: Sentence, chunk: Chunk) -> int:
    first = chunk.first
    while first < chunk.last and sentence.tagged[first] == "D":
        first += 1
    return first


def _shared(
    mention: Mention, chunk: Chunk, number: int, rest: int, text: str, lexicon: Lexicon
) -> Mention:
    sentence = mention.sentence
    first = _content(sentence, chunk)
    start, end = sentence.span(first, chunk.last)
    begin, behind = sentence.span(rest, mention.last)
    label = f"{text[start:end]} {text[begin:behind]}"
    match = lexicon.terms.at(lexicon.words(label), 0)
    entry = match.entry if match else Entry(mention.kind, "", mention.origin)
    return Mention(
        *(sentence, mention.kind, first, mention.last, rest, number, label),
        *(entry.origin, match is not None, entry.text, (first, chunk.last)),
    )
