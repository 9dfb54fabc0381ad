"""Codes: those that a required binding allows, well-formed ones, and their displays."""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING

from fhirconv.tables import Tables
from fhirconv.terms import term_key
from fhirconv.validate.codes import code_problem
from fhirconv.validate.definitions import Element, Shape
from fhirconv.validate.scope import Check, Node, Problem, Scope, error, nodes, quoted, warning
from fhirconv.validate.valuesets import Codes
from fhirconv.vocabulary import Terms

if TYPE_CHECKING:
    from fhirconv.validate.engine import Engine

MANY = 24  # codes of a value set that a message lists
KIND = re.compile(r"\s*\([^()]*\)\s*$")  # SNOMED CT: bone marrow (body structure)
LONGEST = 64  # characters of a word whose neighbours are looked for


def word_problem(word: str, element: Element, scope: Scope) -> Problem | None:
    """Say why a value of type code (or uri, string) is not in its required value set."""
    codes = scope.definitions.value_sets.find(element.codes)
    if codes is None or codes.word(word):
        return None
    message = f"{element.base}: {quoted(word)} is no code of {_short(element)}"
    return error("code-invalid", message + _listed(word, codes))


def concept_check(shape: Shape, element: Element | None, engine: "Engine") -> Check | None:
    """Return the check that a CodeableConcept has a coding of its required value set.

    A text is not enough. Where none is required, each code is one of its code system.
    """
    codes = engine.definitions.value_sets.find(element.codes) if element else None
    if codes is None or element is None:
        return _each_known(engine)

    def check(value: Node, scope: Scope) -> list[Problem] | None:
        codings = nodes(value, "coding")
        if any(codes.has(coding.get("system"), coding.get("code")) for coding in codings):
            return None
        if codings:
            return [_wrong(codings[0], element, codes)]
        only = f"only the text {quoted(value['text'])}" if "text" in value else "no coding"
        message = f"{element.base} must have a code of {_short(element)}, found {only}"
        return [error("code-invalid", message + _listed("", codes))]

    return check


def _each_known(engine: "Engine") -> Check:
    """Return the check that each code of a CodeableConcept is one of its code system."""
    sound: set[tuple[str, str, object]] = set()

    def check(value: Node, scope: Scope) -> list[Problem] | None:
        found: list[Problem] = []
        for index, coding in enumerate(value.get("coding", ())):
            system, code = coding.get("system"), coding.get("code")
            if (system, code, None) in sound or system is None or code is None:
                continue
            problems = list(_known(system, code, engine))
            for problem in problems:
                problem.steps.extend((index, "coding"))
            found += problems
            if not problems:
                _remember(sound, (system, code, None))
        return found or None

    return check


IN_CONCEPT = "CodeableConcept.coding"  # whose codes the concept around them is asked for


def coding_check(shape: Shape, element: Element | None, engine: "Engine") -> Check:
    """Return the check of a Coding: its required value set, its code's form, its display."""
    codes = engine.definitions.value_sets.find(element.codes) if element else None
    alone = element is None or element.path != IN_CONCEPT
    sound: set[tuple[str, str, object]] = set()

    def check(value: Node, scope: Scope) -> list[Problem] | None:
        system, code, display = value.get("system"), value.get("code"), value.get("display")
        if (system, code, display) in sound:
            return None
        found: list[Problem] = []
        if element and codes is not None and not codes.has(system, code):
            found = [_wrong(value, element, codes)]
        elif isinstance(code, str) and isinstance(system, str):
            found = list(_form(system, code, engine))
            found = found or (list(_known(system, code, engine)) if alone else [])
            found = found or list(_display(system, code, display, engine))
            if not found:
                _remember(sound, (system, code, display))
        elif isinstance(code, str) and "_system" not in value:
            message = f"the code {quoted(code)} has no system, so nobody can know what it means"
            found = [warning("code-invalid", message)]
        return found or None

    return check


MEMORY = 4096  # codings that are remembered as sound, for each element


