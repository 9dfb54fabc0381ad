"""Facts that others found (brat, phenopackets, line lists) become facts and bundles."""

import csv
import gzip
import json
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from fhirconv.cli import main
from fhirconv.convert import Conversion, Imported, convert, load_import, serialise
from fhirconv.errors import FhirconvError, ReadError, TableError
from fhirconv.importers import unpacked
from fhirconv.importers.durations import of_iso, of_words
from fhirconv.importers.knowledge import knowledge_of
from fhirconv.importers.pointers import values_at
from fhirconv.importers.quantities import quantity_of
from fhirconv.importers.standoff import parse
from fhirconv.importers.times import date_of
from fhirconv.tables import Tables, built_in
from fhirconv.tables_check import check

CASES = Path(__file__).parent / "cases" / "import"
FILES = ("lymphoma.ann", "packet.json", "patients.csv", "facts.tsv")
RELEASES = ("R4", "R5")
KNOWN = knowledge_of(built_in())

Plain = dict[str, Any]


def load(name: str, data: bytes | None = None, tables: Tables | None = None) -> Imported:
    """Return what a file of the cases gives, or other bytes of this name."""
    made = load_import((CASES / name).read_bytes() if data is None else data, name, CASES, tables)
    assert made is not None
    return made


def packet() -> Plain:
    made: Plain = json.loads((CASES / "packet.json").read_bytes())
    return made


def loaded(document: Plain) -> Plain:
    """Return the one facts document of a phenopacket."""
    (made,) = load("packet.json", json.dumps(document).encode()).documents
    return made


def by_label(document: Plain) -> dict[str, Plain]:
    return {fact["label"]: fact for fact in document["facts"]}


def relations(document: Plain) -> set[tuple[str, str, str]]:
    return {(r["type"], r["from"], r["to"]) for r in document["relations"]}


def told(fact: Plain) -> set[str]:
    """Return what an assertion says beside 'there is, for sure, now, this patient'."""
    return set(fact["assertion"].values()) - {"present", "certain", "current", "patient"}


def errors(made: Conversion) -> list[str]:
    return [str(issue) for issue in made.issues if issue.is_error]


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("name", FILES)
def test_each_format_makes_valid_bundles_and_every_fact_is_accounted_for(
    name: str, release: str
) -> None:
    imported = load(name)
    made = convert(CASES / name, release)
    counts = made.ledger.counts
    assert errors(made) == []
    assert counts["facts"] == sum(len(d["facts"]) for d in imported.documents)
    assert counts["facts"] == counts["mapped"] + counts["text only"] + counts["skipped"]
    assert len(made.bundles) == len(imported.documents)


@pytest.mark.parametrize("name", FILES)
def test_an_import_and_its_facts_document_make_the_same_bytes(name: str) -> None:
    made = convert(CASES / name)
    again = [
        bundle
        for document in load(name).documents
        for bundle in convert(json.loads(serialise(document), parse_float=Decimal)).bundles
    ]
    assert [serialise(b) for b in made.bundles] == [serialise(b) for b in again]


# --- lengths of time, numbers, dates -----------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value", "unit", "code"),
    [
        ("P6Y", 6, "years", "a"),
        ("P1Y6M", 18, "months", "mo"),
        ("P0Y8M", 8, "months", "mo"),
        ("P5Y0M", 5, "years", "a"),
        ("P3Y2M10D", 38, "months", "mo"),  # a month has no fixed number of days
        ("P2W3D", 17, "days", "d"),
        ("P1DT6H", 30, "hours", "h"),
        ("PT45M", 45, "minutes", "min"),
        ("P0D", 0, "days", "d"),
        ("P1.5Y", Decimal("1.5"), "years", "a"),
    ],
)
def test_an_iso_duration_is_a_quantity_in_its_own_unit(
    text: str, value: int, unit: str, code: str
) -> None:
    assert of_iso(text, KNOWN) == {"value": value, "unit": unit, "code": code}


@pytest.mark.parametrize("text", ["", "P", "PT", "6Y", "P6", "P6X", "-P6Y", "P6YT", "years", "PY"])
def test_what_is_no_iso_duration_is_none(text: str) -> None:
    assert of_iso(text, KNOWN) is None


@given(st.integers(0, 150), st.integers(0, 11))
def test_years_and_months_are_as_many_months(years: int, months: int) -> None:
    made = of_iso(f"P{years}Y{months}M", KNOWN)
    assert made is not None
    factor = {"a": 12, "mo": 1}[made["code"]]
    assert made["value"] * factor == years * 12 + months


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("28-year-old", (28, "a")),
        ("2 years and 3 months", (27, "mo")),
        ("six weeks", (6, "wk")),
        ("aged 8 mo", (8, "mo")),
        ("young", None),
        ("28", None),
    ],
)
def test_ages_in_words(text: str, made: tuple[int, str] | None) -> None:
    found = of_words(text, KNOWN)
    assert (found and (found["value"], found["code"])) == made


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("60 mg", {"value": 60, "unit": "mg", "code": "mg"}),
        ("13.10 g/dL", {"value": Decimal("13.10"), "unit": "g/dL", "code": "g/dL"}),
        ("1,200 mg", {"value": 1200, "unit": "mg", "code": "mg"}),
        ("5,2 mmol/L", {"value": Decimal("5.2"), "unit": "mmol/L", "code": "mmol/L"}),
        ("> 50%", {"value": 50, "unit": "%", "code": "%", "comparator": ">"}),
        ("2-4 mg", {"value": 2, "high": 4, "unit": "mg", "code": "mg"}),
        ("normal", None),
        ("15", None),
        ("60 sheep", None),
        ("no. 5 mg", None),
        ("4-2 mg", None),
        ("9" * 40 + " mg", None),
    ],
)
def test_a_number_is_a_quantity_only_with_a_known_unit(text: str, made: Plain | None) -> None:
    assert quantity_of(text, KNOWN) == made


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("2014", "2014"),
        ("2014-05-01", "2014-05-01"),
        ("May 2014", "2014-05"),
        ("in September 2013", "2013-09"),
        ("1 May 2014", "2014-05-01"),
        ("May 1st, 2014", "2014-05-01"),
        ("2014-05-01T10:00:00Z", "2014-05-01T10:00:00Z"),
        ("1/5/2014", None),  # two days, as one reads it
        ("2014-13-01", None),
        ("day 3", None),
    ],
)
def test_a_date_is_as_precise_as_it_is_stated(text: str, made: str | None) -> None:
    assert date_of(text, KNOWN) == made


