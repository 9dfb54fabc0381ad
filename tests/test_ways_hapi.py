"""A real server that chooses every id, takes parts, batches or single requests, holds the same."""

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid4, uuid5

import pytest
import requests

from fhirconv.bundle import serialise
from fhirconv.comparison import changes
from fhirconv.files import Input
from fhirconv.inquiry import Inquiry
from fhirconv.loader import Account, Loading
from fhirconv.loader.checks import preparations
from fhirconv.loader.preview import Trying
from fhirconv.loader.ways import SERVER, Terms
from fhirconv.references import homes_of, references
from fhirconv.server import Server
from fhirconv.split import Limit
from tests.test_hapi import EVERYTHING, PROJECT, RELEASES, SAMPLES, converted, get, release_of

Resource = dict[str, Any]
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")


def texts(release: str, *names: str) -> list[bytes]:
    """Return bundles of a release: of some samples, and whatever facts can say."""
    found = converted(PROJECT / EVERYTHING, release)
    for name in SAMPLES:
        data = (PROJECT / name).read_bytes()
        if release_of(name) == release and any(wanted in name for wanted in names):
            several = data.count(b'"resourceType":"Bundle"') > 1
            found += data.splitlines() if several else [data]
    return [serialise(json.loads(text), compact=True) for text in found]


def renewed(data: list[bytes]) -> list[bytes]:
    """Return bundles with ids that no server has seen; the report stays what it is."""
    salt = str(uuid4())

    def other(found: re.Match[str]) -> str:
        return str(uuid5(NAMESPACE_URL, salt + found[0]))

    return [UUID.sub(other, text.decode()).encode() for text in data]


def push(base: str, path: Path, terms: Terms, state: Path) -> Account:
    """Push a file as the command does; nothing may be said of it."""
    with Server.at(base) as server:
        steps = preparations(server, terms)
        loading = Loading(server, state, steps=steps, carrier=terms.carrier)
        assert [issue for issue in loading([Input(path)]) if issue] == []
        return loading.account


def resources(data: list[bytes]) -> dict[str, Resource]:
    """Return the resources of bundles by Type/id, those that several share once."""
    entries = [entry for text in data for entry in json.loads(text)["entry"]]
    return {entry["request"]["url"]: entry["resource"] for entry in entries}


def total(base: str, kind: str) -> int:
    """Return how many resources of a type a server has."""
    return int(get(f"{base}/{kind}?_summary=count").json()["total"])


@pytest.mark.parametrize("release", RELEASES)
def test_what_is_pushed_twice_to_a_server_that_chooses_the_ids_is_there_once(
    release: str, own_ids_hapi: Callable[[str], str], tmp_path: Path
) -> None:
    base = own_ids_hapi(release)
    data = renewed(texts(release, "drug-rash", "car-t-cells", "lak-cells"))
    path = tmp_path / "cases.ndjson"
    path.write_bytes(b"".join(data))
    wanted = resources(data)
    kinds = Counter(address.partition("/")[0] for address in wanted)
    before = {kind: total(base, kind) for kind in kinds}
    first = push(base, path, Terms(SERVER), tmp_path / "state")
    assert first.resources["created"] == len(wanted)
    assert {kind: total(base, kind) - before[kind] for kind in kinds} == dict(kinds)
    for terms in (Terms(SERVER), Terms(SERVER, "batch", Limit(20_000))):
        again = push(base, path, terms, tmp_path / "state")
        assert again.resources["created"] == again.resources["updated"] == 0
    assert {kind: total(base, kind) - before[kind] for kind in kinds} == dict(kinds)


def test_what_a_server_names_refers_to_what_it_has(
    own_ids_hapi: Callable[[str], str], tmp_path: Path
) -> None:
    base, data = own_ids_hapi("R4"), renewed(texts("R4")[:1])
    path = tmp_path / "case.json"
    path.write_bytes(data[0])
    push(base, path, Terms(SERVER, "single"), tmp_path / "state")
    composition = next(r for r in resources(data).values() if r["resourceType"] == "Composition")
    query = f"identifier=urn:ietf:rfc:3986%7C{composition['identifier']['value']}"
    (found,) = get(f"{base}/Composition?{query}").json()["entry"]
    listed = set(references(found["resource"]))
    assert listed
    with Server.at(base) as server:
        assert {found.status for found in Inquiry(server).ask(sorted(listed))} == {200}


WAYS = (
    Terms(limit=Limit(15_000)),
    Terms(limit=Limit(entries=8)),
    Terms(way="batch"),
    Terms(way="single"),
)


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("terms", WAYS, ids=str)
def test_every_way_leaves_the_server_as_one_transaction_does(
    terms: Terms, release: str, hapi: Callable[[str], str], tmp_path: Path
) -> None:
    base, data = hapi(release), renewed(texts(release, "ank-cells"))
    path = tmp_path / "cases.ndjson"
    path.write_bytes(b"".join(data))
    wanted = resources(data)
    account = push(base, path, terms, tmp_path / "state")
    assert account.resources["created"] == len(wanted)
    homes = {k: v for text in data for k, v in homes_of(json.loads(text)["entry"]).items()}
    with Server.at(base) as server:
        found = Inquiry(server).ask(list(wanted))
    for resource, stored in zip(wanted.values(), found, strict=True):
        assert stored.resource["meta"]["versionId"] == "1"
        assert list(changes(resource, stored.resource, homes)) == []
    again = push(base, path, terms, tmp_path / "state")
    assert again.resources["unchanged"] == len(wanted)


@pytest.mark.parametrize("release", RELEASES)
def test_a_push_that_is_tried_tells_what_a_push_does(
    release: str, hapi: Callable[[str], str], tmp_path: Path
) -> None:
    base, data = hapi(release), renewed(texts(release)[:1])
    path, state = tmp_path / "case.json", tmp_path / "state"
    path.write_bytes(data[0])
    wanted = resources(data)
    assert tried(base, path, state) == Counter(create=len(wanted))
    push(base, path, Terms(), state)
    assert tried(base, path, state) == Counter(leave=len(wanted))
    bundle = json.loads(data[0])
    composition = next(e for e in bundle["entry"] if e["resource"]["resourceType"] == "Composition")
    provenance = next(a for a in wanted if a.startswith("Provenance"))
    requests.delete(f"{base}/{provenance}", timeout=60)
    composition["resource"]["title"] = "Another title"
    path.write_bytes(serialise(bundle))
    found = Counter(change=1, create=1, leave=len(wanted) - 2)
    assert tried(base, path, state) == found
    push(base, path, Terms(), state)
    assert tried(base, path, state) == Counter(leave=len(wanted))


def tried(base: str, path: Path, state: Path) -> Counter[str]:
    """Return what a push would do, by number."""
    with Server.at(base) as server:
        trying = Trying.of(server, preparations(server, Terms()), state, "client")
        told = [one for bundle in trying([Input(path)], 10**8) for one in bundle.foreseen]
    return Counter(one.kind for one in told)
