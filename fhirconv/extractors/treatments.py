"""Treatments: what was given or done, in whose words, how often, with what success."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from fhirconv.extractors.chunks import Sentence
from fhirconv.extractors.clauses import Clause, main_verb
from fhirconv.extractors.doses import Regime
from fhirconv.extractors.drafts import Draft, Link, Span
from fhirconv.extractors.mentions import AGENTS, Mention
from fhirconv.extractors.sharing import content
from fhirconv.extractors.story import Scene, Story

GIVING = frozenset(("give", "receive", "treat"))
KEPT = frozenset(("agentType", "agentsNamed", "routeText"))  # of a course with another dose


def tell(scene: Scene, story: Story) -> None:
    """Give the treatments of a sentence their evidence, schedule and attributes."""
    for mention in scene.reading.mentions:
        draft = story.of(mention)
        if draft is None or draft.kind not in ("medication", "procedure"):
            continue
        regime = scene.regimes.get(id(mention), Regime())
        _attributes(mention, draft, regime)
        _evidence(scene, (mention, draft), regime, story.titled)
        _when(scene, mention, draft, regime)
        for later in regime.later if draft.kind == "medication" else ():
            draft = _course(scene, story, (mention, draft), later)


def _course(scene: Scene, story: Story, told: tuple[Mention, Draft], regime: Regime) -> Draft:
    """Add the course that a changed dose begins, after the one before it: tapered to 10 mg."""
    mention, before = told
    span = scene.reading.sentence.span(*regime.around(mention.first, mention.last))
    fields = {k: v for k, v in before.fields.items() if k in KEPT} | regime.fields
    course = replace(before, id="", evidence=[span], fields=fields, mentions=[mention])
    course.told = replace(before.told)
    course.time = {"kind": "relative", "anchors": [{"fact": before, "relation": "after-end"}]}
    story.link(Link("followed_by", before, course, span))
    return story.add(course, scene.reading, scene.number)


def outcomes(scene: Scene, story: Story) -> None:
    """Take the success of a therapy: successful treatment of X with Y."""
    sentence = scene.reading.sentence
    trie = sentence.lexicon.phrases("outcome-words")
    for number, chunk in enumerate(sentence.chunks):
        first = content(sentence, chunk) if chunk.kind == "noun" else chunk.last
        last = sentence.listed[chunk.last - 1].low
        if first >= chunk.last or "therapy" not in sentence.lexicon.classes.get(last, ()):
            continue
        if trie.at(sentence.listed, first) is None:
            continue
        for bond in scene.bonds:
            draft = story.of(bond.treatment)
            if draft is not None and bond.problem.chunk > number and bond.row["type"] == "treats":
                start, end = sentence.span(first, chunk.last)
                draft.fields["outcome"] = {"text": sentence.text[start:end]}
                draft.add_evidence((start, end))


def ages(scene: Scene, story: Story) -> None:
    """Let the age of a patient be that at the therapy which the same clause tells of."""
    patient = story.patients.get(scene.reading.patient)
    if patient is None or patient.age is None or patient.age_reading != scene.number:
        return
    for mention in scene.reading.mentions:
        draft = story.of(mention)
        if (
            draft is None
            or draft.kind not in ("medication", "procedure")
            or not draft.told.affirmed
        ):
            continue
        span = patient.age_span or (0, 0)
        if any(a <= span[0] and span[1] <= b for a, b in draft.evidence):
            anchor = {"fact": draft, "relation": "concurrent"}
            patient.age["time"] = {"kind": "relative", "anchors": [anchor]}


def _attributes(mention: Mention, draft: Draft, regime: Regime) -> None:
    fields = draft.fields
    draft.modelled += [name for name in regime.modelled if name not in fields]
    regime.fill(fields)
    if draft.kind == "medication" and fields.get("agentType") == "drug_class":
        fields.setdefault("agentsNamed", False)
    if mention.agent is not None and mention.agent[1] == mention.last - 1:
        fields.setdefault("methodText", mention.sentence.listed[mention.last - 1].text)
    if draft.kind == "procedure":
        for name in ("doseText", "dose", "routeText", "durationText", "frequencyText"):
            fields.pop(name, None)
        _procedure(mention, draft)


def _procedure(mention: Mention, draft: Draft) -> None:
    """Note what the words of a procedure say of a donor, and whether it is a regimen."""
    donor = donor_of(mention.sentence, mention.first, mention.last)
    if donor and is_graft(mention):
        draft.fields.setdefault("donor", {}).update(donor)
    if _parts(mention):
        draft.fields["regimen"] = True


def is_graft(mention: Mention) -> bool:
    """Say whether a procedure is a transplantation."""
    return any(w.key.startswith("transplant") for w in words_of(mention))


def words_of(mention: Mention) -> list[Any]:
    """Return the words of a mention."""
    return mention.sentence.listed[mention.first : mention.last]


def donor_of(sentence: Sentence, first: int, last: int) -> dict[str, str]:
    """Return what words[first:last] say of a donor: relation and type."""
    found: dict[str, str] = {}
    trie = sentence.lexicon.phrases("donor-words", "relation")
    for place in range(first, last):
        match = trie.at(sentence.listed, place)
        if match is not None and match.last <= last:
            row = match.entry.row
            found |= {k: row[k] for k in ("relation", "type") if row[k] and k not in found}
    return found


def _parts(mention: Mention) -> list[str]:
    """Return the components in the name of a regimen: IL-2 and LAK of IL-2/LAK therapy."""
    if mention.kind != "procedure":
        return []
    name = mention.label.rsplit(" ", 1)[0] if " " in mention.label else ""
    low = mention.sentence.listed[mention.last - 1].low
    therapy = "therapy" in mention.sentence.lexicon.classes.get(low, ())
    parts = [p.strip() for p in name.replace("+", "/").split("/")]
    return parts if therapy and len(parts) > 1 and all(parts) else []


def _evidence(
    scene: Scene, told: tuple[Mention, Draft], regime: Regime, titled: Callable[[Span], bool]
) -> None:
    """Replace the bare words of a treatment by the clause or phrase that tells of it."""
    mention, draft = told
    span = (mention.start, mention.end)
    if span not in draft.evidence:
        if scene.reading.sentence.part == "title" or not all(map(titled, draft.evidence)):
            return
        draft.evidence.append(span)
    place = draft.evidence.index(span)
    number = scene.reading.clause_of(mention.chunk)
    clause = scene.reading.clauses[number] if number >= 0 else None
    wider = _given(scene, mention, clause) if clause else None
    if wider is None and regime.schedule:
        first, last = min(regime.first, mention.first), max(regime.last, mention.last)
        wider = scene.reading.sentence.span(first, last)
    start, end = wider or _for_what(scene, mention) or span
    said = scene.reading.sentence.span(*regime.around(mention.first, mention.last))
    draft.evidence[place] = min(start, said[0]), max(end, said[1])


def _given(scene: Scene, mention: Mention, clause: Clause) -> Span | None:
    """Return the words that tell of the giving: we administered X to a patient who relapsed."""
    sentence = scene.reading.sentence
    if clause.verb < 0 or mention.chunk <= clause.verb:
        return None
    meaning = sentence.lexicon.meanings.get(main_verb(sentence, clause.verb)[0], {}).get("meaning")
    if meaning not in GIVING or clause.subject >= clause.verb:
        return None
    start = scene.span(clause.subject, clause.subject + 1)[0]
    return start, max(mention.end, _recipient_end(scene, mention))


def _recipient_end(scene: Scene, mention: Mention) -> int:
    """Return where 'to a patient (who relapsed)' ends behind a treatment; 0 without it."""
    sentence, chunks = scene.reading.sentence, scene.reading.sentence.chunks
    number = _behind(mention)
    if number + 1 >= len(chunks) or sentence.listed[chunks[number].first].low != "to":
        return 0
    chunk = chunks[number + 1]
    nouns = sentence.lexicon.people["noun"]
    if chunk.kind != "noun" or not any(
        w.low in nouns for w in sentence.listed[chunk.first : chunk.last]
    ):
        return 0
    plain = chunk.last - chunk.first <= 2
    if plain and number + 3 < len(chunks) and chunks[number + 2].kind == "R":
        return scene.span(number + 3, number + 4)[1]
    return scene.span(number + 1, number + 2)[1]


def _behind(mention: Mention) -> int:
    """Return the chunk after a mention."""
    chunks = mention.sentence.chunks
    number = mention.chunk
    while number < len(chunks) and chunks[number].first < mention.last:
        number += 1
    return number


def _for_what(scene: Scene, mention: Mention) -> Span | None:
    """Return a treatment with the disease that it is for: X therapy for Y."""
    sentence = scene.reading.sentence
    number = _behind(mention)
    if sentence.part != "title" or number + 1 >= len(sentence.chunks):
        return None
    if sentence.listed[sentence.chunks[number].first].low != "for":
        return None
    problems = [m for m in scene.reading.mentions_in((number + 1,)) if m.kind == "condition"]
    return (mention.start, problems[-1].end) if problems else None


def _when(scene: Scene, mention: Mention, draft: Draft, regime: Regime) -> None:
    """Give a treatment its schedule, else its date; else its time is unknown."""
    schedule = {k: v for k, v in regime.schedule.items() if v}
    if schedule and (draft.time or {}).get("kind", "unknown") == "unknown":
        first, last = min(regime.first, mention.first), max(regime.last, mention.last)
        span = scene.reading.sentence.span(first, last)
        draft.time = {"kind": "schedule", "text": scene.words(span), "schedule": schedule}
        if "count" in schedule and "dose" not in draft.fields:
            draft.fields.pop("frequencyText", None)  # the schedule says it
    time = scene.time_of(mention.chunk)
    if time is not None and time.date is not None:
        date = {"start": time.date.iso}
        draft.time = (draft.time or {"kind": "absolute", "text": scene.words(time.span)}) | date
    if draft.time is None:
        draft.time = {"kind": "unknown"}


__all__ = ["AGENTS", "donor_of", "is_graft", "tell", "words_of"]
