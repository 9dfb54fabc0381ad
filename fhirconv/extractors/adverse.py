"""Adverse events: what a therapy did, or what came after it, that nobody wanted."""

from typing import Any

from fhirconv.extractors.assertion import Assertion
from fhirconv.extractors.between import Bond, bonds
from fhirconv.extractors.clauses import Clause, main_verb
from fhirconv.extractors.courses import denied, meaning
from fhirconv.extractors.drafts import Draft, Link, Span
from fhirconv.extractors.gathering import HEADED
from fhirconv.extractors.kinds import meaning_of
from fhirconv.extractors.mentions import Mention
from fhirconv.extractors.story import Scene, Story, last_problems
from fhirconv.extractors.times import Time
from fhirconv.extractors.timing import target_of, timed

PROBLEMS = frozenset(("condition", "finding"))
TREATED = frozenset(("medication", "procedure"))
CAUSES = frozenset(("caused_by", "suspected_cause"))
AFTER = frozenset(("after", "after-start", "concurrent"))
BETTER = frozenset(("resolved", "disappeared", "improved", "remission"))


def tell(scene: Scene, story: Story) -> None:
    """Add the adverse events of a sentence about a patient."""
    reading = scene.reading
    if reading.generic or not reading.patient:
        return
    for bond in scene.bonds:
        if bond.row["type"] == "event":
            _bound(scene, story, bond)
    for number, clause in enumerate(reading.clauses):
        if clause.verb >= 0 and reading.persons[number].scope == "patient":
            _after(scene, story, clause)
            _resolved(scene, story, clause)
    _named_harm(scene, story)
    _anaphors(scene, story)
    _proposed(scene, story)
    _denied_cause(scene, story)


def worsening(scene: Scene, story: Story) -> None:
    """Add the events that a disease other than the treated one got worse."""
    reading = scene.reading
    if reading.generic or not reading.patient:
        return
    for number, clause in enumerate(reading.clauses):
        if clause.verb >= 0 and reading.persons[number].scope == "patient":
            _worsened(scene, story, clause)
    for mention, told in zip(reading.mentions, reading.told, strict=True):
        if mention.kind == "event" and told.affirmed:
            _worsening_of(scene, story, mention)


def _worsening_of(scene: Scene, story: Story, mention: Mention) -> None:
    """Add the event that a noun tells: an aggravation of cutaneous GVHD."""
    sentence = scene.reading.sentence
    row = sentence.lexicon.event(mention)
    number = mention.chunk + 1
    if row is None or row["value"] != "worsened":
        return
    therapy = story.index_treatment(scene.reading.patient)
    if therapy is None:
        return
    if (
        number + 1 >= len(sentence.chunks)
        or sentence.listed[sentence.chunks[number].first].low != "of"
    ):
        return
    for other in scene.reading.mentions_in((number + 1,)):
        problem = story.of(other)
        if problem is not None and problem.kind == "condition" and _untoward(story, problem):
            span = (mention.start, other.end)
            event = event_of(scene, story, problem, scene.words(span), span)
            event.time = timed(scene, story, scene.time_of(mention.chunk))
            suspect(scene, story, event, therapy, None)


def _bound(scene: Scene, story: Story, bond: Bond) -> None:
    """Add the adverse event that words between a treatment and a problem state."""
    treatment, problem = story.of(bond.treatment), story.of(bond.problem)
    if treatment is None or problem is None or problem.kind not in PROBLEMS:
        return
    if not problem.told.affirmed or problem.told.temporality == "historical":
        return
    if treatment.told.polarity == "absent" or not _untoward(story, problem, treatment):
        return
    if treatment.kind not in TREATED:
        return
    span = (
        min(bond.treatment.start, bond.problem.start),
        max(bond.treatment.end, bond.problem.end),
    )
    event = event_of(scene, story, problem, problem.label, span)
    if bond.row["basis"] == "inferred":
        story.link(Link("suspected_cause", event, treatment, span, False, "inferred"))
    else:
        stated = bond.row["basis"] == "stated"
        suspect(scene, story, event, treatment, bond if stated else None)


