"""A push of many bundles: each once, none lost, the shared ones first, whatever the server does."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fhirconv.files import Input
from fhirconv.http import Limits
from fhirconv.loader import Account, Loading, Manner, Patience
from fhirconv.loader.state import LETTERS
from fhirconv.outcome import Issue
from fhirconv.server import Server
from tests.fault_proxy import FAULTS, FaultProxy, one_in
from tests.push_store import Store, case, entry, lines_of, name_of, transaction
from tests.stub_server import Reply, outcome

QUICK = Patience(tries=12, first_wait=0.005, longest_wait=0.05)
Resource = dict[str, Any]


@pytest.fixture(autouse=True)
def no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FHIRCONV_TOKEN", raising=False)
    monkeypatch.delenv("FHIRCONV_TOKEN_FILE", raising=False)


def load(
    url: str, folder: Path, *paths: Path, read: float = 5.0, **manner: Any
) -> tuple[list[Issue], Account]:
    """Push files with a state folder; return what was said and the account."""
    given = Manner(**({"jobs": 8, "patience": QUICK} | manner))
    with Server.at(url, limits=Limits(read=read, connect=2.0), connections=given.jobs) as server:
        loading = Loading(server, folder, given)
        said = [issue for issue in loading([Input(path) for path in paths]) if issue]
    return said, loading.account


def letters(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / LETTERS).glob("*.bundle.json"))


@pytest.fixture
def store() -> Iterator[Store]:
    with Store() as server:
        yield server


# what is shared


def test_a_resource_of_several_bundles_is_sent_once_and_then_referred_to(
    store: Store, tmp_path: Path
) -> None:
    cases = [case(number, number // 4) for number in range(40)]
    said, account = load(store.url, tmp_path / "state", lines_of(tmp_path / "a.ndjson", cases))
    assert said == []
    assert set(store.writes.values()) == {1}
    assert len(store.store) == 1 + 10 + 40 + 40
    assert store.clashes == []
    assert store.dangling == []
    assert account.bundles["sent"] == 40
    assert account.resources["shared"] == 39 + 30
    finding = store.store[f"Observation/{name_of('finding', 7)}"][1]
    assert finding["device"] == {"reference": f"Device/{name_of('device')}"}


def test_where_the_first_is_refused_the_next_brings_what_they_share(tmp_path: Path) -> None:
    refusal = Reply(422, outcome({"severity": "error", "code": "invariant", "diagnostics": "no"}))
    with Store(posts=[refusal]) as store:
        path = lines_of(tmp_path / "a.ndjson", [case(number) for number in range(6)])
        said, account = load(store.url, tmp_path / "state", path)
        assert f"Device/{name_of('device')}" in store.store
    assert [(issue.message, issue.where) for issue in said] == [("no", f"{path}:1: {store.url}")]
    assert (account.bundles["sent"], account.bundles["failed"]) == (5, 1)
    assert len(letters(tmp_path / "state")) == 1


def test_two_bundles_with_one_id_and_another_content_are_a_conflict(
    store: Store, tmp_path: Path
) -> None:
    path = lines_of(tmp_path / "a.ndjson", [case(1), case(2), case(1, note="other")])
    said, account = load(store.url, tmp_path / "state", path)
    finding = f"Observation/{name_of('finding', 1)}"
    message = f"{finding} is in {path}:1 with another content, which was sent: this bundle is not"
    assert [(i.severity, i.message, i.where) for i in said] == [
        ("error", message, f"{path}:3: {finding}")
    ]
    assert store.store[finding][1]["note"] == [{"text": "1 "}]
    assert account.bundles["failed"] == 1
    assert letters(tmp_path / "state")[0].startswith("a.3-")


def test_a_bundle_that_stands_twice_is_sent_once(store: Store, tmp_path: Path) -> None:
    path = lines_of(tmp_path / "a.ndjson", [case(1), case(1)])
    said, account = load(store.url, tmp_path / "state", path)
    assert said == []
    assert set(store.writes.values()) == {1}
    assert (account.bundles["sent"], account.bundles["skipped"]) == (1, 1)


# faults


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_overcome(fault: str, store: Store, tmp_path: Path) -> None:
    cases = [case(number, number) for number in range(12)]
    path = lines_of(tmp_path / "a.ndjson", cases)
    spoil = lambda number: fault if number in (1, 5, 6, 9) else ""  # noqa: E731
    with FaultProxy(store.url, spoil, stall=0.6) as proxy:
        said, account = load(proxy.url, tmp_path / "state", path, read=0.3)
        assert proxy.done[fault] == 4
    assert said == []
    assert set(store.versions().values()) == {1}
    assert len(store.store) == 1 + 3 * 12
    assert account.bundles["sent"] == 12
    assert account.retried == (0 if fault == "slow" else 4)
    assert letters(tmp_path / "state") == []


def test_one_in_five_fails_and_nothing_is_lost_nor_doubled(store: Store, tmp_path: Path) -> None:
    cases = [case(number, number // 3) for number in range(1500)]
    path = lines_of(tmp_path / "a.ndjson", cases)
    with FaultProxy(store.url, one_in(5), stall=0.4) as proxy:
        said, account = load(proxy.url, tmp_path / "state", path, read=0.2)
        assert sum(proxy.done[fault] for fault in FAULTS) > 250
    assert said == []
    assert account.bundles["sent"] == 1500
    assert set(store.versions().values()) == {1}
    assert len(store.store) == 1 + 500 + 2 * 1500
    assert store.clashes == []
    assert store.dangling == []


def posts(number: int) -> Resource:
    """Return a bundle that would double if it were sent twice."""
    return transaction(entry({"resourceType": "Patient", "id": name_of("post", number)}, "POST"))


UNSAFE = (
    # what befalls a POST, how often the server got it, whether anybody knows
    ("reset", 0, False),
    ("reset after", 1, False),
    ("half", 1, False),
    ("stall", 0, False),
    ("garbage", 1, False),
    ("500 after", 1, False),
    ("429", 1, True),
    ("503", 1, True),
)


@pytest.mark.parametrize(("fault", "times", "known"), UNSAFE)
def test_what_would_double_is_not_sent_again_unless_it_was_surely_not_taken(
    fault: str, times: int, known: bool, store: Store, tmp_path: Path
) -> None:
    path = lines_of(tmp_path / "a.ndjson", [posts(1)])
    with FaultProxy(store.url, lambda n: fault if n == 1 else "", stall=0.6) as proxy:
        said, account = load(proxy.url, tmp_path / "state", path, read=0.3)
        other = lines_of(tmp_path / "b.ndjson", [case(9)])
        load(proxy.url, tmp_path / "state", other)
        again, _ = load(proxy.url, tmp_path / "state", path, resume=True)
        again, _ = load(proxy.url, tmp_path / "state", path, resume=True)
    assert store.writes["Patient"] == times
    assert account.bundles["sent"] == int(known)
    assert len(letters(tmp_path / "state")) == int(not known)
    told = [issue.message.partition(",")[0] for issue in said]
    assert told == ([] if known else ["unknown whether taken"])
    assert [i.message.partition(" an")[0] for i in again] == ([] if known else ["unknown whether"])


def test_a_retry_after_holds_back_everybody(tmp_path: Path) -> None:
    with Store(posts=[Reply(429, headers={"Retry-After": "1"})]) as store:
        cases = [case(number, number) for number in range(1, 9)]
        path = lines_of(tmp_path / "a.ndjson", cases)
        _, account = load(store.url, tmp_path / "state", path)
    assert account.bundles["sent"] == 8
    assert account.retried == 1
    assert account.statistics()["seconds"] >= 1


def test_a_server_that_asks_to_come_back_tomorrow_is_left(tmp_path: Path) -> None:
    with Store(posts=[Reply(503, headers={"Retry-After": "86400"})]) as store:
        path = lines_of(tmp_path / "a.ndjson", [case(1)])
        [said], account = load(store.url, tmp_path / "state", path)
    assert said.message.startswith("stopped, as the server asks to come back in 86400 seconds: 0 b")
    assert account.bundles["left"] == 1
    assert letters(tmp_path / "state") == []


def test_a_server_that_goes_away_leaves_the_rest_for_resume(tmp_path: Path) -> None:
    path = lines_of(tmp_path / "a.ndjson", [case(number) for number in range(50)])
    gone = lambda number: "503" if number > 20 else ""  # noqa: E731
    patience = Patience(tries=4, first_wait=0.005, longest_wait=0.01)
    with Store() as store:
        with FaultProxy(store.url, gone) as proxy:
            said, account = load(proxy.url, tmp_path / "state", path, patience=patience)
        assert said[-1].message.startswith("stopped, as the server answers 503 Service Unavailable")
        assert said[-1].message.endswith("the rest is left; go on with --resume")
        assert letters(tmp_path / "state") == []
        sent = account.bundles["sent"]
        assert 10 <= sent <= 20


def test_a_bundle_that_the_server_cannot_take_does_not_stop_the_others(tmp_path: Path) -> None:
    poison = name_of("patient", 3)

    class Picky(Store):
        def take(self, bundle: Resource) -> Resource:
            if any(poison in one["request"]["url"] for one in bundle["entry"]):
                return outcome({"severity": "error", "code": "exception", "diagnostics": "HAPI"})
            return super().take(bundle)

    with Picky() as store:
        path = lines_of(tmp_path / "a.ndjson", [case(number) for number in range(8)])
        said, account = load(store.url, tmp_path / "state", path)
    assert [issue.message for issue in said] == ["HAPI"]
    assert (account.bundles["sent"], account.bundles["failed"]) == (7, 1)
    [name] = letters(tmp_path / "state")
    beside = tmp_path / "state" / LETTERS / name.replace(".bundle.", ".outcome.")
    [told] = json.loads(beside.read_bytes())["issue"]
    assert told["diagnostics"] == "HAPI"


def test_a_dead_letter_is_pushed_as_it_is_and_then_gone(tmp_path: Path) -> None:
    refusal = Reply(422, outcome({"severity": "error", "code": "invariant", "diagnostics": "no"}))
    with Store(posts=[refusal]) as store:
        path = lines_of(tmp_path / "a.ndjson", [case(1)])
        load(store.url, tmp_path / "state", path)
        [name] = letters(tmp_path / "state")
        letter = tmp_path / "state" / LETTERS / name
        assert json.loads(letter.read_bytes()) == case(1)
        said, account = load(store.url, tmp_path / "state", letter)
    assert said == []
    assert account.resources["created"] == 4
    assert list((tmp_path / "state" / LETTERS).iterdir()) == []


def test_what_the_server_says_is_told_of_the_entry_of_the_file_and_its_fact(tmp_path: Path) -> None:
    class Picky(Store):
        def take(self, bundle: Resource) -> Resource:
            made = super().take(bundle)
            for number, one in enumerate(bundle["entry"]):
                if one["resource"].get("note") == [{"text": "2 "}]:
                    said = {"severity": "error", "code": "value", "diagnostics": "no such note"}
                    made["entry"][number]["response"] |= {"status": "422", "outcome": outcome(said)}
            return made

    cases = [case(1), case(2)]
    narrative = "<div><p>Finding: low &lt; 3.</p><p>Source text</p></div>"
    finding = cases[1]["entry"][3]["resource"]
    finding["text"] = {"status": "generated", "div": narrative}
    inner = [{"url": "offset", "valueInteger": 410}, {"url": "length", "valueInteger": 12}]
    finding["extension"] = [{"url": "derivation", "extension": inner}]
    with Picky() as store:
        path = lines_of(tmp_path / "a.ndjson", cases)
        [said], account = load(store.url, tmp_path / "state", path)
    assert said.message == "no such note (of 'Finding: low < 3', 410-422)"
    name = f"Observation/{name_of('finding', 2)}"
    assert said.where == f"{path}:2: Bundle.entry[3].resource/*{name}*/"
    assert account.bundles["failed"] == 1
    assert (account.resources["created"], account.resources["failed"]) == (5, 1)


def test_a_number_that_needs_exact_reading_makes_no_conflict(store: Store, tmp_path: Path) -> None:
    cases = [case(1), case(2)]
    for one in cases:
        one["entry"][0]["resource"]["value"] = 1.5
    path = lines_of(tmp_path / "a.ndjson", cases)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"text": "2 "', '"text": "2 ", "value": 1.50'), encoding="utf-8")
    said, account = load(store.url, tmp_path / "state", path)
    assert said == []
    assert account.bundles["sent"] == 2
