"""Servers that differ: no transactions, no ids of ours, no large bundles; each gets it all."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from fhirconv.bundle import serialise
from fhirconv.files import Input
from fhirconv.http import Limits, PassingError
from fhirconv.loader import Loading, Manner, Patience
from fhirconv.loader.account import Account
from fhirconv.loader.carrier import AgainError
from fhirconv.loader.checks import preparations
from fhirconv.loader.ways import AUTO, CLIENT, SERVER, Terms
from fhirconv.own_ids import named_by_server
from fhirconv.server import Server
from fhirconv.split import NO_LIMIT, Limit
from fhirconv.stepwise import steps
from fhirconv.tables import built_in
from fhirconv.upload import Upload
from tests.fault_proxy import FaultProxy, one_in
from tests.plain_server import PlainServer
from tests.stub_server import Reply
from tests.test_server import connected, put
from tests.test_split import bundles

Resource = dict[str, Any]

PROJECT = Path(__file__).resolve().parents[1]
SAMPLES = sorted((PROJECT / "samples").glob("*/*.r4.bundle.json"))
R4_SEARCHES = {  # what R4 can search by, of what has no search by identifier
    "AdverseEvent": ("subject", "_source"),
    "BiologicallyDerivedProduct": ("_source",),
    "Provenance": ("target", "_source"),
}


def sample(name: str) -> list[Resource]:
    """Return the bundles of a sample."""
    path = next(path for path in SAMPLES if path.name.startswith(name))
    data = path.read_text(encoding="utf-8")
    listed = data.splitlines() if data.count('"resourceType":"Bundle"') > 1 else [data]
    return [json.loads(one) for one in listed]


def send(server: Server, bundle: Resource, terms: Terms) -> Upload:
    """Send a bundle once, as the steps of a push make it."""
    made = named_by_server(bundle) if terms.ids == SERVER else bundle
    return terms.carrier(server, Account())(made)


def counts(upload: Upload) -> tuple[int, int, int, int]:
    """Return how many were created, updated, unchanged and failed."""
    return upload.created, upload.updated, upload.unchanged, upload.failed


def content(stub: PlainServer) -> dict[str, Resource]:
    """Return what a server holds, without the numbers of versions."""
    return {
        address: resource | {"meta": resource["meta"] | {"versionId": ""}}
        for address, resource in stub.resources.items()
    }


def whole(bundle: Resource) -> dict[str, Resource]:
    """Return what a server holds that was sent a bundle as one transaction."""
    with PlainServer() as stub, connected(stub) as server:
        assert server.push(bundle).failed == 0
        return content(stub)


# what a server cannot do, how it is sent
LACKING: tuple[tuple[Resource, Terms], ...] = (
    ({}, Terms()),
    ({"transactions": False}, Terms()),
    ({"transactions": False, "batches": False}, Terms()),
    ({}, Terms(way="batch")),
    ({}, Terms(way="single")),
    ({}, Terms(limit=Limit(15_000))),
    ({}, Terms(limit=Limit(entries=5))),
    ({"largest": 20_000}, Terms()),
    ({"largest": 20_000, "transactions": False}, Terms()),
)


@pytest.mark.parametrize("name", ["lak-cells", "ank-cells"])
@pytest.mark.parametrize(("lacking", "terms"), LACKING)
def test_each_server_comes_to_hold_the_same(lacking: Resource, terms: Terms, name: str) -> None:
    (bundle,) = sample(name)
    count = len(bundle["entry"])
    with PlainServer(**lacking) as stub, connected(stub) as server:
        assert counts(send(server, bundle, terms)) == (count, 0, 0, 0)
        assert content(stub) == whole(bundle)
        assert counts(send(server, bundle, terms)) == (0, 0, count, 0)


OWN = {"client_ids": False, "searchable": R4_SEARCHES}


@pytest.mark.parametrize("name", ["lak-cells", "ank-cells", "car-t-cells"])
@pytest.mark.parametrize(
    ("lacking", "terms"),
    [
        ({}, Terms(SERVER)),
        ({}, Terms(SERVER, "single")),
        ({}, Terms(SERVER, "batch")),
        ({"transactions": False}, Terms(SERVER)),
        ({}, Terms(SERVER, limit=Limit(20_000))),
        ({"largest": 25_000}, Terms(SERVER)),
    ],
)
def test_a_server_that_chooses_the_ids_gets_each_resource_once(
    lacking: Resource, terms: Terms, name: str
) -> None:
    (bundle,) = sample(name)
    count = len(bundle["entry"])
    with PlainServer(**OWN, **lacking) as stub, connected(stub) as server:
        first = send(server, bundle, terms)
        assert (counts(first), first.issues) == ((count, 0, 0, 0), ())
        assert "urn:uuid:" not in "".join(_references(stub))
        held = dict(stub.resources)
        assert counts(send(server, bundle, terms)) == (0, 0, count, 0)
        assert stub.resources == held


def _references(stub: PlainServer) -> list[str]:
    from fhirconv.references import references

    return list(references(list(stub.resources.values())))


def test_what_was_left_half_done_is_completed_and_not_doubled() -> None:
    (bundle,) = sample("car-t-cells")
    count = len(bundle["entry"])
    with PlainServer(**OWN) as stub, connected(stub) as server:
        send(server, bundle, Terms(SERVER, "single"))
        lost = [a for a in stub.resources if a.startswith(("Composition", "Prov", "AdverseEvent"))]
        for address in lost:
            del stub.resources[address]
        assert counts(send(server, bundle, Terms(SERVER))) == (5, 0, count - 5, 0)
        assert len(stub.resources) == count


def test_a_server_without_a_search_for_the_source_is_asked_by_other_ones() -> None:
    (bundle,) = sample("lak-cells")
    searches = {"AdverseEvent": ("subject",), "Provenance": ("target",)}
    said = [
        {"type": kind, "searchParam": [{"name": name} for name in names]}
        for kind, names in searches.items()
    ]
    statement = {"rest": [{"resource": said}]}
    bundle["entry"] = [
        e
        for e in bundle["entry"]
        if e["resource"]["resourceType"] in ("Patient", "Device", "AdverseEvent")
    ]
    for entry in bundle["entry"]:
        entry["resource"] = {
            name: value
            for name, value in entry["resource"].items()
            if name in ("resourceType", "id", "identifier", "subject", "meta")
        }
    with (
        PlainServer(client_ids=False, searchable=searches, statement=statement) as stub,
        connected(stub) as server,
    ):
        count = len(bundle["entry"])
        assert counts(send(server, bundle, Terms(SERVER))) == (count, 0, 0, 0)
        assert counts(send(server, bundle, Terms(SERVER))) == (0, 0, count, 0)


def test_what_cannot_be_found_again_is_not_sent() -> None:
    (bundle,) = sample("lak-cells")
    nothing = {"AdverseEvent": (), "BiologicallyDerivedProduct": (), "Provenance": ()}
    with PlainServer(client_ids=False, searchable=nothing) as stub, connected(stub) as server:
        upload = send(server, bundle, Terms(SERVER))
        assert upload.failed == len(bundle["entry"])
        assert [issue.code for issue in upload.issues] == ["not-supported"]
        assert "which it could get twice" in upload.issues[0].message
        assert stub.resources == {}


# what goes wrong on the way


def test_what_refers_to_a_resource_that_was_refused_is_not_sent_and_told() -> None:
    patient = {"resourceType": "Patient", "id": "p1", "link": [{"other": _to("Patient/none")}]}
    condition = {"resourceType": "Condition", "id": "c1", "subject": _to("urn:uuid:p1")}
    device = {"resourceType": "Device", "id": "d1"}
    bundle = put(condition, patient, device)
    with PlainServer() as stub, connected(stub) as server:
        for way in ("batch", "single"):
            upload = send(server, bundle, Terms(way=way))
            assert [result.kind for result in upload.results][:2] == ["failed", "failed"]
            assert [issue.message for issue in upload.issues] == [
                "not sent, as Patient/p1, which it refers to, was not taken",
                "there is no Patient/none",
            ]
        assert list(stub.resources) == ["Device/d1"]


def _to(address: str) -> Resource:
    return {"reference": address}


def test_a_circle_is_closed_by_a_second_request() -> None:
    one = {"resourceType": "Condition", "id": "c1", "evidence": [_to("urn:uuid:c2")]}
    other = {"resourceType": "Condition", "id": "c2", "evidence": [_to("urn:uuid:c1")]}
    bundle = put(one, other)
    with PlainServer() as stub, connected(stub) as server:
        assert counts(send(server, bundle, Terms(way="single"))) == (2, 0, 0, 0)
        assert content(stub) == whole(bundle)
        puts = [request.path.rpartition("/")[2] for request in stub.asked("PUT")]
        assert puts == ["c1", "c2", "c1"]
        logical = {"system": "urn:ietf:rfc:3986", "value": "urn:uuid:c2"}
        first = json.loads(stub.asked("PUT")[0].body)
        assert first["evidence"] == [{"identifier": logical}]


@settings(deadline=None)
@given(bundles())
def test_a_step_comes_after_all_that_it_refers_to(bundle: Resource) -> None:
    done: set[int] = set()
    whole_: set[int] = set()
    for listed in steps(bundle):
        for step in listed:
            assert step.needs - {step.number} <= done
        done |= {step.number for step in listed}
        whole_ |= {step.number for step in listed if not step.later}
    assert whole_ == set(range(len(bundle["entry"])))


def test_a_server_that_is_busy_on_the_way_is_asked_again() -> None:
    (bundle,) = sample("lak-cells")
    with PlainServer() as stub, connected(stub) as server:
        server.release()
        stub._scripts["PUT"] = [Reply(503, "", {"Retry-After": "7"})]
        with pytest.raises(AgainError) as raised:
            send(server, bundle, Terms(way="single"))
        assert (raised.value.status, raised.value.wait) == (503, 7.0)
        count = len(bundle["entry"])
        assert raised.value.upload.failed == count
        assert counts(send(server, bundle, Terms(way="single"))) == (count, 0, 0, 0)


PAGE = Reply(200, "<html>Log in</html>", {"Content-Type": "text/html"})
FEWER = Reply(200, {"resourceType": "Bundle", "type": "batch-response", "entry": []})

# the method that is answered so, the way, what is said
UNREADABLE = (
    ("PUT", PAGE, "single", "the server answers in text/html, not FHIR"),
    ("POST", PAGE, "batch", "the server answers in text/html, not FHIR"),
    ("POST", FEWER, "batch", "the server answers for 0 of 2 entries"),
)


@pytest.mark.parametrize(
    ("lacking", "terms"),
    [
        ({}, Terms(way="batch")),
        ({}, Terms(limit=Limit(20_000))),
        (OWN, Terms(SERVER)),
        (OWN, Terms(SERVER, "batch", Limit(20_000))),
    ],
)
def test_one_in_five_fails_and_nothing_is_lost_nor_doubled_in_any_way(
    lacking: Resource, terms: Terms, tmp_path: Path
) -> None:
    listed = [bundle for name in ("lak", "ank", "car", "drug") for bundle in sample(name)]
    path = tmp_path / "cases.ndjson"
    path.write_bytes(b"".join(serialise(bundle, compact=True) for bundle in listed))
    wanted = {e["request"]["url"] for bundle in listed for e in bundle["entry"]}
    manner = Manner(jobs=4, patience=Patience(tries=30, first_wait=0.005, longest_wait=0.05))
    with PlainServer(**lacking) as stub, FaultProxy(stub.url, one_in(5), stall=0.3) as proxy:
        limits = Limits(read=5.0, connect=2.0)
        with Server.at(proxy.url, limits=limits, connections=4) as server:
            steps = preparations(server, terms)
            loading = Loading(server, tmp_path / "state", manner, steps, terms.carrier)
            assert [issue for issue in loading([Input(path)]) if issue] == []
        assert len(stub.resources) == len(wanted)
        kinds = Counter(address.partition("/")[0] for address in stub.resources)
        assert kinds == Counter(address.partition("/")[0] for address in wanted)


@pytest.mark.parametrize(("method", "reply", "way", "message"), UNREADABLE)
def test_an_answer_that_is_no_fhir_is_no_success(
    method: str, reply: Reply, way: str, message: str
) -> None:
    (bundle,) = sample("lak-cells")
    with PlainServer() as stub, connected(stub) as server:
        stub._scripts[method] = [reply]
        with pytest.raises(PassingError) as raised:
            send(server, bundle, Terms(way=way))
        assert raised.value.message == message


def test_a_bundle_that_no_cut_makes_small_enough_is_one_sentence() -> None:
    (bundle,) = sample("lak-cells")
    with PlainServer(largest=3000) as stub, connected(stub) as server:
        upload = send(server, bundle, Terms())
        assert upload.failed
        assert "and the server takes" in upload.issues[0].message


def test_a_limit_is_learned_once() -> None:
    (bundle,) = sample("lak-cells")
    with PlainServer(largest=20_000) as stub, connected(stub) as server:
        carrier = Terms().carrier(server, Account())
        assert carrier(bundle).failed == 0
        refused = sum(len(request.body) > 20_000 for request in stub.asked("POST"))
        assert carrier(bundle).unchanged == len(bundle["entry"])
        assert sum(len(request.body) > 20_000 for request in stub.asked("POST")) == refused
        assert all(len(serialise(bundle)) > 20_000 for bundle in [bundle])


def test_a_statement_decides_how_bundles_are_sent() -> None:
    (bundle,) = sample("lak-cells")
    said = {"rest": [{"interaction": [{"code": "batch"}]}]}
    with PlainServer(transactions=False, statement=said) as stub, connected(stub) as server:
        assert send(server, bundle, Terms(CLIENT, AUTO, NO_LIMIT)).failed == 0
        kinds = {json.loads(request.body)["type"] for request in stub.asked("POST")}
        assert kinds == {"batch"}


def test_the_tables_tell_what_no_release_can_search_by_identifier() -> None:
    listed = {(s.resource, *s.releases) for s in built_in().lookups}
    assert {kind for kind, *_ in listed} == set(R4_SEARCHES)
