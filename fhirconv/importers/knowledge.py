"""What the import tables know: lists of words, lengths of time, the rows of a format."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from fhirconv.errors import TableError
from fhirconv.tables import Tables
from fhirconv.terms import term_key

Line = Mapping[str, str]  # one row of a table: its cells by column, and 'origin'

ANY_KIND = "*"  # in relations.csv
CURIE = re.compile(r"([A-Za-z][\w.]*):(\S+)\Z")
COLUMNS = {  # what a row of each table has
    "brat-attributes": ("attribute", "value", "kind", "field", "fixed"),
    "brat-parts": ("type", "kind", "field", "as", "before", "when"),
    "brat-relations": ("relation", "from", "to", "as"),
    "brat-types": ("type", "with", "kind", "field", "as", "label"),
    "defaults": ("kind", "field", "value", "unless"),
    "lengths": ("letter", "unit", "code", "part", "count"),
    "line-list": ("column", "layout", "fact", "kind", "field", "fixed", "as", "beside"),
    "phenopacket": ("message", "at", "fact", "kind", "field", "element", "fixed", "as", "when"),
    "words": ("list", "word", "value"),
}
SHARED = {  # lists that the extractors have too: table of mappings/extract/, word, value
    "numbers": ("word", "value"),
    "comparators": ("phrase", "comparator"),
    "months": ("word", "month"),
    "persons": ("word", "sex"),
}


@dataclass(frozen=True, slots=True)
class Length:
    """A unit of ISO 8601 durations: its words, its UCUM code, how many of `part` it has."""

    unit: str
    code: str
    part: str  # the letter of the next smaller unit; '' where their number is not fixed
    count: int


@dataclass(eq=False)
class Knowledge:
    """The tables as the importers ask them."""

    tables: Tables
    _checked: dict[str, tuple[Line, ...]] = field(default_factory=dict)

    def rows(self, table: str) -> tuple[Line, ...]:
        """Return the rows of a table of mappings/import/; raises TableError."""
        if table not in self._checked:
            self._checked[table] = self._read(table)
        return self._checked[table]

    def _read(self, table: str) -> tuple[Line, ...]:
        rows = self.tables.imports.get(table)
        if rows is None:
            raise TableError("the table is missing", f"import/{table}.csv")
        for row in rows:
            missing = [name for name in COLUMNS[table] if name not in row]
            if missing:
                raise TableError(f"the row has no column {missing[0]!r}", row["origin"])
        return rows

    @cached_property
    def _words(self) -> Mapping[tuple[str, str], str]:
        listed = {(r["list"], term_key(r["word"])): r["value"] for r in self.rows("words")}
        for name, (word, value) in SHARED.items():
            rows = self.tables.extract.get(name, ())
            listed |= {(name, term_key(r[word])): r[value] for r in rows if r[value]}
        return listed

    @cached_property
    def lists(self) -> frozenset[str]:
        """The names of the lists of words."""
        return frozenset(name for name, _ in self._words)

    @cached_property
    def lengths(self) -> Mapping[str, Length]:
        """The units of ISO 8601 durations by their letter, those of a day with T before it."""
        return {
            r["letter"]: Length(r["unit"], r["code"], r["part"], int(r["count"] or 0))
            for r in self.rows("lengths")
        }

    @cached_property
    def defaults(self) -> tuple[Line, ...]:
        """What a fact says where its source does not."""
        return self.rows("defaults")

    def word(self, name: str, text: str) -> str | None:
        """Return what a word of a list stands for; None where the list has no such word."""
        return self._words.get((name, term_key(text)))

    def may_join(self, relation: str, source: str, target: str) -> bool:
        """Say whether a relation may lead from one kind of fact to another."""
        starts, ends = self.tables.relations[relation]
        return bool({source, ANY_KIND} & starts and {target, ANY_KIND} & ends)

    def words_of(self, name: str) -> list[str]:
        """Return what the words of a list can stand for."""
        return sorted({value for (own, _), value in self._words.items() if own == name and value})

    def has_term(self, vocabulary: str, text: str) -> bool:
        """Say whether the words are a term of a vocabulary that has a code."""
        known = self.tables.codes.get(vocabulary)
        found = known.find(text) if known else None
        return found is not None and any(coding.code for coding in found.codings)

    def unit(self, text: str) -> str:
        """Return the UCUM code of a unit of measure; '' where the table has no such unit."""
        units = self.tables.codes.get("units")
        found = units.find(text) if units and text else None
        return next((c.code for c in found.codings if c.code), "") if found else ""

    def system(self, prefix: str) -> str:
        """Return the URI of the code system that a prefix of a CURIE stands for, '' for none."""
        known = self.tables.systems.get(self.word("prefixes", prefix) or prefix)
        return known.uri if known else self.word("systems", prefix) or ""

    def keeps_prefix(self, prefix: str) -> bool:
        """Say whether the codes of a system carry its prefix themselves."""
        return self.word("prefixed", prefix) is not None


@lru_cache(maxsize=8)
def knowledge_of(tables: Tables) -> Knowledge:
    """Return what the import tables know, gathered once."""
    return Knowledge(tables)
