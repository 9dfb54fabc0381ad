"""The course of findings: what rose, fell, improved or disappeared."""

from collections.abc import Iterator, Mapping
from typing import Any

from fhirconv.extractors.assertion import Assertion
from fhirconv.extractors.clauses import Clause, main_verb
from fhirconv.extractors.drafts import Draft, Span
from fhirconv.extractors.findings import Place, describe, new_finding, words_of_chunks
from fhirconv.extractors.lexicon import Line
from fhirconv.extractors.mentions import Mention
from fhirconv.extractors.quantities import Quantity, number_at
from fhirconv.extractors.story import Scene, Story, relative
from fhirconv.extractors.times import Time
from fhirconv.extractors.timing import target_of, timed
from fhirconv.extractors.words import singular

MEASURED = frozenset(("measure", "finding", "cells", "test", "drug", "condition"))
OF_FINDINGS = {"resolved": "disappeared"}


def tell(scene: Scene, story: Story) -> None:
    """Add what a sentence tells of the course of findings."""
    reading = scene.reading
    if reading.generic or not reading.patient:
        return
    for mention, told in zip(reading.mentions, reading.told, strict=True):
        theirs = reading.scope_at(mention.chunk) == "patient"
        if mention.kind == "event" and told.affirmed and theirs:
            _noun(scene, story, mention)
    for number, clause in enumerate(reading.clauses):
        row = meaning(scene, clause) if reading.persons[number].scope == "patient" else None
        value = _value(row)
        if value and denied(scene, clause):
            _unchanged(scene, story, clause)
        elif value:
            for place in things(scene, clause):
                _verb(scene, story, clause, place, value)


def _value(row: Mapping[str, str] | None) -> str:
    """Return the trend that a verb tells; '' for none. What recovers improves."""
    if row is None:
        return ""
    if row["meaning"] == "status":
        return "improved" if row["value"] == "resolved" else ""
    return row["value"] if row["meaning"] == "trend" else ""


def _unchanged(scene: Scene, story: Story, clause: Clause) -> None:
    """Note that what did not change was there."""
    for chunks in things(scene, clause):
        near = [m for m in scene.reading.mentions_in((chunks[0],)) if m.kind in MEASURED]
        draft = story.of(near[-1]) if near else None
        if draft is not None and draft.kind == "finding":
            _presuppose(scene, story, draft, chunks, scene.time_of(clause.verb))


def meaning(scene: Scene, clause: Clause) -> Mapping[str, str] | None:
    """Return what the verb of a clause tells; None where the tables do not know it."""
    sentence = scene.reading.sentence
    if clause.verb < 0:
        return None
    row = sentence.lexicon.meanings.get(main_verb(sentence, clause.verb)[0])
    return _remained(scene, clause) if row is not None and row["meaning"] == "remain" else row


def _remained(scene: Scene, clause: Clause) -> Mapping[str, str] | None:
    """Return the trend of 'remained unchanged'."""
    sentence = scene.reading.sentence
    place = sentence.chunks[clause.verb].last
    trends = sentence.lexicon.phrases("trend-words", "trend")
    near = (trends.at(sentence.listed, p) for p in (place - 1, place) if p < len(sentence.listed))
    match = next((m for m in near if m is not None), None)
    return {"meaning": "trend", "value": match.entry.kind, "noun": ""} if match else None


def denied(scene: Scene, clause: Clause) -> bool:
    """Say whether the verb of a clause is negated, or only thought of."""
    sentence = scene.reading.sentence
    chunk = sentence.chunks[clause.verb]
    lows = [w.low for w in sentence.listed[chunk.first : chunk.last]]
    tags = sentence.tagged[max(0, chunk.first - 1) : chunk.last]
    modal = any("modal" in sentence.lexicon.classes.get(low, ()) for low in lows)
    return "!" in tags or modal or "cannot" in lows or _conditional(scene)


def _conditional(scene: Scene) -> bool:
    """Say whether a sentence states a condition: if, unless, in case."""
    sentence = scene.reading.sentence
    return any(
        row["scope"] == "sentence"
        for cue in sentence.lexicon.cues.all(sentence.listed)
        for row in cue.entry.row["rows"]
    )


def things(scene: Scene, clause: Clause) -> Iterator[tuple[int, int]]:
    """Yield the chunks (first, last) of each thing that is the subject of a clause."""
    chunks = scene.reading.sentence.chunks
    starts = [
        number
        for number in range(clause.subject, clause.verb)
        if chunks[number].kind == "noun"
        and (number == clause.subject or chunks[number - 1].kind in (",", "C", "A"))
    ]
    for number, first in enumerate(starts):
        last = starts[number + 1] if number + 1 < len(starts) else clause.verb
        while last > first + 1 and chunks[last - 1].kind in ("A", "!", ",", "C", "(", ")"):
            last -= 1
        yield first, last


