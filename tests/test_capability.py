"""What a server says of itself: what is an obstacle, and what is merely not said."""

from typing import Any

import pytest

from fhirconv.capability import Capability, Kind, capability_of, obstacles
from tests.test_server import CONDITION, PATIENT, put

Resource = dict[str, Any]
HERE = "http://127.0.0.1/fhir"


def statement(*codes: str, **kinds: Resource) -> Resource:
    """Return a CapabilityStatement of interactions and resource types."""
    rest: Resource = {"mode": "server"}
    if codes:
        rest["interaction"] = [{"code": code} for code in codes]
    if kinds:
        rest["resource"] = [{"type": kind} | said for kind, said in kinds.items()]
    return {"resourceType": "CapabilityStatement", "rest": [{"mode": "client"}, rest]}


# what is said, how bundles are sent
WAYS = (
    ({}, "transaction"),
    ({"rest": None}, "transaction"),
    ({"rest": [7, {}]}, "transaction"),
    (statement(), "transaction"),
    (statement("transaction", "history-system"), "transaction"),
    (statement("batch", "transaction"), "transaction"),
    (statement("batch"), "batch"),
    (statement("history-system"), "single"),
)


@pytest.mark.parametrize(("said", "way"), WAYS)
def test_a_bundle_is_sent_the_best_way_that_is_offered(said: Resource, way: str) -> None:
    assert capability_of(said).way == way


def test_each_type_tells_what_can_be_done_with_it() -> None:
    patient = {
        "interaction": [{"code": "create"}, {}],
        "searchParam": [{"name": "identifier"}],
        "updateCreate": False,
        "conditionalCreate": True,
    }
    said = statement("batch", Patient=patient, Device={"searchParam": "?", "updateCreate": "yes"})
    assert capability_of(said) == Capability(
        frozenset({"batch"}),
        {
            "Patient": Kind(frozenset({"create", "None"}), frozenset({"identifier"}), False, True),
            "Device": Kind(),
        },
    )


# what is said, what is in the way
OBSTACLES = (
    ({}, []),
    (statement("transaction"), []),
    (statement(Patient={}, Condition={}), []),
    (
        statement(Patient={}, Device={}),
        ["the server says that it takes no Condition (types in its statement: 2)"],
    ),
    (
        statement(Device={}),
        ["the server says that it takes no Patient and no Condition (types in its statement: 1)"],
    ),
    (statement(Patient={"updateCreate": True}, Condition={}), []),
    (
        statement(Patient={"updateCreate": False}, Condition={}),
        [
            "the server says that it lets no client choose the id of a Patient: try --ids server",
        ],
    ),
)


@pytest.mark.parametrize(("said", "messages"), OBSTACLES)
def test_what_a_server_says_that_it_cannot_take_is_an_obstacle(
    said: Resource, messages: list[str]
) -> None:
    found = list(obstacles(put(PATIENT, CONDITION), capability_of(said), HERE))
    assert [(i.is_error, i.message, i.where) for i in found] == [
        (True, message, HERE) for message in messages
    ]


def test_ids_that_the_server_chooses_are_no_obstacle() -> None:
    bundle = put(PATIENT)
    bundle["entry"][0]["request"] = {"method": "POST", "url": "Patient"}
    said = statement(Patient={"updateCreate": False})
    assert list(obstacles(bundle, capability_of(said), HERE)) == []
