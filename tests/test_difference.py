"""What two sets of tables say differently is told in words, table by table."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from fhirconv.cli import main
from fhirconv.difference import counts, difference
from fhirconv.tables import MAPPINGS, Tables, built_in

HEADERS = {
    "codes": "term,code,display,match,releases,same_as,source,note",
    "resources": "fact,element,type,field,fixed,codes,releases,need,note",
    "route.csv": "kind,polarity,certainty,temporality,scope,verification,rows,section,reason,note",
    "systems.csv": "prefix,uri,check,note",
    "relations.csv": "relation,from,to,note",
    "extensions.csv": "name,url,releases,note",
}
CASES = [
    # file, row of an overlay, kind, words
    (
        "codes/conditions.csv",
        "my own disease,NCIT:C2991,Disease or Disorder,broad,,,,",
        "added",
        "'my own disease': NCIT:C2991 'Disease or Disorder' (broad)",
    ),
    (
        "codes/conditions.csv",
        "my own disease,,,,,asthma,,",
        "added",
        "'my own disease', a synonym of 'asthma'",
    ),
    ("codes/conditions.csv", "my own disease,,,,,,,none", "added", "'my own disease', without a"),
    (
        "codes/event-status.csv",
        "completed,event-status:completed,Done,close,,,,",
        "changed",
        "'completed': the display of event-status:completed is 'Done', was 'Completed'",
    ),
    (
        "codes/event-status.csv",
        "completed,event-status:completed,Done,close,,,,",
        "changed",
        "'completed': the match of event-status:completed is 'close', was 'exact'",
    ),
    (
        "codes/event-status.csv",
        "completed,event-status:stopped,Stopped,exact,,,,",
        "changed",
        "'completed': event-status:completed 'Completed' (exact) is gone",
    ),
    (
        "resources/Condition.csv",
        "condition,bodySite[],CodeableConcept,label,,body-sites,,,",
        "changed",
        "condition bodySite[]: field is 'label', was 'bodySite'",
    ),
    (
        "resources/Condition.csv",
        "condition,recorder,Reference(Patient),patient,,,,,",
        "added",
        "condition recorder: type 'Reference(Patient)', field 'patient'",
    ),
    ("route.csv", "condition,,,,,,skip,,mine,", "changed", "condition: rows is 'skip', was 'cond"),
    ("systems.csv", "SCT,urn:mine,,", "changed", "SCT: uri is 'urn:mine', was 'http://snomed.info"),
    ("relations.csv", "treats,*,*,", "changed", "treats: from is '*', was 'medication procedure"),
    ("extensions.csv", "mine,urn:mine,R4,", "added", "mine R4: url 'urn:mine'"),
]


def overlay(folder: Path, file: str, row: str) -> Tables:
    path = folder / file
    path.parent.mkdir(exist_ok=True)
    header = HEADERS.get(file) or HEADERS[file.partition("/")[0]]
    path.write_text(f"{header}\n{row}\n", encoding="utf-8")
    return Tables.of([folder])


@pytest.mark.parametrize(("file", "row", "kind", "words"), CASES)
def test_what_an_overlay_changes_is_said_of_its_table(
    tmp_path: Path, file: str, row: str, kind: str, words: str
) -> None:
    found = list(difference(built_in(), overlay(tmp_path, file, row)))
    assert {change.table for change in found} == {file}
    assert any(c.kind == kind and c.words.startswith(words) for c in found), found


def test_the_other_way_round_what_was_added_is_gone(tmp_path: Path) -> None:
    tables = overlay(tmp_path, "codes/conditions.csv", "my own disease,,,,,asthma,,")
    [change] = difference(tables, built_in())
    assert (change.kind, change.words) == ("gone", "'my own disease', a synonym of 'asthma'")


def test_tables_do_not_differ_from_themselves() -> None:
    assert list(difference(built_in(), Tables())) == []


def test_a_term_that_becomes_a_synonym_is_told_so(tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    shutil.copytree(MAPPINGS, whole)
    path = whole / "codes" / "event-status.csv"
    text = path.read_text(encoding="utf-8") + "done,,,,,completed,,\n"
    path.write_text(text, encoding="utf-8")
    before = Tables.of([whole])
    _ = before.codes
    path.write_text(text.replace("done,,,,,completed", "done,,,,,not-done"), encoding="utf-8")
    [change] = difference(before, Tables.of([whole]))
    assert change.words == "'done': stands for 'not-done', stood for 'completed'"


def test_changes_are_counted_by_table(tmp_path: Path) -> None:
    tables = overlay(tmp_path, "codes/conditions.csv", "mine,,,,,asthma,,\nother,,,,,asthma,,")
    counted = counts(difference(built_in(), tables))
    assert counted == {"codes/conditions.csv": {"added": 2, "changed": 0, "gone": 0}}


def test_the_command_tells_each_table_with_its_counts(tmp_path: Path) -> None:
    overlay(tmp_path, "codes/conditions.csv", "mine,,,,,asthma,,")
    done = CliRunner().invoke(main, ["tables", "diff", "built-in", str(tmp_path)])
    assert done.exit_code == 0
    assert done.stdout == (
        "codes/conditions.csv: 1 added\n  added: 'mine', a synonym of 'asthma'\n"
    )
    assert done.stderr == "the tables differ\n"


def test_the_command_gives_json_too(tmp_path: Path) -> None:
    overlay(tmp_path, "codes/conditions.csv", "mine,,,,,asthma,,")
    run = ["tables", "diff", "built-in", str(tmp_path), "--format", "json"]
    [change] = json.loads(CliRunner().invoke(main, run).stdout)
    assert change["kind"] == "added"


def test_what_is_no_folder_of_tables_is_wrong_usage(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["tables", "diff", "built-in", str(tmp_path / "away")])
    assert done.exit_code == 2
    assert "there is no folder of mapping tables" in done.stderr


def test_options_of_the_check_before_a_part_are_wrong_usage() -> None:
    done = CliRunner().invoke(main, ["tables", "--check", "diff", "built-in", "built-in"])
    assert done.exit_code == 2
    assert "write the options behind diff: fhirconv tables diff --help" in done.stderr
