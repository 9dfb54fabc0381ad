"""The benchmark of conversions runs, its own part at least."""

import json
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks.convert", "--documents", "5", "--runs", "1"]
    return subprocess.run(
        [*command, *arguments], cwd=PROJECT, capture_output=True, text=True, check=True
    )


def test_the_benchmark_tells_what_was_made_how_fast_and_in_how_much_memory() -> None:
    told = json.loads(run("--only", "fhirconv", "--json").stdout)
    assert {"fhirconv", "fhirconv, validated"} <= told.keys()
    one, validated = told["fhirconv"], told["fhirconv, validated"]
    assert one["resources"] == validated["resources"] > 100
    assert one["bytes"] == validated["bytes"]
    assert one["resources_per_second"] > 0
    assert one["peak_mb"] > 0


def test_a_peer_that_is_not_there_is_told_as_absent(tmp_path: Path) -> None:
    from benchmarks import convert

    assert convert.table({"one": None}).splitlines()[1].split() == ["one", "absent"]


def test_the_benchmark_of_pushes_tells_a_rate_for_what_is_there() -> None:
    command = [sys.executable, "-m", "benchmarks.push", "--count", "20", "--runs", "1", "--json"]
    command += ["--jobs", "2", "--only", "fhirconv", "requests"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    [row] = json.loads(done.stdout)
    assert row["jobs"] == 2
    assert row["fhirconv"] > 0
    assert row["requests"] > 0
