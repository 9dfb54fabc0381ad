"""Resources one a line in a file for each type, as FHIR's Bulk Data has them."""

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fhirconv.cli import main
from fhirconv.references import references

SAMPLES = Path(__file__).resolve().parents[1] / "samples"
FACTS = sorted(str(path) for path in SAMPLES.glob("*/*.facts.json"))


def run(*arguments: str) -> Result:
    """Run convert --bundle ndjson."""
    return CliRunner().invoke(main, ["convert", *arguments, "--bundle", "ndjson"])


def content(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module", params=["R4", "R5"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The samples, converted to a folder."""
    made = tmp_path_factory.mktemp("bulk") / "new"
    done = run(*FACTS, "-o", f"{made}/", "--release", request.param)
    assert done.exit_code == 0, done.output
    return made


def test_a_file_holds_one_type_and_each_resource_once(folder: Path) -> None:
    names: list[str] = []
    for path in folder.glob("*.ndjson"):
        listed = [json.loads(line) for line in path.read_bytes().splitlines()]
        assert {resource["resourceType"] for resource in listed} == {path.stem}
        names += [f"{path.stem}/{resource['id']}" for resource in listed]
    assert len(names) == len(set(names))
    assert sum(name.startswith("Device/") for name in names) == 1


def test_references_lead_to_resources_of_the_folder(folder: Path) -> None:
    listed = [
        json.loads(line)
        for path in folder.glob("*.ndjson")
        for line in path.read_bytes().splitlines()
    ]
    names = {f"{resource['resourceType']}/{resource['id']}" for resource in listed}
    assert {name for resource in listed for name in references(resource)} <= names


def test_the_manifest_lists_every_file_with_its_count(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_bytes())
    assert sorted(manifest) == [
        "error",
        "output",
        "request",
        "requiresAccessToken",
        "transactionTime",
    ]
    assert {one["url"]: one["count"] for one in manifest["output"]} == {
        path.name: len(path.read_bytes().splitlines()) for path in folder.glob("*.ndjson")
    }
    assert all(one["url"] == f"{one['type']}.ndjson" for one in manifest["output"])


def test_the_bytes_are_the_same_with_any_number_of_processes(tmp_path: Path) -> None:
    for jobs in ("1", "3"):
        assert run(*FACTS, "-o", str(tmp_path / jobs), "--jobs", jobs).exit_code == 0
    assert content(tmp_path / "1") == content(tmp_path / "3")


def test_the_manifest_states_the_time_given_else_that_of_the_newest_input(tmp_path: Path) -> None:
    facts = tmp_path / "a.facts.json"
    facts.write_bytes(Path(FACTS[0]).read_bytes())
    os.utime(facts, (1767268800, 1767268800))
    for more, when in (
        ([], "2026-01-01T12:00:00Z"),
        (["--timestamp", "2026-02-01T00:00:00Z"], "2026-02-01T00:00:00Z"),
    ):
        assert run(str(facts), "-o", str(tmp_path / "out"), *more).exit_code == 0
        manifest = json.loads((tmp_path / "out" / "manifest.json").read_bytes())
        assert manifest["transactionTime"] == when


def test_a_type_that_is_no_more_made_is_removed_and_nothing_else(tmp_path: Path) -> None:
    assert run(*FACTS, "-o", str(tmp_path)).exit_code == 0
    (tmp_path / "Mine.ndjson").write_text("{}")
    before = {path.name for path in tmp_path.glob("*.ndjson")}
    assert run(next(f for f in FACTS if "drug-rash" in f), "-o", str(tmp_path)).exit_code == 0
    after = {path.name for path in tmp_path.glob("*.ndjson")}
    manifest = json.loads((tmp_path / "manifest.json").read_bytes())
    assert after == {one["url"] for one in manifest["output"]} | {"Mine.ndjson"}
    assert before - after == {
        "BiologicallyDerivedProduct.ndjson",
        "Encounter.ndjson",
        "Procedure.ndjson",
    }


def test_a_resource_made_twice_differently_is_told(tmp_path: Path) -> None:
    document = json.loads(Path(FACTS[0]).read_bytes())
    document["facts"][0]["label"] = "something else"
    (tmp_path / "other.facts.json").write_text(json.dumps(document))
    done = run(FACTS[0], str(tmp_path / "other.facts.json"), "-o", str(tmp_path / "out"))
    assert done.exit_code == 0
    assert "is made twice, differently: the first is kept" in done.stderr


def test_a_bad_document_is_told_and_the_others_are_there(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text("{")
    done = run(str(tmp_path / "bad.json"), FACTS[0], "-o", str(tmp_path / "out"))
    assert done.exit_code == 1
    assert (tmp_path / "out" / "Patient.ndjson").exists()
    done = run(str(tmp_path / "bad.json"), "-o", str(tmp_path / "none"))
    assert (done.exit_code, content(tmp_path / "none")) == (1, {})


# arguments, what is said
WRONG = (
    ([], "--bundle ndjson makes a file for each type: give a folder, -o DIR/"),
    (["-o", "-"], "--bundle ndjson makes a file for each type: give a folder, -o DIR/"),
    (["-o", __file__], "--bundle ndjson makes a file for each type: give a folder, -o DIR/"),
)


@pytest.mark.parametrize(("arguments", "message"), WRONG)
def test_what_is_no_folder_is_wrong_usage(arguments: list[str], message: str) -> None:
    done = run(FACTS[0], *arguments)
    assert done.exit_code == 2
    assert message in done.stderr


def test_the_manifest_is_no_resource_to_validate(folder: Path) -> None:
    release = "R5" if (folder / "Citation.ndjson").exists() else "R4"
    done = CliRunner().invoke(main, ["validate", str(folder), "--release", release])
    assert done.exit_code == 0, done.output
