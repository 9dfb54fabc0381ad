"""The tagger: its proposals stand in the text and say so; trained anew it has the same bytes."""

import json
import subprocess
import sys
from itertools import pairwise, product
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from fhirconv import extractors
from fhirconv.cli import main
from fhirconv.convert import convert, extract
from fhirconv.errors import UsageError
from fhirconv.extractors import EXTRACTORS, by_tables, tagger
from fhirconv.extractors.features import shape
from fhirconv.extractors.fields import likelihoods
from fhirconv.report import Report
from fhirconv.tables import built_in
from tests.conftest import PROJECT

LARGEST = 15_000_000  # bytes of all weights
TOOL = PROJECT / "tools" / "tagger.py"

# Text of this project's own; a word must stand often enough to be learned.
NOTE = (
    "A {age}-year-old {sex} had {sign} for a week.\n"
    "Zelophrenia was diagnosed, and {drug} {dose} daily was started.\n"
)
CASES = [
    {"age": "34", "sex": "woman", "sign": "tremblage", "drug": "quonazole", "dose": "20 mg"},
    {"age": "51", "sex": "man", "sign": "tremblage", "drug": "quonazole", "dose": "40 mg"},
    {"age": "7", "sex": "girl", "sign": "blurrage", "drug": "bexamine", "dose": "5 mg"},
    {"age": "62", "sex": "man", "sign": "blurrage", "drug": "bexamine", "dose": "10 mg"},
]
LABELS = (("sign", "Sign_symptom"), ("drug", "Medication"), ("dose", "Dosage"))


def annotated(folder: Path) -> Path:
    """Write a small folder of brat annotations and a file of events; give the folder."""
    folder.mkdir()
    lines = []
    for number, case in enumerate(CASES):
        text = NOTE.format(**case)
        spans = [(label, case[name]) for name, label in LABELS]
        spans.append(("Disease_disorder", "Zelophrenia"))
        marks = [
            f"T{n}\t{label} {text.index(words)} {text.index(words) + len(words)}\t{words}"
            for n, (label, words) in enumerate(spans, 1)
        ]
        (folder / f"{number}.txt").write_text(text, encoding="utf-8")
        (folder / f"{number}.ann").write_text("\n".join(marks) + "\n", encoding="utf-8")
        lines.append(json.dumps(event(number, case)))
    folder.with_suffix(".json").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def event(number: int, case: dict[str, str]) -> dict:
    text = f"{case['sign'].title()} developed under {case['drug']}."
    drug = {"text": [[case["drug"]]], "start": [[text.index(case["drug"])]]}
    effect = {"text": [[case["sign"].title()]], "start": [[0]]}
    told = {"event_type": "Adverse_event", "Treatment": {"Drug": drug}, "Effect": effect}
    return {"id": f"{number}_1", "context": text, "annotations": [{"events": [told]}]}


def trained(corpora: list[Path], out: Path, *more: str, names: str = "*") -> dict[str, bytes]:
    """Train as `make tagger` does; give the bytes of each file that was written."""
    command = [sys.executable, TOOL, *corpora, "-o", out, *more]
    subprocess.run(command, check=True, capture_output=True)
    return {path.name: path.read_bytes() for path in sorted(out.glob(names))}


@pytest.fixture(scope="module")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = annotated(tmp_path_factory.mktemp("corpora") / "reports")
    return [folder, folder.with_suffix(".json")]


