"""What the validator remembers changes nothing that it finds, is bounded, and keeps work linear."""

import copy
import itertools
import sys
from typing import Any

import pytest

from fhirconv.tables import built_in
from fhirconv.validate import validate
from fhirconv.validate.definitions import definitions_of
from fhirconv.validate.engine import FORMS, Plan, engine_of
from fhirconv.validate.families.forms import LONGEST, MEMORY, MOST, Spot, form_of
from fhirconv.validate.plain import is_plain

RELATIVE = "http://hl7.org/fhir/StructureDefinition/cqf-relativeDateTime"
ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
DIV = '<div xmlns="http://www.w3.org/1999/xhtml">{}</div>'


def patient(number: int, **more: Any) -> dict[str, Any]:
    """Return a small sound Patient that no other is like."""
    return {
        "resourceType": "Patient",
        "id": f"p{number}",
        "text": {"status": "generated", "div": DIV.format(f"<p>Patient {number}</p>")},
        "identifier": [{"system": "urn:ietf:rfc:3986", "value": f"urn:oid:1.2.{number}"}],
        "gender": "female",
        **more,
    }


def bundle(count: int) -> dict[str, Any]:
    """Return a Bundle of so many Patients, each of which refers to the one before it."""
    address = "urn:uuid:00000000-0000-4000-8000-{:012x}"
    entries = []
    for number in range(count):
        link = {"other": {"reference": address.format(max(number - 1, 0))}, "type": "seealso"}
        held = patient(number, link=[link])
        entries.append({"fullUrl": address.format(number), "resource": held})
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def calls(value: Any) -> int:
    """Return how many functions are called to validate a value."""
    count = 0

    def note(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        assert list(validate(value, "R4")) == []
    finally:
        sys.setprofile(before)
    return count


def test_the_work_is_linear_in_the_resources() -> None:
    list(validate(bundle(200), "R4"))  # what is remembered, and compiled once, is no work
    few, more, most = (calls(bundle(count)) for count in (50, 100, 200))
    assert most - more <= 2.1 * (more - few)


def absent(code: str) -> dict[str, Any]:
    return {"_birthDate": {"extension": [{"url": ABSENT, "valueCode": code}]}}


def relative(code: str) -> dict[str, Any]:
    parts = [
        {"url": "target", "valueReference": {"reference": "Patient/p1"}},
        {"url": "targetPath", "valueString": "Patient.birthDate"},
        {"url": "relationship", "valueCode": code},
        {"url": "offset", "valueDuration": {"value": 1}},
    ]
    return {"_birthDate": {"extension": [{"url": RELATIVE, "extension": parts}]}}


MEMORIES = [  # what is sound, and what looks like it and is not, each more of a Patient
    pytest.param(absent("unknown"), absent("unheard"), id="the code of an extension"),
    pytest.param(relative("after"), relative("beside"), id="the code of a part"),
    pytest.param({"birthDate": "2020-02-28"}, {"birthDate": "2020-02-30"}, id="a date"),
    pytest.param({"language": "de"}, {"language": "d e"}, id="a language"),
    pytest.param(
        {"contact": [{"name": {"text": "A"}}]}, {"contact": [{"gender": "male"}]}, id="names"
    ),
    pytest.param(
        {"identifier": [{"system": "urn:ietf:rfc:3986", "value": "urn:oid:1.2"}]},
        {"identifier": [{"system": "urn:ietf:rfc:3986", "value": "no uri"}]},
        id="the value of an identifier",
    ),
]


def told(more: dict[str, Any]) -> list[str]:
    return [str(issue) for issue in validate(patient(0, **more), "R4")]


@pytest.mark.parametrize(("sound", "broken"), MEMORIES)
def test_what_was_sound_before_hides_nothing(sound: dict[str, Any], broken: dict[str, Any]) -> None:
    first = told(broken)
    quiet = told(sound)
    assert first
    assert set(first) - set(quiet)
    assert told(sound) == quiet
    assert told(broken) == first


def test_the_order_of_names_changes_no_finding() -> None:
    value = patient(1, gender="no gender", deceasedBoolean=False, deceasedDateTime="2020")
    turned = dict(reversed(value.items()))
    found = {str(issue) for issue in validate(value, "R4")}
    assert len(found) > 1
    assert {str(issue) for issue in validate(turned, "R4")} == found


def plan() -> Plan:
    definitions = definitions_of(built_in(), "R4")
    return Plan(definitions.shape("HumanName"), None, engine_of(definitions, built_in()))


def test_the_forms_of_a_type_that_are_remembered_are_bounded() -> None:
    made, names = plan(), ("use", "text", "family", "given", "prefix", "suffix")
    for order in itertools.permutations(names):
        assert made.form(dict.fromkeys(order)).is_sound
        assert len(made.forms) <= FORMS


def test_a_form_with_an_unknown_name_is_not_remembered() -> None:
    made = plan()
    assert not made.form({"family": "A", "familiar": "B"}).is_sound
    assert not made.forms


def test_the_forms_of_extensions_that_are_remembered_are_bounded() -> None:
    spot = Spot(frozenset())
    for number in range(MEMORY + 9):
        spot.remember((str(number),))
    assert len(spot.sound) <= MEMORY


ODD = [  # extensions whose form is not told
    {"url": 1, "valueCode": "a"},
    {"url": "http://a.b/c", "valueCode": ["a"]},
    {"url": "x" * (LONGEST + 1)},
    {"url": "http://a.b/c", "valueCode": "x" * LONGEST},
    {"url": "http://a.b/c", "extension": {"url": "part"}},
    {"url": "http://a.b/c", "extension": ["part"]},
    {"url": "http://a.b/c", "extension": [{"url": ["part"]}]},
    {"url": "http://a.b/c", "extension": [{"url": "part"}] * (MOST + 1)},
]


@pytest.mark.parametrize("extension", ODD, ids=lambda extension: str(extension)[:40])
def test_an_odd_extension_has_no_form(extension: dict[str, Any]) -> None:
    assert form_of(copy.deepcopy(extension), "extension") is None


@pytest.mark.parametrize("blank", ["", " ", "<p> </p>", "<ul><li>\n</li></ul>", "<br/>"])
def test_a_narrative_of_spaces_is_not_plain(blank: str) -> None:
    assert not is_plain(DIV.format(blank), None)
    assert is_plain(DIV.format(f"{blank}word"), None)
