"""A thousand bundles on a real server: killed half way and resumed, as plain ones."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import pytest
import requests

from tests.fault_proxy import FaultProxy, one_in
from tests.hapi_servers import FHIR
from tests.push_store import lines_of, transaction
from tests.read_back import as_read

Resource = dict[str, Any]

PROJECT = Path(__file__).resolve().parents[1]
SENTENCES = "corpora/phee-dev/dev.json"
COUNT, JOBS, SOURCES = 1000, 8, 200
PAGE = 50  # resources asked for at once, as many as a page may hold
RELEASES = ("R4", "R5")
SHARED = ("DocumentReference", "Device", "Patient")
FOLLOWED = ("Condition", "MedicationAdministration", "Observation", "Procedure")


def sentences(shared: Path) -> list[Path | str]:
    """Return sentences about adverse events, none twice."""
    listed = (shared / SENTENCES).read_text(encoding="utf-8").splitlines()
    return list(dict.fromkeys(json.loads(line)["context"] for line in listed))


def conversions(texts: list[str], release: str) -> Iterator[Resource]:
    """Yield the bundles of texts, as a user converts them."""
    from fhirconv.convert import convert, read

    for number, text in enumerate(texts):
        report = read(f"{text}\n".encode(), name=f"{number}.txt")
        yield from convert(report, release, validate=False, extractor="tables").bundles


def small(bundle: Resource, copy: int) -> Resource:
    """Return the part of a bundle that is quick to store: its source, its patient, one finding.

    Each copy is of a patient of its own; the source and the device are those of the others.
    """
    resources = [entry["resource"] for entry in bundle["entry"]]
    kept = [one for one in resources if one["resourceType"] in SHARED]
    kept += [one for one in resources if one["resourceType"] in FOLLOWED][:1]
    within = {one["id"] for one in kept}
    made = [
        {"resourceType": one["resourceType"], "id": one["id"]} | _without(one, within)
        for one in kept
    ]
    names = {
        one["id"]: str(uuid5(NAMESPACE_URL, f"{one['id']} {copy}"))
        for one in made
        if one["resourceType"] not in SHARED[:2]
    }
    return renamed(_transaction(made), names)


def _without(resource: Resource, within: set[str]) -> Resource:
    """Return the elements of a resource that refer to nothing that is left out."""
    return {
        key: value
        for key, value in resource.items()
        if all(name in within for name in _names(value)) or key == "subject"
    }


def _names(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [str(node["reference"]).removeprefix("urn:uuid:")] if "reference" in node else []
        return own + [name for value in node.values() for name in _names(value)]
    return [name for one in node for name in _names(one)] if isinstance(node, list) else []


def _transaction(resources: list[Resource]) -> Resource:
    from tests.push_store import entry

    return transaction(*map(entry, resources))


def renamed(bundle: Resource, names: dict[str, str]) -> Resource:
    """Return a bundle with other ids."""
    text = json.dumps(bundle)
    for old, new in names.items():
        text = text.replace(old, new)
    made: Resource = json.loads(text)
    return made


def apart(bundles: list[Resource]) -> tuple[list[Resource], dict[str, str]]:
    """Return the same bundles with ids of their own, and the old id of each new one."""
    ids = {entry["resource"]["id"] for bundle in bundles for entry in bundle["entry"]}
    names = {name: str(uuid5(NAMESPACE_URL, f"straight {name}")) for name in ids}
    within = [{entry["resource"]["id"] for entry in bundle["entry"]} for bundle in bundles]
    made = [
        renamed(bundle, {name: names[name] for name in ids})
        for bundle, ids in zip(bundles, within, strict=True)
    ]
    return made, {new: old for old, new in names.items()}


@pytest.fixture(scope="module")
def made(request: pytest.FixtureRequest) -> Callable[[str], list[Resource]]:
    """A function from a release to a thousand small bundles; several patients share a source."""
    shared = PROJECT.parent / "shared"
    texts = [path.read_text(encoding="utf-8") for path in sorted(PROJECT.glob("samples/*/*.txt"))]
    if shared.is_dir():
        texts = [str(one) for one in sentences(request.getfixturevalue("shared"))[:SOURCES]]

    def of(release: str) -> list[Resource]:
        found = list(conversions(texts, release))
        return [small(found[number % len(found)], number // len(found)) for number in range(COUNT)]

    return of


def push(file: Path, url: str, state: Path, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "fhirconv", "push", str(file), "--server", url, "-q"]
    command += ["--jobs", str(JOBS), "--state", str(state), "--format", "json", *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def pushed(file: Path, url: str, state: Path, *options: str) -> Resource:
    """Push to the end and return the statistics."""
    stats = state.with_suffix(".json")
    with push(file, url, state, "--stats", str(stats), *options) as process:
        out, err = process.communicate()
    assert process.returncode == 0, out + err
    told: Resource = json.loads(stats.read_bytes())
    return told


def straight(bundles: list[Resource], url: str) -> None:
    """Send bundles as they are, by plain requests: first those that bring what others share."""

    def post(bundle: Resource) -> None:
        headers = {"Content-Type": FHIR, "Accept": FHIR}
        answer = requests.post(url, json=bundle, headers=headers, timeout=300)
        assert answer.ok, answer.text

    for bundle in bundles[:SOURCES]:
        post(bundle)
    with ThreadPoolExecutor(JOBS) as pool:
        list(pool.map(post, bundles[SOURCES:]))


def stored(url: str, addresses: set[str]) -> dict[str, Resource]:
    """Return what a server has at these addresses."""
    by_kind: dict[str, list[str]] = {}
    for address in sorted(addresses):
        by_kind.setdefault(address.partition("/")[0], []).append(address.partition("/")[2])
    found: list[Resource] = []
    for kind, names in by_kind.items():
        for start in range(0, len(names), PAGE):
            query = f"_id={','.join(names[start : start + PAGE])}&_count={PAGE}"
            headers = {"Accept": FHIR, "Cache-Control": "no-cache"}
            answer = requests.get(f"{url}/{kind}?{query}", headers=headers, timeout=300)
            found += [entry["resource"] for entry in answer.json()["entry"]]
    return {f"{one['resourceType']}/{one['id']}": one for one in found}


def addresses(bundles: list[Resource]) -> set[str]:
    return {entry["request"]["url"] for bundle in bundles for entry in bundle["entry"]}


def half(state: Path, count: int, process: subprocess.Popen[str]) -> None:
    """Wait until the journal tells of so many bundles."""
    path = state / "journal.ndjson"
    while process.poll() is None:
        if path.exists() and path.read_bytes().count(b'"event":"taken"') >= count:
            return
        time.sleep(0.05)


@pytest.mark.parametrize("release", RELEASES)
def test_a_thousand_bundles_killed_half_way_are_what_a_straight_push_leaves(
    release: str, hapi: Callable[[str], str], made: Callable[[str], list[Resource]], tmp_path: Path
) -> None:
    url, bundles = hapi(release), made(release)
    file, state = lines_of(tmp_path / "bundles.ndjson", bundles), tmp_path / "state"
    with push(file, url, state) as process:
        half(state, COUNT // 2, process)
        process.kill()
    resumed = pushed(file, url, state, "--resume")
    assert resumed["bundles"]["skipped"] >= COUNT // 2
    assert resumed["bundles"]["sent"] + resumed["bundles"]["skipped"] == COUNT
    again = pushed(file, url, state)
    assert again["resources"]["created"] == again["resources"]["updated"] == 0
    assert again["resources"]["unchanged"] == len(addresses(bundles))

    plain, names = apart(bundles)
    straight(plain, url)
    ours, theirs = stored(url, addresses(bundles)), stored(url, addresses(plain))
    assert len(ours) == len(theirs) == len(addresses(bundles))
    assert {one["meta"]["versionId"] for one in ours.values()} == {"1"}
    assert {one["meta"]["versionId"] for one in theirs.values()} == {"1"}
    assert {name: as_read(one) for name, one in ours.items()} == {
        f"{one['resourceType']}/{one['id']}": one
        for one in (renamed(as_read(other), names_in(other, names)) for other in theirs.values())
    }


def names_in(resource: Resource, names: dict[str, str]) -> dict[str, str]:
    text = json.dumps(resource)
    return {new: old for new, old in names.items() if new in text}


def test_a_real_server_behind_a_proxy_that_spoils_one_in_five_gets_everything_once(
    hapi_r4: str, made: Callable[[str], list[Resource]], tmp_path: Path
) -> None:
    bundles, _ = apart([renamed(one, {}) for one in made("R4")[:100]])
    bundles, _ = apart(bundles)
    file = lines_of(tmp_path / "bundles.ndjson", bundles)
    with FaultProxy(hapi_r4, one_in(5), stall=8) as proxy:
        told = pushed(file, proxy.url, tmp_path / "state", "--timeout", "5")
    assert told["bundles"]["sent"] == 100
    found = stored(hapi_r4, addresses(bundles))
    assert len(found) == len(addresses(bundles))
    assert {one["meta"]["versionId"] for one in found.values()} == {"1"}