# --- phenopackets ------------------------------------------------------------------------------


def test_the_subject_is_the_patient_as_stated() -> None:
    (patient,) = loaded(packet())["patients"]
    assert (patient["sex"]["value"], patient["label"]) == ("female", "case 4")
    age = {name: value for name, value in patient["age"].items() if name != "evidence"}
    assert age == {"value": 628, "unit": "months", "code": "mo"}
    assert patient["age"]["evidence"] == [
        {"pointer": "/subject/timeAtLastEncounter", "text": "P52Y4M"}
    ]
    dates = (patient["birthDate"], patient["deceased"], patient["deathDate"])
    assert dates == ("1961-04-12", True, "2014-02-03")


def test_what_a_packet_does_not_state_stays_absent() -> None:
    document = loaded(
        {
            "subject": {
                "id": "x",
                "sex": "UNKNOWN_SEX",
                "vitalStatus": {"status": "UNKNOWN_STATUS"},
            },
            "metaData": {"phenopacketSchemaVersion": "2.0"},
        }
    )
    patient = {"id": "p1", "sex": None, "age": None, "identityStated": False, "label": "x"}
    assert document["patients"] == [patient]
    assert document["facts"] == document["relations"] == []
    assert document["citation"]["title"] == ""
    assert document["citation"]["notStated"][:2] == ["title", "authors"]


@pytest.mark.parametrize(
    ("element", "age", "label"),
    [
        ({"age": {"iso8601duration": "P3M"}}, (3, "mo"), None),
        ({"ageRange": {"start": {"iso8601duration": "P3Y"}, "end": {"iso8601duration": "P5Y"}}},
         (3, 5, "a"), None),
        ({"gestationalAge": {"weeks": 30, "days": 5}}, None, "gestational age"),
        ({"ontologyClass": {"id": "HP:0003593", "label": "Infantile onset"}}, None,
         "age at last encounter"),
        ({"timestamp": "2013-01-02T00:00:00Z"}, None, "date of last encounter"),
    ],
)  # fmt: skip
def test_a_time_before_birth_or_in_a_word_is_no_age(
    element: Plain, age: tuple[Any, ...] | None, label: str | None
) -> None:
    document = loaded(packet() | {"subject": {"id": "x", "timeAtLastEncounter": element}})
    stated = document["patients"][0]["age"]
    names = ("value", "low", "high", "code")
    assert (stated and tuple(stated[n] for n in names if n in stated)) == age
    assert (label in by_label(document)) == (label is not None)


FEATURES = [
    ("Fever", set(), {"polarity": "present"}, "P52Y"),
    ("Cough", {"absent"}, {"polarity": "absent"}, None),
    ("Jaundice", set(), {"polarity": "present"}, "Congenital onset"),
    ("Premature birth", set(), {"polarity": "present"}, "gestational age 30 weeks 5 days"),
    ("Weight loss", set(), {"polarity": "present"}, "P50Y/P52Y"),
]


@pytest.mark.parametrize(("label", "said", "value", "onset"), FEATURES)
def test_a_feature_is_a_finding_there_or_excluded_with_its_onset(
    label: str, said: set[str], value: Plain, onset: str | None
) -> None:
    fact = by_label(loaded(packet()))[label]
    assert (fact["kind"], told(fact), fact["value"]) == ("finding", said, value)
    assert fact.get("time", {}).get("text") == onset


def test_severity_and_modifiers_are_kept() -> None:
    facts = by_label(loaded(packet()))
    assert facts["Fever"]["severity"] == "severe"
    assert facts["Fever"]["details"][:2] == ["Recurrent", "every evening"]
    assert facts["Cough"]["details"] == ["Borderline"]  # no severity of ours


DISEASES = [
    ("acute myeloid leukemia", "confirmed", set()),  # solved, and listed
    ("metabolic disease", "provisional", set()),  # in progress
    ("asthma", "confirmed", set()),  # listed alone
    ("tuberculosis", "refuted", {"absent"}),  # excluded
    ("cancer", "unconfirmed", set()),  # only the target of a treatment
]


@pytest.mark.parametrize(("label", "verification", "said"), DISEASES)
def test_a_disease_is_as_sure_as_the_packet_says(
    label: str, verification: str, said: set[str]
) -> None:
    fact = by_label(loaded(packet()))[label]
    assert (fact["kind"], fact["verification"], told(fact)) == ("condition", verification, said)


def test_a_disease_that_is_named_twice_is_one_fact() -> None:
    document = loaded(packet())
    (fact,) = (f for f in document["facts"] if f["label"] == "acute myeloid leukemia")
    assert [e["pointer"] for e in fact["evidence"]] == [
        "/interpretations/0/diagnosis/disease",
        "/diseases/0",
        "/medicalActions/0/treatmentTarget",
    ]
    assert [stage["text"] for stage in fact["stages"]] == ["Stage III", "M0 Stage Finding"]
    assert fact["time"]["age"] == {"value": 623, "unit": "months", "code": "mo"}


def test_a_disease_that_is_over_is_resolved() -> None:
    document = loaded(packet())
    assert by_label(document)["asthma"]["lastStatus"] == "resolved"
    change = next(f for f in document["facts"] if f["kind"] == "status_change")
    assert (change["of"], change["status"]) == ("condition-asthma", "resolved")
    assert change["time"]["age"]["value"] == 12


