"""What the tables make of facts: the founding reports, and the rules that hold for every fact."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from fhirconv.build import Built, build
from fhirconv.case import Case, cases
from fhirconv.tables import built_in
from fhirconv.terms import heads
from fhirconv.times import NO_TIME, offset_fields, time_fields

RELEASES = ("R4", "R5")
SEEDS = ("seed000", "seed004")


def document(shared: Path, seed: str) -> dict[str, Any]:
    return json.loads((shared / "gold" / f"{seed}.facts.json").read_text(encoding="utf-8"))


def built_from(facts: dict[str, Any], release: str) -> tuple[Case, Built]:
    (case,) = cases(facts, "0.1.0", "https://doi.org")
    return case, build(case, built_in(), release)


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("seed", SEEDS)
def test_the_tables_make_the_resources_of_the_curated_bundles(
    shared: Path, seed: str, release: str
) -> None:
    gold = json.loads((shared / "gold" / f"{seed}.{release.lower()}.bundle.json").read_bytes())
    _, built = built_from(document(shared, seed), release)
    wanted = sorted(e["resource"]["resourceType"] for e in gold["entry"])
    assert sorted(r["resourceType"] for r in built.resources) == wanted


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("seed", SEEDS)
def test_every_clinical_element_of_the_curated_bundles_is_made(
    shared: Path, seed: str, release: str
) -> None:
    gold = json.loads((shared / "gold" / f"{seed}.{release.lower()}.bundle.json").read_bytes())
    _, built = built_from(document(shared, seed), release)
    ours = {r["id"]: r for r in built.resources}
    for entry in gold["entry"]:
        wanted = entry["resource"]
        if wanted["resourceType"] in ("Composition", "DocumentReference", "Citation"):
            continue  # named otherwise, and laid out otherwise: tested below
        if wanted["id"] not in ours:
            continue  # an id of ours may come from another name of the item
        made = set(ours[wanted["id"]])
        assert set(wanted) - made == set(), f"{wanted['resourceType']} {wanted['id']}"


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("seed", SEEDS)
def test_the_account_of_the_facts_adds_up(shared: Path, seed: str, release: str) -> None:
    facts = document(shared, seed)
    _, built = built_from(facts, release)
    assert [entry.fact for entry in built.entries] == [fact["id"] for fact in facts["facts"]]
    assert {entry.result for entry in built.entries} <= {"mapped", "text only"}


def test_ids_are_the_same_in_each_release_and_when_a_fact_is_added(shared: Path) -> None:
    facts = document(shared, "seed000")
    _, first = built_from(facts, "R4")
    more = facts | {"facts": [facts["facts"][0] | {"id": "another"}, *facts["facts"]]}
    _, second = built_from(more, "R5")
    names = {r["id"] for r in first.resources}
    assert names <= {r["id"] for r in second.resources}


ROUTES = [  # polarity, certainty, temporality, scope -> what becomes of a condition
    ("present", "certain", "current", "patient", "Condition"),
    ("absent", "certain", "current", "patient", "Observation"),
    ("present", "possible", "current", "patient", "Condition"),
    ("present", "certain", "hypothetical", "patient", "skipped"),
    ("present", "certain", "planned", "patient", "skipped"),
    ("present", "certain", "current", "generic", "skipped"),
    ("present", "certain", "current", "donor", "skipped"),
    ("present", "certain", "current", "family", "FamilyMemberHistory"),
    ("absent", "certain", "current", "family", "skipped"),
]


def small(kind: str, told: dict[str, str], **fields: Any) -> dict[str, Any]:
    """Return a document of one fact."""
    words = {"start": 0, "end": 6, "text": "asthma", "section": "body"}
    fact = {
        "id": "one",
        "kind": kind,
        "patient": "p1",
        "label": "asthma",
        "assertion": told,
        "evidence": [words],
        "provenance": {"method": "human", "confidence": 1},
    }
    return {
        "schemaVersion": "1.0",
        "source": {
            "file": "case.txt",
            "mediaType": "text/plain",
            "charset": "utf-8",
            "sha256": "0" * 64,
            "uri": "ni:///sha-256;AA",
            "characters": 6,
            "offsetUnit": "unicode-code-point",
        },
        "citation": {
            "title": "A case",
            "authors": [],
            "authorsComplete": True,
            "text": "A case.",
            "evidence": {},
            "notStated": [],
        },
        "patients": [{"id": "p1"}],
        "facts": [fact | fields],
        "relations": [],
        "statements": [],
        "extraction": {"method": "human", "tool": "fhirconv", "toolVersion": "0.1.0"},
    }


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("route", ROUTES, ids=lambda route: "-".join(route[:4]))
def test_what_is_not_a_fact_of_the_patient_never_becomes_one(
    route: tuple[str, ...], release: str
) -> None:
    *assertion, became = route
    told = dict(zip(("polarity", "certainty", "temporality", "scope"), assertion, strict=True))
    facts = small("condition", told, verification="confirmed")
    _, built = built_from(facts, release)
    (entry,) = built.entries
    assert (entry.resource.split("/")[0] or entry.result) == became
    assert (entry.result == "skipped") == (became == "skipped")
    assert entry.reason or entry.result == "mapped"


PRESENT = {
    "polarity": "present",
    "certainty": "certain",
    "temporality": "current",
    "scope": "patient",
}


def resource_of(facts: dict[str, Any], release: str = "R4") -> dict[str, Any]:
    _, built = built_from(facts, release)
    place = built.entries[0].resource
    return next(r for r in built.resources if f"{r['resourceType']}/{r['id']}" == place)


def test_a_dose_is_a_quantity_in_ucum_and_its_words_stay() -> None:
    dose = {"value": 6, "unit": "mg/kg"}
    words = {"agentType": "drug", "dose": dose, "doseText": "6 mg/kg", "routeText": "intravenously"}
    made = resource_of(small("medication", PRESENT, time={"kind": "unknown"}, **words))
    assert made["dosage"]["text"] == "6 mg/kg, intravenously"
    quantity = made["dosage"]["dose"]
    assert quantity == {
        "value": 6,
        "unit": "mg/kg",
        "system": "http://unitsofmeasure.org",
        "code": "mg/kg",
    }
    assert made["dosage"]["route"]["text"] == "intravenously"


def test_a_dosage_without_a_number_says_in_r4_that_its_dose_is_unknown() -> None:
    facts = small(
        "medication", PRESENT, time={"kind": "unknown"}, agentType="drug", doseText="low-dose"
    )
    reason = {
        "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
        "valueCode": "unknown",
    }
    assert resource_of(facts)["dosage"] == {"text": "low-dose", "dose": {"extension": [reason]}}
    assert resource_of(facts, "R5")["dosage"] == {"text": "low-dose"}


def test_a_stated_date_is_taken_as_it_stands() -> None:
    facts = small("procedure", PRESENT, time={"kind": "absolute", "text": "2014", "start": "2014"})
    assert resource_of(facts)["performedDateTime"] == "2014"
    assert resource_of(facts, "R5")["occurrenceDateTime"] == "2014"
    assert "_performedDateTime" not in resource_of(facts)


def test_a_schedule_is_words_in_r4_and_a_timing_in_r5() -> None:
    schedule = {"count": 6, "frequency": 3, "period": 1, "periodUnit": "wk"}
    time = {"kind": "schedule", "text": "six sessions thrice weekly", "schedule": schedule}
    facts = small("procedure", PRESENT, time=time)
    assert resource_of(facts)["performedString"] == "six sessions thrice weekly"
    timing = resource_of(facts, "R5")["occurrenceTiming"]
    assert timing == {"repeat": schedule, "code": {"text": "six sessions thrice weekly"}}


def test_every_element_of_a_resource_is_traced_to_a_row(shared: Path) -> None:
    case, built = built_from(document(shared, "seed000"), "R4")
    for trace in built.traces:
        assert trace.item in case.items
        assert trace.row.split(":")[0].endswith(".csv"), trace
    leaves = sum(_leaves(r) for r in built.resources)
    assert leaves > 0
    assert {t.resource for t in built.traces} == {
        f"{r['resourceType']}/{r['id']}" for r in built.resources
    }


def _leaves(item: Any) -> int:
    if isinstance(item, dict):
        return sum(_leaves(value) for value in item.values())
    if isinstance(item, list):
        return sum(_leaves(value) for value in item)
    return 1


HEADS = [
    ("graft-versus-host disease (GVHD)", "graft-versus-host disease"),
    ("refractory acute leukemia", "acute leukemia"),
    ("transplantation of bone marrow", "transplantation"),
    ("non-Hodgkin lymphoma", "lymphoma"),
]


@pytest.mark.parametrize(("words", "head"), HEADS)
def test_a_noun_with_modifiers_is_a_kind_of_that_noun(words: str, head: str) -> None:
    assert head in list(heads(words))


NO_HEADS = [
    ("non-Hodgkin lymphoma", "Hodgkin lymphoma"),
    ("donor leukemia", "leukemia"),
    ("risk of leukemia", "leukemia"),
    ("number of leukemia cells", "leukemia cells"),
]


@pytest.mark.parametrize(("words", "head"), NO_HEADS)
def test_a_code_is_never_narrower_than_the_words(words: str, head: str) -> None:
    assert head not in list(heads(words))


INTERVALS = [  # start, end -> what FHIR can hold of it
    ("2014", "2016", {"from": "2014", "to": "2016"}),
    ("2014-05", "2014-05", {"from": "2014-05", "to": "2014-05"}),
    ("1999", "1999-05", {"date": "1999-05"}),
    ("1999-05-17", "1999-05", {"date": "1999-05-17"}),
    ("2016", "2014", {}),
    ("2016", None, {"from": "2016", "to": None}),
]


@pytest.mark.parametrize(("start", "end", "held"), INTERVALS)
def test_an_interval_is_only_what_fhir_can_compare(
    start: str, end: str | None, held: dict[str, Any]
) -> None:
    time = {"kind": "interval", "start": start, "end": end}
    made = time_fields(time)
    assert {name: made[name] for name in ("from", "to", "date") if name in made} == held


OFFSETS = [  # relation, offset -> how far
    ("after", None, {"earliest": NO_TIME}),
    ("before-start", None, {"latest": NO_TIME}),
    ("concurrent", None, {"offset": NO_TIME}),
    ("after", {"value": 2, "unit": "months"}, {"offset": {"value": 2, "unit": "months"}}),
    (
        "after",
        {"value": 2, "unit": "months", "comparator": ">="},
        {"earliest": {"value": 2, "unit": "months"}},
    ),
    (
        "after",
        {"value": 2, "unit": "months", "comparator": "<"},
        {"earliest": NO_TIME, "latest": {"value": 2, "unit": "months"}},
    ),
    ("after", {"value": 2, "unit": "months", "comparator": "~"}, {"earliest": NO_TIME}),
    (
        "after",
        {"value": 2, "unit": "days", "high": 3},
        {"earliest": {"value": 2, "unit": "days"}, "latest": {"value": 3, "unit": "days"}},
    ),
]


@pytest.mark.parametrize(("relation", "offset", "far"), OFFSETS)
def test_how_far_from_its_anchor_a_time_is(
    relation: str, offset: dict[str, Any] | None, far: dict[str, Any]
) -> None:
    assert offset_fields(relation, offset) == far


HALVES = [
    ({"frequency": 2}, None),
    ({"count": 6, "frequency": 2}, {"count": 6}),
    ({"countMax": 6}, None),
    ({"period": 1, "periodUnit": "wk"}, {"period": 1, "periodUnit": "wk"}),
]


@pytest.mark.parametrize(("stated", "held"), HALVES)
def test_half_a_schedule_is_left_to_the_words(stated: Any, held: Any) -> None:
    time = {"kind": "schedule", "text": "as stated", "schedule": stated}
    assert time_fields(time)["schedule"] == held
    made = resource_of(small("procedure", PRESENT, time=time), "R5")
    assert made["occurrenceTiming"]["code"] == {"text": "as stated"}


def test_r5_suspects_one_and_calls_the_others_contributing() -> None:
    facts = small("adverse_event", PRESENT)
    for name in ("first", "second"):
        drug = facts["facts"][0] | {"id": name, "kind": "medication", "agentType": "drug"}
        facts["facts"].append(drug | {"label": name, "time": {"kind": "unknown"}})
        relation = {"type": "suspected_cause", "from": "one", "to": name, "explicit": True}
        words = facts["facts"][0]["evidence"]
        facts["relations"].append(relation | {"basis": "stated", "evidence": words})
    assert len(resource_of(facts)["suspectEntity"]) == 2
    made = resource_of(facts, "R5")
    (suspect,) = made["suspectEntity"]
    (other,) = made["contributingFactor"]
    assert suspect["instanceReference"]["display"] == "first"
    assert other["itemReference"]["display"] == "second"
    assert made["note"] == [{"text": "Also suspected: asthma"}]


def test_an_inferred_reason_is_mapped_only_where_its_words_touch_both_facts() -> None:
    facts = small("condition", PRESENT, verification="confirmed")
    drug = facts["facts"][0] | {"id": "two", "kind": "medication", "agentType": "drug"}
    del drug["verification"]
    here = [{"start": 0, "end": 6, "text": "asthma", "section": "body"}]
    there = [{"start": 8, "end": 14, "text": "statin", "section": "body"}]
    reason = {"type": "treats", "from": "two", "to": "one", "explicit": False, "basis": "inferred"}
    for words, mapped in ((here, True), (there, False)):
        facts["facts"] = [
            *facts["facts"][:1],
            drug | {"evidence": words, "time": {"kind": "unknown"}},
        ]
        facts["relations"] = [reason | {"evidence": words}]
        _, built = built_from(facts, "R4")
        made = next(r for r in built.resources if r["resourceType"] == "MedicationAdministration")
        assert ("reasonReference" in made) == mapped


def calls_of(facts: dict[str, Any]) -> int:
    """Return how many functions are called to make the resources of a document."""
    count = 0

    def counted(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal count
        count += event == "call"

    made = list(cases(facts, "0.1.0", "https://doi.org"))
    sys.setprofile(counted)
    try:
        for case in made:
            build(case, built_in(), "R4")
    finally:
        sys.setprofile(None)
    return count


def test_twice_the_facts_are_twice_the_work() -> None:
    def document(facts: int) -> dict[str, Any]:
        made = small("condition", PRESENT, verification="confirmed")
        first = made["facts"][0]
        return made | {"facts": [first | {"id": f"fact-{number}"} for number in range(facts)]}

    calls_of(document(10))  # what is compiled and looked up once
    one, two, four = (calls_of(document(facts)) for facts in (50, 100, 200))
    assert four - two == pytest.approx(2 * (two - one), rel=0.02)
