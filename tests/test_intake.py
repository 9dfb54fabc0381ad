"""A server imports a folder of Bulk Data by itself, and is followed until it is done."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from click.testing import CliRunner, Result

from fhirconv.cli import main
from fhirconv.errors import UsageError
from fhirconv.intake import listed
from fhirconv.server import Server
from fhirconv.serving import served
from tests.shelf_server import Shelf, refused
from tests.stub_server import Reply

SAMPLES = Path(__file__).resolve().parents[1] / "samples"
FACTS = sorted(str(path) for path in SAMPLES.glob("*/*.facts.json"))


def run(*arguments: str) -> Result:
    """Run a command."""
    return CliRunner().invoke(main, list(arguments))


def made(folder: Path, release: str = "R4") -> Path:
    """Convert the samples to a folder."""
    done = run("convert", *FACTS, "--bundle", "ndjson", "-o", str(folder), "--release", release)
    assert done.exit_code == 0, done.output
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The samples as Bulk Data of R4."""
    return made(tmp_path_factory.mktemp("bulk"))


@pytest.fixture(autouse=True)
def nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test wait between two questions."""
    monkeypatch.setattr("fhirconv.intake.WAIT", 0.0)


def test_a_server_fetches_every_file_and_is_followed_to_the_end(folder: Path) -> None:
    under_way = Reply(202, headers={"X-Progress": "half of it", "Retry-After": "0"})
    with Shelf(progress=[under_way, under_way]) as stub:
        done = run("import", str(folder), "--server", stub.url, "-v")
        assert done.exit_code == 0, done.output
        assert done.output.count("half of it") == 2
        assert len(stub.store) == sum(file.count for file in listed(folder))
        asked = json.loads(stub.asked("POST")[0].body)["parameter"]
    assert stub.asked("POST")[0].headers["prefer"] == "respond-async"
    assert [one["name"] for one in asked[:3]] == ["inputFormat", "inputSource", "storageDetail"]


def test_nothing_but_the_files_is_served_and_only_so_long(folder: Path) -> None:
    with served(folder, ["Patient.ndjson"], "127.0.0.1", 0) as base:
        with urlopen(base + "Patient.ndjson", timeout=30) as answer:
            assert answer.read() == (folder / "Patient.ndjson").read_bytes()
        root = base[: base.index("/", 8)]
        for path in ("/", "/Patient.ndjson", f"{base[len(root) :]}manifest.json"):
            with pytest.raises(HTTPError, match="404") as raised:
                urlopen(root + path, timeout=30)
            raised.value.close()
    with pytest.raises(OSError, match=r"refused"):
        urlopen(base + "Patient.ndjson", timeout=30)


# what the server says of an import, what is said of it
FAILURES = (
    (refused(500, "Job is in FAILED state"), "Job is in FAILED state"),
    (Reply(404, "{}"), "the import failed: 404 Not Found"),
    (Reply(200, refused(0, "one line is no resource").body), "one line is no resource"),
)


REPORT = """Bulk Import Report
Source: http://127.0.0.1:1/x/Composition.ndjson
 Outcomes:
 * FAILURE: 1
 Errors:
 * HAPI-1094: Resource Condition/c1 not found
Source: http://127.0.0.1:1/x/Device.ndjson
 Outcomes:
 * SUCCESSFUL_UPDATE_AS_CREATE: 1
