"""The agreement with HL7's test suite: as good as it is said to be, each difference explained."""

from pathlib import Path

from tools.agreement import REASONS, page, verdicts

PAGE = Path(__file__).resolve().parents[1] / "docs" / "validator-agreement.md"


def test_the_page_is_what_the_cases_say_and_every_difference_has_its_reason(shared):
    import csv

    found = list(verdicts(shared / "validator-cases"))
    with REASONS.open(encoding="utf-8", newline="") as file:
        reasons = {(row["release"], row["case"]): row["reason"] for row in csv.DictReader(file)}
    assert page(found, reasons) == PAGE.read_text(encoding="utf-8")
    assert {(v.release, v.name) for v in found if not v.agrees} == set(reasons)
    assert sum(v.agrees for v in found) >= 74
