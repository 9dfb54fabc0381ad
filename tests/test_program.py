"""The functions that the tables are compiled to make what the rows say, read one by one."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhirconv.build import build
from fhirconv.bundle import serialise
from fhirconv.case import Item, Link, cases
from fhirconv.fill import Home, Site
from fhirconv.plan import arrows_of, judged
from fhirconv.program import Program, programs_of
from fhirconv.tables import Row, built_in
from tests.rows_read import Reading

PROJECT = Path(__file__).resolve().parents[1]
EVERYTHING = PROJECT / "tests" / "cases" / "everything.facts.json"
SAMPLES = sorted((PROJECT / "samples").glob("*/*.facts.json"))
RELEASES = ("R4", "R5")
TABLES = built_in()


def held(program: Program, item: Item, site: Site) -> None:
    """Hold what a function makes, and what it tells of its making, against its rows."""
    name = site.homes[item.id].name
    reading = Reading(
        item, program.resource, dict(site.items), dict(site.homes), TABLES, program.release
    )
    wanted = reading.fill(program.arrows)
    made, is_text_only = program.fill(item, name, site)
    assert serialise(made) == serialise(wanted)  # the order of the elements too
    assert is_text_only == reading.is_text_only
    traced = [
        (arrow.row.origin, arrow.path(number), value, [coding.origin for coding in codings])
        for arrow, number, value, codings in program.trace(item, name, site)
    ]
    assert traced == reading.placed


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("path", [EVERYTHING, *SAMPLES], ids=lambda path: path.stem)
def test_every_resource_is_what_its_rows_say(path: Path, release: str) -> None:
    document = json.loads(path.read_bytes())
    for case in cases(document, "0.1.0", "https://doi.org"):
        built = build(case, TABLES, release)
        programs = [(item, program) for item, _, program, _ in built.works if program is not None]
        assert programs
        for item, program in programs:
            held(program, item, built.site)


ELEMENTS = [  # element, type, codes: rivals, shared lists, objects whole and in parts
    ("code.text", "string", ""),
    ("code.coding[]", "Coding", "conditions"),
    ("code", "CodeableConcept", "conditions"),
    ("category[].coding[]", "Coding", "conditions"),
    ("bodySite[]", "CodeableConcept", "body-sites"),
    ("bodySite[].text", "string", ""),
    ("note[].text", "markdown", ""),
    ("note[more].text", "markdown", ""),
    ("valueString", "string", ""),
    ("valueQuantity", "Quantity", "units"),
    ("_valueString.extension[part].valueString", "string", ""),
    ("valueRange.low", "Quantity", "units"),
    ("text.div", "xhtml", ""),
    ("text.div", "xhtml-list", ""),
    ("text.status", "string", ""),
    ("extension[part].valueString", "string", ""),
    ("extension[part].extension[inner].valueString", "string", ""),
    ("extension[part].extension[inner].valueReference", "Reference(*)", ""),
    ("subject", "Reference(Patient)", ""),
    ("target[]", "Reference(*)", ""),
    ("id", "string", ""),
]
WORDS = st.sampled_from(["", " ", "fever", "asthma", "acute leukemia", "a < b & c", "skin"])
QUANTITIES = st.sampled_from([{"value": 2, "unit": "mg"}, {"value": 1.5, "unit": "days"}, {}])
LINKS = st.sampled_from([Link("p"), Link("other"), Link("nowhere"), Link("p", {"label": "own"})])
FIELDS = {  # what a field of this type may hold: one or many, nothing, or something within
    "string": st.one_of(st.none(), WORDS, st.lists(st.one_of(st.none(), WORDS), max_size=3)),
    "Quantity": st.one_of(st.none(), QUANTITIES, st.lists(QUANTITIES, max_size=2)),
    "Reference": st.one_of(st.none(), LINKS, st.lists(st.one_of(st.none(), LINKS), max_size=3)),
}


def field_of(kind: str) -> str:
    """Return the type of field that a row of a datatype reads."""
    return kind.partition("(")[0] if kind.partition("(")[0] in FIELDS else "string"


@st.composite
def sets_of_rows(draw: st.DrawFn) -> list[Row]:
    """Draw a set of rows, as a table could hold them."""
    drawn = draw(st.lists(st.sampled_from(ELEMENTS), min_size=1, max_size=9))
    rows = []
    for number, (element, kind, codes) in enumerate(drawn):
        at = draw(st.sampled_from(["", ".within", ".to.label"] if kind == "string" else [""]))
        name = "Reference" if at == ".to.label" else field_of(kind)
        field = f"{name}{draw(st.integers(0, 1))}{at.removeprefix('.to')}"
        fixed = draw(st.booleans()) and field_of(kind) == "string"
        need = "item" if not fixed and draw(st.booleans()) else ""
        told = ("", "asthma") if fixed else (field, "")
        rows.append(Row("one", element, kind, *told, codes, (), need, "", f"one.csv:{number}"))
    return rows


@st.composite
def items(draw: st.DrawFn) -> Item:
    """Draw the fields of a fact."""
    fields = {f"{name}{n}": draw(values) for name, values in FIELDS.items() for n in (0, 1)}
    if draw(st.booleans()):
        fields["string1"] = {"within": draw(FIELDS["string"])}
    if draw(st.booleans()):
        fields["string0"] = [{"within": draw(FIELDS["string"])}, None, {"within": "fever"}]
    return Item("one", "condition", fields)


@settings(max_examples=150, deadline=None)
@given(sets_of_rows(), items())
def test_any_set_of_rows_makes_of_any_fact_what_the_rows_say(rows: list[Row], item: Item) -> None:
    arrows = judged([arrow for row in rows for arrow in arrows_of(row, TABLES, "R4")])
    program = Program("one", "Condition", tuple(arrows), TABLES, "R4")
    patient = Item("p", "patient", {"label": "the patient"})
    homes = {
        "one": Home("Condition", "1", "urn:uuid:1", None),
        "p": Home("Patient", "2", "urn:uuid:2", "the patient"),
        "other": Home("Procedure", "3", "urn:uuid:3", None),
    }
    held(program, item, Site({"one": item, "p": patient}, homes, []))


@pytest.mark.parametrize("release", RELEASES)
def test_what_is_made_shares_nothing_with_what_is_made_next(release: str) -> None:
    document = json.loads(EVERYTHING.read_bytes())

    def made() -> list[Any]:
        (case, *_) = cases(copy.deepcopy(document), "0.1.0", "https://doi.org")
        return build(case, TABLES, release).resources

    first = made()
    wanted = serialise({"all": first})
    ids = {id(node) for node in nodes(first)}
    second = made()
    assert not ids & {id(node) for node in nodes(second)}
    for node in nodes(first):
        node.clear()
    assert serialise({"all": made()}) == wanted


def nodes(item: Any) -> list[Any]:
    """Return every object and list in a value, the innermost first."""
    inner = item.values() if isinstance(item, dict) else item if isinstance(item, list) else ()
    listed = [node for value in inner for node in nodes(value)]
    return [*listed, item] if isinstance(item, dict | list) else listed


def test_the_text_of_a_function_names_its_rows_and_runs_for_every_set_of_rows() -> None:
    for release in RELEASES:
        for program in programs_of(TABLES, release).values():
            text = program.source()
            compile(text, "text", "exec")
            for arrow in program.arrows:
                assert repr(arrow.row.origin) in text
            assert program.source(traced=True).count("placed.append") >= len(program.arrows)


def test_what_a_table_says_is_never_code() -> None:
    word = "'''\"\"\"\\'); raise SystemExit  #\n"
    row = Row("one", "code.text", "string", "", word, "", (), "", "", f"{word}.csv:1")
    program = Program(
        "one", "Condition", tuple(judged(list(arrows_of(row, TABLES, "R4")))), TABLES, "R4"
    )
    item = Item("one", "condition", {})
    made, _ = program.fill(item, "1", Site({"one": item}, {}, []))
    assert made["code"] == {"text": word.strip()}
