"""A real HAPI FHIR server and HL7's own validator take what we make, and give it back unchanged."""

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests

from tests.hapi_servers import FHIR, IssueList, Resource, Validator, hapi_issues
from tests.read_back import addresses, as_read, as_sent, parse

PROJECT = Path(__file__).resolve().parents[1]
RELEASES = ("R4", "R5")
STAMP = "2026-01-31T12:00:00Z"

SAMPLES = sorted(
    path.relative_to(PROJECT).as_posix() for path in (PROJECT / "samples").glob("**/*.bundle.json")
)
FOUNDING = (
    "seeds/000_837bfe6ba4a3b303.txt",
    "seeds/004_dac74b2eca192135.txt",
    "gold/seed000.facts.json",
    "gold/seed004.facts.json",
)
EVERYTHING = "tests/cases/everything.facts.json"  # whatever facts can say
SEARCHES = {  # resource type: the search that finds those of a patient, in both releases
    "AdverseEvent": "subject",
    "Composition": "subject",
    "Condition": "patient",
    "Encounter": "patient",
    "FamilyMemberHistory": "patient",
    "MedicationAdministration": "patient",
    "Observation": "patient",
    "Procedure": "patient",
}

Texts = list[bytes]  # bundles as they are sent


def release_of(name: str) -> str:
    """Tell the release of a sample by its name, NAME.r4.bundle.json."""
    return "R5" if ".r5." in name else "R4"


def converted(
    source: Path, release: str, kind: str = "transaction", timestamp: str | None = None
) -> Texts:
    """Convert a report, or its facts, as a user does."""
    from fhirconv.convert import convert, serialise

    made = convert(source, release, bundle=kind, timestamp=timestamp)
    return [serialise(bundle) for bundle in made.bundles]


@dataclass(frozen=True)
class Exchange:
    """What was sent to a server, what it answered the first and the second time, what it has."""

    base: str
    bundle: Resource
    first: requests.Response
    second: requests.Response
    stored: dict[str, Resource] = field(default_factory=dict)  # by Type/id

    def versions(self, answer: requests.Response) -> list[tuple[str, str]]:
        """Give status and version of every entry of an answer."""
        responses = [entry["response"] for entry in answer.json()["entry"]]
        return [(response["status"], response["etag"]) for response in responses]

    def of_type(self, kind: str) -> set[str]:
        """Give the ids of the sent resources of a type."""
        resources = [entry["resource"] for entry in self.bundle["entry"]]
        return {each["id"] for each in resources if each["resourceType"] == kind}

    def search(self, query: str) -> set[str]:
        """Give the ids of the resources that a search finds."""
        answer = get(f"{self.base}/{query}&_count=500")
        return {entry["resource"]["id"] for entry in answer.json().get("entry", [])}


def get(url: str) -> requests.Response:
    """Ask a server for something in FHIR's JSON, and not for an answer of a minute ago."""
    headers = {"Accept": FHIR, "Cache-Control": "no-cache"}
    return requests.get(url, headers=headers, timeout=300)


def post(url: str, text: bytes) -> requests.Response:
    """Send a server something in FHIR's JSON."""
    headers = {"Content-Type": FHIR, "Accept": FHIR}
    return requests.post(url, data=text, headers=headers, timeout=300)


def exchange(base: str, text: bytes) -> Exchange:
    """Send a bundle twice, and read each of its resources back."""
    first, second = post(base, text), post(base, text)
    bundle = parse(text)
    stored = {
        address: parse(get(f"{base}/{address}").content)
        for address in addresses(bundle).values()
        if first.ok
    }
    return Exchange(base, bundle, first, second, stored)


def errors(issues: IssueList) -> list[str]:
    """Give the errors among issues, one readable line each."""
    return [
        f"{issue.get('diagnostics') or issue.get('details', {}).get('text')}"
        f" at {(issue.get('expression') or issue.get('location') or [''])[0]}"
        for issue in issues
        if issue["severity"] in ("fatal", "error")
    ]


Verdicts = Callable[[str, Resource], dict[str, list[str]]]


