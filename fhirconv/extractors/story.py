"""The story of a report: its sentences in order, and the facts that they make."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from fhirconv.extractors.between import Bond, bonds
from fhirconv.extractors.doses import Regime, regimes
from fhirconv.extractors.drafts import Draft, Drafts, Link, Span
from fhirconv.extractors.gathering import Gathering
from fhirconv.extractors.mentions import Mention
from fhirconv.extractors.patients import Patient
from fhirconv.extractors.reading import Reading
from fhirconv.extractors.supplements import supplement
from fhirconv.extractors.times import Time, time_of, times


@dataclass(slots=True)
class Scene:
    """One sentence in the story: its reading, its times, how its treatments are given."""

    number: int
    reading: Reading
    times: list[Time]
    regimes: dict[int, Regime]
    bonds: list[Bond]  # what is said of treatments and problems

    @classmethod
    def of(cls, number: int, reading: Reading) -> "Scene":
        """Return the scene of a sentence."""
        given = regimes(reading)
        supplement(reading, given)
        return cls(number, reading, times(reading), given, bonds(reading))

    def time_of(self, chunk: int) -> Time | None:
        """Return the time of what stands in a chunk."""
        return time_of(self.reading, self.times, chunk)

    def words(self, span: Span) -> str:
        """Return the words of a span."""
        return self.reading.sentence.text[span[0] : span[1]]

    def span(self, first: int, last: int) -> Span:
        """Return the offsets of chunks[first:last] of the sentence."""
        chunks = self.reading.sentence.chunks
        return self.reading.sentence.span(chunks[first].first, chunks[last - 1].last)


@dataclass(slots=True)
class Story:
    """What has been told so far."""

    gathering: Gathering
    patients: dict[int, Patient]
    scenes: list[Scene] = field(default_factory=list)
    linked: dict[tuple[str, int, int], Link] = field(default_factory=dict)
    titles: list[Span] = field(default_factory=list)  # the sentences of the title
    events: dict[int, Draft] = field(default_factory=dict)  # by the identity of their problem
    harms: set[int] = field(default_factory=set)  # what came of a treatment, by identity
    diagnosed: list[Draft] = field(default_factory=list)  # in the order of the sentences

    @property
    def drafts(self) -> Drafts:
        """The facts so far."""
        return self.gathering.drafts

    @property
    def links(self) -> list[Link]:
        """The relations so far."""
        return list(self.linked.values())

    def unlink(self, source: Draft, types: frozenset[str], basis: str = "") -> None:
        """Take back the relations of some types that begin at a fact."""
        for key, known in list(self.linked.items()):
            if known.source is source and known.type in types and basis in ("", known.basis):
                del self.linked[key]

    def of(self, mention: Mention) -> Draft | None:
        """Return the fact of a mention; None where it made none."""
        return self.gathering.of.get(id(mention))

    def add(self, draft: Draft, reading: Reading, number: int) -> Draft:
        """Add a fact that no single mention makes."""
        draft.reading = number
        draft.patient = reading.patient
        self.drafts.add(draft)
        return draft

    def note_harms(self, scene: Scene) -> None:
        """Note the problems of a sentence that it says came of a treatment."""
        for bond in scene.bonds:
            harm = self.of(bond.problem)
            if bond.row["type"] == "event" and harm is not None:
                self.harms.add(id(harm))

    def link(self, link: Link) -> None:
        """Add a relation; of the same between the same facts, one from the case counts."""
        key = (link.type, id(link.source), id(link.target))
        known = self.linked.get(key)
        if known is None and link.source is not link.target:
            self.linked[key] = link
        elif known is not None and self.titled(known.span) and not self.titled(link.span):
            known.span = link.span

    def titled(self, span: Span) -> bool:
        """Say whether words stand in the title."""
        return any(start <= span[0] < end for start, end in self.titles)

    def conditions(self, patient: int) -> Iterator[Draft]:
        """Yield the conditions that a patient has."""
        for draft in self.drafts.of_kind("condition"):
            if draft.patient == patient and draft.told.affirmed:
                yield draft

    def index_condition(self, patient: int) -> Draft | None:
        """Return the disease that a report is about: of its title, else the first that lasts."""
        named = (d for d in self.gathering.titled if d.patient == patient and _lasts(d))
        titled = next((d for d in named if id(d) not in self.harms), None)
        if titled is not None:
            return titled
        harmed = None
        for draft in self.conditions(patient):
            if _lasts(draft) and id(draft) not in self.harms:
                return draft
            harmed = harmed or (draft if _lasts(draft) else None)
        return harmed

    def part(self, number: int) -> str:
        """Return the kind of section that a sentence stands in."""
        return self.scenes[number].reading.sentence.part if number < len(self.scenes) else ""

    def treatments(self, patient: int) -> Iterator[Draft]:
        """Yield what was given to or done for a patient."""
        return (d for d in self.drafts.treatments if d.patient == patient)

    def index_treatment(self, patient: int) -> Draft | None:
        """Return the therapy that a report is about: of its title, else the first given."""
        given = (d for d in self.treatments(patient) if _lasts(d))
        listed = [d for d in given if d.fields.get("diagnostic") is None]
        titled = [d for d in listed if self.part(d.reading) == "title"]
        regimens = [d for d in listed if d.fields.get("regimen")]
        return next(iter(titled or regimens or listed), None)


def _lasts(draft: Draft) -> bool:
    """Say whether a fact is told of the patient's present."""
    return draft.told.affirmed and draft.told.temporality == "current"


def anchors(target: Draft, relation: str, offset: dict[str, Any] | None) -> dict[str, Any]:
    """Return an anchor of a time: the fact, the relation to it, the distance."""
    found: dict[str, Any] = {"fact": target, "relation": relation}
    return found | {"offset": offset} if offset else found


def completed(target: Draft) -> bool:
    """Say whether 'after' something means after its end."""
    if target.kind == "procedure":
        return True
    if target.kind != "medication":
        return False
    counted = "count" in (target.time or {}).get("schedule", {})
    return counted or target.fields.get("agentType") in ("cell_product", "drug_class")


def relative(time: Time, target: Draft, words: str) -> dict[str, Any]:
    """Return a time that is relative to a fact, as a time of the facts document."""
    relation = time.relation
    if relation == "after" and completed(target):
        relation = "after-end"
    if relation == "before" and target.kind in ("medication", "procedure"):
        relation = "before-start"
    found: dict[str, Any] = {"kind": "relative"}
    if words:
        found["text"] = words
    return found | {"anchors": [anchors(target, relation, time.offset)]}


def last_problems(story: Story, number: int) -> list[Draft]:
    """Return the problem that was spoken of last: an adverse event's before others."""
    near = [d for d in story.drafts.told_in(number - 2, number - 1, number) if d.told.affirmed]
    events = [d.about for d in near if d.kind == "adverse_event" and d.about is not None]
    if events:
        last = max(d.reading for d in near if d.kind == "adverse_event")
        return [d.about for d in near if d.kind == "adverse_event" and d.reading == last][:1]
    return [d for d in near if d.kind == "condition"][-1:]
