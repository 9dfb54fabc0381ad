"""Relations: what treats what, what is part of what, what followed what, what came of it."""

from collections.abc import Iterator
from itertools import pairwise

from fhirconv.extractors import products, reasons
from fhirconv.extractors.between import Bond
from fhirconv.extractors.clauses import main_verb
from fhirconv.extractors.drafts import Draft, Link, Span
from fhirconv.extractors.mentions import Mention
from fhirconv.extractors.story import Scene, Story, last_problems
from fhirconv.extractors.timing import target_of

TREATED = frozenset(("medication", "procedure"))
BETTER = frozenset(("improved", "disappeared", "decreased"))


def tell(scene: Scene, story: Story) -> None:
    """Add the relations that a sentence states."""
    if scene.reading.generic or not scene.reading.patient:
        return
    for bond in scene.bonds:
        if bond.row["type"] == "treats":
            _treats(story, bond)
    _because(scene, story)
    _recipients(scene, story)
    _pronouns(scene, story)
    _followed(scene, story)
    _outcomes(scene, story)


def _treats(story: Story, bond: Bond) -> None:
    """Add that a treatment is for a problem."""
    treatment, problem = story.of(bond.treatment), story.of(bond.problem)
    if treatment is None or problem is None or problem.kind != "condition":
        return
    if "absent" in (problem.told.polarity, treatment.told.polarity):
        return
    if problem.told.temporality == "historical" and treatment.told.temporality == "current":
        return
    if problem.told.scope != "patient" or treatment.told.scope != "patient":
        return
    starts = [a for a, b in treatment.evidence if a <= bond.treatment.start < b]
    start = min([*starts, bond.treatment.start, bond.problem.start])
    end = max(bond.treatment.end, bond.problem.end)
    story.link(Link("treats", treatment, problem, (start, end)))


def _because(scene: Scene, story: Story) -> None:
    """X due to Y: a condition and the condition that caused it."""
    sentence = scene.reading.sentence
    known = [m for m in scene.reading.mentions if m.kind in ("condition", "finding")]
    for one, two in pairwise(known):
        gap = sentence.listed[one.last : two.first]
        match = (
            sentence.lexicon.phrases("cause-words").at(sentence.listed, one.last) if gap else None
        )
        if match is None or match.last < two.first - 1:
            continue
        effect, cause = story.of(one), story.of(two)
        if (
            effect is None
            or cause is None
            or effect.kind != "condition"
            or cause.kind != "condition"
        ):
            continue
        if effect.told.affirmed and cause.told.affirmed:
            words = scene.words(sentence.span(match.first, match.last))
            span = (one.start, two.end)
            story.link(Link("caused_by", effect, cause, span, True, "stated", words))


def _recipients(scene: Scene, story: Story) -> None:
    """Let 'we administered X to a patient who relapsed' treat the disease that relapsed."""
    for draft in _treated(scene, story):
        disease = story.index_condition(draft.patient)
        for start, end in draft.evidence:
            told = story.drafts.of_kind("status_change")
            inside = [d for d in told if any(start < a < end <= b for a, b in d.evidence)]
            if inside and disease is not None and draft.kind in TREATED:
                story.link(Link("treats", draft, inside[0].fields["of"], (start, end)))


def _pronouns(scene: Scene, story: Story) -> None:
    """Let 'it was treated with X' treat the problem that was spoken of last."""
    sentence = scene.reading.sentence
    for clause in scene.reading.clauses:
        if clause.verb < 0 or clause.subject >= clause.verb:
            continue
        row = sentence.lexicon.meanings.get(main_verb(sentence, clause.verb)[0], {})
        subject = sentence.listed[sentence.chunks[clause.subject].first].low
        if row.get("meaning") != "treat" or subject not in ("it", "this", "they"):
            continue
        for mention in scene.reading.mentions:
            draft = story.of(mention)
            if not clause.verb < mention.chunk < clause.last or draft is None:
                continue
            for problem in last_problems(story, scene.number):
                if draft.kind in TREATED and problem.kind == "condition":
                    span = (scene.span(clause.subject, clause.subject + 1)[0], mention.end)
                    story.link(Link("treats", draft, problem, span))


def _treated(scene: Scene, story: Story) -> Iterator[Draft]:
    for mention in scene.reading.mentions:
        draft = story.of(mention)
        if draft is not None and draft.kind in TREATED and draft.told.affirmed:
            yield draft