@pytest.fixture(scope="session")
def errors_of(hapi: Callable[[str], str], hl7_validator: Callable[[str], Validator]) -> Verdicts:
    """A function from a release and a bundle to the errors that either validator finds in it."""
    return lambda release, bundle: {
        "HAPI": errors(hapi_issues(hapi(release), bundle)),
        "HL7": errors(hl7_validator(release)(bundle)),
    }


# ---- the cases: every sample, and both founding reports from their text and from their facts


@pytest.fixture(
    scope="module",
    params=[(sample, release_of(sample)) for sample in SAMPLES]
    + [(report, release) for report in (EVERYTHING, *FOUNDING) for release in RELEASES],
    ids=lambda case: f"{case[0]}-{case[1]}",
)
def case(request: pytest.FixtureRequest) -> tuple[Texts, str]:
    """The bundles of a report, and their release."""
    name, release = request.param
    if name in SAMPLES:
        data = (PROJECT / name).read_bytes()
        several = data.count(b'"resourceType":"Bundle"') > 1  # one a line, as for several patients
        return data.splitlines() if several else [data], release
    if name == EVERYTHING:
        return converted(PROJECT / name, release), release
    shared: Path = request.getfixturevalue("shared")
    return converted(shared / name, release), release


@pytest.fixture(scope="module")
def exchanges(case: tuple[Texts, str], hapi: Callable[[str], str]) -> list[Exchange]:
    """The bundles of a report, sent."""
    texts, release = case
    return [exchange(hapi(release), text) for text in texts]


def test_hapi_finds_no_error(case: tuple[Texts, str], hapi: Callable[[str], str]) -> None:
    texts, release = case
    for text in texts:
        bundle = json.loads(text)
        found = [
            f"{resource['resourceType']}: {error}"
            for resource in [bundle, *(entry["resource"] for entry in bundle["entry"])]
            for error in errors(hapi_issues(hapi(release), resource))
        ]
        assert found == []


def test_hl7s_validator_finds_no_error(
    case: tuple[Texts, str], hl7_validator: Callable[[str], Validator]
) -> None:
    texts, release = case
    for text in texts:
        assert errors(hl7_validator(release)(json.loads(text))) == []


def test_the_transaction_is_accepted(exchanges: list[Exchange]) -> None:
    for sent in exchanges:
        assert sent.first.status_code == 200, sent.first.text
        assert {status for status, _ in sent.versions(sent.first)} <= {"201 Created", "200 OK"}


def test_every_resource_reads_back_equal(exchanges: list[Exchange]) -> None:
    for sent in exchanges:
        stored = addresses(sent.bundle)
        assert sorted(sent.stored) == sorted(stored.values())
        for entry in sent.bundle["entry"]:
            read = sent.stored[stored[entry["fullUrl"]]]
            assert as_read(read) == as_sent(entry["resource"], stored)


def test_a_second_push_creates_no_resource_and_no_version(exchanges: list[Exchange]) -> None:
    for sent in exchanges:
        unchanged = [("200 OK", version) for _, version in sent.versions(sent.first)]
        assert sent.versions(sent.second) == unchanged


def test_searches_by_the_patient_find_what_was_sent(exchanges: list[Exchange]) -> None:
    for sent in exchanges:
        (patient,) = sent.of_type("Patient")
        for kind, parameter in SEARCHES.items():
            found = sent.search(f"{kind}?{parameter}=Patient/{patient}")
            assert found >= sent.of_type(kind), kind


# ---- the other shapes of a bundle

SHAPES = (
    ("transaction", STAMP),
    ("collection", None),
    ("collection", STAMP),
    ("document", STAMP),
)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("facts", FOUNDING[2:])
def test_both_find_no_error_in_any_shape_of_bundle(
    facts: str, release: str, shape: tuple[str, str | None], shared: Path, errors_of: Verdicts
) -> None:
    for text in converted(shared / facts, release, *shape):
        assert errors_of(release, json.loads(text)) == {"HAPI": [], "HL7": []}


# ---- the instruments: they must find what is wrong, or their silence says nothing

