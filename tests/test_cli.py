"""The commands, as a user meets them: what they print, where they write, how they end."""

import itertools
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from click.testing import CliRunner, Result

from fhirconv import files
from fhirconv.bundle import KINDS
from fhirconv.cli import main
from fhirconv.cli.convert import KINDS as OFFERED_KINDS
from fhirconv.tables import built_in
from tests.stub_server import Reply, StubServer

FINE, ERRORS, WRONG_USAGE = 0, 1, 2
REPORT = (
    "A 61-year-old woman with multiple myeloma received bortezomib. "
    "She developed peripheral neuropathy after bortezomib.\n"
)
OTHER = "A 9-year-old boy with acute lymphoblastic leukemia received vincristine.\n"
posix = pytest.mark.skipif(os.name != "posix", reason="devices and signals of POSIX")


def call(*arguments: object, input: bytes | None = None, **environment: str) -> Result:
    """Run a command in this process; SOURCE_DATE_EPOCH is unset unless given."""
    known = {"SOURCE_DATE_EPOCH": None} | environment
    return CliRunner().invoke(main, [str(a) for a in arguments], input=input, env=known)


def shell(*arguments: object, **options) -> subprocess.CompletedProcess[bytes]:
    """Run a command in a process of its own."""
    command = [sys.executable, "-m", "fhirconv", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, check=False, **options)


@pytest.fixture
def report(tmp_path: Path) -> Path:
    path = tmp_path / "case.txt"
    path.write_text(REPORT, encoding="utf-8", newline="\n")
    return path


@pytest.fixture
def facts(report: Path) -> Path:
    """The facts document of the report, in a folder of its own."""
    path = report.parent / "facts" / "case.facts.json"
    path.parent.mkdir()
    assert call("extract", report, "-o", path).exit_code == FINE
    return path


@pytest.fixture
def bundle(report: Path) -> Path:
    path = report.parent / "made.bundle.json"
    assert call("convert", "-q", report, "-o", path).exit_code == FINE
    return path


def errors(result: Result) -> list[str]:
    """Return the lines of standard error, none of which is of a traceback."""
    assert "Traceback" not in result.stderr
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.stderr.splitlines()


# --- extract and convert: where the output goes --------------------------------------------


@pytest.mark.parametrize("verb", ["extract", "convert"])
def test_standard_output_and_an_output_file_get_the_same_bytes(verb, report):
    out = report.parent / "out.json"
    printed = call(verb, report)
    assert printed.exit_code == FINE
    assert call(verb, report, "-o", out).exit_code == FINE
    assert out.read_bytes() == printed.stdout_bytes
    assert printed.stdout_bytes.endswith(b"}\n")
    assert b"\r" not in printed.stdout_bytes


def test_a_report_and_its_facts_document_make_the_same_bytes(report, facts):
    assert call("convert", facts).stdout_bytes == call("convert", report).stdout_bytes


def test_a_facts_document_is_told_by_its_content_and_not_by_its_name(facts, tmp_path):
    renamed = tmp_path / "renamed.txt"
    renamed.write_bytes(facts.read_bytes())
    assert call("convert", renamed).stdout_bytes == call("convert", facts).stdout_bytes


def test_a_facts_document_extracted_again_stays_as_it_is_to_the_last_digit(facts):
    written = facts.read_bytes().replace(b'"confidence": 1.0', b'"confidence": 0.90')
    facts.write_bytes(written)
    assert call("extract", facts).stdout_bytes == written


@pytest.mark.parametrize("verb", ["extract", "convert"])
def test_standard_input_is_read_where_the_input_is_a_dash(verb):
    result = call(verb, "-", input=REPORT.encode())
    assert result.exit_code == FINE
    assert json.loads(result.stdout)


def test_one_input_goes_into_an_output_that_is_a_folder(report):
    assert call("convert", report, "-o", f"{report.parent}/new/").exit_code == FINE
    assert (report.parent / "new" / "case.bundle.json").is_file()


def test_several_inputs_and_a_folder_go_into_a_folder_by_their_names(report, facts):
    reports = report.parent / "reports" / "deep"
    reports.mkdir(parents=True)
    (reports / "other.txt").write_text(OTHER, encoding="utf-8")
    out = report.parent / "out"
    result = call("convert", report, reports.parent, "-o", out)
    assert result.exit_code == FINE, result.stderr
    assert sorted(p.name for p in out.iterdir()) == ["case.bundle.json", "other.bundle.json"]


