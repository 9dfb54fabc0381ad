"""The names of facts once the whole report is read: the fullest name, the order of evidence."""

from typing import Any

from fhirconv.extractors.drafts import Draft, Span
from fhirconv.extractors.mentions import Mention
from fhirconv.extractors.story import Story


def fuller(story: Story) -> None:
    """Let a treatment take the name that explains its abbreviation, wherever that stands."""
    for scene in story.scenes:
        for mention in scene.reading.mentions:
            if (
                scene.reading.generic
                and _explains(mention)
                and mention.kind in ("procedure", "cells")
            ):
                draft = _known(story, mention)
                if draft is not None:
                    _rename(draft, mention)


def _explains(mention: Mention) -> bool:
    return any(mention.first < n < mention.last for n in mention.sentence.silent)


def _known(story: Story, mention: Mention) -> Draft | None:
    keys = story.gathering.cell_keys(mention)
    for draft in story.drafts:
        if draft.kind != "procedure" or not draft.mentions or not story.gathering.is_therapy(draft):
            continue
        known = frozenset().union(*(story.gathering.cell_keys(m) for m in draft.mentions))
        if known and keys and (keys <= known or known <= keys):
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
        titled = {s for s in draft.evidence if _in_title(story, s)}
        others = [s for s in draft.evidence if s not in titled]
        if draft.kind in ("medication", "procedure") and others and titled:
            kept = [s for s in titled if _says_outcome(story, draft, s)]
            draft.evidence = [*others, *sorted(kept)]
        elif draft.kind == "status_change" and others:
            draft.evidence = [*others, *sorted(titled)]


def _in_title(story: Story, span: Span) -> bool:
    return any(
        s.reading.sentence.part == "title"
        and s.reading.sentence.start <= span[0] < s.reading.sentence.end
        for s in story.scenes
    )


def _says_outcome(story: Story, draft: Draft, span: Span) -> bool:
    outcome: dict[str, Any] = draft.fields.get("outcome", {})
    return bool(outcome) and story.gathering.text[span[0] : span[1]] == outcome["text"]
