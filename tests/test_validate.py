"""Each defect of a good bundle is found, once, where it stands; a good bundle has none."""

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fhirconv.errors import ReadError, TableError
from fhirconv.outcome import Issue
from fhirconv.tables import Tables, built_in
from fhirconv.validate import load_json, validate

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