def test_an_onset_at_birth_is_no_age_of_more_than_nothing() -> None:
    bundle = convert(loaded(packet())).bundles[0]
    listed = [e["resource"] for e in bundle["entry"]]
    asthma = next(r for r in listed if r.get("code", {}).get("text") == "asthma")
    assert ("onsetAge" in asthma, asthma["onsetString"]) == (False, "P0D")


def test_a_variant_is_a_finding_with_its_parts_and_shows_its_disease() -> None:
    document = loaded(packet())
    variant = by_label(document)["genetic variant"]
    assert variant["value"] == {"text": "NM_004119.3:c.2503G>T"}
    parts = {part["label"]: part["text"] for part in variant["components"]}
    assert parts["gene"] == "FLT3"
    assert (parts["zygosity"], parts["ACMG pathogenicity"]) == ("heterozygous", "pathogenic")
    shows = ("evidence_of", variant["id"], "condition-acute-myeloid-leukemia")
    assert shows in relations(document)
    gene = by_label(document)["gene"]  # rejected: no relation
    assert not any(gene["id"] in relation for relation in relations(document))


def test_a_measurement_has_its_number_unit_and_range() -> None:
    facts = by_label(loaded(packet()))
    value = facts["Hemoglobin"]["value"]
    assert value["quantity"] == {"value": Decimal("9.1"), "unit": "g/dL", "code": "g/dL"}
    assert (value["referenceRange"]["low"]["value"], value["referenceRange"]["high"]["value"]) == (
        12,
        16,
    )
    assert facts["Systolic blood pressure"]["value"]["quantity"]["value"] == 125
    assert facts["Blood group"]["value"] == {"text": "Blood group A"}
    assert "Blood pressure" not in facts  # its parts are measured, it is not


def test_medical_actions_are_treatments_with_what_followed() -> None:
    document = loaded(packet())
    drug = by_label(document)["cytarabine"]
    assert drug["dose"] == {"value": 100, "unit": "mg/m2", "code": "mg/m2"}
    assert (drug["routeText"], drug["frequencyText"]) == ("intravenous", "once daily")
    assert (drug["time"]["kind"], drug["time"]["start"]) == ("interval", "2013-09-02T00:00:00Z")
    kinds = {f["label"]: f["kind"] for f in document["facts"]}
    assert kinds["electron beam"] == kinds["7+3 regimen"] == "procedure"
    assert kinds["Nausea"] == "adverse_event"
    assert {
        ("treats", "medication-cytarabine", "condition-acute-myeloid-leukemia"),
        ("caused_by", "adverse-event-nausea", "medication-cytarabine"),
        ("outcome_of", "finding-response-to-treatment", "medication-cytarabine"),
    } <= relations(document)


def test_doses_that_differ_are_kept_as_words() -> None:
    document = packet()
    treatment = document["medicalActions"][0]["treatment"]
    other = {"quantity": {"unit": {"id": "UCUM:mg/m2", "label": "mg/m2"}, "value": 200}}
    treatment["doseIntervals"].append(other)
    drug = by_label(loaded(document))["cytarabine"]
    assert ("dose" in drug, drug["doseText"]) == (
        False,
        "100 milligram per square meter; 200 mg/m2",
    )


def test_a_code_of_the_source_is_kept_for_the_record_and_not_sent() -> None:
    document = packet()
    document["phenotypicFeatures"] = [
        {"type": {"id": "HP:0001945", "label": "glowing in the dark"}}
    ]
    made = loaded(document)
    fact = by_label(made)["glowing in the dark"]
    assert fact["codes"] == [
        {
            "system": "http://human-phenotype-ontology.org",
            "code": "HP:0001945",
            "display": "glowing in the dark",
        }
    ]
    assert b'"HP:0001945"' not in b"".join(serialise(b) for b in convert(made).bundles)


def test_the_cited_article_is_cited() -> None:
    citation = loaded(packet())["citation"]
    assert (citation["doi"], citation["title"]) == ("10.1000/case.4", "A made-up case of leukaemia")
    assert citation["evidence"]["doi"][0]["pointer"] == "/metaData/externalReferences/0/id"


def test_what_no_row_takes_is_told() -> None:
    document = packet() | {"files": [{"uri": "x"}], "pedigree": {"persons": [{"sex": 1}]}}
    document["subject"]["karyotypicSex"] = "XYZ"
    found = {str(i) for i in load("p.json", json.dumps(document).encode()).issues}
    table = "import/phenopacket.csv"
    assert found == {
        f"information: the element files[].uri is left out: no row of {table} names it [p.json]",
        "information: the element pedigree.persons[].sex is left out: "
        f"no row of {table} names it [p.json]",
    }


def test_names_with_underscores_are_read_alike() -> None:
    def snake(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                "".join(f"_{c.lower()}" if c.isupper() else c for c in name): snake(inner)
                for name, inner in value.items()
            }
        return [snake(each) for each in value] if isinstance(value, list) else value

    def bare(document: Plain) -> list[Plain]:
        return [{n: v for n, v in f.items() if n != "evidence"} for f in document["facts"]]

    assert bare(loaded(snake(packet()))) == bare(loaded(packet()))


@pytest.mark.parametrize(
    ("wrap", "records"),
    [
        (lambda one, two: json.dumps({"id": "c", "members": [one, two]}),
         ["/members/0", "/members/1"]),
        (lambda one, two: json.dumps({"id": "f", "proband": one, "relatives": [two]}),
         ["/proband", "/relatives/0"]),
        (lambda one, two: f"{json.dumps(one)}\n{json.dumps(two)}\n", ["line 1", "line 2"]),
    ],
)  # fmt: skip
def test_several_packets_of_a_file_are_several_documents(
    wrap: Callable[[Plain, Plain], str], records: list[str]
) -> None:
    one, two = packet(), packet() | {"id": "other"}
    made = load("all.json", wrap(one, two).encode()).documents
    assert [document["source"]["record"] for document in made] == records
    assert made[0]["source"]["uri"] != made[1]["source"]["uri"]


