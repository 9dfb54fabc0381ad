"""How well and how fast facts are found, beside a bare dictionary and medspaCy, in one run.

Usage: python benchmarks/extraction.py --maccrobat DIR --phee FILE --score SCORE.PY [--folds DIR]
                                       [--errors]

The corpora and the scorer are not part of this project: DIR holds N.txt and N.ann (brat), FILE one
annotated sentence a line, SCORE.PY compares a folder of facts documents with them. The dictionary
takes every term of the mapping tables for a fact, the longest first; medspaCy gets the same terms
and runs its full pipeline in an environment of its own, or is shown as absent:

    python -m venv build/peers/medspacy && build/peers/medspacy/bin/pip install medspacy

The weights of the tagger have seen these texts. How well it does on others is told by weights that
have not: `python tools/tagger.py CORPUS... -o DIR --folds 5` leaves out each fifth document, and
`--folds DIR` reads every text by the weights that were trained without it.

The slices of ages in words and of several patients are our own texts (tests/cases/variations). The
clock is processor time; `--errors` prints the ten most frequent kinds of error with examples.
"""

import argparse
import importlib.util
import json
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from extraction_errors import WANTED, frequent

PROJECT = Path(__file__).resolve().parents[1]
PEERS = PROJECT / "build" / "peers" / "medspacy"
PEER = PEERS / "bin" / "python"
ABSTRACT = 1800  # characters of a text that stand for its abstract
KINDS = {"condition": "condition", "finding": "finding", "procedure": "procedure"}
KINDS |= dict.fromkeys(("drug", "drug_class", "vaccine", "cells"), "medication")
PIPES = "pyrush target_matcher context sectionizer postprocessor"
FULL = {f"medspacy_{pipe}" for pipe in PIPES.split()}
Document = dict[str, Any]
Texts = Mapping[str, str]
Result = tuple[dict[str, Document], float]  # of a group of texts, and the seconds it took
Run = Callable[[Sequence[Texts]], list[Result]]

GOALS = {
    **{("maccrobat", k, "f1"): g for k, g in (("age", 0.98), ("sex", 0.98), ("condition", 0.75))},
    ("maccrobat", "disease", "recall"): 0.88,
    **{("maccrobat", k, "f1"): g for k, g in (("procedure", 0.62), ("medication", 0.85))},
    **{
        ("maccrobat", f"medication {field}", "f1"): 0.75
        for field in ("dosage", "administration", "frequency", "duration")
    },
    ("maccrobat", "negation", "negated_called_present"): 0.06,
    ("maccrobat", "negation", "affirmed_called_absent"): 0.02,
    ("phee", "drugs", "f1"): 0.85,
    ("phee", "adverse events", "f1"): 0.65,
    ("phee", "drug-event pairs", "f1"): 0.55,
}


# ---- the methods


def fhirconv(name: str) -> Run:
    """Return an extractor of this project, by its name."""
    from fhirconv import extractors
    from fhirconv.readers import read
    from fhirconv.tables import built_in

    tables = built_in()

    def one(text: str) -> Document:
        found = extractors.find(read(text.encode("utf-8"), "report.txt", tables), tables, name)
        lists = {"facts": found.facts, "relations": found.relations}
        return {"patients": found.patients, **lists}

    return lambda groups: [timed(one, texts) for texts in groups]


def held_out(folder: Path) -> Run:
    """Return the tagger with the weights of a fold that has not seen the document of a text."""
    from fhirconv.extractors import by_tagger
    from fhirconv.readers import read
    from fhirconv.tables import built_in

    tables = built_in()
    cards = {path.parent: json.loads(path.read_text()) for path in folder.glob("*/tagger.json")}
    fold_of = {left[1]: fold for fold, card in cards.items() for left in card["left"]}
    first = min(cards)

    def one(name: str, text: str) -> Document:
        report = read(text.encode("utf-8"), "report.txt", tables)
        fold = fold_of.get(name) or fold_of.get(name.rpartition("_")[0]) or first
        found = by_tagger.extract(report, tables, fold)
        return {"patients": found[0], "facts": found[1], "relations": found[2]}

    def all_of(texts: Texts) -> Result:
        begin = time.process_time()
        return {n: one(n, text) for n, text in texts.items()}, time.process_time() - begin

    return lambda groups: [all_of(texts) for texts in groups]


def dictionary() -> Run:
    """Return the bare look-up: every term of the tables is a fact, and each is so."""
    from fhirconv.extractors.lexicon import Lexicon
    from fhirconv.tables import built_in

    lexicon = Lexicon.of(built_in())

    def one(text: str) -> Document:
        facts = []
        listed = lexicon.words(text)
        for match in lexicon.terms.all(listed):
            if match.entry.kind in KINDS:
                span = (listed[match.first].start, listed[match.last - 1].end)
                facts.append(fact(KINDS[match.entry.kind], text, span))
        return {"patients": [{}], "facts": facts, "relations": []}

    return lambda groups: [timed(one, texts) for texts in groups]