def test_extract_of_a_folder_gives_the_facts_and_passes_over_what_it_wrote_before(report):
    folder = report.parent
    for _ in range(2):
        assert call("extract", folder, "-o", folder).exit_code == FINE
    assert sorted(p.name for p in folder.iterdir()) == ["case.facts.json", "case.txt"]


def test_convert_of_a_folder_passes_over_bundles(report, bundle):
    result = call("convert", report.parent, "-o", report.parent)
    assert result.exit_code == FINE
    names = sorted(p.name for p in report.parent.iterdir())
    assert names == ["case.bundle.json", "case.txt", "made.bundle.json"]


def two_patients(facts: Path) -> Path:
    """Return a facts document of two patients, each with the same facts."""
    document = json.loads(facts.read_text(encoding="utf-8"))
    first = document["patients"][0]
    document["patients"].append(first | {"id": f"{first['id']}-2"})
    path = facts.parent / "two.facts.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_several_patients_give_one_bundle_each(facts):
    out = facts.parent / "out"
    path = two_patients(facts)
    result = call("convert", path, "-o", f"{out}/")
    assert result.exit_code == FINE, result.stderr
    assert sorted(p.name for p in out.iterdir()) == ["two.p1.bundle.json", "two.p2.bundle.json"]
    lines = call("convert", path).stdout_bytes.splitlines()
    assert [json.loads(line)["resourceType"] for line in lines] == ["Bundle", "Bundle"]
    assert json.loads(lines[0]) == json.loads((out / "two.p1.bundle.json").read_bytes())


def test_several_patients_in_one_output_file_stand_one_a_line_as_on_standard_output(facts):
    path, out = two_patients(facts), facts.parent / "both.ndjson"
    assert call("convert", path, "-o", out).exit_code == FINE
    assert out.read_bytes() == call("convert", path).stdout_bytes


USAGE = [
    # what is wrong, arguments, the sentence
    ("no input", ["convert"], "Missing argument 'INPUT...'"),
    ("an unknown command", ["conver"], "No such command 'conver'"),
    ("an unknown option", ["convert", "case.txt", "--realease", "x"], "No such option"),
    ("an unknown release", ["convert", "case.txt", "--release", "X9"], "'X9' (known: "),
    ("an unknown bundle", ["convert", "case.txt", "--bundle", "batch"], "'batch' is not one of"),
    ("an unknown format", ["validate", "case.txt", "--format", "xml"], "'xml' is not one of"),
    ("no server", ["push", "case.txt"], "give --server or set FHIRCONV_SERVER"),
    ("two inputs, no folder", ["convert", "case.txt", "b.txt"], "need an output folder: -o FOLDER"),
    ("a folder, no folder", ["extract", "."], "need an output folder: -o FOLDER"),
    ("equal names", ["convert", "case.txt", "x/case.html", "-o", "out"], "'case.bundle.json'"),
    ("a dash twice", ["convert", "-", "-", "-o", "out"], "can be read only once"),
    ("an input as output", ["convert", "case.txt", "-o", "case.txt"], "is one of the inputs"),
    ("a file for a folder", ["convert", "case.txt", "b", "-o", "case.txt"], "a folder is needed"),
    ("no size", ["convert", "case.txt", "--max-size", "big"], "'big' is no size such as 20MB"),
    ("no time", ["convert", "case.txt", "--timestamp", "today"], "'today' is no time with a zone"),
    ("no zone", ["extract", "case.txt", "--timestamp", "2024-01-01T00:00:00"], "no time with"),
    ("no day", ["extract", "case.txt", "--timestamp", "2023-02-29T00:00:00Z"], "no time with"),
    ("no such tables", ["convert", "case.txt", "--mappings", "no"], "no folder of mapping tables"),
    ("no tables in it", ["convert", "case.txt", "--mappings", "empty"], "holds no table"),
    ("an outcome over it", ["convert", "case.txt", "-o", "b", "--report", "b"], "over a bundle"),
    ("an outcome over input", ["convert", "case.txt", "--report", "case.txt"], "one of the inputs"),
    ("a folder to explain", ["explain", "."], "one report is explained at a time"),
    ("a document without time", ["convert", "case.txt", "--bundle", "document"], "needs a time"),
    (
        "no server's address",
        ["push", "case.txt", "--server", "localhost"],
        "'localhost' is no addr",
    ),
]


