"""ValueSets and ConceptMaps: systems as systems, codes of them, filters that they know."""

import re
from collections.abc import Iterator
from typing import Any

from fhirconv.validate.families.urls import url_of
from fhirconv.validate.scope import Node, Problem, Scope, error, nodes, quoted, warning

BOOLEANS = ("true", "false")
HIERARCHIC = ("is-a", "descendent-of", "is-not-a", "generalizes", "child-of", "descendent-leaf")
VARIABLE = re.compile(r"%([A-Za-z0-9_-]+|'[^']*'|`[^`]*`)")
MOST = 1000  # concepts of an include that are looked up


def value_set(value: Node, scope: Scope) -> Iterator[Problem]:
    """Check the compose of a ValueSet (valueset.html#compositions)."""
    compose = value.get("compose")
    if not isinstance(compose, dict):
        return
    parameters = set(_parameters(value, scope))
    for name in ("include", "exclude"):
        for index, part in enumerate(nodes(compose, name)):
            for problem in _part(part, value, parameters, scope):
                problem.steps.extend((index, name, "compose"))
                yield problem


def _parameters(value: Node, scope: Scope) -> Iterator[str]:
    """Yield the names of the parameters that a value set declares."""
    role = url_of("value-set-parameter", scope.definitions)
    for extension in nodes(value, "extension"):
        if extension.get("url") == role:
            for part in nodes(extension, "extension"):
                if part.get("url") == "name":
                    yield str(part.get("valueCode") or part.get("valueString"))


def _part(part: Node, value: Node, parameters: set[str], scope: Scope) -> Iterator[Problem]:
    system = part.get("system")
    if isinstance(system, str):
        wrong = system_problem(system, scope)
        if wrong:
            yield error("value", wrong, "system")
            return
        yield from _concepts(part, system, scope)
    for index, given in enumerate(part.get("valueSet") or ()):
        if isinstance(given, str) and _is(given, "CodeSystem", scope):
            message = f"{quoted(given)} is a code system, a value set is needed"
            yield error("value", message, "valueSet", index)
    for index, given in enumerate(nodes(part, "filter")):
        for problem in _filter(given, str(system), parameters, scope):
            problem.steps.extend((index, "filter"))
            yield problem


def _is(url: str, kind: str, scope: Scope) -> bool:
    return scope.definitions.find(kind, url) is not None


def system_problem(system: str, scope: Scope) -> str:
    """Say what is wrong with the URI of a code system, '' where nothing is."""
    if system.startswith("#"):
        return f"a system is named by its URL, not by {quoted(system)}"
    if ":" not in system:
        return f"the URI of a system is absolute, not {quoted(system)}"
    if "|" in system:
        return f"the version of a system stands in version, not in {quoted(system)}"
    if _is(system, "ValueSet", scope) and not _is(system, "CodeSystem", scope):
        return f"{quoted(system)} is a value set, not a code system"
    return ""


def _concepts(part: Node, system: str, scope: Scope) -> Iterator[Problem]:
    """Warn of concepts that their code system does not have, and of their displays."""
    known = scope.definitions.value_sets.concepts(system)
    if known is None:
        return
    for index, concept in enumerate(nodes(part, "concept")[:MOST]):
        code, display = concept.get("code"), concept.get("display")
        found = known.get(str(code))
        if found is None:
            message = f"{quoted(code)} is no code of {system}"
            yield warning("code-invalid", message, "concept", index, "code")
        elif isinstance(display, str) and found.displays and not _same(display, found.displays):
            message = f"{quoted(display)} is not the display of {code}: {found.displays[0]!r}"
            yield warning("code-invalid", message, "concept", index, "display")


def _same(display: str, displays: tuple[str, ...]) -> bool:
    return display.casefold() in (known.casefold() for known in displays)


def _filter(given: Node, system: str, parameters: set[str], scope: Scope) -> Iterator[Problem]:
    """Check one filter: its value, or the expression that stands for it."""
    expression = _expression(given, scope)
    name, op, value = given.get("property"), given.get("op"), given.get("value")
    if expression is not None:
        if value is not None:
            yield error("business-rule", "a filter has a value or an expression, not both")
        yield from _expression_problems(expression, parameters, scope)
    elif not isinstance(value, str):
        return
    elif op == "exists" and value not in BOOLEANS:
        yield error("value", f"the value of exists is true or false, not {quoted(value)}", "value")
    elif op == "=" and _is_boolean(name, system, scope) and value not in BOOLEANS:
        message = f"the property {name} is true or false, not {quoted(value)}"
        yield error("value", message, "value")
    elif op in HIERARCHIC:
        known = scope.definitions.value_sets.concepts(system)
        if known is not None and value not in known:
            yield error("code-invalid", f"{quoted(value)} is no code of {system}", "value")
    elif op == "regex":
        yield from _regex(value)


