"""JSON that is broken or odd is refused with one sentence that says where."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhirconv.errors import ReadError
from fhirconv.validate import load_json

BROKEN = [
    (b"", "the file is empty where a JSON document should be, at line 1, column 1"),
    (b" \n ", "the file is empty where a JSON document should be"),
    (b"{", "the JSON breaks off: the file is cut short, at line 1, column 2"),
    (b'{"a": [1, 2', "the JSON breaks off"),
    (b'{"a":\n "text', "the JSON breaks off: the file is cut short, at line 2, column 2"),
    (b'{"a": 1,}', "this is no JSON (expecting property name"),
    (b'{"a": 1 // note\n}', "this is no JSON (expecting ',' delimiter): '// note', at line 1"),
    (b'{"a": 1} {"b": 2}', "this is no JSON (extra data)"),
    (b"<html></html>", "this is XML or HTML: FHIR is read as JSON (application/fhir+json) alone"),
    (b"{'a': 1}", "this is no JSON (expecting property name"),
    (b'{"a": 01}', "this is no JSON (expecting ',' delimiter)"),
    (b'{"a": "tab\there"}', "this is no JSON (invalid control character"),
    (b'{"a": 1,\n "b": {"c": 1, "c": 2}}', "the key 'c' stands twice in one object, at line 2"),
    (b'{"a": 1, "\\u0061": 2}', "the key 'a' stands twice in one object, at line 1, column 10"),
    (b'[{"a": 1}, {"a": 1, "b": 2, "a": 3}]', "the key 'a' stands twice in one object"),
    (b'{"a": NaN}', "NaN is no number of JSON, at line 1, column 7"),
    (b'{"a": "NaN",\n "b": -Infinity}', "-Infinity is no number of JSON, at line 2, column 7"),
    (b'{"a": "\xe9"}', "the file is not UTF-8: the byte 0xe9, at line 1, column 8"),
    ('{"a": 1}'.encode("utf-16"), "the file is not UTF-8: the byte 0xff, at line 1, column 1"),
    (b"[" * 100_000, "the JSON is nested too deeply to be read"),
    (b'{"a": ' + b"9" * 5000 + b"}", "a number has too many digits to be read, at line 1"),
]


@pytest.mark.parametrize(("data", "message"), BROKEN)
def test_broken_json_is_one_sentence_with_line_and_column(data: bytes, message: str) -> None:
    with pytest.raises(ReadError) as caught:
        load_json(data, "case.json")
    assert message in caught.value.message
    assert ", at line " in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.where == "case.json"


def test_the_same_key_in_two_objects_is_no_duplicate() -> None:
    assert load_json(b'[{"a": 1}, {"a": {"a": 2}}]') == [{"a": 1}, {"a": {"a": 2}}]


def test_a_byte_order_mark_is_read_over() -> None:
    assert load_json(b"\xef\xbb\xbf{}") == {}


def test_a_fraction_keeps_its_digits() -> None:
    found = load_json(b"[1.10, 1e400, 0.1, 5]")
    assert list(map(str, found)) == ["1.10", "1E+400", "0.1", "5"]
    assert [type(number) for number in found] == [Decimal, Decimal, Decimal, int]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**18), 10**18) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(VALUES, st.booleans())
def test_what_json_writes_is_read_back(value: object, ascii_only: bool) -> None:
    assert load_json(json.dumps(value, ensure_ascii=ascii_only).encode(errors="replace")) == value


@given(VALUES, st.data())
def test_what_is_cut_short_is_said_to_be(value: object, data: st.DataObject) -> None:
    text = json.dumps({"kept": value}).encode()
    cut = data.draw(st.integers(0, len(text) - 1))
    with pytest.raises(ReadError, match=r"cut short|the file is empty"):
        load_json(text[:cut])
