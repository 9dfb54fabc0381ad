"""Value sets and code systems: which codes belong, as far as they can be told offline."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Resource = dict[str, Any]
Find = Callable[[str, str], Resource | None]
Systems = dict[str, frozenset[str] | None]  # None: any code of the system

WHOLE = "complete"  # the content of a code system that lists every code
HIERARCHY = ("parent", "subsumedBy")


@dataclass(frozen=True)
class Concept:
    """One code of a code system: its displays, the first is preferred, and what is above it."""

    code: str
    displays: tuple[str, ...]
    above: frozenset[str]


class Codes:
    """The codes of a value set by system."""

    __slots__ = ("all", "open", "systems")

    def __init__(self, systems: Systems) -> None:
        self.systems = systems
        self.open = any(codes is None for codes in systems.values())
        self.all = frozenset(code for codes in systems.values() for code in codes or ())

    def has(self, system: object, code: object) -> bool:
        """Say whether a code of a system is in it, or may be."""
        if system not in self.systems:
            return False
        codes = self.systems[str(system)]
        return codes is None or code in codes

    def word(self, code: object) -> bool:
        """Say whether a bare code is in it, or may be."""
        return self.open or code in self.all


class ValueSets:
    """The value sets and code systems of a release, expanded as they are asked for."""

    def __init__(self, find: Find) -> None:
        self._find = find
        self._sets: dict[str, Codes | None] = {}
        self._systems: dict[str, Mapping[str, Concept] | None] = {}

    def find(self, url: str) -> Codes | None:
        """Return the codes of a value set; None where it is not here or cannot be listed."""
        plain = url.partition("|")[0]
        if plain not in self._sets:
            self._sets[plain] = None  # a value set that holds itself ends here
            listed = self._expanded(plain)
            self._sets[plain] = Codes(listed) if listed else None
        return self._sets[plain]

    def concepts(self, system: str) -> Mapping[str, Concept] | None:
        """Return the concepts of a code system by code; None where not all of them are here."""
        if system not in self._systems:
            found = self._find("CodeSystem", system)
            whole = found is not None and found.get("content") == WHOLE
            self._systems[system] = _flat(found) if found and whole else None
        return self._systems[system]

    def displays(self, system: str, code: str) -> tuple[str, ...]:
        """Return the displays of a code, as far as its code system is here."""
        concept = (self.concepts(system) or {}).get(code)
        return concept.displays if concept else ()

    def _expanded(self, url: str) -> Systems | None:
        value_set = self._find("ValueSet", url)
        if value_set is None:
            return None
        compose = value_set.get("compose", {})
        found: Systems = {}
        for part in compose.get("include", ()):
            listed = self._part(part)
            if listed is None:
                return None
            _join(found, listed)
        for part in compose.get("exclude", ()):
            for system, codes in (self._part(part) or {}).items():
                there = found.get(system)
                if there is not None and codes is not None:
                    found[system] = there - codes
        return found

    def _part(self, part: Resource) -> Systems | None:
        """Return what one include or exclude lists: what all that it names have in common."""
        own = [{part["system"]: self._of_system(part)}] if "system" in part else []
        named = [self.find(url) for url in part.get("valueSet", ())]
        if any(codes is None for codes in named):
            return None
        listed: list[Systems] = [*own, *(codes.systems for codes in named if codes)]
        return _common(listed) if listed else None

    def _of_system(self, part: Resource) -> frozenset[str] | None:
        if "concept" in part:
            return frozenset(concept["code"] for concept in part["concept"])
        concepts = self.concepts(part["system"])
        if concepts is None:
            return None
        chosen = concepts.values()
        for rule in part.get("filter", ()):
            test = FILTERS.get(rule["op"])
            if test is None or (rule["op"] == "=" and rule["property"] not in ANCESTRY):
                return None
            chosen = [c for c in chosen if test(c, rule["value"])]  # type: ignore[assignment]
        return frozenset(concept.code for concept in chosen)


ANCESTRY = ("concept", "code", *HIERARCHY)
FILTERS: dict[str, Callable[[Concept, str], bool]] = {
    "is-a": lambda concept, root: concept.code == root or root in concept.above,
    "descendent-of": lambda concept, root: root in concept.above,
    "is-not-a": lambda concept, root: concept.code != root and root not in concept.above,
    "in": lambda concept, listed: concept.code in listed.split(","),
}


def _join(found: Systems, listed: Systems) -> None:
    for system, codes in listed.items():
        there = found.get(system, frozenset())
        found[system] = None if codes is None or there is None else there | codes


def _common(listed: list[Systems]) -> Systems:
    first, *rest = listed
    found = dict(first)
    for other in rest:
        found = {
            system: _both(codes, other[system])
            for system, codes in found.items()
            if system in other
        }
    return found


def _both(one: frozenset[str] | None, two: frozenset[str] | None) -> frozenset[str] | None:
    if one is None or two is None:
        return two if one is None else one
    return one & two


def _flat(system: Resource) -> dict[str, Concept]:
    """Return every concept by code, with the codes above it, near and far."""
    parents: dict[str, set[str]] = {}
    names: dict[str, tuple[str, ...]] = {}
    for concept, above in _walk(system.get("concept", ()), None):
        told = (p.get("valueCode", "") for p in concept.get("property", ()) if _is_up(p))
        known = parents.setdefault(concept["code"], set())
        known.update(filter(None, (above, *told)))
        listed = (concept.get("display"), *(d["value"] for d in concept.get("designation", ())))
        names[concept["code"]] = tuple(filter(None, listed))
    return {code: Concept(code, names[code], _ancestors(code, parents)) for code in parents}


def _is_up(told: Resource) -> bool:
    return told.get("code") in HIERARCHY


def _walk(concepts: Iterable[Resource], above: str | None) -> Iterator[tuple[Resource, str | None]]:
    ahead = [(concept, above) for concept in concepts]
    while ahead:
        concept, up = ahead.pop()
        yield concept, up
        ahead.extend((child, concept["code"]) for child in concept.get("concept", ()))


def _ancestors(code: str, parents: Mapping[str, set[str]]) -> frozenset[str]:
    found: set[str] = set()
    ahead = list(parents.get(code, ()))
    while ahead:
        up = ahead.pop()
        if up not in found:
            found.add(up)
            ahead.extend(parents.get(up, ()))
    return frozenset(found)