def _verb(scene: Scene, story: Story, clause: Clause, chunks: tuple[int, int], value: str) -> None:
    """Add the trend that a verb tells of one thing that is its subject."""
    near = [m for m in scene.reading.mentions_in(_meant(scene, chunks)) if m.kind in MEASURED]
    quantity = quantity_to(scene, clause)
    draft = story.of(near[-1]) if near else None
    if draft is not None and draft.kind == "condition":
        _over(scene, draft, value, chunks[0], clause.verb + 2)
    if (not near and quantity is None) or (draft is not None and draft.kind != "finding"):
        return
    sentence = scene.reading.sentence
    last = sentence.listed[sentence.chunks[chunks[0]].last - 1]
    if not near and last.low in sentence.lexicon.people["noun"]:
        return  # a man had elevated levels
    fields: dict[str, Any] = {"trend": value, "value": {"text": verb_words(scene, clause)}}
    if quantity is not None:
        fields["value"]["quantity"] = quantity.fields()
    place = words_of_chunks(sentence, *chunks)
    trend = _new(scene, story, place, evidence(scene, clause), fields)
    trend.rule = _origin(scene, clause)
    time = scene.time_of(clause.verb)
    trend.time = timed(scene, story, time) or {"kind": "unknown"}
    gone = near and _is_gone(scene, near[-1], trend, chunks[0], clause.verb + 2)
    if draft is not None:
        _presuppose(scene, story, draft, chunks, time)
        if gone:
            _end(scene, story, draft, near[-1])


def _meant(scene: Scene, chunks: tuple[int, int]) -> tuple[int, ...]:
    """Return the chunk of the thing itself: the fever in 'symptoms of fever'."""
    sentence, (first, last) = scene.reading.sentence, chunks
    low = sentence.listed[sentence.chunks[first].last - 1].low
    leads = "transparent" in sentence.lexicon.classes.get(low, ()) and first + 2 < last
    if leads and sentence.listed[sentence.chunks[first + 1].first].low == "of":
        return (first + 2,)
    return (first,)


def _is_gone(scene: Scene, mention: Mention, trend: Draft, first: int, last: int) -> bool:
    """Say whether a symptom is told to be over, and let the trend deny it if so.

    What an examination shows is a result, whose value is that it disappeared; a symptom that
    disappeared is absent. What went only in part is there.
    """
    sentence = scene.reading.sentence
    classes = sentence.lexicon.classes.get(singular(sentence.listed[mention.last - 1].low), ())
    shown = mention.kind != "finding" or "category" in trend.fields or "shown" in classes
    if shown or trend.fields["trend"] != "disappeared" or _partly(scene, first, last):
        return False
    trend.told = Assertion("absent")
    trend.fields["value"]["polarity"] = "absent"
    return True


def _end(scene: Scene, story: Story, draft: Draft, mention: Mention) -> None:
    """Let what went on till now be told by what was said of it before, if anything was."""
    if draft.reading == scene.number:
        story.drafts.put_behind(draft)
    elif len(draft.evidence) > 1 and (mention.start, mention.end) in draft.evidence:
        draft.evidence.remove((mention.start, mention.end))


def _partly(scene: Scene, first: int, last: int) -> bool:
    """Say whether a change is told to be one in part: almost disappeared."""
    sentence = scene.reading.sentence
    begin, end = scene.span(first, min(last, len(sentence.chunks)))
    lows = {w.low for w in sentence.listed if begin <= w.start < end}
    return any("partial" in sentence.lexicon.classes.get(low, ()) for low in lows)


def _over(scene: Scene, disease: Draft, value: str, first: int, last: int) -> None:
    """Note that a disease resolved, the last that is told of it so far."""
    over = OF_FINDINGS.get(value, value) == "disappeared" and not _partly(scene, first, last)
    if over and disease.told.affirmed and "lastStatus" in disease.fields:
        disease.fields["lastStatus"] = "resolved"


def _new(scene: Scene, story: Story, place: Place, span: Span, fields: dict[str, Any]) -> Draft:
    """Add a trend; it bears on the disease that the report is about."""
    fields["trend"] = OF_FINDINGS.get(fields["trend"], fields["trend"])
    trend = new_finding(scene, story, place, [span], fields)
    focus = story.index_condition(scene.reading.patient)
    if focus is not None:
        trend.fields["focus"] = focus
    return trend


def _presuppose(
    scene: Scene, story: Story, draft: Draft, chunks: tuple[int, int], time: Time | None
) -> None:
    """Note that what changed was there before, if this sentence is the first to speak of it."""
    if draft.reading != scene.number or len(draft.mentions) > 1:
        return
    sentence = scene.reading.sentence
    place = words_of_chunks(sentence, *chunks)
    start, end = sentence.span(*place)
    draft.label = sentence.text[start:end]
    draft.evidence = [scene.span(*chunks)]
    draft.fields["presupposed"] = True
    describe(sentence, place, draft)
    focus = story.index_condition(scene.reading.patient)
    if focus is not None and draft.fields.get("method"):
        draft.fields["focus"] = focus
    target = (
        target_of(scene, story, time) if time is not None and time.relation == "after" else None
    )
    if time is not None and target is not None:
        before = Time(time.first, time.last, "before", time.span)
        draft.time = relative(before, target, "")


