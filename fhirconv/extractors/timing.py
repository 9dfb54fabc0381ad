"""Times become times of facts: what a time expression is relative to is found among the facts."""

from typing import Any

from fhirconv.extractors.drafts import Draft
from fhirconv.extractors.mentions import Mention
from fhirconv.extractors.quantities import number_at
from fhirconv.extractors.story import Scene, Story, anchors, completed, relative
from fhirconv.extractors.times import Time
from fhirconv.extractors.words import Word, singular_low

TREATED = frozenset(("medication", "procedure"))


def timed(scene: Scene, story: Story, time: Time | None) -> dict[str, Any] | None:
    """Return a time expression as the time of a fact; None without one."""
    if time is None:
        return None
    words = scene.words(time.span)
    if time.date is not None:
        return {"kind": "absolute", "text": words, "start": time.date.iso}
    target = target_of(scene, story, time)
    if time.day is not None:
        return _day(time, words, target)
    if target is None:
        return {"kind": "relative", "text": words}
    return relative(time, target, words)


def _day(time: Time, words: str, target: Draft | None) -> dict[str, Any]:
    """Return 'on day +30' as a distance from what it counts from."""
    found: dict[str, Any] = {"kind": "relative", "text": words}
    offset = {"value": time.day, "unit": "days", "code": "d"}
    return found | {"anchors": [anchors(target, "after-start", offset)]} if target else found


def target_of(scene: Scene, story: Story, time: Time) -> Draft | None:
    """Return the fact that a time is relative to: the last in its words, else the last therapy."""
    if time.target is None:
        return last_treatment(story, scene)
    first, last = time.target
    inside = [m for m in scene.reading.mentions if first <= m.first and m.last <= last]
    found = [d for m in inside if (d := story.of(m)) is not None]
    treated = [d for d in found if d.kind in TREATED]
    if treated:
        return treated[-1]
    told = [d for d in story.drafts.told_in(scene.number) if _within(d, scene, time)]
    listed = [d for d in told + found if d.told.affirmed]
    if listed:
        return listed[0]
    word = _giving(scene, time)
    if word is not None:
        return last_treatment(story, scene, word)
    return last_treatment(story, scene) if _speaks_of_therapy(scene, time) else None


def _giving(scene: Scene, time: Time) -> Word | None:
    """Return the word for a way of giving that a time speaks of: after the infusion."""
    sentence = scene.reading.sentence
    last = (time.target or (0, 0))[1]
    word = sentence.listed[last - 1] if last else None
    if word is None or "giving" not in sentence.lexicon.classes.get(singular_low(word.low), ()):
        return None
    return None if sentence.lexicon.events.at(sentence.listed, last - 1) is not None else word


def _within(draft: Draft, scene: Scene, time: Time) -> bool:
    start, end = time.span
    return any(start <= a and b <= end for a, b in draft.evidence)


def _speaks_of_therapy(scene: Scene, time: Time) -> bool:
    """Say whether a time speaks of a therapy without its name: after the second infusion."""
    sentence = scene.reading.sentence
    first, last = time.target or (0, 0)
    for place in range(first, last):
        low = sentence.listed[place].low
        classes = sentence.lexicon.classes.get(low, frozenset())
        if classes & {"carrier", "giving", "therapy"}:
            return True
        if sentence.lexicon.schedule("session").at(sentence.listed, place) is not None:
            return True
    return False


def last_treatment(story: Story, scene: Scene, way: Word | None = None) -> Draft | None:
    """Return the last treatment that was told of before a sentence, or else in it.

    With a word for a way of giving, the last that is told to have been given in that way, or
    the last cells, which are given in no other.
    """
    start = scene.reading.sentence.start
    listed = [d for d in story.treatments(scene.reading.patient) if d.told.affirmed]
    if way is not None:
        given = [d for d in listed if any(_is_given_by(m, way) for m in d.mentions)]
        listed = given or [d for d in listed if d.fields.get("agentType") == "cell_product"]
    current = [d for d in listed if d.told.temporality == "current"]
    told = [d for d in current if any(m.start < start for m in d.mentions)]
    told.sort(key=lambda d: max(m.start for m in d.mentions if m.start < start))
    return next(reversed(told or current or listed), None)


def _is_given_by(mention: Mention, way: Word) -> bool:
    """Say whether a treatment is told to be given in a way: infusion of X, X was infused."""
    sentence = mention.sentence
    first = mention.first
    if first > 1 and sentence.listed[first - 1].low == "of":
        first -= 2
    if any(word.key == way.key for word in sentence.listed[first : mention.last + 1]):
        return True
    lexicon = sentence.lexicon
    chunks = sentence.chunks[max(0, mention.chunk - 2) : mention.chunk + 2]
    words = (w for c in chunks if c.kind == "verb" for w in sentence.listed[c.first : c.last])
    lemmas = (lexicon.verbs[w.low][0] for w in words if w.low in lexicon.verbs)
    nouns = (lexicon.meanings[lemma]["noun"] for lemma in lemmas if lemma in lexicon.meanings)
    return singular_low(way.low) in nouns


__all__ = ["completed", "last_treatment", "number_at", "target_of", "timed"]
