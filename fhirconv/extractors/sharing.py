"""Mentions that share words: cutaneous and liver GVHD, transfer of cells, disease of the skin."""

from collections.abc import Iterator
from dataclasses import replace

from fhirconv.extractors.chunks import Chunk, Sentence
from fhirconv.extractors.mentions import AGENTS, CLINICAL, Mention, is_giving
from fhirconv.extractors.tries import Entry

SHARING = CLINICAL | {"procedure"}


def complete(found: list[Mention]) -> list[Mention]:
    """Return the mentions with those that share words, and with what 'of' adds to them."""
    listed: list[Mention] = []
    for mention in found:
        if mention.kind in SHARING:
            listed += _sharing(mention)
            listed += _of_sites(mention)
        elif mention.kind in AGENTS:
            listed.append(_transferred(mention, listed))
        else:
            listed.append(mention)
    return listed


def _sharing(mention: Mention) -> list[Mention]:
    """Return the mentions that bare qualifiers before 'and' make with the last word of this."""
    sentence = mention.sentence
    own = _leading(mention) if _may_share(mention) else None
    added: list[Mention] = []
    number = mention.chunk - 1
    while own is not None and number >= 1 and sentence.chunks[number].kind in ("C", ","):
        if sentence.chunks[number].kind == "C" and sentence.chunks[number - 1].kind == ",":
            number -= 1
        chunk = sentence.chunks[number - 1]
        if chunk.kind != "noun" or not _bare(sentence, chunk, own[0]):
            break
        if (
            number > 1
            and sentence.chunks[number - 2].kind == "P"
            and _is_determined(sentence, chunk)
        ):
            break  # a rash on the trunk and liver involvement
        added.append(_shared(mention, number - 1, own[1]))
        number -= 2
    return added[::-1]


def _may_share(mention: Mention) -> bool:
    """Say whether words before it may share its last: not those before 'no liver involvement'."""
    return not _is_determined(mention.sentence, mention.sentence.chunks[mention.chunk])


def _is_determined(sentence: Sentence, chunk: Chunk) -> bool:
    return content(sentence, chunk) > chunk.first


def _leading(mention: Mention) -> tuple[str, int] | None:
    """Return (kind, end) of the qualifier that a mention begins with: a site or another."""
    sentence = mention.sentence
    site = sentence.lexicon.sites.at(sentence.listed, mention.first)
    if site is not None and site.last < mention.last:
        return "site", site.last
    match = sentence.lexicon.vocabulary("qualifiers").at(sentence.listed, mention.first)
    if match is not None and match.last < mention.last:
        return "qualifier", match.last
    return None


def _bare(sentence: Sentence, chunk: Chunk, kind: str) -> bool:
    """Say whether a noun phrase is nothing but a qualifier of this kind."""
    first = content(sentence, chunk)
    trie = sentence.lexicon.sites if kind == "site" else sentence.lexicon.vocabulary("qualifiers")
    match = trie.at(sentence.listed, first) if first < chunk.last else None
    return match is not None and match.last == chunk.last


def content(sentence: Sentence, chunk: Chunk) -> int:
    """Return where a noun phrase begins after its determiners."""
    first = chunk.first
    while first < chunk.last and sentence.tagged[first] == "D":
        first += 1
    return first


def _shared(mention: Mention, number: int, rest: int) -> Mention:
    """Return the mention of a bare qualifier with the words that it shares from `rest` on."""
    sentence = mention.sentence
    chunk = sentence.chunks[number]
    first = content(sentence, chunk)
    start, end = sentence.span(first, chunk.last)
    begin, behind = sentence.span(rest, mention.last)
    label = f"{sentence.text[start:end]} {sentence.text[begin:behind]}"
    match = sentence.lexicon.terms.at(sentence.lexicon.words(label), 0)
    entry = match.entry if match else Entry(mention.kind, "", mention.origin)
    return Mention(
        *(sentence, mention.kind, first, mention.last, rest, number, label),
        *(entry.origin, match is not None, entry.text),
        apart=(*range(first, chunk.last), *range(rest, mention.last)),
    )


def _of_sites(mention: Mention) -> list[Mention]:
    """Return a mention with the places of the body that follow it: disease of the skin."""
    sentence = mention.sentence
    chunks = sentence.chunks
    inner = _inner_site(mention)
    if inner:
        return [mention, *_more_sites(mention, inner)]
    places = list(_sites_after(mention))
    if not places:
        return [mention]
    first = chunks[places[0]]
    start, end = mention.start, sentence.span(first.first, first.last)[1]
    whole = replace(mention, last=first.last, label=sentence.text[start:end], term="")
    return [whole, *(_of_site(mention, number) for number in places[1:])]


