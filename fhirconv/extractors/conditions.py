"""Conditions and findings: how they were found, where they are, how severe."""

from fhirconv.extractors.clauses import main_verb
from fhirconv.extractors.drafts import Draft, Span
from fhirconv.extractors.findings import category_of, method_in, side_of, sites_of
from fhirconv.extractors.mentions import Mention
from fhirconv.extractors.story import Scene, Story

PROBLEMS = frozenset(("condition", "finding"))
ROMAN = frozenset(("i", "ii", "iii", "iv", "v"))


def tell(scene: Scene, story: Story) -> None:
    """Give the conditions and findings of a sentence their evidence and attributes."""
    for mention in scene.reading.mentions:
        draft = story.of(mention)
        if draft is None or draft.kind not in PROBLEMS:
            continue
        if draft.kind == "condition":
            _diagnosed(scene, mention, draft)
            if _is_diagnosis(scene, mention) and draft.told.affirmed:
                story.diagnosed.append(draft)
        elif draft.told.polarity == "absent":
            _denied(scene, mention, draft)
        if draft.label == mention.label:
            _attributes(scene, mention, draft)


def _denied(scene: Scene, mention: Mention, draft: Draft) -> None:
    """Let what is absent be told by its clause: the patient was treated without X."""
    number = scene.reading.clause_of(mention.chunk)
    plain = (mention.start, mention.end)
    if number < 0 or plain not in draft.evidence:
        return
    clause = scene.reading.clauses[number]
    end = mention.end
    if clause.verb >= 0:
        end = max(end, scene.span(clause.verb, clause.verb + 1)[1])
    start = min(mention.start, scene.span(clause.subject, clause.subject + 1)[0])
    draft.evidence[draft.evidence.index(plain)] = (start, end)


def _diagnosed(scene: Scene, mention: Mention, draft: Draft) -> None:
    """Let a condition be told by its diagnosis: a patient diagnosed with X."""
    span = _patient_with(scene, mention)
    if span is None:
        return
    plain = (mention.start, mention.end)
    names = draft.fields.get("alternativeLabels", [])
    if mention.label in names and mention.label != draft.label:
        names[names.index(mention.label)] = draft.label
        draft.label = mention.label
        for name in ("qualifiers", "bodySite", "laterality", "severity"):
            draft.fields.pop(name, None)
        draft.evidence = [span, *(s for s in draft.evidence if s != plain)]
    else:
        draft.evidence = [span if s == plain else s for s in draft.evidence]


def _is_diagnosis(scene: Scene, mention: Mention) -> bool:
    """Say whether the verb of its clause tells that a condition was diagnosed, or that it came."""
    number = scene.reading.clause_of(mention.chunk)
    if number < 0 or scene.reading.clauses[number].verb < 0:
        return False
    verb = scene.reading.clauses[number].verb
    lemma, passive = main_verb(mention.sentence, verb)
    meaning = mention.sentence.lexicon.meanings.get(lemma, {}).get("meaning")
    return meaning in ("diagnose", "develop", "happen") or (meaning == "show" and passive)


def _patient_with(scene: Scene, mention: Mention) -> Span | None:
    """Return the words from a person to the condition: an 81-year-old patient diagnosed with X."""
    sentence = scene.reading.sentence
    chunks = sentence.chunks
    number = mention.chunk - 1
    while number > 0 and chunks[number].kind in ("C", ",", "noun", "A"):
        number -= 1
    if number < 2 or chunks[number].kind != "P" or chunks[number - 1].kind != "verb":
        return None
    row = sentence.lexicon.meanings.get(main_verb(sentence, number - 1)[0], {})
    if row.get("meaning") != "diagnose":
        return None
    first = number - 2
    place = scene.reading.clause_of(number - 1)
    if place >= 0 and scene.reading.clauses[place].verb == number - 1:
        first = scene.reading.clauses[place].subject
    if chunks[first].kind not in ("noun", "O"):
        return None
    return scene.span(first, first + 1)[0], mention.end


def _attributes(scene: Scene, mention: Mention, draft: Draft) -> None:
    fields, sentence = draft.fields, scene.reading.sentence
    qualifiers = sentence.lexicon.qualifiers_in(mention.label)
    if qualifiers and draft.kind == "condition":
        fields.setdefault("qualifiers", qualifiers)
    site = next(sites_of(mention), "")
    if site and draft.kind == "condition":
        fields.setdefault("bodySite", {"text": site})
    side = side_of(sentence, (mention.first, mention.last))
    if side:
        fields.setdefault("laterality", side)
    severity = _severity(mention)
    if severity:
        fields.setdefault("severity", severity)
    grade = _grade(mention)
    if grade:
        fields.setdefault("grade", grade)
    if draft.kind == "finding":
        _method(scene, mention, draft)
    elif draft.told.affirmed and draft.told.temporality == "current":
        fields.setdefault("lastStatus", "active")


def _severity(mention: Mention) -> str:
    """Return the severity that the words of a mention state."""
    severities = mention.sentence.lexicon.severities
    low = (word.low for word in mention.sentence.listed[mention.first : mention.core])
    return next((severities[word] for word in low if word in severities), "")


def _grade(mention: Mention) -> str:
    """Return the grade that the words of a mention, or right around it, state."""
    listed, first = mention.sentence.listed, max(0, mention.first - 2)
    for place in range(first, min(mention.last, len(listed) - 2) + 1):
        number = listed[place + 1].low
        if listed[place].low == "grade" and (number.isdecimal() or number in ROMAN):
            start, end = mention.sentence.span(place, place + 2)
            return mention.sentence.text[start:end]
    return ""


def _method(scene: Scene, mention: Mention, draft: Draft) -> None:
    """Take the examination that showed a finding: its clause's subject, or behind 'on'."""
    sentence, reading = scene.reading.sentence, scene.reading
    number = reading.clause_of(mention.chunk)
    if number < 0:
        return
    clause = reading.clauses[number]
    if clause.verb < 0 or mention.chunk < clause.verb:
        return
    row = sentence.lexicon.meanings.get(main_verb(sentence, clause.verb)[0], {})
    if row.get("meaning") != "show":
        return
    subjects = [m for m in reading.mentions if clause.subject <= m.chunk < clause.verb]
    tests = [m for m in subjects if m.kind == "test"]
    if tests:
        fields = draft.fields
        fields.setdefault("method", tests[0].label)
        place = (tests[0].first, tests[0].last)
        sort = category_of(sentence, place, ("imaging", "procedure", "laboratory", "exam"))
        if sort:
            fields.setdefault("category", sort)


__all__ = ["method_in", "tell"]
