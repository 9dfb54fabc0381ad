"""Spans of sentences that trained models propose, each with its kind and how sure it is."""

import lzma
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from fhirconv.extractors.chunks import Proposal
from fhirconv.extractors.fields import likelihoods
from fhirconv.extractors.weighing import Weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

WEIGHTS = Path(__file__).parent / "weights"
CARD = "tagger.json"
BEGIN, INSIDE, OUTSIDE = "B-", "I-", "O"


class Group(NamedTuple):
    """Kinds that are sure together (conditions and findings): the surest names the span."""

    kinds: tuple[str, ...]
    least: float  # the least that their words must be
    begins: list[int]  # the labels of the model for the first word
    inside: list[int]  # and for those behind it
    of: tuple[list[int], ...]  # the labels of each kind


@dataclass(frozen=True, slots=True)
class Model:
    """A trained model: the kinds that it proposes in groups, and from which confidence on."""

    name: str
    columns: slice  # of the scores: its labels
    moves: "Array" = field(repr=False)
    groups: tuple[Group, ...]
    least: Mapping[str, float]  # the least confidence of a span of a kind
    alone: Mapping[str, float]  # the same where no table found anything in its words

    def spans(self, scores: "Array", sizes: Sequence[int]) -> list[list[Proposal]]:
        """Return the spans that are sure enough, of each sentence, group by group.

        scores (words, columns) of sentences one behind the other, which have so many words.
        """
        sure = likelihoods(scores[:, self.columns], sizes, self.moves)
        found: list[list[Proposal]] = [[] for _ in sizes]
        owners = [number for number, size in enumerate(sizes) for _ in range(size)]
        starts = [owners.index(number) for number in range(len(sizes))]
        for group in self.groups:
            for first, last in _runs(sure, group, owners):
                number = owners[first]
                span = _span(sure, group, first, last, starts[number])
                if span.confidence >= self.least[span.kind]:
                    found[number].append(span)
        return found


def _runs(sure: "Array", group: Group, owners: Sequence[int]) -> Iterator[list[int]]:
    """Yield the runs of words of one sentence that belong to kinds of a group: first, last."""
    begins, inside = (sure[:, labels].sum(axis=1) for labels in (group.begins, group.inside))
    run: list[int] = []
    for place in (begins + inside >= group.least).nonzero()[0].tolist():
        goes_on = run and run[1] == place and owners[run[0]] == owners[place]
        if goes_on and begins[place] <= inside[place]:
            run[1] = place + 1
            continue
        if run:
            yield run
        run = [place, place + 1]
    if run:
        yield run


def _span(sure: "Array", group: Group, first: int, last: int, start: int) -> Proposal:
    """Return a span with its surest kind; start is where its sentence begins."""
    words = sure[first:last].sum(axis=0)
    sums = [float(words[labels].sum()) for labels in group.of]
    kind = group.kinds[sums.index(max(sums))]
    mean = min(sum(sums) / (last - first), 1.0)
    return Proposal(kind, first - start, last - start, round(mean, 2))


def missing(folder: Path = WEIGHTS) -> str:
    """Say what the tagger lacks to run here; '' where it can."""
    if find_spec("numpy") is None:
        return "the package numpy is not installed"
    return "" if (folder / CARD).is_file() else f"its weights are not there: {folder}"


def version(folder: Path = WEIGHTS) -> str:
    """Return the name of the weights: the beginning of the digest of their bytes."""
    return f"tagger {_card(folder)['digest']}"


@cache
def learned(folder: Path = WEIGHTS) -> tuple[tuple[Model, ...], Weights]:
    """Return the trained models of a folder and their weights, the labels of all side by side.

    They are read once, and only where nothing is `missing`.
    """
    import orjson

    models: list[Model] = []
    weights: dict[str, tuple[list[int], list[float]]] = {}
    width = 0
    for name, told in _card(folder)["models"].items():
        kept = orjson.loads(lzma.decompress((folder / told["file"]).read_bytes()))
        models.append(_model(name, told, kept, width))
        for feature, (columns, values) in kept["weights"].items():
            known = weights.setdefault(feature, ([], []))
            known[0].extend(width + column for column in columns)
            known[1].extend(values)
        width += len(kept["labels"])
    return tuple(models), Weights(weights, width)


def _model(name: str, told: Mapping[str, Any], kept: Mapping[str, Any], first: int) -> Model:
    """Return a model as its card tells and its file keeps it; first is its first column."""
    import numpy as np

    labels = kept["labels"]
    groups = tuple(_group(kinds, told["least"], labels) for kinds in told["groups"])
    columns = slice(first, first + len(labels))
    return Model(name, columns, np.exp(kept["moves"]), groups, told["least"], told["alone"])


def _group(kinds: Sequence[str], least: Mapping[str, float], labels: Sequence[str]) -> Group:
    """Return kinds as a group, with those of their labels that the model has learned."""
    begins, inside = (
        [labels.index(mark + kind) for kind in kinds if mark + kind in labels]
        for mark in (BEGIN, INSIDE)
    )
    of = tuple([n for n, label in enumerate(labels) if label[2:] == kind] for kind in kinds)
    return Group(tuple(kinds), min(least[kind] for kind in kinds), begins, inside, of)


@cache
def _card(folder: Path) -> dict[str, Any]:
    import orjson

    card: dict[str, Any] = orjson.loads((folder / CARD).read_bytes())
    return card
