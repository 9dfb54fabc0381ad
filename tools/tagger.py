"""Train the tagger: write fhirconv/extractors/weights/ from annotated reports and sentences.

Usage: python tools/tagger.py CORPUS... [-o FOLDER] [--leave K/N]

CORPUS is a folder of brat (NAME.txt, NAME.ann) or a folder or file of events in JSON lines.
mappings/extract/tagger-labels.csv says which of their labels are learned, and as what. The same
corpora and tables give the same bytes. --leave 0/5 leaves out each fifth document, beginning
with the first: weights for a test on what they have not seen.
"""

import argparse
import hashlib
import json
import lzma
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pycrfsuite

from fhirconv.extractors.features import Eye, Features
from fhirconv.extractors.lexicon import Lexicon
from fhirconv.extractors.reading import Reading, readings
from fhirconv.extractors.tagger import BEGIN, INSIDE, OUTSIDE, WEIGHTS
from fhirconv.tables import built_in

sys.path.insert(0, str(Path(__file__).parent))
from annotated import Annotated, brat, events, kinds_of

Sequences = Iterator[tuple[list[Features], list[str]]]


class Recipe(NamedTuple):
    """From what a model is trained and how, what it proposes, and from which confidence on."""

    corpora: tuple[str, ...]
    groups: list[list[str]]  # kinds of one group are told apart after their span is found
    least: dict[str, float]
    alone: dict[str, float]  # the same where no table finds anything in its words
    settings: dict[str, Any]


SETTINGS = {
    "c1": 0.15,
    "c2": 0.1,
    "max_iterations": 100,
    "feature.minfreq": 3,
    "feature.possible_transitions": False,
}
LEAST = 0.4  # from here on a span is sure enough; chosen on documents that were left out
RECIPES = {
    "reports": Recipe(
        ("brat",),
        [["condition", "finding"], ["procedure"]],
        {"condition": 0.5, "finding": 0.6, "procedure": 0.5},
        {},
        SETTINGS,
    ),
    "treatments": Recipe(
        ("brat", "phee"),
        [["drug"], ["effect"], ["dose"], ["route"], ["frequency"], ["duration"]],
        dict.fromkeys(("drug", "effect", "dose", "route", "frequency", "duration"), LEAST)
        | {"effect": 0.6},
        {"drug": 0.7},
        SETTINGS,
    ),
}


def main() -> None:
    """Train the models of the corpora and write their weights."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("corpora", nargs="+", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=WEIGHTS)
    parser.add_argument("--leave", default="", metavar="K/N")
    parser.add_argument("--models", default="", help="only these, with commas between")
    wish = parser.parse_args()
    listed = read_corpora(wish.corpora)
    if wish.leave:
        listed = left(listed, wish.leave)
    wish.output.mkdir(parents=True, exist_ok=True)
    told, digest = {}, hashlib.sha256()
    for name in wish.models.split(",") if wish.models else RECIPES:
        chosen = [a for a in listed if a.corpus in RECIPES[name].corpora]
        if chosen:
            data = train(sequences(chosen, name), RECIPES[name].settings)
            (wish.output / f"{name}.crf.xz").write_bytes(data)
            digest.update(data)
            told[name] = card(name, chosen)
            sys.stderr.write(f"{name}: {told[name]['documents']} documents, {len(data):,} bytes\n")
    text = json.dumps({"digest": digest.hexdigest()[:12], "models": told}, indent=1) + "\n"
    (wish.output / "tagger.json").write_text(text, encoding="utf-8")


def read_corpora(paths: Sequence[Path]) -> list[Annotated]:
    """Return the annotated texts of folders and files."""
    found: list[Annotated] = []
    for path in paths:
        files = sorted(path.glob("*.json")) if path.is_dir() else [path]
        if path.is_dir() and any(path.glob("*.ann")):
            found += brat(path, built_in())
        elif files and files[0].is_file():
            for file in files:
                found += events(file, built_in())
        else:
            raise SystemExit(f"there is no annotated text: {path}")
    return found


def left(listed: list[Annotated], leave: str) -> list[Annotated]:
    """Return what is left when a fold of the documents is left out: 0/5 the first of five."""
    number, folds = map(int, leave.split("/"))
    names = sorted({(a.corpus, a.document) for a in listed})
    kept = {name for n, name in enumerate(names) if n % folds != number}
    return [a for a in listed if (a.corpus, a.document) in kept]


def sequences(listed: Iterable[Annotated], model: str) -> Sequences:
    """Yield each sentence as (features, labels) of its words."""
    tables = built_in()
    lexicon = Lexicon.of(tables)
    eye = Eye.of(lexicon)
    for annotated in listed:
        spans = annotated.of(kinds_of(tables, annotated.corpus, model))
        for reading in readings(annotated.report, lexicon):
            features = eye.features(reading.sentence, reading.mentions)
            yield features, labels(reading, spans)


def labels(reading: Reading, spans: Iterable[tuple[int, int, str]]) -> list[str]:
    """Return the label of each word: where a span of which kind begins and goes on."""
    words = reading.sentence.listed
    found = [OUTSIDE] * len(words)
    for start, end, kind in spans:
        inside = [n for n, w in enumerate(words) if w.start < end and start < w.end]
        if inside and all(found[n] == OUTSIDE for n in inside):
            for place in inside:
                found[place] = (BEGIN if place == inside[0] else INSIDE) + kind
    return found


def train(listed: Sequences, settings: dict[str, Any]) -> bytes:
    """Return the weights that are learned from sentences, packed."""
    trainer = pycrfsuite.Trainer(algorithm="lbfgs", params=settings, verbose=False)
    for features, told in listed:
        trainer.append(features, told)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.crf"
        trainer.train(str(path))
        return lzma.compress(path.read_bytes(), preset=9)


def card(name: str, listed: Sequence[Annotated]) -> dict[str, Any]:
    """Return what the weights say of themselves."""
    return {
        "file": f"{name}.crf.xz",
        "groups": RECIPES[name].groups,
        "least": RECIPES[name].least,
        "alone": RECIPES[name].alone,
        "documents": len({a.document for a in listed}),
        "texts": len(listed),
        "settings": RECIPES[name].settings,
    }


if __name__ == "__main__":
    main()
