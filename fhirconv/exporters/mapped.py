"""What is exported: the terms of vocabularies with their codes in one release."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from fhirconv.errors import TableError
from fhirconv.sheets import Line, Sheets
from fhirconv.tables import MAPPINGS, SYSTEM_COLUMNS, Coding, Tables, Term, Vocabulary, of_release

FOLDER = "export"


@dataclass(eq=False)
class MappedTables:
    """Vocabularies of one release, and the tables that say how their mappings are written."""

    tables: Tables
    release: str
    vocabularies: Mapping[str, Vocabulary]

    def mapped(self, name: str) -> Iterator[tuple[Term, list[Coding]]]:
        """Yield the terms of a vocabulary that have codes in the release."""
        for term in self.vocabularies[name].terms.values():
            codings = [c for c in term.codings if c.code and of_release(c, self.release)]
            if codings:
                yield term, codings

    @cached_property
    def words(self) -> dict[str, str]:
        """The fixed words of the forms, by name."""
        return {line["name"]: line["value"] for line in self._lines("words", "name")}

    @cached_property
    def matches(self) -> dict[str, Line]:
        """How each kind of match is said in the release."""
        lines = self._lines("matches", "match", "releases")
        return {
            line["match"]: line
            for line in lines
            if not line["releases"] or self.release in line["releases"].split()
        }

    def match(self, coding: Coding) -> Line:
        """Return how the match of a coding is said; raises TableError where no row says it."""
        if coding.match not in self.matches:
            known = ", ".join(self.matches) or "none"
            message = f"no row says the match {coding.match!r} in {self.release} (known: {known})"
            raise TableError(message, f"{FOLDER}/matches.csv")
        return self.matches[coding.match]

    @cached_property
    def expansions(self) -> dict[str, str]:
        """The beginning of the URI of a code, by the prefix of its system."""
        said = {line["prefix"]: line["expansion"] for line in self._lines("expansions", "prefix")}
        return {p: said.get(p, f"{s.uri}/") for p, s in self.tables.systems.items()}

    @cached_property
    def notes(self) -> dict[str, str]:
        """What systems.csv says of each system for people: its name, its terms."""
        lines = Sheets(self.tables.folders).lines("systems.csv", SYSTEM_COLUMNS, ("prefix",))
        return {line["prefix"]: line["note"] for line in lines}

    def _lines(self, name: str, *key: str) -> list[dict[str, str]]:
        """Return the rows of a table of export/; a set without it takes the built-in one."""
        file = f"{FOLDER}/{name}.csv"
        folders = self.tables.folders
        below = () if (folders[0] / file).is_file() else (MAPPINGS,)
        return Sheets((*below, *folders)).lines(file, None, key)
