"""Facts by tables of terms, shapes and cues."""

from typing import Any

from fhirconv.extractors import (
    adverse,
    conditions,
    courses,
    document,
    encounters,
    general,
    linking,
    naming,
    products,
    remarks,
    statuses,
    treatments,
    values,
)
from fhirconv.extractors.columns import columns
from fhirconv.extractors.gathering import Gathering
from fhirconv.extractors.lexicon import Lexicon
from fhirconv.extractors.owners import owners
from fhirconv.extractors.patients import part_children, part_siblings, patients
from fhirconv.extractors.reading import Reading, expansions, readings
from fhirconv.extractors.shares import parted
from fhirconv.extractors.story import Scene, Story
from fhirconv.report import Report
from fhirconv.tables import Tables

Plain = list[dict[str, Any]]


def extract(report: Report, tables: Tables) -> tuple[Plain, Plain, Plain, Plain]:
    """Return the patients, facts, relations and statements of a report."""
    lexicon = Lexicon.of(tables)
    return told(report, lexicon, readings(report, lexicon))


def told(
    report: Report, lexicon: Lexicon, understood: list[Reading]
) -> tuple[Plain, Plain, Plain, Plain]:
    """Return what the sentences of a report tell, as they are understood."""
    owned = owners(understood)
    tabled = columns(report, lexicon, understood, owned)
    understood, owned = parted(understood, owned)
    understood += tabled.readings
    owned += [reading.patient for reading in tabled.readings]
    for reading, owner in zip(understood, owned, strict=True):
        reading.patient = owner
    part_siblings(understood)
    people = patients(understood, owned)
    tabled.introduce(people)
    part_children(understood, people)
    gathering = Gathering(report.text, expansions(understood), lexicon)
    story = Story(gathering, {p.number: p for p in people})
    for number, reading in enumerate(understood):
        scene = Scene.of(number, reading)
        story.scenes.append(scene)
        if reading.sentence.part == "title":
            story.titles.append((reading.sentence.start, reading.sentence.end))
        _tell(scene, story)
    tabled.measure(story.drafts)
    _close(story)
    quoting = document.Quoting(report, lexicon.parts | lexicon.own_parts)
    document.name(gathering.drafts.listed)
    return (
        [document.person(p, quoting) for p in people],
        [document.plain(d, quoting) for d in gathering.drafts],
        [document.relation(k, quoting) for k in story.links],
        remarks.plain(story.scenes, quoting),
    )


def _tell(scene: Scene, story: Story) -> None:
    """Add what one sentence tells, in the order in which one thing rests on another."""
    story.gathering.take(scene.number, scene.reading, scene.regimes)
    story.note_harms(scene)
    conditions.tell(scene, story)
    treatments.tell(scene, story)
    courses.tell(scene, story)
    statuses.tell(scene, story)
    products.tell(scene, story)
    encounters.tell(scene, story)
    values.tell(scene, story)
    adverse.worsening(scene, story)
    linking.tell(scene, story)
    treatments.outcomes(scene, story)
    treatments.ages(scene, story)
    adverse.tell(scene, story)


def _close(story: Story) -> None:
    """Add what only the whole story shows."""
    naming.fuller(story)
    products.describe(story)
    linking.close(story)
    naming.settle(story)
    naming.untangle(story)
    for scene in story.scenes:
        if scene.reading.generic:
            scene.reading.patient = scene.reading.patient or 1
            general.tell(scene, story)