def _remember(sound: set[tuple[str, str, object]], coding: tuple[str, str, object]) -> None:
    if len(sound) >= MEMORY:
        sound.clear()
    sound.add(coding)


def quantity_check(shape: Shape, element: Element | None, engine: "Engine") -> Check:
    """Return the check that the code of a unit is one of its system."""
    sound: set[tuple[str, str, object]] = set()

    def check(value: Node, scope: Scope) -> list[Problem] | None:
        system, code = value.get("system"), value.get("code")
        if (system, code, None) in sound:
            return None
        if not isinstance(system, str) or not isinstance(code, str):
            return None
        found = list(_form(system, code, engine))
        if not found:
            _remember(sound, (system, code, None))
        return found

    return check


def _form(system: str, code: str, engine: "Engine") -> Iterator[Problem]:
    problem = code_problem(checks(engine.tables).get(system, ""), code)
    if problem:
        message = f"the code {quoted(code)} of {system} {problem}"
        yield error("code-invalid", message, "code")


def _known(system: str, code: str, engine: "Engine") -> Iterator[Problem]:
    """Hold that a code is one of its code system, where all of its codes are here."""
    concepts = engine.definitions.value_sets.concepts(system)
    if concepts is not None and code not in concepts and not _is_cased(system, code, engine):
        near = get_close_matches(code, concepts, 3) if len(concepts) < MOST else []
        listed = f" (nearest: {', '.join(near)})" if near else ""
        message = f"{quoted(code)} is no code of {system}{listed}"
        yield error("code-invalid", message, "code")


MOST = 2000  # codes that a wrong one is compared with


def _is_cased(system: str, code: str, engine: "Engine") -> bool:
    """Say whether a code differs in its case only, and its code system does not mind."""
    found = engine.definitions.find("CodeSystem", system) or {}
    if found.get("caseSensitive") is not False:
        return False
    concepts = engine.definitions.value_sets.concepts(system) or {}
    return code.casefold() in (known.casefold() for known in concepts)


def _display(system: str, code: str, display: object, engine: "Engine") -> Iterator[Problem]:
    """Tell a display that is none of those that we know for the code.

    It is an error where the code system itself is here, as for HL7's validator; a warning where
    only our tables have words for the code.
    """
    if not isinstance(display, str):
        return
    own = engine.definitions.value_sets.displays(system, code)
    tell = error if own else warning
    listed = (*displays(engine.tables).get((system, code), ()), *own)
    known = {display_key(word): word for word in listed}
    if known and display_key(display) not in known:
        words = " or ".join(quoted(known[key]) for key in list(known)[:3])
        message = f"the display {quoted(display)} is not that of {code} of {system}: {words}"
        yield tell("code-invalid", message, "display")


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
        if isinstance(vocabulary.terms, Terms):
            for system, code, words in vocabulary.terms.words():
                found.setdefault((system, code), []).append(words)
    return found


def _wrong(coding: Node, element: Element, codes: Codes) -> Problem:
    """Say why a coding is not in a required value set."""
    code, system = coding.get("code"), coding.get("system")
    right = next((uri for uri, listed in codes.systems.items() if str(code) in (listed or ())), "")
    if right:
        given = f"the system {quoted(system)}" if system else "no system"
        message = f"{element.base}: the code {quoted(code)} has {given}, {right} is needed"
    elif code:
        named = f"{quoted(code)} of {system}" if system else quoted(code)
        message = f"{element.base}: {named} is no code of {_short(element)}"
        message += _listed(str(code), codes)
    else:
        message = f"{element.base} must have a code of {_short(element)}, found none"
        message += _listed("", codes)
    return error("code-invalid", message)


def _short(element: Element) -> str:
    return element.binding.rpartition("/")[2]


def _listed(code: str, codes: Codes) -> str:
    """Return the codes of a value set, or those nearest to a word, in brackets."""
    known = sorted(codes.all)
    if len(known) <= MANY:
        return f" (known: {', '.join(known)})"
    near = get_close_matches(code[:LONGEST], known, 3)
    return f" (nearest: {', '.join(near)})" if near else ""
