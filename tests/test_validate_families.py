"""The families of rules: each case is valid, or has one issue of a severity at its place.

What is right and wrong was held against HL7's own validator when the cases were written.
"""

import csv
from pathlib import Path

import pytest

from fhirconv.validate import load_json, validate

CASES = Path(__file__).parent / "cases" / "validate-families.csv"


def cases():
    with CASES.open(encoding="utf-8", newline="") as file:
        return [pytest.param(row, id=row["case"]) for row in csv.DictReader(file)]


@pytest.mark.parametrize("row", cases())
def test_a_resource_is_valid_or_has_the_issue_at_its_place(row):
    issues = list(validate(load_json(row["resource"].encode()), row["release"]))
    errors = [issue for issue in issues if issue.is_error]
    if row["verdict"] != "error":
        assert errors == []
    if row["verdict"] != "valid":
        told = [(i.severity, i.where) for i in issues if row["message"] in i.message]
        assert (row["verdict"], row["where"]) in told, issues
