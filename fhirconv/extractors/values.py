"""Values: what a laboratory measured, and the results of examinations in words."""

from collections.abc import Iterator, Sequence
from typing import Any

from fhirconv.extractors.drafts import Draft, Span
from fhirconv.extractors.findings import category_of, new_finding
from fhirconv.extractors.mentions import Mention
from fhirconv.extractors.quantities import Quantity, number_at
from fhirconv.extractors.story import Scene, Story
from fhirconv.extractors.timing import timed
from fhirconv.extractors.tries import Match

REACH = 6  # words between a measure and its value
BETWEEN = frozenset(("X", "V", "P", "A", ",", "(", ":", "=", "#", "N", "D", "/"))
JOINS = frozenset(("was", "is", "of", "=", "were"))
ENDS = frozenset((".", ",", ";", "(", ")", "C", "P", "S"))
UNITY = ("1", "1")  # a number without a unit, in UCUM
MEASURES = frozenset(("measure", "test", "drug"))


def tell(scene: Scene, story: Story) -> None:
    """Add what was measured in a sentence."""
    reading = scene.reading
    if reading.generic or not reading.patient:
        return
    for mention, value in _pairs(scene):
        if reading.person_at(mention.chunk).scope == "patient" and not _trended(
            scene, story, value
        ):
            _value(scene, story, mention, value)


def _pairs(scene: Scene) -> Iterator[tuple[Mention, Quantity | Match]]:
    """Yield each measure with the value that stands behind it."""
    sentence = scene.reading.sentence
    doses = [said for r in scene.regimes.values() for said in r.told()]
    words = sentence.lexicon.phrases("value-words").all(sentence.listed)
    values: list[Quantity | Match] = [
        q for q in sentence.quantities if not q.is_time and not _inside(q, doses)
    ]
    values += _bare(scene)
    values += [w for w in words if _predicate(scene, w) and not _inside(w, doses)]
    taken: set[int] = set()
    for value in values:
        mention = _owner(scene, value)
        if mention is not None and (id(mention) not in taken):
            taken.add(id(mention))
            yield mention, value


def _inside(value: Quantity | Match, doses: Sequence[tuple[int, int]]) -> bool:
    return any(first <= value.first and value.last <= last for first, last in doses)


def _measured(scene: Scene, value: Quantity) -> tuple[Quantity, dict[str, Any]]:
    """Return a quantity and what it says: of two, such as 120/80, only the words."""
    listed = scene.reading.sentence.listed
    before = number_at(listed, value.first - 2, scene.reading.sentence.lexicon)
    if value.first > 1 and listed[value.first - 1].low == "/" and before is not None:
        both = value._replace(first=value.first - 2)
        return both, {"text": _quote(scene, both)}
    return value, {"text": _quote(scene, value), "quantity": value.fields()}


def _bare(scene: Scene) -> Iterator[Quantity]:
    """Yield the numbers without a unit that are said to be what something is: a pH of 7.2."""
    sentence = scene.reading.sentence
    for mention in scene.reading.mentions:
        place = mention.last + 1
        joined = place < len(sentence.listed) and sentence.listed[place - 1].low in JOINS
        if mention.kind != "measure" or not joined or place in sentence.quantified:
            continue
        number = number_at(sentence.listed, place, sentence.lexicon)
        if number is not None and sentence.listed[place].low[0].isdecimal():
            ends = number[1] >= len(sentence.listed) or sentence.tagged[number[1]] in ENDS
            if ends:
                yield Quantity(place, number[1], number[0], None, "", *UNITY)


def _quote(scene: Scene, value: Quantity | Match) -> str:
    return scene.words(scene.reading.sentence.span(value.first, value.last))


def _predicate(scene: Scene, match: Match) -> bool:
    """Say whether a word like 'normal' is said of a subject: was normal."""
    tags = scene.reading.sentence.tagged
    place = match.first - 1
    while place >= 0 and tags[place] in ("A", "P"):
        place -= 1
    return place >= 0 and tags[place] in ("X", "V")


def _owner(scene: Scene, value: Quantity | Match) -> Mention | None:
    """Return the measure that a value belongs to: the last before it, not far away."""
    sentence = scene.reading.sentence
    before = [m for m in scene.reading.mentions if m.last <= value.first]
    if not before:
        return None
    mention = before[-1]
    between = range(mention.last, value.first)
    tags = {sentence.tagged[n] for n in between}
    of = [sentence.listed[n].low for n in between] == ["of"] and isinstance(value, Quantity)
    if mention.kind not in MEASURES and not (of and mention.kind in ("finding", "condition")):
        return None
    if len(between) > REACH or tags - BETWEEN:
        return None
    given = mention.kind == "drug" and bool(scene.regimes[id(mention)].fields)
    if given or (mention.kind == "drug" and isinstance(value, Quantity) and "X" not in tags):
        return None
    return mention


def _trended(scene: Scene, story: Story, value: Quantity | Match) -> bool:
    """Say whether a change tells this value already: rose to 12.3 mg/dL."""
    start, end = scene.reading.sentence.span(value.first, value.last)
    return any(
        "trend" in d.fields and a <= start and end <= b
        for d in story.drafts.told_in(scene.number)
        for a, b in d.evidence
    )


def _value(scene: Scene, story: Story, mention: Mention, value: Quantity | Match) -> Draft:
    sentence = scene.reading.sentence
    if isinstance(value, Quantity):
        value, said = _measured(scene, value)
    else:
        said = {"text": _quote(scene, value)}
    span: Span = (mention.start, sentence.span(value.first, value.last)[1])
    place = (mention.first, mention.last)
    draft = new_finding(scene, story, place, [span], {"value": said})
    sort = category_of(sentence, place) or category_of(sentence, place, ("imaging", "laboratory"))
    if mention.kind == "measure" or sort:
        draft.fields.setdefault("category", sort or "laboratory")
    draft.rule = mention.origin
    time = scene.time_of(mention.chunk)
    if time is not None:
        draft.time = timed(scene, story, time)
    return draft
