"""Each defect of a good bundle is found, once, where it stands; a good bundle has none."""

import csv
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from copy import deepcopy
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhirconv.errors import TableError
from fhirconv.tables import MAPPINGS, Tables, built_in
from fhirconv.validate import load_json, validate
from fhirconv.validate.bundles import RULES as bundles_rules
from fhirconv.validate.definitions import definitions_of
from fhirconv.validate.invariants import RULES
from fhirconv.validate.models import check_models

CASES = Path(__file__).parent / "cases"
GOOD = {release: f"validate.{release.lower()}.json" for release in ("R4", "R5")}


def good(release: str) -> Any:
    """Return the good bundle of a release, fresh."""
    return load_json((CASES / GOOD[release]).read_bytes())


def cases() -> Iterator[Any]:
    """Yield the seeded defects, one a release that they stand for."""
    with (CASES / "validate.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            for release in row["releases"].split():
                yield pytest.param(row, release, id=f"{release}: {row['defect']} {row['at']}")


def entry_of(bundle: Any, kind: str) -> int:
    """Return the number of the entry that holds the resource of a type."""
    types = [entry["resource"]["resourceType"] for entry in bundle["entry"]]
    return types.index(kind)


def edited(bundle: Any, row: dict[str, str]) -> None:
    """Make one edit: set, add to an array, or remove, at /Type/element/0 of the bundle."""
    _, kind, *steps = row["at"].split("/")
    here = bundle if kind == "Bundle" else bundle["entry"][entry_of(bundle, kind)]["resource"]
    keys = [int(step) if re.fullmatch("-?[0-9]+", step) else step for step in steps]
    for key in keys[:-1]:
        here = here.setdefault(key, {}) if isinstance(key, str) else here[key]
    if row["edit"] == "remove":
        del here[keys[-1]]
        return
    named = {e["resource"]["resourceType"]: e["fullUrl"] for e in bundle["entry"]}
    text = re.sub("/@([A-Z][A-Za-z]+)", lambda m: "/" + named[m[1]][9:], row["value"])
    value = json.loads(re.sub("@([A-Z][A-Za-z]+)", lambda m: named[m[1]], text))
    if row["edit"] == "add":
        here[keys[-1]].append(value)
    else:
        here[keys[-1]] = value


def place(bundle: Any, where: str) -> str:
    """Return a place of a case as a FHIRPath of the bundle."""
    kind, dot, path = where.partition(".")
    if kind == "Bundle":
        return where.replace("[-1]", f"[{len(bundle['entry']) - 1}]")
    return f"Bundle.entry[{entry_of(bundle, kind)}].resource{dot}{path}"


@pytest.mark.parametrize("release", GOOD)
def test_a_good_bundle_has_no_issue(release: str) -> None:
    assert list(validate(good(release), release)) == []


@pytest.mark.parametrize(("row", "release"), list(cases()))
def test_a_defect_is_one_issue_with_its_place(row: dict[str, str], release: str) -> None:
    bundle = good(release)
    where = place(bundle, row["where"])
    edited(bundle, row)
    if "[-1]" in row["where"]:
        where = place(bundle, row["where"])
    issues = list(validate(bundle, release))
    assert [(i.severity, i.where) for i in issues] == [(row["severity"], where)], issues
    assert row["message"] in issues[0].message


def bundles() -> list[Any]:
    """Return the cases of Bundles of other types, one a release."""
    with (CASES / "validate-bundles.csv").open(encoding="utf-8", newline="") as file:
        return [
            pytest.param(row, release, id=f"{release}: {row['type']}: {row['defect']}")
            for row in csv.DictReader(file)
            for release in row["releases"].split()
        ]


@pytest.mark.parametrize(("row", "release"), bundles())
def test_a_bundle_keeps_the_rules_of_its_type(row: dict[str, str], release: str) -> None:
    bundle = good(release)
    bundle["type"] = row["type"]
    if row["type"] not in ("batch", "transaction"):
        for entry in bundle["entry"]:
            del entry["request"]
    where = row["where"] and place(bundle, row["where"])
    if row["edit"]:
        edited(bundle, row)
    if "[-1]" in row["where"]:
        where = place(bundle, row["where"])
    found = [(i.severity, i.where, i.message) for i in validate(bundle, release)]
    found = [issue for issue in found if "identifier.value" not in issue[2]]
    assert [issue[:2] for issue in found] == ([(row["severity"], where)] if where else []), found
    assert all(row["message"] in issue[2] for issue in found)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "null stands where a resource belongs"),
        (5, "a number stands where a resource belongs"),
        ("text", "a string stands where a resource belongs"),
        (True, "a boolean stands where a resource belongs"),
        ([], "an array stands where a resource belongs"),
        ({}, "the object has no resourceType, so it is no resource"),
        ({"entry": []}, "the object has no resourceType"),
        ({"resourceType": None}, "has no resource type null"),
        ({"resourceType": 5}, "FHIR R4 has no resource type 5"),
        ({"resourceType": "Conditon"}, "no resource type 'Conditon' (nearest: Condition"),
        ({"resourceType": "Citation"}, "FHIR R4 has no resource type 'Citation'"),
        ({"resourceType": "DomainResource"}, "FHIR R4 has no resource type 'DomainResource'"),
        ({"resourceType": "Quantity", "value": 1}, "FHIR R4 has no resource type 'Quantity'"),
    ],
)
def test_what_is_no_resource_is_one_error(value: Any, message: str) -> None:
    (issue,) = validate(value, "R4")
    assert issue.is_error
    assert message in issue.message


