"""The tables: what is wrong in one is found with its file and line, all at once."""

import csv
from pathlib import Path

import pytest

from fhirconv.errors import TableError
from fhirconv.tables import MAPPINGS, Tables, built_in
from fhirconv.tables_check import check

HEADER = "fact,element,type,field,fixed,codes,releases,need,note\n"
CODES = "term,code,display,match,releases,same_as,source,note\n"
ROUTE = "kind,polarity,certainty,temporality,scope,verification,rows,section,reason,note\n"


def test_the_built_in_tables_are_sound() -> None:
    assert [str(issue) for issue in check([MAPPINGS])] == []


with (Path(__file__).parent / "cases" / "table_mistakes.csv").open(encoding="utf-8") as lines:
    MISTAKES = [tuple(row.values()) for row in csv.DictReader(lines)]


def header_of(file: str) -> str:
    return ROUTE if file == "route.csv" else CODES if file.startswith("codes/") else HEADER


@pytest.mark.parametrize(
    ("file", "row", "message", "place"), MISTAKES, ids=[m[2][:40] for m in MISTAKES]
)
def test_a_mistake_is_found_with_its_file_and_line(
    tmp_path: Path, file: str, row: str, message: str, place: str
) -> None:
    path = tmp_path / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(header_of(file) + row + "\n", encoding="utf-8")
    found = check(Tables.of([tmp_path]).folders)
    assert any(message in issue.message and place in issue.where for issue in found), found


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "codes").mkdir()
    text = CODES + "flu,SCT:123456789,Flu,exact,,,,\ngrippe,SNOMED:1,Flu,exact,,,,\n"
    (tmp_path / "codes/conditions.csv").write_text(text, encoding="utf-8")
    places = [issue.where for issue in check(Tables.of([tmp_path]).folders)]
    assert places == ["codes/conditions.csv:3", "codes/conditions.csv:2"]


UNREADABLE = [
    (b"term,code\nflu", "the columns are 'term, code', wanted are term, code, display"),
    (b"", "the columns are '', wanted are term"),
    (b"term\xff", "the table is not UTF-8 at byte 4"),
    (CODES.encode() + b'"flu', "the table is not CSV: unexpected end of data"),
]


@pytest.mark.parametrize(("data", "message"), UNREADABLE)
def test_a_table_that_cannot_be_read_says_where(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "codes").mkdir()
    (tmp_path / "codes/conditions.csv").write_bytes(data)
    with pytest.raises(TableError, match=r"codes/conditions\.csv") as error:
        _ = Tables.of([tmp_path]).codes
    assert message in error.value.message


def test_an_overlay_adds_rows_and_replaces_those_of_the_same_key(tmp_path: Path) -> None:
    (tmp_path / "codes").mkdir()
    rows = "asthma,NCIT:C28397,Asthma,exact,,,,\nmy own disease,NCIT:C2991,Disease,broad,,,,\n"
    (tmp_path / "codes/conditions.csv").write_text(CODES + rows, encoding="utf-8")
    tables = Tables.of([tmp_path])
    ours = tables.codes["conditions"]
    assert [c.code for c in ours.lookup("my own disease", "R4")] == ["C2991"]
    assert len(ours.terms) > len(built_in().codes["conditions"].terms)
    assert [c.code for c in ours.lookup("asthma", "R4") if c.prefix == "NCIT"] == ["C28397"]


def test_a_folder_with_a_releases_table_is_the_whole_set(tmp_path: Path) -> None:
    (tmp_path / "releases.csv").write_bytes((MAPPINGS / "releases.csv").read_bytes())
    assert Tables.of([tmp_path]).resources == {}


def test_a_folder_without_a_table_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="holds no table"):
        Tables.of([tmp_path])
    with pytest.raises(TableError, match="there is no folder of mapping tables"):
        Tables.of([tmp_path / "away"])


@pytest.mark.parametrize("path", sorted(MAPPINGS.rglob("*.csv")), ids=lambda p: p.stem)
def test_every_table_is_plain_csv(path: Path) -> None:
    data = path.read_bytes()
    assert not data.startswith(b"\xef\xbb\xbf")
    assert b"\r" not in data
    rows = list(csv.reader(data.decode("utf-8").splitlines(), strict=True))
    assert len({len(row) for row in rows if row}) == 1, "rows of one length"
