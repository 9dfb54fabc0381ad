"""Adverse events: what a therapy did, or what came after it, that nobody wanted."""

from typing import Any

from fhirconv.extractors.assertion import Assertion
from fhirconv.extractors.between import Bond, bonds
from fhirconv.extractors.clauses import Clause
from fhirconv.extractors.courses import denied, meaning
from fhirconv.extractors.drafts import Draft, Link, Span
from fhirconv.extractors.gathering import HEADED
from fhirconv.extractors.mentions import Mention
from fhirconv.extractors.scope import main_verb
from fhirconv.extractors.story import Scene, Story
from fhirconv.extractors.timing import target_of, timed

PROBLEMS = frozenset(("condition", "finding"))
TREATED = frozenset(("medication", "procedure"))


def tell(scene: Scene, story: Story, found: list[Bond]) -> None:
    """Add the adverse events of a sentence about a patient."""
    if scene.reading.generic or not scene.reading.patient:
        return
    for bond in found:
        if bond.row["type"] == "event":
            _bound(scene, story, bond)
    for number, clause in enumerate(scene.reading.clauses):
        if clause.verb >= 0 and scene.reading.persons[number].scope == "patient":
            _worsened(scene, story, clause)
            _after(scene, story, clause)


def _bound(scene: Scene, story: Story, bond: Bond) -> None:
    """Add the adverse event that words between a treatment and a problem state."""
    treatment, problem = story.of(bond.treatment), story.of(bond.problem)
    if treatment is None or problem is None or problem.kind not in PROBLEMS:
        return
    if not problem.told.affirmed or problem.told.temporality == "historical":
        return
    if treatment.told.polarity == "absent" or not _untoward(story, problem):
        return
    if treatment.kind not in TREATED:
        return
    stated = bond.row["basis"] == "stated"
    span = (
        min(bond.treatment.start, bond.problem.start),
        max(bond.treatment.end, bond.problem.end),
    )
    event = _event(scene, story, problem, problem.label, span)
    _suspect(scene, story, event, treatment, bond if stated else None)


def _untoward(story: Story, problem: Draft) -> bool:
    """Say whether a problem can be an adverse event: not the disease that is treated."""
    if problem is story.index_condition(problem.patient) and story.part(problem.reading) == "title":
        return False
    return not any(k.type == "treats" and k.target is problem for k in story.links)


def _suspect(scene: Scene, story: Story, event: Draft, treatment: Draft, bond: Bond | None) -> None:
    """Add the suspected cause of an event, as stated or by the sequence alone."""
    if bond is None:
        story.link(Link("suspected_cause", event, treatment, event.evidence[0], False, "temporal"))
        return
    sentence = scene.reading.sentence
    start, end = sentence.span(bond.first, bond.last)
    span = (
        min(start, *(a for a, _ in event.evidence)),
        max(end, bond.treatment.end, bond.problem.end),
    )
    words = sentence.text[start:end]
    story.link(Link("caused_by", event, treatment, span, True, "stated", words))


def _event(scene: Scene, story: Story, problem: Draft, label: str, span: Span) -> Draft:
    """Return the adverse event of a problem: the known one, or a new one."""
    for known in story.drafts:
        if known.kind == "adverse_event" and known.fields.get("from") is problem:
            return known
    fields: dict[str, Any] = {"from": problem}
    if problem.kind == "condition":
        fields["resultingCondition"] = problem
    for name in ("severity", "grade"):
        if name in problem.fields:
            fields[name] = problem.fields[name]
    told = Assertion(certainty=problem.told.certainty, scope=problem.told.scope)
    event = Draft("adverse_event", label, 1, told, [span], "rule", problem.rule, HEADED, fields)
    return story.add(event, scene.reading, scene.number)


def _worsened(scene: Scene, story: Story, clause: Clause) -> None:
    """Add the event that a disease other than the treated one got worse after the therapy."""
    row = meaning(scene, clause)
    therapy = story.index_treatment(scene.reading.patient)
    if row is None or row["value"] != "worsened" or denied(scene, clause) or therapy is None:
        return
    span = scene.span(clause.subject, clause.verb + 1)
    fronted = any(clause.first <= t.first < clause.subject for t in scene.times)
    whole = (scene.span(clause.first, clause.first + 1)[0] if fronted else span[0], span[1])
    for mention in scene.reading.mentions:
        problem = story.of(mention)
        if not clause.subject <= mention.chunk < clause.verb or problem is None:
            continue
        plain = (mention.start, mention.end)
        problem.evidence = [span if s == plain else s for s in problem.evidence]
        if problem.kind == "condition" and _untoward(story, problem):
            label = scene.reading.sentence.lexicon.labels["worsening"]
            words = label.format(change=row["noun"], problem=problem.label)
            event = _event(scene, story, problem, words, whole)
            event.time = timed(scene, story, scene.time_of(clause.verb))
            _suspect(scene, story, event, therapy, None)


def _after(scene: Scene, story: Story, clause: Clause) -> None:
    """Add what developed after a therapy that the time of its clause speaks of."""
    sentence = scene.reading.sentence
    row = sentence.lexicon.meanings.get(main_verb(sentence, clause.verb)[0], {})
    if row.get("meaning") not in ("develop", "happen") and row.get("value") != "appeared":
        return
    time = scene.time_of(clause.verb)
    if (
        time is None
        or time.relation not in ("after", "after-start", "concurrent")
        or denied(scene, clause)
    ):
        return
    if time.target is None and time.day is None:
        return
    target = target_of(scene, story, time)
    if target is None or target.kind not in TREATED or target.told.temporality != "current":
        return
    for mention in _developed(scene, clause):
        problem = story.of(mention)
        new = problem is not None and problem.reading == scene.number and problem.told.affirmed
        if (
            problem is None
            or not new
            or problem.kind not in PROBLEMS
            or not _untoward(story, problem)
        ):
            continue
        span = (min(time.span[0], mention.start), max(time.span[1], mention.end))
        event = _event(scene, story, problem, problem.label, span)
        event.time = event.time or timed(scene, story, time)
        _suspect(scene, story, event, target, None)


def _developed(scene: Scene, clause: Clause) -> list[Mention]:
    inside = [m for m in scene.reading.mentions if clause.first <= m.chunk < clause.last]
    behind = [m for m in inside if m.chunk > clause.verb and m.kind in PROBLEMS]
    return behind or [m for m in inside if m.chunk < clause.verb and m.kind in PROBLEMS]


def in_general(scene: Scene, story: Story) -> None:
    """Add what a general sentence says of a drug and its adverse effect, as a general fact."""
    reading = scene.reading
    for bond in bonds(reading):
        if bond.row["type"] != "event" or bond.treatment.kind == "procedure":
            continue
        told = Assertion(temporality="current", scope="generic")
        treatment = story.gathering.add(scene.number, reading, bond.treatment, told)
        problem = story.gathering.add(scene.number, reading, bond.problem, told)
        span = (min(treatment.evidence[0][0], problem.evidence[0][0]), problem.evidence[0][1])
        event = _event(scene, story, problem, problem.label, (bond.problem.start, bond.problem.end))
        stated = bond.row["basis"] == "stated"
        _suspect(scene, story, event, treatment, bond if stated else None)
        del span


__all__ = ["in_general", "tell"]
