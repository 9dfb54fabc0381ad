"""The chunks of a sentence: noun phrases, verb groups, and what stands between them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from fhirconv.extractors.abbreviations import Definition, definitions
from fhirconv.extractors.grammar import tags
from fhirconv.extractors.lexicon import Lexicon
from fhirconv.extractors.quantities import Quantity, quantities
from fhirconv.extractors.tries import Match
from fhirconv.extractors.words import Word, words


class Chunk(NamedTuple):
    """A run of words that belong together: words[first:last] of the sentence."""

    kind: str  # 'noun', 'verb', or the tag of a single word
    first: int
    last: int


class Proposal(NamedTuple):
    """Words[first:last] of a sentence that a model holds for something of a kind."""

    kind: str
    first: int
    last: int
    confidence: float  # the mean of its words


@dataclass(slots=True)
class Sentence:
    """A sentence with its words, their tags, its chunks and the known terms in it."""

    text: str  # of the whole report
    lexicon: Lexicon
    start: int
    end: int
    part: str  # the kind of its section
    heading: str  # the title of its section, where it is the first sentence of it
    listed: list[Word]
    tagged: list[str] = field(default_factory=list)
    chunks: list[Chunk] = field(default_factory=list)
    known: list[Match] = field(default_factory=list)
    defined: tuple[Definition, ...] = ()  # the abbreviations that it explains
    silent: frozenset[int] = frozenset()  # places of abbreviations in parentheses
    quantified: frozenset[int] = frozenset()  # places of numbers with their units
    quantities: list[Quantity] = field(default_factory=list)
    proposed: list[Proposal] = field(default_factory=list)  # how treatments are given

    @property
    def hidden(self) -> frozenset[int]:
        """The places of abbreviations in parentheses, and of numbers with their units."""
        return self.silent | self.quantified if self.silent else self.quantified

    def span(self, first: int, last: int) -> tuple[int, int]:
        """Return the offsets of words[first:last] in the text."""
        return self.listed[first].start, self.listed[last - 1].end

    def place(self, offset: int) -> int:
        """Return the first word that ends after an offset."""
        return next((n for n, w in enumerate(self.listed) if w.end > offset), len(self.listed))


def parse(
    text: str, lexicon: Lexicon, span: tuple[int, int], part: str, heading: str = ""
) -> Sentence:
    """Return a sentence of the text with its words and quantities; `chunk` does the rest."""
    start, end = span
    listed = words(text, start, end, lexicon.folding)
    sentence = Sentence(text, lexicon, start, end, part, heading, listed)
    sentence.defined = tuple(definitions(listed))
    sentence.silent = frozenset(place for d in sentence.defined for place in range(d.begin, d.end))
    sentence.quantities = quantities(text, sentence.listed, lexicon)
    sentence.quantified = frozenset(
        place for q in sentence.quantities for place in range(q.first, q.last)
    )
    return sentence


def chunk(sentence: Sentence, known: Sequence[Match]) -> None:
    """Fill in the tags and chunks of a sentence, whose known terms are given."""
    sentence.known = list(known)
    sentence.tagged = tags(sentence.listed, known, sentence.lexicon)
    sentence.chunks = list(_chunks(sentence))


def _chunks(sentence: Sentence) -> list[Chunk]:
    found: list[Chunk] = []
    place = 0
    while place < len(sentence.tagged):
        tag = sentence.tagged[place]
        if tag in ("D", "N", "#"):
            last = _noun_end(sentence, place)
            found.append(Chunk("noun", place, last))
        elif tag in ("X", "V"):
            last = _verb_end(sentence, place)
            found.append(Chunk("verb", place, last))
        else:
            last = place + 1
            found.append(Chunk(tag, place, last))
        place = last
    return found


def _noun_end(sentence: Sentence, place: int) -> int:
    """Return where a noun phrase that begins here ends: abbreviations and slashes are in it."""
    tagged, size = sentence.tagged, len(sentence.tagged)
    inside = False
    while place < size:
        tag = tagged[place]
        if place in sentence.silent:
            place += 1
        elif tag in ("N", "#") or (tag == "D" and not inside):
            inside = inside or tag != "D"
            place += 1
        elif tag in ("/", "+", "&", ".") and inside and _glued(sentence, place):
            place += 1
        else:
            break
    return place


def _glued(sentence: Sentence, place: int) -> bool:
    """Say whether a sign stands without space between two nouns: IL-2/LAK."""
    listed, tagged = sentence.listed, sentence.tagged
    return (
        place + 1 < len(listed)
        and not listed[place].joint
        and not listed[place + 1].joint
        and tagged[place + 1] in ("N", "#")
    )


def _verb_end(sentence: Sentence, place: int) -> int:
    """Return where a verb group ends: was then also not given."""
    tagged, size = sentence.tagged, len(sentence.tagged)
    last = place + 1
    ended = tagged[place] == "V"
    place += 1
    while place < size and tagged[place] in ("X", "V", "A", "!"):
        if tagged[place] == "X" and ended:
            break
        if tagged[place] in ("X", "V"):
            last = place + 1
            ended = ended or tagged[place] == "V"
        place += 1
        if ended and tagged[place - 1] == "V" and place < size and tagged[place] != "V":
            break
    return last
