"""The definitions of a release: one small file, the same bytes, read by need; plain narratives."""

import csv
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fhirconv.errors import TableError
from fhirconv.tables import MAPPINGS, built_in
from fhirconv.validate import validate
from fhirconv.validate.archive import Archive, written
from fhirconv.validate.bare import bare
from fhirconv.validate.definitions import definitions_of
from fhirconv.validate.plain import is_plain

FOLDER = MAPPINGS / "validate"
LARGEST = 5 * 1024 * 1024  # bytes of all releases together
DIV = '<div xmlns="http://www.w3.org/1999/xhtml">%s</div>'
TYPE = {
    "resourceType": "StructureDefinition",
    "url": "urn:example:Thing",
    "name": "Thing",
    "kind": "resource",
    "abstract": False,
    "type": "Thing",
    "description": "a thing, at length",
    "snapshot": {
        "element": [
            {
                "id": "Thing.id",
                "path": "Thing.id",
                "min": 0,
                "max": "1",
                "definition": "prose",
                "base": {"path": "Resource.id", "min": 0, "max": "1"},
                "type": [{"code": "http://hl7.org/fhirpath/System.String"}],
                "binding": {"strength": "required", "valueSet": "urn:v", "description": "prose"},
                "constraint": [
                    {"key": "ele-1", "severity": "error", "human": "x", "expression": "x"},
                    {
                        "key": "t-1",
                        "severity": "error",
                        "human": "a rule",
                        "expression": "y",
                        "xpath": "z",
                    },
                ],
            }
        ]
    },
}


def test_the_definitions_are_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.glob("*.definitions")) < LARGEST


def test_a_definition_loses_its_prose_and_keeps_what_counts() -> None:
    kept = bare(TYPE)
    assert "description" not in kept
    assert kept["snapshot"]["element"] == [
        {
            "path": "Thing.id",
            "min": 0,
            "max": "1",
            "base": {"path": "Resource.id", "min": 0, "max": "1"},
            "binding": {"strength": "required", "valueSet": "urn:v"},
            "type": [{"code": "id"}],
            "constraint": [
                {"key": "t-1", "severity": "error", "human": "a rule", "expression": "y"}
            ],
        }
    ]


def test_an_archive_gives_back_what_was_written_whatever_the_order(tmp_path: Path) -> None:
    codes: dict[str, Any] = {"resourceType": "CodeSystem", "url": "urn:c", "concept": []}
    data = written([bare(TYPE), codes])
    assert data == written([codes, bare(TYPE)])
    path = tmp_path / "R9.definitions"
    path.write_bytes(data)
    archive = Archive(path)
    assert archive.find("CodeSystem", "urn:c") == codes
    assert archive.find("CodeSystem", "urn:other") is None
    assert archive.facts("StructureDefinition")["urn:example:Thing"]["kind"] == "resource"


def test_a_file_that_is_no_archive_is_told(tmp_path: Path) -> None:
    path = tmp_path / "R9.definitions"
    path.write_bytes(b"PK")
    with pytest.raises(TableError, match="this is no file of definitions"):
        Archive(path)


@pytest.mark.parametrize("release", built_in().releases)
def test_every_value_set_that_is_required_can_be_told(release: str) -> None:
    definitions = definitions_of(built_in(), release)
    elements = (
        element
        for name in definitions.resources
        for element in definitions.shape(name).elements.values()
    )
    required = {element.codes for element in elements if element.codes}
    assert len(required) > 50
    assert {url for url in required if definitions.value_sets.find(url) is None} == set()


def test_only_the_types_that_are_met_are_read() -> None:
    code = (
        "from fhirconv.validate import validate\n"
        "from fhirconv.validate.definitions import definitions_of\n"
        "from fhirconv.tables import built_in\n"
        "list(validate({'resourceType': 'Basic'}, 'R4'))\n"
        "archive = definitions_of(built_in(), 'R4').sources[-1]\n"
        "print(len(archive._read))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 20


@pytest.mark.parametrize(
    ("inside", "plain"),
    [
        ("words", True),
        ("<p>a <b>b</b><br/>c &amp; d</p><ul><li>one</li></ul>", True),
        ("<table><tr><td>1</td></tr></table>", True),
        ("", False),
        ("  <p> </p>", False),
        ("<p>open", False),
        ("<p><p>nested</p></p>", False),
        ("a & b", False),
        ("&nbsp;", False),
        ("<script>x</script>", False),
        ("<p class='x'>x</p>", False),
        ("<!-- x -->x", False),
        ("a\x0bb", False),
    ],
)
def test_a_narrative_is_plain_or_looked_at_closely(inside: str, plain: bool) -> None:
    assert is_plain(DIV % inside, None) is plain


@pytest.mark.parametrize(
    ("attributes", "plain"),
    [
        (' lang="en" xml:lang="en"', True),
        (' lang="en"', False),
        (' lang="de" xml:lang="de"', False),
        (' lang="en" lang="en" xml:lang="en"', False),
        ("", False),
    ],
)
def test_a_plain_narrative_is_in_the_language_of_its_resource(attributes: str, plain: bool) -> None:
    text = f'<div xmlns="http://www.w3.org/1999/xhtml"{attributes}>x</div>'
    assert is_plain(text, "en") is plain


def test_what_is_plain_is_sound_for_the_parser_too() -> None:
    table = Path(__file__).parent / "cases" / "validate.csv"
    with table.open(encoding="utf-8", newline="") as file:
        texts = [row["value"] for row in csv.DictReader(file) if "<div" in row["value"]]
    assert texts
    assert not any(is_plain(text.strip('"').replace('\\"', '"'), "en") for text in texts)


def test_an_unknown_type_is_not_looked_for_long() -> None:
    (issue,) = validate({"resourceType": "P" * 1_000_000}, "R4")
    assert issue.is_error
