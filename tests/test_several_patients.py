"""Several patients in one report: each fact is of the patient of whom it is told."""

from typing import Any

import pytest

from fhirconv import convert
from fhirconv.facts import check, evidence_of
from fhirconv.tables import MAPPINGS
from tests.test_extract import found_in

MEANT = ("condition", "finding", "medication", "procedure")


def shares(facts: list[dict[str, Any]]) -> list[str]:
    """Return who has what, a line each, sorted."""
    said = {"absent": "not ", "present": ""}
    return sorted(
        f"{f['patient']} {said[f['assertion']['polarity']]}{f['label'].casefold()}"
        for f in facts
        if f["kind"] in MEANT and f["assertion"]["scope"] == "patient"
    )


SENTENCES = [
    ("Patients 1 and 2 had asthma and gout, respectively.", "p1 asthma; p2 gout"),
    (
        "Cases 1, 2 and 3 had asthma, gout and uveitis, respectively.",
        "p1 asthma; p2 gout; p3 uveitis",
    ),
    ("The first patient had asthma, whereas the second patient had gout.", "p1 asthma; p2 gout"),
    ("In case 1, fever occurred; in case 2, rash occurred.", "p1 fever; p2 rash"),
    (
        "Case 1. He had gout. Case 2. Fever occurred in case 1 and rash in case 2.",
        "p1 fever; p1 gout; p2 rash",
    ),
    (
        "Patient 1 received prednisone and patient 2 received dexamethasone.",
        "p1 prednisone; p2 dexamethasone",
    ),
    (
        "Patient A had asthma. Patient B had gout. Both patients had fever.",
        "p1 asthma; p1 fever; p2 fever; p2 gout",
    ),
    (
        "Case 1. He had asthma. Case 2. She had gout. Both received aspirin.",
        "p1 aspirin; p1 asthma; p2 aspirin; p2 gout",
    ),
    (
        "Patient 1 had asthma. Patient 2 was the brother of patient 1 and had gout.",
        "p1 asthma; p2 gout",
    ),
    ("Patient 1 had no fever, but patient 2 had fever.", "p1 not fever; p2 fever"),
]


@pytest.mark.parametrize(("text", "told"), SENTENCES)
def test_a_sentence_gives_each_patient_their_own(text: str, told: str) -> None:
    assert shares(found_in(text).facts) == told.split("; ")


def test_two_patients_are_introduced_in_one_sentence() -> None:
    text = "Patients 1 and 2 were a 34-year-old woman and a 50-year-old man. Patient 2 had gout."
    one, two = found_in(text).patients
    assert (one["sex"]["value"], one["age"]["value"]) == ("female", 34)
    assert (two["sex"]["value"], two["age"]["value"]) == ("male", 50)


# --- tables -----------------------------------------------------------------------------------

COLUMNS = """<table><caption>Table 1. The patients</caption>
<tr><th>Characteristic</th><th>Patient 1</th><th>Patient 2</th></tr>
<tr><td>Age (years)</td><td>34</td><td>50</td></tr><tr><td>Sex</td><td>F</td><td>Male</td></tr>
<tr><td>Diagnosis</td><td>Melanoma</td><td>Lung cancer</td></tr>
<tr><td>Fever</td><td>Yes</td><td>No</td></tr>
<tr><td>Differential diagnosis</td><td>Sarcoidosis</td><td>Gout</td></tr>
<tr><td>Treatment</td><td>Prednisone 60 mg</td><td>None</td></tr>
<tr><td>ALT (U/L)</td><td>412</td><td>88 U/L</td></tr></table>"""
ROWS = """<table><tr><th>Case</th><th>Age/sex</th><th>Diagnosis</th><th>Rash</th></tr>
<tr><td>1</td><td>34/F</td><td>Melanoma</td><td>-</td></tr>
<tr><td>2</td><td>50/M</td><td>Lung cancer</td><td>+</td></tr></table>"""
OTHERS = """<table><caption>Table 2. Reported cases</caption>
<tr><th>Case</th><th>Author</th><th>Diagnosis</th></tr>
<tr><td>1</td><td>Smith</td><td>Psoriasis</td></tr>
<tr><td>2</td><td>Jones</td><td>Leukemia</td></tr></table>"""


def page(table: str, words: str = "We saw two patients with itching.") -> str:
    """Return a page of an article with a table in its case report."""
    return f"<html><body><h1>Itching</h1><h2>Case report</h2><p>{words}</p>{table}</body></html>"


def document_of(text: str) -> dict[str, Any]:
    """Return the facts of a page, held against the schema and its words."""
    report = convert.read(text.encode(), name="page.html")
    document = convert.extract(report, extractor="tables")
    check(document, MAPPINGS / "facts.schema.json", "page", report.text)
    for path, evidence in evidence_of(document):
        words = report.text[evidence["start"] : evidence["end"]]
        assert "pointer" in evidence or words == evidence["text"], path
    return dict(document)


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (
            COLUMNS,
            "p1 alt; p1 fever; p1 melanoma; p1 prednisone; p2 alt; p2 lung cancer; p2 not fever",
        ),
        (ROWS, "p1 melanoma; p1 not rash; p2 lung cancer; p2 rash"),
        (ROWS + OTHERS, "p1 melanoma; p1 not rash; p2 lung cancer; p2 rash"),
    ],
)
def test_a_table_with_a_place_for_each_patient_is_read(table: str, told: str) -> None:
    document = document_of(page(table))
    assert shares(document["facts"]) == told.split("; ")
    one, two = document["patients"]
    assert (one["sex"]["value"], one["age"]["value"]) == ("female", 34)
    assert (two["sex"]["value"], two["age"]["value"]) == ("male", 50)


def test_a_value_of_a_table_has_the_unit_of_its_row_or_its_own() -> None:
    facts = document_of(page(COLUMNS))["facts"]
    values = [f["value"]["quantity"] for f in facts if f["label"] == "ALT"]
    assert [(v["value"], v["code"]) for v in values] == [(412, "U/L"), (88, "U/L")]


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (OTHERS, "We saw two patients with itching."),
        (COLUMNS, "A 40-year-old man had itching."),
        (ROWS, "Case 1. He had itching. Case 2. He had itching. Case 3. He had itching."),
    ],
)
def test_a_table_of_other_patients_is_not_read(table: str, words: str) -> None:
    told = " ".join(shares(document_of(page(table, words))["facts"]))
    assert not any(word in told for word in ("psoriasis", "melanoma", "leukemia", "rash"))