@pytest.mark.parametrize(
    ("arguments", "sentence"), [case[1:] for case in USAGE], ids=[c[0] for c in USAGE]
)
def test_wrong_usage_is_told_and_ends_with_2_and_nothing_is_written(
    arguments, sentence, report, monkeypatch
):
    (report.parent / "empty").mkdir()
    monkeypatch.chdir(report.parent)
    before = sorted(report.parent.rglob("*"))
    result = call(*arguments)
    assert sentence in " ".join(errors(result))
    assert result.exit_code == WRONG_USAGE
    assert result.stdout_bytes == b""
    assert sorted(report.parent.rglob("*")) == before


def test_an_unknown_release_names_the_known_ones(report):
    known = ", ".join(built_in().releases)
    assert f"'X9' (known: {known})" in call("convert", report, "--release", "X9").stderr


def test_a_release_may_be_written_in_small_letters(report):
    for release in built_in().releases:
        small = call("convert", report, "--release", release.lower())
        assert small.exit_code == FINE
        assert small.stdout_bytes == call("convert", report, "--release", release).stdout_bytes


def test_the_kinds_of_bundle_offered_are_those_that_can_be_made(report):
    assert (*KINDS, "ndjson") == OFFERED_KINDS  # the last by resource type, in tests/test_bulk.py
    for kind in KINDS:
        result = call("convert", report, "--bundle", kind, "--timestamp", "2024-01-01T00:00:00Z")
        assert json.loads(result.stdout)["type"] == kind


# --- bad input -----------------------------------------------------------------------------

