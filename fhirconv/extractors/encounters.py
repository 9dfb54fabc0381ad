"""Encounters and death: outpatient treatment, admission, what a patient died of."""

from typing import Any

from fhirconv.extractors.assertion import Assertion
from fhirconv.extractors.clauses import Clause
from fhirconv.extractors.courses import denied
from fhirconv.extractors.drafts import Draft, Link, Span
from fhirconv.extractors.gathering import HEADED
from fhirconv.extractors.story import Scene, Story
from fhirconv.extractors.timing import timed
from fhirconv.extractors.tries import Match


def tell(scene: Scene, story: Story) -> None:
    """Add the encounters of a sentence, and the death of the patient."""
    reading = scene.reading
    if reading.generic or not reading.patient or reading.sentence.part == "title":
        return
    for match in reading.sentence.lexicon.phrases("encounters").all(reading.sentence.listed):
        clause = _clause(scene, match)
        if clause is not None and not denied(scene, clause) and not _planned(scene, match):
            _encounter(scene, story, match, clause)
    for match in reading.sentence.lexicon.phrases("death-words").all(reading.sentence.listed):
        clause = _clause(scene, match)
        told = match.entry.kind == "verb" and _is_said(scene, match)
        if clause is not None and told and not denied(scene, clause):
            _death(scene, story, match, clause)


def _clause(scene: Scene, match: Match) -> Clause | None:
    """Return the clause about the patient that a phrase stands in."""
    reading = scene.reading
    chunk = next(
        (n for n, c in enumerate(reading.sentence.chunks) if c.first <= match.first < c.last), -1
    )
    number = reading.clause_of(chunk)
    if number < 0 or reading.persons[number].scope != "patient" or reading.clauses[number].verb < 0:
        return None
    return reading.clauses[number]


def _is_said(scene: Scene, match: Match) -> bool:
    """Say whether a word for death is affirmed: not in 'to prevent sudden death'."""
    reading = scene.reading
    pairs = zip(reading.mentions, reading.told, strict=True)
    return all(t.affirmed for m, t in pairs if m.first <= match.first < m.last)


def _planned(scene: Scene, match: Match) -> bool:
    """Say whether a plan or hypothesis covers a phrase."""
    sentence = scene.reading.sentence
    for cue in sentence.lexicon.cues.all(sentence.listed):
        kinds = {row["class"] for row in cue.entry.row["rows"]}
        if kinds & {"planned", "hypothetical", "absent"} and cue.last <= match.first + 1:
            return cue.entry.text not in ("without",)
    return False


def _encounter(scene: Scene, story: Story, match: Match, clause: Clause) -> None:
    sentence = scene.reading.sentence
    start, end = sentence.span(match.first, match.last)
    label = sentence.text[start:end]
    for known in story.drafts.of_kind("encounter"):
        same = known.patient == scene.reading.patient
        if same and known.fields["encounterClass"] == match.entry.kind:
            return
    fields: dict[str, Any] = {"encounterClass": match.entry.kind}
    span = (_begin(scene, clause, start), end)
    draft = Draft(
        "encounter", label, 1, Assertion(), [span], "rule", match.entry.origin, HEADED, fields
    )
    story.add(draft, scene.reading, scene.number)
    time = scene.time_of(clause.verb)
    if time is not None:
        draft.time = timed(scene, story, time)
    _during(scene, story, draft, (start, clause))


def _during(scene: Scene, story: Story, draft: Draft, place: tuple[int, Clause]) -> None:
    """Let what was absent in the clause of an encounter be absent during it."""
    start, clause = place
    for mention in scene.reading.mentions:
        absent = story.of(mention)
        if absent is None or absent.kind != "finding" or absent.told.polarity != "absent":
            continue
        if clause.first <= mention.chunk < clause.last and absent.reading == scene.number:
            absent.fields["during"] = draft
            absent.time = {"kind": "relative"}
            if draft.time and "text" in draft.time:
                absent.time["text"] = draft.time["text"]
            absent.time["anchors"] = [{"fact": draft, "relation": "concurrent"}]
            begins = min(start, mention.start)
            ends = max(draft.evidence[0][1], mention.end)
            story.link(Link("during", absent, draft, (begins, ends)))


def _begin(scene: Scene, clause: Clause, start: int) -> int:
    """Return where the words that tell of something begin: with a time set before its clause."""
    fronted = any(clause.first <= t.first < clause.subject for t in scene.times)
    first = clause.first if fronted else clause.subject
    return min(start, scene.span(first, first + 1)[0])


def _death(scene: Scene, story: Story, match: Match, clause: Clause) -> None:
    """Note that the patient died, when and of what."""
    patient = story.patients.get(scene.reading.patient)
    if patient is None or patient.deceased:
        return
    patient.deceased = True
    time = scene.time_of(clause.verb)
    if time is not None and time.date is not None:
        patient.death_date = time.date.iso
    sentence = scene.reading.sentence
    start, end = sentence.span(match.first, match.last)
    end = max(end, _cause_end(scene, match))
    span: Span = (_begin(scene, clause, start), max(end, scene.span(clause.verb, clause.last)[1]))
    label = sentence.text[start:end]
    fields: dict[str, Any] = {"value": {"text": scene.words((start, span[1]))}}
    draft = Draft(
        "finding", label, 1, Assertion(), [span], "rule", match.entry.origin, HEADED, fields
    )
    draft.time = timed(scene, story, time)
    story.add(draft, scene.reading, scene.number)


def _cause_end(scene: Scene, match: Match) -> int:
    """Return where 'of sepsis' ends behind a word for death."""
    sentence, chunks = scene.reading.sentence, scene.reading.sentence.chunks
    number = next((n for n, c in enumerate(chunks) if c.first >= match.last), len(chunks))
    if number + 1 < len(chunks) and sentence.listed[chunks[number].first].low in (
        "of",
        "from",
        "due",
        "because",
    ):
        while number + 1 < len(chunks) and chunks[number].kind == "P":
            number += 1
        return scene.span(number, number + 1)[1]
    return 0