def _inner_site(mention: Mention) -> int:
    """Return where 'of the skin' begins inside a mention; 0 where nothing of the kind ends it."""
    sentence = mention.sentence
    for place in range(mention.core + 1, mention.last - 1):
        if sentence.listed[place].low == "of":
            match = next(
                (
                    m
                    for n in range(place + 1, min(place + 3, mention.last))
                    if (m := sentence.lexicon.sites.at(sentence.listed, n)) is not None
                ),
                None,
            )
            return place if match is not None and match.last == mention.last else 0
    return 0


def _more_sites(mention: Mention, inner: int) -> Iterator[Mention]:
    """Yield the mentions of the places behind one inside a mention: GVHD of the skin and gut."""
    sentence, chunks = mention.sentence, mention.sentence.chunks
    base = replace(
        mention, last=inner, label=sentence.text[mention.start : sentence.listed[inner - 1].end]
    )
    number = _after_brackets(sentence, mention.chunk + 1)
    while number + 1 < len(chunks) and chunks[number].kind in ("C", ","):
        if chunks[number + 1].kind != "noun" or not _is_place(sentence, chunks[number + 1]):
            return
        yield _of_site(base, number + 1)
        number = _after_brackets(sentence, number + 2)


def _sites_after(mention: Mention) -> Iterator[int]:
    """Yield the chunks after 'of' that are nothing but places of the body."""
    sentence = mention.sentence
    chunks = sentence.chunks
    number = mention.chunk + 1
    if mention.last != chunks[mention.chunk].last or not _is_of(sentence, number):
        return
    number += 1
    while number < len(chunks) and chunks[number].kind == "noun":
        if not _is_place(sentence, chunks[number]):
            return
        yield number
        number = _after_brackets(sentence, number + 1)
        if number >= len(chunks) or chunks[number].kind not in ("C", ","):
            return
        number += 1


def _after_brackets(sentence: Sentence, number: int) -> int:
    """Return the chunk behind what stands in brackets: skin (stage 3) and gut."""
    chunks = sentence.chunks
    if number < len(chunks) and chunks[number].kind == "(":
        while number < len(chunks) and chunks[number].kind != ")":
            number += 1
        return number + 1
    return number


def _is_of(sentence: Sentence, number: int) -> bool:
    chunks = sentence.chunks
    return number < len(chunks) and sentence.listed[chunks[number].first].low == "of"


def _is_place(sentence: Sentence, chunk: Chunk) -> bool:
    """Say whether a noun phrase ends in a place of the body and begins with what leads to it."""
    place = content(sentence, chunk)
    while place < chunk.last:
        match = sentence.lexicon.sites.at(sentence.listed, place)
        if match is not None and match.last == chunk.last:
            return True
        place += 1
    return False


def _of_site(mention: Mention, number: int) -> Mention:
    """Return a mention with a place that stands behind another: (disease of ...) the liver."""
    sentence = mention.sentence
    chunk = sentence.chunks[number]
    start, end = sentence.span(chunk.first, chunk.last)
    label = f"{mention.label} of {sentence.text[start:end]}"
    apart = (*range(mention.first, mention.last), *range(chunk.first, chunk.last))
    return replace(mention, last=chunk.last, label=label, chunk=number, apart=apart, term="")


def _is_cut(sentence: Sentence, place: int) -> bool:
    """Say whether a word stands before a label and is not part of it: two, weekly."""
    classes = sentence.lexicon.classes.get(sentence.listed[place].low, ())
    return sentence.tagged[place] == "#" or "cut" in classes


def _transferred(mention: Mention, listed: list[Mention]) -> Mention:
    """Return what is given with the words for giving it: adoptive transfer of LAK cells."""
    sentence = mention.sentence
    number = mention.chunk - 2
    if number < 0 or mention.kind != "cells" or not _is_of(sentence, number + 1):
        return mention
    chunk = sentence.chunks[number]
    if chunk.kind != "noun" or not is_giving(sentence, chunk.last - 1):
        return mention
    first = content(sentence, chunk)
    while first < chunk.last - 1 and _is_cut(sentence, first):
        first += 1
    while listed and listed[-1].chunk == number:
        listed.pop()
    start = sentence.listed[first].start
    return replace(
        mention,
        first=first,
        chunk=number,
        label=sentence.text[start : mention.end],
        agent=(mention.first, mention.last),
    )