PATIENT = "0b0c5c5e-2f5b-4b69-9a50-3ad1f4e4a001"
CONDITION = "0b0c5c5e-2f5b-4b69-9a50-3ad1f4e4a002"
NARRATIVE = (
    '<div xmlns="http://www.w3.org/1999/xhtml" lang="en" xml:lang="en"><p>a &lt; b</p></div>'
)
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"


def small_bundle() -> Resource:
    """A good bundle of two resources, valid in R4 and in R5."""
    patient = {"resourceType": "Patient", "id": PATIENT, "gender": "unknown"}
    category = {
        "system": f"{TERMINOLOGY}condition-category",
        "code": "encounter-diagnosis",
        "display": "Encounter Diagnosis",
    }
    condition = {
        "resourceType": "Condition",
        "id": CONDITION,
        "clinicalStatus": {
            "coding": [{"system": f"{TERMINOLOGY}condition-clinical", "code": "active"}]
        },
        "category": [{"coding": [category]}],
        "code": {"text": "fever"},
        "subject": {"reference": f"urn:uuid:{PATIENT}"},
        "onsetAge": {
            "value": 8.50,
            "unit": "year",
            "system": "http://unitsofmeasure.org",
            "code": "a",
        },
    }
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {
                "fullUrl": f"urn:uuid:{resource['id']}",
                "resource": resource
                | {"language": "en", "text": {"status": "generated", "div": NARRATIVE}},
                "request": {"method": "PUT", "url": f"{resource['resourceType']}/{resource['id']}"},
            }
            for resource in (patient, condition)
        ],
    }


Edit = Callable[[Resource], Any]
UNKNOWN_EXTENSION = {"url": "https://fhirconv.invalid/extension", "valueString": "x"}
EXAMPLE = {"system": "http://example.org/ids", "value": "1"}
ANOTHER = "urn:uuid:0b0c5c5e-2f5b-4b69-9a50-3ad1f4e4a009"

# what is wrong, how it is made in the Condition, who says so
DEFECTS: tuple[tuple[str, Edit, set[str], str], ...] = (
    ("no subject", lambda c: c.pop("subject"), {"HAPI", "HL7"}, "Condition.subject"),
    ("an empty array", lambda c: c.update(note=[]), {"HAPI", "HL7"}, "Array cannot be empty"),
    (
        "a subject that is a Condition",
        lambda c: c["subject"].update(reference=f"urn:uuid:{CONDITION}"),
        {"HAPI", "HL7"},
        "Condition",
    ),
    (
        "an unknown extension",
        lambda c: c.update(extension=[UNKNOWN_EXTENSION]),
        {"HL7"},
        "could not be found so is not allowed here",
    ),
    ("an example URL", lambda c: c.update(identifier=[EXAMPLE]), {"HL7"}, "Example URLs"),
    (
        "a wrong display",
        lambda c: c["category"][0]["coding"][0].update(display="Fever"),
        {"HL7"},
        "Wrong Display Name",
    ),
    (
        "a code that is none",
        lambda c: c["clinicalStatus"]["coding"][0].update(code="better"),
        {"HAPI", "HL7"},
        "better",
    ),
)


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("defect", DEFECTS, ids=[defect[0] for defect in DEFECTS])
def test_the_validators_find_a_defect(
    defect: tuple[str, Edit, set[str], str], release: str, errors_of: Verdicts
) -> None:
    _, edit, who, says = defect
    bundle = small_bundle()
    edit(bundle["entry"][1]["resource"])
    found = errors_of(release, bundle)
    assert {name for name in found if any(says in error for error in found[name])} == who


@pytest.mark.parametrize("release", RELEASES)
def test_the_validators_find_no_error_in_a_good_bundle(release: str, errors_of: Verdicts) -> None:
    assert errors_of(release, small_bundle()) == {"HAPI": [], "HL7": []}


