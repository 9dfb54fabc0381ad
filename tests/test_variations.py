"""The extraction is examined: the founding reports varied, and other reports altogether."""

import copy
import json
import random
import re
from pathlib import Path
from typing import Any

import pytest

from fhirconv import convert
from fhirconv.facts import Document, check, evidence_of
from fhirconv.tables import MAPPINGS, built_in
from tests.claims import affirmations, references
from tests.meanings import meaning
from tests.variations import Case, cases, combined, edited, examined, framed, known_gaps, spoken
from tests.verdicts import (
    ASIDE,
    ASSERTION,
    Expectation,
    affirmed,
    alike,
    holds,
    names_of,
    plain,
    says,
    sentence,
    verdict,
)

FIELDS = {"status", "trend", "label", "patient", *ASSERTION} - ASIDE
SEEDS_WITH_GOLD = {"000": "seed000", "004": "seed004"}


@pytest.fixture(scope="session")
def extracted() -> Any:
    """Return a function: a name and a text give the facts and the text, found once a session."""
    if not hasattr(convert.extractors, "find"):
        pytest.skip("no extractor is here yet: fhirconv.extractors.find")
    made: dict[str, tuple[Document, str]] = {}

    def extract(name: str, text: str) -> tuple[Document, str]:
        if name not in made:
            report = convert.read(text.encode("utf-8"), name="report.txt")
            made[name] = (convert.extract(report), report.text)
        return made[name]

    return extract


def text_of(case: Case, request: pytest.FixtureRequest) -> str:
    """Return the text of a case; skips where it needs the founding reports and they are away."""
    seeds = request.getfixturevalue("shared") / "seeds" if case.seed else Path()
    return case.report(seeds)


@pytest.mark.parametrize(("case", "expectation"), examined())
def test_the_report_is_read_as_a_curator_reads_it(
    case: Case, expectation: Expectation, extracted: Any, request: pytest.FixtureRequest
) -> None:
    document, text = extracted(case.name, text_of(case, request))
    reason = verdict(expectation, document, text)
    assert not reason, f"{case.name}: {reason}"


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_the_facts_are_sound_and_stand_in_the_text(
    case: Case, extracted: Any, request: pytest.FixtureRequest
) -> None:
    document, text = extracted(case.name, text_of(case, request))
    check(document, MAPPINGS / "facts.schema.json", case.name, text)
    for place, evidence in evidence_of(document):
        assert (
            "pointer" in evidence or text[evidence["start"] : evidence["end"]] == evidence["text"]
        ), place
    patients = {patient["id"] for patient in document["patients"]}
    assert {fact["patient"] for fact in document["facts"]} <= patients


@pytest.mark.parametrize("case", combined())
def test_a_report_varied_in_every_way_at_once_is_read_right(
    case: Case, extracted: Any, request: pytest.FixtureRequest
) -> None:
    document, text = extracted(case.name, text_of(case, request))
    assert failures(case, document, text) == []


@pytest.mark.parametrize("row", spoken())
def test_a_sentence_means_what_it_says(row: dict[str, str], extracted: Any) -> None:
    document, _ = extracted(row["sentence"], row["sentence"])
    reason = meaning(row["phrase"], row["what"], row["said"], document)
    assert not reason, f"{row['sentence']} {reason}"


@pytest.mark.parametrize("number", range(60))
def test_sentences_in_any_order_give_sound_facts_and_bundles(number: int, extracted: Any) -> None:
    chance = random.Random(number)
    said = sorted({parameter.values[0]["sentence"] for parameter in spoken()})
    reports = [case.text for case in cases() if case.name.startswith("report.")]
    told = [line for text in reports for line in text.split("\n") if line]
    text = " ".join(chance.sample([*said, *told], 10))
    document, _ = extracted(f"shuffled {number}", text)
    for release in ("R4", "R5"):
        issues = convert.convert(document, release).issues
        assert [i for i in issues if i.severity in ("error", "fatal")] == [], text


@pytest.mark.parametrize("row", framed())
def test_any_term_of_a_vocabulary_is_understood_in_its_frame(
    row: dict[str, str], extracted: Any
) -> None:
    terms = sample(row["vocabulary"], 40)
    reasons = []
    for term in terms:
        text = row["frame"].format(term=term, Term=term[0].upper() + term[1:])
        document, _ = extracted(text, text)
        if meaning(term, row["what"], row["said"], document):
            reasons.append(term)
    assert not reasons, f"{len(reasons)} of {len(terms)} not {row['said']}: {', '.join(reasons)}"


UNSUITED = {",", "in", "of", "adverse", "or"}  # terms with a grammar of their own
CARRIERS = (" therapy", " treatment")  # behind a drug: the drug is the fact, not the word


