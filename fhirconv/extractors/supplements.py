"""How treatments are given, where a model sees it and the tables found nothing."""

from collections.abc import Mapping

from fhirconv.extractors.chunks import Proposal
from fhirconv.extractors.doses import Regime
from fhirconv.extractors.mentions import AGENTS, Mention
from fhirconv.extractors.reading import Reading

DISTANT = frozenset("after before later ago earlier following prior".split())


def supplement(reading: Reading, told: Mapping[int, Regime]) -> None:
    """Give each drug of a sentence the dose, route, frequency or duration that a model sees."""
    named = [m for m in reading.mentions if m.kind in AGENTS - {"cells"} and id(m) in told]
    for found in reading.sentence.proposed if named else ():
        near = min(named, key=lambda m: _distance(m, found))
        regime, name = told[id(near)], f"{found.kind}Text"
        if name not in regime.fields and _fits(reading, found):
            start, end = reading.sentence.span(found.first, found.last)
            regime.fields[name] = reading.sentence.text[start:end]
            regime.modelled.append(name)


def _distance(mention: Mention, found: Proposal) -> int:
    """Return how many words stand between a drug and what may be said of it."""
    return max(mention.first - found.last, found.first - mention.last, 0)


def _fits(reading: Reading, found: Proposal) -> bool:
    """Say whether words may be what a model holds them for.

    A dose has an amount (20 mg, high-dose; not twice-weekly); two weeks later is no duration.
    """
    listed, lexicon = reading.sentence.listed, reading.sentence.lexicon
    if found.kind == "duration":
        return all(w.low not in DISTANT for w in listed[found.last : found.last + 1])
    amounts = lexicon.phrases("amounts", "class")
    return found.kind != "dose" or any(
        listed[n].text[0].isdigit() or amounts.at(listed, n) is not None
        for n in range(found.first, found.last)
    )
