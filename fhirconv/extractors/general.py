"""What a sentence about nobody in particular says of drugs and diseases: general facts."""

from fhirconv.extractors import adverse
from fhirconv.extractors.assertion import Assertion
from fhirconv.extractors.between import PROBLEMS, Bond
from fhirconv.extractors.drafts import Draft
from fhirconv.extractors.kinds import meaning_of
from fhirconv.extractors.mentions import AGENTS, Mention
from fhirconv.extractors.story import Scene, Story

GIVEN = frozenset(("give", "receive", "treat"))


def tell(scene: Scene, story: Story) -> None:
    """Add the drugs of a general sentence with what they do, as facts about nobody."""
    for bond in scene.bonds:
        ends = bond.treatment.kind in AGENTS and bond.problem.kind in PROBLEMS
        if ends and bond.row["type"] == "event":
            _bound(scene, story, bond)
    for mention in scene.reading.mentions:
        if mention.kind in AGENTS and meaning_of(scene.reading, mention) in GIVEN:
            _fact(scene, story, mention)


def _bound(scene: Scene, story: Story, bond: Bond) -> None:
    """Add a drug and its adverse effect."""
    treatment, problem = _fact(scene, story, bond.treatment), _fact(scene, story, bond.problem)
    span = (bond.problem.start, bond.problem.end)
    event = adverse.event_of(scene, story, problem, problem.label, span)
    adverse.suspect(scene, story, event, treatment, bond if bond.row["basis"] == "stated" else None)


def _fact(scene: Scene, story: Story, mention: Mention) -> Draft:
    told = Assertion(temporality="current", scope="generic")
    return story.of(mention) or story.gathering.add(scene.number, scene.reading, mention, told)
