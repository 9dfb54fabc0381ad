"""Vital signs: an Observation with a code of one keeps the profile that FHIR has for it."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from fhirconv.validate.definitions import Definitions
from fhirconv.validate.families.steps import step_of
from fhirconv.validate.families.urls import url_of
from fhirconv.validate.scope import Node, Problem, Scope, error, nodes, quoted

TIMES = ("effectiveDateTime", "effectivePeriod")
QUANTITY = "value.ofType(Quantity)"
DAY = len("2020-01-01")


@dataclass(frozen=True, slots=True)
class Sign:
    """One vital sign: the code that it must have, the codes that say so, and its units."""

    name: str
    code: str
    units: frozenset[str]
    parts: tuple[str, ...]  # the codes of its components


@lru_cache(maxsize=4)
def _signs(folder: Path) -> dict[tuple[str, str], Sign]:
    """Return the vital sign by the role of a code's system and the code."""
    found: dict[tuple[str, str], Sign] = {}
    with (folder / "vital_signs.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            sign = Sign(
                row["name"],
                row["code"],
                frozenset(row["units"].split()),
                tuple(row["parts"].split()),
            )
            for role in ("loinc", "snomed"):
                for code in row[role].split():
                    found.setdefault((role, code), sign)
    return found


def observation(value: Node, scope: Scope) -> Iterator[Problem]:
    """Check an Observation that is a vital sign (observation-vitalsigns.html)."""
    sign = _sign(value, scope.definitions)
    if sign is None:
        return
    said = f"this is a vital sign ({sign.name}): it"
    yield from _codes(value, sign, said, scope)
    if "subject" not in value:
        yield error("required", f"{said} has a subject")
    yield from _time(value, said, scope)
    if sign.parts:
        yield from _components(value, sign, said, scope)
    else:
        yield from _value(value, sign, said, scope)


def _sign(value: Node, definitions: Definitions) -> Sign | None:
    code, known = value.get("code"), _by_coding(definitions)
    codings = nodes(code, "coding") if isinstance(code, dict) else ()
    found = (known.get((str(c.get("system")), str(c.get("code")))) for c in codings)
    return next((sign for sign in found if sign is not None), None)


@lru_cache(maxsize=8)
def _by_coding(definitions: Definitions) -> dict[tuple[str, str], Sign]:
    """Return the vital sign by the URI of a code's system and the code."""
    listed = _signs(definitions.folder).items()
    return {(url_of(role, definitions), code): sign for (role, code), sign in listed}


def _has(holder: object, system: str, code: str) -> bool:
    listed = nodes(holder, "coding") if isinstance(holder, dict) else []
    return any(c.get("system") == system and c.get("code") == code for c in listed)


def _codes(value: Node, sign: Sign, said: str, scope: Scope) -> Iterator[Problem]:
    loinc = url_of("loinc", scope.definitions)
    if sign.code and not _has(value.get("code"), loinc, sign.code):
        yield error("required", f"{said} has the LOINC code {sign.code}, others beside it", "code")
    categories = url_of("observation-category", scope.definitions)
    if not any(_has(c, categories, "vital-signs") for c in nodes(value, "category")):
        yield error("required", f"{said} has the category vital-signs")


def _time(value: Node, said: str, scope: Scope) -> Iterator[Problem]:
    """Hold that the time is a day or a period (vs-1)."""
    named = next((n for n in value if n.startswith(("effective", "_effective"))), "")
    step = step_of("Observation", named, scope.definitions)
    if not named:
        yield error("required", f"{said} has a time, effective[x]")
    elif named.removeprefix("_") not in TIMES:
        yield error("structure", f"{said} has a time that is a dateTime or a Period", step)
    elif isinstance(value[named], str) and len(value[named]) < DAY:
        yield error("invariant", f"{said} has a time to the day, not {value[named]} (vs-1)", step)


def _components(value: Node, sign: Sign, said: str, scope: Scope) -> Iterator[Problem]:
    """Hold that the components of a sign are there, each with its value or why there is none."""
    loinc = url_of("loinc", scope.definitions)
    components = nodes(value, "component")
    for code in sign.parts:
        if not any(_has(c.get("code"), loinc, code) for c in components):
            yield error("required", f"{said} has a component with the LOINC code {code}")
    for index, component in enumerate(components):
        if any(_has(component.get("code"), loinc, code) for code in sign.parts):
            for problem in _value(component, sign, said, scope):
                problem.steps.extend((index, "component"))
                yield problem


def _value(value: Node, sign: Sign, said: str, scope: Scope) -> Iterator[Problem]:
    """Hold that a value is a quantity with a unit that the sign is measured in."""
    named = next((n for n in value if n.startswith("value")), "")
    others = ("dataAbsentReason", "component", "hasMember")
    if not named and not any(name in value for name in others):
        yield error("invariant", f"{said} has a value, or says why it has none (vs-2)")
    if named and named != "valueQuantity" and sign.units:
        step = step_of("Observation", named, scope.definitions)
        yield error("structure", f"{said} has a quantity for its value", step)
    quantity = value.get("valueQuantity")
    if not sign.units or not isinstance(quantity, dict):
        return
    for name in ("value", "unit", "system", "code"):
        if name not in quantity and f"_{name}" not in quantity:
            yield error("required", f"{said} has a {name} of its quantity", QUANTITY)
    code, system = quantity.get("code"), quantity.get("system")
    if isinstance(system, str) and system != url_of("ucum", scope.definitions):
        yield error("value", f"{said} has a unit of UCUM, not of {quoted(system)}", QUANTITY)
    elif isinstance(code, str) and code not in sign.units:
        listed = ", ".join(sorted(sign.units))
        message = f"{said} is measured in {listed}, not in {quoted(code)}"
        yield error("code-invalid", message, QUANTITY, "code")
