"""The names of facts once the whole report is read: the fullest name, the order of evidence."""

from typing import Any

from fhirconv.extractors.assertion import Assertion
from fhirconv.extractors.drafts import Draft, Span
from fhirconv.extractors.mentions import Mention
from fhirconv.extractors.story import Scene, Story


def fuller(story: Story) -> None:
    """Let a treatment take the name that explains its abbreviation, wherever that stands."""
    for scene in story.scenes:
        for mention in scene.reading.mentions if scene.reading.generic else ():
            if _explains(mention) and mention.kind in ("procedure", "cells"):
                draft = _known(story, mention)
                if draft is not None:
                    _rename(draft, mention)
                elif mention.kind == "procedure":
                    _presuppose(scene, story, mention)


def _presuppose(scene: Scene, story: Story, mention: Mention) -> None:
    """Add the therapy that a general sentence names, if the patient was given its cells."""
    wording = story.gathering.wording
    for draft in list(story.drafts.of_kind("medication")):
        given = draft.fields.get("agentType") == "cell_product" and draft.told.affirmed
        if given and is_therapy(mention) and wording.same_cells(draft.mentions[0], mention):
            scene.reading.patient = draft.patient
            therapy = story.gathering.add(scene.number, scene.reading, mention, Assertion())
            therapy.fields |= {"presupposed": True, "regimen": True}
            return


def is_therapy(mention: Mention) -> bool:
    """Say whether the last word of a mention is one for a therapy."""
    low = mention.sentence.listed[mention.last - 1].low
    return "therapy" in mention.sentence.lexicon.classes.get(low, ())


def _explains(mention: Mention) -> bool:
    return any(mention.first < n < mention.last for n in mention.sentence.silent)


def _known(story: Story, mention: Mention) -> Draft | None:
    """Return the therapy of the patient that a general sentence names in full."""
    wording = story.gathering.wording
    for draft in story.drafts.of_kind("procedure"):
        same = any(wording.same_cells(mention, m) for m in draft.mentions)
        if same and wording.is_therapy(draft):
            return draft
    return None


def _rename(draft: Draft, mention: Mention) -> None:
    names = draft.fields.pop("alternativeLabels", [])
    del names
    draft.label = mention.label
    draft.mentions.append(mention)
    draft.add_evidence((mention.start, mention.end))


def settle(story: Story) -> None:
    """Put the evidence of each fact in order and take out what only the making needed."""
    for draft in story.drafts:
        draft.fields.pop("diagnostic", None)
        titled = {s for s in draft.evidence if story.titled(s)}
        others = [s for s in draft.evidence if s not in titled]
        if draft.kind in ("medication", "procedure") and others and titled:
            kept = [s for s in titled if _says_outcome(story, draft, s)]
            draft.evidence = [*others, *sorted(kept)]
        elif draft.kind == "status_change" and others:
            draft.evidence = [*others, *sorted(titled)]


def _says_outcome(story: Story, draft: Draft, span: Span) -> bool:
    outcome: dict[str, Any] = draft.fields.get("outcome", {})
    return bool(outcome) and story.gathering.text[span[0] : span[1]] == outcome["text"]


def untangle(story: Story) -> None:
    """Take out the anchors by which a fact would be dated, over others, by itself."""
    for draft in story.drafts:
        time = draft.time or {}
        if "anchors" in time:
            time["anchors"] = [a for a in time["anchors"] if not _leads_to(a["fact"], draft)]
            if not time["anchors"]:
                del time["anchors"]


def _leads_to(start: Draft, target: Draft) -> bool:
    """Say whether the anchors from one fact on lead to another."""
    seen: set[int] = set()
    waiting = [start]
    while waiting:
        draft = waiting.pop()
        if draft is target:
            return True
        if id(draft) not in seen:
            seen.add(id(draft))
            waiting += [a["fact"] for a in (draft.time or {}).get("anchors", ())]
    return False