def short_end(mention: Mention) -> int:
    """Return where a treatment ends without what 'of' adds: adoptive transfer (of cells)."""
    if mention.agent is None or mention.agent[0] == mention.first:
        return mention.end
    sentence = mention.sentence
    return sentence.span(*sentence.chunks[mention.chunk][1:])[1]


def _followed(scene: Scene, story: Story) -> None:
    """A followed by B: B comes after the end of A."""
    sentence = scene.reading.sentence
    known = [m for m in scene.reading.mentions if (d := story.of(m)) and d.kind in TREATED]
    for one, two in pairwise(known):
        gap = [w.low for w in sentence.listed[one.last : two.first]]
        first, second = story.of(one), story.of(two)
        if first is None or second is None or "followed" not in gap or "by" not in gap:
            continue
        span = (one.start, short_end(two))
        story.link(Link("followed_by", first, second, span))
        plain = (two.start, two.end)
        second.evidence = [(one.start, two.end) if s == plain else s for s in second.evidence]
        if (second.time or {}).get("kind", "unknown") == "unknown":
            anchor = {"fact": first, "relation": "after-end"}
            second.time = {"kind": "relative", "text": scene.words(span), "anchors": [anchor]}


def _outcomes(scene: Scene, story: Story) -> None:
    """Let a remission after a therapy be its outcome, and the therapy treat the disease."""
    for draft in story.drafts.of_kind("status_change"):
        if not draft.told.affirmed or not _told(scene, draft):
            continue
        if draft.fields["status"] in ("remission", "response"):
            _remission(scene, story, draft)
        elif draft.fields["status"] == "relapse":
            _relapse(scene, story, draft)


def _told(scene: Scene, draft: Draft) -> bool:
    """Say whether a sentence tells of a fact."""
    sentence = scene.reading.sentence
    return any(sentence.start <= a < sentence.end for a, _ in draft.evidence)


def _mentions_in_time(scene: Scene, story: Story, draft: Draft) -> Iterator[tuple[Mention, Draft]]:
    """Yield the treatments in the words of the time of a fact."""
    text = (draft.time or {}).get("text", "")
    spans = [t.span for t in scene.times if text and scene.words(t.span) == text]
    for mention in scene.reading.mentions:
        found = story.of(mention)
        if found is None or found.kind not in TREATED:
            continue
        if any(a <= mention.start and mention.end <= b + 12 for a, b in spans):
            yield mention, found


def _remission(scene: Scene, story: Story, draft: Draft) -> None:
    start = _verb_start(scene, draft)
    span: Span | None = None
    last: Draft | None = None
    for mention, treatment in _mentions_in_time(scene, story, draft):
        span, last = (min(start, mention.start), short_end(mention)), treatment
        if mention.start < start:
            span = (mention.start, draft.evidence[0][1])
        story.link(Link("treats", treatment, draft.fields["of"], span))
    for mention, treatment in _causes(scene, story, draft):
        span, last = (mention.start, draft.evidence[0][1]), treatment
        story.link(Link("treats", treatment, draft.fields["of"], span))
    if span is not None and last is not None:
        story.link(Link("outcome_of", draft, last, span))


def _causes(scene: Scene, story: Story, draft: Draft) -> Iterator[tuple[Mention, Draft]]:
    """Yield the treatments that led to a status: X led to remission."""
    sentence = scene.reading.sentence
    for clause in scene.reading.clauses:
        if clause.verb < 0 or main_verb(sentence, clause.verb)[0] not in sentence.lexicon.effects:
            continue
        start, end = scene.span(clause.verb, clause.last)
        if not any(start <= a < end or a <= start < b for a, b in draft.evidence):
            continue
        for mention in scene.reading.mentions:
            found = story.of(mention)
            if clause.subject <= mention.chunk < clause.verb and found and found.kind in TREATED:
                yield mention, found


def _verb_start(scene: Scene, draft: Draft) -> int:
    """Return where the verb of the clause that tells a status begins."""
    start, end = draft.evidence[0]
    for clause in scene.reading.clauses:
        if clause.verb >= 0:
            first = scene.span(clause.verb, clause.verb + 1)[0]
            if start <= first < end:
                return first
    return start


