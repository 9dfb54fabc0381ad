"""From facts to bundles: the same bytes, the account of every fact, every element explained."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

import fhirconv
from fhirconv.bundle import serialise
from fhirconv.convert import convert, issues_of, load_facts
from fhirconv.errors import FactsError, ReadError, TableError, UsageError
from fhirconv.explain import explain
from fhirconv.tables import built_in
from tests.test_build import PRESENT, small

RELEASES = ("R4", "R5")
SEEDS = ("seed000", "seed004")


def asthma() -> dict[str, Any]:
    return small("condition", dict(PRESENT), verification="confirmed", lastStatus="active")


def resources(bundle: dict[str, Any]) -> list[dict[str, Any]]:
    return [entry["resource"] for entry in bundle["entry"]]


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("seed", SEEDS)
def test_the_founding_reports_make_valid_bundles(shared: Path, seed: str, release: str) -> None:
    made = convert(shared / "gold" / f"{seed}.facts.json", release)
    assert [str(issue) for issue in made.issues if issue.is_error] == []
    assert made.ledger.counts["skipped"] == 0


@pytest.mark.parametrize("kind", ["transaction", "collection", "document"])
def test_the_same_facts_make_the_same_bytes(kind: str) -> None:
    when = "2026-01-31T12:00:00Z"
    first, second = (convert(asthma(), bundle=kind, timestamp=when).bundles for _ in range(2))
    assert [serialise(b) for b in first] == [serialise(b) for b in second]


def test_a_transaction_puts_every_resource_on_its_own_id() -> None:
    (bundle,) = convert(asthma()).bundles
    assert bundle["type"] == "transaction"
    for entry in bundle["entry"]:
        name = f"{entry['resource']['resourceType']}/{entry['resource']['id']}"
        assert entry["request"] == {"method": "PUT", "url": name}
        assert entry["fullUrl"] == f"urn:uuid:{entry['resource']['id']}"


def test_a_collection_asks_for_nothing() -> None:
    (bundle,) = convert(asthma(), bundle="collection").bundles
    assert not any("request" in entry for entry in bundle["entry"])


def test_no_time_of_generation_is_made_up() -> None:
    (bundle,) = convert(asthma()).bundles
    reason = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
    absent = {"extension": [{"url": reason, "valueCode": "unknown"}]}
    composition = resources(bundle)[0]
    assert "timestamp" not in bundle
    assert (composition.get("date"), composition["_date"]) == (None, absent)
    assert resources(bundle)[-1]["_recorded"] == absent


def test_a_given_time_stands_where_fhir_wants_one() -> None:
    (bundle,) = convert(asthma(), timestamp="2026-01-31T12:00:00Z").bundles
    assert bundle["timestamp"] == "2026-01-31T12:00:00Z"
    assert resources(bundle)[0]["date"] == "2026-01-31T12:00:00Z"
    assert resources(bundle)[-1]["recorded"] == "2026-01-31T12:00:00Z"


def test_a_document_without_a_time_is_refused() -> None:
    with pytest.raises(UsageError, match="a document Bundle needs a time: give --timestamp"):
        convert(asthma(), bundle="document")


@pytest.mark.parametrize("text", ["yesterday", "2026-01-31", "2026-13-01T00:00:00Z"])
def test_a_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no time such as 2026-01-31T12:00:00Z"):
        convert(asthma(), timestamp=text)


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    with pytest.raises(TableError, match=r"no FHIR release called 'R9' \(known: R4, R5\)"):
        convert(asthma(), "R9")
    with pytest.raises(UsageError, match="no kind of Bundle called 'heap'"):
        convert(asthma(), bundle="heap")


def test_several_patients_make_one_bundle_each_and_share_the_article() -> None:
    facts = asthma()
    second = copy.deepcopy(facts["facts"][0]) | {"id": "two", "patient": "p2"}
    facts["patients"].append({"id": "p2"})
    facts["facts"].append(second)
    made = convert(facts)
    assert [i for i in made.issues if i.is_error] == []
    one, two = (resources(b) for b in made.bundles)
    assert one[0]["id"] != two[0]["id"]
    shared = [
        {json.dumps(r) for r in listed if r["resourceType"] in ("DocumentReference", "Device")}
        for listed in (one, two)
    ]
    assert shared[0] == shared[1]
    assert len(shared[0]) == 2


def test_the_account_names_every_fact_with_what_became_of_it() -> None:
    facts = asthma()
    told = dict(PRESENT) | {"temporality": "hypothetical"}
    facts["facts"].append(facts["facts"][0] | {"id": "two", "assertion": told})
    made = convert(facts)
    counts = made.ledger.counts
    assert counts["facts"] == counts["mapped"] + counts["text only"] + counts["skipped"] == 2
    (reason,) = made.ledger.reasons
    assert reason == "hypothetical: it did not happen, or may happen"
    said = {issue.where: issue.message for issue in issues_of(made)}
    assert said["facts[two]"] == f"condition 'asthma': skipped: {reason}"
    assert said["facts[one]"].startswith("condition 'asthma': ")


def test_what_no_row_reads_is_told() -> None:
    made = convert(small("medication", dict(PRESENT), agentType="drug", time={"kind": "unknown"}))
    assert [i.message for i in made.issues if i.code == "incomplete"] == []
    facts = small("condition", dict(PRESENT), verification="confirmed", doseText="much")
    (issue,) = (i for i in convert(facts).issues if i.code == "incomplete")
    message = "no row maps the field 'doseText' of a condition: it is only in the quote"
    assert (issue.message, issue.where) == (message, "facts[one]")


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("seed", SEEDS)
def test_every_element_is_explained_by_a_row_and_words(
    shared: Path, seed: str, release: str
) -> None:
    made = convert(shared / "gold" / f"{seed}.facts.json", release)
    (bundle,) = made.bundles
    told = list(explain(made))
    for resource in resources(bundle):
        name = f"{resource['resourceType']}/{resource['id']}"
        mine = {e.element.split("[")[0].split(".")[0] for e in told if e.resource == name}
        assert mine == set(resource) - {"resourceType", "id"}, name
    code = next(e for e in told if e.element == "code.text" and e.resource.startswith("Condition/"))
    assert code.row.startswith("resources/Condition.csv:")
    assert code.words
    assert "-" in code.where


def test_the_sentence_is_told_where_the_report_is_at_hand() -> None:
    text = "A man came. His asthma, as\nhe said, was mild. He left."
    facts = asthma()
    words = {"start": 16, "end": 22, "text": "asthma", "section": "body"}
    facts["facts"][0]["evidence"] = [words]
    told = [e for e in explain(convert(facts), text, built_in()) if e.fact == "one"]
    assert {e.sentence for e in told} == {"His asthma, as he said, was mild."}
    assert {e.sentence for e in explain(convert(facts))} == {""}


def test_a_facts_document_is_held_against_its_report_beside_it(tmp_path: Path) -> None:
    import hashlib

    (tmp_path / "case.txt").write_bytes(b"eczema")
    facts = asthma()
    facts["source"]["sha256"] = hashlib.sha256(b"eczema").hexdigest()
    (tmp_path / "case.facts.json").write_bytes(serialise(facts))
    with pytest.raises(FactsError, match="the report does not say 'asthma' at this place"):
        convert(tmp_path / "case.facts.json")


@pytest.mark.parametrize("data", [b"", b"{", b'{"a": 1, "a": 2}', b"\xff{}"])
def test_facts_that_are_no_json_are_refused(data: bytes) -> None:
    with pytest.raises((ReadError, FactsError)):
        load_facts(data, "a.json")


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="cannot be read: No such file or directory"):
        convert(tmp_path / "away.txt")


def test_the_public_names_are_functions_that_answer() -> None:
    (bundle,) = fhirconv.convert(asthma()).bundles
    assert [i for i in fhirconv.validate(bundle, "R4") if i.is_error] == []
    assert all(callable(getattr(fhirconv, name)) for name in fhirconv.__all__ if name[0] != "_")


EVERYTHING = Path(__file__).parent / "cases" / "everything.facts.json"


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("kind", ["transaction", "collection", "document"])
def test_whatever_facts_can_say_makes_a_valid_bundle(release: str, kind: str) -> None:
    made = convert(EVERYTHING, release, bundle=kind, timestamp="2026-01-31T12:00:00Z")
    assert [str(issue) for issue in made.issues] == []
    assert made.ledger.counts["facts"] == 39
    assert made.ledger.reasons == {"planned: whether it happened is not said": 1}


def test_a_text_without_a_title_makes_no_citation() -> None:
    facts = asthma()
    facts["citation"]["title"] = ""
    made = convert(facts, "R5")
    assert [str(issue) for issue in made.issues if issue.is_error] == []
    assert "Citation" not in {r["resourceType"] for r in resources(made.bundles[0])}
    assert resources(made.bundles[0])[0]["title"] == "Case report"
