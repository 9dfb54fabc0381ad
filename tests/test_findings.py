"""How the validator speaks: lines and columns, the forms of its findings, files of every kind."""

import gzip
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree as Xml

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from fhirconv.cli import main
from fhirconv.files import Input
from fhirconv.findings import found
from fhirconv.findings.positions import locate, steps
from fhirconv.findings.sarif import uri_of
from fhirconv.inspection import batches
from fhirconv.outcome import Issue
from fhirconv.validate import validate
from tests.stub_server import Reply, StubServer, outcome

PATIENT = """{
  "resourceType": "Patient",
  "id": "a",
  "gender": "woman",
  "name": [
    {"given": ["A", null], "_given": [null, {"extension": [{"url": "u"}]}]},
    {"family": "\\u00dcber \\"x\\""}
  ],
  "_birthDate": {"extension": []},
  "multipleBirthInteger": 3
}"""

PLACES = [
    # FHIRPath, line, column, what stands there
    ("Patient", 1, 1, ""),
    ("Patient.gender", 4, 3, '"woman"'),
    ("Patient.name", 5, 3, ""),
    ("Patient.name[0]", 6, 5, ""),
    ("Patient.name[0].given[0]", 6, 16, '"A"'),
    ("Patient.name[0].given[1].extension[0].url", 6, 61, ""),
    ("Patient.name[1].family", 7, 6, '"Über \\"x\\""'),
    ("Patient.birthDate.extension", 9, 18, ""),
    ("Patient.multipleBirth.ofType(integer)", 10, 3, "3"),
    ("Patient.name[1].given", 7, 5, ""),  # not there: what is above it
    ("Patient.contact[3].name", 1, 1, ""),
]


@pytest.mark.parametrize(("where", "line", "column", "value"), PLACES)
def test_an_issue_has_the_line_and_column_of_its_place(where, line, column, value):
    (finding,) = found(json.loads(PATIENT), PATIENT, [Issue("error", "value", "x", where)])
    assert (finding.issue.line, finding.issue.column) == (line, column)
    assert finding.issue.value == value
    assert finding.resource == "Patient/a"


def test_an_issue_of_a_bundle_names_the_resource_of_its_entry():
    inner = {"resourceType": "Condition", "id": "b", "contained": [{"resourceType": "Group"}]}
    bundle = {"resourceType": "Bundle", "entry": [{"resource": inner}]}
    wheres = ["Bundle.type", "Bundle.entry[0].resource.code", "Bundle.entry[0].fullUrl"]
    wheres.append("Bundle.entry[0].resource.contained[0].type")
    issues = [Issue("error", "value", "x", where) for where in wheres]
    owners = [f.resource for f in found(bundle, json.dumps(bundle), issues)]
    assert owners == ["Bundle", "Condition/b", "Bundle", "Group"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[tuple[Any, ...], Any]]:
    items = value.items() if isinstance(value, dict) else ()
    items = enumerate(value) if isinstance(value, list) else items
    return [(at, value), *(p for key, child in items for p in paths(child, (*at, key)))]


@given(JSON, st.sampled_from([None, 1]))
def test_every_value_stands_where_it_is_found(document, indent):
    text = json.dumps(document, indent=indent)
    listed = paths(document)
    spots = locate(text, [path for path, _ in listed])
    for path, value in listed:
        rest = text[spots[path].offset :]
        if path and isinstance(path[-1], str):
            assert rest.startswith(json.dumps(path[-1]) + ":")
        else:
            assert json.JSONDecoder().raw_decode(rest)[0] == value
        line = text.splitlines()[spots[path].line - 1]
        assert line[spots[path].column - 1 :] == rest.split("\n", maxsplit=1)[0]


@given(st.text(alphabet='{}[],:" \\a1\n', max_size=60))
def test_what_is_no_json_has_places_too(text):
    assert locate(text, [("a", 0), ()])[()].line >= 1


def test_a_choice_is_the_name_that_json_has():
    assert steps("Observation.value.ofType(Quantity).unit") == ("valueQuantity", "unit")
    assert steps("Bundle.entry[2].resource") == ("entry", 2, "resource")
    assert steps("Bundle") == steps("$this") == steps("") == ()