def test_ids_of_a_record_stay_when_others_come() -> None:
    lines = [json.dumps(packet() | {"id": name}) for name in ("a", "b", "c")]
    few, many = (
        convert(load("x.jsonl", "\n".join(some).encode())).bundles for some in (lines[1:], lines)
    )
    assert [{e["fullUrl"] for e in b["entry"]} for b in few] == [
        {e["fullUrl"] for e in b["entry"]} for b in many[1:]
    ]
    patients = [e["fullUrl"] for b in many for e in b["entry"] if "Patient" in e["request"]["url"]]
    assert len(set(patients)) == 3  # though they cite one article, by its DOI


# --- brat --------------------------------------------------------------------------------------

MENTIONS = [
    # label, kind, what the assertion says, fields
    ("admitted", "encounter", set(), {"encounterClass": "inpatient", "place": "hospital"}),
    ("night sweats", "finding", set(), {"value": {"polarity": "present"}}),
    ("painless cervical mass", "finding", set(), {"bodySite": {"text": "cervical"}}),
    ("hypertension", "condition", {"historical"}, {"verification": "confirmed"}),
    ("fever", "finding", {"absent"}, {"value": {"polarity": "absent"}}),
    ("examination", "procedure", set(), {}),
    ("Haemoglobin", "finding", set(),
     {"value": {"quantity": {"value": Decimal("9.8"), "unit": "g/dL", "code": "g/dL"},
                "text": "9.8 g/dL"}}),
    ("Excisional biopsy", "procedure", set(), {}),
    ("follicular lymphoma", "condition", set(), {"verification": "confirmed"}),
    ("rituximab", "medication", set(),
     {"dose": {"value": 375, "unit": "mg/m2", "code": "mg/m2"}, "routeText": "intravenously",
      "frequencyText": "once weekly",
      "time": {"kind": "absolute", "text": "May 2015", "start": "2015-05"}}),
    ("allergy", "condition", {"possible"}, {"verification": "provisional"}),
    ("mild rash", "finding", set(), {"severity": "mild", "trend": "decreased"}),
    ("family history", "finding", set(), {"value": {"text": "father had died of leukaemia"}}),
    ("outcome", "finding", set(), {"value": {"text": "died"}}),
]  # fmt: skip


@pytest.mark.parametrize(("label", "kind", "said", "fields"), MENTIONS)
def test_an_annotation_is_a_fact_with_what_modifies_it(
    label: str, kind: str, said: set[str], fields: Plain
) -> None:
    (document,) = load("lymphoma.ann").documents
    fact = by_label(document)[label]
    assert (fact["kind"], told(fact)) == (kind, said)
    assert {name: fact[name] for name in fields} == fields


def test_the_patient_is_who_is_annotated_and_nobody_else() -> None:
    (document,) = load("lymphoma.ann").documents
    (patient,) = document["patients"]
    assert (patient["sex"]["value"], patient["age"]["value"]) == ("male", 54)
    assert patient["deceased"] is True
    (words,) = patient["evidence"]
    text = (CASES / "lymphoma.txt").read_text(encoding="utf-8")
    assert text[words["start"] - 3 :].startswith("He died in 2017")  # not his father


def test_what_a_relative_had_is_no_fact_of_the_patient() -> None:
    (document,) = load("lymphoma.ann").documents
    assert "leukaemia" not in by_label(document)


def test_annotations_of_one_thing_are_one_fact_that_quotes_each() -> None:
    (document,) = load("lymphoma.ann").documents
    evidence = by_label(document)["painless cervical mass"]["evidence"]
    assert [e["text"] for e in evidence] == ["mass", "mass", "mass", "painless", "cervical"]
    text = (CASES / "lymphoma.txt").read_text(encoding="utf-8")
    assert all(text[e["start"] : e["end"]] == e["text"] for e in evidence)


def test_relations_of_annotations_are_relations_of_facts() -> None:
    (document,) = load("lymphoma.ann").documents
    biopsy = by_label(document)["Excisional biopsy"]
    anchor = {"fact": "medication-rituximab", "relation": "before"}
    assert biopsy["time"]["anchors"] == [anchor]
    assert relations(document) == {
        ("evidence_of", "procedure-excisional-biopsy", "condition-follicular-lymphoma"),
        ("caused_by", "finding-mild-rash", "condition-allergy"),
        ("before", "medication-rituximab", "procedure-excisional-biopsy"),  # else a circle
    }


def test_annotations_that_make_no_fact_are_told() -> None:
    found = [str(issue) for issue in load("lymphoma.ann").issues]
    assert found == [
        "information: the Other_entity 'because of' is left out: "
        "its type does not say what it is [lymphoma.ann:57]",
        "information: 1 note of annotators is left out: no fact takes them [lymphoma.ann]",
    ]


def annotated(tmp_path: Path, text: str, *lines: str) -> Plain:
    """Return the facts document of a text with annotations, tabs written as '|'."""
    (tmp_path / "a.txt").write_text(text, encoding="utf-8", newline="\n")
    data = "\n".join(line.replace("|", "\t") for line in lines).encode()
    made = load_import(data, "a.ann", tmp_path)
    assert made is not None
    return made.documents[0]


def test_an_entity_in_pieces_is_one_fact(tmp_path: Path) -> None:
    document = annotated(tmp_path, "skin and liver GVHD", "T1|Disease_disorder 0 4;15 19|skin GVHD")
    (fact,) = document["facts"]
    assert fact["label"] == "skin GVHD"
    assert [e["text"] for e in fact["evidence"]] == ["skin", "GVHD"]


