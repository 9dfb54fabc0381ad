"""What is said of a mention: affirmed, denied, feared, planned; now or earlier; of whom."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fhirconv.extractors.chunks import Sentence
from fhirconv.extractors.clauses import Clause
from fhirconv.extractors.mentions import AGENTS, Mention
from fhirconv.extractors.scope import Scope
from fhirconv.extractors.tries import Match

TREATMENTS = AGENTS | {"procedure", "test"}


@dataclass(slots=True)
class Assertion:
    """The assertion of a mention, and the words of the report that decide it."""

    polarity: str = "present"
    certainty: str = "certain"
    temporality: str = "current"
    scope: str = "patient"
    refuted: bool = False
    relationship: str = ""  # the relative of a family_history, in the words of the report
    cue: str = ""

    @property
    def affirmed(self) -> bool:
        """Whether it is told of the patient as something that was or is so."""
        return (
            self.polarity == "present"
            and self.scope == "patient"
            and self.temporality in ("current", "historical")
            and not self.refuted
        )

    def fields(self) -> dict[str, str]:
        """Return it as the assertion of a fact."""
        return {
            "polarity": self.polarity,
            "certainty": self.certainty,
            "temporality": self.temporality,
            "scope": self.scope,
        }


def assess(
    sentence: Sentence, parts: Sequence[Clause], found: Sequence[Mention]
) -> list[Assertion]:
    """Return the assertion of each mention of a sentence, by the cues around it."""
    told = [Assertion() for _ in found]
    effects = _effects(sentence, parts, found)
    for number, cue in sorted(effects, key=lambda effect: effect[1].entry.kind == "certain"):
        _apply(told[number], cue)
    for one, mention in zip(told, found, strict=True):
        if mention.kind == "event" and _is_none(mention):
            one.polarity = "absent"
    if _is_planned(sentence, parts):
        for one, mention in zip(told, found, strict=True):
            if mention.kind in TREATMENTS:
                one.temporality = "planned"
    if inverted(sentence):
        for one in told:
            one.temporality = "hypothetical"
    return told


def _is_none(mention: Mention) -> bool:
    """Say whether a dash ties a negation to a word: non-recurrence."""
    words = mention.sentence.listed[mention.first : mention.last]
    return len(words) > 1 and words[0].low == "non" and words[1].joint == "-"


def _is_planned(sentence: Sentence, parts: Sequence[Clause]) -> bool:
    """Say whether a phrase without a verb begins with a plan: planned treatment of X with Y."""
    if not sentence.listed or any(part.verb >= 0 for part in parts):
        return False
    first = sentence.lexicon.cues.at(sentence.listed, 0)
    return first is not None and first.entry.kind == "planned"


def inverted(sentence: Sentence) -> bool:
    """Say whether a sentence begins as a condition without 'if': Had sepsis developed, ..."""
    return sentence.tagged[:1] == ["X"] and sentence.listed[0].low in ("had", "should", "were")


def _apply(told: Assertion, cue: Match) -> None:
    kind = cue.entry.kind
    if kind in ("absent", "refused", "refuted"):
        told.polarity = "absent"
        told.refuted = told.refuted or kind == "refuted"
        if told.refuted:
            told.certainty = "certain"
        if kind == "refused" or told.temporality == "planned":
            told.temporality = "current"
        told.cue = cue.entry.text
    elif kind == "certain":
        told.certainty = kind
    elif kind in ("possible", "probable") and not told.refuted:
        told.certainty = kind if told.certainty != "possible" else "possible"
    elif told.polarity == "absent" and kind == "planned":
        return
    elif kind == "hypothetical" or (kind == "planned" and told.temporality != "hypothetical"):
        told.temporality = kind
        told.cue = cue.entry.text
    elif kind == "historical" and told.temporality == "current":
        told.temporality = "historical"
    elif kind == "family":
        told.scope, told.relationship = "family", "family"


def _effects(
    sentence: Sentence, parts: Sequence[Clause], found: Sequence[Mention]
) -> Iterator[tuple[int, Match]]:
    """Yield (number of a mention, cue) for each cue that reaches it."""
    cues = list(_widest(sentence.lexicon.cues.each(sentence.listed, "cancel")))
    scope = Scope(sentence, parts, found, cues)
    for cue in cues:
        if any(m.first <= cue.first and cue.last < m.last for m in found):
            continue  # the name of a symptom: absence of appetite
        if _is_mark(sentence, cue):
            continue  # in case 1, ...
        for row in cue.entry.row["rows"]:
            if row["class"] == "historical" and _is_length(sentence, cue.first):
                continue  # a 3-month history of weight loss is the present complaint
            seen = Match(cue.first, cue.last, cue.entry._replace(kind=row["class"]))
            for number in scope.reached(row["scope"], seen):
                if _fits(row["of"], found[number]):
                    yield number, seen


def _is_mark(sentence: Sentence, cue: Match) -> bool:
    """Say whether the last word of a cue is that of a patient with a number: in case 1."""
    marker = sentence.lexicon.phrases("case-markers").at(sentence.listed, cue.last - 1)
    behind = sentence.tagged[cue.last] if cue.last < len(sentence.tagged) else ""
    return marker is not None and behind == "#" and marker.last == cue.last


def _widest(cues: Iterator[Match]) -> Iterator[Match]:
    """Yield the cues that stand in no wider one: could not (rule out)."""
    free = 0
    for cue in cues:
        if cue.last > free:
            yield cue
            free = cue.last


def _is_length(sentence: Sentence, place: int) -> bool:
    """Say whether a length of time ends right before a place."""
    return place - 1 in sentence.quantified and place not in sentence.quantified


def _fits(of: str, mention: Mention) -> bool:
    return not of or (mention.kind in TREATMENTS) == (of == "treatment")
