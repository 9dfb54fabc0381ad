"""Answers: are they of the type of their question, among its options, within its limits."""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from fhirconv.validate.families.urls import url_of
from fhirconv.validate.scope import Node, Problem, Scope, error, nodes, quoted, warning

if TYPE_CHECKING:
    from fhirconv.validate.families.responses import Response

# The types of an answer by that of its question (Questionnaire.item.type).
KINDS: Mapping[str, tuple[str, ...]] = {
    "boolean": ("Boolean",),
    "decimal": ("Decimal",),
    "integer": ("Integer",),
    "date": ("Date",),
    "dateTime": ("DateTime",),
    "time": ("Time",),
    "string": ("String",),
    "text": ("String",),
    "url": ("Uri",),
    "attachment": ("Attachment",),
    "reference": ("Reference",),
    "quantity": ("Quantity",),
    "choice": ("Coding", "Date", "Time", "Integer", "String", "Reference"),
    "open-choice": ("Coding", "Date", "Time", "Integer", "String", "Reference"),
    "coding": ("Coding", "String"),
}
CHOICES = ("choice", "open-choice", "coding")
OPEN = ("optionsOrString", "optionsOrType")
LIMITS = ("minimum", "maximum", "decimals", "shortest", "fewest", "most", "pattern")
LONGEST = 10_000  # characters of an answer that is matched with a pattern
OPEN_ENDED = re.compile(r"[*+]|,[0-9]*\}")  # two of these may take quadratic time or worse


def limits_of(question: Node, scope: Scope) -> dict[str, Any]:
    """Return the limits that extensions set for the answers of a question, by their role."""
    found: dict[str, Any] = {}
    roles = {url_of(role, scope.definitions): role for role in LIMITS}
    for extension in nodes(question, "extension"):
        role = roles.get(str(extension.get("url")))
        name = next((n for n in extension if n.startswith("value")), "")
        if role and name:
            found[role] = extension[name]
    return found


def answer_problems(
    question: Node, name: str, value: Any, limits: Mapping[str, Any], response: "Response"
) -> Iterator[Problem]:
    """Check one answer: its type, its options, its limits."""
    kind, given = str(question.get("type")), name.removeprefix("value")
    allowed = KINDS.get(kind, ())
    if allowed and given not in allowed:
        listed = " or ".join(allowed)
        yield error("structure", f"a question of type {kind} is answered by {listed}", name)
        return
    if kind in CHOICES:
        yield from _option(question, name, value, response)
    yield from _limited(question, name, value, limits)


def _option(question: Node, name: str, value: Any, response: "Response") -> Iterator[Problem]:
    """Hold that an answer is one of the options of its question."""
    is_open = question.get("type") == "open-choice" or question.get("answerConstraint") in OPEN
    free = name == "valueString" and is_open
    options = nodes(question, "answerOption")
    if options:
        listed = [o[n] for o in options for n in o if n == name]
        if free:
            yield from _looks_like_option(value, options, name)
        elif not any(_is_option(value, option) for option in listed):
            shown = value.get("code") if isinstance(value, dict) else value
            yield error("code-invalid", f"{quoted(shown)} is none of the options", name)
    elif isinstance(question.get("answerValueSet"), str) and isinstance(value, dict):
        yield from _in_value_set(question["answerValueSet"], name, value, response)


def _looks_like_option(value: Any, options: list[Node], name: str) -> Iterator[Problem]:
    codings = [o["valueCoding"] for o in options if isinstance(o.get("valueCoding"), dict)]
    if any(value in (c.get("display"), c.get("code")) for c in codings):
        message = f"the text {quoted(value)} is that of an option: its code is meant, it seems"
        yield warning("business-rule", message, name)


def _is_option(value: Any, option: Any) -> bool:
    if isinstance(value, dict) and isinstance(option, dict):
        names = ("reference",) if "reference" in option else ("system", "code")
        return all(value.get(n) == option.get(n) for n in names)
    return bool(value == option)