def timed(one: Callable[[str], Document], texts: Texts) -> Result:
    """Return the documents of texts and the seconds they took, after one to warm up."""
    one(next(iter(texts.values())))
    begin = time.process_time()
    found = {name: one(text) for name, text in texts.items()}
    return found, time.process_time() - begin


def fact(kind: str, text: str, span: tuple[int, int], polarity: str = "present") -> Document:
    """Return a fact as the scorer reads it."""
    words = text[span[0] : span[1]]
    said = {"certainty": "certain", "temporality": "current", "scope": "patient"}
    evidence = [{"start": span[0], "end": span[1], "text": words}]
    return {
        **{"id": f"{kind}-{span[0]}", "kind": kind, "label": words, "evidence": evidence},
        "assertion": {"polarity": polarity, **said},
    }


def medspacy() -> Run:
    """Return medspaCy in a process of its own, with the terms of the tables as its targets."""
    from fhirconv.extractors.lexicon import Lexicon
    from fhirconv.tables import built_in

    tables = Lexicon.of(built_in())
    terms = [
        (KINDS[row["kind"]], term.text)
        for row in tables.rows("vocabularies")
        if row["kind"] in KINDS and row["vocabulary"] in tables.tables.codes
        for term in tables.tables.codes[row["vocabulary"]].terms.values()
    ]

    def all_of(groups: Sequence[Texts]) -> list[Result]:
        task = json.dumps({"terms": terms, "groups": [dict(texts) for texts in groups]})
        command = [str(PEER), __file__, "--peer"]
        done = subprocess.run(command, input=task, capture_output=True, text=True, check=True)
        return [(told[0], told[1]) for told in json.loads(done.stdout.splitlines()[-1])]

    return all_of


def peer() -> None:
    """Run medspaCy on the task of the standard input: the work of its own process."""
    import medspacy as medspacy_itself  # only in the virtual environment of the peer
    from loguru import logger
    from medspacy.ner import TargetRule

    logger.remove()  # it would tell every sentence, and take more time than the work
    task = json.load(sys.stdin)
    pipeline = medspacy_itself.load(medspacy_enable=FULL)
    rules = [TargetRule(literal=term, category=kind.upper()) for kind, term in task["terms"]]
    pipeline.get_pipe("medspacy_target_matcher").add(rules)

    def one(text: str) -> Document:
        facts = [
            fact(
                *(ent.label_.lower(), text, (ent.start_char, ent.end_char)),
                "absent" if ent._.is_negated else "present",
            )
            for ent in pipeline(text).ents
            if not (ent._.is_hypothetical or ent._.is_family)
        ]
        return {"patients": [{}], "facts": facts, "relations": []}

    print(json.dumps([timed(one, texts) for texts in task["groups"]]))


def methods(folds: Path | None) -> dict[str, Run | None]:
    """Return the methods by name; None for what is absent."""
    from fhirconv.extractors import EXTRACTORS

    found: dict[str, Run | None] = {f"fhirconv {name}": fhirconv(name) for name in EXTRACTORS}
    if folds is not None:
        found = {"fhirconv tagger, held out": held_out(folds)} | found
    there = any(PEERS.glob("lib/python*/site-packages/medspacy/__init__.py"))
    return {**found, "dictionary": dictionary(), "medspaCy": medspacy() if there else None}


# ---- the scores


