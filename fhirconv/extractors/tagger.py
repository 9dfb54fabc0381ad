"""Proposals of a sentence that a trained model proposes, each with its kind and how sure it is."""

import json
import lzma
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from fhirconv.extractors.chunks import Proposal
from fhirconv.extractors.features import Features

WEIGHTS = Path(__file__).parent / "weights"
CARD = "tagger.json"
BEGIN, INSIDE, OUTSIDE = "B-", "I-", "O"


class Group(NamedTuple):
    """Kinds that are sure together (conditions and findings): the surest names the span."""

    kinds: tuple[str, ...]
    least: float  # the least that their words must be
    begins: tuple[str, ...]  # the labels of the model for the first word
    inside: tuple[str, ...]  # and for those behind it


@dataclass(frozen=True, slots=True)
class Model:
    """A trained model: the kinds that it proposes in groups, and from which confidence on."""

    name: str
    tagger: Any = field(repr=False)
    least: Mapping[str, float]  # the least confidence of a span of a kind
    alone: Mapping[str, float]  # the same where no table found anything in its words
    groups: tuple[Group, ...]
    data: bytes = field(default=b"", repr=False)  # CRFsuite reads it where it lies: kept alive

    def spans(self, items: Any, size: int) -> list[Proposal]:
        """Return the spans that are sure enough of a sentence of so many words, group by group."""
        self.tagger.set(items)
        outside = 1 - min(group.least for group in self.groups)
        marginal = self.tagger.marginal
        places = [place for place in range(size) if marginal(OUTSIDE, place) <= outside]
        found = [span for group in self.groups for span in self._of_group(places, group)]
        return [span for span in found if span.confidence >= self.least[span.kind]]

    def _of_group(self, places: Sequence[int], group: Group) -> list[Proposal]:
        """Return the runs of words that belong to kinds of one group."""
        found: list[Proposal] = []
        first = before = -1
        for place in (*places, -1):
            begins, inside = self._sure(group, place) if place >= 0 else (0.0, 0.0)
            ends = begins + inside < group.least
            if first >= 0 and (ends or begins > inside or place != before + 1):
                found.append(self._span(group, first, before + 1))
                first = -1
            if first < 0 and not ends:
                first = place
            before = place
        return found

    def _sure(self, group: Group, place: int) -> tuple[float, float]:
        """Return how sure it is that a span begins at a word, and that it goes on there."""
        marginal = self.tagger.marginal
        begins = sum([marginal(label, place) for label in group.begins])
        return begins, sum([marginal(label, place) for label in group.inside])

    def _span(self, group: Group, first: int, last: int) -> Proposal:
        """Return a span with its surest kind."""
        sure = dict.fromkeys(group.kinds, 0.0)
        for label in (*group.begins, *group.inside):
            kind = label.removeprefix(BEGIN).removeprefix(INSIDE)
            sure[kind] += sum(self.tagger.marginal(label, n) for n in range(first, last))
        mean = sum(sure.values()) / (last - first)
        return Proposal(max(sure, key=lambda k: sure[k]), first, last, round(min(mean, 1), 2))


def missing(folder: Path = WEIGHTS) -> str:
    """Say what the tagger lacks to run here; '' where it can."""
    if find_spec("pycrfsuite") is None:
        return "the package python-crfsuite is not installed"
    return "" if (folder / CARD).is_file() else f"its weights are not there: {folder}"


def version(folder: Path = WEIGHTS) -> str:
    """Return the name of the weights: the beginning of the digest of their bytes."""
    return f"tagger {_card(folder)['digest']}"


@cache
def models(folder: Path = WEIGHTS) -> tuple[Model, ...]:
    """Return the trained models of a folder, read once; only where nothing is `missing`."""
    from pycrfsuite import Tagger

    found = []
    for name, told in _card(folder)["models"].items():
        tagger, data = Tagger(), lzma.decompress((folder / told["file"]).read_bytes())
        tagger.open_inmemory(data)
        groups = tuple(_group(kinds, told["least"], tagger.labels()) for kinds in told["groups"])
        found.append(Model(name, tagger, told["least"], told["alone"], groups, data))
    return tuple(found)


def _group(kinds: Sequence[str], least: Mapping[str, float], labels: Sequence[str]) -> Group:
    """Return kinds as a group, with those of their labels that the model has learned."""
    begins, inside = (
        tuple(mark + kind for kind in kinds if mark + kind in labels) for mark in (BEGIN, INSIDE)
    )
    return Group(tuple(kinds), min(least[kind] for kind in kinds), begins, inside)


def items_of(features: Sequence[Features]) -> Any:
    """Return the features of words as the models take them, made once for all of them."""
    from pycrfsuite import ItemSequence

    return ItemSequence(features)


@cache
def _card(folder: Path) -> dict[str, Any]:
    card: dict[str, Any] = json.loads((folder / CARD).read_text(encoding="utf-8"))
    return card