def _in_value_set(url: str, name: str, value: Node, response: "Response") -> Iterator[Problem]:
    """Check a coding against a value set, one that is shipped or contained with its codes."""
    system, code = value.get("system"), value.get("code")
    if url.startswith("#"):
        within = (r for r in response.contained() if r.get("id") == url[1:])
        listed = next((_listed(r) for r in within), None)
        fits = listed is None or (system, code) in listed
    else:
        known = response.scope.definitions.value_sets.find(url)
        fits = known is None or known.has(system, code)
    if not fits and code is not None:
        message = f"{quoted(code)} of {system} is not in {url}, from which the answer comes"
        yield error("code-invalid", message, name)


def _listed(value_set: Node) -> set[tuple[Any, Any]] | None:
    """Return the codes that a contained value set lists; None where it does not list them."""
    expansion = value_set.get("expansion")
    if isinstance(expansion, dict):
        return {(c.get("system"), c.get("code")) for c in nodes(expansion, "contains")}
    compose = value_set.get("compose")
    parts = nodes(compose, "include") if isinstance(compose, dict) else []
    if not parts or any("concept" not in part or "valueSet" in part for part in parts):
        return None
    return {(p.get("system"), c.get("code")) for p in parts for c in nodes(p, "concept")}


def _limited(question: Node, name: str, value: Any, limits: Mapping[str, Any]) -> Iterator[Problem]:
    """Hold that an answer is within the limits of its question."""
    if isinstance(value, str):
        yield from _text(question, name, value, limits)
    for role, word in (("minimum", "at least"), ("maximum", "at most")):
        limit = limits.get(role)
        if limit is not None and is_beyond(value, limit, role == "maximum"):
            shown = limit.get("value") if isinstance(limit, dict) else limit
            given = value.get("value") if isinstance(value, dict) else value
            yield error("value", f"{quoted(given)} stands, {word} {shown} is asked", name)
    places = limits.get("decimals")
    if isinstance(places, int) and isinstance(value, Decimal):
        found = -int(value.as_tuple().exponent)
        if found > places:
            yield error("value", f"{value} has {found} decimals, at most {places} may stand", name)


def is_beyond(value: Any, limit: Any, upper: bool) -> bool:
    """Say whether a number, a date or a quantity is beyond a limit that it can be compared with."""
    if isinstance(value, dict) and isinstance(limit, dict):
        if any(value.get(n) != limit.get(n) for n in ("system", "code")):
            return False
        value, limit = value.get("value"), limit.get("value")
    if isinstance(value, str) and isinstance(limit, str):
        short = min(len(value), len(limit))
        value, limit = value[:short], limit[:short]
    elif not (_is_number(value) and _is_number(limit)):
        return False
    return bool(value > limit if upper else value < limit)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, Decimal, float)) and not isinstance(value, bool)


def _text(question: Node, name: str, value: str, limits: Mapping[str, Any]) -> Iterator[Problem]:
    longest, shortest = question.get("maxLength"), limits.get("shortest")
    if isinstance(longest, int) and len(value) > longest:
        message = f"{quoted(value)} has {len(value)} characters, at most {longest} may stand"
        yield error("too-long", message, name)
    if isinstance(shortest, int) and len(value) < shortest:
        message = f"{quoted(value)} has {len(value)} characters, {shortest} must stand"
        yield error("value", message, name)
    if question.get("type") == "string" and re.search(r"[\r\n]", value):
        yield warning("value", "the answer of a question of type string is of one line", name)
    pattern = limits.get("pattern")
    fits = isinstance(pattern, str) and is_harmless(pattern) and len(value) <= LONGEST
    if fits and not re.fullmatch(str(pattern), value):
        yield error("value", f"{quoted(value)} does not match {quoted(pattern)}", name)


def is_harmless(pattern: str) -> bool:
    """Say whether a regular expression is one, and takes no more than linear time."""
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError):
        return False
    return len(pattern) <= 200 and len(OPEN_ENDED.findall(pattern)) <= 1
