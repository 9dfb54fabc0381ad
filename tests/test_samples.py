"""The samples: golden files beside their reports, which only `make samples` rewrites."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from fhirconv.cli import main
from fhirconv.tables import built_in

SAMPLES = Path(__file__).resolve().parents[1] / "samples"
REPORTS = sorted(p for p in SAMPLES.glob("*/*") if p.suffix in {".txt", ".html", ".xml"})
RELEASES = tuple(built_in().releases)


def printed(*arguments: object) -> bytes:
    """Return what a command prints on standard output; it must end well."""
    words = [str(argument) for argument in arguments]
    result = CliRunner().invoke(main, words, env={"SOURCE_DATE_EPOCH": None})
    assert result.exit_code == 0, result.stderr
    return result.stdout_bytes


def golden(report: Path, ending: str) -> Path:
    return report.with_suffix(f".{ending}.json")


def named(report: Path) -> str:
    return report.name


def test_there_are_samples_of_every_format():
    assert len(REPORTS) >= 4
    assert {report.suffix for report in REPORTS} == {".txt", ".html", ".xml"}


@pytest.mark.parametrize("report", REPORTS, ids=named)
def test_the_facts_beside_a_sample_are_what_is_found_in_it(report):
    assert printed("extract", report) == golden(report, "facts").read_bytes()


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("report", REPORTS, ids=named)
def test_the_bundle_beside_a_sample_is_what_is_made_of_it_and_of_its_facts(report, release):
    made = golden(report, f"{release.lower()}.bundle").read_bytes()
    assert printed("convert", report, "--release", release) == made
    assert printed("convert", golden(report, "facts"), "--release", release) == made


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("report", REPORTS, ids=named)
def test_the_bundle_beside_a_sample_has_no_errors(report, release):
    bundle = golden(report, f"{release.lower()}.bundle")
    outcome = json.loads(printed("validate", bundle, "--release", release, "--format", "json"))
    assert [issue["severity"] for issue in outcome["issue"]] == ["information"]


def test_nothing_else_lies_beside_the_samples():
    endings = ("facts", *(f"{release.lower()}.bundle" for release in RELEASES))
    known = {golden(report, ending) for report in REPORTS for ending in endings}
    assert {p for p in SAMPLES.glob("*/*") if p not in REPORTS} <= known
