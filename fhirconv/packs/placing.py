"""Concepts become rows of code tables: which vocabulary, which prefix, which words."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from fhirconv.errors import UsageError
from fhirconv.packs.concept import Code, Concept, Source
from fhirconv.packs.draft import Draft, Pack
from fhirconv.sheets import Line
from fhirconv.tables import System, Tables
from fhirconv.validate.codes import code_problem

WHOLE = "whole"
COMMENT = "#"  # a row of a table that begins so is none


@dataclass(frozen=True, slots=True)
class Place:
    """Where the codes of one code system, and of one class in it, belong."""

    prefix: str
    vocabulary: str
    whole: bool  # the code carries the prefix


@dataclass(slots=True)
class Placing:
    """What decides where concepts go: the tables, and what the user says."""

    tables: Tables
    source: Source
    vocabulary: str = ""
    prefix: str = ""
    systems: dict[str, System] = field(default_factory=dict)  # new ones
    _known: dict[tuple[str, str], Place] = field(default_factory=dict)
    _uris: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Index the code systems of the tables by their URIs."""
        self._uris = {system.uri: name for name, system in self.tables.systems.items()}

    def pack(self, concepts: Iterable[Concept]) -> Pack:
        """Return the rows of the concepts; what is wrong is put among the source's problems."""
        listed = list(concepts)
        if any(not concept.foreign for concept in listed):
            own = [concept for concept in listed if not concept.foreign]
            self.source.left_out["of another ontology"] += len(listed) - len(own)
            listed = own
        pack = Pack(left_out=self.source.left_out)
        drafts: dict[str, Draft] = {}
        for concept in listed:
            name, codes = self._placed(concept)
            if name and codes:
                pack.concepts += 1
                draft = drafts.setdefault(name, Draft(name, self.tables, pack))
                draft.add(concept, codes)
        pack.rows = {name: list(draft.rows()) for name, draft in sorted(drafts.items())}
        used = {row[1].partition(":")[0] for rows in pack.rows.values() for row in rows}
        pack.systems = [system for name, system in self.systems.items() if name in used]
        return pack

    def _placed(self, concept: Concept) -> tuple[str, list[Code]]:
        """Return the vocabulary of a concept and its codes, their namespace now the prefix."""
        codes, vocabulary = [], self.vocabulary
        if concept.term.startswith(COMMENT):
            self.source.left_out[f"a name that begins with {COMMENT}"] += 1
            return "", []
        for number, code in enumerate(concept.codes):
            place = self._place(code, concept.tag, concept.where, first=number == 0)
            if place is None:
                continue
            vocabulary = vocabulary or place.vocabulary
            made = self._code(code, place, concept.where)
            if made:
                codes.append(made)
        if codes and not vocabulary:
            self._homeless(concept)
        return vocabulary, codes

    def _homeless(self, concept: Concept) -> None:
        if concept.tag:
            self.source.left_out[f"no vocabulary for ({concept.tag})"] += 1
        else:
            namespace = concept.codes[0].namespace
            message = f"no vocabulary is known for {namespace!r}: say --vocabulary NAME"
            self._once(message, concept.where)

    def _once(self, message: str, where: str) -> None:
        if all(issue.message != message for issue in self.source.problems):
            self.source.problem(message, where)

    def _code(self, code: Code, place: Place, where: str) -> Code | None:
        local = code.code.partition(":")[2] if _is_curie(code) else code.code
        written = code.code if place.whole else local
        system = self.tables.systems.get(place.prefix) or self.systems[place.prefix]
        problem = code_problem(system.check, written)
        if problem:
            self.source.problem(f"the code {written!r} {problem}", where)
            return None
        return Code(place.prefix, written, code.display, code.match)

    def _place(self, code: Code, tag: str, where: str, *, first: bool) -> Place | None:
        key = (code.namespace, tag)
        if key not in self._known:
            place = self._sought(code, tag, own=first)
            if place is None:
                message = f"the source does not say the URI of its code system {code.namespace!r}"
                self._once(message, where)
                return None
            self._known[key] = place
        return self._known[key]

    def _sought(self, code: Code, tag: str, *, own: bool) -> Place | None:
        """Return the place of a code system: by the tables, else as a new system."""
        prefix = self._uris.get(code.uri) or self._uris.get(code.namespace) or ""
        row = self._row(code.namespace, prefix, tag)
        asked = self.prefix if own else ""
        prefix = asked or (row["prefix"] if row else "") or prefix
        if not prefix and code.namespace in self.tables.systems:
            prefix = code.namespace
        whole = row["code"] == WHOLE if row else code.whole and not prefix
        if prefix not in self.tables.systems:
            if not code.uri:
                return None
            prefix = prefix or _prefix_of(code)
            other = self.tables.systems.get(prefix) or self.systems.get(prefix)
            if other and other.uri != code.uri:
                raise UsageError(
                    f"the prefix {prefix!r} of {code.uri!r} is that of {other.uri!r}: say --prefix"
                )
            self.systems[prefix] = System(prefix, code.uri, "")
        return Place(prefix, row["vocabulary"] if row else "", whole)

    def _row(self, namespace: str, prefix: str, tag: str) -> Line | None:
        """Return the row of packs/namespaces.csv for a system, that for the class first."""
        rows = self.tables.packs["namespaces"]
        named = [r for r in rows if r["namespace"].casefold() == namespace.casefold()]
        named = named or [r for r in rows if prefix and r["prefix"] == prefix]
        exact = (r for r in named if r["tag"] == tag)
        return next(exact, next((r for r in named if not r["tag"]), None))


def _is_curie(code: Code) -> bool:
    return code.code.casefold().startswith(f"{code.namespace}:".casefold())


def _prefix_of(code: Code) -> str:
    """Return a prefix for a new code system: its OBO prefix, or the last part of its URI."""
    steps = [step for step in code.namespace.replace("#", "/").replace(":", "/").split("/") if step]
    return "".join(c for c in steps[-1] if c.isalnum() or c in "-_.") if steps else ""