def sample(vocabulary: str, size: int) -> list[str]:
    """Return terms of a vocabulary that have a code of their own, evenly spread."""
    terms = [t for t in built_in().vocabulary(vocabulary).terms.values() if t.text == t.preferred]
    coded = [
        t.text for t in terms if t.codings and not UNSUITED & set(re.findall("[a-z]+|,", t.text))
    ]
    drugs = built_in().vocabulary("medications").terms
    carried = [t for t in coded if t.endswith(CARRIERS) and t.rpartition(" ")[0] in drugs]
    coded = coded if vocabulary == "medications" else [t for t in coded if t not in carried]
    return coded[:: max(1, len(coded) // size)]


AGES = [*range(1, 105, 4), 18, 34, 60, 90, 100]
TEENS = "zero one two three four five six seven eight nine ten eleven twelve".split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()


@pytest.mark.parametrize("age", AGES)
@pytest.mark.parametrize(
    "frame",
    [
        "A {age}-year-old man was admitted.",
        "We saw a woman aged {age} years.",
        "The patient, a man of {age} years, was well.",
        "He is {age} years old and has a cough.",
        "The patient was a {age} year old woman.",
        "A {age}-yr-old female was treated.",
        "The patient was {age} years of age.",
    ],
)
def test_any_age_is_read_in_any_frame(frame: str, age: int, extracted: Any) -> None:
    text = frame.format(age=age)
    document, _ = extracted(text, text)
    found = document["patients"][0].get("age") or {}
    assert (found.get("value"), found.get("code")) == (age, "a"), text


@pytest.mark.parametrize("age", [*range(1, 13), *range(20, 100, 10), *range(21, 100, 11)])
def test_any_age_is_read_in_words(age: int, extracted: Any) -> None:
    tens, ones = TENS[age // 10 - 2], TEENS[age % 10]
    words = TEENS[age] if age < 13 else f"{tens}-{ones}" if age % 10 else tens
    text = f"A {words}-year-old woman was admitted."
    document, _ = extracted(text, text)
    found = document["patients"][0].get("age") or {}
    assert (found.get("value"), found.get("code")) == (age, "a"), text


@pytest.mark.parametrize("release", ["R4", "R5"])
@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_the_bundle_affirms_nothing_that_the_report_does_not(
    case: Case, release: str, extracted: Any, request: pytest.FixtureRequest
) -> None:
    document, text = extracted(case.name, text_of(case, request))
    assert not false_claims(case, document, text, release)


@pytest.mark.parametrize("release", ["R4", "R5"])
@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_every_fact_is_accounted_for_and_every_reference_resolves(
    case: Case, release: str, extracted: Any, request: pytest.FixtureRequest
) -> None:
    document, _ = extracted(case.name, text_of(case, request))
    conversion = convert.convert(document, release)
    counts = dict(conversion.ledger.counts)
    assert counts.pop("facts") == sum(counts.values()) == len(document["facts"])
    assert {row.fact for row in conversion.ledger.rows} == {f["id"] for f in document["facts"]}
    assert all(row.reason for row in conversion.ledger.rows if row.result == "skipped")
    assert len(conversion.bundles) == len(document["patients"])
    for bundle in conversion.bundles:
        names = [entry["fullUrl"] for entry in bundle["entry"]]
        assert len(set(names)) == len(names), "two entries have one fullUrl"
        assert set(references(bundle)) <= set(names), "a reference leads nowhere"
    assert [i.message for i in conversion.issues if i.severity in ("error", "fatal")] == []


def false_claims(case: Case, document: Document, text: str, release: str) -> list[str]:
    """Return what the bundles affirm though the case, or its own facts, deny it.

    Where the facts themselves fall short of an expectation, the bundle is not asked.
    """
    bundles = convert.convert(document, release).bundles
    claimed = [[(k, plain(w)) for k, w in affirmations(bundle)] for bundle in bundles]
    claims = [claim for of_one in claimed for claim in of_one]
    bad = []
    for expectation in case.expectations:
        words = expectation.get("never") or expectation.get("nothing")
        if words and not set(expectation) & FIELDS and not verdict(expectation, document, text):
            kinds = expectation.get("kind", "").split("|")
            number = expectation.get("patient")
            theirs = claimed[number - 1] if number else claims
            bad += [c for c in theirs if holds(c[1], words) and (kinds == [""] or c[0] in kinds)]
    told = [fact for fact in document["facts"] if affirmed(fact)]
    said = {(fact["kind"], plain(name)) for fact in told for name in names_of(fact)}
    denied = {(fact["kind"], plain(fact["label"])) for fact in document["facts"]} - said
    bad += [claim for claim in claims if claim in denied]
    return [
        f"{case.name}: the {release} bundle affirms the {kind} {words!r}" for kind, words in bad
    ]


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


@pytest.mark.parametrize("release", ["R4", "R5"])
@pytest.mark.parametrize("seed", SEEDS_WITH_GOLD)
def test_the_bundles_of_the_gold_affirm_only_what_it_says(
    seed: str, release: str, shared: Path
) -> None:
    case, gold = as_it_stands(seed), gold_of(shared, SEEDS_WITH_GOLD[seed])
    assert false_claims(case, gold, case.report(shared / "seeds"), release) == []


@pytest.mark.parametrize("release", ["R4", "R5"])
@pytest.mark.parametrize("seed", SEEDS_WITH_GOLD)
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("polarity", "absent"),
        ("temporality", "planned"),
        ("temporality", "hypothetical"),
        ("scope", "donor"),
        ("scope", "generic"),
    ],
)
def test_a_fact_of_the_gold_is_not_affirmed_under_another_claim(
    seed: str, field: str, value: str, release: str, shared: Path
) -> None:
    case, gold = as_it_stands(seed), gold_of(shared, SEEDS_WITH_GOLD[seed])
    text = case.report(shared / "seeds")
    for number, fact in enumerate(gold["facts"]):
        if (fact["kind"], value) != ("adverse_event", "absent"):
            changed = copy.deepcopy(gold)
            changed["facts"][number]["assertion"][field] = value
            assert false_claims(case, changed, text, release) == [], fact["id"]


def test_every_edit_finds_its_words(shared: Path) -> None:
    for case in cases():
        assert case.report(shared / "seeds"), case.name


def test_no_two_expectations_of_a_case_have_one_name() -> None:
    for case in cases():
        names = [sentence(expectation) for expectation in case.expectations]
        assert len(set(names)) == len(names), case.name


def test_every_known_gap_names_an_expectation() -> None:
    names = {(case.name, sentence(e)) for case in cases() for e in case.expectations}
    names |= {("combined", param.values[0].name) for param in combined()}
    names |= {("sentences", param.id.partition(": ")[2]) for param in spoken()}
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