def module_of(path: Path) -> Any:
    """Return the scorer as a module."""
    spec = importlib.util.spec_from_file_location("score", path)
    if spec is None or spec.loader is None:
        raise SystemExit(f"no scorer can be read from {path}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def texts_of(maccrobat: Path, phee: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Return the reports and the sentences, by name."""
    reports = {p.stem: p.read_text(encoding="utf-8") for p in sorted(maccrobat.glob("*.txt"))}
    lines = phee.read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    return reports, {r["id"]: r["context"] + "\n" for r in records}


def scored(score: Any, source: Path, documents: Mapping[str, Document], task: str) -> Document:
    """Return what the scorer says of documents."""
    with tempfile.TemporaryDirectory() as folder:
        for name, document in documents.items():
            path = Path(folder) / f"{name}.facts.json"
            path.write_text(json.dumps(document), encoding="utf-8")
        return dict(getattr(score, task)(source, folder))


def abbreviations(score: Any, folder: Path, documents: Mapping[str, Document]) -> str:
    """Return how many of the annotated abbreviations are found."""
    found = total = 0
    for path in sorted(folder.glob("*.ann")):
        spans = [s for f in documents[path.stem]["facts"] for s in score.spans(f)]
        for label, start, end, text in score.brat(path)[0].values():
            if label in WANTED and SHORT.fullmatch(text):
                found += any(score.overlap((start, end), s) for s in spans)
                total += 1
    return f"{found}/{total}"


SHORT = re.compile(r"[A-Z][A-Za-z]?[A-Z0-9-]{1,5}s?")
ONES = "one two three four five six seven eight nine".split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()


def ages_in_words() -> dict[str, str]:
    """Return a sentence for each age from 1 to 99 in words; the teens are left out."""
    ages = dict(enumerate(ONES, 1))
    for ten, word in enumerate(TENS, 2):
        ages |= {ten * 10: word} | {ten * 10 + n: f"{word}-{one}" for n, one in enumerate(ONES, 1)}
    return {str(n): f"A {word}-year-old woman was admitted." for n, word in ages.items()}


def ages_right(documents: Mapping[str, Document]) -> str:
    """Return how many ages are read from the sentences that tell them in words."""
    said = {name: (d["patients"][0].get("age") or {}).get("value") for name, d in documents.items()}
    return f"{sum(said[name] == int(name) for name in said)}/{len(said)}"


def several(run: Run) -> str:
    """Return how many expectations of our own reports of several patients are met."""
    sys.path.insert(0, str(PROJECT))
    from tests.variations import cases
    from tests.verdicts import verdict

    chosen = [c for c in cases() if any(e.get("patients", 1) > 1 for e in c.expectations)]
    chosen = [c for c in chosen if not c.seed]
    ((documents, _),) = run([{c.name: c.text for c in chosen}])
    met = [
        not verdict(e, documents[c.name], c.text)
        for c in chosen
        for e in c.expectations
        if not {"citation", "statement", "only"} & set(e)
    ]
    return f"{sum(met)}/{len(met)}"


# ---- the tables


def row(cells: Sequence[Any]) -> str:
    """Return a line of a table in Markdown."""
    shown = (f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in cells)
    return f"| {' | '.join(shown)} |"


def report(wish: argparse.Namespace) -> Iterator[str]:
    """Yield the lines of the report."""
    score = module_of(wish.score)
    reports, sentences = texts_of(wish.maccrobat, wish.phee)
    abstracts = {name: text[:ABSTRACT] for name, text in reports.items()}
    runs = methods(wish.folds)
    columns: dict[str, dict[str, Any]] = {name: defaultdict(lambda: "absent") for name in runs}
    told: dict[str, dict[str, Document]] = {}
    for name, run in runs.items():
        if run is not None:
            columns[name], told[name] = measured(score, wish, run, (reports, sentences, abstracts))
            own = name.startswith("fhirconv")
            columns[name]["several patients, held"] = several(run) if own else "none"
    yield row(["", "goal", *runs])
    yield row(["---"] * (len(runs) + 2))
    goals = {" ".join(key): goal for key, goal in GOALS.items()}
    for line in next(iter(columns.values())):
        yield row([line, goals.get(line, ""), *(c[line] for c in columns.values())])
    yield from faster(columns)
    if wish.errors:
        for name, documents in told.items():
            yield from frequent(name, score, wish.maccrobat, documents)


def faster(columns: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield how many times as fast as medspaCy each extractor reads."""
    if columns["medspaCy"]["full reports a second"] != "absent":
        yield ""
        for name in [n for n in columns if n.startswith("fhirconv")]:
            ratios = " and ".join(
                f"{float(columns[name][what]) / float(columns['medspaCy'][what]):.1f} ({what})"
                for what in ("full reports a second", "abstracts a second")
            )
            yield f"{name}, times as fast as medspaCy: {ratios}."


def measured(
    score: Any, wish: argparse.Namespace, run: Run, texts: Sequence[dict[str, str]]
) -> tuple[dict[str, Any], dict[str, Document]]:
    """Return the figures of one method by their names, and its documents of the reports."""
    (documents, seconds), (said, _), (_, short), (aged, _) = run([*texts, ages_in_words()])
    scores = {
        "maccrobat": scored(score, wish.maccrobat, documents, "maccrobat"),
        "phee": scored(score, wish.phee, said, "phee"),
    }
    found: dict[str, Any] = {
        " ".join(key): float(scores[key[0]].get(key[1], {}).get(key[2], 0.0)) for key in GOALS
    }
    found["abbreviations, found"] = abbreviations(score, wish.maccrobat, documents)
    found["ages in words, right"] = ages_right(aged)
    found["abstracts a second"] = f"{len(texts[2]) / short:.1f}"
    found["full reports a second"] = f"{len(texts[0]) / seconds:.1f}"
    return found, documents


def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in ("maccrobat", "phee", "score"):
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--folds", type=Path, help="weights that have not seen each fold")
    parser.add_argument("--errors", action="store_true", help="tell the most frequent errors too")
    parser.add_argument("--peer", action="store_true", help=argparse.SUPPRESS)
    wish = parser.parse_args()
    if wish.peer:
        return peer()
    if not (wish.maccrobat and wish.phee and wish.score):
        parser.error("--maccrobat, --phee and --score are needed")
    for line in report(wish):
        print(line, flush=True)
    return None


if __name__ == "__main__":
    main()
