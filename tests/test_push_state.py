"""What a push remembers: killed at any moment it goes on, and nothing is lost or there twice."""

import json
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from fhirconv.cli import main
from fhirconv.loader import journal
from fhirconv.loader.state import LETTERS, default_folder, locked
from tests.push_store import Store, case, entry, lines_of, name_of, transaction
from tests.stub_server import Reply, outcome

Resource = dict[str, Any]
FINE, ERRORS, USAGE = 0, 1, 2


@pytest.fixture
def store() -> Iterator[Store]:
    with Store() as server:
        yield server


@pytest.fixture
def bundles(tmp_path: Path) -> Path:
    return lines_of(tmp_path / "cases.ndjson", [case(n, n // 5) for n in range(120)])


def push(*arguments: object, **environment: str) -> Result:
    texts = [str(argument) for argument in arguments]
    environment = {"FHIRCONV_TOKEN": "", "FHIRCONV_TOKEN_FILE": ""} | environment
    return CliRunner(env=environment).invoke(main, ["push", *texts, "--format", "json"])


def said(result: Result) -> list[str]:
    return [issue["diagnostics"] for issue in json.loads(result.stdout)["issue"]]


def numbers(path: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(path.read_bytes())
    return told


def started(store: Store, bundles: Path, state: Path, **named: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "fhirconv", "push", "-q", str(bundles), "--jobs", "4"]
    command += ["--server", store.url, "--state", str(state), "--timeout", "5", "--format", "json"]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **named
    )


def until(store: Store, count: int) -> None:
    """Wait until a store has so many resources."""
    end = time.monotonic() + 60
    while len(store.store) < count and time.monotonic() < end:
        time.sleep(0.002)
    assert len(store.store) >= count


# killed


@pytest.mark.parametrize("count", [1, 40, 150])
def test_a_push_that_is_killed_goes_on(count: int, bundles: Path, tmp_path: Path) -> None:
    with Store(pause=0.01) as store, Store() as straight:
        with started(store, bundles, tmp_path / "state") as process:
            until(store, count)
            process.kill()
        store.settle()
        stats = tmp_path / "stats.json"
        options = ("--server", store.url, "--state", tmp_path / "state", "--stats", stats)
        assert push(bundles, *options, "--resume").exit_code == FINE
        assert push(bundles, "--server", straight.url).exit_code == FINE
        assert {name: one[:2] for name, one in store.store.items()} == {
            name: one[:2] for name, one in straight.store.items()
        }
        assert set(store.versions().values()) == {1}
        assert store.clashes == []
        assert store.dangling == []
        told = numbers(stats)["bundles"]
        assert told["sent"] + told["skipped"] == 120
        again = [name for name, times in store.writes.items() if times > 1]
        assert len(again) <= 4 * 4  # what was under way and not in the journal
        assert push(bundles, *options, "--resume").exit_code == FINE
        assert numbers(stats)["bundles"]["skipped"] == 120
        assert numbers(stats)["requests"] == 0


def test_what_would_double_is_never_sent_again_after_a_kill(tmp_path: Path) -> None:
    patients = [{"resourceType": "Patient", "id": name_of("post", n)} for n in range(60)]
    path = lines_of(tmp_path / "a.ndjson", [transaction(entry(p, "POST")) for p in patients])
    with Store(pause=0.03) as store:
        with started(store, path, tmp_path / "state") as process:
            while sum(store.received.values()) < 20:
                time.sleep(0.005)
            process.kill()
        store.settle()
        options = ("--server", store.url, "--state", tmp_path / "state", "--resume")
        first, second = push(path, *options), push(path, *options)
    assert set(store.received.values()) == {1}
    doubtful = list((tmp_path / "state" / LETTERS).glob("*.bundle.json"))
    assert len(doubtful) <= 4
    for result in (first, second):
        assert result.exit_code == (ERRORS if doubtful else FINE)
        told = [words for words in said(result) if words.startswith("unknown whether an earlier")]
        assert len(told) == len(doubtful)
    known = {json.loads(one.read_bytes())["entry"][0]["fullUrl"] for one in doubtful}
    assert known | set(store.received) == {f"urn:uuid:{one['id']}" for one in patients}


def test_a_disk_that_is_full_stops_a_push_which_then_goes_on(
    bundles: Path, store: Store, tmp_path: Path
) -> None:
    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    with started(store, bundles, tmp_path / "state", preexec_fn=little_room) as process:
        out, err = process.communicate(timeout=60)
    assert process.returncode == ERRORS
    assert "the journal cannot be written: file too large" in out
    assert "Traceback" not in err
    assert len(store.store) < 1 + 24 + 240
    damaged = [line for line in journal.lines(tmp_path / "state") if line is None]
    assert len(damaged) <= 1
    result = push(bundles, "--server", store.url, "--state", tmp_path / "state", "--resume")
    assert result.exit_code == FINE
    assert len(store.store) == 1 + 24 + 240
    assert set(store.versions().values()) == {1}


# the journal


def test_every_line_of_the_journal_has_its_checksum(
    bundles: Path, store: Store, tmp_path: Path
) -> None:
    push(bundles, "--server", store.url, "--state", tmp_path / "state")
    lines = list(journal.lines(tmp_path / "state"))
    assert [line["event"] for line in lines if line] == ["begun", *["taken"] * 120, "ended"]
    taken = [line for line in lines if line and line["event"] == "taken"]
    assert {line["server"] for line in taken} == {store.url}
    versions = [told[1] for line in taken for told in line["resources"].values()]
    assert set(versions) == {"1"}
    assert len(versions) == len(store.store)


DAMAGE = (
    ("torn", lambda data: data[: len(data) - 40]),
    ("changed", lambda data: data.replace(b'"taken"', b'"takes"', 1)),
    ("zeros", lambda data: data + b"\0" * 100),
)


@pytest.mark.parametrize(("how", "damage"), DAMAGE, ids=[how for how, _ in DAMAGE])
def test_a_damaged_line_counts_as_not_written(
    how: str, damage: Any, bundles: Path, store: Store, tmp_path: Path
) -> None:
    options = ("--server", store.url, "--state", tmp_path / "state")
    push(bundles, *options)
    path = tmp_path / "state" / journal.NAME
    path.write_bytes(damage(path.read_bytes()))
    result = push(bundles, *options, "--resume")
    assert result.exit_code == FINE
    assert said(result)[0] == "1 line is torn in the journal and counted as not written"
    assert set(store.versions().values()) == {1}
    assert push(bundles, *options, "--resume").exit_code == FINE


def test_a_line_says_what_it_said() -> None:
    line = {"event": "taken", "place": 'a "check": b', "digest": "00"}
    data = journal.sealed(line)
    assert journal.opened(data) == line
    assert json.loads(data)["event"] == "taken"
    for cut in range(len(data) - 1):
        assert journal.opened(data[:cut]) is None


# one at a time, and where


def test_two_pushes_with_one_state_do_not_mix(bundles: Path, store: Store, tmp_path: Path) -> None:
    with locked(tmp_path / "state"):
        result = push(bundles, "--server", store.url, "--state", tmp_path / "state")
    assert result.exit_code == USAGE
    assert "another push is at work with this state" in result.stderr
    assert store.store == {}


def test_two_pushes_of_the_same_bundles_at_once_double_nothing(
    bundles: Path, tmp_path: Path
) -> None:
    with Store(pause=0.002) as store:
        both = [started(store, bundles, tmp_path / name) for name in ("one", "two")]
        outputs = [process.communicate(timeout=120) for process in both]
        assert [process.returncode for process in both] == [FINE, FINE], outputs
    assert set(store.versions().values()) == {1}
    assert len(store.store) == 1 + 24 + 240


@pytest.mark.parametrize("inside", ["cases", "cases/state", "cases/a/b"])
def test_the_state_never_stands_in_what_is_pushed(
    inside: str, store: Store, tmp_path: Path
) -> None:
    (tmp_path / "cases").mkdir()
    lines_of(tmp_path / "cases" / "a.ndjson", [case(1)])
    state = tmp_path / inside
    result = push(tmp_path / "cases", "--server", store.url, "--state", state)
    assert result.exit_code == USAGE
    assert "stands in the folder" in result.stderr
    assert store.store == {}
    assert not (tmp_path / "cases" / "state").exists()


def test_without_a_folder_the_state_is_the_users_own_for_each_server(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    path = lines_of(tmp_path / "a.ndjson", [case(1)])
    assert push(path, "--server", store.url).exit_code == FINE
    folder = default_folder(store.url)
    assert (folder / journal.NAME).is_file()
    assert folder.is_relative_to(tmp_path / "fhirconv" / "push")
    assert default_folder("https://user:secret@one.example/fhir").name.startswith(
        "one.example-fhir"
    )
    assert folder != default_folder(store.url + "/other")


# since, and what was refused


def test_since_leaves_out_what_is_there_and_sends_what_changed(
    store: Store, tmp_path: Path
) -> None:
    state, stats = tmp_path / "state", tmp_path / "stats.json"
    options = ("--server", store.url, "--state", state, "--stats", stats)
    path = lines_of(tmp_path / "a.ndjson", [case(1), case(2)])
    push(path, *options)
    lines_of(path, [case(1), case(2, note="changed"), case(3)])
    assert push(path, *options, "--since", "2020-01-01").exit_code == FINE
    assert numbers(stats)["resources"] == {
        "created": 2,
        "updated": 1,
        "unchanged": 0,
        "shared": 4 + 3 + 2,
        "failed": 0,
    }
    assert numbers(stats)["bundles"]["skipped"] == 1
    assert store.writes[f"Observation/{name_of('finding', 2)}"] == 2
    assert store.writes[f"Observation/{name_of('finding', 1)}"] == 1
    assert store.asked_for == 2 + 3  # what both share once, and not what has changed
    push(path, *options, "--since", "2999-01-01T00:00:00Z")
    assert store.writes[f"Observation/{name_of('finding', 1)}"] == 2


def test_since_sends_what_the_server_has_lost_or_has_in_another_version(
    store: Store, tmp_path: Path
) -> None:
    options = ("--server", store.url, "--state", tmp_path / "state")
    path = lines_of(tmp_path / "a.ndjson", [case(1), case(2)])
    push(path, *options)
    lost, changed = f"Patient/{name_of('patient', 1)}", f"Observation/{name_of('finding', 2)}"
    del store.store[lost]
    store.store[changed] = (2, {"resourceType": "Observation"}, store.now.isoformat())
    assert push(path, *options, "--since", "2020-01-01").exit_code == FINE
    assert store.store[lost][0] == 1
    assert store.store[changed][:2] == (3, case(2)["entry"][3]["resource"] | referred(2))
    assert sum(store.writes.values()) == 6 + 2


def referred(number: int) -> Resource:
    """Return the references of a finding to what is on the server already."""
    return {
        "subject": {"reference": f"Patient/{name_of('patient', number)}"},
        "derivedFrom": [{"reference": f"DocumentReference/{name_of('article', 0)}"}],
        "device": {"reference": f"Device/{name_of('device')}"},
    }


def test_what_went_back_to_an_earlier_content_is_sent(store: Store, tmp_path: Path) -> None:
    options = ("--server", store.url, "--state", tmp_path / "state", "--since", "2020-01-01")
    path = tmp_path / "a.ndjson"
    for note in ("one", "two", "one"):
        push(lines_of(path, [case(1, note=note)]), *options)
    assert store.versions()[f"Observation/{name_of('finding', 1)}"] == 3
    assert store.versions()[f"Patient/{name_of('patient', 1)}"] == 1


def test_resume_tries_again_what_was_refused(bundles: Path, tmp_path: Path) -> None:
    refusal = Reply(422, outcome({"severity": "error", "code": "invariant", "diagnostics": "no"}))
    with Store(posts=[refusal]) as store:
        options = ("--server", store.url, "--state", tmp_path / "state")
        assert push(bundles, *options).exit_code == ERRORS
        assert len(list((tmp_path / "state" / LETTERS).iterdir())) == 2
        assert push(bundles, *options, "--resume").exit_code == FINE
        assert list((tmp_path / "state" / LETTERS).iterdir()) == []
        assert len(store.store) == 1 + 24 + 240


def test_ctrl_c_ends_a_push_in_order_and_it_goes_on(bundles: Path, tmp_path: Path) -> None:
    with Store(pause=0.02) as store:
        with started(store, bundles, tmp_path / "state") as process:
            until(store, 20)
            process.send_signal(2)
            _, err = process.communicate(timeout=60)
        assert process.returncode == 130
        assert "Traceback" not in err
        options = ("--server", store.url, "--state", tmp_path / "state")
        assert push(bundles, *options, "--resume").exit_code == FINE
        assert set(store.writes.values()) == {1}


def test_many_threads_write_whole_lines(tmp_path: Path) -> None:
    with journal.Journal(tmp_path, "here") as book:

        def write(number: int) -> None:
            for turn in range(50):
                book.write("taken", digest=f"{number}-{turn}", place="x" * 500)

        threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    found = [line["digest"] for line in journal.lines(tmp_path) if line]
    assert sorted(found) == sorted(f"{number}-{turn}" for number in range(8) for turn in range(50))
    assert os.stat(tmp_path / journal.NAME).st_mode & 0o077 == 0
