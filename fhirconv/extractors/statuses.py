"""The course of diseases: relapse, remission, response, progression, recovery."""

from typing import Any, NamedTuple

from fhirconv.extractors.assertion import Assertion
from fhirconv.extractors.clauses import Clause, main_verb
from fhirconv.extractors.courses import denied, meaning
from fhirconv.extractors.drafts import Draft, Span
from fhirconv.extractors.gathering import HEADED
from fhirconv.extractors.mentions import Mention
from fhirconv.extractors.quantities import Quantity
from fhirconv.extractors.story import Scene, Story
from fhirconv.extractors.times import Time
from fhirconv.extractors.timing import timed

LAST = {
    "remission": "remission",
    "relapse": "relapse",
    "recurrence": "recurrence",
    "resolved": "resolved",
    "progression": "active",
    "active": "active",
}
BESIDES = frozenset(("with", "without", "despite"))


def tell(scene: Scene, story: Story) -> None:
    """Add what a sentence tells of the course of diseases."""
    reading = scene.reading
    if reading.generic or not reading.patient:
        return
    for mention, told in zip(reading.mentions, reading.told, strict=True):
        if mention.kind == "event" and reading.person_at(mention.chunk).scope == "patient":
            _noun(scene, story, mention, told)
    for number, chunk in enumerate(reading.sentence.chunks):
        if chunk.kind == "verb":
            _verb(scene, story, number)


# --- verbs: the patient relapsed after X, the disease progressed -----------------------------


def _verb(scene: Scene, story: Story, number: int) -> None:
    """Add the status that a verb tells, of the disease that it tells it of."""
    reading = scene.reading
    row = reading.sentence.lexicon.meanings.get(main_verb(reading.sentence, number)[0])
    place = reading.clause_of(number)
    if row is None or row["meaning"] != "status" or place < 0:
        return
    clause = reading.clauses[place]
    of = _sufferer(scene, story, clause, number)
    if of is None or reading.persons[place].scope != "patient":
        return
    told = Assertion("absent") if _negated(scene, number) else Assertion()
    if told.affirmed and clause.verb == number and denied(scene, clause):
        return
    time = scene.time_of(number)
    behind = time is not None and time.first > number
    span = _verb_span(scene, number)
    label, when = scene.words(span), ""
    if time is not None and behind:
        when = scene.words(time.span)
        label = scene.words((span[0], time.span[1])) if time.date is None else label
        _was_before(scene, story, time, row["value"])
        span = span[0], scene.span(time.first, _closed(scene, time.last))[1]
    draft = _status(scene, story, of, Said(row["value"], label, when, span, told))
    draft.rule = row.get("origin", "")
    draft.time = draft.time or timed(scene, story, time) or {"kind": "unknown"}
    _name_disease(scene, clause, number, of, span)


def _sufferer(scene: Scene, story: Story, clause: Clause, number: int) -> Draft | None:
    """Return the disease that a status verb is about."""
    reading, chunks = scene.reading, scene.reading.sentence.chunks
    if clause.opener == "who":
        return story.index_condition(reading.patient)
    before = number - 1 if clause.verb != number or clause.inherits else -1
    while before >= 0 and chunks[before].kind in ("R", ",", "A", "!", "O"):
        before -= 1
    places = [before] if before >= 0 else list(range(clause.subject, number))
    near = [m for m in reading.mentions if m.chunk in places and m.kind == "condition"]
    named = [d for m in near if (d := story.of(m)) is not None]
    if named:
        return named[-1]
    others = [m for m in reading.mentions if m.chunk in places and m.kind not in ("event",)]
    return None if others else story.index_condition(reading.patient)


def _negated(scene: Scene, number: int) -> bool:
    sentence = scene.reading.sentence
    chunk = sentence.chunks[number]
    return "!" in sentence.tagged[max(0, chunk.first - 1) : chunk.last]


def _verb_span(scene: Scene, number: int) -> Span:
    """Return the offsets of a verb and its adverbs, without auxiliaries."""
    sentence = scene.reading.sentence
    chunk = sentence.chunks[number]
    first = chunk.first
    while first < chunk.last - 1 and sentence.tagged[first] in ("X", "!", "A"):
        first += 1
    last = number + 1
    while last < len(sentence.chunks) and sentence.chunks[last].kind == "A":
        last += 1
    return sentence.span(first, sentence.chunks[last - 1].last)