def evidence(scene: Scene, clause: Clause) -> Span:
    """Return the words of a clause: from a time set before it to the time behind its verb."""
    first = clause.subject
    fronted = [t for t in scene.times if clause.first <= t.first < clause.subject]
    if fronted:
        first = clause.first
    last = clause.verb + 1
    for number in range(clause.verb + 1, clause.last):
        adverb = scene.reading.sentence.chunks[number].kind == "A" and number == last
        timed = any(t.first <= number < t.last for t in scene.times)
        if adverb or timed or _has_quantity(scene, number):
            last = number + 1
    return scene.span(first, last)


def _has_quantity(scene: Scene, number: int) -> bool:
    chunk = scene.reading.sentence.chunks[number]
    return any(
        chunk.first < q.last and q.first < chunk.last for q in scene.reading.sentence.quantities
    )


def verb_words(scene: Scene, clause: Clause) -> str:
    """Return the words that tell the change: improved markedly, rose to 12.3 mg/dL."""
    sentence = scene.reading.sentence
    chunk = sentence.chunks[clause.verb]
    first = next(n for n in range(chunk.first, chunk.last) if sentence.tagged[n] in ("V", "X"))
    while first < chunk.last - 1 and sentence.tagged[first] == "X":
        first += 1
    last = chunk.last
    number = clause.verb + 1
    while number < clause.last and sentence.chunks[number].kind == "A":
        last = sentence.chunks[number].last
        number += 1
    if main_verb(sentence, clause.verb)[0] == "remain" and number < clause.last:
        last = max(last, sentence.chunks[number].last)
    start, end = sentence.span(first, last)
    return sentence.text[start:end]


def quantity_to(scene: Scene, clause: Clause) -> Quantity | None:
    """Return the value that something rose or fell to."""
    sentence = scene.reading.sentence
    place = sentence.chunks[clause.verb].last
    for quantity in sentence.quantities:
        before = sentence.listed[quantity.first - 1].low if quantity.first else ""
        if quantity.first >= place and not quantity.is_time and before in ("to", "at", "of"):
            return quantity
    return _second(scene, place)


def _second(scene: Scene, place: int) -> Quantity | None:
    """Return the second of 'from 58 to 82 mmHg'."""
    sentence = scene.reading.sentence
    for quantity in sentence.quantities:
        if quantity.first < place or quantity.is_time or quantity.high is None:
            continue
        if sentence.listed[quantity.first - 1].low == "from":
            return quantity._replace(value=quantity.high, high=None)
    return None


def _noun(scene: Scene, story: Story, mention: Mention) -> None:
    """Add the trend of a noun with 'of': the disappearance of the blast cells."""
    sentence = scene.reading.sentence
    row = sentence.lexicon.event(mention)
    chunks = sentence.chunks
    number = mention.chunk + 1
    if row is None or row["meaning"] != "trend" or number + 1 >= len(chunks):
        return
    if (
        sentence.listed[chunks[number].first].low not in ("of", "in")
        or chunks[number + 1].kind != "noun"
    ):
        return
    for thing in _list_from(scene, number + 1):
        _noun_of(scene, story, mention, thing, row)


def _list_from(scene: Scene, number: int) -> Iterator[int]:
    """Yield the noun phrases of a list that begins with a chunk: (of) rash and fatigue."""
    chunks = scene.reading.sentence.chunks
    subjects = {clause.subject for clause in scene.reading.clauses}
    yield number
    while number + 2 < len(chunks) and chunks[number + 1].kind == "C":
        number += 2
        if chunks[number].kind != "noun" or number in subjects:
            return
        yield number


def _noun_of(scene: Scene, story: Story, mention: Mention, thing: int, row: Line) -> None:
    """Add the trend of a noun for one thing that it is told of."""
    near = [m for m in scene.reading.mentions_in((thing,)) if m.kind in MEASURED]
    draft = story.of(near[-1]) if near else None
    if draft is not None and draft.kind == "condition":
        _over(scene, draft, row["value"], mention.chunk, thing + 1)
    if not near or (draft is not None and draft.kind != "finding"):
        return
    value = OF_FINDINGS.get(row["value"], row["value"])
    fields: dict[str, Any] = {"trend": value, "value": {"text": value}}
    place = words_of_chunks(scene.reading.sentence, thing, thing + 1)
    trend = _new(scene, story, place, scene.span(mention.chunk, thing + 1), fields)
    trend.rule = row["origin"]
    trend.time = {"kind": "unknown"}
    gone = _is_gone(scene, near[-1], trend, mention.chunk, thing + 1)
    if gone and draft is not None:
        if draft.reading == scene.number and len(draft.mentions) == 1:
            draft.fields["presupposed"] = True
        _end(scene, story, draft, near[-1])


def _origin(scene: Scene, clause: Clause) -> str:
    sentence = scene.reading.sentence
    row = sentence.lexicon.meanings.get(main_verb(sentence, clause.verb)[0], {})
    return row.get("origin", "")


__all__ = ["denied", "evidence", "meaning", "number_at", "tell", "things", "verb_words"]
