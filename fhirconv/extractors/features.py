"""What the tagger sees of a word: its form, what the tables say of it, and its neighbours."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain, repeat
from typing import Any, NamedTuple

from fhirconv.extractors.chunks import Sentence
from fhirconv.extractors.lexicon import Lexicon
from fhirconv.extractors.mentions import Mention

LONGEST = 12  # the letters of a word that make its shape
REPEATED = re.compile(r"(.)\1+")
SURE, LIKELY = 0.9, 0.6  # the share of a word's terms that are of one kind
REACH = 3  # words to either side that a word sees
STEPS = range(-REACH, REACH + 1)
MARKS = ((1, "mb"), (2, "me"), (4, "s"), (8, "q"))  # a bit, and the feature that it stands for

Features = list[str]
Form = tuple[str, str]  # a word as it is written, and its key
View = tuple[str | int, ...]  # what is seen together at a word: a name, then the values


class Seen(NamedTuple):
    """What is seen in a sentence: its words, and for each way to look a view of each word."""

    forms: list[Form]
    views: list[list[View]]


class Eye:
    """The features of words, for one lexicon.

    Views are cheap to make and few: what they weigh is remembered, so that their features are
    spelled out once.
    """

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self.natures = _natures(lexicon.terms.root)

    @classmethod
    def of(cls, lexicon: Lexicon) -> "Eye":
        """Return the eye of a lexicon, made once."""
        known: Eye | None = lexicon.memory.get("eye")
        if known is None:
            known = lexicon.memory["eye"] = cls(lexicon)
        return known

    def features(self, sentence: Sentence, found: Sequence[Mention]) -> list[Features]:
        """Return the features of each word of a chunked sentence with its mentions so far."""
        seen = self.look(sentence, found)
        spelled = [self.forms(form) for form in seen.forms]
        listed: list[Features] = []
        for place in range(len(seen.forms)):
            near = (n for n in STEPS if 0 <= place + n < len(spelled))
            words = (far(n, name) for n in near for name in spelled[place + n][abs(n)])
            views = chain.from_iterable(self.spell(layer[place]) for layer in seen.views)
            listed.append([*words, *views])
        return listed

    def look(self, sentence: Sentence, found: Sequence[Mention]) -> Seen:
        """Return what is seen in a chunked sentence with its mentions so far."""
        listed, tagged = sentence.listed, sentence.tagged
        told, known = _layers(sentence, found)
        joints = (word.joint for word in listed)
        views: list[Iterable[View]] = [
            *(_sides(name, layer) for name, layer in (("t", tagged), ("m", told), ("l", known))),
            zip(repeat("mt"), told, tagged),
            zip(repeat("j"), joints, repeat(sentence.part), _marks(sentence, found)),
            _in_chunks(sentence, told),
        ]
        return Seen([(word.text, word.key) for word in listed], [list(v) for v in views])

    def nature(self, key: str) -> str:
        """Return in terms of which kind a word mostly stands, and how surely."""
        return self.natures.get(key, "-")

    def forms(self, form: Form) -> list[Sequence[str]]:
        """Return the features of a word at its own place, and as seen from 1, 2, 3 words away."""
        text, key = form
        if not text:
            return [()] * (REACH + 1)
        low = text.lower()
        head = self.lexicon.head(key)
        plain = [f"w={low}", f"n={self.nature(key)}"]
        near = [*plain, f"h={head.kind if head else '-'}", f"z={shape(text)}"]
        here = [*near, f"k={key}"]
        if len(low) > 3:
            near.append(f"e3={key[-3:]}")
            here += [f"b{n}={low[:n]}" for n in (3, 4, 5)]
            here += [f"e{n}={key[-n:]}" for n in (2, 3, 4, 5)]
        lemma = self.lexicon.verbs.get(low, ("", ""))[0]
        if lemma in self.lexicon.meanings:
            here.append(f"v={self.lexicon.meanings[lemma]['meaning']}")
        here += [f"c={c}" for c in sorted(self.lexicon.classes.get(low, ()))]
        return [here, near, plain, plain[:1]]

    def spell(self, view: View) -> tuple[str, ...]:
        """Return the features of a view."""
        name, *rest = view
        if name in ("t", "m", "l"):
            before, here, behind = rest
            return f"{name}={here}", f"{name}<{before}{here}", f"{name}>{here}{behind}"
        if name == "mt":
            return (f"mt={rest[0]}{rest[1]}",)
        if name == "j":
            marks = (mark for bit, mark in MARKS if int(rest[2]) & bit)
            return (f"j={rest[0]}", f"p={rest[1]}", *marks)
        kind, left, key, mention = rest
        inside = (f"uk={key}", f"un={self.nature(str(key))}", f"um={mention}") if key else ()
        return (f"u={kind}{left}", *inside)


def far(step: int, name: str) -> str:
    """Return the name of a feature of a word that stands so many words behind (before: -1)."""
    return f"{step}{name}" if step else name


def step_of(feature: str) -> tuple[int, str]:
    """Return how far away the word of a feature stands, and the feature as its own."""
    size = 2 if feature[0] == "-" else 1 if feature[0].isdecimal() else 0
    return int(feature[:size] or 0), feature[size:]


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


def _layers(sentence: Sentence, found: Sequence[Mention]) -> tuple[list[str], list[str]]:
    """Return for each word the kind of the mention that it stands in, and of its known term."""
    told, known = ["-"] * len(sentence.listed), ["-"] * len(sentence.listed)
    for match in sentence.known:
        known[match.first : match.last] = [match.entry.kind] * (match.last - match.first)
    for mention in found:
        for place in mention.places:
            told[place] = mention.kind + ("!" if mention.listed else "?")
    return told, known


def _sides(name: str, layer: Sequence[str]) -> Iterable[View]:
    """Return what a layer says at each word, and with the words before and behind."""
    return zip(repeat(name), ["^", *layer[:-1]], layer, [*layer[1:], "$"])


def _marks(sentence: Sentence, found: Sequence[Mention]) -> list[int]:
    """Return of each word whether a mention begins or ends there, and whether it is a number."""
    marks = [0] * len(sentence.listed)
    for bit, places in (
        *((1, {m.first for m in found}), (2, {m.last - 1 for m in found})),
        *((4, sentence.silent), (8, sentence.quantified)),
    ):
        for place in places:
            marks[place] |= bit
    return marks


def _in_chunks(sentence: Sentence, told: Sequence[str]) -> Iterable[View]:
    """Yield where each word stands in its chunk, and what the chunk ends with."""
    for kind, first, last in sentence.chunks:
        key = sentence.listed[last - 1].key if kind == "noun" else ""
        for left in range(last - 1 - first, 0, -1):
            yield "u", kind, min(3, left), key, told[last - 1]
        yield "u", kind, 0, "", ""