FACTS_OF = {"schemaVersion": "1.0"}
BAD = [
    # what, its bytes (None: no file), the sentence
    ("missing", None, "the file cannot be read: no such file or directory"),
    ("empty", b"", "empty"),
    ("blank", b" \n\t\n", "the file holds only white space"),
    ("binary", b"\x7fELF\x02\x01\x01\0\0\0\0" + bytes(range(256)) * 8, ""),
    ("a picture", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0", ""),
    ("a PDF", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n", "PDF"),
    ("truncated JSON", b'{"schemaVersion": "1.0", "facts": [', "breaks off"),
    ("broken JSON", b'{"schemaVersion": 1,,}', "this is no JSON"),
    ("JSON with a key twice", b'{"a": 1, "a": 2}', "the key 'a' stands twice"),
    ("JSON of something else", b'{"resourceType": "Bundle"}', "schemaVersion is missing"),
    ("an old schema", b'{"schemaVersion": "0.9"}', "older than 1.0"),
    ("a schema to come", b'{"schemaVersion": "7.0"}', "is not known here (known: 1.0)"),
    ("facts without facts", b'{"schemaVersion": "1.0"}', "is a required property"),
    ("deep JSON", b'{"a":' * 200_000, "nested too deeply"),
    (
        "an XML bomb",
        b"<?xml version='1.0'?><!DOCTYPE article [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b "
        b"'&a;&a;&a;&a;&a;&a;&a;&a;'>]><article><body><p>&b;</p></body></article>",
        "",
    ),
]


@pytest.mark.parametrize("verb", ["extract", "convert", "explain"])
@pytest.mark.parametrize(("data", "sentence"), [case[1:] for case in BAD], ids=[c[0] for c in BAD])
def test_bad_input_is_one_sentence_with_the_file_and_ends_with_1(verb, data, sentence, tmp_path):
    path = tmp_path / "bad.txt"
    if data is not None:
        path.write_bytes(data)
    result = call(verb, path)
    lines = errors(result)
    assert len(lines) == 1, lines
    assert sentence in lines[0]
    assert "bad.txt" in lines[0]
    assert result.exit_code == ERRORS
    assert result.stdout_bytes == b""


def test_an_input_over_the_limit_is_not_read(report):
    result = call("convert", report, "--max-size", "100")
    assert errors(result) == [f"{report}: error: the file is larger than 100 bytes (--max-size)"]
    assert result.exit_code == ERRORS


def test_a_folder_with_nothing_in_it_is_an_error(tmp_path):
    result = call("convert", tmp_path, "-o", tmp_path / "out")
    assert errors(result) == [f"Error: the folder holds nothing to work on [{tmp_path}]"]
    assert result.exit_code == ERRORS
    assert not (tmp_path / "out").exists()


def changed(facts: Path, change) -> Path:
    document = json.loads(facts.read_text(encoding="utf-8"))
    change(document)
    facts.write_text(json.dumps(document), encoding="utf-8")
    return facts


def test_a_fact_that_breaks_the_schema_is_named_with_its_field(facts):
    def change(document):
        document["facts"][0]["assertion"]["polarity"] = "maybe"

    name = json.loads(facts.read_text(encoding="utf-8"))["facts"][0]["id"]
    [line] = errors(call("convert", changed(facts, change)))
    assert line.startswith(f"{facts}: error: 'maybe' is not one of present, absent")
    assert f"facts[{name}].assertion.polarity" in line


def test_a_quote_that_does_not_stand_in_the_report_is_named_with_its_fact(report, facts):
    def change(document):
        words = document["facts"][0]["evidence"][0]
        words["text"] = "x" * len(words["text"])

    beside = report.parent / "beside.facts.json"
    beside.write_bytes(facts.read_bytes())
    name = json.loads(facts.read_text(encoding="utf-8"))["facts"][0]["id"]
    [line] = errors(call("convert", changed(beside, change)))
    assert "the report does not say 'xxxxx" in line
    assert f"facts[{name}].evidence" in line


def test_one_bad_file_is_told_and_the_others_are_written(report, tmp_path):
    bad = tmp_path / "bad.json"
    bad.write_bytes(b'{"schemaVersion": "1.0"')
    other = tmp_path / "other.txt"
    other.write_text(OTHER, encoding="utf-8")
    out = tmp_path / "out"
    result = call("convert", "-q", report, bad, other, "-o", out)
    assert [line.partition(": ")[0] for line in errors(result)] == [str(bad)]
    assert result.exit_code == ERRORS
    assert sorted(p.name for p in out.iterdir()) == ["case.bundle.json", "other.bundle.json"]


TYPOS = [
    # table, its text, the sentence
    ("codes/mine.csv", "term,kode\na,b\n", "codes/mine.csv:1"),
    ("codes/mine.csv", "term,code,display\na,NOPE:1,b\n", "codes/mine.csv:2"),
    ("codes/mine.csv", b"term,code\n\xff,SCT:1\n", "is not UTF-8"),
    ("resources/Condition.csv", "fact,element,typo\n", "resources/Condition.csv:1"),
]


@pytest.mark.parametrize(("name", "text", "sentence"), TYPOS)
@pytest.mark.parametrize("verb", [["convert", "-o", "out.json"], ["tables", "--check"]])
def test_a_table_with_a_typo_is_told_with_its_line(verb, name, text, sentence, report, monkeypatch):
    monkeypatch.chdir(report.parent)
    table = report.parent / "mine" / name
    table.parent.mkdir(parents=True)
    table.write_bytes(text if isinstance(text, bytes) else text.encode())
    inputs = [report] if verb[0] == "convert" else []
    result = call(*verb, *inputs, "--mappings", "mine")
    errors(result)
    assert sentence in result.output
    assert result.exit_code == ERRORS
    assert not (report.parent / "out.json").exists()


@posix
def test_an_output_that_cannot_be_written_is_one_sentence(report):
    result = call("convert", "-q", report, "-o", "/dev/full")
    assert errors(result) == [
        f"{report}: error: the output cannot be written: no space left on device [/dev/full]"
    ]
    assert result.exit_code == ERRORS
    missing = call("convert", "-q", report, "-o", report.parent / "no" / "x.json")
    assert "its folder is not there" in missing.stderr
    assert missing.exit_code == ERRORS


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full of Linux")
def test_a_full_standard_output_is_one_sentence(report):
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-m", "fhirconv", "convert", "-q", str(report)]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.stderr.decode().strip() == (
        f"{report}: error: standard output cannot be written: no space left on device"
    )
    assert done.returncode == ERRORS


@posix
def test_a_reader_that_goes_away_is_no_noise(report):
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "fhirconv", "convert", "-q", str(report)]
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert done.stderr == b""
    assert done.returncode == ERRORS


def test_an_interruption_ends_with_130_and_leaves_nothing_half_written(report, monkeypatch):
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(files.os, "fsync", interrupt)
    result = call("convert", "-q", report, "-o", report.parent / "x.json")
    assert result.exit_code == 130
    assert result.stderr == "interrupted\n"
    assert list(report.parent.iterdir()) == [report]


