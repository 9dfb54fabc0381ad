"""The tables: what is wrong in one is found with its file and line, all at once."""

import csv
import re
import shutil
from pathlib import Path

import pytest

from fhirconv.errors import TableError
from fhirconv.tables import MAPPINGS, Tables, built_in
from fhirconv.tables_check import check

CODES = "term,code,display,match,releases,same_as,source,note\n"
ROWS = "fact,element,type,field,fixed,codes,releases,need,note\n"
HEADERS = {"codes": CODES, "code": CODES, "resources": ROWS, "types": ROWS}


def test_the_built_in_tables_are_sound() -> None:
    assert [str(issue) for issue in check([MAPPINGS])] == []


with (Path(__file__).parent / "cases" / "table_mistakes.csv").open(encoding="utf-8") as lines:
    MISTAKES = [tuple(row.values()) for row in csv.DictReader(lines)]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built-in tables with the first terms only of the large vocabularies."""
    folder = tmp_path_factory.mktemp("small")
    shutil.copytree(MAPPINGS, folder, dirs_exist_ok=True, ignore=lambda _, names: {"extract"})
    for path in (folder / "codes").glob("*.csv"):
        lines = path.read_text(encoding="utf-8").splitlines()
        kept = (line for line in lines[200:] if line.startswith(("influenza,", "pneumonia,")))
        asthma = (line for line in lines[200:] if line.startswith("asthma,"))
        text = "\n".join([*lines[:200], *asthma, *kept])
        path.write_text(text + "\n", encoding="utf-8")
    return folder


def header_of(file: str) -> str:
    """Return the first line of a table: by its folder, or that of the built-in table."""
    known = HEADERS.get(file.partition("/")[0], "")
    return known or (MAPPINGS / file).read_text(encoding="utf-8").splitlines()[0] + "\n"


@pytest.mark.parametrize(
    ("file", "row", "message", "place"), MISTAKES, ids=[f"{m[0]} {m[2]}"[:60] for m in MISTAKES]
)
def test_a_mistake_is_found_with_its_file_and_line(
    small: Path, tmp_path: Path, file: str, row: str, message: str, place: str
) -> None:
    path = tmp_path / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(header_of(file) + row + "\n", encoding="utf-8")
    found = check(Tables.of([small, tmp_path]).folders)
    assert any(message in issue.message and place in issue.where for issue in found), found


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "codes").mkdir()
    text = CODES + "flu,SCT:123456789,Flu,exact,,,,\ngrippe,SNOMED:1,Flu,exact,,,,\n"
    (tmp_path / "codes/conditions.csv").write_text(text, encoding="utf-8")
    places = [issue.where for issue in check(Tables.of([tmp_path]).folders)]
    assert places == ["codes/conditions.csv:3", "codes/conditions.csv:2"]


def test_at_least_the_mistakes_of_every_table_are_seeded() -> None:
    assert len(MISTAKES) >= 80
    assert len({message for _, _, message, _ in MISTAKES}) >= 75


WHOLE = [
    # a table, what is taken out of it, what is then said
    ("resources/AdverseEvent.csv", "seriousness", "no table maps the field 'seriousness'"),
    ("relations.csv", "^treats,", "no row says between what 'treats' may stand"),
    ("order.csv", "^Device,", "the resource Device has no place in the Bundle"),
    ("route.csv", "^encounter,,", "no route takes every fact of the kind 'encounter'"),
    ("releases.csv", "^R4,", "one release is made unasked (default), here none"),
    ("unread.csv", "funding", "no table maps the field 'funding' of a citation"),
]


@pytest.mark.parametrize(("file", "pattern", "message"), WHOLE, ids=[w[2] for w in WHOLE])
def test_what_a_whole_set_lacks_is_found(
    small: Path, tmp_path: Path, file: str, pattern: str, message: str
) -> None:
    whole = tmp_path / "whole"
    shutil.copytree(small, whole)
    lines = (whole / file).read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not re.search(pattern, line)]
    (whole / file).write_text("\n".join(kept) + "\n", encoding="utf-8")
    assert any(message in issue.message for issue in check([whole])), check([whole])


def test_a_kind_that_every_route_skips_is_mapped_by_no_table(small: Path, tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    shutil.copytree(small, whole)
    lines = (whole / "route.csv").read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.startswith("encounter,")]
    text = "\n".join([*kept, "encounter,,,,,,skip,,not wanted,"])
    (whole / "route.csv").write_text(text + "\n", encoding="utf-8")
    found = [issue.message for issue in check([whole])]
    assert "no table maps the kind 'encounter': every route skips it" in found


def test_another_display_of_a_code_is_a_warning_and_no_error(small: Path, tmp_path: Path) -> None:
    (tmp_path / "codes").mkdir()
    text = CODES + "grippe,SCT:6142004,Flu,exact,,,,\n"
    (tmp_path / "codes/conditions.csv").write_text(text, encoding="utf-8")
    [issue] = [i for i in check(Tables.of([small, tmp_path]).folders) if "is called" in i.message]
    assert issue.severity == "warning"


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


def test_a_row_of_an_overlay_stands_in_the_place_of_the_one_it_replaces(tmp_path: Path) -> None:
    (tmp_path / "codes").mkdir()
    (tmp_path / "codes/conditions.csv").write_text(
        CODES + "asthma,SCT:195967001,Asthma,exact,,,,\n", encoding="utf-8"
    )
    before = built_in().codes["conditions"].lookup("asthma", "R4")
    after = Tables.of([tmp_path]).codes["conditions"].lookup("asthma", "R4")
    assert [c.prefix for c in after] == [c.prefix for c in before]
    assert after[0].display == "Asthma"


def test_a_new_route_of_an_overlay_is_asked_before_the_built_in_ones(tmp_path: Path) -> None:
    route = "finding,absent,,historical,,,skip,,long ago,\n"
    (tmp_path / "route.csv").write_text(header_of("route.csv") + route, encoding="utf-8")
    assert Tables.of([tmp_path]).routes[0].reason == "long ago"


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
