"""A case comes back from a server as it was sent, and can be taken off it again."""

import copy
import json
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from click.testing import CliRunner, Result

from fhirconv.bundle import serialise
from fhirconv.cli import main
from fhirconv.gather import gather
from fhirconv.remove import names_of
from fhirconv.restore import own_id, restore
from fhirconv.server import Server, push
from fhirconv.tables import built_in
from tests.shelf_server import Shelf
from tests.stub_server import Reply

Resource = dict[str, Any]

SAMPLES = Path(__file__).resolve().parents[1] / "samples"
CASES = sorted(SAMPLES.glob("*/*.bundle.json"))


def bundles_of(path: Path) -> list[Resource]:
    """Return the bundles of a sample: one, or one a line."""
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines() if text.count('"resourceType":"Bundle"') > 1 else [text]
    return [json.loads(line) for line in lines]


def patient_of(bundle: Resource) -> str:
    """Return the id of the patient of a bundle."""
    (found,) = (
        e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == "Patient"
    )
    return str(found["id"])


def canonical(bundle: Resource) -> str:
    """Return a bundle as JSON with its keys in order."""
    return json.dumps(json.loads(serialise(bundle)), sort_keys=True)


def run(*arguments: str, **more: Any) -> Result:
    """Run a command."""
    return CliRunner().invoke(main, list(arguments), **more)


def pulled(server: Server, patient: str) -> Resource:
    """Return the case of a patient as the command does."""
    case = gather(server, patient)
    assert case.issues == []
    return restore(case.resources, server.session.address, server.tables)


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    """A server that has the sample of two patients in one article."""
    with Shelf() as stub:
        for bundle in bundles_of(SAMPLES / "drug-rash" / "drug-rash.r4.bundle.json"):
            assert push(bundle, stub.url).failed == 0
        yield stub


TWO = bundles_of(SAMPLES / "drug-rash" / "drug-rash.r4.bundle.json")


@pytest.mark.parametrize("everything", [True, False])
@pytest.mark.parametrize("path", CASES, ids=lambda p: p.name)
def test_a_case_comes_back_equal_to_what_was_sent(path: Path, everything: bool) -> None:
    version = "5.0.0" if ".r5." in path.name else "4.0.1"
    with Shelf(version=version, everything=everything) as stub, Server.at(stub.url) as server:
        sent = bundles_of(path)
        for bundle in sent:
            server.push(bundle)
        for bundle in sent:
            case = gather(server, patient_of(bundle))
            made = restore(case.resources, stub.url, server.tables)
            assert canonical(made) == canonical(bundle)
            assert [i for i in case.issues if i.severity != "information"] == []


@pytest.mark.parametrize("release", ["R4", "R5"])
def test_a_real_server_gives_a_case_back_equal_and_takes_it_again_unchanged(
    release: str, hapi: Callable[[str], str]
) -> None:
    with Server.at(hapi(release)) as server:
        sent = [b for p in CASES if f".{release.lower()}." in p.name for b in bundles_of(p)]
        for bundle in sent:
            assert server.push(bundle).failed == 0
        for bundle in sent:
            made = pulled(server, patient_of(bundle))
            assert canonical(made) == canonical(bundle)
            again = server.push(made)
            assert (again.unchanged, again.failed) == (len(bundle["entry"]), 0)


@pytest.mark.parametrize("release", ["R4", "R5"])
def test_a_real_server_loses_a_bundle_but_not_what_others_refer_to(
    release: str, hapi: Callable[[str], str], tmp_path: Path
) -> None:
    base = hapi(release)
    path = SAMPLES / "drug-rash" / f"drug-rash.{release.lower()}.bundle.json"
    first, second = (renamed(bundle, release) for bundle in bundles_of(path))
    for bundle in (first, second):
        assert push(bundle, base).failed == 0
    one = tmp_path / "one.json"
    one.write_bytes(serialise(first))
    both = tmp_path / "both.ndjson"
    both.write_bytes(serialise(first, compact=True) + serialise(second, compact=True))
    done = run("delete", str(one), "--server", base, "--yes", "--format", "json")
    assert done.exit_code == 0, done.output
    left = [issue["expression"][0].partition("/")[0] for issue in json.loads(done.stdout)["issue"]]
    shared = (
        {"Citation", "Device", "DocumentReference"}
        if release == "R5"
        else {
            "Device",
            "DocumentReference",
        }
    )
    assert set(left) == shared
    done = run("delete", str(both), "--server", base, "--yes", "--format", "json")
    assert (done.exit_code, "conflict" in done.stdout) == (0, False), done.output
    done = run("pull", "--server", base, "--patient", patient_of(second))
    assert (done.exit_code, done.stdout) == (1, "")


