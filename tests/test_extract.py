"""Facts are found in texts: the founding reports as curated, and short texts of our own."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhirconv.extractors import EXTRACTORS, Found, find
from fhirconv.facts import check, evidence_of
from fhirconv.readers import read
from fhirconv.report import Report, Section
from fhirconv.tables import MAPPINGS, built_in

CASES = Path(__file__).parent / "cases"
Fact = dict[str, Any]


def report_of(text: str, kind: str = "case") -> Report:
    """Return a report that is one section."""
    return Report(text, (Section(kind, 0, len(text)),))


def found_in(text: str, kind: str = "case") -> Found:
    """Return what is found in a text that is one section."""
    return find(report_of(text, kind), built_in())


def document_of(found: Found) -> dict[str, Any]:
    """Return what is found as a facts document about a source that does not matter."""
    source = {
        **{"file": "x.txt", "mediaType": "text/plain", "charset": "utf-8", "sha256": "0" * 64},
        **{"uri": "ni:///sha-256;x", "characters": 1, "offsetUnit": "unicode-code-point"},
    }
    lists = {"authors": [], "evidence": {}, "notStated": []}
    return {
        "schemaVersion": "1.0",
        "source": source,
        "citation": {"title": "x", "authorsComplete": True, "text": "x", **lists},
        "patients": found.patients,
        "facts": found.facts,
        "relations": found.relations,
        "statements": found.statements,
        "extraction": {"method": "rule", "tool": "fhirconv", "toolVersion": "0"},
    }


# --- the founding reports, against the curated facts ------------------------------------------

NOT_COMPARED = {"id", "codes", "provenance", "patient"}
LABELS_IN_OTHER_WORDS = {"relapse after unrelated allogeneic bone marrow transplantation"}


def spans(item: dict[str, Any]) -> list[tuple[int, int]]:
    """Return the offsets of the evidence of a fact or relation."""
    return [(e["start"], e["end"]) for e in item.get("evidence", ())]


def paired(gold: list[Fact], facts: list[Fact]) -> dict[str, str]:
    """Return the fact found for each curated one, by kind and evidence, the closest first."""
    near = sorted(
        (
            -len(set(spans(g)) & set(spans(f))),
            g["label"] != f["label"],
            g.get("trend") != f.get("trend"),
            g["id"],
            f["id"],
        )
        for g in gold
        for f in facts
        if g["kind"] == f["kind"] and set(spans(g)) & set(spans(f))
    )
    pairs: dict[str, str] = {}
    for *_, one, two in near:
        if one not in pairs and two not in pairs.values():
            pairs[one] = two
    return pairs


REFERENCES = {"of", "product", "parent", "focus", "during", "resultingCondition", "fact"}


def renamed(item: Any, names: dict[str, str], key: str = "") -> Any:
    """Return a part of a document with curated ids in place of found ones, and no codes."""
    if isinstance(item, dict):
        return {k: renamed(v, names, k) for k, v in item.items() if k != "codes"}
    if isinstance(item, list):
        return [renamed(v, names, key) for v in item]
    return names.get(item, item) if key in REFERENCES else item


def differences(gold: dict[str, Any], found: Found) -> list[str]:
    """Return how what is found differs from what a curator wrote down, a line each."""
    pairs = paired(gold["facts"], found.facts)
    names = {two: one for one, two in pairs.items()}
    by_id = {f["id"]: f for f in found.facts}
    lines = [f"missing: {g['kind']} {g['label']}" for g in gold["facts"] if g["id"] not in pairs]
    lines += [f"too much: {f['kind']} {f['label']}" for f in found.facts if f["id"] not in names]
    for one in gold["facts"]:
        if one["id"] in pairs:
            lines += fact_differences(one, renamed(by_id[pairs[one["id"]]], names))
    ends = [
        {**renamed(r, names), "from": names.get(r["from"]), "to": names.get(r["to"])}
        for r in found.relations
    ]
    lines += [f"relation missing: {r}" for r in gold["relations"] if r not in ends]
    lines += [f"relation too much: {r}" for r in ends if r not in gold["relations"]]
    patients = [renamed(p, names) for p in found.patients]
    lines += [f"patient: {p}" for p in patients if p not in gold["patients"]]
    lines += [f"statement: {s}" for s in found.statements if s not in gold["statements"]]
    lines += [f"no statement: {s}" for s in gold["statements"] if s not in found.statements]
    return lines


def fact_differences(one: Fact, two: Fact) -> list[str]:
    """Return the fields in which a found fact differs from the curated one."""
    one = renamed(one, {})
    names = sorted((set(one) | set(two)) - NOT_COMPARED)
    if one["label"] in LABELS_IN_OTHER_WORDS:
        names.remove("label")
    return [
        f"{one['label']}: {name} is {two.get(name)!r}, not {one.get(name)!r}"
        for name in names
        if one.get(name) != two.get(name)
    ]


@pytest.mark.parametrize("seed", ["000", "004"])
def test_a_founding_report_gives_the_facts_that_a_curator_found(seed: str, shared: Path) -> None:
    path = next((shared / "seeds").glob(f"{seed}_*.txt"))
    report = read(path.read_bytes(), path.name, built_in())
    gold = json.loads((shared / "gold" / f"seed{seed}.facts.json").read_text(encoding="utf-8"))
    assert differences(gold, find(report, built_in())) == []


# --- short texts ------------------------------------------------------------------------------


def rows(name: str) -> list[dict[str, str]]:
    """Return the rows of a table of cases."""
    with (CASES / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def value_at(item: Any, path: str) -> Any:
    """Return the value at a dotted path; None where there is none."""
    for step in path.split("."):
        item = item.get(step) if isinstance(item, dict) else None
    return item


def wanted(cell: str) -> Any:
    """Return a cell as the value that it stands for."""
    try:
        return json.loads(cell)
    except ValueError:
        return cell


@pytest.mark.parametrize(
    "row", rows("extract.csv"), ids=lambda row: f"{row['text']} {row['label']}"
)
def test_a_text_gives_the_fact_that_it_states(row: dict[str, str]) -> None:
    facts = found_in(row["text"]).facts
    near = [f for f in facts if f["kind"] == row["kind"] and f["label"] == row["label"]]
    assert near, [f"{f['kind']}: {f['label']}" for f in facts]
    for pair in filter(None, row["fields"].split("; ")):
        path, _, cell = pair.partition("=")
        assert value_at(near[0], path) == wanted(cell), path


@pytest.mark.parametrize("row", rows("extract-relations.csv"), ids=lambda row: row["text"])
def test_a_text_gives_the_relation_that_it_states(row: dict[str, str]) -> None:
    found = found_in(row["text"])
    labels = {f["id"]: f["label"] for f in found.facts}
    told = [(labels[r["from"]], r["type"], labels[r["to"]], r["basis"]) for r in found.relations]
    wished = (row["from"], row["type"], row["to"], row["basis"])
    assert (wished in told) is (row["not"] == ""), told


@pytest.mark.parametrize("row", rows("extract-patients.csv"), ids=lambda row: row["text"])
def test_a_text_gives_the_patients_that_it_speaks_of(row: dict[str, str]) -> None:
    patients = found_in(row["text"]).patients
    patient = patients[int(row["patient"] or 1) - 1]
    assert (patient["sex"] or {}).get("value", "") == row["sex"]
    age = patient["age"] or {}
    told = " ".join(str(age[k]) for k in ("comparator", "value", "low", "high", "code") if k in age)
    assert told == row["age"]
    assert len(patients) == int(row["patients"] or 1)


@pytest.mark.parametrize("row", rows("extract-statements.csv"), ids=lambda row: row["text"])
def test_a_general_sentence_is_a_statement_and_no_fact_of_the_patient(row: dict[str, str]) -> None:
    found = found_in(row["text"], "abstract")
    assert [s["kind"] for s in found.statements] == list(filter(None, row["kinds"].split()))
    own = [f["label"] for f in found.facts if f["assertion"]["scope"] == "patient"]
    assert own == list(filter(None, row["facts"].split("; ")))


def test_a_report_without_a_patient_has_one_patient_without_evidence() -> None:
    found = found_in("Myocarditis is a disease of the heart.", "abstract")
    assert found.patients == [{"id": "p1", "sex": None, "age": None, "identityStated": False}]
    assert found.facts == []


def test_sections_that_tell_of_no_patient_yield_no_facts() -> None:
    for kind in ("references", "discussion", "methods", "keywords", "related"):
        found = found_in("The patient died of sepsis.", kind)
        assert (found.facts, found.statements) == ([], [])


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("To report a case of uveitis in a woman treated with rifabutin.", "rifabutin uveitis"),
        ("In our patient, the rash was caused by phenytoin.", "phenytoin rash"),
        ("We describe a patient with gout.", "gout"),
        ("Smith described a case of colitis due to clozapine.", ""),
        ("A 34-year-old man with colitis was treated with prednisone.", ""),
        ("Colitis was seen in many patients.", ""),
    ],
)
@pytest.mark.parametrize("kind", ["introduction", "discussion", "abstract-background"])
def test_only_what_a_discussion_says_of_the_case_itself_is_a_fact(
    text: str, labels: str, kind: str
) -> None:
    found = {f["label"] for f in found_in(text, kind).facts if f["assertion"]["scope"] == "patient"}
    assert sorted(found) == labels.split()


def test_the_extractor_of_tables_is_known_by_name() -> None:
    assert "tables" in EXTRACTORS


def test_an_added_sentence_leaves_the_ids_of_other_facts_alone() -> None:
    text = "A 34-year-old woman had asthma. She received prednisone. The dyspnea improved."
    before = {f["id"] for f in found_in(text).facts}
    after = {f["id"] for f in found_in(f"{text} She developed a rash.").facts}
    assert before <= after


# --- laws -------------------------------------------------------------------------------------

WORDS = st.sampled_from(
    "patient She he The a an of after with without no not was were had been developed received "
    "administered interleukin-2 (rIL-2) LAK cells GVHD leukemia relapsed remission fever , . ; : "
    "( ) and or but while who which 5 months 81-year-old 10 mg/kg every 12 h twice-weekly eight "
    "sessions × 10^9/L mother donor Case 2 bilateral shadows on CT scan improved died if may - – / "
    "transplantation from due to followed by infusion Later On day +30 in March 2014 \n \n\n".split(
        " "
    )
)


def sound(found: Found, text: str) -> None:
    """Hold what is found against the schema and the text."""
    check(document_of(found), MAPPINGS / "facts.schema.json", "x", text)
    for path, evidence in evidence_of(document_of(found)):
        assert text[evidence["start"] : evidence["end"]] == evidence["text"], path


@settings(max_examples=150, deadline=None)
@given(st.lists(WORDS, max_size=80).map(" ".join))
def test_any_words_give_a_sound_document(text: str) -> None:
    sound(found_in(text), text)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=300))
def test_any_text_gives_a_sound_document(text: str) -> None:
    sound(found_in(text), text)


@settings(max_examples=50, deadline=None)
@given(st.lists(WORDS, max_size=60).map(" ".join))
def test_the_same_text_gives_the_same_facts(text: str) -> None:
    assert found_in(text) == found_in(text)