def _untoward(story: Story, problem: Draft, treatment: Draft | None = None) -> bool:
    """Say whether a problem can be an adverse event: not the disease that is treated."""
    if problem is story.index_condition(problem.patient) and story.part(problem.reading) == "title":
        return False
    treating = [k.source for k in story.links if k.type == "treats" and k.target is problem]
    return treatment not in treating and not (treating and treating[0].reading < problem.reading)


def suspect(scene: Scene, story: Story, event: Draft, treatment: Draft, bond: Bond | None) -> None:
    """Add the suspected cause of an event: as stated, else by the sequence alone."""
    stated = [
        k for k in story.links if k.source is event and k.basis == "stated" and k.type in CAUSES
    ]
    if bond is None:
        if not stated:
            span = event.evidence[0]
            story.link(Link("suspected_cause", event, treatment, span, False, "temporal"))
        return
    story.unlink(event, CAUSES, "temporal")
    sentence = scene.reading.sentence
    start, end = sentence.span(bond.first, bond.last)
    ends = (bond.treatment.start, bond.treatment.end, bond.problem.start, bond.problem.end)
    words = sentence.text[start:end]
    span = (min(start, *ends), max(end, *ends))
    story.link(Link("caused_by", event, treatment, span, True, "stated", words))


def event_of(scene: Scene, story: Story, problem: Draft, label: str, span: Span) -> Draft:
    """Return the adverse event of a problem: the known one, or a new one."""
    known = story.events.get(id(problem))
    if known is not None:
        return known
    fields: dict[str, Any] = {}
    if problem.kind == "condition":
        fields["resultingCondition"] = problem
    for name in ("severity", "grade"):
        if name in problem.fields:
            fields[name] = problem.fields[name]
    told = Assertion(certainty=problem.told.certainty, scope=problem.told.scope)
    event = Draft("adverse_event", label, 1, told, [span], "rule", problem.rule, HEADED, fields)
    event.about = problem
    story.events[id(problem)] = event
    return story.add(event, scene.reading, scene.number)


def _worsened(scene: Scene, story: Story, clause: Clause) -> None:
    """Add the event that a disease other than the treated one got worse after the therapy."""
    row = meaning(scene, clause)
    if row is None or row["value"] != "worsened" or denied(scene, clause):
        return
    therapy = story.index_treatment(scene.reading.patient)
    if therapy is None:
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
            event = event_of(scene, story, problem, words, whole)
            event.time = timed(scene, story, scene.time_of(clause.verb))
            suspect(scene, story, event, therapy, None)


def _after(scene: Scene, story: Story, clause: Clause) -> None:
    """Add what developed after a therapy, or after what followed the therapy."""
    sentence = scene.reading.sentence
    row = sentence.lexicon.meanings.get(main_verb(sentence, clause.verb)[0], {})
    if row.get("meaning") not in ("develop", "happen") and row.get("value") != "appeared":
        return
    time = scene.time_of(clause.verb)
    if denied(scene, clause):
        return
    if time is None:
        _next(scene, story, clause)
        return
    target = _suspected(scene, story, time) if time.relation in AFTER else None
    if target is None:
        return
    for mention in _developed(scene, clause):
        problem = story.of(mention)
        if problem is None or problem.reading != scene.number or not problem.told.affirmed:
            continue
        if problem.kind in PROBLEMS and _untoward(story, problem, target):
            span = (min(time.span[0], mention.start), max(time.span[1], mention.end))
            event = event_of(scene, story, problem, problem.label, span)
            event.time = event.time or timed(scene, story, time)
            suspect(scene, story, event, target, None)


def _next(scene: Scene, story: Story, clause: Clause) -> None:
    """Add what a patient experienced right after a sentence that tells of a therapy."""
    lemma = main_verb(scene.reading.sentence, clause.verb)[0]
    told = [d for d in story.treatments(scene.reading.patient) if d.told.affirmed]
    before = [d for d in told if d.reading == scene.number - 1 and d.told.temporality == "current"]
    for mention in _developed(scene, clause) if before else []:
        problem = story.of(mention)
        if problem is None or problem.reading != scene.number or not problem.told.affirmed:
            continue
        toxic = lemma == "experience" or "grade" in problem.fields
        if toxic and problem.kind in PROBLEMS and _untoward(story, problem, before[-1]):
            event = event_of(scene, story, problem, problem.label, (mention.start, mention.end))
            suspect(scene, story, event, before[-1], None)


