"""Before anything is sent: tried, validated, held against the server's own words; one sentence."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from fhirconv.cli import main
from tests.plain_server import PlainServer
from tests.test_capability import statement
from tests.test_server import CONDITION, EVENT, PATIENT, put

Resource = dict[str, Any]

FEVER: Resource = {
    "resourceType": "Condition",
    "id": "c1",
    "subject": {"reference": "urn:uuid:p1"},
    "code": {"text": "fever"},
}


@pytest.fixture
def plain() -> Iterator[PlainServer]:
    with PlainServer() as server:
        yield server


def push(folder: Path, base: str, bundle: Resource, *words: str) -> Result:
    """Push a bundle by the command."""
    path = folder / "case.json"
    path.write_text(json.dumps(bundle), encoding="utf-8")
    command = ["push", str(path), "--server", base, "--state", str(folder / "state"), *words]
    return CliRunner().invoke(main, command)


def said(result: Result) -> list[str]:
    """Return what is said of a push, as it is told to programs."""
    told = json.loads(result.stdout)
    return [issue["diagnostics"] for issue in (told.get("outcome") or told)["issue"]]


def writes(server: PlainServer) -> list[str]:
    """Return what was asked of a server beside mere reading."""
    sent = [json.loads(r.body) for r in server.asked("POST")]
    methods = [e["request"]["method"] for bundle in sent for e in bundle["entry"]]
    return [m for m in methods if m != "GET"] + [r.path for r in server.asked("PUT")]


# what a push would do


def test_a_push_that_is_tried_shows_what_would_change_and_sends_nothing(
    plain: PlainServer, tmp_path: Path
) -> None:
    push(tmp_path, plain.url, put(PATIENT, FEVER))
    before = len(writes(plain))
    plain.resources["Patient/p1"] |= {"meta": {"versionId": "2"}}
    warm = FEVER | {"code": {"text": "high fever"}, "note": [{"text": "once"}]}
    again = push(tmp_path, plain.url, put(PATIENT, warm, EVENT), "--dry-run")
    assert (again.exit_code, len(writes(plain))) == (0, before)
    lines = [line for line in again.stdout.splitlines() if "case.json" not in line]
    assert lines[:5] == [
        "  leave Patient/p1 (version 2): somebody changed it since our version 1",
        "  change Condition/c1 (version 1)",
        '      Condition.code.text: "fever" -> "high fever"',
        '      Condition.note: nothing -> [{"text":"once"}]',
        "  create AdverseEvent/a1",
    ]
    assert re.search(r"create.*change.*leave.*unknown", again.stdout)
    assert re.search(r"1 . +1 . +1 . +0", again.stdout)


def test_a_push_that_is_tried_is_told_to_programs_too(plain: PlainServer, tmp_path: Path) -> None:
    push(tmp_path, plain.url, put(PATIENT, FEVER))
    del plain.resources["Patient/p1"]
    plain.gone.add("Patient/p1")
    warm = FEVER | {"code": {"text": "high fever"}}
    again = push(tmp_path, plain.url, put(PATIENT, warm), "--dry-run", "--format", "json")
    told = json.loads(again.stdout)
    place = str(tmp_path / "case.json")
    assert told["counts"] == {"create": 1, "change": 1, "leave": 0, "unknown": 0}
    assert told["resources"] == [
        {
            "place": place,
            "entry": 0,
            "resource": "Patient/p1",
            "action": "create",
            "note": "it was deleted on the server",
        },
        {
            "place": place,
            "entry": 1,
            "resource": "Condition/c1",
            "action": "change",
            "version": "1",
            "changes": [{"path": "Condition.code.text", "old": "fever", "new": "high fever"}],
        },
    ]


def test_many_resources_are_asked_for_in_few_requests(plain: PlainServer, tmp_path: Path) -> None:
    many = put(*({"resourceType": "Device", "id": f"d{number}"} for number in range(250)))
    assert push(tmp_path, plain.url, many, "--dry-run").exit_code == 0
    assert len(plain.asked("POST")) == 3
    assert [r.path for r in plain.asked("GET")] == ["/fhir/metadata"]


def test_a_server_without_batches_is_asked_one_by_one(tmp_path: Path) -> None:
    with PlainServer(batches=False) as plain:
        tried = push(tmp_path, plain.url, put(PATIENT, CONDITION), "--dry-run", "-q")
        assert tried.exit_code == 0
        assert [r.path for r in plain.asked("GET")][1:] == [
            "/fhir/Patient/p1",
            "/fhir/Condition/c1",
        ]


def test_what_could_not_be_sent_is_told_where_a_push_is_tried(
    plain: PlainServer, tmp_path: Path
) -> None:
    bundle = put(PATIENT, kind="collection")
    tried = push(tmp_path, plain.url, bundle, "--dry-run", "--format", "json")
    assert tried.exit_code == 1
    hint = "make it with convert --bundle transaction"
    assert said(tried) == [f"a Bundle of type 'collection' cannot be sent: {hint}"]


# validated before


def test_what_the_validator_refuses_is_not_sent_and_is_a_dead_letter(
    plain: PlainServer, tmp_path: Path
) -> None:
    wrong = put(PATIENT | {"gender": "wrong"})
    pushed = push(tmp_path, plain.url, wrong, "--validate", "--format", "json")
    assert (pushed.exit_code, writes(plain)) == (1, [])
    issues = json.loads(pushed.stdout)["issue"]
    assert any("'wrong'" in issue["diagnostics"] for issue in issues)
    places = [place for issue in issues for place in issue["expression"]]
    assert any(re.search(r"case\.json:1:\d+: .*Patient\.gender|entry\[0\]", p) for p in places)
    (letter,) = (tmp_path / "state" / "dead-letters").glob("*.bundle.json")
    assert json.loads(letter.read_text("utf-8")) == wrong


@pytest.mark.parametrize(("threshold", "code"), [("error", 0), ("warning", 1)])
def test_warnings_keep_a_bundle_back_where_they_are_to(
    threshold: str, code: int, plain: PlainServer, tmp_path: Path
) -> None:
    name = "0b0c5c5e-2f5b-4b69-9a50-3ad1f4e4a009"
    bundle = put(PATIENT | {"id": name, "gender": "male"})  # without a narrative
    pushed = push(tmp_path, plain.url, bundle, "--validate", "--fail-on", threshold)
    assert pushed.exit_code == code
    assert bool(writes(plain)) == (code == 0)


# the server's own words


def test_a_type_that_the_server_does_not_list_is_refused_before(tmp_path: Path) -> None:
    words = statement("transaction", Patient={}, Device={})
    with PlainServer(statement=words) as plain:
        pushed = push(tmp_path, plain.url, put(PATIENT, CONDITION), "--format", "json")
        assert (pushed.exit_code, writes(plain)) == (1, [])
        (message,) = said(pushed)
        assert message.startswith("the server says that it takes no Condition")


def test_a_server_that_takes_no_ids_of_ours_says_what_to_do(tmp_path: Path) -> None:
    words = statement("transaction", Patient={"updateCreate": False})
    with PlainServer(statement=words) as plain:
        pushed = push(tmp_path, plain.url, put(PATIENT), "--format", "json")
        assert (pushed.exit_code, writes(plain)) == (1, [])
        (message,) = said(pushed)
        assert message.endswith("try --ids server")


def test_a_server_that_refuses_ids_of_ours_only_when_it_sees_them_says_so_too(
    tmp_path: Path,
) -> None:
    with PlainServer(client_ids=False) as plain:
        pushed = push(tmp_path, plain.url, put(PATIENT), "--format", "json")
        assert said(pushed) == ["client-assigned ids are not enabled: Patient/p1: try --ids server"]


def test_what_a_server_cannot_search_is_refused_with_its_own_ids(tmp_path: Path) -> None:
    patient = {"searchParam": [{"name": "name"}]}
    words = statement("transaction", Patient=patient)
    with PlainServer(statement=words) as plain:
        command = ("--ids", "server", "--format", "json")
        pushed = push(tmp_path, plain.url, put(PATIENT), *command)
        assert (pushed.exit_code, writes(plain)) == (1, [])
        (message,) = said(pushed)
        assert message == (
            "the server cannot be asked whether it has a Patient already, so that each push would "
            "make another one: it must take ids of ours (--ids client)"
        )


def test_a_server_of_r4b_takes_what_is_made_for_r4(tmp_path: Path) -> None:
    with PlainServer(version="4.3.0") as plain:
        r4 = EVENT | {"event": {"text": "rash"}}
        assert push(tmp_path, plain.url, put(PATIENT, r4)).exit_code == 0
        r5 = EVENT | {"code": {"text": "rash"}}
        refused = push(tmp_path, plain.url, put(PATIENT, r5), "--format", "json")
        assert refused.exit_code == 1
        assert json.loads(refused.stdout)["issue"][0]["diagnostics"] == (
            "the bundle is of R5 (it has AdverseEvent.code) and the server speaks FHIR 4.3.0, "
            "which takes what is made for R4: convert with --release R4"
        )


# options


def test_ids_of_the_server_are_chosen_by_an_option(tmp_path: Path) -> None:
    with PlainServer(client_ids=False) as plain:
        named = [
            one
            | {"identifier": [{"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{one['id']}"}]}
            for one in (PATIENT, CONDITION)
        ]
        for _ in range(2):
            assert push(tmp_path, plain.url, put(*named), "--ids", "server").exit_code == 0
        assert sorted(plain.resources) == ["Condition/2", "Patient/1"]
        tried = push(tmp_path, plain.url, put(*named), "--ids", "server", "--dry-run")
        assert re.search(r"0 . +0 . +2 . +0", tried.stdout)


@pytest.mark.parametrize("size", ["2 entries", "1kB", "3entries,1000"])
def test_a_large_bundle_is_sent_in_parts(size: str, plain: PlainServer, tmp_path: Path) -> None:
    many = put(*({"resourceType": "Device", "id": f"d{number}"} for number in range(9)))
    pushed = push(tmp_path, plain.url, many, "--max-bundle-size", size)
    assert pushed.exit_code == 0
    assert len(plain.resources) == 9
    assert len(plain.asked("POST")) > 1


@pytest.mark.parametrize("size", ["", "many", "0", "0 entries", "2MB,,"])
def test_a_limit_that_is_none_is_wrong_usage(size: str, plain: PlainServer, tmp_path: Path) -> None:
    pushed = push(tmp_path, plain.url, put(PATIENT), "--max-bundle-size", size)
    assert pushed.exit_code == 2
    assert "is no limit such as 2MB" in pushed.stderr or "is no size such as" in pushed.stderr
