"""What a treatment is for where no words say it: only where one disease can be meant."""

from dataclasses import dataclass

from fhirconv.extractors.clauses import main_verb
from fhirconv.extractors.drafts import Draft, Link
from fhirconv.extractors.story import Story

CAUSES = frozenset(("caused_by", "suspected_cause"))


def infer(story: Story) -> None:
    """Infer that a treatment is for the disease found before, as nothing says else.

    A disease that a treatment did stands beside the old one from then on: what is given after
    it may be for the one or the other, and is said to be for neither.
    """
    treating = {link.source for link in story.links if link.type == "treats"}
    harms = Harms.of(story)
    for draft in story.drafts.treatments:
        if draft in treating or not draft.told.affirmed or _is_tabled(story, draft):
            continue
        if draft.told.temporality != "current" or draft.fields.get("diagnostic"):
            continue
        disease = _reason(story, draft, harms)
        if disease is not None:
            link = Link("treats", draft, disease, draft.evidence[0], False, "inferred")
            story.link(link)


def _is_tabled(story: Story, draft: Draft) -> bool:
    """Say whether a treatment is told by a cell of a table, which has no before and after."""
    return story.part(draft.reading) == "table"


@dataclass(frozen=True, slots=True)
class Harms:
    """Where the first disease that a treatment did is told of each patient, and what did it."""

    first: dict[int, int]
    doers: frozenset[Draft]

    @classmethod
    def of(cls, story: Story) -> "Harms":
        """Return the harms of a story, but for what only the title says."""
        first: dict[int, int] = {}
        for event in story.events.values():
            if event.about is None or event.about.kind != "condition":
                continue
            spans = (*event.evidence, *event.about.evidence)
            for start in (span[0] for span in spans if not story.titled(span)):
                first[event.patient] = min(start, first.get(event.patient, start))
        doers = frozenset(link.target for link in story.links if link.type in CAUSES)
        return cls(first, doers)

    def before(self, draft: Draft) -> bool:
        """Say whether a treatment is told after a harm that it did not do."""
        start = draft.evidence[0][0]
        return draft not in self.doers and self.first.get(draft.patient, start) < start


def _reason(story: Story, draft: Draft, harms: Harms) -> Draft | None:
    """Return what a treatment is probably for: an event, a diagnosis before it, the disease."""
    after = None if draft in harms.doers else _harmed(story, draft)
    if after is not None or (harms.before(draft) and not _replaces(story, draft)):
        return after
    start = draft.evidence[0][0]
    told = [d for d in story.conditions(draft.patient) if d.evidence[0][0] < start]
    near = [d for d in told if d.told.temporality == "current" and id(d) not in story.events]
    titled = story.index_condition(draft.patient)
    if titled is not None and story.part(titled.reading) == "title":
        return titled
    known = [d for d in story.diagnosed if d in near]
    if known:
        near = [d for d in near if d.reading >= known[-1].reading]
    sure = near[0] if len(near) == 1 else None  # of several, nothing says which
    return sure if sure and sure.told.certainty == "certain" else None


def _replaces(story: Story, draft: Draft) -> bool:
    if draft.reading >= len(story.scenes):
        return False
    words = story.scenes[draft.reading].reading.sentence.listed
    return "instead" in {word.low for word in words}


def _harmed(story: Story, draft: Draft) -> Draft | None:
    """Return the harm of a drug that the sentence of another treatment stops."""
    if draft.reading >= len(story.scenes):
        return None
    sentence = story.scenes[draft.reading].reading.sentence
    verbs = [main_verb(sentence, n)[0] for n, c in enumerate(sentence.chunks) if c.kind == "verb"]
    rows = [sentence.lexicon.meanings.get(lemma, {}) for lemma in verbs]
    stops = any(r.get("meaning") == "stop" or r.get("value") == "resolved" for r in rows)
    near = story.drafts.told_in(*range(max(0, draft.reading - 3), draft.reading + 1))
    events = [d.about for d in near if d.kind == "adverse_event" and d.about is not None]
    harmed = [d for d in events if d.kind == "condition"]
    return harmed[-1] if stops and harmed and not _replaces(story, draft) else None