# --- what is said, and where ---------------------------------------------------------------


def test_the_account_of_the_facts_stands_on_standard_error_and_adds_up(report, facts):
    result = call("convert", report)
    rows = [line.strip("│┃ ").split("│") for line in result.stderr.splitlines() if "│" in line]
    counts = {name.strip(): int(number) for name, number in rows}
    total = len(json.loads(facts.read_bytes())["facts"])
    assert counts["found"] == total
    assert counts["mapped"] + counts["text only"] + counts["skipped"] == total
    assert json.loads(result.stdout)


def test_quiet_says_nothing_before_or_after_the_verb(report):
    assert call("convert", "-q", report).stderr == ""
    assert call("-q", "convert", report).stderr == ""


def test_verbose_says_what_is_done(report):
    out = report.parent / "x.json"
    lines = errors(call("convert", "-v", report, "-o", out))
    assert f"converting {report}" in lines
    assert f"wrote {out}" in lines


def test_the_report_option_writes_an_operation_outcome_with_every_fact(report, facts):
    out = report.parent / "outcome.json"
    assert call("convert", "-q", report, "--report", out).exit_code == FINE
    outcome = json.loads(out.read_bytes())
    assert outcome["resourceType"] == "OperationOutcome"
    told = {place for issue in outcome["issue"] for place in issue.get("expression", ())}
    for fact in json.loads(facts.read_bytes())["facts"]:
        assert f"facts[{fact['id']}]" in told


def test_words_of_a_report_cannot_move_the_cursor_of_a_terminal(tmp_path):
    path = tmp_path / "evil.txt"
    path.write_text(REPORT.replace("bortezomib", "bortezomib \x1b[2J\x07"), encoding="utf-8")
    for verb in ("convert", "explain"):
        result = call(verb, path)
        said = result.stderr + (result.stdout if verb == "explain" else "")
        assert "\x1b" not in said
        assert "\x07" not in said


# --- time ----------------------------------------------------------------------------------


def test_no_time_of_generation_is_written_unless_one_is_given(report):
    assert "generatedAt" not in json.loads(call("extract", report).stdout)["extraction"]


TIMES = [
    # option, SOURCE_DATE_EPOCH, what is written
    (["--timestamp", "2024-02-29T12:00:00Z"], None, "2024-02-29T12:00:00Z"),
    (["--timestamp", "2024-02-29T12:00:00.5+02:00"], "0", "2024-02-29T12:00:00.5+02:00"),
    ([], "0", "1970-01-01T00:00:00Z"),
    ([], "1709208000", "2024-02-29T12:00:00Z"),
]


@pytest.mark.parametrize(("option", "epoch", "written"), TIMES)
def test_the_time_of_generation_is_the_option_or_else_that_of_the_environment(
    option, epoch, written, report
):
    environment = {"SOURCE_DATE_EPOCH": epoch} if epoch else {}
    result = call("extract", report, *option, **environment)
    assert json.loads(result.stdout)["extraction"]["generatedAt"] == written


@pytest.mark.parametrize("epoch", ["yesterday", "-", "9" * 30, "1.5"])
def test_a_time_of_the_environment_that_is_none_is_wrong_usage(epoch, report):
    result = call("convert", report, SOURCE_DATE_EPOCH=epoch)
    assert f"SOURCE_DATE_EPOCH is '{epoch}'" in result.stderr
    assert result.exit_code == WRONG_USAGE


SIZES = [("1", 1), ("20MB", 20_000_000), ("500k", 500_000), ("2 gb", 2_000_000_000), ("1m", 10**6)]


@pytest.mark.parametrize(("text", "size"), SIZES)
def test_a_size_is_written_with_or_without_its_unit(text, size, monkeypatch):
    asked = []
    monkeypatch.setattr(files.Input, "load", lambda _item, limit: asked.append(limit) or b"")
    call("validate", "x.json", "--max-size", text)
    assert asked == [size]


@pytest.mark.parametrize("text", ["0", "-1", "1.5MB", "", "MB", "10TB"])
def test_what_is_no_size_is_wrong_usage(text):
    assert call("validate", "x.json", "--max-size", text).exit_code == WRONG_USAGE


