"""What stands inside what in a narrative: lists, tables, paragraphs, links that lead somewhere."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from fhirconv.validate.scope import Scope, nodes, quoted

NAMESPACE = "{http://www.w3.org/1999/xhtml}"
NOTHING = "-"


@dataclass(frozen=True, slots=True)
class Nesting:
    """What an element of XHTML may hold, where it may stand, and what may not stand below it."""

    holds: frozenset[str]
    inside: frozenset[str]
    never: frozenset[str]
    empty: bool


@lru_cache(maxsize=4)
def _rules(folder: Path) -> dict[str, Nesting]:
    with (folder / "nesting.csv").open(encoding="utf-8", newline="") as file:
        return {row["element"]: _rule(row) for row in csv.DictReader(file)}


def _rule(row: dict[str, str]) -> Nesting:
    empty = row["holds"] == NOTHING
    holds = frozenset(() if empty else row["holds"].split())
    return Nesting(holds, frozenset(row["inside"].split()), frozenset(row["never"].split()), empty)


def nesting_problem(root: Any, scope: Scope) -> str:
    """Say what of a narrative stands where HTML 4.0 does not allow it, '' where all is well."""
    rules = _rules(scope.definitions.folder)
    ahead: list[tuple[Any, str, dict[str, str]]] = [(root, "", {})]
    while ahead:
        element, above, barred = ahead.pop()
        name = element.tag.removeprefix(NAMESPACE)
        rule = rules.get(name)
        if name in barred:
            return f"{name} must not stand inside {barred[name]}"
        if rule is not None:
            problem = _misplaced(element, name, above, rule)
            if problem:
                return problem
            barred = {**barred, **dict.fromkeys(rule.never, name)} if rule.never else barred
        ahead.extend((child, name, barred) for child in _children(element))
    return ""


def _children(element: Any) -> Iterator[Any]:
    return (child for child in element if isinstance(child.tag, str))


def _misplaced(element: Any, name: str, above: str, rule: Nesting) -> str:
    if rule.inside and above not in rule.inside:
        return f"{name} must stand in {' or '.join(sorted(rule.inside))}, not in {above}"
    if rule.empty and (len(element) or (element.text or "").strip()):
        return f"{name} must be empty"
    if rule.holds:
        allowed = " and ".join(sorted(rule.holds))
        texts = (element.text, *(child.tail for child in element))
        if any((text or "").strip() for text in texts):
            return f"{name} must hold no text, only {allowed}"
        for child in _children(element):
            inner = child.tag.removeprefix(NAMESPACE)
            if inner not in rule.holds:
                return f"{name} must hold only {allowed}, not {inner}"
    return ""


TOP = "#"  # a link to the beginning


def link_problem(root: Any, scope: Scope) -> str:
    """Say which link within a narrative leads nowhere, '' where all do."""
    targets: set[str] | None = None
    for element in root.iter(f"{NAMESPACE}a", f"{NAMESPACE}img"):
        for attribute in ("href", "src"):
            given = element.get(attribute)
            if given is not None and not given.strip():
                return f"the {attribute} of {element.tag.removeprefix(NAMESPACE)} is empty"
            if given and given.startswith("#") and given != TOP:
                targets = _targets(root, scope) if targets is None else targets
                if given[1:] not in targets:
                    return f"nothing in the narrative has the id {quoted(given)}"
    return ""


def _targets(root: Any, scope: Scope) -> set[str]:
    """Return what a link within a narrative may lead to: ids, names, contained resources."""
    found = {e.get("id") for e in root.iter() if isinstance(e.tag, str)}
    found |= {e.get("name") for e in root.iter(f"{NAMESPACE}a")}
    found |= {str(r.get("id")) for r in nodes(scope.resource, "contained")}
    return {name for name in found if name}
