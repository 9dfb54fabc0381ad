"""Is a unit an expression of UCUM: a reader of its grammar over the table of its atoms."""

import csv
import re
from functools import lru_cache

from fhirconv.tables import MAPPINGS

# UCUM 2.1, sections 2-3: a term is components joined by . and /; a component is a simple unit
# with an exponent and an annotation, a whole number, an annotation alone, or a term in brackets.
TOKEN = re.compile(r"\{[\x20-\x7a|\x7e]*\}|[()./]|(?:[^\[\](){}./]|\[[^\]\[]*\])+")
EXPONENT = re.compile(r"(.*?[^0-9+-]|10[*^])([+-]?[0-9]+)")
LONGEST = 255  # a unit is no text


@lru_cache(maxsize=1)
def atoms() -> dict[str, dict[str, str]]:
    """Return the atoms of UCUM by kind (prefix, metric, unit), each with its property."""
    found: dict[str, dict[str, str]] = {"prefix": {}, "metric": {}, "unit": {}}
    with (MAPPINGS / "validate" / "ucum.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found[row["kind"]][row["code"]] = row["property"]
    return found


@lru_cache(maxsize=4096)
def unit_problem(unit: str) -> str:
    """Say what is wrong with a unit as UCUM writes it (case-sensitive), '' where nothing is."""
    if len(unit) > LONGEST:
        return f"is longer than the {LONGEST} characters of a unit"
    tokens = TOKEN.findall(unit)
    if not unit or "".join(tokens) != unit:
        return "is no UCUM unit: a bracket, a brace or a character does not fit"
    problem, rest = read_term(tokens)
    return problem or ("is no UCUM unit: a bracket is closed and never opened" if rest else "")


def read_term(tokens: list[str]) -> tuple[str, list[str]]:
    """Read a term; return its problem and the tokens that are left from a closing bracket on."""
    rest = tokens[1:] if tokens[:1] == ["/"] else tokens
    while True:
        problem, rest = read_component(rest)
        if problem or not rest or rest[0] == ")":
            return problem, rest
        if rest[0] not in "./":
            return f"is no UCUM unit: a point or a slash is missing before {rest[0]!r}", rest
        rest = rest[1:]


def read_component(tokens: list[str]) -> tuple[str, list[str]]:
    """Read one component; return its problem and the tokens that are left."""
    if not tokens or tokens[0] in ("/", ".", ")"):
        return "is no UCUM unit: one is missing after a point, a slash or a bracket", []
    head, rest = tokens[0], tokens[1:]
    if head == "(":
        problem, rest = read_term(rest)
        if problem or rest[:1] != [")"]:
            return problem or "is no UCUM unit: a bracket is never closed", []
        rest = rest[1:]
    elif not head.startswith("{") and not is_simple(head):
        return f"is no UCUM unit: {head!r} is none", []
    elif head.startswith("{"):
        return "", rest
    annotated = bool(rest) and rest[0].startswith("{")
    return "", rest[1:] if annotated else rest


def is_simple(text: str) -> bool:
    """Say whether a text is a whole number, or a unit with or without an exponent."""
    if text.isdigit() or is_unit(text):
        return True
    found = EXPONENT.fullmatch(text)
    return bool(found) and is_unit(found[1])  # type: ignore[index]


def is_unit(text: str) -> bool:
    """Say whether a text is an atom of UCUM, or a prefix and a metric atom."""
    return bool(unit_property(text))


def unit_property(text: str) -> str:
    """Return what a unit without exponent measures (time, length, mass ...), '' for no unit."""
    known = atoms()
    if text in known["metric"] or text in known["unit"]:
        return known["metric"].get(text) or known["unit"].get(text, "")
    for length in (1, 2):
        if text[:length] in known["prefix"] and text[length:] in known["metric"]:
            return known["metric"][text[length:]]
    return ""
