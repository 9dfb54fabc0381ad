"""A real HAPI server and HL7's validator take what is made of the facts of others."""

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from fhirconv.convert import Imported, convert, load_import, serialise
from tests.hapi_servers import FHIR, IssueList, Resource, Validator, hapi_issues

CASES = Path(__file__).parent / "cases" / "import"
FILES = ("lymphoma.ann", "packet.json", "patients.csv", "facts.tsv")
RELEASES = ("R4", "R5")
WORST = ("error", "fatal")

Verdict = Callable[[Resource, str], list[str]]


def bundles(source: Path | Imported, release: str) -> list[Resource]:
    made = convert(source, release).bundles
    return [json.loads(serialise(bundle)) for bundle in made]


def told(issues: IssueList) -> list[str]:
    return [json.dumps(issue) for issue in issues if issue["severity"] in WORST]


@pytest.fixture(scope="module")
def verdict(
    hapi: Callable[[str], str],
    hl7_validator: Callable[[str], Validator],
    tmp_path_factory: pytest.TempPathFactory,
) -> Verdict:
    """A function from a bundle and its release to the errors that either validator finds."""
    path = tmp_path_factory.mktemp("bundles") / "bundle.json"

    def of(bundle: Resource, release: str) -> list[str]:
        path.write_text(json.dumps(bundle), encoding="utf-8")
        return told(hapi_issues(hapi(release), bundle)) + told(hl7_validator(release)(path))

    return of


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("name", FILES)
def test_both_validators_find_no_error_in_what_is_imported(
    name: str, release: str, verdict: Verdict
) -> None:
    for bundle in bundles(CASES / name, release):
        assert verdict(bundle, release) == []


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("name", FILES)
def test_a_server_takes_what_is_imported_and_takes_it_once(
    name: str, release: str, hapi: Callable[[str], str]
) -> None:
    for bundle in bundles(CASES / name, release):
        answers = [
            requests.post(hapi(release), json=bundle, headers={"Content-Type": FHIR}, timeout=300)
            for _ in range(2)
        ]
        assert [answer.status_code for answer in answers] == [200, 200], answers[0].text
        first, second = (
            [entry["response"]["etag"] for entry in answer.json()["entry"]] for answer in answers
        )
        assert first == second


def sample(shared: Path) -> Iterator[Imported]:
    """Yield about fifty cases of the corpora, half of each."""
    corpora = shared / "corpora"
    packed = (corpora / "phenopackets-dev" / "phenopackets.jsonl.gz").read_bytes()
    for number, line in enumerate(gzip.decompress(packed).splitlines()[::21]):
        made = load_import(line, f"{number}.json")
        assert made is not None
        yield made
    for path in sorted((corpora / "maccrobat-dev").glob("*.ann"))[::5]:
        made = load_import(path.read_bytes(), path.name, path.parent)
        assert made is not None
        yield made


@pytest.mark.parametrize("release", RELEASES)
def test_both_validators_find_no_error_in_fifty_cases_of_the_corpora(
    release: str, shared: Path, verdict: Verdict
) -> None:
    found = {}
    listed = list(sample(shared))
    for imported in listed:
        for bundle in bundles(imported, release):
            found[imported.documents[0]["source"]["file"]] = verdict(bundle, release)
    assert len(found) == len(listed) >= 50
    assert {name: errors for name, errors in found.items() if errors} == {}