def _was_before(scene: Scene, story: Story, time: Time, status: str) -> None:
    """Let what a disease relapsed after, or never did, be past."""
    if status != "relapse" or time.target is None:
        return
    first, last = time.target
    for mention in scene.reading.mentions:
        draft = story.of(mention) if first <= mention.first and mention.last <= last else None
        if draft is not None and draft.kind == "procedure" and draft.told.temporality == "current":
            draft.told.temporality = "historical"


def _closed(scene: Scene, last: int) -> int:
    """Return the end of a time phrase."""
    return min(last, len(scene.reading.sentence.chunks))


def _name_disease(scene: Scene, clause: Clause, number: int, of: Draft, span: Span) -> None:
    """Let a disease be told by its course too: a patient who relapsed, leukemia relapsing."""
    chunks = scene.reading.sentence.chunks
    before = number - 1
    if clause.opener == "who" and clause.inherits and clause.first >= 2:
        of.add_evidence((scene.span(clause.first - 2, clause.first - 1)[0], span[1]))
    elif clause.verb != number and chunks[before].kind == "noun":
        end = scene.span(before, before + 1)[1]
        for place, (start, stop) in enumerate(of.evidence):
            if stop == end:
                of.evidence[place] = (start, span[1])


# --- nouns: durable remission for 5 months, leukemia relapse ---------------------------------


def _noun(scene: Scene, story: Story, mention: Mention, told: Assertion) -> None:
    """Add the status that a noun tells: achieved remission, without recurrence."""
    row = scene.reading.sentence.lexicon.event(mention)
    if row is None or row["meaning"] != "status":
        return
    of = _of(scene, story, mention)
    if (of is None and told.polarity == "present") or told.scope != "patient":
        return
    if told.temporality in ("planned", "hypothetical"):
        return
    clause = scene.reading.clauses[max(0, scene.reading.clause_of(mention.chunk))]
    if told.affirmed and clause.verb >= 0 and _conditional(scene, clause):
        return
    label, span = mention.label, (mention.start, mention.end)
    duration = _duration(scene, mention, clause)
    if duration is not None and _adjoins(mention, duration):
        end = scene.reading.sentence.span(duration.first, duration.last)[1]
        label, span = scene.words((mention.start, end)), (mention.start, end)
    draft = _status(scene, story, of, Said(row["value"], label, "", span, told))
    draft.rule = row["origin"]
    if draft.kind == "status_change" and duration is not None:
        draft.fields.setdefault("duration", duration.fields())
    time = scene.time_of(mention.chunk)
    if time is not None and time.target is not None and time.target[0] >= mention.last:
        _was_before(scene, story, time, row["value"])
    draft.time = timed(scene, story, time) or draft.time or {"kind": "unknown"}
    draft.evidence = [
        _achieved(scene, mention, clause, span) if s == span else s for s in draft.evidence
    ]


def _conditional(scene: Scene, clause: Clause) -> bool:
    sentence = scene.reading.sentence
    chunk = sentence.chunks[clause.verb]
    lows = [w.low for w in sentence.listed[chunk.first : chunk.last]]
    return any("modal" in sentence.lexicon.classes.get(low, ()) for low in lows)


def _of(scene: Scene, story: Story, mention: Mention) -> Draft | None:
    """Return the disease that a status noun is about."""
    chunks = scene.reading.sentence.chunks
    near = [mention.chunk]
    for step in (1, -1):
        number = mention.chunk + step
        if 0 <= number < len(chunks) and chunks[number].kind == "P" and _binds(scene, number):
            near.append(number + step)
    listed = [m for m in scene.reading.mentions if m.chunk in near and m.kind == "condition"]
    number = scene.reading.clause_of(mention.chunk)
    if not listed and number >= 0:
        clause = scene.reading.clauses[number]
        whole = range(clause.subject, max(clause.verb, clause.subject))
        subject = [n for n in whole if n == 0 or _binds(scene, n - 1)]
        listed = [m for m in scene.reading.mentions if m.chunk in subject and m.kind == "condition"]
    named = [d for m in listed if (d := story.of(m)) is not None and d.kind == "condition"]
    return named[0] if named else story.index_condition(scene.reading.patient)