def test_a_test_with_a_value_is_a_finding_and_one_without_was_performed(tmp_path: Path) -> None:
    document = annotated(
        tmp_path,
        "ECG was normal; CT was done.",
        "T1|Diagnostic_procedure 0 3|ECG",
        "T2|Lab_value 8 14|normal",
        "T3|Diagnostic_procedure 16 18|CT",
        "R1|MODIFY Arg1:T2 Arg2:T1",
    )
    kinds = {f["label"]: (f["kind"], f.get("value")) for f in document["facts"]}
    assert kinds == {"ECG": ("finding", {"text": "normal"}), "CT": ("procedure", None)}


def test_events_with_arguments_are_read_as_relations(tmp_path: Path) -> None:
    document = annotated(
        tmp_path,
        "severe rash",
        "T1|Severity 0 6|severe",
        "T2|Sign_symptom 7 11|rash",
        "E1|Sign_symptom:T2 MODIFY:T1",
        "A1|Negation E1",
    )
    (fact,) = document["facts"]
    assert (fact["label"], fact["severity"], told(fact)) == ("severe rash", "severe", {"absent"})


def test_a_type_of_ones_own_is_a_row_of_a_table(tmp_path: Path) -> None:
    folder = tmp_path / "mine" / "import"
    folder.mkdir(parents=True)
    rows = "type,with,kind,field,as,label,note\nProblem,,condition,,,,\n"
    (folder / "brat-types.csv").write_text(rows, encoding="utf-8")
    (tmp_path / "a.txt").write_text("asthma", encoding="utf-8")
    line = b"T1\tProblem 0 6\tasthma\n"
    plain = load_import(line, "a.ann", tmp_path)
    mine = load_import(line, "a.ann", tmp_path, Tables.of([tmp_path / "mine"]))
    assert plain is not None
    assert mine is not None
    assert [str(i) for i in plain.issues] == [
        "information: the Problem 'asthma' is left out: "
        "import/brat-types.csv does not name its type [a.ann:1]"
    ]
    assert [f["kind"] for f in mine.documents[0]["facts"]] == ["condition"]


# --- line lists --------------------------------------------------------------------------------


def test_a_row_a_patient() -> None:
    seven, eight, nine = load("patients.csv").documents
    assert [d["patients"][0]["label"] for d in (seven, eight, nine)] == ["7", "8", "9"]
    ages = [(d["patients"][0]["age"]["value"], d["patients"][0]["age"]["code"])
            for d in (seven, eight, nine)]  # fmt: skip
    assert ages == [(34, "a"), (8, "mo"), (38, "mo")]
    assert [d["patients"][0]["sex"] is None for d in (seven, eight, nine)] == [False, False, True]
    said = {f["label"]: (f["kind"], told(f)) for f in seven["facts"]}
    assert said["acute myeloid leukemia"] == ("condition", set())
    assert said["tuberculosis"] == ("condition", {"absent"})
    assert said["cough"] == ("finding", {"absent"})
    drug = by_label(seven)["cytarabine"]
    assert (drug["dose"]["value"], drug["dose"]["unit"]) == (100, "mg/m2")
    assert relations(seven) == {
        ("suspected_cause", "adverse-event-nausea", "medication-cytarabine")
    }
    assert [f["label"] for f in nine["facts"]] == ["fever", '"hot" skin']
    assert seven["citation"]["doi"] == "10.1000/lists.7"


def test_one_cell_for_two_facts_is_left_out() -> None:
    eight = load("patients.csv").documents[1]
    drugs = [f for f in eight["facts"] if f["kind"] == "medication"]
    assert [("dose" in f, f["label"]) for f in drugs] == [
        (False, "prednisolone"),
        (False, "salbutamol"),
    ]
    found = [str(issue) for issue in load("patients.csv").issues]
    assert (
        "information: the cell '2 mg/kg' of the column 'dose' is left out: "
        "it says 1 of 2 facts [patients.csv, line 3]"
    ) in found


def test_a_row_a_fact() -> None:
    first, second = load("facts.tsv").documents
    said = {f["label"]: (f["kind"], told(f)) for f in first["facts"]}
    assert said == {
        "asthma": ("condition", set()),
        "salbutamol": ("medication", set()),
        "haemoglobin": ("finding", set()),
        "cough": ("finding", {"absent"}),
        "tremor": ("adverse_event", set()),
        "nausea": ("finding", {"absent"}),  # an event that did not happen is none
    }
    assert by_label(first)["asthma"]["evidence"] == [
        {"pointer": "line 2, column quote", "text": "asthma since 2014"}
    ]
    assert relations(first) == {
        ("treats", "medication-salbutamol", "condition-asthma"),
        ("suspected_cause", "adverse-event-tremor", "medication-salbutamol"),
    }
    (doubtful,) = second["facts"]
    assert (told(doubtful), doubtful["verification"]) == ({"possible"}, "provisional")


def test_a_fact_that_is_left_open_is_no_fact() -> None:
    found = [str(issue) for issue in load("facts.tsv").issues]
    assert found == [
        "information: the column 'colour' is left out: "
        "import/line-list.csv does not name it [facts.tsv]",
        "information: the fact of this row (polarity: unknown) is left out: "
        "whether it is so is not stated [facts.tsv, line 6]",
    ]


