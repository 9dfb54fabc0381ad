"""The rows of one vocabulary: names with their codes first, then what says the same."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from fhirconv.outcome import Issue
from fhirconv.packs.concept import Code, Concept
from fhirconv.tables import System, Tables
from fhirconv.terms import term_key

BROAD = "broad"

CodeRow = tuple[str, str, str, str, str, str, str, str]  # the columns of a code table


@dataclass(slots=True)
class Pack:
    """The tables that a terminology becomes: rows by vocabulary, and its new code systems."""

    rows: dict[str, list[CodeRow]] = field(default_factory=dict)
    systems: list[System] = field(default_factory=list)
    concepts: int = 0
    warnings: list[Issue] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Claim:
    """Words that are to lead to a term: the term, its codes, the name of its terminology."""

    words: str
    term: str
    codes: tuple[Code, ...]
    source: str


class Draft:
    """What one vocabulary takes from a pack, while its concepts come in.

    Words that lead to two concepts lead to none; what the tables below know as a synonym
    stays as it is there.
    """

    def __init__(self, name: str, tables: Tables, pack: Pack) -> None:
        self._known = tables.codes.get(name)
        self._pack = pack
        self._rows: dict[str, list[CodeRow]] = {}  # term key -> its rows
        self._codes: dict[tuple[str, str], str] = {}  # (term key, prefix) -> code
        self._synonyms: dict[str, list[Claim]] = {}
        self._kinds: dict[str, list[Claim]] = {}

    def add(self, concept: Concept, codes: list[Code]) -> None:
        """Take a concept and its codes; a name that another concept has is told."""
        term = _one_line(concept.term)
        key = term_key(term)
        if not self._name(term, key, concept, codes):
            return
        for claims, listed in ((self._synonyms, concept.synonyms), (self._kinds, concept.kinds)):
            for words in filter(None, map(_one_line, listed)):
                claim = Claim(words, term, tuple(codes), concept.source)
                if term_key(words) != key:
                    claims.setdefault(term_key(words), []).append(claim)

    def rows(self) -> Iterator[CodeRow]:
        """Yield the rows of the names, of the synonyms, and of what says more."""
        for rows in self._rows.values():
            yield from rows
        taken = self._rows.keys() | self._synonyms.keys()
        for key, claims in self._synonyms.items():
            yield from self._synonym(key, claims)
        for key, claims in self._kinds.items():
            if key not in taken and not self._is_known(key) and _is_one(claims):
                yield from _coded(claims[0], BROAD)
            else:
                self._pack.left_out["words under a code that have another code"] += 1

    def _name(self, term: str, key: str, concept: Concept, codes: list[Code]) -> bool:
        """Add the rows of a name; False where it is the name of another concept."""
        rows = self._rows.setdefault(key, [])
        for code in codes:
            other = self._codes.setdefault((key, code.namespace), code.code)
            if other != code.code:
                message = f"{term!r} is {code.namespace}:{other} already, {code.code!r} is left out"
                self._pack.warnings.append(Issue("warning", "duplicate", message, concept.where))
                if code is codes[0]:
                    return False
                continue
            row = _row(term, code, code.match, concept.source)
            if row[1] not in {made[1] for made in rows}:
                rows.append(row)
        return True

    def _synonym(self, key: str, claims: list[Claim]) -> Iterator[CodeRow]:
        if key in self._rows:
            self._pack.left_out["a synonym that is the name of another"] += 1
        elif not _is_one(claims):
            self._pack.left_out["a synonym of several"] += 1
        elif not self._is_known(key):
            claim = claims[0]
            yield claim.words, "", "", "", "", claim.term, claim.source, ""
        elif self._is_preferred(key):
            yield from _coded(claims[0], "")
        else:
            self._pack.left_out["a synonym that the tables know"] += 1

    def _is_known(self, key: str) -> bool:
        """Say whether the tables below have codes for these words."""
        term = self._known.terms.get(key) if self._known else None
        return bool(term and term.codings)

    def _is_preferred(self, key: str) -> bool:
        term = self._known.terms.get(key) if self._known else None
        return bool(term and term_key(term.preferred) == key)


def _is_one(claims: list[Claim]) -> bool:
    """Say whether all claims are of one concept."""
    return len({claim.codes[0].code for claim in claims}) == 1


def _coded(claim: Claim, match: str) -> Iterator[CodeRow]:
    for code in claim.codes:
        yield _row(claim.words, code, match or code.match, claim.source)


def _row(term: str, code: Code, match: str, source: str) -> CodeRow:
    display = code.display.strip()
    return term, f"{code.namespace}:{code.code}", display, match, "", "", source, ""


def _one_line(text: str) -> str:
    return " ".join(text.split())