def test_a_resource_alone_is_checked_from_its_own_name() -> None:
    patient = {"resourceType": "Patient", "gender": "woman", "link": []}
    found = [(i.severity, i.where) for i in validate(patient, "R5")]
    assert found == [
        ("error", "Patient.gender"),
        ("error", "Patient.link"),
        ("warning", "Patient"),  # no narrative
    ]


def test_a_reference_by_urn_is_a_warning_where_no_bundle_is() -> None:
    reference = {"reference": "urn:uuid:11111111-2222-4333-8444-555555555555"}
    resource = {"resourceType": "Account", "status": "active", "subject": [reference]}
    (issue, _) = validate(resource, "R4")
    assert (issue.severity, issue.where) == ("warning", "Account.subject[0].reference")
    assert "there is no Bundle around the resource" in issue.message


def test_an_unknown_release_names_the_known_ones() -> None:
    with pytest.raises(TableError, match=r"no FHIR release called 'R3'.*R4, R5"):
        list(validate({}, "R3"))


def test_issues_are_the_same_and_in_the_same_order_each_time() -> None:
    bundle = good("R4")
    for number, entry in enumerate(bundle["entry"]):
        entry["resource"]["note"] = []
        entry["resource"]["language"] = number
    assert list(validate(bundle, "R4")) == list(validate(bundle, "R4"))
    numbers = [int(i.where.split("[")[1].split("]")[0]) for i in validate(bundle, "R4")]
    assert numbers == sorted(numbers)


def test_a_resource_nested_too_deeply_is_one_issue() -> None:
    resource: dict[str, Any] = {"resourceType": "Questionnaire", "status": "draft"}
    inside = resource
    for number in range(2000):
        inside["item"] = [{"linkId": str(number), "type": "group"}]
        inside = inside["item"][0]
    issues = [issue for issue in validate(resource, "R4") if issue.severity == "fatal"]
    assert [issue.message for issue in issues] == ["the resource is nested too deeply"]


@pytest.mark.parametrize("name", ["seed000.r4", "seed000.r5", "seed004.r4", "seed004.r5"])
def test_the_founding_bundles_have_no_issue(name: str, shared: Path) -> None:
    data = (shared / "gold" / f"{name}.bundle.json").read_bytes()
    assert list(validate(load_json(data), name[-2:].upper())) == []


def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    code = (
        "import sys, fhirconv, fhirconv.validate; heavy = {'lxml', 'pydantic', 'fhir'};"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules);"
        "list(fhirconv.validate.validate({'resourceType': 'Patient'}, 'R4'));"
        "assert 'pydantic' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def paths(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of everything in a JSON value."""
    if at:
        yield at
    items = value.items() if isinstance(value, dict) else ()
    items = enumerate(value) if isinstance(value, list) else items
    for key, child in items:
        yield from paths(child, (*at, key))


