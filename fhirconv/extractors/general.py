"""What a sentence about nobody in particular says of drugs and diseases: general facts."""

from fhirconv.extractors import adverse
from fhirconv.extractors.assertion import Assertion
from fhirconv.extractors.between import PROBLEMS, Bond
from fhirconv.extractors.drafts import Draft
from fhirconv.extractors.kinds import is_vague, meaning_of
from fhirconv.extractors.mentions import AGENTS, Mention
from fhirconv.extractors.story import Scene, Story

DRUGS = AGENTS - {"cells"}
GIVEN = frozenset(("give", "receive", "treat"))


def tell(scene: Scene, story: Story) -> None:
    """Add the drugs of a general sentence with what they do, as facts about nobody."""
    for bond in scene.bonds:
        ends = bond.treatment.kind in AGENTS and bond.problem.kind in PROBLEMS
        if ends and bond.row["type"] == "event":
            _bound(scene, story, bond)
    _inferred(scene, story)
    told = _is_told(story)
    for mention in scene.reading.mentions:
        given = not told or meaning_of(scene.reading, mention) in GIVEN
        if mention.kind in DRUGS and given and not is_vague(mention):
            _fact(scene, story, mention)


def _is_told(story: Story) -> bool:
    """Say whether a patient was given anything: then what is said in general adds nothing."""
    return any(d.told.scope == "patient" for d in story.drafts.treatments)


def _bound(scene: Scene, story: Story, bond: Bond) -> None:
    """Add a drug and its adverse effect."""
    treatment, problem = _fact(scene, story, bond.treatment), _fact(scene, story, bond.problem)
    span = (bond.problem.start, bond.problem.end)
    event = adverse.event_of(scene, story, problem, problem.label, span)
    adverse.suspect(scene, story, event, treatment, bond if bond.row["basis"] == "stated" else None)


def _inferred(scene: Scene, story: Story) -> None:
    """Add the drugs and their effects that a model sees where no words of the tables bind them."""
    parts = [m for m in scene.reading.mentions if m.part]
    drugs = [m for m in parts if m.kind in AGENTS]
    effects = [m for m in parts if m.kind in PROBLEMS]
    for mention in effects if drugs else ():
        problem = _fact(scene, story, mention)
        for drug in drugs if id(problem) not in story.events else ():
            adverse.infer(scene, story, (mention, problem), _fact(scene, story, drug))


def _fact(scene: Scene, story: Story, mention: Mention) -> Draft:
    known = story.of(mention)
    if known is None:
        story.gathering.regimes = scene.regimes
        told = Assertion(temporality="current", scope="generic")
        known = story.gathering.add(scene.number, scene.reading, mention, told)
    return known
