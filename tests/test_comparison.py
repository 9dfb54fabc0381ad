"""What differs between a resource and the one that a server has: ours, and nothing of its own."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhirconv.comparison import Change, changes, is_equal

Resource = dict[str, Any]

HOMES = {"urn:uuid:p": "Patient/p"}
DIV = '<div xmlns="http://www.w3.org/1999/xhtml" lang="en" xml:lang="en"><p>x</p></div>'
TURNED = '<div xml:lang="en" xmlns="http://www.w3.org/1999/xhtml" lang="en"><p>x</p></div>'

# what is sent, what the server has
THE_SAME: tuple[tuple[Resource, Resource], ...] = (
    ({}, {"meta": {"versionId": "3", "lastUpdated": "2026-01-01T00:00:00Z"}}),
    ({}, {"meta": {"source": "#kMN3"}}),
    ({"meta": {"source": "urn:a"}}, {"meta": {"source": "urn:a#kMN3", "versionId": "1"}}),
    ({"meta": {"source": "urn:a#b"}}, {"meta": {"source": "urn:a#b"}}),
    ({}, {"meta": {"tag": [{"code": "x"}], "profile": ["urn:y"]}}),
    ({"meta": {"tag": [{"code": "a"}]}}, {"meta": {"tag": [{"code": "x"}, {"code": "a"}]}}),
    ({}, {"text": {"status": "generated", "div": DIV}}),
    ({"text": {"div": DIV}}, {"text": {"div": TURNED}}),
    ({"subject": {"reference": "urn:uuid:p"}}, {"subject": {"reference": "Patient/p"}}),
    ({"subject": {"reference": "urn:uuid:p"}}, {"subject": {"reference": "urn:uuid:p"}}),
    ({"value": Decimal("1.50")}, {"value": 1.5}),
    ({"value": Decimal("0.1")}, {"value": 0.1}),
    ({"value": 7}, {"value": Decimal("7")}),
)


@pytest.mark.parametrize(("sent", "stored"), THE_SAME)
def test_what_a_server_adds_is_no_change(sent: Resource, stored: Resource) -> None:
    assert list(changes(sent, stored, HOMES)) == []


# what is sent, what the server has, what changes
DIFFERENT: tuple[tuple[Resource, Resource, list[Change]], ...] = (
    (
        {"code": {"text": "high fever"}},
        {"code": {"text": "fever"}},
        [Change("Condition.code.text", "fever", "high fever")],
    ),
    ({"note": []}, {}, [Change("Condition.note", None, [])]),
    ({}, {"onsetString": "old"}, [Change("Condition.onsetString", "old", None)]),
    ({"a": True}, {"a": 1}, [Change("Condition.a", 1, True)]),
    ({"meta": {"source": "urn:a"}}, {}, [Change("Condition.meta", None, {"source": "urn:a"})]),
    (
        {"meta": {"source": "urn:a"}},
        {"meta": {"source": "urn:b#kMN3"}},
        [Change("Condition.meta.source", "urn:b", "urn:a")],
    ),
    (
        {"text": {"div": DIV}},
        {"text": {"div": DIV.replace("x</p>", "y</p>")}},
        [Change("Condition.text.div", DIV.replace("x</p>", "y</p>"), DIV)],
    ),
    (
        {"text": {"div": "<div>"}},
        {"text": {"div": "<!DOCTYPE x><div/>"}},
        [Change("Condition.text.div", "<!DOCTYPE x><div/>", "<div>")],
    ),
    ({"a": [1, 2, 3]}, {"a": [1, 3]}, [Change("Condition.a[1]", None, 2)]),
    ({"a": [1, 3]}, {"a": [1, 2, 3]}, [Change("Condition.a[1]", 2, None)]),
    (
        {"a": [{"b": 1}, {"c": 2}]},
        {"a": [{"b": 0}]},
        [Change("Condition.a[0].b", 0, 1), Change("Condition.a[1]", None, {"c": 2})],
    ),
    (
        {"subject": {"reference": "urn:uuid:p"}},
        {"subject": {"reference": "Patient/q"}},
        [Change("Condition.subject.reference", "Patient/q", "Patient/p")],
    ),
)


@pytest.mark.parametrize(("sent", "stored", "found"), DIFFERENT)
def test_each_element_that_differs_is_told(
    sent: Resource, stored: Resource, found: list[Change]
) -> None:
    assert list(changes({"resourceType": "Condition"} | sent, stored | CONDITION, HOMES)) == found


CONDITION = {"resourceType": "Condition"}

values = st.recursive(
    st.booleans() | st.integers(0, 3) | st.text("ab", max_size=2),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("xyz"), inner, max_size=3)
    ),
    max_leaves=10,
)
resources = st.dictionaries(st.sampled_from("pqr"), values)


@settings(deadline=None)
@given(resources)
def test_a_resource_does_not_differ_from_itself(resource: Resource) -> None:
    assert list(changes(resource, resource, {})) == []


@settings(deadline=None)
@given(resources, resources)
def test_two_resources_differ_just_where_they_are_not_equal(one: Resource, other: Resource) -> None:
    assert bool(list(changes(one, other, {}))) == (_exact(one) != _exact(other))


def _exact(value: Any) -> Any:
    """Return a value that tells True from 1."""
    if isinstance(value, dict):
        return {name: _exact(one) for name, one in value.items()}
    return [_exact(one) for one in value] if isinstance(value, list) else (type(value), value)


def test_resources_are_equal_whatever_their_ids() -> None:
    assert is_equal({"id": "a", **CONDITION}, {"id": "1", **CONDITION}, {})
    assert is_equal(CONDITION, {"id": "1", **CONDITION}, {})
    assert not is_equal({"onsetString": "now", **CONDITION}, {"id": "1", **CONDITION}, {})
