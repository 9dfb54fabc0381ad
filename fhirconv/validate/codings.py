"""Codes: those that a required binding allows, well-formed ones, and their displays."""

import re
from difflib import get_close_matches
from functools import lru_cache

from fhirconv.tables import Tables
from fhirconv.terms import term_key
from fhirconv.validate.codes import code_problem
from fhirconv.validate.definitions import Element
from fhirconv.validate.scope import Node, Place, Scope, nodes, quoted

MANY = 24  # codes of a value set that a message lists
KIND = re.compile(r"\s*\([^()]*\)\s*$")  # SNOMED CT: bone marrow (body structure)
Systems = dict[str, frozenset[str]]


def check_word(word: str, element: Element, scope: Scope, at: Place) -> None:
    """Check a value of type code (or uri, string) against its required value set."""
    systems = scope.definitions.value_sets.get(element.codes)
    if systems is not None and not any(word in codes for codes in systems.values()):
        message = f"{element.base}: {quoted(word)} is no code of {element.codes}"
        scope.error("code-invalid", message + _listed(word, systems), at)


def check_concept(value: Node, scope: Scope, at: Place, element: Element | None) -> None:
    """Check that a CodeableConcept has a coding of its required value set: a text is not enough."""
    systems = scope.definitions.value_sets.get(element.codes) if element else None
    if systems is None or element is None:
        return
    codings = nodes(value, "coding")
    if any(_fits(coding, systems) for coding in codings):
        return
    if not codings:
        only = f"only the text {quoted(value['text'])}" if "text" in value else "no coding"
        message = f"{element.base} must have a code of {element.codes}, found {only}"
        scope.error("code-invalid", message + _listed("", systems), at)
    else:
        _report(codings[0], element, systems, scope, at)


def check_coding(value: Node, scope: Scope, at: Place, element: Element | None) -> None:
    """Check a Coding: its required value set, the form of its code, its display."""
    system, code, display = (value.get(name) for name in ("system", "code", "display"))
    systems = scope.definitions.value_sets.get(element.codes) if element else None
    if element and systems is not None and not _fits(value, systems):
        _report(value, element, systems, scope, at)
    elif isinstance(code, str) and isinstance(system, str):
        _check_form(system, code, scope, at)
        if isinstance(display, str):
            _check_display(system, code, display, scope, at)
    elif isinstance(code, str) and "_system" not in value:
        message = f"the code {quoted(code)} has no system, so nobody can know what it means"
        scope.warn("code-invalid", message, at)


def check_quantity(value: Node, scope: Scope, at: Place, element: Element | None) -> None:
    """Check that the code of a unit is one of its system."""
    system, code = value.get("system"), value.get("code")
    if isinstance(system, str) and isinstance(code, str):
        _check_form(system, code, scope, at)


def _check_form(system: str, code: str, scope: Scope, at: Place) -> None:
    problem = code_problem(checks(scope.tables).get(system, ""), code)
    if problem:
        message = f"the code {quoted(code)} of {system} {problem}"
        scope.error("code-invalid", message, at.child("code"))


def _check_display(system: str, code: str, display: str, scope: Scope, at: Place) -> None:
    """Warn of a display that is none of those that our tables know for the code."""
    known = {display_key(word): word for word in displays(scope.tables).get((system, code), ())}
    if known and display_key(display) not in known:
        listed = " or ".join(quoted(known[key]) for key in list(known)[:3])
        message = f"the display {quoted(display)} is not that of {code} of {system}: {listed}"
        scope.warn("code-invalid", message, at.child("display"))


@lru_cache(maxsize=8)
def checks(tables: Tables) -> dict[str, str]:
    """Return the check of codes by the URI of their system."""
    return {system.uri: system.check for system in tables.systems.values()}


def display_key(display: str) -> str:
    """Return what counts of a display: its words, without the kind in brackets at its end."""
    return term_key(KIND.sub("", display))


@lru_cache(maxsize=8)
def displays(tables: Tables) -> dict[tuple[str, str], list[str]]:
    """Return the displays that our tables know by (system, code).

    A display of the table counts, and so do the words of a term that the code means exactly.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for vocabulary in tables.codes.values():
        for term in vocabulary.terms.values():
            for coding in term.codings:
                known = found.setdefault((coding.system, coding.code), [])
                if coding.display:
                    known.append(coding.display)
                if coding.match == "exact":
                    known.append(term.text)
    return found


def _fits(coding: Node, systems: Systems) -> bool:
    code, system = coding.get("code"), coding.get("system")
    return isinstance(code, str) and isinstance(system, str) and code in systems.get(system, ())


def _report(coding: Node, element: Element, systems: Systems, scope: Scope, at: Place) -> None:
    """Report a coding that is not in a required value set."""
    code, system = coding.get("code"), coding.get("system")
    right = next((uri for uri, codes in systems.items() if str(code) in codes), "")
    if right:
        given = f"the system {quoted(system)}" if system else "no system"
        message = f"{element.base}: the code {quoted(code)} has {given}, {right} is needed"
    elif code:
        named = f"{quoted(code)} of {system}" if system else quoted(code)
        message = f"{element.base}: {named} is no code of {element.codes}"
        message += _listed(str(code), systems)
    else:
        message = f"{element.base} must have a code of {element.codes}, found none"
        message += _listed("", systems)
    scope.error("code-invalid", message, at)


def _listed(code: str, systems: Systems) -> str:
    """Return the codes of a value set, or those nearest to a word, in brackets."""
    known = sorted(code for codes in systems.values() for code in codes)
    if len(known) <= MANY:
        return f" (known: {', '.join(known)})"
    near = get_close_matches(code, known, 3)
    return f" (nearest: {', '.join(near)})" if near else ""
