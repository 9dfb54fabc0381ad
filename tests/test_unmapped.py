"""The terms that got no code are listed, most frequent first, and come back as an overlay."""

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fhirconv.cli import main
from fhirconv.convert import convert, load_facts
from fhirconv.tables import Tables, built_in
from fhirconv.tables_check import check
from fhirconv.unmapped import Tally, Unmapped, sheets

EVERYTHING = Path(__file__).parent / "cases" / "everything.facts.json"
LABEL = "a disease of our own making"


def call(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["tables", "unmapped", *map(str, arguments)])


@pytest.fixture
def facts(tmp_path: Path) -> Path:
    """A facts document, apart from its report, with a condition that no table knows."""
    document = json.loads(EVERYTHING.read_bytes())
    condition = next(fact for fact in document["facts"] if fact["kind"] == "condition")
    condition["label"] = LABEL
    document["facts"].append(condition | {"id": "another", "label": LABEL.upper()})
    document["facts"].append(condition | {"id": "a-third", "label": LABEL})
    path = tmp_path / "case.facts.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def tally(path: Path, tables: Tables | None = None) -> list[Unmapped]:
    known = tables or built_in()
    found = Tally(known, known.default_release)
    document = load_facts(path.read_bytes(), path.name, tables=known)
    found.add(convert(document, tables=known))
    return found.terms()


def overlay(folder: Path, rows: str) -> Path:
    header = "term,code,display,match,releases,same_as,source,note\n"
    (folder / "codes").mkdir(parents=True)
    (folder / "codes" / "conditions.csv").write_text(header + rows, encoding="utf-8")
    return folder


def test_a_term_is_counted_whatever_its_case_and_told_in_its_most_frequent_spelling(facts) -> None:
    first = tally(facts)[0]
    assert (first.term, first.count, first.kind) == (LABEL, 3, "condition")
    assert first.vocabulary == "conditions"
    assert first.example


def test_the_numbers_add_up_to_the_ledger(facts: Path) -> None:
    document = load_facts(facts.read_bytes(), facts.name)
    wanted = convert(document).ledger.counts["text only"]
    assert sum(term.count for term in tally(facts)) == wanted


def test_the_example_is_the_sentence_where_the_report_is_at_hand(tmp_path: Path) -> None:
    said = "An 80-year-old woman was diagnosed with zzyzx syndrome of the left ear lobe."
    report = tmp_path / "case.txt"
    report.write_text(f"{said}\nShe received bortezomib.\n", encoding="utf-8")
    done = call(report, "--format", "json")
    assert done.exit_code == 0, done.output
    examples = {each["example"] for each in json.loads(done.stdout)}
    assert examples == {said}


def test_a_code_in_an_overlay_takes_the_term_off_the_list(facts: Path, tmp_path: Path) -> None:
    row = f"{LABEL},NCIT:C2991,Disease or Disorder,broad,,,,\n"
    tables = Tables.of([overlay(tmp_path / "mine", row)])
    assert LABEL not in {term.term for term in tally(facts, tables)}


def test_what_a_table_says_to_have_no_code_is_told_so_and_not_asked_again(facts, tmp_path) -> None:
    tables = Tables.of([overlay(tmp_path / "mine", f"{LABEL},,,,,,,looked for and not found\n")])
    found = tally(facts, tables)
    assert [term.told for term in found if term.term == LABEL] == [True]
    assert LABEL.encode() not in b"".join(data for _, data in sheets(found))


def test_the_csv_is_an_overlay_without_a_defect(facts: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    done = call(facts, "--format", "csv", "-o", folder)
    assert (done.exit_code, done.stdout) == (0, "")
    with (folder / "codes" / "conditions.csv").open(encoding="utf-8", newline="") as file:
        [row] = [row for row in csv.DictReader(file) if row["term"] == LABEL]
    assert row["note"].startswith("3 times: ")
    tables = Tables.of([folder])
    assert [str(issue) for issue in check(tables.folders)] == []
    assert [term.told for term in tally(facts, tables) if term.term == LABEL] == [True]


def test_a_table_that_is_there_is_not_written_over(facts: Path, tmp_path: Path) -> None:
    folder = overlay(tmp_path / "mine", "")
    before = (folder / "codes" / "conditions.csv").read_bytes()
    done = call(facts, "--format", "csv", "-o", folder)
    assert done.exit_code == 1
    assert "a table is there already and is not written over" in done.stderr
    assert (folder / "codes" / "conditions.csv").read_bytes() == before


def test_csv_of_one_table_goes_to_standard_output(tmp_path: Path) -> None:
    report = tmp_path / "case.txt"
    report.write_text("An 80-year-old woman was diagnosed with zzyzx syndrome.\n", encoding="utf-8")
    done = call(report, "--format", "csv")
    assert done.exit_code == 0
    assert done.stdout == (
        "term,code,display,match,releases,same_as,source,note\n"
        "zzyzx syndrome,,,,,,,once: An 80-year-old woman was diagnosed with zzyzx syndrome.\n"
    )


def test_csv_of_several_tables_needs_a_folder(facts: Path) -> None:
    document = json.loads(facts.read_bytes())
    for fact in document["facts"]:
        fact["label"] = f"{fact['kind']} of our own making"
    facts.write_text(json.dumps(document), encoding="utf-8")
    done = call(facts, "--format", "csv")
    assert done.exit_code == 2
    assert "the terms belong to several tables (conditions, " in done.stderr


def test_the_table_tells_number_term_and_where_it_would_stand(facts: Path) -> None:
    done = call(facts)
    assert done.exit_code == 0
    assert "conditions" in done.stdout
    assert "without a code" in done.stderr


def test_a_bad_input_is_told_and_the_others_are_listed(facts: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.facts.json"
    bad.write_text("{}", encoding="utf-8")
    done = call(bad, facts, "--format", "json")
    assert done.exit_code == 1
    assert LABEL in {each["term"] for each in json.loads(done.stdout)}
    assert "bad.facts.json: error: " in done.stderr


def test_a_folder_is_for_the_csv(facts: Path, tmp_path: Path) -> None:
    done = call(facts, "-o", tmp_path)
    assert done.exit_code == 2
    assert "an output folder is for the CSV: --format csv" in done.stderr