"""


def test_each_error_of_a_report_is_told_with_its_file(folder: Path) -> None:
    with Shelf(progress=[refused(200, json.dumps({"reportMsg": REPORT}))]) as stub:
        done = run("import", str(folder), "--server", stub.url)
    assert done.exit_code == 1
    message = "error: HAPI-1094: Resource Condition/c1 not found [Composition.ndjson]"
    assert next(line.partition(": ")[2] for line in done.stderr.splitlines()) == message
    assert "may be taken when imported once more" in done.stderr


@pytest.mark.parametrize(("reply", "message"), FAILURES)
def test_an_import_that_fails_is_told(reply: Reply, message: str, folder: Path) -> None:
    with Shelf(progress=[reply]) as stub:
        done = run("import", str(folder), "--server", stub.url)
    assert done.exit_code == 1
    assert message in done.stderr


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (refused(400, "Unknown operation"), "does not import in bulk: Unknown operation"),
        (Reply(404), "does not import in bulk: 404 Not Found"),
        (Reply(202), "does not import in bulk: 202 Accepted"),
        (
            Reply(202, headers={"Content-Location": "http://other.test/1"}),
            "the server tells of it on another host, 'http://other.test/1'",
        ),
    ],
)
def test_a_server_that_imports_nothing_is_one_sentence(
    reply: Reply, message: str, folder: Path
) -> None:
    with Shelf() as stub:
        stub._imported = lambda asked: reply  # type: ignore[method-assign]
        done = run("import", str(folder), "--server", stub.url)
    assert done.exit_code == 1
    assert message in done.stderr


def test_an_import_that_takes_too_long_goes_on_alone(folder: Path) -> None:
    with Shelf(progress=[Reply(202, headers={"Retry-After": "2"})] * 9) as stub:
        done = run("import", str(folder), "--server", stub.url, "--wait", "1")
    assert done.exit_code == 1
    assert "the import is not over after 1 seconds; the server goes on with it" in done.stderr


def test_resources_of_another_release_are_not_sent(folder: Path) -> None:
    with Shelf(version="5.0.0") as stub:
        done = run("import", str(folder), "--server", stub.url)
        assert stub.asked("POST") == []
    assert done.exit_code == 1
    assert "convert with --release R5" in done.stderr


def test_files_that_are_elsewhere_are_not_offered(folder: Path) -> None:
    seen = []
    with Shelf() as stub:
        stub._imported = lambda asked: seen.append(asked) or Reply(404)  # type: ignore[func-returns-value,method-assign]
        run("import", str(folder), "--server", stub.url, "--files-at", "https://bucket.test/a")
    urls = [p["part"][1]["valueUri"] for p in seen[0]["parameter"] if p["name"] == "input"]
    assert "https://bucket.test/a/Patient.ndjson" in urls


# arguments, exit code, what is said
WRONG = (
    (["--listen", "here"], 2, "--listen is 'here': write HOST:PORT"),
    (["--listen", "192.0.2.1:0"], 2, "nothing can listen at 192.0.2.1:0"),
    (["--server", "http://fhir.test/r4"], 2, "a server on another machine cannot fetch from 127"),
)


@pytest.mark.parametrize(("arguments", "code", "message"), WRONG)
def test_what_cannot_be_offered_is_wrong_usage(
    arguments: list[str], code: int, message: str, folder: Path
) -> None:
    with Shelf() as stub:
        done = run("import", str(folder), "--server", stub.url, *arguments)
    assert (done.exit_code, message in done.stderr) == (code, True), done.output


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "there is no manifest of Bulk Data: make the folder with convert --bundle ndjson"),
        ("[]", "this is no manifest of Bulk Data"),
        ("{", "this is no manifest of Bulk Data"),
        (
            '{"output": [{"type": "Patient", "url": "../x"}]}',
            "the manifest lists a file that is not there",
        ),
    ],
)
def test_what_is_no_folder_of_bulk_data_is_one_sentence(
    text: str | None, message: str, tmp_path: Path
) -> None:
    if text:
        (tmp_path / "manifest.json").write_text(text)
    done = run("import", str(tmp_path), "--server", "http://127.0.0.1/fhir")
    assert done.exit_code == 1
    assert message in done.stderr


def test_a_port_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing can listen"), served(tmp_path, [], "::::", 1):
        pass


@pytest.mark.skipif(
    not os.environ.get("FHIRCONV_BULK_IMPORT"), reason="takes minutes: FHIRCONV_BULK_IMPORT=1"
)
@pytest.mark.parametrize("release", ["R4", "R5"])
def test_a_real_server_imports_the_samples_in_a_few_passes(
    release: str, hapi: Callable[[str], str], tmp_path: Path
) -> None:
    base = hapi(release)
    files = listed(made(tmp_path, release))
    named = ["import", str(tmp_path), "--server", base, "--wait", "600"]
    # it takes a type at a time, and refuses what refers to a type that comes later
    codes = [run(*named).exit_code for _ in range(3)]
    assert codes[-1] == 0
    with Server.at(base) as server:
        for file in files:
            for line in (tmp_path / file.name).read_bytes().splitlines():
                name = f"{file.kind}/{json.loads(line)['id']}"
                assert server.ask(name, file.kind) is not None