def test_a_column_of_ones_own_is_a_row_of_a_table(tmp_path: Path) -> None:
    folder = tmp_path / "import"
    folder.mkdir()
    rows = [
        "column,layout,fact,kind,field,fixed,as,beside,note",
        "shoe size,patient,shoes,finding,label,shoe size,,,",
        "shoe size,patient,shoes,finding,value.text,,,,",
    ]
    (folder / "line-list.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    seven, *_ = load("patients.csv", tables=Tables.of([tmp_path])).documents
    assert by_label(seven)["shoe size"]["value"] == {"text": "42"}


@pytest.mark.parametrize("apart", [",", ";", "\t"])
def test_a_list_is_read_whatever_divides_its_cells(apart: str) -> None:
    rows = ["Patient_ID,SEX,Disease", '1,F,"asthma"', ""]
    data = "\r\n".join(rows).replace(",", apart).encode("utf-8-sig")
    (document,) = load("x.csv", data).documents
    assert by_label(document)["asthma"]["kind"] == "condition"


def test_a_diagnosis_is_as_sure_as_its_column_says() -> None:
    data = b"case,diagnosis,diagnosis status\n1,asthma,suspected\n2,asthma,\n3,asthma,ruled out\n"
    found = [d["facts"][0]["verification"] for d in load("x.csv", data).documents]
    assert found == ["provisional", "confirmed", "refuted"]


# --- bad input ---------------------------------------------------------------------------------

ANN = (CASES / "lymphoma.ann").read_text(encoding="utf-8")
BROKEN = [
    ("packet.json", b'{"phenotypicFeatures": [', "the JSON breaks off: the file is cut short"),
    ("p.json", b'{"metaData": {"phenopacketSchemaVersion": "1.0.0"}}',
     "phenopacketSchemaVersion '1.0.0' is not known here (known: 2) [p.json]"),
    ("p.json", b'{"subject": 5, "phenotypicFeatures": []}',
     "the subject of a phenopacket is a JSON object [p.json]"),
    ("p.jsonl", b'{"phenotypicFeatures": []}\n{"phenotypicFeatures": \n{"x": }\n',
     "line 2: the JSON breaks off: the file is cut short, at line 1, column 24; line 3: "),
    ("lymphoma.ann", ANN.encode() + b"T99 rubbish\n",
     "line 83: this is no annotation of brat: 'T99 rubbish' [lymphoma.ann]"),
    ("lymphoma.ann", ANN.encode() + b"T99\tSign_symptom 5\tx\nR99\tMODIFY Arg1:T1\n",
     "line 83: an entity has a type, offsets and words, not 'Sign_symptom 5\\tx'; "
     "line 84: a relation has a type and two arguments, not 'MODIFY Arg1:T1' [lymphoma.ann]"),
    ("lymphoma.ann", ANN.encode() + b"T99\tSign_symptom 0 3\tfox\n",
     "line 83: the text does not say 'fox' at 0-3 [lymphoma.ann]"),
    ("lymphoma.ann", ANN.encode() + b"R99\tMODIFY Arg1:T1 Arg2:E77\n",
     "line 83: 'E77' is not annotated [lymphoma.ann]"),
    ("lymphoma.ann", ANN.encode() + b"T1\tSex 14 17\tman\n", "line 83: the id 'T1' stands twice"),
    ("lymphoma.ann", b"\xff", "the file is not UTF-8 at byte 0 [lymphoma.ann]"),
    ("away.ann", b"T1\tSex 0 3\tman\n",
     "the text that the annotations speak of, away.txt, is not beside them [away.ann]"),
    ("x.csv", b"", "the file is empty where a table should be [x.csv]"),
    ("x.csv", b"case,age\n", "the table has no row below its header [x.csv]"),
    ("x.csv", b"case,Case\n1,2\n", "line 1: the column 'Case' stands twice [x.csv]"),
    ("x.csv", b"a,b\n1,2\n", "no column of the table is one of import/line-list.csv (patient, "),
    ("x.csv", b'case,age\n1,"2\n', "line 2: the row is not CSV: unexpected end of data [x.csv]"),
    ("x.csv", b"case,age\n1\n2,3\n4\n",
     "line 2: 1 cells where 2 columns are; line 4: 1 cells where 2 columns are [x.csv]"),
    ("x.csv", b"\xff\xfe", "the file is not UTF-8 at byte 0 [x.csv]"),
    ("x.csv", b"case,sex\n1,m\n1,f\n",
     "line 3: the sex female contradicts male of a row above [x.csv]"),
    ("x.tsv", b"kind\tlabel\tpolarity\nthing\ta\t\ndrug\tb\tmaybe\ndrug\t\t\n\tc\t\n",
     "line 2: no kind of fact is called 'thing' (known: adverse_event, condition, encounter, "
     "family_history, finding, medication, procedure); "
     "line 3: the polarity 'maybe' is not known (known: absent, present); "
     "line 4: the fact has no label; line 5: the kind of the fact is not stated [x.tsv]"),
    ("p.jsonl.gz", b"\x1f\x8bnot", "the file is no sound gzip file: "),
    ("p.jsonl.gz", gzip.compress(b'{"phenotypicFeatures": []}')[:-9], "the gzip file is cut short"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "data", "message"), BROKEN)
def test_a_broken_file_is_told_with_every_line_that_is_wrong(
    name: str, data: bytes, message: str
) -> None:
    with pytest.raises(ReadError) as caught:
        load_import(data, name, CASES)
    assert message in str(caught.value)


def test_a_bomb_is_not_unpacked() -> None:
    with pytest.raises(ReadError, match="the file is larger than 1000 bytes when unpacked"):
        load_import(gzip.compress(b" " * 10**6), "x.json.gz", None, None, 1000)


def test_many_problems_are_told_in_part() -> None:
    data = b"case,age\n" + b"1\n" * 12
    with pytest.raises(ReadError, match=r"line 9: 1 cells where 2 columns are; and 4 more"):
        load_import(data, "x.csv")


ODD: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["id", "label", "age", "unit", "value"]), inner, max_size=2
        )
    ),
    max_leaves=4,
)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_packet_with_odd_values_is_read_or_refused_in_a_sentence(data: st.DataObject) -> None:
    document = packet()
    holders = [document]
    for holder in holders:
        holders += [v for v in (holder.values() if isinstance(holder, dict) else holder)
                    if isinstance(v, dict | list) and v]  # fmt: skip
    holder: Any = data.draw(st.sampled_from(holders))
    key = data.draw(st.sampled_from(list(holder) if isinstance(holder, dict)
                                    else list(range(len(holder)))))  # fmt: skip
    holder[key] = data.draw(ODD)
    with suppress(FhirconvError):
        load_import(json.dumps(document).encode(), "p.json")


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="TERA*#19\t :;Sex\n", max_size=60))
def test_any_annotations_are_read_or_told(text: str) -> None:
    problems: list[str] = []
    parse(text.split("\n"), "a man", problems)
    assert all(problem.startswith("line ") for problem in problems)


