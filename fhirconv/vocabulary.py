"""A vocabulary: terms by their words, each with its codings, made when they are looked up."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from fhirconv.sheets import CodeRow
from fhirconv.terms import heads, term_key

TERM, CODE, DISPLAY, MATCH, RELEASES, SAME_AS, ORIGIN, KEY = 0, 1, 2, 3, 4, 5, -2, -1  # CodeRow

PlainCoding = Sequence[str]  # prefix, code, display, match, releases, origin
Plain = Sequence[str | Sequence[PlainCoding]]  # text, preferred, origin, codings
Told = Callable[[str, str], None]  # a defect: message, where


class Dated(Protocol):
    """What is meant for some releases only; for all where it names none."""

    @property
    def releases(self) -> tuple[str, ...]:
        """The releases."""


def of_release(item: Dated, release: str) -> bool:
    """Say whether a row or coding is meant for a release."""
    return not item.releases or release in item.releases


@dataclass(frozen=True, slots=True)
class Coding:
    """One code for a term, and the releases that it is meant for."""

    prefix: str
    system: str
    code: str
    display: str
    match: str  # exact | close | broad
    releases: tuple[str, ...]
    origin: str


@dataclass(frozen=True, slots=True)
class Term:
    """One term of a vocabulary: its words, the preferred words, its codings (maybe none)."""

    text: str
    preferred: str
    codings: tuple[Coding, ...]
    origin: str


class Terms(Mapping[str, Term]):
    """Terms by their key, of which each is made when it is asked for: a pack has many."""

    def __init__(self, plain: Mapping[str, Plain | str], uris: Mapping[str, str]) -> None:
        self._plain = plain
        self._uris = uris
        self._made: dict[str, Term] = {}

    def __getitem__(self, key: str) -> Term:
        """Return a term; raises KeyError."""
        made = self._made.get(key)
        if made is None:
            made = self._made[key] = self._term(self._plain[key])
        return made

    def __contains__(self, key: object) -> bool:
        """Say whether the table has a term."""
        return key in self._plain

    def __iter__(self) -> Iterator[str]:
        """Yield the keys in the order of the table."""
        return iter(self._plain)

    def __len__(self) -> int:
        """Return the number of terms."""
        return len(self._plain)

    def words(self) -> Iterator[tuple[str, str, str]]:
        """Yield (system, code, words) of each display, and of each term that a code means exactly.

        No term is made: a validator asks this of all tables at once.
        """
        for plain in self._plain.values():
            text, _, _, codings = _values(plain)
            for prefix, code, display, match, _, _ in codings:
                system = self._uris[prefix] if prefix else ""
                if display:
                    yield system, code, display
                if match == "exact":
                    yield system, code, str(text)

    def _term(self, plain: Plain | str) -> Term:
        text, preferred, origin, codings = _values(plain)
        return Term(text, preferred, tuple(map(self._coding, codings)), origin)  # type: ignore[arg-type]

    def _coding(self, plain: PlainCoding) -> Coding:
        prefix, code, display, match, releases, origin = plain
        uri = self._uris[prefix] if prefix else ""
        return Coding(prefix, uri, code, display, match, tuple(releases.split()), origin)


def _values(plain: Plain | str) -> Plain:
    """Return the values of a term, which the cache has as JSON."""
    if isinstance(plain, str):
        import orjson

        found: Plain = orjson.loads(plain)
        return found
    return plain


@dataclass(frozen=True, slots=True)
class Above(Mapping[str, Term]):
    """Some terms over those of a table, which are looked up only where these have none."""

    more: Mapping[str, Term]
    below: Mapping[str, Term]

    def __getitem__(self, key: str) -> Term:
        """Return a term; raises KeyError."""
        return self.more[key] if key in self.more else self.below[key]

    def __iter__(self) -> Iterator[str]:
        """Yield the keys, those of the table first."""
        yield from self.below
        yield from (key for key in self.more if key not in self.below)

    def __len__(self) -> int:
        """Return the number of terms."""
        return len(self.below) + sum(key not in self.below for key in self.more)


@dataclass(frozen=True, slots=True, eq=False)
class Vocabulary:
    """One table of codes: terms by their key (see term_key)."""

    name: str
    terms: Mapping[str, Term]

    def find(self, text: str) -> Term | None:
        """Return the term of exactly these words; None where the table has none."""
        return self.terms.get(term_key(text))

    def lookup(self, text: str, release: str) -> tuple[Coding, ...]:
        """Return the codings of exactly these words in one release, in table order."""
        term = self.find(text)
        return tuple(c for c in term.codings if of_release(c, release)) if term else ()

    @lru_cache(maxsize=65536)  # noqa: B019 - a vocabulary lives as long as its tables
    def code(self, text: str, release: str) -> tuple[Coding, ...]:
        """Return the codings of these words, or of the broader term that is their head.

        'refractory acute leukemia (AL)' takes the codings of 'acute leukemia': a noun with
        its modifiers is a kind of that noun, so the code is equal or broader, never narrower.
        """
        for words in heads(text):
            codings = self.lookup(words, release)
            if codings:
                return codings
        return ()


def compiled(rows: Sequence[CodeRow], prefixes: Collection[str], told: Told) -> dict[str, Plain]:
    """Return the terms that the rows of a code table make, by key and as plain values.

    A synonym takes the codings of its term; a row that says something impossible is told.
    """
    own: dict[str, list[PlainCoding]] = {}
    for row in rows:
        coding = _plain(row, prefixes, told) if row[CODE] or row[DISPLAY] else None
        listed = own.get(row[KEY])
        if listed is None:
            own[row[KEY]] = [coding] if coding else []
        elif coding and coding not in listed:
            listed.append(coding)
    terms: dict[str, Plain] = {}
    for row in rows:
        target, key = row[SAME_AS], row[KEY]
        leads = term_key(target) if target else key
        if leads not in own:
            told(f"same_as names no term of this table: {target!r}", row[ORIGIN])
            target, leads = "", key
        if key not in terms:
            terms[key] = (row[TERM], target or row[TERM], row[ORIGIN], own[leads] or own[key])
    return terms


def _plain(row: CodeRow, prefixes: Collection[str], told: Told) -> PlainCoding | None:
    if not row[CODE]:  # words alone: a phrase, a path
        return "", "", row[DISPLAY], "", row[RELEASES], row[ORIGIN]
    prefix, colon, code = row[CODE].partition(":")
    if not colon or prefix not in prefixes:
        known = ", ".join(sorted(prefixes))
        told(f"no code system has the prefix of {row[CODE]!r} (known: {known})", row[ORIGIN])
        return None
    return prefix, code, row[DISPLAY], row[MATCH] or "exact", row[RELEASES], row[ORIGIN]
