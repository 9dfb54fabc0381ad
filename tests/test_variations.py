"""The extraction is examined: the founding reports varied, and other reports altogether."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from fhirconv.facts import Document, check, evidence_of
from fhirconv.tables import MAPPINGS
from tests.variations import Case, cases, edited, examined, known_gaps
from tests.verdicts import Expectation, affirmed, alike, says, sentence, verdict

SEEDS_WITH_GOLD = {"000": "seed000", "004": "seed004"}


@pytest.fixture(scope="session")
def extracted(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return a function: a case and its text give the facts document, found once a session."""
    folder = tmp_path_factory.mktemp("variations")
    made: dict[str, tuple[Document, str]] = {}

    def extract(case: Case, text: str) -> tuple[Document, str]:
        if case.name not in made:
            path = folder / f"case{len(made)}.txt"
            path.write_bytes(text.encode("utf-8"))
            made[case.name] = line(path)
        return made[case.name]

    return extract


def line(path: Path) -> tuple[Document, str]:
    """Read a report and find its facts, as the commands do; return its text too."""
    import fhirconv

    report = fhirconv.read(path)
    return fhirconv.extract(report), report.text


def text_of(case: Case, request: pytest.FixtureRequest) -> str:
    """Return the text of a case; skips where it needs the founding reports and they are away."""
    seeds = request.getfixturevalue("shared") / "seeds" if case.seed else Path()
    return case.report(seeds)


@pytest.mark.parametrize(("case", "expectation"), examined())
def test_the_report_is_read_as_a_curator_reads_it(
    case: Case, expectation: Expectation, extracted: Any, request: pytest.FixtureRequest
) -> None:
    document, text = extracted(case, text_of(case, request))
    reason = verdict(expectation, document, text)
    assert not reason, f"{case.name}: {reason}"


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_the_facts_are_sound_and_stand_in_the_text(
    case: Case, extracted: Any, request: pytest.FixtureRequest
) -> None:
    document, text = extracted(case, text_of(case, request))
    check(document, MAPPINGS / "facts.schema.json", case.name, text)
    for place, evidence in evidence_of(document):
        assert text[evidence["start"] : evidence["end"]] == evidence["text"], place
    patients = {patient["id"] for patient in document["patients"]}
    assert {fact["patient"] for fact in document["facts"]} <= patients


# --- the examination itself -------------------------------------------------------------------


def gold_of(shared: Path, name: str) -> Document:
    """Return the curated facts of a founding report."""
    return dict(json.loads((shared / "gold" / f"{name}.facts.json").read_text(encoding="utf-8")))


def as_it_stands(seed: str) -> Case:
    """Return the case that is a founding report without an edit."""
    return next(case for case in cases() if case.seed == seed and not case.edits)


def failures(case: Case, document: Document, text: str) -> list[str]:
    """Return the verdicts of a case that are not kind."""
    wanted = [{**e, "of": case.expectations} if "only" in e else e for e in case.expectations]
    return [reason for e in wanted if (reason := verdict(e, document, text))]


@pytest.mark.parametrize("seed", SEEDS_WITH_GOLD)
def test_the_gold_passes_the_examination(seed: str, shared: Path) -> None:
    case = as_it_stands(seed)
    gold = gold_of(shared, SEEDS_WITH_GOLD[seed])
    assert failures(case, gold, case.report(shared / "seeds")) == []


@pytest.mark.parametrize("seed", SEEDS_WITH_GOLD)
def test_the_gold_with_a_fact_less_fails_the_examination(seed: str, shared: Path) -> None:
    case, gold = as_it_stands(seed), gold_of(shared, SEEDS_WITH_GOLD[seed])
    text = case.report(shared / "seeds")
    for number, fact in enumerate(gold["facts"]):
        less = {**gold, "facts": gold["facts"][:number] + gold["facts"][number + 1 :]}
        assert failures(case, less, text), f"nobody misses {fact['id']}"


@pytest.mark.parametrize("seed", SEEDS_WITH_GOLD)
@pytest.mark.parametrize(
    ("field", "value"),
    [("polarity", "absent"), ("temporality", "hypothetical"), ("scope", "family")],
)
def test_the_gold_with_another_claim_fails_the_examination(
    seed: str, field: str, value: str, shared: Path
) -> None:
    case, gold = as_it_stands(seed), gold_of(shared, SEEDS_WITH_GOLD[seed])
    text = case.report(shared / "seeds")
    for number, fact in enumerate(gold["facts"]):
        if fact["assertion"][field] != value:
            changed = copy.deepcopy(gold)
            changed["facts"][number]["assertion"][field] = value
            assert failures(case, changed, text), f"nobody sees that {fact['id']} is {value}"


@pytest.mark.parametrize("seed", SEEDS_WITH_GOLD)
def test_the_gold_with_a_relation_less_fails_the_examination(seed: str, shared: Path) -> None:
    case, gold = as_it_stands(seed), gold_of(shared, SEEDS_WITH_GOLD[seed])
    text = case.report(shared / "seeds")
    for number, relation in enumerate(gold["relations"]):
        less = {**gold, "relations": gold["relations"][:number] + gold["relations"][number + 1 :]}
        ends = (relation["from"], relation["type"], relation["to"])
        assert failures(case, less, text), f"nobody misses {ends}"


def test_every_edit_finds_its_words(shared: Path) -> None:
    for case in cases():
        assert case.report(shared / "seeds"), case.name


def test_no_two_expectations_of_a_case_have_one_name() -> None:
    for case in cases():
        names = [sentence(expectation) for expectation in case.expectations]
        assert len(set(names)) == len(names), case.name


def test_every_known_gap_names_an_expectation() -> None:
    names = {(case.name, sentence(e)) for case in cases() for e in case.expectations}
    assert set(known_gaps()) <= names


def test_an_edit_replaces_words_everywhere_or_a_stretch_once() -> None:
    assert edited("a b a", ("a", "c")) == "c b c"
    assert edited("a b c a b c", ("a", "c", "x")) == "x a b c"
    with pytest.raises(AssertionError, match="does not say 'q'"):
        edited("a b", ("q", "r"))


@pytest.mark.parametrize(
    ("one", "two", "answer"),
    [
        ("liver GVHD", "GVHD of the liver", True),
        ("acute GVHD of the skin", "cutaneous GVHD", False),
        ("side effects", "serious side effects", True),
        ("fever", "high fever", True),
        ("", "fever", False),
    ],
)
def test_labels_are_alike_by_half_their_words(one: str, two: str, answer: bool) -> None:
    assert alike(one, two) is answer


def test_a_fact_is_affirmed_only_where_it_is_told_of_the_patient() -> None:
    claim = {
        "polarity": "present",
        "certainty": "certain",
        "temporality": "current",
        "scope": "patient",
    }
    fact = {"kind": "condition", "label": "fever", "assertion": claim}
    assert affirmed(fact)
    for name, value in [
        ("polarity", "absent"),
        ("certainty", "possible"),
        ("temporality", "planned"),
        ("scope", "donor"),
    ]:
        assert not affirmed({**fact, "assertion": {**claim, name: value}})
    assert not affirmed({**fact, "verification": "refuted"})
    assert says(fact, "rash|fev")