@pytest.mark.parametrize("end", ["out.bundle.json", "out/", "out.ndjson"])
def test_a_bundle_with_an_error_is_told_and_not_written_but_for_keep_invalid(end, facts, tmp_path):
    codes = tmp_path / "mine" / "codes"
    codes.mkdir(parents=True)
    row = "term,code,display\nmale,gender:man,Man\nfemale,gender:woman,Woman\n"
    (codes / "administrative-gender.csv").write_text(row, encoding="utf-8")
    command = ["convert", facts, "--mappings", tmp_path / "mine", "-o", f"{tmp_path}/{end}"]
    result = call(*command)
    assert "a bundle has an error and is not written (--keep-invalid writes it)" in result.stderr
    assert "is no code of administrative-gender" in result.stderr
    assert result.exit_code == ERRORS
    assert [p for p in tmp_path.rglob("*.bundle.json") if p.stat().st_size] == []
    assert not (tmp_path / "out.ndjson").exists() or not (tmp_path / "out.ndjson").stat().st_size
    kept = call(*command, "--keep-invalid")
    assert kept.exit_code == ERRORS
    (written,) = [p for p in tmp_path.rglob("out*") if p.is_file()] or tmp_path.rglob("out/*.json")
    assert b'"man"' in written.read_bytes() or b'"woman"' in written.read_bytes()


# --- validate ------------------------------------------------------------------------------


def test_a_good_bundle_has_no_errors(bundle):
    result = call("validate", bundle)
    assert result.stdout == ""
    assert errors(result) == ["1 bundle: 0 errors, 0 warnings"]
    assert result.exit_code == FINE


def spoiled(bundle: Path) -> Path:
    document = json.loads(bundle.read_bytes())
    patient = next(
        n for n, e in enumerate(document["entry"]) if e["resource"]["resourceType"] == "Patient"
    )
    document["entry"][patient]["resource"]["gender"] = "woman"
    path = bundle.parent / "spoiled.bundle.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_an_issue_is_told_below_its_file_and_resource_with_line_and_place(bundle):
    path = spoiled(bundle)
    result = call("validate", path)
    file, resource, line, *table = result.stdout.splitlines()
    assert file.startswith(f"{path} (Bundle")
    assert file.endswith(", FHIR R4)")
    assert resource.startswith("  Patient/")
    assert re.match(r"    error: 1:\d+ gender: 'woman' is ", line)
    assert line.endswith(".gender]")
    assert ["error", "code-invalid", "1"] in [re.findall(r"[\w-]+", row) for row in table]
    assert errors(result) == ["1 bundle: 1 error, 0 warnings"]
    assert result.exit_code == ERRORS


def test_json_is_one_operation_outcome_over_all_files(bundle):
    result = call("validate", bundle, spoiled(bundle), "--format", "json")
    outcome = json.loads(result.stdout)
    assert outcome["resourceType"] == "OperationOutcome"
    assert [issue["severity"] for issue in outcome["issue"]] == ["error"]
    assert "spoiled.bundle.json" in outcome["issue"][0]["diagnostics"]
    assert "'woman'" in outcome["issue"][0]["details"]["text"]
    assert result.exit_code == ERRORS


def test_a_folder_is_validated_without_its_facts_and_reports(bundle, facts):
    result = call("validate", bundle.parent)
    assert errors(result) == ["1 bundle: 0 errors, 0 warnings"]


def test_bundles_one_a_line_are_validated_as_convert_prints_them(facts):
    printed = call("convert", "-q", two_patients(facts)).stdout_bytes
    result = call("validate", "-", input=printed)
    assert errors(result) == ["2 bundles: 0 errors, 0 warnings"]
    broken = printed + b'{"resourceType": \n'
    file, line, *_ = call("validate", "-", input=broken).stdout.splitlines()
    assert file == "standard input:3"
    assert line == "    fatal: 3:18 the JSON breaks off: the file is cut short"


def test_a_bundle_shows_its_release_itself(report):
    for release in built_in().releases:
        printed = call("convert", "-q", report, "--release", release).stdout_bytes
        assert call("validate", "-", input=printed).exit_code == FINE


def test_a_bundle_of_another_release_than_the_one_stated_has_errors(report):
    first, other, *_ = built_in().releases
    printed = call("convert", "-q", report, "--release", other).stdout_bytes
    assert call("validate", "-", "--release", first, input=printed).exit_code == ERRORS


