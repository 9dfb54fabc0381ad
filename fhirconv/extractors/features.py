"""What the tagger sees of a word: its form, what the tables say of it, and its neighbours."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from fhirconv.extractors.chunks import Sentence
from fhirconv.extractors.lexicon import Lexicon
from fhirconv.extractors.mentions import Mention
from fhirconv.extractors.words import Word

MOST = 200_000  # words kept: a text of random letters must not fill the memory
LONGEST = 12  # the letters of a word that make its shape
REPEATED = re.compile(r"(.)\1+")
SURE, LIKELY = 0.9, 0.6  # the share of a word's terms that are of one kind

Features = list[str]


class Seen(NamedTuple):
    """The features of a word at its own place, and as the neighbour of others."""

    here: tuple[str, ...]
    around: dict[int, tuple[str, ...]]  # by the place of the neighbour that sees it


class Eye:
    """The features of words, for one lexicon."""

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self.natures = _natures(lexicon.terms.root)
        self.seen: dict[tuple[str, str], Seen] = {}

    @classmethod
    def of(cls, lexicon: Lexicon) -> "Eye":
        """Return the eye of a lexicon, made once."""
        known: Eye | None = lexicon.memory.get("eye")
        if known is None:
            known = lexicon.memory["eye"] = cls(lexicon)
        return known

    def features(self, sentence: Sentence, found: Sequence[Mention]) -> list[Features]:
        """Return the features of each word of a chunked sentence with its mentions so far."""
        seen = [self._word(word) for word in sentence.listed]
        layers = _Layers(self, sentence, found)
        return [[*_near(seen, place), *layers.at(place)] for place in range(len(sentence.listed))]

    def nature(self, key: str) -> str:
        """Return in terms of which kind a word mostly stands, and how surely."""
        return self.natures.get(key, "-")

    def _word(self, word: Word) -> Seen:
        place = (word.text, word.key)
        known = self.seen.get(place)
        if known is None:
            if len(self.seen) > MOST:
                self.seen.clear()
            known = self.seen[place] = self._look(word)
        return known

    def _look(self, word: Word) -> Seen:
        """Return what a word shows by itself."""
        head = self.lexicon.head(word.key)
        plain = [f"w={word.low}", f"n={self.nature(word.key)}"]
        near = [*plain, f"h={head.kind if head else '-'}", f"z={shape(word.text)}"]
        here = [*near, f"k={word.key}"]
        if len(word.low) > 3:
            near.append(f"e3={word.key[-3:]}")
            here += [f"b{n}={word.low[:n]}" for n in (3, 4, 5)]
            here += [f"e{n}={word.key[-n:]}" for n in (2, 3, 4, 5)]
        lemma = self.lexicon.verbs.get(word.low, ("", ""))[0]
        if lemma in self.lexicon.meanings:
            here.append(f"v={self.lexicon.meanings[lemma]['meaning']}")
        here += [f"c={c}" for c in sorted(self.lexicon.classes.get(word.low, ()))]
        around = {1: near, -1: near, 2: plain, -2: plain, 3: plain[:1], -3: plain[:1]}
        return Seen(
            tuple(here), {n: tuple(f"{n}{f}" for f in listed) for n, listed in around.items()}
        )


def shape(text: str) -> str:
    """Return the shape of a word: Xx for Crohn, X for MRI, d for 12."""
    return REPEATED.sub(r"\1", "".join(map(_sign, text[:LONGEST])))


def _sign(letter: str) -> str:
    if letter.isdigit():
        return "d"
    return "X" if letter.isupper() else "x" if letter.isalpha() else letter


def _natures(root: dict[str, Any]) -> dict[str, str]:
    """Return of which kind the terms are that a word stands in, by its key."""
    counted: dict[str, Counter[str]] = {}
    _count(root, (), counted)
    return {key: _nature(kinds) for key, kinds in counted.items()}


def _count(node: dict[str, Any], keys: tuple[str, ...], counted: dict[str, Counter[str]]) -> None:
    for key, value in node.items():
        if key:
            _count(value, (*keys, key), counted)
        else:
            for word in keys:
                counted.setdefault(word, Counter()).update(e.kind for e in value)


def _nature(kinds: Counter[str]) -> str:
    first, count = min(kinds.items(), key=lambda item: (-item[1], item[0]))
    share = count / kinds.total()
    sure = "!" if share > SURE else "~" if share > LIKELY else "?"
    return f"{first}{sure}{min(2, kinds.total())}"


def _near(seen: Sequence[Seen], place: int) -> list[str]:
    """Return the features of a word and of its neighbours."""
    found = list(seen[place].here)
    for step in (-1, 1, -2, 2, -3, 3):
        if 0 <= place + step < len(seen):
            found += seen[place + step].around[step]
    return found


class _Layers:
    """What the tables found in a sentence, word by word."""

    def __init__(self, eye: Eye, sentence: Sentence, found: Sequence[Mention]) -> None:
        size = len(sentence.listed)
        self.eye, self.sentence = eye, sentence
        self.known, self.told = ["-"] * size, ["-"] * size
        self.chunks = [(chunk, chunk.last) for chunk in sentence.chunks for _ in range(*chunk[1:])]
        for match in sentence.known:
            self.known[match.first : match.last] = [match.entry.kind] * (match.last - match.first)
        for mention in found:
            for place in mention.places:
                self.told[place] = mention.kind + ("!" if mention.listed else "?")
        self.firsts = {m.first for m in found}
        self.lasts = {m.last - 1 for m in found}

    def at(self, place: int) -> list[str]:
        """Return what the tables, the grammar and the neighbours say at a word."""
        sentence = self.sentence
        found = [f"j={sentence.listed[place].joint}", f"p={sentence.part}"]
        for name, layer in (("t", sentence.tagged), ("m", self.told), ("l", self.known)):
            found += _sides(name, layer, place)
        found.append(f"mt={self.told[place]}{sentence.tagged[place]}")
        marks = (("mb", self.firsts), ("me", self.lasts), ("s", sentence.silent))
        found += [name for name, places in (*marks, ("q", sentence.quantified)) if place in places]
        return [*found, *self._pairs(place), *self._in_chunk(place)]

    def _pairs(self, place: int) -> list[str]:
        listed = self.sentence.listed
        found = [f"<{listed[place - 1].low}_{listed[place].low}"] if place else []
        if place + 1 < len(listed):
            found.append(f">{listed[place].low}_{listed[place + 1].low}")
        return found

    def _in_chunk(self, place: int) -> list[str]:
        """Return where a word stands in its chunk, and what the chunk ends with."""
        chunk, last = self.chunks[place]
        found = [f"u={chunk.kind}{min(3, last - 1 - place)}"]
        if chunk.kind == "noun" and place != last - 1:
            key = self.sentence.listed[last - 1].key
            found += [f"uk={key}", f"un={self.eye.nature(key)}", f"um={self.told[last - 1]}"]
        return found


def _sides(name: str, layer: Sequence[str], place: int) -> list[str]:
    """Return what a layer says at a word, and with the word before and behind."""
    here = layer[place]
    before = layer[place - 1] if place else "^"
    behind = layer[place + 1] if place + 1 < len(layer) else "$"
    return [
        f"{name}={here}",
        f"{name}<{before}{here}",
        f"{name}>{here}{behind}",
        f"{name}:{before}{here}{behind}",
    ]
