"""Products: grafts and cells, whose they are, and how they were made."""

from collections.abc import Iterator
from typing import Any

from fhirconv.extractors.assertion import Assertion
from fhirconv.extractors.chunks import Sentence
from fhirconv.extractors.drafts import Draft, Link, Span
from fhirconv.extractors.gathering import HEADED
from fhirconv.extractors.mentions import Mention
from fhirconv.extractors.reading import Reading
from fhirconv.extractors.story import Scene, Story
from fhirconv.extractors.treatments import is_graft


def tell(scene: Scene, story: Story) -> None:
    """Add the grafts and cells that the treatments of a sentence use."""
    for mention in scene.reading.mentions:
        draft = story.of(mention)
        if draft is None or not draft.told.affirmed:
            continue
        if draft.kind == "procedure" and is_graft(mention):
            _graft(scene, story, mention, draft)
        elif draft.fields.get("agentType") == "cell_product" and "product" not in draft.fields:
            _cells(scene, story, mention, draft)


def _graft(scene: Scene, story: Story, mention: Mention, draft: Draft) -> None:
    """Add the graft of a transplantation of cells."""
    sentence = scene.reading.sentence
    tissue = _tissue(sentence, mention)
    _donor_behind(scene, mention, draft)
    if "product" in draft.fields:
        draft.fields["product"].evidence[0] = (mention.start, mention.end)
    if not tissue or "product" in draft.fields:
        return
    donor = draft.fields.get("donor", {})
    own = donor.get("type") == "autologous"
    words = [donor.get(k, "") for k in ("relation", "type") if donor.get(k) not in (None, "self")]
    described = " ".join(w for w in words if w)
    names = sentence.lexicon.labels
    label = names["own graft" if own else "graft"].format(tissue=tissue, donor=described)
    product = _product(scene, story, label.replace("  ", " "), list(draft.evidence[:1]), draft.told)
    who = "patient" if own else "donor"
    text = names["own source" if own else "donor source"].format(tissue=tissue, donor=described)
    product.fields["source"] = {"who": who, "text": " ".join(text.split())}
    product.about = described
    draft.fields["product"] = product


def _tissue(sentence: Sentence, mention: Mention) -> str:
    """Return the tissue that a transplantation moves, as the words say it."""
    trie = sentence.lexicon.phrases("graft-tissues", "category")
    for place in range(mention.first, mention.last):
        match = trie.at(sentence.listed, place)
        if match is not None and match.last <= mention.last:
            start, end = sentence.span(match.first, match.last)
            return sentence.text[start:end]
    return ""


def _donor_behind(scene: Scene, mention: Mention, draft: Draft) -> None:
    """Take the donor behind a transplantation: from her HLA-matched brother."""
    sentence = scene.reading.sentence
    chunks = sentence.chunks
    number = mention.chunk + 1
    while number < len(chunks) and chunks[number].first < mention.last:
        number += 1
    if number + 1 >= len(chunks) or sentence.listed[chunks[number].first].low != "from":
        return
    chunk = chunks[number + 1]
    trie = sentence.lexicon.phrases("donor-words", "relation")
    for place in range(chunk.first, chunk.last):
        match = trie.at(sentence.listed, place)
        if match is not None:
            row = match.entry.row
            donor = draft.fields.setdefault("donor", {})
            donor |= {k: row[k] for k in ("relation", "type") if row[k] and k not in donor}


def _product(scene: Scene, story: Story, label: str, spans: list[Span], told: Assertion) -> Draft:
    fields: dict[str, Any] = {"category": "cells"}
    own = Assertion(temporality=told.temporality)
    patient = scene.reading.patient
    draft = Draft("product", label, patient, own, spans, "rule", "", HEADED, fields)
    return story.add(draft, scene.reading, scene.number)


def _cells(scene: Scene, story: Story, mention: Mention, draft: Draft) -> None:
    """Add the cells that an infusion or transfer gives."""
    sentence = scene.reading.sentence
    first, last = mention.agent or (mention.first, mention.last)
    start, end = sentence.span(first, last)
    label = sentence.text[start:end]
    told = _told_before(story, scene.reading, mention)
    if told is not None:
        draft.fields["product"] = told
        return
    product = _product(scene, story, label, [(start, end)], draft.told)
    draft.fields["product"] = product
    product.mentions.append(mention)
    _source(scene, story, product, (first, last))


def _told_before(story: Story, reading: Reading, mention: Mention) -> Draft | None:
    """Return the product of the same words that the story knows."""
    wording = story.gathering.wording
    for draft in story.drafts.of_kind("product"):
        same = any(wording.same_cells(mention, m) for m in draft.mentions[:1])
        if same and draft.patient == reading.patient:
            return draft
    return None


def _source(scene: Scene, story: Story, product: Draft, place: tuple[int, int]) -> None:
    """Note whose cells they are, and from which product they were made."""
    sentence = scene.reading.sentence
    first, last = place
    match = next(_sources(sentence, first, last), None)
    grafts = [d for d in story.drafts.of_kind("product") if d is not product]
    graft = next((d for d in reversed(grafts) if not d.mentions), None)
    derived = _derived(sentence, first, last)
    if derived and graft is not None and graft.patient == product.patient:
        span = sentence.span(first, derived)
        words = sentence.text[sentence.listed[first].start : sentence.listed[derived - 2].end]
        product.fields["parent"] = graft
        product.fields["source"] = _of_graft(sentence, graft, words)
        product.fields["manipulation"] = _made(sentence, derived, last, words)
        graft.add_evidence(span)
        if derived - 2 > first:
            start, end = sentence.span(first, derived - 2)
            names = sentence.lexicon.labels
            told = names["graft told"].format(graft=graft.label, told=sentence.text[start:end])
            graft.label = told
        story.link(Link("derived_from", product, graft, span))
    elif match is not None:
        start, end = sentence.span(match[0], match[1])
        product.fields["source"] = {"who": match[2], "text": sentence.text[start:end]}


