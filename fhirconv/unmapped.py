"""The terms that got no code: how often, in which sentence, and in which table they would stand."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from fhirconv.build import Entry, route_of
from fhirconv.case import Case
from fhirconv.convert import Conversion
from fhirconv.explain import cut_into_sentences, sentence_at
from fhirconv.plan import is_of_class, plan_of
from fhirconv.tables import CODE_COLUMNS, Tables
from fhirconv.terms import term_key

TEXT_ONLY = "text only"


@dataclass(frozen=True, slots=True)
class Unmapped:
    """One term without a code."""

    term: str  # as the reports write it most often
    kind: str  # of fact
    vocabulary: str  # the table in which it would stand; empty where no row looks it up
    count: int
    example: str  # a sentence, or the words alone where no report is at hand
    told: bool  # a table says that it has no code


@dataclass(slots=True)
class _Term:
    kind: str
    listed: tuple[str, ...]
    spellings: Counter[str] = field(default_factory=Counter)
    example: str = ""


@dataclass(slots=True)
class Tally:
    """The terms without a code of many conversions, by kind and key."""

    tables: Tables
    release: str
    _terms: dict[tuple[str, str], _Term] = field(default_factory=dict)

    def add(self, conversion: Conversion, text: str | None = None) -> None:
        """Count the terms of one conversion; with the text of its report an example is told."""
        cut = list(cut_into_sentences(text, self.tables)) if text else []
        for case, built in conversion.cases:
            for entry in built.entries:
                if entry.result == TEXT_ONLY:
                    term = self._term(entry, case)
                    term.spellings[" ".join(entry.label.split())] += 1
                    evidence = case.items[entry.fact].evidence
                    start = evidence[0].get("start") if evidence else None
                    said = sentence_at(text or "", cut, start)
                    term.example = term.example or said or " ".join(entry.words.split())

    def _term(self, entry: Entry, case: Case) -> _Term:
        key = (entry.kind, term_key(entry.label))
        if key not in self._terms:
            self._terms[key] = _Term(
                entry.kind, vocabularies_of(entry, case, self.tables, self.release)
            )
        return self._terms[key]

    def terms(self) -> list[Unmapped]:
        """Return the terms, most frequent first, then by the alphabet."""
        found = [
            Unmapped(
                term=max(sorted(term.spellings), key=term.spellings.__getitem__),
                kind=term.kind,
                vocabulary=(*term.listed, "")[0],
                count=term.spellings.total(),
                example=term.example,
                told=is_told(key, term.listed, self.tables),
            )
            for (_, key), term in self._terms.items()
        ]
        return sorted(found, key=lambda each: (-each.count, term_key(each.term), each.kind))


def vocabularies_of(entry: Entry, case: Case, tables: Tables, release: str) -> tuple[str, ...]:
    """Return the vocabularies in which the words of a fact are looked up, in order."""
    route = route_of(case.items[entry.fact], tables.routes)
    plan = plan_of(tables, release)
    arrows = plan[route.rows][0][1] if route and route.rows in plan else ()
    rows = [a.row for a in arrows if a.row.field == "label" and is_of_class(a.row.type)]
    return tuple(name for row in rows for name in row.codes.split())


def is_told(key: str, vocabularies: Iterable[str], tables: Tables) -> bool:
    """Say whether a table says of a term that it has no code."""
    return any(key in tables.vocabulary(name).terms for name in vocabularies)


def sheets(terms: Iterable[Unmapped]) -> Iterator[tuple[str, bytes]]:
    """Yield (vocabulary, CSV) with the terms that no table tells of, ready to be filled in.

    The CSV is of the columns of codes/: as an overlay it says no more than that a code was
    looked for, until a person writes one.
    """
    by_table: dict[str, dict[str, Unmapped]] = {}
    for each in terms:
        if each.vocabulary and not each.told:
            by_table.setdefault(each.vocabulary, {}).setdefault(term_key(each.term), each)
    for name in sorted(by_table):
        file = io.StringIO()
        table = csv.DictWriter(file, CODE_COLUMNS, restval="", lineterminator="\n")
        table.writeheader()
        for each in by_table[name].values():
            times = f"{each.count} times" if each.count > 1 else "once"
            table.writerow({"term": each.term, "note": f"{times}: {each.example}"})
        yield name, file.getvalue().encode("utf-8")