ODD = (
    *(None, 17, -3, 1.5, True, "", "x", "2024-02-31", "#a", "urn:uuid:x", "Patient/1", "Type?a=b"),
    *([], {}, [None], ["x"], [{}], {"id": "a"}, {"foo": 1}, {"coding": 5}, {"extension": {}}),
    *(float("nan"), 10**400, {"resourceType": ["a"]}, {"reference": "#a", "contained": 1}),
    {"resourceType": "Bundle", "type": "transaction", "entry": [{"request": []}, {"fullUrl": {}}]},
)
TYPES = ("transaction", "document", "collection", "history", "searchset", "message")


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_any_bundle_gets_issues_and_never_a_traceback(data: st.DataObject) -> None:
    release = data.draw(st.sampled_from(list(GOOD)))
    bundle = good(release) | {"type": data.draw(st.sampled_from(TYPES))}
    for _ in range(data.draw(st.integers(1, 3))):
        *above, last = data.draw(st.sampled_from(list(paths(bundle))))
        here = bundle
        for key in above:
            here = here[key]
        here[last] = deepcopy(data.draw(st.sampled_from(ODD)))
    for issue in validate(bundle, release):
        assert issue.severity in ("error", "warning", "fatal")
        assert issue.where.startswith(("Bundle", "$this"))
        assert "\n" not in issue.message


REFUSED = (
    ValueError,
    LookupError,
    AttributeError,
    TypeError,
    ArithmeticError,
)  # the models fall over too
MODELS = {name: release.models for name, release in built_in().releases.items()}


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_what_the_models_of_a_release_refuse_is_an_error_here(data: st.DataObject) -> None:
    release = data.draw(st.sampled_from(list(GOOD)))
    resource = data.draw(st.sampled_from(good(release)["entry"]))["resource"]
    model = import_module(MODELS[release]).get_fhir_model_class(resource["resourceType"])
    *above, last = data.draw(st.sampled_from(list(paths(resource))))
    here = resource
    for key in above:
        here = here[key]
    here[last] = data.draw(st.sampled_from((*ODD[:21], "removed")))
    if here[last] == "removed":
        del here[last]
    try:
        model.model_validate(resource)
    except REFUSED:
        assert any(issue.is_error for issue in validate(resource, release))


@pytest.mark.parametrize("release", built_in().releases)
def test_every_rule_of_a_release_fits_its_type(release: str) -> None:
    definitions = definitions_of(built_in(), release)
    for name, listed in definitions.invariants.items():
        shape = definitions.shape(name)
        for row in listed:
            assert row.rule in RULES, row.origin
            assert row.severity in ("error", "warning"), row.origin
            unknown = set(row.elements) - set(shape.names)
            assert not unknown or row.rule in bundles_rules, (row.origin, unknown)


def test_every_rule_in_code_is_one_of_the_table() -> None:
    known = [definitions_of(built_in(), release).invariants for release in GOOD]
    used = {row.rule for listed in known for rows in listed.values() for row in rows}
    assert used == set(RULES)


@pytest.mark.parametrize("release", built_in().releases)
def test_every_type_of_a_release_can_be_walked(release: str) -> None:
    definitions = definitions_of(built_in(), release)
    for name in definitions.resources:
        for element in definitions.shape(name).elements.values():
            if element.type not in definitions.primitives:
                assert definitions.shape_of(element).elements, (name, element.name)


def test_a_release_is_a_row_and_its_definitions(tmp_path: Path) -> None:
    rows = "release,version,models,default\nR4B,4.3.0,fhir.resources.R4B,\n"
    (tmp_path / "releases.csv").write_text(rows + "R6,6.0.0,fhir.resources,\n", encoding="utf-8")
    tables = Tables((MAPPINGS, tmp_path))
    citation = {"resourceType": "Citation", "status": "active", "text": {"status": "empty"}}
    (issue,) = validate(citation, "R4B", tables)
    assert issue.message == "Narrative lacks div, which is required"
    with pytest.raises(TableError, match="there are no definitions of the release 'R6'"):
        list(validate(citation, "R6", tables))


def test_a_display_of_the_users_own_table_is_known(tmp_path: Path) -> None:
    (tmp_path / "codes").mkdir()
    row = "term,code,display\nward's myeloma,SCT:109989006,Myeloma of our ward\n"
    (tmp_path / "codes" / "own.csv").write_text(row, encoding="utf-8")
    bundle = good("R4")
    coding = bundle["entry"][entry_of(bundle, "Condition")]["resource"]["code"]["coding"][0]
    coding["display"] = "Myeloma of our ward"
    assert [issue.severity for issue in validate(bundle, "R4")] == ["warning"]
    assert list(validate(bundle, "R4", Tables.of([tmp_path]))) == []


@pytest.mark.parametrize("url", [17, None, ["a"]])
def test_the_models_that_fall_over_a_value_say_so(url: Any) -> None:
    attachment = {"resourceType": "DocumentReference", "content": [{"attachment": {"url": url}}]}
    assert all(issue.is_error for issue in check_models(attachment, "R4"))
    assert "the models" in next(check_models(attachment, "R4")).message