def _sources(sentence: Sentence, first: int, last: int) -> Iterator[tuple[int, int, str]]:
    trie = sentence.lexicon.phrases("sources", "who")
    for place in range(first, last):
        match = trie.at(sentence.listed, place)
        if match is not None and match.last <= last:
            yield match.first, match.last, match.entry.kind


def _derived(sentence: Sentence, first: int, last: int) -> int:
    """Return the end of 'graft-derived'; 0 where no graft is spoken of."""
    for place in range(first + 1, last):
        if sentence.listed[place].low == "derived" and sentence.listed[place - 1].key == "graft":
            return place + 1
    return 0


def _of_graft(sentence: Sentence, graft: Draft, words: str) -> dict[str, str]:
    source = graft.fields.get("source", {"who": "unknown"})
    donor = graft.about or ""
    text = " ".join(sentence.lexicon.labels["of graft"].format(graft=words, donor=donor).split())
    if source["who"] == "donor":
        return {"who": "donor", "text": text.strip()}
    return {"who": source["who"], "text": words}


def _made(sentence: Sentence, derived: int, last: int, words: str) -> str:
    start, end = sentence.span(derived, last)
    cells = sentence.text[start:end]
    return sentence.lexicon.labels["derived"].format(cells=cells, graft=words)


def rename(product: Draft, draft: Draft, therapy: Draft) -> None:
    """Let cells have the name that their therapy gives them, if it says more."""
    mention = therapy.mentions[-1]
    lexicon = mention.sentence.lexicon
    cells = [w.text for w in lexicon.words(draft.label) if lexicon.head(w.key) is not None]
    words = lexicon.words(therapy.label)
    while words and words[-1].key in lexicon.cell_words:
        words.pop()
    if not words or "(" not in therapy.label or not cells:
        return
    name = lexicon.labels["cells"].format(name=therapy.label[: words[-1].end])
    own = product.fields.get("source", {}).get("who") == "patient"
    product.label = lexicon.labels["own cells"].format(cells=name) if own else name
    draft.fields["agentText"] = lexicon.labels["own agent"].format(cells=name) if own else name


def describe(story: Story) -> None:
    """Take what general sentences tell of the making of cells that a patient was given."""
    for draft in story.drafts.of_kind("product"):
        if "source" not in draft.fields and draft.mentions:
            for scene in story.scenes:
                if scene.reading.statement == "background" and _made_here(scene, story, draft):
                    break


def _made_here(scene: Scene, story: Story, draft: Draft) -> bool:
    """Take source and manipulation from a sentence that tells of these cells; say if it does."""
    reading, sentence = scene.reading, scene.reading.sentence
    for clause in reading.clauses:
        near = [m for m in reading.mentions if clause.subject <= m.chunk < clause.verb]
        if clause.verb < 0 or not any(_names(story, m, draft) for m in near if m.kind == "cells"):
            continue
        verb = sentence.listed[sentence.chunks[clause.verb].last - 1].low
        made = verb in sentence.lexicon.listed("making-words")
        if not made or clause.verb + 2 >= len(sentence.chunks):
            continue
        source = _source_chunks(scene, clause.verb + 1)
        if source is None:
            continue
        start, end = scene.span(*source)
        who = next((w for _, _, w in _sources(sentence, *_places(sentence, source))), "unknown")
        draft.fields["source"] = {"who": who, "text": scene.words((start, end))}
        stop = _sentence_end(scene)
        rest = scene.words((end, stop)).lstrip(" ,;")
        if rest:
            draft.fields["manipulation"] = rest
        draft.evidence = [(scene.span(clause.subject, clause.subject + 1)[0], stop)]
        draft.fields["presupposed"] = True
        return True
    return False


def _places(sentence: Sentence, chunks: tuple[int, int]) -> tuple[int, int]:
    return sentence.chunks[chunks[0]].first, sentence.chunks[chunks[1] - 1].last


def _names(story: Story, mention: Mention, draft: Draft) -> bool:
    return story.gathering.wording.same_cells(mention, draft.mentions[0])


def _source_chunks(scene: Scene, number: int) -> tuple[int, int] | None:
    """Return the chunks after 'from': the patient's blood, the blood of a donor."""
    sentence, chunks = scene.reading.sentence, scene.reading.sentence.chunks
    if sentence.listed[chunks[number].first].low != "from" or chunks[number + 1].kind != "noun":
        return None
    last = number + 2
    while last + 1 < len(chunks) and sentence.listed[chunks[last].first].low == "of":
        last += 2
    return number + 1, last


def _sentence_end(scene: Scene) -> int:
    sentence = scene.reading.sentence
    end = sentence.end
    while end > sentence.start and sentence.text[end - 1] in ".;!? ":
        end -= 1
    return end
