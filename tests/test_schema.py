"""The compiled schema says what jsonschema says, of every document and every single change."""

import copy
import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from fhirconv.schema import compiled
from fhirconv.tables import MAPPINGS

SCHEMA = orjson.loads((MAPPINGS / "facts.schema.json").read_bytes())
EVERYTHING = Path(__file__).parent / "cases" / "everything.facts.json"
OTHERS: list[Any] = [None, True, 0, -1, 1.5, 3.0, "", "x", "2014-01", "present", [], ["x"], {}]

keeps = compiled(SCHEMA)
validator = Draft202012Validator(SCHEMA)


def places(item: Any, path: tuple[Any, ...] = ()) -> Any:
    """Yield the path of every value in a document."""
    yield path
    steps = item.items() if isinstance(item, dict) else ()
    steps = enumerate(item) if isinstance(item, list) else steps
    for step, value in steps:
        yield from places(value, (*path, step))


DOCUMENT = json.loads(EVERYTHING.read_bytes())
PLACES = [path for path in places(DOCUMENT) if path]


def changed(path: tuple[Any, ...], value: Any, how: str) -> Any:
    document = copy.deepcopy(DOCUMENT)
    item = document
    for step in path[:-1]:
        item = item[step]
    if how == "replace":
        item[path[-1]] = value
    elif how == "drop":
        del item[path[-1]]
    elif isinstance(item, dict):
        item["stranger"] = value
    else:
        item.append(value)
    return document


def test_a_sound_document_keeps_the_schema() -> None:
    assert keeps(DOCUMENT)
    assert validator.is_valid(DOCUMENT)


@settings(max_examples=250, deadline=None)
@given(
    st.sampled_from(PLACES), st.sampled_from(OTHERS), st.sampled_from(["replace", "drop", "add"])
)
def test_every_change_is_judged_as_jsonschema_judges_it(
    path: tuple[Any, ...], value: Any, how: str
) -> None:
    document = changed(path, value, how)
    assert keeps(document) == validator.is_valid(document)


@pytest.mark.parametrize("value", OTHERS)
def test_what_is_no_document_is_judged_alike(value: Any) -> None:
    assert keeps(value) == validator.is_valid(value) is False


def test_a_keyword_that_is_not_known_is_never_left_out() -> None:
    with pytest.raises(ValueError, match="the keyword 'maxLength' of JSON Schema is not known"):
        compiled({"type": "string", "maxLength": 3})
