"""Hostile input ends in issues: deep, huge, broken, circular; never in a traceback."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhirconv.inspection import Wanted, check_document

RELEASES = ("R4", "R5")


def patient(**more: Any) -> bytes:
    return json.dumps({"resourceType": "Patient", **more}).encode()


def nested(depth: int) -> bytes:
    inner = '{"url":"u","extension":[' * depth + '{"url":"u","valueCode":"a"}' + "]}" * depth
    return b'{"resourceType":"Patient","extension":[' + inner.encode() + b"]}"


def circle(count: int) -> bytes:
    """Return a Bundle whose resources lead to each other in a circle."""
    entries = [
        {
            "fullUrl": f"http://guide.test/Patient/{n}",
            "resource": {
                "resourceType": "Patient",
                "id": str(n),
                "link": [{"other": {"reference": f"Patient/{(n + 1) % count}"}, "type": "seealso"}],
            },
        }
        for n in range(count)
    ]
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}).encode()


def contained_circle() -> bytes:
    listed = [
        {"resourceType": "Patient", "id": f"c{n}", "managingOrganization": {"reference": f"#c{n}"}}
        for n in range(50)
    ]
    return patient(contained=listed, generalPractitioner=[{"reference": "#"}])


def twins(count: int) -> bytes:
    """Return a Bundle in which every resource has the same id and address."""
    one = {"fullUrl": "http://guide.test/Patient/a", "resource": {"resourceType": "Patient"}}
    one["resource"] |= {"id": "a", "link": [{"other": {"reference": "Patient/a"}}]}
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [one] * count}
    return json.dumps(bundle).encode()


def value(kind: str, word: str) -> bytes:
    """Return an extension with a value of a primitive type."""
    return patient(extension=[{"url": "http://guide.test/a", f"value{kind}": word}])


LONG = 200_000
LONG_DECIMAL = value("Decimal", "x").replace(b'"x"', b"1." + b"1" * LONG)
HOSTILE: list[tuple[str, bytes, str]] = [
    ("arrays without an end", b"[" * LONG, "nested too deeply"),
    ("objects without an end", b'{"a":' * LONG, "nested too deeply"),
    ("extensions in extensions", nested(5_000), "nested too deeply"),
    ("a number of many digits", b'{"resourceType":"Patient","a":' + b"9" * LONG + b"}", "digits"),
    ("a huge exponent", b'{"resourceType":"Patient","multipleBirthInteger":1e999999999}', ""),
    ("a tiny exponent", b'{"resourceType":"Patient","multipleBirthInteger":1e-999999999}', ""),
    (
        "a decimal of many digits",
        value("Decimal", 0).replace(b": 0}", b":1." + b"1" * LONG + b"}"),
        "",
    ),
    ("a long string", patient(gender="x" * LONG), "is no code"),
    ("a long name", patient(**{"x" * LONG: 1}), "has no element"),
    ("bytes that are no UTF-8", b'{"resourceType":"Patient","id":"\xff\xfe"}', "is not UTF-8"),
    ("half a surrogate", b'{"resourceType":"Patient","id":"\\ud800"}', ""),
    ("a null byte", b'{"resourceType":"Patient","id":"\x00"}', ""),
    ("a key twice", b'{"resourceType":"Patient","id":"a","id":"b"}', "twice"),
    ("many keys twice", b'{"resourceType":"Patient",' + b'"id":"a",' * 50_000 + b'"x":1}', "twice"),
    ("nothing", b"", "empty"),
    ("dates for a regex", value("DateTime", "2020-" + "01-" * LONG), ""),
    ("times for a regex", value("Instant", "2020-01-01T00:00:00." + "0" * LONG), ""),
    ("a URI for a regex", value("Uri", "a:" + "a:/" * LONG + " "), ""),
    ("blanks for a regex", value("Code", "a" + " a" * LONG + "  "), ""),
    ("base64 for a regex", value("Base64Binary", "AAAA " * LONG + "!"), ""),
    ("an id for a regex", patient(id="a" * LONG + "!"), ""),
    (
        "a unit for a parser",
        patient(
            extension=[
                {
                    "url": "http://guide.test/a",
                    "valueQuantity": {
                        "value": 1,
                        "system": "http://unitsofmeasure.org",
                        "code": "(" * 20_000 + "m",
                    },
                }
            ]
        ),
        "",
    ),
    (
        "a code for an expression",
        patient(
            maritalStatus={"coding": [{"system": "http://snomed.info/sct", "code": ":=" * LONG}]}
        ),
        "",
    ),
    (
        "a narrative of entities",
        patient(
            text={
                "status": "generated",
                "div": '<!DOCTYPE d [<!ENTITY a "'
                + "b" * 1000
                + '">]><div>'
                + "&a;" * 5_000
                + "</div>",
            }
        ),
        "",
    ),
    (
        "a narrative of tags",
        patient(
            text={
                "status": "generated",
                "div": '<div xmlns="http://www.w3.org/1999/xhtml">' + "<b>" * 20_000,
            }
        ),
        "",
    ),
    (
        "a reference for a regex",
        patient(managingOrganization={"reference": "http://a/" + "Patient/" * 50_000 + " "}),
        "",
    ),
    (
        "a search for a regex",
        patient(managingOrganization={"reference": "Organization?" + "a=b&" * 50_000}),
        "",
    ),
    ("references in a circle", circle(2_000), "narrative"),
    ("contained resources in a circle", contained_circle(), ""),
    ("thousands of one id", twins(5_000), "is the fullUrl of one before it"),
    ("many items", patient(name=[{"text": "A"}] * 20_000 + [{}]), "empty object"),
    (
        "resources in resources",
        b'{"resourceType":"Bundle","type":"collection","entry":[{"resource":' * 2_000
        + b"{}"
        + b"}]}" * 2_000,
        "",
    ),
]


@pytest.mark.parametrize(("name", "data", "words"), HOSTILE, ids=[name for name, _, _ in HOSTILE])
@pytest.mark.parametrize("release", RELEASES)
def test_hostile_input_ends_in_issues(name: str, data: bytes, words: str, release: str) -> None:
    checked = check_document("input.json", 0, data, Wanted(release))
    said = [finding.issue.message for finding in checked.findings]
    assert said
    assert any(words in message for message in said), said[:3]
    assert all(len(message) < 3_000 for message in said)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
NAMES = "id meta text contained extension name gender birthDate entry type code subject".split()
TYPES = ("Patient", "Bundle", "Questionnaire", "StructureDefinition", "Observation")


@given(
    st.sampled_from(TYPES),
    st.dictionaries(st.sampled_from([*NAMES, *(f"_{name}" for name in NAMES)]), JSON),
    st.sampled_from(RELEASES),
)
@settings(max_examples=200, deadline=None)
def test_any_content_of_a_resource_ends_in_issues(
    kind: str, content: dict[str, Any], release: str
) -> None:
    data = json.dumps({"resourceType": kind, **content}).encode()
    checked = check_document("input.json", 0, data, Wanted(release))
    assert all(finding.issue.line == 1 for finding in checked.findings)


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_bytes_end_in_issues(data: bytes) -> None:
    assert check_document("input.json", 0, data, Wanted("R4")).findings
