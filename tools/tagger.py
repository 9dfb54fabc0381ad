"""Train the tagger: write fhirconv/extractors/weights/ from annotated reports and sentences.

Usage: python tools/tagger.py CORPUS... [-o FOLDER] [--folds N]

CORPUS is a folder of brat (NAME.txt, NAME.ann) or a folder or file of events in JSON lines.
mappings/extract/tagger-labels.csv says which of their labels are learned, and as what. The same
corpora and tables give the same bytes. --folds 5 writes FOLDER/0 to FOLDER/4 instead: weights that
have not seen each fifth document, for a test on it (see benchmarks/extraction.py).
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

import orjson
import pycrfsuite

from fhirconv.extractors.features import Eye, Features
from fhirconv.extractors.lexicon import Lexicon
from fhirconv.extractors.reading import Reading, readings
from fhirconv.extractors.tagger import BEGIN, INSIDE, OUTSIDE, WEIGHTS
from fhirconv.tables import built_in

sys.path.insert(0, str(Path(__file__).parent))
from annotated import Annotated, brat, events, kinds_of


class Recipe(NamedTuple):
    """From what a model is trained and how, what it proposes, and from which confidence on."""

    corpora: tuple[str, ...]
    groups: list[list[str]]  # kinds of one group are told apart after their span is found
    least: dict[str, float]
    alone: dict[str, float]  # the same where no table finds anything in its words
    settings: dict[str, Any]


SETTINGS = {
    "c1": 1.0,  # a feature has to earn its weight: what generalises, in few bytes
    "c2": 0.1,
    "max_iterations": 60,
    "feature.minfreq": 3,
    "feature.possible_transitions": False,
}
LEAST = 0.4  # from here on a span is thought of
GIVEN = {"dose": 0.5, "route": 0.7, "frequency": 0.5, "duration": 0.5}  # how a drug is given
CHOSEN = {  # from here on it is added where no table finds anything: by tools/limits.py
    "condition": 0.55,
    "finding": 0.45,
    "procedure": 0.45,
    "drug": 0.55,
}
RECIPES = {
    "reports": Recipe(
        ("brat",),
        [["condition", "finding"], ["procedure"]],
        dict.fromkeys(("condition", "finding", "procedure"), LEAST),
        {kind: CHOSEN[kind] for kind in ("condition", "finding", "procedure")},
        SETTINGS,
    ),
    "treatments": Recipe(
        ("brat", "phee"),
        [["drug"], ["effect"], ["dose"], ["route"], ["frequency"], ["duration"]],
        {"drug": LEAST, "effect": 0.7} | GIVEN,
        {"drug": CHOSEN["drug"]},
        SETTINGS,
    ),
}


class Lesson(NamedTuple):
    """A sentence as it is learned: the features of its words, and their labels by model."""

    corpus: str
    document: str
    features: list[Features]
    labels: dict[str, list[str]]


def main() -> None:
    """Train the models of the corpora and write their weights."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("corpora", nargs="+", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=WEIGHTS)
    parser.add_argument("--folds", type=int, default=0, metavar="N")
    parser.add_argument("--models", default=",".join(RECIPES), help="only these, with commas")
    wish = parser.parse_args()
    listed = list(lessons(read_corpora(wish.corpora)))
    names = sorted({(one.corpus, one.document) for one in listed})
    for fold in range(wish.folds):
        left = set(names[fold :: wish.folds])
        kept = [one for one in listed if (one.corpus, one.document) not in left]
        write(kept, wish.models.split(","), wish.output / str(fold), sorted(left))
    if not wish.folds:
        write(listed, wish.models.split(","), wish.output)


def write(
    listed: Sequence[Lesson], models: Sequence[str], folder: Path, left: Sequence[Any] = ()
) -> None:
    """Train models and write their weights with a card; left: the documents that were left out."""
    folder.mkdir(parents=True, exist_ok=True)
    told, digest = {}, hashlib.sha256()
    for name in models:
        chosen = [one for one in listed if one.corpus in RECIPES[name].corpora]
        if chosen:
            data = train(chosen, name)
            (folder / f"{name}.json.xz").write_bytes(data)
            digest.update(data)
            told[name] = card(name, chosen)
            sys.stderr.write(f"{name}: {told[name]['documents']} documents, {len(data):,} bytes\n")
    plain: dict[str, Any] = {"digest": digest.hexdigest()[:12], "models": told}
    if left:
        plain["left"] = left
    text = json.dumps(plain, indent=1) + "\n"
    (folder / "tagger.json").write_text(text, encoding="utf-8")


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


def lessons(listed: Iterable[Annotated]) -> Iterator[Lesson]:
    """Yield each sentence with the features and the labels of its words."""
    tables = built_in()
    lexicon = Lexicon.of(tables)
    eye = Eye.of(lexicon)
    for one in listed:
        kinds = {name: kinds_of(tables, one.corpus, name) for name in RECIPES}
        spans = {name: one.of(kinds[name]) for name in RECIPES}
        for reading in readings(one.report, lexicon):
            features = [
                [sys.intern(name) for name in word]
                for word in eye.features(reading.sentence, reading.mentions)
            ]
            told = {name: labels(reading, spans[name]) for name in RECIPES}
            yield Lesson(one.corpus, one.document, features, told)


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


def train(listed: Iterable[Lesson], name: str) -> bytes:
    """Return the weights that a model learns from sentences, packed."""
    settings = RECIPES[name].settings
    trainer = pycrfsuite.Trainer(algorithm="lbfgs", params=settings, verbose=False)
    for one in listed:
        trainer.append(one.features, one.labels[name])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.crf"
        trainer.train(str(path))
        tagger = pycrfsuite.Tagger()
        tagger.open(str(path))
        return lzma.compress(orjson.dumps(written(tagger.info())), preset=9)


def written(info: Any) -> dict[str, Any]:
    """Return a trained model as plain lists, its weights rounded to the hundredth.

    `moves` from label to label; `weights` of each feature: the labels, and what it says for each.
    """
    labels = sorted(info.labels)
    weights: dict[str, list[list[Any]]] = {}
    for (feature, label), weight in sorted(info.state_features.items()):
        if round(weight, 2):
            columns, values = weights.setdefault(feature, [[], []])
            columns.append(labels.index(label))
            values.append(round(weight, 2))
    moves = [[round(info.transitions.get((one, two), 0.0), 2) for two in labels] for one in labels]
    return {"labels": labels, "moves": moves, "weights": weights}


def card(name: str, listed: Sequence[Lesson]) -> dict[str, Any]:
    """Return what the weights say of themselves."""
    return {
        "file": f"{name}.json.xz",
        "groups": RECIPES[name].groups,
        "least": RECIPES[name].least,
        "alone": RECIPES[name].alone,
        "documents": len({one.document for one in listed}),
        "sentences": len(listed),
        "settings": RECIPES[name].settings,
    }


if __name__ == "__main__":
    main()
