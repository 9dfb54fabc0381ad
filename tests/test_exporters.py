"""The vocabularies as ConceptMaps, SSSOM and a page: what is in the tables, and takers take it."""

import csv
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner, Result

from fhirconv.cli import main
from fhirconv.cli.tables_export import FORMATS
from fhirconv.errors import TableError, UsageError
from fhirconv.exporters import EXPORTERS, export
from fhirconv.tables import Tables, built_in, of_release
from fhirconv.validate import validate
from tests.hapi_servers import FHIR

RELEASES = tuple(built_in().releases)
CODES = "term,code,display,match,releases,same_as,source,note\n"
SSSOM = os.environ.get("FHIRCONV_SSSOM") or shutil.which("sssom")
WITH_CODES = [
    name
    for name, vocabulary in built_in().codes.items()
    if any(coding.code for term in vocabulary.terms.values() for coding in term.codings)
]


def exported(form: str, release: str, *names: str, tables: Tables | None = None) -> Any:
    data = export(tables or built_in(), form, release, names)
    return json.loads(data) if form == "conceptmap" else data.decode("utf-8")


def mappings(resource: dict[str, Any], element: str) -> set[tuple[str, str, str, str]]:
    """Return (term, system, code, relationship) of everything that a ConceptMap maps."""
    return {
        (each["code"], group["target"], target["code"], target[element])
        for group in resource["group"]
        for each in group["element"]
        for target in each["target"]
    }


def call(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["tables", "export", *map(str, arguments)])


def overlay(folder: Path, rows: str) -> Tables:
    (folder / "codes").mkdir()
    (folder / "codes" / "outcomes.csv").write_text(CODES + rows, encoding="utf-8")
    return Tables.of([folder])


# --- ConceptMaps ----------------------------------------------------------------------------


@pytest.mark.parametrize("release", RELEASES)
def test_every_code_of_every_vocabulary_is_in_its_concept_map(release: str) -> None:
    bundle = exported("conceptmap", release)
    maps = {e["resource"]["id"]: e["resource"] for e in bundle["entry"]}
    element = {"R4": "equivalence", "R5": "relationship"}[release]
    for name, vocabulary in built_in().codes.items():
        wanted = {
            (" ".join(term.text.split()), coding.system, coding.code)
            for term in vocabulary.terms.values()
            for coding in term.codings
            if coding.code and of_release(coding, release)
        }
        found = mappings(maps[name], element) if name in maps else set()
        assert {mapping[:3] for mapping in found} == wanted, name


@pytest.mark.parametrize("release", RELEASES)
def test_the_concept_maps_have_no_error(release: str) -> None:
    issues = list(validate(exported("conceptmap", release), release))
    assert [str(issue) for issue in issues if issue.is_error] == []


MATCHES = [
    ("R4", "exact", "equivalence", "equivalent"),
    ("R4", "close", "equivalence", "relatedto"),
    ("R4", "broad", "equivalence", "wider"),
    ("R5", "exact", "relationship", "equivalent"),
    ("R5", "close", "relationship", "related-to"),
    ("R5", "broad", "relationship", "source-is-narrower-than-target"),
]


@pytest.mark.parametrize(("release", "match", "element", "code"), MATCHES)
def test_a_match_is_said_in_the_words_of_the_release(
    tmp_path: Path, release: str, match: str, element: str, code: str
) -> None:
    tables = overlay(tmp_path, f"all well,NCIT:C4870,Complete Remission,{match},,,,\n")
    found = mappings(exported("conceptmap", release, "outcomes", tables=tables), element)
    system = tables.systems["NCIT"].uri
    assert ("all well", system, "C4870", code) in found


def test_a_synonym_is_mapped_like_its_term(tmp_path: Path) -> None:
    rows = "all well,NCIT:C4870,Complete Remission,exact,,,,\nall  fine,,,,,all well,,\n"
    tables = overlay(tmp_path, rows)
    found = mappings(exported("conceptmap", "R4", "outcomes", tables=tables), "equivalence")
    assert {m[1:] for m in found if m[0] == "all fine"} == {
        m[1:] for m in found if m[0] == "all well"
    }


def test_a_match_that_no_table_says_is_an_error(tmp_path: Path) -> None:
    tables = overlay(tmp_path, "all well,NCIT:C4870,Complete Remission,narrow,,,,\n")
    with pytest.raises(TableError, match="no row says the match 'narrow' in R4"):
        exported("conceptmap", "R4", "outcomes", tables=tables)


def test_a_table_of_the_user_says_a_match_otherwise(tmp_path: Path) -> None:
    tables = overlay(tmp_path, "all well,NCIT:C4870,Complete Remission,close,,,,\n")
    (tmp_path / "export").mkdir()
    said = "match,releases,element,code,predicate,note\nclose,R4,equivalence,inexact,skos:x,\n"
    (tmp_path / "export" / "matches.csv").write_text(said, encoding="utf-8")
    tables = Tables.of([tmp_path])
    found = mappings(exported("conceptmap", "R4", "outcomes", tables=tables), "equivalence")
    assert "inexact" in {m[3] for m in found if m[0] == "all well"}


TRANSLATIONS = [
    # vocabulary, words, code, match
    ("outcomes", "complete remission", "C4870", "exact"),
    ("units", "mg/dL", "mg/dL", "exact"),
    ("units", "%", "%", "exact"),
    ("labs", "creatinine", "2160-0", "close"),
    ("disease-status", "leukemia", "97509-4", "broad"),
]


