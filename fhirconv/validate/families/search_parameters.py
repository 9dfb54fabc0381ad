"""SearchParameters: what they derive from, what they are composed of, characters of their code."""

import csv
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from fhirconv.validate.families.expressions import expression_problem
from fhirconv.validate.scope import Node, Problem, Scope, error, nodes, quoted, warning

SPECIAL = re.compile(r"[$|.]")
TYPE, COMPOSITE = "SearchParameter", "composite"
OPEN = ("Resource", "DomainResource")


@lru_cache(maxsize=4)
def _known(folder: Path, release: str) -> dict[str, tuple[str, frozenset[str]]]:
    """Return the type and the bases of HL7's search parameters by URL."""
    with (folder / "search_parameters.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if release in row["releases"].split()]
    return {row["url"]: (row["type"], frozenset(row["base"].split())) for row in rows}


def search_parameter(value: Node, scope: Scope) -> Iterator[Problem]:
    """Check a SearchParameter (searchparameter.html: derivedFrom, component, expression)."""
    code = value.get("code")
    if isinstance(code, str) and SPECIAL.search(code):
        message = f"{quoted(code)} has a character that means something else in a search"
        yield warning("business-rule", message, "code")
    components = nodes(value, "component")
    if value.get("type") == COMPOSITE and len(components) < 2:
        yield error("business-rule", f"a composite has {len(components)} components, not two")
    yield from _derived(value, scope)
    yield from _expressions(value, components, scope)


def _derived(value: Node, scope: Scope) -> Iterator[Problem]:
    url = value.get("derivedFrom")
    if not isinstance(url, str):
        return
    definitions = scope.definitions
    found = _known(definitions.folder, definitions.release).get(url.partition("|")[0])
    if found is None:
        message = f"the search parameter {quoted(url)} is not known, so nothing can be compared"
        yield warning("not-found", message, "derivedFrom")
        return
    kind, bases = found
    if value.get("type") != kind:
        message = f"the type is {quoted(value.get('type'))}, {url} is of type {kind}"
        yield error("business-rule", message, "type")
    given = value.get("base")
    for index, base in enumerate(given if isinstance(given, list) else ()):
        if base not in bases and bases.isdisjoint(OPEN):
            listed = ", ".join(sorted(bases))
            yield error("business-rule", f"{base} is no base of {url} ({listed})", "base", index)


def _expressions(value: Node, components: list[Node], scope: Scope) -> Iterator[Problem]:
    """Hold that the expressions can be read as FHIRPath, and name elements that there are."""
    bases = value.get("base")
    types = tuple(b for b in bases if isinstance(b, str)) if isinstance(bases, list) else ()
    problem = expression_problem(value.get("expression"), types, scope.definitions)
    if problem:
        yield error("invalid", problem, "expression")
    for index, component in enumerate(components):
        problem = expression_problem(component.get("expression"), (), scope.definitions)
        if problem:
            yield error("invalid", problem, "component", index, "expression")