def _relapse(scene: Scene, story: Story, draft: Draft) -> None:
    """Infer that what a disease relapsed after had been done for it."""
    for mention, treatment in _mentions_in_time(scene, story, draft):
        if treatment.told.temporality == "current" and treatment.reading <= scene.number:
            treatment.told.temporality = "historical"
            if "product" in treatment.fields:
                treatment.fields["product"].told.temporality = "historical"
        start = draft.evidence[-1][0]
        end = max(mention.end, draft.evidence[-1][1])
        link = Link("treats", treatment, draft.fields["of"], (start, end), False, "inferred")
        story.link(link)


def close(story: Story) -> None:
    """Add what only the whole story shows: parts of regimens, outcomes, inferred reasons."""
    _parts(story)
    _components(story)
    for draft in story.drafts.of_kind("finding"):
        if draft.fields.get("trend") in BETTER and draft.told.affirmed:
            _outcome_of(story, draft)
    _whole(story)
    _inherit(story)
    reasons.infer(story)


def _parts(story: Story) -> None:
    """Let the named components of a regimen be parts of it: IL-2 and LAK of IL-2/LAK therapy."""
    for regimen in story.drafts.of_kind("procedure"):
        if not regimen.fields.get("regimen"):
            continue
        for keys in story.gathering.wording.components(regimen):
            for draft in story.treatments(regimen.patient):
                if draft.kind == "medication" and keys and keys <= _names(story, draft):
                    mention = regimen.mentions[0]
                    link = Link("part_of", draft, regimen, (mention.start, mention.end))
                    story.link(link)


def _names(story: Story, draft: Draft) -> frozenset[str]:
    """Return the keys of all words by which a treatment is known."""
    return story.gathering.wording.wide(draft)


def _components(story: Story) -> None:
    """Let an infusion of cells be part of the therapy with these cells."""
    wording = story.gathering.wording
    for draft in story.drafts.of_kind("medication"):
        if draft.fields.get("agentType") != "cell_product" or not draft.told.affirmed:
            continue
        for therapy in story.treatments(draft.patient):
            if therapy.kind != "procedure" or not therapy.mentions or not draft.mentions:
                continue
            if wording.is_therapy(therapy) and wording.has_cells(draft.mentions[0], therapy):
                therapy.fields["regimen"] = True
                story.link(Link("part_of", draft, therapy, draft.evidence[0]))
                _share(draft, therapy)


def _share(draft: Draft, therapy: Draft) -> None:
    """Give a therapy the product and schedule of its infusions, and the product its name."""
    product = draft.fields.get("product")
    if product is not None:
        therapy.fields.setdefault("product", product)
        products.rename(product, draft, therapy)
    if (draft.time or {}).get("kind") == "schedule" and (therapy.time or {}).get(
        "kind"
    ) != "schedule":
        therapy.time = dict(draft.time or {})


def _outcome_of(story: Story, draft: Draft) -> None:
    """Let what got better after a therapy be its outcome."""
    anchors = (draft.time or {}).get("anchors", [])
    target = anchors[0]["fact"] if anchors else None
    if target is None or target.kind not in TREATED or anchors[0]["relation"].startswith("before"):
        return
    span = _value_span(story, draft)
    story.link(Link("outcome_of", draft, target, span))


def _value_span(story: Story, draft: Draft) -> Span:
    text = draft.fields["value"].get("text", "")
    start, end = draft.evidence[0]
    at = story.gathering.text.find(text, start, end) if text else -1
    return (at, at + len(text)) if at >= 0 else (start, end)


def _whole(story: Story) -> None:
    """Let the outcome of a part be the outcome of its regimen."""
    whole = {link.source: link.target for link in story.links if link.type == "part_of"}
    for link in story.links:
        if link.type == "outcome_of" and link.target in whole:
            link.target = whole[link.target]


def _inherit(story: Story) -> None:
    """Let a part of a regimen treat what the regimen treats, if nothing says what it treats."""
    treating = {link.source for link in story.links if link.type == "treats"}
    for part in [link for link in story.links if link.type == "part_of"]:
        if part.source in treating:
            continue
        for link in list(story.links):
            if link.type == "treats" and link.source is part.target:
                span = _time_span(story, part.source)
                story.link(Link("treats", part.source, link.target, span))


def _time_span(story: Story, draft: Draft) -> Span:
    """Return the words of the time that a treatment stands in: After eight sessions of X."""
    start, end = draft.evidence[0]
    if draft.reading < len(story.scenes):
        for time in story.scenes[draft.reading].times:
            if time.span[0] <= start and end <= time.span[1]:
                return time.span
    return start, end


__all__ = ["close", "short_end", "target_of", "tell"]
