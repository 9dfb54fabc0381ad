"""The rows of one vocabulary: names with their codes first, then what says the same."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from fhirconv.outcome import Issue
from fhirconv.packs.concept import Code, Concept
from fhirconv.tables import System, Tables, Term
from fhirconv.terms import term_key

BROAD = "broad"

CodeRow = tuple[str, str, str, str, str, str, str, str]  # the columns of a code table


@dataclass(slots=True)
class Pack:
    """The tables that a terminology becomes: rows by vocabulary, and its new code systems."""

    rows: dict[str, list[CodeRow]] = field(default_factory=dict)
    systems: list[System] = field(default_factory=list)
    concepts: int = 0
    remarks: list[Issue] = field(default_factory=list)
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
        below = self._below(term_key(term))
        if below and term_key(below.preferred) != term_key(term):
            term = self._as_below(concept, below, codes)
        elif not self._name(term, concept, codes):
            return
        for claims, listed in ((self._synonyms, concept.synonyms), (self._kinds, concept.kinds)):
            for words in filter(None, map(_one_line, listed)):
                claim = Claim(words, term, tuple(codes), concept.source)
                if term_key(words) != term_key(term):
                    claims.setdefault(term_key(words), []).append(claim)

    def _as_below(self, concept: Concept, below: Term, codes: list[Code]) -> str:
        """Return the term of which the tables call this name a synonym.

        It takes the codes where the terminology too says that the two are the same; else they
        may say more than the term does, and a code is never narrower than the words.
        """
        target = below.preferred
        if term_key(target) in map(term_key, concept.synonyms):
            self._name(target, concept, self._missing(term_key(target), codes))
        else:
            said = f"a synonym of {target!r} in the tables, whose codes it keeps"
            self._tell(f"{concept.term!r} is {said}", concept)
            self._pack.left_out["a name that is a synonym in the tables"] += 1
        return target

    def _missing(self, key: str, codes: Iterable[Code]) -> list[Code]:
        """Return the codes of systems of which the tables below have none for a term."""
        below = self._below(key)
        there = {coding.prefix for coding in below.codings} if below else set()
        return [code for code in codes if code.namespace not in there]

    def _tell(self, message: str, concept: Concept) -> None:
        self._pack.remarks.append(Issue("information", "duplicate", message, concept.where))

    def rows(self) -> Iterator[CodeRow]:
        """Yield the rows of the names, of the synonyms, and of what says more."""
        for rows in self._rows.values():
            yield from rows
        taken = self._rows.keys() | self._synonyms.keys()
        for key, claims in self._synonyms.items():
            yield from self._synonym(key, claims)
        for key, claims in self._kinds.items():
            if key not in taken and not self._below(key) and _is_one(claims):
                yield from _coded(claims[0], claims[0].codes, BROAD)
            else:
                self._pack.left_out["words under a code that have another code"] += 1

    def _name(self, term: str, concept: Concept, codes: list[Code]) -> bool:
        """Add the rows of a name; False where it is the name of another concept."""
        key = term_key(term)
        rows = self._rows.setdefault(key, [])
        for code in codes:
            other = self._codes.setdefault((key, code.namespace), code.code)
            if other != code.code:
                self._tell(f"{term!r} is {other!r} already, {code.code!r} is left out", concept)
                self._pack.left_out["a name of another concept"] += 1
                if code is codes[0]:
                    return False
            elif f"{code.namespace}:{code.code}" not in {made[1] for made in rows}:
                rows.append(_row(term, code, code.match, concept.source))
        return True

    def _synonym(self, key: str, claims: list[Claim]) -> Iterator[CodeRow]:
        below = self._below(key)
        claim = claims[0]
        if key in self._rows:
            self._pack.left_out["a synonym that is the name of another"] += 1
        elif not _is_one(claims):
            self._pack.left_out["a synonym of several"] += 1
        elif not below:
            yield claim.words, "", "", "", "", claim.term, claim.source, ""
        elif term_key(below.preferred) == key:
            yield from _coded(claim, self._missing(key, claim.codes), "")
        else:
            self._pack.left_out["a synonym that the tables know"] += 1

    def _below(self, key: str) -> Term | None:
        """Return what the tables below say of these words; it may be that they have no code."""
        return self._known.terms.get(key) if self._known else None


def _is_one(claims: list[Claim]) -> bool:
    """Say whether all claims are of one concept."""
    return len({claim.codes[0].code for claim in claims}) == 1


def _coded(claim: Claim, codes: Iterable[Code], match: str) -> Iterator[CodeRow]:
    for code in codes:
        yield _row(claim.words, code, match or code.match, claim.source)


def _row(term: str, code: Code, match: str, source: str) -> CodeRow:
    display = code.display.strip()
    return term, f"{code.namespace}:{code.code}", display, match, "", "", source, ""


def _one_line(text: str) -> str:
    return " ".join(text.split())