# --- the tables of import/ ---------------------------------------------------------------------

MISTAKES = [
    ("phenopacket.csv", "subject,,,person,label,id,,,,", "'person' is no kind of fact"),
    ("phenopacket.csv", "x[],,,finding,lable,id,,,,", "no finding has a field 'lable'"),
    ("phenopacket.csv", "x[],,,finding,label,id,,words:a:b,,", None),
    ("phenopacket.csv", "x[],,,finding,label,id,,wrods,,", "no value is read as 'wrods'"),
    ("phenopacket.csv", "x[],,,finding,label,id,,word:sexes,,", "words.csv has no list 'sexes'"),
    ("line-list.csv", "a,,patient,patient,age,,age:eons,,",
     "codes/units.csv has no unit 'eons'"),
    ("brat-relations.csv", "X,,,relation:heals,", "'heals' is no relation (known: treats"),
    ("brat-relations.csv", "X,,,anchor:near,", "times are not related as 'near'"),
    ("brat-relations.csv", "X,,,link,", "a relation is not carried out as 'link'"),
    ("brat-parts.csv", "X,finding,valu,,,,", "no finding has a field 'valu'"),
    ("words.csv", "colours,red,rot,", "no row asks for the list 'colours'"),
]  # fmt: skip


@pytest.mark.parametrize(("table", "row", "message"), MISTAKES)
def test_a_wrong_row_of_import_is_found(
    tmp_path: Path, table: str, row: str, message: str | None
) -> None:
    path = next(p for p in built_in().folders if (p / "import" / table).is_file())
    header = (path / "import" / table).read_text(encoding="utf-8").splitlines()[0]
    (tmp_path / "import").mkdir()
    (tmp_path / "import" / table).write_text(f"{header}\n{row}\n", encoding="utf-8")
    found = [i for i in check(Tables.of([tmp_path]).folders) if "import/" in i.where]
    assert all(issue.where == f"import/{table}:2" for issue in found)
    assert [message in issue.message for issue in found if message] == ([True] if message else [])


def test_an_unknown_reading_stops_with_its_row(tmp_path: Path) -> None:
    (tmp_path / "import").mkdir()
    rows = "column,layout,fact,kind,field,fixed,as,beside,note\nage,,patient,patient,age,,old,,\n"
    (tmp_path / "import" / "line-list.csv").write_text(rows, encoding="utf-8")
    with pytest.raises(TableError, match=r"no value is read as 'old'.*line-list\.csv:2"):
        load("patients.csv", tables=Tables.of([tmp_path]))


def test_every_row_of_a_line_list_has_columns_of_its_own() -> None:
    rows = built_in().imports["line-list"]
    heads = Counter((r["column"], r["layout"], r["fact"], r["kind"], r["field"]) for r in rows)
    assert [head for head, times in heads.items() if times > 1] == []


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a.b[].c", [("/a/b/0/c", 1), ("/a/b/1/c", 2)]),
        ("a.b[k=x].c", [("/a/b/1/c", 2)]),
        ("a.snakeCase", [("/a/snake_case", 3)]),
        (".", [("", None)]),
        ("a.none.x", []),
    ],
)
def test_paths_lead_to_values_and_pointers(path: str, found: list[tuple[str, Any]]) -> None:
    value = {"a": {"b": [{"c": 1}, {"c": 2, "k": "x"}], "snake_case": 3}}
    wanted = [(pointer, value if path == "." else each) for pointer, each in found]
    assert list(values_at(value, path)) == wanted