@pytest.mark.parametrize("release", RELEASES)
def test_a_real_server_takes_the_maps_and_translates(
    hapi: Callable[[str], str], release: str
) -> None:
    names = dict.fromkeys(name for name, *_ in TRANSLATIONS)
    base, headers = hapi(release), {"Accept": FHIR, "Content-Type": FHIR}
    bundle = exported("conceptmap", release, *names)
    done = requests.post(base, json=bundle, headers=headers, timeout=300)
    assert done.ok, done.text
    said = {match: code for name, match, _, code in MATCHES if name == "R4"}  # HAPI of R5 too
    for name, words, code, match in TRANSLATIONS:
        source = f"urn:fhirconv:codes:{name}"
        asked = {"url": source, "system": source, "code": words}
        url = f"{base}/ConceptMap/$translate"
        answer = requests.get(url, params=asked, headers=headers, timeout=300).json()
        found = [
            {part["name"]: next(v for k, v in part.items() if k != "name") for part in p["part"]}
            for p in answer["parameter"]
            if p["name"] == "match"
        ]
        codes = [(m["concept"]["code"], m["equivalence"]) for m in found]
        assert (code, said[match]) in codes, (words, answer)


# --- SSSOM ----------------------------------------------------------------------------------


def test_a_row_of_sssom_says_words_predicate_code_and_why() -> None:
    text = exported("sssom", "R4", "units")
    rows = list(csv.DictReader(text.splitlines()[6:], delimiter="\t"))
    assert text.startswith('#curie_map:\n#  UCUM: "http://unitsofmeasure.org/"\n')
    [percent] = [row for row in rows if row["subject_label"] == "%"]
    assert percent == {
        "subject_label": "%",
        "subject_type": "rdfs literal",
        "predicate_id": "skos:exactMatch",
        "object_id": "UCUM:%25",
        "object_label": "percent",
        "mapping_justification": "semapv:ManualMappingCuration",
        "subject_source": "urn:fhirconv:codes:units",
        "comment": "",
    }


def test_a_code_that_carries_its_prefix_is_a_curie_as_it_is() -> None:
    text = exported("sssom", "R4", "conditions")
    assert "\tHP:0002099\t" in text
    assert "HP:HP:" not in text


@pytest.mark.parametrize("names", [("outcomes", "units", "severities"), ("labs", "event-status")])
def test_sssom_validate_accepts_the_mapping_set(tmp_path: Path, names: tuple[str, ...]) -> None:
    if not SSSOM:
        pytest.skip("the program sssom is not on the path, nor named by FHIRCONV_SSSOM")
    path = tmp_path / "tables.sssom.tsv"
    path.write_bytes(export(built_in(), "sssom", "R4", names))
    run = [SSSOM, "validate", str(path)]
    done = subprocess.run(run, capture_output=True, text=True, check=False, encoding="utf-8")
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "not well-formed" not in said
    assert "rror" not in said


# --- the page -------------------------------------------------------------------------------


def test_the_page_tells_terms_synonyms_and_codes(tmp_path: Path) -> None:
    rows = "all|well,NCIT:C4870,Complete Remission,broad,,,,\nall fine,,,,,all|well,,\n"
    page = exported("markdown", "R4", "outcomes", tables=overlay(tmp_path, rows))
    assert "\n| all\\|well | all fine | `NCIT` C4870 Complete Remission (broad) |\n" in page
    assert page.startswith("# The mapping tables, for FHIR R4\n")


def test_the_page_of_all_tells_which_field_goes_where() -> None:
    page = exported("markdown", "R5")
    assert "\n## MedicationAdministration\n" in page
    assert "| `medication.concept.coding[]` | `label` by medications, products |" in page
    assert "medicationCodeableConcept" not in page  # an element of the other release


def test_every_table_of_the_page_has_rows_of_one_length() -> None:
    width = 0
    for line in exported("markdown", "R4").splitlines():
        cells = line.replace("\\|", "").count("|")
        assert not line.startswith("|") or not width or cells == width, line
        width = cells if line.startswith("|") else 0


# --- the command ----------------------------------------------------------------------------


def test_the_command_offers_the_exporters() -> None:
    assert tuple(EXPORTERS) == FORMATS


def test_one_vocabulary_is_one_concept_map_on_standard_output() -> None:
    done = call("--format", "conceptmap", "--vocabulary", "outcomes")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["resourceType"] == "ConceptMap"


def test_a_folder_gets_one_file_a_vocabulary(tmp_path: Path) -> None:
    done = call("--format", "sssom", "--vocabulary", "units", "-o", f"{tmp_path}/made/")
    assert (done.exit_code, done.output) == (0, "")
    assert [p.name for p in (tmp_path / "made").iterdir()] == ["units.sssom.tsv"]


def test_a_vocabulary_without_a_code_gives_no_concept_map() -> None:
    assert "phrases" not in WITH_CODES
    assert exported("conceptmap", "R4", "phrases")["entry"] == []


def test_a_folder_gets_the_vocabularies_that_have_a_code(tmp_path: Path) -> None:
    assert call("--format", "markdown", "-o", tmp_path).exit_code == 0
    assert sorted(path.stem for path in tmp_path.iterdir()) == WITH_CODES


def test_the_same_tables_give_the_same_bytes() -> None:
    for form in FORMATS:
        assert export(built_in(), form, "R4", ["labs"]) == export(Tables(), form, "R4", ["labs"])


def test_what_is_not_known_is_wrong_usage() -> None:
    done = call("--format", "sssom", "--vocabulary", "condition")
    assert done.exit_code == 2
    assert "no vocabulary is called 'condition' (known: " in done.stderr
    with pytest.raises(UsageError, match="no form of the tables is called 'owl'"):
        export(built_in(), "owl", "R4")
