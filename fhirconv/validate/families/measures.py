"""Measures and their reports: groups and populations with codes, scores as the scoring asks."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from fhirconv.validate.scope import Node, Problem, Scope, error, nodes, quoted, warning

COHORT, PROPORTION, RATIO, CONTINUOUS = "cohort", "proportion", "ratio", "continuous-variable"
SCORED = (PROPORTION, RATIO, CONTINUOUS)
SCORE = "measureScore"  # Quantity, or a choice of types that R5 has
DATA, SUBJECTS = "data-collection", "subject-list"
Codes = set[tuple[Any, Any]]


def measure(value: Node, scope: Scope) -> Iterator[Problem]:
    """Check a Measure: groups, their populations, and what tells them apart (measure.html)."""
    groups = nodes(value, "group")
    if not groups:
        yield warning("required", "a measure has at least one group")
    for index, group in enumerate(groups):
        if len(groups) > 1 and "code" not in group:
            yield warning("required", "one of several groups has a code", "group", index)
        populations = nodes(group, "population")
        if not populations:
            yield warning("required", "a group has at least one population", "group", index)
        for number, population in enumerate(populations):
            if len(populations) > 1 and "code" not in population:
                message = "one of several populations has a code"
                yield warning("required", message, "group", index, "population", number)


def measure_report(value: Node, scope: Scope) -> Iterator[Problem]:
    """Check a MeasureReport against its Measure, where this is contained or in its Bundle."""
    found = _measure(value, scope)
    if found is None:
        return
    asked, given = nodes(found, "group"), nodes(value, "group")
    if len(asked) == 1 and len(given) == 1 and "code" not in given[0]:
        yield from _group(given[0], asked[0], found, value, ("group", 0))
        return
    reported: list[int] = []
    for index, group in enumerate(given):
        match = _match(group, asked)
        if match is None:
            message = f"no group of the measure has the code {_shown(group)}"
            yield error("not-found", message, "group", index)
        else:
            reported.append(id(match))
            yield from _group(group, match, found, value, ("group", index))
    for group in asked:
        if _codes(group) and id(group) not in reported and value.get("type") != DATA:
            yield error("required", f"the group {_shown(group)} of the measure is not reported")


def _measure(value: Node, scope: Scope) -> Node | None:
    """Return the measure that a report names, where it is here."""
    url = value.get("measure")
    if not isinstance(url, str):
        return None
    plain = url.partition("|")[0]
    contained = [r for r in nodes(value, "contained") if r.get("resourceType") == "Measure"]
    if plain.startswith("#"):
        return next((r for r in contained if r.get("id") == plain[1:]), None)
    entries = scope.index.entries if scope.index else ()
    resources = [e["resource"] for e in entries if isinstance(e.get("resource"), dict)]
    measures = (r for r in resources if r.get("resourceType") == "Measure")
    return next((r for r in measures if r.get("url") == plain), None)


def _codes(part: Node) -> Codes:
    concept = part.get("code")
    codings = nodes(concept, "coding") if isinstance(concept, dict) else []
    return {(c.get("system"), c.get("code")) for c in codings if "code" in c}


def _shown(part: Node) -> str:
    codes = sorted(str(code) for _, code in _codes(part))
    return quoted(codes[0]) if codes else "that it has not"


def _match(part: Node, asked: list[Node]) -> Node | None:
    """Return the part of a measure that a part of a report is of: by linkId, then by code."""
    link = part.get("linkId")
    if isinstance(link, str):
        found = next((a for a in asked if a.get("linkId") == link), None)
        if found is not None:
            return found
    codes = _codes(part)
    return next((a for a in asked if codes & _codes(a)), None)


def _group(
    group: Node, asked: Node, found: Node, report: Node, steps: tuple[str | int, ...]
) -> Iterator[Problem]:
    yield from _score(group, asked, found, report, steps)
    populations, wanted = nodes(group, "population"), nodes(asked, "population")
    reported: list[int] = []
    for index, population in enumerate(populations):
        place = (*steps, "population", index)
        match = _match(population, wanted)
        if match is None and (_codes(population) or len(populations) > 1):
            message = f"no population of the group has the code {_shown(population)}"
            yield error("not-found", message, *place)
        else:
            reported.append(id(match))
        yield from _count(population, report, place)
    if any(_codes(p) for p in populations) or not populations:
        for one in wanted:
            if _codes(one) and id(one) not in reported and report.get("type") != DATA:
                message = f"the population {_shown(one)} of the measure is not reported"
                yield error("required", message, *steps)


def _count(population: Node, report: Node, place: tuple[str | int, ...]) -> Iterator[Problem]:
    if report.get("type") != SUBJECTS:
        if "count" not in population:
            yield warning(
                "required", "a population that is no list of subjects has a count", *place
            )
        if "subjectResults" in population:
            message = "subjects are listed in a report of type subject-list only"
            yield error("business-rule", message, *place, "subjectResults")


def _scoring(asked: Node, found: Node) -> str:
    """Return how a group is scored, as it or its measure says."""
    for concept in (asked.get("scoring"), found.get("scoring")):
        codings = nodes(concept, "coding") if isinstance(concept, dict) else []
        if codings:
            return str(codings[0].get("code"))
    return ""


def _score(
    group: Node, asked: Node, found: Node, report: Node, steps: tuple[str | int, ...]
) -> Iterator[Problem]:
    """Hold that a score is there where the scoring asks for one, and as it asks."""
    name = next((n for n in group if n.startswith("measureScore")), "")
    scoring = _scoring(asked, found)
    if name and report.get("type") == DATA:
        yield error("business-rule", "a report of data-collection has no score", *steps, SCORE)
    elif name and scoring == COHORT:
        yield error("business-rule", "a measure of cohort has no score", *steps, SCORE)
    elif not name and scoring in SCORED and report.get("type") != DATA:
        yield error("required", f"a measure of {scoring} has a score", *steps)
    elif name and isinstance(group[name], dict):
        yield from _amount(group[name], scoring, (*steps, SCORE))


def _amount(score: Node, scoring: str, place: tuple[str | int, ...]) -> Iterator[Problem]:
    value = score.get("value")
    if scoring in SCORED and value is None and "coding" not in score:
        yield error("required", f"the score of a measure of {scoring} has a value", *place)
    if scoring == PROPORTION:
        number = isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)
        if number and not 0 <= value <= 1:  # type: ignore[operator]
            yield error("value", f"a proportion is from 0 to 1, not {value}", *place, "value")
    if scoring == PROPORTION and ("unit" in score or "code" in score):
        yield error("business-rule", "a proportion has no unit", *place)
    if scoring == CONTINUOUS and value is not None and "unit" not in score and "code" not in score:
        yield warning("business-rule", "a continuous variable has a unit", *place)
