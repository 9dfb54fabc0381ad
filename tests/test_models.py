"""The models of fhir.resources as a second opinion on what we make, and on what is broken."""

import copy
from pathlib import Path
from typing import Any

import pytest

from fhirconv.convert import convert
from fhirconv.validate.models import check_models

EVERYTHING = Path(__file__).parent / "cases" / "everything.facts.json"


@pytest.mark.parametrize("release", ["R4", "R5"])
def test_the_models_find_nothing_wrong_with_what_we_make(release: str) -> None:
    (bundle,) = convert(EVERYTHING, release).bundles
    assert [str(issue) for issue in check_models(bundle, release)] == []


BROKEN = [
    ("Condition", "subject", None, "Bundle.entry[4].resource"),
    ("Condition", "colour", "red", "Bundle.entry[4].resource.colour"),
    ("Condition", "bodySite", {"text": "neck"}, "Bundle.entry[4].resource.bodySite"),
]


@pytest.mark.parametrize(("kind", "name", "value", "place"), BROKEN)
def test_the_models_tell_what_breaks_the_structure(
    kind: str, name: str, value: Any, place: str
) -> None:
    (bundle,) = convert(EVERYTHING, "R4").bundles
    bundle = copy.deepcopy(bundle)
    resource = next(e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == kind)
    if value is None:
        del resource[name]
    else:
        resource[name] = value
    (issue,) = check_models(bundle, "R4")
    assert issue.where.startswith(place)
    assert issue.message.startswith("the models say: ")


@pytest.mark.parametrize("bundle", [None, [], "x", {"resourceType": "Nothing"}])
def test_what_is_no_resource_is_told_or_left_to_the_validator(bundle: Any) -> None:
    found = list(check_models(bundle, "R4"))
    assert all("the models know no resource type 'Nothing'" in issue.message for issue in found)