# --- the command --------------------------------------------------------------------------------


def call(*arguments: object, data: bytes | None = None, **variables: str) -> Result:
    return CliRunner(env=variables).invoke(main, [str(a) for a in arguments], input=data)


def resource(number: int, **more: object) -> dict[str, Any]:
    text = {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">A</div>'}
    return {"resourceType": "Patient", "id": f"p{number}", "text": text, **more}


def lined(*resources: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in resources)


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    """A file of one resource with one error."""
    path = tmp_path / "a b.json"
    path.write_text(json.dumps(resource(1, gender="woman"), indent=1), encoding="utf-8")
    return path


@pytest.fixture
def unsure(tmp_path: Path) -> Path:
    """A file of one resource with one warning."""
    path = tmp_path / "unsure.json"
    path.write_text(json.dumps({"resourceType": "Patient", "id": "p"}), encoding="utf-8")
    return path


def test_all_types_of_resources_are_checked_alone(bad):
    result = call("validate", bad)
    assert result.stdout.splitlines()[0] == f"{bad} (Patient/p1, FHIR R4)"
    assert result.stderr.strip() == "1 resource: 1 error, 0 warnings"
    assert result.exit_code == 1


@pytest.mark.parametrize(("threshold", "code"), [("error", 0), ("warning", 1), ("information", 1)])
def test_a_warning_fails_where_that_is_asked_for(threshold, code, unsure):
    assert call("validate", unsure, "--fail-on", threshold).exit_code == code


def test_findings_are_written_to_a_file_and_not_said(bad, tmp_path):
    for form in ("text", "json", "sarif", "junit"):
        path = tmp_path / f"out.{form}"
        result = call("validate", bad, "--format", form, "-o", path)
        assert result.stdout == ""
        assert b"woman" in path.read_bytes()
        assert result.exit_code == 1


def test_the_output_is_no_input(bad):
    result = call("validate", bad, "-o", bad)
    assert result.exit_code == 2
    assert "is one of the inputs" in result.stderr


def test_colours_are_for_terminals_and_never_alone(bad, monkeypatch):
    from fhirconv.cli import validate_text

    monkeypatch.setattr(validate_text.sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert validate_text.in_colour()
    monkeypatch.setenv("NO_COLOR", "1")
    assert not validate_text.in_colour()
    assert "\x1b" not in call("validate", bad).output


def test_an_outcome_is_a_good_resource_itself(bad, unsure):
    result = call("validate", bad, unsure, "--format", "json")
    made = json.loads(result.stdout)
    first = made["issue"][0]
    assert first["severity"] == "error"
    assert first["code"] == "code-invalid"
    assert first["expression"] == ["Patient.gender"]
    assert first["details"]["text"].startswith("gender: 'woman' is ")
    assert 'a b.json:8:2, Patient/p1; found "woman"' in first["diagnostics"]
    assert [e["valueInteger"] for e in first["extension"] if "valueInteger" in e] == [8]
    assert {i.severity for i in validate(made, "R4")} <= {"warning"}  # no narrative


def test_no_issue_is_an_outcome_that_says_so(tmp_path):
    path = tmp_path / "good.json"
    path.write_text(json.dumps(resource(1)), encoding="utf-8")
    result = call("validate", path, "--format", "json")
    assert json.loads(result.stdout)["issue"][0]["severity"] == "information"
    assert result.exit_code == 0


LEVELS = {"none", "note", "warning", "error"}


def check_sarif(log: dict[str, Any]) -> None:
    """Hold a log against the rules of the SARIF schema that its parts fall under."""
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert len(set(rules)) == len(rules)
    assert run["columnKind"] in ("utf16CodeUnits", "unicodeCodePoints")
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        assert result["level"] in LEVELS
        assert result["message"]["text"]
        for location in result["locations"]:
            physical = location["physicalLocation"]
            assert " " not in physical["artifactLocation"]["uri"]
            assert all(number >= 1 for number in physical.get("region", {}).values())


def test_sarif_has_a_result_a_finding_with_file_and_line(bad, unsure):
    log = json.loads(call("validate", bad, unsure, "--format", "sarif").stdout)
    check_sarif(log)
    (error, warning) = log["runs"][0]["results"]
    assert (error["level"], warning["level"]) == ("error", "warning")
    physical = error["locations"][0]["physicalLocation"]
    assert physical["artifactLocation"]["uri"].endswith("/a%20b.json")
    assert physical["region"] == {"startLine": 8, "startColumn": 2}
    (logical,) = error["locations"][0]["logicalLocations"]
    assert logical["fullyQualifiedName"] == "Patient.gender"


def test_sarif_of_nothing_is_a_log_too(tmp_path):
    path = tmp_path / "good.json"
    path.write_text(json.dumps(resource(1)), encoding="utf-8")
    log = json.loads(call("validate", path, "--format", "sarif").stdout)
    check_sarif(log)
    assert log["runs"][0]["results"] == []


@pytest.mark.parametrize(
    ("file", "uri"),
    [
        ("a b/ü.json", "a%20b/%C3%BC.json"),
        ("C:\\x\\y.json", "/C%3A/x/y.json"),
        ("a.json", "a.json"),
    ],
)
def test_a_file_is_a_uri(file, uri):
    assert uri_of(file) == uri
    assert not urlsplit(uri_of(file)).scheme


def test_junit_has_a_case_a_document_and_fails_by_the_threshold(bad, unsure):
    root = Xml.fromstring(call("validate", bad, unsure, "--format", "junit").stdout)
    assert (root.tag, root.get("tests"), root.get("failures")) == ("testsuites", "2", "1")
    cases = root.findall("testsuite/testcase")
    assert [case.get("name") for case in cases] == ["Patient/p1", "Patient/p"]
    assert "8:2: error: gender: 'woman' is " in cases[0].findtext("failure", "")
    assert "warning" in cases[1].findtext("system-out", "")
    strict = call("validate", bad, unsure, "--format", "junit", "--fail-on", "warning")
    assert Xml.fromstring(strict.stdout).get("failures") == "2"


@pytest.mark.parametrize("form", ["text", "json", "sarif", "junit"])
def test_odd_letters_of_an_input_do_no_harm(form, tmp_path):
    path = tmp_path / "odd.json"
    path.write_text('{"resourceType": "Patient", "gender": "\\u0000\\ud800\\u001b[31m"}')
    result = call("validate", path, "--format", form)
    assert result.exit_code == 1, result.output
    assert "\x1b" not in result.stdout
    assert "\x00" not in result.stdout


# --- files --------------------------------------------------------------------------------------


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


TWO = lined(resource(1), resource(2))
KINDS: list[tuple[str, bytes, list[int]]] = [
    ("a.json", json.dumps(resource(1), indent=1).encode(), [0]),
    ("a.json", lined(resource(1)), [0]),
    ("a.json", b"\n\n" + lined(resource(1)), [0]),
    ("a.json", TWO, [1, 2]),
    ("a.ndjson", TWO, [1, 2]),
    ("a.ndjson", lined(resource(1)), [1]),
    ("a.ndjson", b"\n" + TWO + b"\n \n", [2, 3]),
    ("a.ndjson", b"{\n" + TWO, [1, 2, 3]),
    ("a.ndjson.gz", TWO, [1, 2]),
    ("a.json.gz", json.dumps(resource(1), indent=1).encode(), [0]),
    ("a.json", b"", [0]),
    ("a.ndjson", b"", []),
    ("a.json", b'{"a": 1}\n}', [1, 2]),
]


@pytest.mark.parametrize(("name", "data", "lines"), KINDS)
def test_the_documents_of_a_file_are_told_by_their_lines(name, data, lines, tmp_path):
    path = written(tmp_path / name, data)
    listed = [line for batch in batches(Input(path), 10_000) for line in batch.lines]
    assert [line.number for line in listed if not line.problem] == lines


def test_a_broken_line_is_told_and_the_others_are_checked(tmp_path):
    data = lined(resource(1, gender="x")) + b'{"a": \n' + lined(resource(2, gender="y"))
    path = written(tmp_path / "a.ndjson", data)
    result = call("validate", path, "--format", "json")
    lines = [i["diagnostics"].partition(";")[0] for i in json.loads(result.stdout)["issue"]]
    assert [line.split("ndjson:")[1].split(":")[0] for line in lines] == ["1", "2", "3"]


def test_the_place_of_a_line_counts_from_the_top_of_the_file(tmp_path):
    path = written(tmp_path / "a.ndjson", lined(resource(1), resource(2, gender="x")))
    (_, line) = call("validate", "-q", path).stdout.splitlines()
    assert line.startswith("    error: 2:")


@pytest.mark.parametrize("name", ["a.json", "a.ndjson", "a.json.gz"])
def test_a_document_over_the_limit_is_one_issue(name, tmp_path):
    path = written(tmp_path / name, lined(resource(1, gender="x" * 3000)))
    result = call("validate", path, "--max-size", "2k")
    assert "the file is larger" in result.stdout or "line is longer" in result.stdout
    assert "er than 2000 bytes (--max-size)" in result.stdout
    assert result.exit_code == 1


def test_a_bomb_of_gzip_is_read_to_the_limit_only(tmp_path):
    path = written(tmp_path / "a.json.gz", b" " * 5_000_000)
    result = call("validate", path, "--max-size", "10k")
    assert "the file is larger than 10000 bytes" in result.stdout


def test_a_broken_gzip_is_one_issue(tmp_path):
    path = tmp_path / "a.ndjson.gz"
    path.write_bytes(gzip.compress(TWO)[:-12])
    assert "the gzip file is cut short" in call("validate", path).stdout


@pytest.mark.parametrize("form", ["text", "json", "junit"])
def test_several_cores_say_what_one_says_in_the_same_order(form, tmp_path):
    many = [resource(number, gender="x" if number % 97 == 0 else "male") for number in range(900)]
    written(tmp_path / "b.ndjson.gz", lined(*many))
    written(tmp_path / "a.json", lined(resource(0, gender="z")))
    one, two = (call("validate", tmp_path, "--format", form, "--jobs", n) for n in (1, 2))
    assert one.stdout == two.stdout
    assert all(f"Patient/p{number}" in one.stdout for number in range(0, 900, 97))
    assert one.stderr == two.stderr


def test_a_definition_says_its_release_itself(tmp_path):
    content = {"resourceType": "CapabilityStatement", "fhirVersion": "5.0.0"}
    path = written(tmp_path / "a.json", lined(content))
    assert "FHIR R5)" in call("validate", path).stdout


def test_a_resource_alone_shows_its_release(tmp_path):
    content = {"resourceType": "AdverseEvent", "code": {"text": "fever"}}
    path = written(tmp_path / "a.json", lined(content))
    assert "FHIR R5)" in call("validate", path).stdout


# --- a server -----------------------------------------------------------------------------------

SAID = outcome(
    {
        "severity": "error",
        "code": "processing",
        "diagnostics": "No such gender",
        "expression": ["Patient.gender"],
    },
    {"severity": "information", "code": "informational", "diagnostics": "All else is fine"},
)


def test_a_server_is_asked_too_and_both_are_shown(bad):
    with StubServer(posts=[Reply(body=SAID)]) as server:
        result = call("validate", bad, "--server", server.url)
    (asked,) = server.asked("POST")
    assert asked.path == "/fhir/Patient/$validate"
    assert json.loads(asked.body)["gender"] == "woman"
    assert f"{server.url}: No such gender [Patient.gender]" in result.stdout
    row = next(line for line in result.stdout.splitlines() if line.startswith("│ Patient.gender"))
    assert row.index("'woman'") < row.index("No such")
    assert "All else" not in result.stdout
    assert result.stderr.strip() == "1 resource: 2 errors, 0 warnings"


def test_the_credentials_go_with_it(bad, monkeypatch):
    monkeypatch.setenv("FHIRCONV_TOKEN", "secret")
    with StubServer(posts=[Reply(body=outcome())]) as server:
        result = call("validate", bad, "--server", server.url, "--format", "json")
    assert server.asked("POST")[0].headers["authorization"] == "Bearer secret"
    assert "secret" not in result.output


def test_a_server_that_is_away_is_an_error(bad):
    with StubServer() as server:
        url = server.url
    result = call("validate", bad, "--server", url)
    assert "no server answers there" in result.stderr
    assert result.exit_code == 1
