"""A code of a wrong form is told from a right one, by the rules of its system."""

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhirconv.errors import TableError
from fhirconv.tables import built_in
from fhirconv.validate.codes import CHECKS, code_problem, luhn_digit, verhoeff_sum
from fhirconv.validate.ucum import unit_problem

CASES = Path(__file__).parent / "cases" / "validate-codes.csv"


def cases() -> list[tuple[str, str, str]]:
    """Return (check, code, part of the problem; '' where the code is right)."""
    with CASES.open(encoding="utf-8", newline="") as file:
        return [(row["check"], row["code"], row["problem"]) for row in csv.DictReader(file)]


@pytest.mark.parametrize(("check", "code", "problem"), cases())
def test_a_code_is_well_formed_or_says_why_not(check: str, code: str, problem: str) -> None:
    found = code_problem(check, code)
    assert problem in found
    assert bool(found) == bool(problem), found


def test_each_check_has_right_and_wrong_codes() -> None:
    for check in CHECKS:
        assert {bool(p) for c, _, p in cases() if c == check} == {True, False}, check


def test_every_check_of_the_systems_is_known() -> None:
    assert {system.check for system in built_in().systems.values()} <= {"", *CHECKS}


def test_an_unknown_check_names_the_known_ones() -> None:
    with pytest.raises(TableError, match=r"no check .* called 'verhof' \(known: .*verhoeff"):
        code_problem("verhof", "109989006")


def test_no_check_lets_every_code_pass() -> None:
    assert code_problem("", "whatever") == ""


@given(st.integers(min_value=10**4, max_value=10**16))
def test_one_check_digit_of_verhoeff_is_right(number: int) -> None:
    assert [verhoeff_sum(f"{number}{digit}") for digit in range(10)].count(0) == 1


@given(st.integers(min_value=10**4, max_value=10**9), st.integers(0, 8))
def test_verhoeff_finds_two_digits_that_changed_places(number: int, at: int) -> None:
    digit = next(d for d in range(10) if verhoeff_sum(f"{number}{d}") == 0)
    right = f"{number}{digit}"
    at %= len(right) - 1
    swapped = right[:at] + right[at + 1] + right[at] + right[at + 2 :]
    assert swapped == right or verhoeff_sum(swapped) != 0


@given(st.integers(min_value=1, max_value=9999999), st.integers(0, 9))
def test_the_check_digit_of_loinc_changes_with_each_digit(number: int, digit: int) -> None:
    text = str(number)
    other = str((int(text[-1]) + 1 + digit % 9) % 10)
    assert text[-1] == other or luhn_digit(text) != luhn_digit(text[:-1] + other)


@given(st.text(alphabet="mgkLd/.(){}[]10*^ -{aHO2", max_size=20))
def test_any_text_is_a_unit_or_is_told_why_not(text: str) -> None:
    problem = unit_problem(text)
    assert problem == "" or problem.startswith("is no UCUM unit: ")