def _binds(scene: Scene, number: int) -> bool:
    """Say whether a preposition ties a status to its disease: remission of X, not with X."""
    sentence = scene.reading.sentence
    return sentence.listed[sentence.chunks[number].first].low not in BESIDES


def _duration(scene: Scene, mention: Mention, clause: Clause) -> Quantity | None:
    """Return how long a status lasted: for 5 months, has persisted for 3 years."""
    sentence = scene.reading.sentence
    end = sentence.chunks[_whole_end(scene, clause) - 1].last
    for quantity in sentence.quantities:
        if quantity.is_time and mention.last <= quantity.first < end:
            before = sentence.listed[quantity.first - 1].low
            if before in ("for", "lasting", "of"):
                return quantity
    return None


def _whole_end(scene: Scene, clause: Clause) -> int:
    """Return where a clause ends with the relative clause that goes on about its end."""
    parts = scene.reading.clauses
    number = parts.index(clause) + 1 if clause in parts else len(parts)
    if number < len(parts) and parts[number].opener in ("which", "that"):
        return parts[number].last
    return clause.last


def _adjoins(mention: Mention, duration: Quantity) -> bool:
    return duration.first == mention.last + 1


def _achieved(scene: Scene, mention: Mention, clause: Clause, span: Span) -> Span:
    """Return the clause that tells of a status: the patient achieved remission after X."""
    row = meaning(scene, clause)
    if row is None or row["meaning"] not in ("achieve", "show", "receive", "trend"):
        return span
    end = max(span[1], scene.span(clause.verb, clause.verb + 1)[1])
    time = scene.time_of(mention.chunk)
    if time is not None and clause.first <= time.first:
        end = max(end, scene.span(time.first, time.last)[1])
    return scene.span(min(clause.subject, clause.verb), clause.verb + 1)[0], end


# --- the fact --------------------------------------------------------------------------------


class Said(NamedTuple):
    """A status as it is told: the status, its words, the words of its time, its place."""

    status: str
    label: str
    when: str
    span: Span
    told: Assertion


def _status(scene: Scene, story: Story, of: Draft | None, said: Said) -> Draft:
    """Return the status change that is told: a known one told again, or a new one."""
    if of is None or said.told.polarity == "absent":
        return _absent(scene, story, of, said)
    changes = story.drafts.of_kind("status_change")
    known = next((d for d in changes if _is_again(d, of, said)), None)
    if known is not None:
        known.add_evidence(said.span)
        if story.part(known.reading) == "title":
            known.label = said.label
        return known
    draft = _draft(scene, "status_change", said, {"of": of, "status": said.status})
    draft.about = said.when
    qualifiers = scene.reading.sentence.lexicon.qualifiers_in(said.label)
    if qualifiers and not said.when:
        draft.fields["qualifiers"] = qualifiers
    if said.status in LAST and said.told.temporality == "current":
        of.fields["lastStatus"] = LAST[said.status]
    return story.add(draft, scene.reading, scene.number)


def _is_again(known: Draft, of: Draft, said: Said) -> bool:
    """Say whether a status change is the one that is told: same disease, words or time."""
    if known.fields["of"] is not of:
        return False
    same = said.label.casefold() == known.label.casefold()
    return known.fields["status"] == said.status and (
        same or bool(said.when and known.about == said.when)
    )


def _draft(scene: Scene, kind: str, said: Said, fields: dict[str, Any]) -> Draft:
    place = (scene.reading.patient, said.told, [said.span])
    return Draft(kind, said.label, *place, "rule", "", HEADED, fields)


def _absent(scene: Scene, story: Story, of: Draft | None, said: Said) -> Draft:
    """Add the finding that a status did not come."""
    fields: dict[str, Any] = {"value": {"polarity": "absent"}}
    if of is not None:
        fields["focus"] = of
    return story.add(_draft(scene, "finding", said, fields), scene.reading, scene.number)
