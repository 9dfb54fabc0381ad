"""What a facts document may be, and how one that is not is told."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhirconv.errors import FactsError
from fhirconv.facts import check, evidence_of, fact_id
from fhirconv.tables import MAPPINGS, built_in
from tests.test_build import PRESENT, small

SCHEMA = MAPPINGS / "facts.schema.json"


def sound() -> dict[str, Any]:
    document = small("condition", dict(PRESENT), verification="confirmed")
    other = copy.deepcopy(document["facts"][0])
    other |= {"id": "two", "kind": "procedure"}
    del other["verification"]
    document["facts"].append(other)
    words = document["facts"][0]["evidence"]
    treats = {"type": "treats", "from": "two", "to": "one", "explicit": True, "evidence": words}
    document["relations"].append(treats)
    return document


def checked(document: Any, text: str | None = None) -> Any:
    return check(document, SCHEMA, "a.json", text, built_in().relations)


def test_a_sound_document_is_returned_as_it_is() -> None:
    assert checked(sound(), "asthma") == sound()


def change(document: Any, path: str, value: Any) -> Any:
    """Set one value at a path such as facts.0.label; None takes it away."""
    *steps, last = path.split(".") if path else [""]
    item = document
    for step in steps:
        item = item[int(step) if step.isdecimal() else step]
    if value is None:
        del item[last]
    else:
        item[int(last) if last.isdecimal() else last] = value
    return document


UNSOUND = [  # where, which value, what is said
    ("schemaVersion", None, "schemaVersion is missing: this is no facts document [a.json]"),
    ("schemaVersion", "0.9", "schemaVersion '0.9' is older than 1.0: extract the report anew"),
    ("schemaVersion", "2.0", "schemaVersion '2.0' is not known here (known: 1.0)"),
    ("facts.0.kind", "illness", "'illness' is not one of condition, status_change"),
    ("facts.0.kind", "illness", "[a.json: facts[one].kind]"),
    ("facts.0.colour", "red", "unknown field ('colour' was unexpected) [a.json: facts[one]]"),
    ("facts.0.verification", None, "'verification' is a required property"),
    ("facts.0.assertion.polarity", "maybe", "[a.json: facts[one].assertion.polarity]"),
    ("facts.0.evidence", [], "[a.json: facts[one].evidence]"),
    ("facts.1.id", "one", "the id 'one' stands 2 times"),
    ("facts.1.id", "device", "the id 'device' is that of a part of the document: give the fact"),
    ("facts.1.id", "composition-p1", "give the fact another [a.json: facts[composition-p1]]"),
    ("facts.1.patient", "p9", "no fact has the id 'p9' [a.json: facts[two].patient]"),
    ("relations.0.to", "gone", "no fact has the id 'gone' [a.json: relations[0].to]"),
    ("relations.0.to", "two", "'treats' cannot lead to a procedure, as 'two' is"),
    ("facts.1.product", "gone", "no fact has the id 'gone' [a.json: facts[two].product]"),
    ("facts.0.evidence.0.end", 9, "the quote 'asthma' is not as long as its offsets say"),
]


@pytest.mark.parametrize(("path", "value", "said"), UNSOUND)
def test_what_is_wrong_is_told_with_the_fact_and_the_field(
    path: str, value: Any, said: str
) -> None:
    with pytest.raises(FactsError) as error:
        checked(change(sound(), path, value))
    assert said in str(error.value)


@pytest.mark.parametrize("value", [[], "text", 7, None])
def test_what_is_no_object_is_no_facts_document(value: Any) -> None:
    with pytest.raises(FactsError, match="a facts document is a JSON object"):
        checked(value)


def test_a_quote_that_the_report_does_not_say_is_told() -> None:
    with pytest.raises(FactsError) as error:
        checked(sound(), "eczema")
    said = "the report does not say 'asthma' at this place [a.json: facts[one].evidence[0] 0-6]"
    assert str(error.value) == said


def test_times_anchored_in_a_circle_are_told() -> None:
    document = sound()
    for fact, target in zip(document["facts"], ("two", "one"), strict=True):
        anchor = {"fact": target, "relation": "after"}
        fact["time"] = {"kind": "relative", "anchors": [anchor]}
    with pytest.raises(FactsError, match="times are anchored in a circle: one -> two -> one"):
        checked(document)


@pytest.mark.parametrize("seed", ["seed000", "seed004"])
def test_the_curated_facts_of_the_founding_reports_are_sound(shared: Path, seed: str) -> None:
    document = json.loads((shared / "gold" / f"{seed}.facts.json").read_bytes())
    (report,) = (shared / "seeds").glob(document["source"]["file"])
    text = report.read_bytes().decode("utf-8")
    assert checked(document, text) == document
    assert sum(1 for _ in evidence_of(document)) > 30


@given(st.text(), st.text(), st.lists(st.text(), max_size=4))
def test_an_id_is_well_formed_and_not_taken(kind: str, label: str, before: list[str]) -> None:
    import re

    taken: set[str] = set()
    for words in [*before, label, label]:
        name = fact_id(kind, words, taken)
        assert name not in taken
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)
        taken.add(name)


def test_a_second_fact_of_the_same_words_gets_an_ordinal() -> None:
    assert fact_id("condition", "liver GVHD", set()) == "condition-liver-gvhd"
    assert fact_id("condition", "liver GVHD", {"condition-liver-gvhd"}) == "condition-liver-gvhd-2"