def renamed(bundle: Resource, seed: str) -> Resource:
    """Return a copy of a bundle with ids that no other test has on its server."""
    from uuid import NAMESPACE_URL, uuid5

    text = json.dumps(bundle)
    for entry in bundle["entry"]:
        name = entry["resource"]["id"]
        text = text.replace(name, str(uuid5(NAMESPACE_URL, f"{seed}{name}")))
    made: Resource = json.loads(text)
    return made


def test_a_pulled_case_leaves_nothing_to_push(shelf: Shelf, tmp_path: Path) -> None:
    out = tmp_path / "case.json"
    done = run("pull", "--server", shelf.url, "--patient", patient_of(TWO[0]), "-o", str(out))
    assert (done.exit_code, done.output) == (0, "")
    again = push(json.loads(out.read_bytes()), shelf.url)
    assert (again.created, again.updated, again.failed) == (0, 0, 0)


@pytest.mark.parametrize("way", ["--identifier", "--tag"])
def test_patients_are_found_by_identifier_and_tag(way: str, shelf: Shelf, tmp_path: Path) -> None:
    for name, (version, resource, modified) in shelf.store.items():
        if resource["resourceType"] == "Patient" and way == "--tag":
            meta = resource["meta"] | {"tag": [{"code": "rash"}]}
            shelf.store[name] = (version, resource | {"meta": meta}, modified)
    value = f"urn:ietf:rfc:3986|urn:uuid:{patient_of(TWO[0])}" if way == "--identifier" else "rash"
    done = run("pull", "--server", shelf.url, way, value)
    assert done.exit_code == 0, done.output
    found = [json.loads(line) for line in done.stdout.splitlines()] if way == "--tag" else None
    if found:
        assert {patient_of(b) for b in found} == {patient_of(b) for b in TWO}
        done = run("pull", "--server", shelf.url, way, value, "-o", f"{tmp_path}/")
        names = {f"{patient_of(bundle)}.bundle.json" for bundle in TWO}
        assert {path.name for path in tmp_path.iterdir()} == names
    else:
        assert canonical(json.loads(done.stdout)) == canonical(TWO[0])


def test_decimals_come_back_with_their_digits() -> None:
    text = b'{"resourceType": "Patient", "id": "p1", "multipleBirthInteger": 1.50}'
    with Shelf(gets=[Reply(200, text)]) as stub, Server.at(stub.url) as server:
        assert b"1.50" in serialise(server.ask("Patient/p1", "Patient") or {})


def test_a_real_server_that_chose_the_ids_gives_a_case_back_equal(
    own_ids_hapi: Callable[[str], str], tmp_path: Path
) -> None:
    base = own_ids_hapi("R4")
    path = SAMPLES / "ank-cells" / "ank-cells.r4.bundle.json"
    (bundle,) = bundles_of(path)
    done = run("push", str(path), "--server", base, "--ids", "server", "--state", str(tmp_path))
    assert done.exit_code == 0, done.output
    done = run("pull", "--server", base, "--patient", patient_of(bundle))
    assert canonical(json.loads(done.stdout)) == canonical(bundle)
    done = run("delete", str(path), "--server", base, "--ids", "server", "--yes")
    assert (done.exit_code, counts(done)[0]) == (0, len(bundle["entry"])), done.output


def chosen(bundle: Resource) -> dict[str, tuple[int, Resource, str]]:
    """Return a bundle as a server has it that chose every id."""
    text, stored = json.dumps(bundle), {}
    for number, entry in enumerate(bundle["entry"]):
        old, kind = entry["resource"]["id"], entry["resource"]["resourceType"]
        text = text.replace(f'"reference": "urn:uuid:{old}"', f'"reference": "{kind}/{number}"')
        text = text.replace(f'"id": "{old}"', f'"id": "{number}"')
    for entry in json.loads(text)["entry"]:
        resource = entry["resource"]
        name = f"{resource['resourceType']}/{resource['id']}"
        stored[name] = (1, resource, "2026-01-01T00:00:00Z")
    return stored