# --- the command line --------------------------------------------------------------------------


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, list(arguments))
    return done.exit_code, done.output


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one input of each format, annotations beside their text."""
    for name in (*FILES, "lymphoma.txt"):
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / name).write_bytes((CASES / name).read_bytes())
    return tmp_path


def names(place: Path) -> list[str]:
    return sorted(path.name for path in place.iterdir())


@pytest.mark.parametrize(("verb", "ending"), [("convert", "bundle"), ("extract", "facts")])
def test_a_folder_gives_one_output_a_patient_and_a_text_not_twice(
    folder: Path, verb: str, ending: str
) -> None:
    code, said = run(verb, str(folder / "in"), "-o", f"{folder}/out/", "-q")
    assert code == 0, said
    assert names(folder / "out") == [
        f"{stem}.{ending}.json"
        for stem in ("facts.p1", "facts.p2", "lymphoma", "packet", *("patients.p1",),
                     "patients.p2", "patients.p3")
    ]  # fmt: skip


def test_annotations_and_their_text_named_together_are_one_case(folder: Path) -> None:
    pair = [str(folder / "in" / f"lymphoma.{end}") for end in ("ann", "txt")]
    assert run("convert", *pair, "-o", f"{folder}/out/", "-q")[0] == 0
    assert names(folder / "out") == ["lymphoma.bundle.json"]


def test_a_packed_file_of_several_parts_is_unpacked_whole() -> None:
    parts = gzip.compress(b"one,") + gzip.compress(b"") + gzip.compress(b"two")
    assert unpacked(parts, "x.csv.gz", 7) == (b"one,two", "x.csv")
    with pytest.raises(ReadError, match="larger than 6 bytes when unpacked"):
        unpacked(parts, "x.csv.gz", 6)


def test_packed_lines_are_unpacked(folder: Path) -> None:
    data = "\n".join(json.dumps(packet() | {"id": str(n)}) for n in range(2)).encode()
    (folder / "all.jsonl.gz").write_bytes(gzip.compress(data))
    code, _ = run("convert", str(folder / "all.jsonl.gz"), "-o", f"{folder}/out/", "-q")
    assert code == 0
    assert len(names(folder / "out")) == 2


def test_facts_of_others_convert_to_the_same_bytes_as_they_extract(folder: Path) -> None:
    code, _ = run("extract", str(folder / "in" / "lymphoma.ann"), "-o", f"{folder}/a.facts.json")
    assert code == 0
    for name, source in (("one", "in/lymphoma.ann"), ("two", "a.facts.json")):
        assert run("convert", "-q", str(folder / source), "-o", f"{folder}/{name}.json")[0] == 0
    assert (folder / "one.json").read_bytes() == (folder / "two.json").read_bytes()


def test_a_broken_file_among_others_is_told_and_the_rest_is_made(folder: Path) -> None:
    (folder / "in" / "facts.tsv").write_text("kind\tlabel\nthing\ta\n", encoding="utf-8")
    code, said = run("convert", str(folder / "in"), "-o", f"{folder}/out/")
    assert code == 1
    assert "facts.tsv: error: line 2: no kind of fact is called 'thing'" in said.replace("\n", " ")
    assert "lymphoma.bundle.json" in names(folder / "out")


def test_an_import_is_explained_down_to_its_words(folder: Path) -> None:
    code, said = run("explain", str(folder / "in" / "lymphoma.ann"))
    assert code == 0
    assert 'in the sentence "There was no fever."' in said


def test_the_report_tells_what_was_left_out(folder: Path) -> None:
    report = folder / "outcome.json"
    arguments = (str(folder / "in" / "patients.csv"), "-o", f"{folder}/o/", "--report", str(report))
    assert run("convert", *arguments)[0] == 0
    told_of = [issue["diagnostics"] for issue in json.loads(report.read_bytes())["issue"]]
    left = "the column 'Shoe size' is left out: import/line-list.csv does not name it"
    assert left in told_of


# --- the corpora -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def packets(shared: Path) -> list[bytes]:
    """The phenopackets of the shared corpus, one a line."""
    path = shared / "corpora" / "phenopackets-dev" / "phenopackets.jsonl.gz"
    return gzip.decompress(path.read_bytes()).splitlines()


@pytest.mark.parametrize("release", RELEASES)
def test_phenopackets_of_the_corpus_become_valid_bundles(
    packets: list[bytes], release: str
) -> None:
    made = convert(load("all.jsonl", b"\n".join(packets)), release)
    assert errors(made) == []
    assert len(made.bundles) == len(packets)
    assert made.ledger.counts["skipped"] == 0


def test_every_feature_disease_variant_and_measurement_of_the_corpus_is_a_fact(
    packets: list[bytes],
) -> None:
    for line in packets:
        source = json.loads(line)
        (document,) = load("p.json", line).documents
        inner = [d for i in source["interpretations"] for d in [i["diagnosis"]]]
        diseases = {d["term"]["id"] for d in source["diseases"]}
        diseases |= {d["disease"]["id"] for d in inner}
        wanted = len(source["phenotypicFeatures"]) + len(diseases)
        wanted += sum(len(d["genomicInterpretations"]) for d in inner)
        wanted += len(source.get("measurements", ()))
        subject = [f for f in document["facts"]
                   if f["evidence"][0]["pointer"].startswith("/subject")]  # fmt: skip
        assert len(document["facts"]) - len(subject) == wanted, source["id"]
        absent = sum("excluded" in f for f in source["phenotypicFeatures"])
        assert sum(told(f) == {"absent"} for f in document["facts"]) == absent


@pytest.fixture(scope="module")
def reports(shared: Path) -> list[Path]:
    """The annotated reports of the shared corpus."""
    return sorted((shared / "corpora" / "maccrobat-dev").glob("*.ann"))


@pytest.mark.parametrize("release", RELEASES)
def test_annotated_reports_of_the_corpus_become_valid_bundles(
    reports: list[Path], release: str
) -> None:
    for path in reports:
        made = convert(path, release)
        counts = made.ledger.counts
        assert errors(made) == [], path.name
        assert counts["facts"] == counts["mapped"] + counts["text only"] + counts["skipped"]
        assert counts["facts"] > 0


def test_every_annotation_of_the_corpus_is_quoted_or_told(reports: list[Path]) -> None:
    for path in reports:
        made = load_import(path.read_bytes(), path.name, path.parent)
        assert made is not None
        (document,) = made.documents
        spans = set(_spans(document))
        lines = {int(i.where.rpartition(":")[2]) for i in made.issues if i.where[-1].isdigit()}
        text = path.with_suffix(".txt").read_text(encoding="utf-8")
        found = parse(path.read_text(encoding="utf-8").split("\n"), text, [])
        entities = found.entities.values()
        wide = [e for e in entities if e.type in ("History", "Family_history")]
        for entity in entities:
            inside = any(w.start <= entity.start and entity.end <= w.end for w in wide)
            known = set(entity.spans) & spans or entity.line in lines
            assert known or inside or entity.type == "Coreference", (path.name, entity)


def _spans(value: Any) -> list[tuple[int, int]]:
    if isinstance(value, dict):
        own = [(value["start"], value["end"])] if isinstance(value.get("end"), int) else []
        return own + [span for each in value.values() for span in _spans(each)]
    return [span for each in value for span in _spans(each)] if isinstance(value, list) else []


def test_the_cases_are_read_as_their_tables_are_written() -> None:
    with (CASES / "patients.csv").open(encoding="utf-8", newline="") as lines:
        assert len(list(csv.DictReader(lines))) == len(load("patients.csv").documents)