CHANGES: tuple[tuple[str, Edit], ...] = (
    ("an element is lost", lambda c: c.pop("onsetAge")),
    ("an element is added", lambda c: c.update(recordedDate="2020")),
    ("digits are lost", lambda c: c["onsetAge"].update(value=8)),
    ("another patient", lambda c: c["subject"].update(reference=ANOTHER)),
    ("other words", lambda c: c["text"].update(div=NARRATIVE.replace("a", "b"))),
    ("a tag", lambda c: c["meta"].update(tag=[{"code": "x"}])),
    ("another source", lambda c: c["meta"].update(source="urn:other#kMN3")),
)


@pytest.mark.parametrize("change", CHANGES, ids=[c[0] for c in CHANGES])
def test_reading_back_is_unequal_where_anything_of_ours_changed(change: tuple[str, Edit]) -> None:
    bundle = small_bundle()
    stored = addresses(bundle)
    sent = bundle["entry"][1]["resource"] | {"meta": {"source": "urn:ours"}}
    read = copy.deepcopy(sent)
    read["subject"]["reference"] = f"Patient/{PATIENT}"
    read["meta"] = {"source": "urn:ours#kMN3", "versionId": "1", "lastUpdated": STAMP}
    assert as_read(read) == as_sent(sent, stored)
    change[1](read)
    assert as_read(read) != as_sent(sent, stored)


# ---- what HAPI refuses although FHIR allows it: where this fails, HAPI has got better


@pytest.mark.parametrize(("release", "status"), [("R4", 201), ("R5", 500)])
def test_hapi_takes_an_adverse_event_with_two_suspects_in_r4_only(
    release: str, status: int, hapi: Callable[[str], str], hl7_validator: Callable[[str], Validator]
) -> None:
    suspect = "instance" if release == "R4" else "instanceReference"
    event: Resource = {
        "resourceType": "AdverseEvent",
        "actuality": "actual",
        "subject": {"display": "a patient"},
        "suspectEntity": [{suspect: {"display": name}} for name in ("one drug", "another drug")],
    }
    if release == "R5":
        event["status"] = "completed"
    assert errors(hl7_validator(release)(event)) == []
    answer = post(f"{hapi(release)}/AdverseEvent", json.dumps(event).encode())
    assert answer.status_code == status, answer.text


# ---- our own push


@pytest.fixture
def fresh() -> Any:
    """A bundle that no server has: this test's own ids."""
    text = json.dumps(small_bundle())
    for name in (PATIENT, CONDITION):
        text = text.replace(name, str(uuid4()))
    return json.loads(text)


@pytest.mark.parametrize("release", RELEASES)
def test_push_creates_then_leaves_then_updates(
    release: str, fresh: Resource, hapi: Callable[[str], str]
) -> None:
    from fhirconv.server import push

    base = hapi(release)
    first = push(fresh, base, release)
    assert (first.created, first.updated, first.unchanged, first.failed) == (2, 0, 0, 0)
    second = push(fresh, base, release)
    assert (second.created, second.updated, second.unchanged, second.failed) == (0, 0, 2, 0)
    fresh["entry"][1]["resource"]["code"]["text"] = "high fever"
    third = push(fresh, base, release)
    assert (third.created, third.updated, third.unchanged, third.failed) == (0, 1, 1, 0)


def test_push_says_why_a_real_server_refuses_a_bundle(
    fresh: Resource, hapi: Callable[[str], str]
) -> None:
    from fhirconv.server import push

    fresh["entry"][1]["resource"]["subject"]["reference"] = ANOTHER
    refused = push(fresh, hapi("R4"), "R4")
    assert (refused.created, refused.failed) == (0, 2)
    assert any(ANOTHER in issue.message for issue in refused.issues)


@pytest.mark.parametrize(("made", "spoken"), [("R4", "R5"), ("R5", "R4")])
def test_push_refuses_a_bundle_of_another_release(
    made: str, spoken: str, fresh: Resource, hapi: Callable[[str], str]
) -> None:
    from fhirconv.server import push

    refused = push(fresh, hapi(spoken), made)
    assert (refused.created, refused.failed) == (0, 2)
    patient = fresh["entry"][0]["resource"]["id"]
    assert get(f"{hapi(spoken)}/Patient/{patient}").status_code == 404