NO_FHIR = [
    (b"", "the file is empty"),
    (b"[]", "a FHIR resource is a JSON object"),
    (b"{}", "resourceType is missing"),
    (b'{"schemaVersion": "1.0"}', "a facts document: convert it first"),
    (b'{"resourceType": "Bundle"', "the JSON breaks off"),
    (b"\xff\xfe{\0}\0", "the file is not UTF-8"),
    (b"A 61-year-old woman", "this is no JSON"),
    (b'<Patient xmlns="http://hl7.org/fhir"/>', "this is XML or HTML: FHIR is read as JSON"),
]


@pytest.mark.parametrize(("data", "sentence"), NO_FHIR)
def test_what_is_no_fhir_is_told_and_ends_with_1(data, sentence, tmp_path):
    path = tmp_path / "x.json"
    path.write_bytes(data)
    result = call("validate", path)
    errors(result)
    assert sentence in result.stdout
    assert result.exit_code == ERRORS


# --- push ----------------------------------------------------------------------------------


def test_push_tells_how_many_resources_were_created_and_then_that_nothing_changed(bundle):
    with StubServer() as server:
        first = call("push", bundle, "--server", server.url, "--format", "text")
        second = call("push", bundle, "--server", server.url)
    entries = str(len(json.loads(bundle.read_bytes())["entry"]))
    assert first.exit_code == FINE, first.output
    assert numbers(first) == [entries, "0", "0", "0"]
    assert numbers(second) == ["0", "0", entries, "0"]


def numbers(result: Result) -> list[str]:
    """Return the cells of the only row of the table of resources."""
    [row] = [line for line in result.stdout.splitlines() if line.startswith("│")][:1]
    return [cell.strip() for cell in row.strip("│").split("│")]


def test_push_refuses_a_bundle_of_another_release_than_the_servers(report):
    other = list(built_in().releases)[1]
    out = report.parent / "other.bundle.json"
    call("convert", "-q", report, "--release", other, "-o", out)
    with StubServer() as server:
        result = call("push", out, "--server", server.url, "--format", "json")
        assert [r.method for r in server.seen] == ["GET"]
    outcome = json.loads(result.stdout)
    assert outcome["issue"][0]["severity"] in ("error", "fatal")
    assert result.exit_code == ERRORS


def test_push_shows_what_the_server_says_as_a_table(bundle):
    refusal = {"severity": "error", "code": "invariant", "diagnostics": "no such thing"}
    outcome = {"resourceType": "OperationOutcome", "issue": [refusal]}
    json_type = {"Content-Type": "application/fhir+json"}
    with StubServer(posts=[Reply(422, outcome, json_type)]) as server:
        result = call("push", bundle, "--server", server.url)
    assert result.exit_code == ERRORS
    assert numbers(result) == ["0", "0", "0", str(len(json.loads(bundle.read_bytes())["entry"]))]
    assert re.search(r"│ error +│ no such thing +│", result.stdout)


def test_push_of_facts_names_the_file_and_the_rest_is_sent(bundle, facts):
    with StubServer() as server:
        result = call("push", facts, bundle, "--server", server.url, "--format", "json")
        assert server.store
    assert "a facts document: convert it first" in result.stdout
    assert result.exit_code == ERRORS


def test_a_server_that_is_away_is_one_sentence(bundle):
    with StubServer() as server:
        address = server.url
    result = call("push", bundle, "--server", address)
    [line] = errors(result)
    assert address in line
    assert result.exit_code == ERRORS
    assert result.stdout == ""


def test_a_server_that_stops_answering_is_not_asked_for_ever(bundle, tmp_path):
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(6):
        name = f'"{uuid4()}"'
        entry = {"resource": {"resourceType": "Patient", "id": name.strip('"')}}
        entry["request"] = {"method": "PUT", "url": f"Patient/{name.strip(chr(34))}"}
        made = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
        (folder / f"{number}.json").write_text(json.dumps(made), encoding="utf-8")
    broken = [Reply(200, "<html>", {"Content-Type": "text/html"})] * 30
    with StubServer(posts=broken) as server:
        options = ("--server", server.url, "--format", "json", "--jobs", "1", "--retries", "2")
        result = call("push", folder, *options)
        assert len([r for r in server.seen if r.method == "POST"]) <= 12
    [said] = [issue["diagnostics"] for issue in json.loads(result.stdout)["issue"]]
    assert said.startswith("stopped, as the server answers in text/html, not in FHIR JSON")
    assert said.endswith("0 bundles are on the server, the rest is left; go on with --resume")
    assert result.exit_code == ERRORS