def _suspected(scene: Scene, story: Story, time: Time) -> Draft | None:
    """Return the therapy that came before: that of a time, else the one the report is about."""
    if time.target is None and time.day is None and time.offset is None:
        return None
    target = target_of(scene, story, time)
    if target is None or target.kind not in TREATED:
        known = target is not None and target.reading == scene.number
        return story.index_treatment(scene.reading.patient) if known else None
    return target if target.told.temporality == "current" else None


def _developed(scene: Scene, clause: Clause) -> list[Mention]:
    inside = [m for m in scene.reading.mentions if clause.first <= m.chunk < clause.last]
    behind = [m for m in inside if m.chunk > clause.verb and m.kind in PROBLEMS]
    return behind or [m for m in inside if m.chunk < clause.verb and m.kind in PROBLEMS]


def _resolved(scene: Scene, story: Story, clause: Clause) -> None:
    """Note that an event, and the disease that it made, resolved."""
    row = meaning(scene, clause)
    if row is None or row["value"] != "resolved" or denied(scene, clause):
        return
    number = scene.reading.clauses.index(clause)
    source = scene.reading.clauses[number - 1] if clause.inherits and number else clause
    for draft in _subjects(scene, story, source):
        if draft.kind == "condition":
            draft.fields["lastStatus"] = "resolved"
        event = story.events.get(id(draft))
        if event is not None:
            event.fields["aeOutcome"] = "resolved"


def _subjects(scene: Scene, story: Story, clause: Clause) -> list[Draft]:
    """Return the problems that are the subject of a clause; 'it' is the last one spoken of."""
    inside = [m for m in scene.reading.mentions if clause.subject <= m.chunk < clause.verb]
    found = [d for m in inside if (d := story.of(m)) is not None and d.kind in PROBLEMS]
    if found or not 0 <= clause.subject < len(scene.reading.sentence.chunks):
        return found
    first = scene.reading.sentence.listed[scene.reading.sentence.chunks[clause.subject].first]
    if clause.opener == "which" or (clause.inherits and clause.opener):
        before = [m for m in scene.reading.mentions if m.chunk < clause.first]
        found = [d for m in before if (d := story.of(m)) is not None and d.kind in PROBLEMS]
        return found[-1:]
    return last_problems(story, scene.number) if first.low in ("it", "they", "this") else []


def _named_harm(scene: Scene, story: Story) -> None:
    """Add what is named as a side effect: side effects such as X; X as the only side effect."""
    sentence = scene.reading.sentence
    for match in sentence.lexicon.phrases("harm-words").all(sentence.listed):
        if match.entry.kind == "list":
            harm = _harm_before(scene, match.first)
            for problem in _list_from(scene, story, match.last) if harm else []:
                _harm(scene, story, problem, harm)
        elif match.entry.kind == "kind":
            for problem in _list_to(scene, story, match.first):
                _harm(scene, story, problem, None)
        elif match.entry.kind == "besides" and _harm_after(scene, match.last):
            for problem in _list_from(scene, story, match.last):
                _harm(scene, story, problem, None)


def _harm_before(scene: Scene, place: int) -> Mention | None:
    near = [m for m in scene.reading.mentions if m.kind == "untoward" and m.last == place]
    return near[0] if near else None


def _harm_after(scene: Scene, place: int) -> bool:
    return any(m.kind == "untoward" and m.first > place for m in scene.reading.mentions)


