"""A conversion that a terminology server helps: with terms without a code, and with displays."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Self

from fhirconv.build import Entry
from fhirconv.case import Case
from fhirconv.convert import Conversion, convert
from fhirconv.outcome import Issue
from fhirconv.tables import Coding, Tables, Term
from fhirconv.terminology import Terminology
from fhirconv.terms import term_key
from fhirconv.unmapped import TEXT_ONLY, is_told, vocabularies_of

MARK = "tx:"  # how the origin of a code begins that a server gave

Named = tuple[str, str, str]  # system, code, display


@dataclass
class Assisted:
    """Conversions in one release with one server, which is asked once for each term and display."""

    terminology: Terminology
    tables: Tables
    release: str
    _learned: dict[str, dict[str, Term]] = field(default_factory=dict)
    _asked: set[tuple[str, str]] = field(default_factory=set)
    _held: set[Named] = field(default_factory=set)

    @classmethod
    def at(cls, address: str, tables: Tables, release: str) -> Self:
        """Return conversions with the server at an address; raises UsageError for none."""
        return cls(Terminology.at(address, tables), tables, release)

    def convert(self, source: Any, **named: Any) -> Conversion:
        """Return what `fhirconv.convert` does, with the codes that the server adds.

        A term that a table says to have no code is not asked for. What the server gave, what it
        says of displays, and what kept it from being asked are issues.
        """
        made = convert(source, self.release, tables=self.tables, **named)
        if self._learns(made):
            self.tables = self.tables.with_terms(self._learned)
            made = convert(source, self.release, tables=self.tables, **named)
        more = (*_given(made), *self._contradictions(made), *self.terminology.issues())
        return replace(made, issues=(*made.issues, *more))

    def close(self) -> None:
        """Close the connections."""
        self.terminology.close()

    def _learns(self, made: Conversion) -> bool:
        """Ask for the terms that got no code; say whether one has one now."""
        before = sum(map(len, self._learned.values()))
        for case, built in made.cases:
            for entry in built.entries:
                if entry.result == TEXT_ONLY:
                    self._ask(entry, case)
        return sum(map(len, self._learned.values())) > before

    def _ask(self, entry: Entry, case: Case) -> None:
        words = " ".join(entry.label.split())
        key = term_key(words)
        listed = vocabularies_of(entry, case, self.tables, self.release)
        if not listed or (listed[0], key) in self._asked or is_told(key, listed, self.tables):
            return
        self._asked.add((listed[0], key))
        codings = self._codings(listed, words) or self._stated(entry, case, words)
        if codings:
            term = Term(words, words, codings, codings[0].origin)
            self._learned.setdefault(listed[0], {})[key] = term

    def _codings(self, vocabularies: tuple[str, ...], words: str) -> tuple[Coding, ...]:
        """Return the codes of the first spelling and vocabulary that the server's maps have."""
        for name in vocabularies:
            for spelling in dict.fromkeys((words, words.casefold())):
                found = self.terminology.translations(name, spelling)
                if found:
                    return tuple(found)
        return ()

    def _stated(self, entry: Entry, case: Case, words: str) -> tuple[Coding, ...]:
        """Return the codes that the source of a fact states and the server calls by its words."""
        found = (
            self.terminology.confirmed(code.get("system", ""), code["code"], words)
            for code in case.items[entry.fact].fields.get("codes", ())
            if code.get("code")
        )
        return tuple(coding for coding in found if coding)

    def _contradictions(self, made: Conversion) -> Iterator[Issue]:
        """Yield the displays of the Bundles that the server denies, each once."""
        for bundle in made.bundles:
            for named in _named(bundle):
                if named not in self._held:
                    self._held.add(named)
                    found = self.terminology.contradiction(*named)
                    if found:
                        yield found


def _given(made: Conversion) -> Iterator[Issue]:
    """Yield an Issue for every element whose code a server gave."""
    for _, built in made.cases:
        for trace in built.traces:
            for origin in trace.codes:
                if origin.startswith(MARK):
                    message = f"{trace.element} of {trace.resource} has a code of the server"
                    yield Issue("information", "informational", message, origin)


def _named(item: Any) -> Iterator[Named]:
    """Yield what each Coding of a Bundle says: system, code and display."""
    if isinstance(item, dict):
        if "display" in item and "code" in item and "system" in item:
            yield item["system"], item["code"], item["display"]
        for value in item.values():
            yield from _named(value)
    elif isinstance(item, list):
        for value in item:
            yield from _named(value)