@pytest.mark.parametrize("path", CASES, ids=lambda p: p.name)
def test_a_server_that_chose_the_ids_gives_a_case_back_equal(path: Path) -> None:
    for bundle in bundles_of(path):
        with Shelf(store=chosen(bundle)) as stub, Server.at(stub.url) as server:
            assert canonical(pulled(server, patient_of(bundle))) == canonical(bundle)


def test_a_resource_whose_id_is_no_uuid_keeps_its_address() -> None:
    subject = {"resourceType": "Patient", "id": "p1"}
    seen = {"resourceType": "Observation", "id": "7", "subject": {"reference": "Patient/p1"}}
    with Shelf() as stub, Server.at(stub.url) as server:
        for name, resource in (("Patient/p1", subject), ("Observation/7", seen)):
            stub.store[name] = (1, resource, "2026-01-01T00:00:00Z")
        made = pulled(server, "p1")
    assert [(e["fullUrl"], e["request"]["url"], e["resource"]) for e in made["entry"]] == [
        (f"{stub.url}/Patient/p1", "Patient/p1", subject),
        (f"{stub.url}/Observation/7", "Observation/7", seen),
    ]


def test_a_resource_that_the_server_named_has_its_own_name_again() -> None:
    patient, finding = str(uuid4()), str(uuid4())
    known = [{"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{patient}"}]
    single = {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{finding}"}
    resources = {
        "Patient/1": {"resourceType": "Patient", "id": "1", "identifier": known},
        "AdverseEvent/2": {
            "resourceType": "AdverseEvent",
            "id": "2",
            "identifier": single,
            "subject": {"reference": "http://a/fhir/Patient/1"},
        },
    }
    made = restore(resources, "http://a/fhir", built_in())
    assert [e["request"]["url"] for e in made["entry"]] == [
        f"Patient/{patient}",
        f"AdverseEvent/{finding}",
    ]
    assert made["entry"][1]["resource"]["subject"]["reference"] == f"urn:uuid:{patient}"
    assert own_id({"id": "3", "identifier": "none"}) == "3"


def test_a_time_of_generation_is_that_of_the_bundle() -> None:
    bundle = copy.deepcopy(TWO[0])
    stamp = "2026-01-31T12:00:00Z"
    for entry in bundle["entry"]:
        if entry["resource"]["resourceType"] == "Provenance":
            entry["resource"]["recorded"] = stamp
    with Shelf() as stub, Server.at(stub.url) as server:
        server.push(bundle)
        assert pulled(server, patient_of(bundle))["timestamp"] == stamp


def test_what_is_referred_to_and_gone_is_told(shelf: Shelf) -> None:
    name = f"Patient/{patient_of(TWO[0])}"
    version, patient, modified = shelf.store[name]
    patient = patient | {"managingOrganization": {"reference": "Organization/o9"}}
    shelf.store[name] = (version, patient, modified)
    done = run("pull", "--server", shelf.url, "--patient", patient_of(TWO[0]))
    assert done.exit_code == 0
    assert f"{name} refers to Organization/o9, which the server has not" in done.stderr


# arguments, what is said
NONE = (
    ([], 2, "no patient is named: give --patient, --tag or --identifier"),
    (["--patient", "p9"], 1, "the server has no patient 'p9'"),
    (["--patient", "a/b?c"], 1, "the server has no patient 'a/b?c'"),
    (["--tag", "none"], 1, "the server has no patient with the tag 'none'"),
    (["--identifier", "x|y"], 1, "the server has no patient with the identifier 'x|y'"),
)


@pytest.mark.parametrize(("arguments", "code", "message"), NONE)
def test_who_is_not_there_is_one_sentence(
    arguments: list[str], code: int, message: str, shelf: Shelf
) -> None:
    done = run("pull", "--server", shelf.url, *arguments)
    assert (done.exit_code, done.stdout) == (code, "")
    assert message in done.stderr


def test_a_page_on_another_host_is_not_asked_for() -> None:
    away = {
        "resourceType": "Bundle",
        "type": "searchset",
        "link": [{"relation": "next", "url": "http://other.test/fhir?page=2"}],
    }
    patient = {"resourceType": "Patient", "id": "p1"}
    with Shelf(gets=[Reply(200, patient), Reply(200, away)]) as stub, Server.at(stub.url) as server:
        case = gather(server, "p1")
    assert "the next page is on another host, 'http://other.test/fhir'" in case.issues[0].message


# ---- delete


def files_of(folder: Path, *bundles: Resource) -> list[str]:
    """Write each bundle to a file."""
    for number, bundle in enumerate(bundles):
        (folder / f"{number}.json").write_bytes(serialise(bundle))
    return [str(folder / f"{number}.json") for number in range(len(bundles))]


def counts(done: Result) -> list[int]:
    """Return the numbers of the table: deleted, already gone, left, failed."""
    row = next(line for line in done.stdout.splitlines() if line.startswith("│"))
    return [int(cell) for cell in row.strip("│").split("│")]


@pytest.mark.parametrize("transactions", [True, False])
@pytest.mark.parametrize("words", [Shelf.words, "no"])
def test_what_others_refer_to_is_left_and_what_is_gone_is_fine(
    transactions: bool, words: str, shelf: Shelf, tmp_path: Path
) -> None:
    shelf.transactions, shelf.words = transactions, words
    one, other = files_of(tmp_path, *TWO)
    size = len(TWO[0]["entry"])
    done = run("delete", one, "--server", shelf.url, "--yes")
    assert (done.exit_code, counts(done)) == (0, [size - 2, 0, 2, 0]), done.output
    assert len(shelf.store) == len(TWO[1]["entry"])
    done = run("delete", one, other, "--server", shelf.url, "--yes")
    assert done.exit_code == 0, done.output
    assert counts(done)[1:] == [size - 2, 0, 0]
    assert shelf.store == {}
    done = run("delete", one, "--server", shelf.url, "--yes")
    assert (done.exit_code, counts(done)) == (0, [0, size, 0, 0])


def test_what_only_bundles_of_this_run_share_goes_with_the_last(
    shelf: Shelf, tmp_path: Path
) -> None:
    done = run("delete", *files_of(tmp_path, *TWO), "--server", shelf.url, "--yes")
    assert (done.exit_code, counts(done)[2:], shelf.store) == (0, [0, 0], {})


def test_what_a_server_named_itself_is_found_by_its_patients(tmp_path: Path) -> None:
    with Shelf(store=chosen(TWO[0])) as stub:
        named = ("delete", *files_of(tmp_path, TWO[0]), "--server", stub.url, "--yes")
        assert counts(run(*named))[:2] == [0, len(TWO[0]["entry"])]
        done = run(*named, "--ids", "server")
        assert (done.exit_code, counts(done)[0], stub.store) == (0, len(TWO[0]["entry"]), {})
        done = run(*named, "--ids", "server")
        assert done.exit_code == 1
        assert f"the server has no patient '{patient_of(TWO[0])}'" in done.stderr


def test_referrers_are_deleted_before_what_they_refer_to() -> None:
    kinds = [name.partition("/")[0] for name in names_of(TWO[0])]
    assert kinds.index("Provenance") < kinds.index("Patient") < kinds.index("DocumentReference")
    assert kinds.index("Composition") < kinds.index("Device")


def test_nobody_to_ask_is_wrong_usage_and_nothing_is_deleted(shelf: Shelf, tmp_path: Path) -> None:
    before = dict(shelf.store)
    done = run("delete", *files_of(tmp_path, TWO[0]), "--server", shelf.url)
    assert done.exit_code == 2
    assert "nobody can be asked here: give --yes to delete without asking" in done.stderr
    assert shelf.store == before


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 1), ("", 1)])
def test_who_is_asked_decides(
    answer: str, code: int, shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = import_module("fhirconv.cli.delete")
    monkeypatch.setattr(command, "_can_ask", lambda listed: True)
    before = dict(shelf.store)
    named = files_of(tmp_path, TWO[0])
    done = run("delete", *named, "--server", shelf.url, input=f"{answer}\n")
    assert done.exit_code == code
    assert f"Delete {len(TWO[0]['entry'])} resources (8 Observation, " in done.output
    assert (shelf.store == before) == (code == 1)


def test_a_refusal_is_told_and_the_others_go_on(tmp_path: Path) -> None:
    with Shelf(transactions=False) as stub:
        push(TWO[0], stub.url)
        name = next(n for n in stub.store if n.startswith("Provenance/"))
        keep = stub._deleted
        forbid = Reply(405, {"resourceType": "OperationOutcome", "issue": []})
        stub._deleted = lambda n: forbid if n == name else keep(n)  # type: ignore[method-assign]
        done = run("delete", *files_of(tmp_path, TWO[0]), "--server", stub.url, "--yes")
        assert done.exit_code == 1
        assert counts(done)[3] == 1
        message = "the server does not delete it: 405 Method Not Allowed"
        assert f"{message} [{name}]" in done.stderr
