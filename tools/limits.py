"""Choose from which confidence on the tagger adds to the tables, on documents it has not seen.

Usage: python tools/limits.py CORPUS... --folds FOLDER

FOLDER is what `tools/tagger.py CORPUS... -o FOLDER --folds N` wrote. What the weights of a fold
propose on its own documents is held against their annotation, and the limit of each kind is the
confidence from which on what they add does F1 good: where it is right more often than WORTH. Each
fold takes its limits from the other folds, so that no document has a say in what is done with it;
the limits from all folds are printed, for the recipes of tools/tagger.py.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from fhirconv.extractors.lexicon import Lexicon
from fhirconv.extractors.proposing import Proposer
from fhirconv.extractors.reading import readings
from fhirconv.tables import built_in

sys.path.insert(0, str(Path(__file__).parent))
from annotated import Annotated, kinds_of
from tagger import CHOSEN, LEAST, RECIPES, read_corpora

WORTH = 0.45  # a proposal that is right less often than half of F1 lowers it; and a little more
STEP = 0.05


class Judged(NamedTuple):
    """A proposal on a document that its model has not seen."""

    kind: str
    confidence: float
    right: bool  # annotated as something of its kind


def main() -> None:
    """Write the limits of each fold, and print those of all."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("corpora", nargs="+", type=Path)
    parser.add_argument("--folds", required=True, type=Path)
    wish = parser.parse_args()
    listed = read_corpora(wish.corpora)
    cards = sorted(wish.folds.glob("*/tagger.json"))
    judged = [of_fold(listed, card) for card in cards]
    for number, card in enumerate(cards):
        rewrite(card, limits(j for n, fold in enumerate(judged) if n != number for j in fold))
    together = [j for fold in judged for j in fold]
    for kind, limit in limits(together).items():
        taken = [j.right for j in together if j.kind == kind and j.confidence >= limit]
        sys.stdout.write(f"{kind} {limit}: {sum(taken)} of {len(taken)} right\n")


def of_fold(listed: Iterable[Annotated], card: Path) -> list[Judged]:
    """Return what the weights of a fold propose on the documents that they have not seen."""
    rewrite(card, {})
    left = {tuple(one) for one in json.loads(card.read_text(encoding="utf-8"))["left"]}
    chosen = [one for one in listed if (one.corpus, one.document) in left]
    return list(proposals(chosen, card.parent))


def proposals(listed: Iterable[Annotated], folder: Path) -> Iterator[Judged]:
    """Yield what the weights of a folder add to what the tables find."""
    lexicon = Lexicon.of(built_in())
    propose = Proposer.of(lexicon, folder)
    for one in listed:
        spans = {name: one.of(kinds_of(built_in(), one.corpus, name)) for name in RECIPES}
        for reading in readings(one.report, lexicon, propose):
            for mention in (m for m in reading.mentions if m.confidence):
                name = mention.origin.removeprefix("tagger:")
                recipe = RECIPES[name]
                if mention.kind not in recipe.alone or one.corpus not in recipe.corpora:
                    continue  # no kind that a limit is for, or not annotated there
                group = next(g for g in recipe.groups if mention.kind in g)
                right = any(
                    start < mention.end and mention.start < end and kind in group
                    for start, end, kind in spans[name]
                )
                yield Judged(mention.kind, mention.confidence, right)


def limits(judged: Iterable[Judged]) -> dict[str, float]:
    """Return the confidence of each kind from which on what is added is worth it."""
    listed = list(judged)
    steps = [round(LEAST + n * STEP, 2) for n in range(round((1 - LEAST) / STEP))]
    return {
        kind: max(reversed(steps), key=lambda limit: gain(listed, kind, limit)) for kind in CHOSEN
    }


def gain(judged: Sequence[Judged], kind: str, limit: float) -> float:
    """Return what the proposals of a kind are worth from a limit on."""
    return sum(j.right - WORTH for j in judged if j.kind == kind and j.confidence >= limit)


def rewrite(path: Path, chosen: dict[str, float]) -> None:
    """Write limits into the card of a fold."""
    card: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    for model in card["models"].values():
        kinds = [kind for group in model["groups"] for kind in group]
        model["alone"] = {kind: limit for kind, limit in chosen.items() if kind in kinds}
    path.write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
