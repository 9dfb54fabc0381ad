"""The extractors: one file per way of finding facts; `find` uses the one that is asked for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fhirconv.errors import UsageError
from fhirconv.extractors import by_tables, by_tagger, tagger
from fhirconv.report import Report
from fhirconv.tables import Tables

Plain = dict[str, Any]
TABLES, TAGGER = "tables", "tagger"


@dataclass(frozen=True, slots=True)
class Found:
    """What an extractor finds in a report, in the form of a facts document."""

    patients: list[Plain] = field(default_factory=list)
    facts: list[Plain] = field(default_factory=list)
    relations: list[Plain] = field(default_factory=list)
    statements: list[Plain] = field(default_factory=list)


EXTRACTORS: Mapping[str, Callable[[Report, Tables], tuple[list[Plain], ...]]] = {
    TAGGER: by_tagger.extract,  # the best first
    TABLES: by_tables.extract,
}


def find(report: Report, tables: Tables, extractor: str = "") -> Found:
    """Return the facts of a report; the same report and tables always give the same facts.

    Without a name the best extractor that can run here is used. Raises UsageError where the
    one that is asked for is unknown, or cannot run here.
    """
    return Found(*EXTRACTORS[chosen(extractor)](report, tables))


def chosen(extractor: str = "") -> str:
    """Return the name of the extractor that is used where this one is asked for."""
    if extractor and extractor not in EXTRACTORS:
        known = ", ".join(EXTRACTORS)
        raise UsageError(f"no extractor is called {extractor!r} (known: {known})")
    if extractor == TABLES:
        return extractor
    missing = tagger.missing()
    if missing and extractor:
        raise UsageError(f"the extractor {extractor!r} cannot run: {missing}")
    return TABLES if missing else TAGGER


def account(extractor: str = "") -> Plain:
    """Return what a facts document says of the extractor: its method, and the model if any."""
    if chosen(extractor) == TABLES:
        return {"method": "rule"}
    return {"method": "mixed", "model": tagger.version()}