def _is_boolean(name: Any, system: str, scope: Scope) -> bool:
    """Say whether a property of a code system is a boolean."""
    types = dict(p.split("=") for p in url_of("property-types", scope.definitions).split())
    found = scope.definitions.find("CodeSystem", system) or {}
    own = {p.get("code"): p.get("type") for p in nodes(found, "property")}
    return own.get(name, types.get(str(name))) == "boolean"


def _regex(value: str) -> Iterator[Problem]:
    try:
        re.compile(value)
    except (re.error, RecursionError, OverflowError) as problem:
        yield warning("value", f"{quoted(value)} is no regular expression: {problem}", "value")


def _expression(given: Node, scope: Scope) -> Node | None:
    """Return the expression that stands for the value of a filter."""
    role = url_of("expression", scope.definitions)
    beside = given.get("_value")
    for holder in (given, beside if isinstance(beside, dict) else {}):
        for extension in nodes(holder, "extension"):
            found = extension.get("valueExpression")
            if extension.get("url") == role and isinstance(found, dict):
                return found
    return None


def _expression_problems(expression: Node, parameters: set[str], scope: Scope) -> Iterator[Problem]:
    language, text = expression.get("language"), expression.get("expression")
    wanted = url_of("fhirpath", scope.definitions)
    if language != wanted:
        yield error("value", f"the expression of a filter is {wanted}, not {quoted(language)}")
    for name in VARIABLE.findall(text) if isinstance(text, str) else ():
        if name not in parameters:
            listed = ", ".join(sorted(parameters)) or "none"
            message = f"{quoted(text)} refers to {quoted(name)}, which is no parameter"
            yield error("not-found", f"{message} of the value set (known: {listed})")


SCOPES: dict[str, tuple[str, ...]] = {
    "source": ("sourceUri", "sourceCanonical", "sourceScopeUri", "sourceScopeCanonical")
}
SCOPES["target"] = tuple(name.replace("source", "target") for name in SCOPES["source"])


def concept_map(value: Node, scope: Scope) -> Iterator[Problem]:
    """Check a ConceptMap: its value sets are such, its codes those of their systems, said once."""
    for side, names in SCOPES.items():
        for name in names:
            given = value.get(name)
            if isinstance(given, str) and _is(given, "CodeSystem", scope):
                message = f"{quoted(given)} is a code system; {side} is a value set"
                yield error("value", message, name)
    for index, group in enumerate(nodes(value, "group")):
        for problem in _group(group, value, scope):
            problem.steps.extend((index, "group"))
            yield problem


def _group(group: Node, value: Node, scope: Scope) -> Iterator[Problem]:
    said: dict[tuple[Any, Any], Any] = {}
    for index, element in enumerate(nodes(group, "element")):
        for problem in _code(element, "source", group, value, scope):
            problem.steps.extend((index, "element"))
            yield problem
        for number, target in enumerate(nodes(element, "target")):
            found = [*_code(target, "target", group, value, scope), *_said(element, target, said)]
            for problem in found:
                problem.steps.extend((number, "target", index, "element"))
            yield from found


def _said(element: Node, target: Node, said: dict[Any, Any]) -> Iterator[Problem]:
    """Warn of a relation that was told before."""
    key = (element.get("code"), target.get("code"))
    how = target.get("relationship") or target.get("equivalence")
    plain = not (target.get("dependsOn") or target.get("product"))
    if key[1] is not None and plain and key in said:
        message = f"{key[0]} was mapped to {key[1]} before ({said[key]})"
        yield warning("duplicate", message)
    said.setdefault(key, how)


def _code(given: Node, side: str, group: Node, value: Node, scope: Scope) -> Iterator[Problem]:
    """Check a code against the system of its group, and against the value set of the map."""
    code, display = given.get("code"), given.get("display")
    system = str(group.get(side, "")).partition("|")[0]
    known = scope.definitions.value_sets.concepts(system)
    if not isinstance(code, str) or known is None:
        return
    if code not in known:
        yield error("code-invalid", f"{quoted(code)} is no code of {system}", "code")
        return
    displays = known[code].displays
    if isinstance(display, str) and displays and not _same(display, displays):
        message = f"{quoted(display)} is not the display of {code}: {displays[0]!r}"
        yield warning("code-invalid", message, "display")
    url = next((value[n] for n in SCOPES[side] if isinstance(value.get(n), str)), "")
    codes = scope.definitions.value_sets.find(url) if url else None
    if codes is not None and not codes.has(system, code):
        yield error("code-invalid", f"{quoted(code)} of {system} is not in {url}", "code")