@pytest.fixture(scope="module")
def weights(corpora: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    trained(corpora, folder)
    return folder


def report_of(text: str) -> Report:
    from fhirconv.convert import read

    return read(text.encode("utf-8"), name="report.txt")


def test_the_same_corpora_give_the_same_bytes(corpora, weights, tmp_path):
    again = trained(corpora, tmp_path)
    assert again == {path.name: path.read_bytes() for path in sorted(weights.iterdir())}
    assert sorted(again) == ["reports.json.xz", "tagger.json", "treatments.json.xz"]


def test_a_model_proposes_what_it_has_learned_and_no_table_knows(weights):
    report = report_of(NOTE.format(**CASES[2] | {"age": "41", "sex": "woman"}))
    found = extractors.by_tagger.extract(report, built_in(), weights)[1]
    [sign] = [f for f in found if f["label"] == "blurrage"]
    assert sign["provenance"]["method"] == "model"
    assert sign["provenance"]["rule"].startswith("tagger:")
    assert 0.5 <= sign["provenance"]["confidence"] <= 1
    assert "blurrage" not in [f["label"] for f in by_tables.extract(report, built_in())[1]]


def test_folds_of_the_documents_are_left_out_in_turn(corpora, tmp_path):
    trained(corpora, tmp_path, "--folds", "2", "--models", "reports", names="*/tagger.json")
    cards = [json.loads(path.read_text("utf-8")) for path in sorted(tmp_path.glob("*/*.json"))]
    assert [card["models"]["reports"]["documents"] for card in cards] == [2, 2]
    left = [document for card in cards for document in card["left"]]
    assert sorted(left) == sorted([c, str(n)] for c in ("brat", "phee") for n in range(len(CASES)))


def test_a_span_that_does_not_read_as_annotated_is_refused(tmp_path):
    folder = annotated(tmp_path / "reports")
    (folder / "0.ann").write_text("T1\tMedication 0 4\tnone\n", encoding="utf-8")
    run = [sys.executable, TOOL, folder, "-o", tmp_path / "out"]
    done = subprocess.run(run, check=False, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 1
    assert "the text does not read 'none' there" in done.stderr


# --- the weights in the package ---------------------------------------------------------------


def test_the_weights_are_small_and_have_a_card():
    assert sum(path.stat().st_size for path in tagger.WEIGHTS.iterdir()) < LARGEST
    card = (tagger.WEIGHTS / "README.md").read_text(encoding="utf-8")
    told = json.loads((tagger.WEIGHTS / tagger.CARD).read_text(encoding="utf-8"))
    assert told["digest"] in card
    for name, model in told["models"].items():
        assert f"| {name} | {model['documents']:,} | {model['sentences']:,} |" in card


def test_the_weights_hold_single_words_alone():
    weights = tagger.learned()[1]
    for feature in {name for names in weights.ids.values() for name in names}:
        assert " " not in feature.removeprefix("j= "), feature


# --- chosen by name ---------------------------------------------------------------------------

TEXT = "A 34-year-old woman had asthma. She received prednisone 20 mg daily.\n"


def test_the_options_of_the_commands_are_the_extractors():
    for name in ("extract", "convert", "explain"):
        option = next(p for p in main.commands[name].params if p.name == "extractor")
        assert list(option.type.choices) == list(EXTRACTORS)


def test_a_facts_document_says_which_extractor_made_it():
    told = [extract(report_of(TEXT), extractor=name)["extraction"] for name in ("tables", "tagger")]
    assert [t["method"] for t in told] == ["rule", "mixed"]
    assert told[1]["model"] == tagger.version()


def test_an_unknown_extractor_lists_the_known_ones():
    with pytest.raises(UsageError) as caught:
        extract(report_of(TEXT), extractor="guess")
    assert str(caught.value) == "no extractor is called 'guess' (known: tagger, tables)"


@pytest.fixture
def without_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tagger, "find_spec", lambda name: None)


@pytest.mark.usefixtures("without_numpy")
def test_without_its_package_the_tables_find_the_facts():
    assert extract(report_of(TEXT)) == extract(report_of(TEXT), extractor="tables")
    assert convert(report_of(TEXT)).bundles


@pytest.mark.usefixtures("without_numpy")
def test_without_its_package_the_tagger_cannot_be_asked_for():
    done = CliRunner().invoke(main, ["extract", "--extractor", "tagger", "-"], input=TEXT)
    assert done.exit_code != 0
    message = "the extractor 'tagger' cannot run: the package numpy is not installed"
    assert message in done.output


def test_without_weights_the_tagger_says_where_they_should_be(tmp_path):
    assert tagger.missing(tmp_path) == f"its weights are not there: {tmp_path}"


# --- the arithmetic ---------------------------------------------------------------------------

SCORES = st.floats(-8, 8, allow_nan=False, width=32)


@settings(deadline=None)
@given(st.data(), st.lists(st.integers(1, 4), min_size=1, max_size=4), st.integers(2, 3))
def test_likelihoods_are_the_shares_of_all_ways_to_label_a_sentence(data, sizes, labels):
    import numpy as np

    rows = st.lists(SCORES, min_size=labels, max_size=labels)
    scores = data.draw(st.lists(rows, min_size=sum(sizes), max_size=sum(sizes)))
    moves = data.draw(st.lists(rows, min_size=labels, max_size=labels))
    found = likelihoods(np.array(scores, dtype=np.float32), sizes, np.exp(moves))
    start = 0
    for size in sizes:
        share = np.zeros((size, labels))
        for way in product(range(labels), repeat=size):
            weight = sum(scores[start + n][label] for n, label in enumerate(way))
            weight += sum(moves[one][two] for one, two in pairwise(way))
            for place, label in enumerate(way):
                share[place, label] += np.exp(weight)
        share /= share.sum(axis=1, keepdims=True)
        assert np.allclose(found[start : start + size], share, atol=1e-5)
        start += size


def test_a_sentence_is_labelled_the_same_among_others_and_alone():
    import numpy as np

    sizes = [3, 170, 1, 40] * 20
    scores = np.random.default_rng(5).normal(0, 6, (sum(sizes), 30)).astype(np.float32)
    moves = np.exp(np.random.default_rng(6).normal(0, 2, (30, 30)))
    together, start = likelihoods(scores, sizes, moves), 0
    for size in sizes[:4]:
        alone = likelihoods(scores[start : start + size], [size], moves)
        assert np.allclose(alone, together[start : start + size])
        start += size


def test_a_text_without_a_full_stop_is_read_in_runs():
    import numpy as np

    scores = np.random.default_rng(7).normal(0, 6, (1001, 4))
    found = likelihoods(scores, [1001], np.ones((4, 4)))
    assert np.allclose(found.sum(axis=1), 1)


# --- laws -------------------------------------------------------------------------------------

WORDS = st.sampled_from(
    "The a patient She he had has was were received with without no not after of and or , . ; ( ) "
    "asthma fever rash Crohn's -mutation TNF-α 20 mg/kg daily IV for 3 weeks quonazole prednisone "
    "extubated tender 34-year-old woman developed CT showed IL-2 “nodules” § \n".split(" ")
)


@settings(max_examples=60, deadline=None)
@given(st.lists(WORDS, max_size=60))
def test_every_quote_stands_in_the_text(listed):
    text = " ".join(listed) + "\n"
    report = report_of(text) if text.strip() else report_of("None.\n")
    found = extractors.find(report, built_in(), "tagger")
    for fact in found.facts:
        assert fact["provenance"]["method"] in ("dictionary", "rule", "model")
        for quote in fact["evidence"]:
            assert report.text[quote["start"] : quote["end"]] == quote["text"]
            assert quote["text"] == quote["text"].strip() != ""


@pytest.mark.parametrize("text", ["Abstract\n", "References\n1. Doe J. Case. 2001.\n", "-\n"])
def test_a_report_that_says_nothing_of_a_patient_yields_nothing(text):
    assert extractors.find(report_of(text), built_in(), "tagger").facts == []


def test_a_model_says_how_sure_it_is_of_what_it_proposes():
    text = "The patient was extubated. The abdomen was tender. He was pale and looked unwell.\n"
    found = extractors.find(report_of(text), built_in(), "tagger").facts
    sure = [f["provenance"]["confidence"] for f in found if f["provenance"]["method"] == "model"]
    assert sure
    assert all(0 < s <= 1 for s in sure)


@pytest.mark.parametrize(
    ("word", "form"),
    [("Crohn", "Xx"), ("MRI", "X"), ("12.5", "d.d"), ("sitagliptin", "x"), ("µg", "x")],
)
def test_the_shape_of_a_word_is_its_letters_and_digits(word, form):
    assert shape(word) == form