def _list_from(scene: Scene, story: Story, place: int) -> list[Draft]:
    """Return the problems of the list that begins at a place."""
    found: list[Draft] = []
    last = place
    for mention in scene.reading.mentions:
        draft = story.of(mention)
        tags = scene.reading.sentence.tagged[last : mention.first]
        if mention.first < place or mention.kind not in PROBLEMS:
            continue
        if draft is None or set(tags) & {"V", "X", "P", "S", "R"}:
            break
        found.append(draft)
        last = mention.last
    return [d for d in found if d.told.affirmed and d.kind in PROBLEMS]


def _list_to(scene: Scene, story: Story, place: int) -> list[Draft]:
    near = [m for m in scene.reading.mentions if m.last <= place and m.kind in PROBLEMS]
    draft = story.of(near[-1]) if near else None
    return [draft] if draft is not None and draft.told.affirmed and draft.kind in PROBLEMS else []


def _harm(scene: Scene, story: Story, problem: Draft, harm: Mention | None) -> None:
    event = event_of(scene, story, problem, problem.label, problem.evidence[0])
    if harm is not None:
        lexicon = harm.sentence.lexicon
        for word in harm.sentence.listed[harm.first : harm.last]:
            if lexicon.seriousness.get(word.low):
                event.fields["seriousness"] = lexicon.seriousness[word.low]


def _anaphors(scene: Scene, story: Story) -> None:
    """Let 'the exacerbation was attributed to X' state the cause of the events told before."""
    for bond in bonds(scene.reading, anaphors=True):
        treatment = story.of(bond.treatment)
        if bond.problem.kind not in ("event", "untoward") or treatment is None:
            continue
        if bond.row["type"] != "event" or bond.row["basis"] != "stated":
            continue
        for event in _events_before(scene, story):
            suspect(scene, story, event, treatment, bond)


def _events_before(scene: Scene, story: Story) -> list[Draft]:
    """Return the adverse events of this sentence and the one before it that has any."""
    events = story.drafts.of_kind("adverse_event")
    last = max((d.reading for d in events), default=-1)
    return [d for d in events if d.reading == last and scene.number - last <= 2]


def _proposed(scene: Scene, story: Story) -> None:
    """Add the events that a model sees in a sentence where no words of the tables tell them."""
    parts = [m for m in scene.reading.mentions if m.part]
    drugs = [(m, d) for m in parts if (d := _given(story, m)) is not None]
    for mention in scene.reading.mentions:
        problem = story.of(mention) if mention.part else None
        if problem is None or problem.kind not in PROBLEMS or id(problem) in story.events:
            continue
        if not problem.told.affirmed or problem.told.temporality == "historical":
            continue
        for given, drug in drugs:
            if _untoward(story, problem, drug) and not _answers(scene, given, mention):
                infer(scene, story, (mention, problem), drug)


def _answers(scene: Scene, drug: Mention, problem: Mention) -> bool:
    """Say whether a drug was given once a problem was there: X was diagnosed, and Y was given."""
    found, given = (scene.reading.clause_of(m.chunk) for m in (problem, drug))
    return 0 <= found < given and meaning_of(scene.reading, drug) in ("give", "receive", "treat")


def _given(story: Story, mention: Mention) -> Draft | None:
    """Return the drug of a mention, where it was given."""
    drug = story.of(mention)
    given = drug is not None and drug.kind == "medication" and drug.told.polarity == "present"
    return drug if given else None


def infer(scene: Scene, story: Story, told: tuple[Mention, Draft], drug: Draft) -> None:
    """Add an event with the drug that a model suspects."""
    mention, problem = told
    span = (mention.start, mention.end)
    event = event_of(scene, story, problem, problem.label, span)
    if id(problem) not in story.events or event.method != "model":
        event.method, event.rule, event.confidence = "model", "tagger", mention.part
    story.link(Link("suspected_cause", event, drug, span, False, "inferred"))


def _denied_cause(scene: Scene, story: Story) -> None:
    """Take back the suspicion where the report says that nothing of the kind was the cause."""
    sentence = scene.reading.sentence
    for match in sentence.lexicon.phrases("harm-words").all(sentence.listed):
        if match.entry.kind == "denial":
            events = _events_before(scene, story)
            for event in events:
                story.unlink(event, CAUSES)


__all__ = ["event_of", "suspect", "tell", "worsening"]