# --- explain and tables --------------------------------------------------------------------


def test_explain_leads_from_an_element_to_its_row_its_fact_and_the_words(report):
    result = call("explain", report)
    assert result.exit_code == FINE
    lines = result.stdout.splitlines()
    at = next(n for n, line in enumerate(lines) if re.match(r'Condition/\S+ <- \S+ <- "', line))
    assert "multiple myeloma" in lines[at]
    under = itertools.takewhile(lambda line: line.startswith("  "), lines[at + 1 :])
    assert any(
        re.match(r"  code\S* = .* <- resources/Condition.csv:\d+, codes/conditions", line)
        for line in under
    )


def test_explain_is_json_for_a_program(report):
    told = json.loads(call("explain", report, "--format", "json").stdout)
    elements = {"resource", "element", "value", "row", "codes", "fact", "words", "where"}
    assert all(set(one) == elements | {"sentence"} for one in told)
    for one in told:
        if "-" in one["where"]:
            start, end = map(int, one["where"].split("-"))
            assert REPORT[start:end] == one["words"]


def test_explain_is_the_same_for_a_report_and_its_facts(report, facts):
    told = call("explain", report).stdout
    assert "in the sentence" in told
    alone = [line for line in told.splitlines() if "in the sentence" not in line]
    assert call("explain", facts).stdout.splitlines() == alone
    beside = facts.rename(report.with_name(facts.name))
    assert call("explain", beside).stdout == told


def test_tables_shows_what_can_be_made():
    result = call("tables")
    assert result.exit_code == FINE
    for word in ("Condition", "adverse_event", "conditions", *built_in().releases):
        assert word in result.stdout
    listed = json.loads(call("tables", "--format", "json").stdout)
    assert {"resources", "facts", "vocabularies"} == set(listed)


def test_the_built_in_tables_are_sound():
    result = call("tables", "--check")
    assert result.stdout == ""
    assert errors(result) == ["the tables are sound"]
    assert result.exit_code == FINE


# --- help ----------------------------------------------------------------------------------


def test_the_help_names_the_verbs_in_the_order_of_the_line_and_what_is_not_there_yet():
    result = call("--help")
    names = [line.split()[0] for line in result.stdout.splitlines() if line.startswith("  ")]
    verbs = ["extract", "convert", "validate", "push", "explain", "tables"]
    assert [name for name in names if name in verbs] == verbs
    assert "Not there yet:" in result.stdout


@pytest.mark.parametrize("verb", main.commands)
def test_every_verb_has_an_example_in_its_help(verb):
    result = call(verb, "--help")
    assert result.exit_code == FINE
    assert f"Example:\n    fhirconv {verb}" in result.stdout


def test_the_version_is_told():
    from fhirconv import __version__

    assert call("--version").stdout.split()[-1] == __version__


def test_the_module_is_the_command(report):
    done = shell("convert", "-q", report)
    assert done.returncode == FINE
    assert done.stdout == call("convert", "-q", report).stdout_bytes
    assert done.stderr == b""


def test_the_same_report_makes_the_same_bytes_in_every_process(report):
    made = {
        shell("convert", "-q", report, env=os.environ | {"PYTHONHASHSEED": seed}).stdout
        for seed in ("1", "2", "3")
    }
    assert len(made) == 1


@posix
def test_a_bar_is_shown_on_a_terminal_and_never_mixed_with_a_message(report, tmp_path):
    import pty

    (tmp_path / "bad.json").write_bytes(b"{")
    main_end, terminal = pty.openpty()
    command = [sys.executable, "-m", "fhirconv", "extract", str(tmp_path), "-o", f"{tmp_path}/"]
    subprocess.run(command, stderr=terminal, stdout=subprocess.PIPE, check=False)
    os.close(terminal)
    said = os.read(main_end, 65536).decode()
    os.close(main_end)
    assert "extracting" in said
    assert re.search(r"[\r\n](\x1b\[2K)?\S*bad\.json: error", said)


def test_an_encoding_without_the_letter_does_not_stop_the_words(report):
    environment = os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    assert shell("tables", env=environment).returncode == FINE
    assert shell("convert", report, env=environment).returncode == FINE
