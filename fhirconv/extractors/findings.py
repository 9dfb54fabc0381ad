"""Findings: where, by which method, of which sort, and with which value."""

from collections.abc import Iterator
from typing import Any

from fhirconv.extractors.assertion import Assertion
from fhirconv.extractors.chunks import Sentence
from fhirconv.extractors.drafts import Draft, Span
from fhirconv.extractors.gathering import HEADED
from fhirconv.extractors.mentions import Mention
from fhirconv.extractors.sharing import content
from fhirconv.extractors.story import Scene, Story

Place = tuple[int, int]  # words (first, last) of a sentence


def words_of_chunks(sentence: Sentence, first: int, last: int) -> Place:
    """Return the words of chunks[first:last] without the determiner before them."""
    return content(sentence, sentence.chunks[first]), sentence.chunks[last - 1].last


def new_finding(
    scene: Scene, story: Story, place: Place, spans: list[Span], fields: dict[str, Any]
) -> Draft:
    """Add a finding that no mention makes by itself, and say all that its words say of it."""
    sentence = scene.reading.sentence
    start, end = sentence.span(*place)
    draft = Draft(
        *("finding", sentence.text[start:end], scene.reading.patient, Assertion(), spans),
        *("rule", "", HEADED, fields),
    )
    story.add(draft, scene.reading, scene.number)
    describe(sentence, place, draft)
    return draft


def describe(sentence: Sentence, place: Place, draft: Draft) -> None:
    """Take method, sort and side of a finding from words[first:last]."""
    fields = draft.fields
    method = method_in(sentence, place)
    if method is not None:
        fields.setdefault("method", method[0])
        fields.setdefault("category", method[1])
    elif category_of(sentence, place):
        fields.setdefault("category", category_of(sentence, place))
    side = side_of(sentence, place)
    if side:
        fields.setdefault("laterality", side)


def method_in(sentence: Sentence, place: Place) -> tuple[str, str] | None:
    """Return (words, sort) of the examination that words[first:last] name behind 'on' or 'by'."""
    first, last = place
    for at in range(first + 1, last):
        if (
            sentence.listed[at].low in ("on", "by", "in", "at", "with")
            and sentence.tagged[at] == "P"
        ):
            inner = content_from(sentence, at + 1, last)
            sort = category_of(sentence, (inner, last), ("imaging", "procedure", "laboratory"))
            if inner < last and sort and is_method(sentence, (inner, last)):
                start, end = sentence.span(inner, last)
                return sentence.text[start:end], sort
    return None


def content_from(sentence: Sentence, place: int, last: int) -> int:
    """Return the first word from a place on that is no determiner."""
    while place < last and sentence.tagged[place] == "D":
        place += 1
    return place


def is_method(sentence: Sentence, place: Place) -> bool:
    """Say whether words end in the name of an examination."""
    first, last = place
    trie = sentence.lexicon.phrases("method-words", "category")
    return any(
        (m := trie.at(sentence.listed, n)) is not None and m.last == last
        for n in range(first, last)
    )


def category_of(sentence: Sentence, place: Place, only: tuple[str, ...] = ()) -> str:
    """Return the sort of observation that words speak of; '' where they speak of none."""
    first, last = place
    names = ("method-words",) if only else ("lab-words",)
    for name in names:
        trie = sentence.lexicon.phrases(name, "category")
        for at in range(last - 1, first - 1, -1):
            match = trie.at(sentence.listed, at)
            if match is not None and match.last <= last and (not only or match.entry.kind in only):
                return match.entry.kind
    return ""


def side_of(sentence: Sentence, place: Place) -> str:
    """Return left, right or bilateral where words[first:last] say so."""
    found = {
        side
        for word in sentence.listed[place[0] : place[1]]
        if (side := sentence.lexicon.sides.get(word.low))
    }
    return found.pop() if len(found) == 1 else "bilateral" if len(found) > 1 else ""


def sites_of(mention: Mention) -> Iterator[str]:
    """Yield the places of the body that the words of a mention name."""
    listed = [mention.sentence.listed[n] for n in mention.places]
    for match in mention.sentence.lexicon.sites.all(listed):
        yield match.entry.text
