"""The extractors: one file per way of finding facts; `find` uses the one that is asked for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fhirconv.extractors import by_tables
from fhirconv.report import Report
from fhirconv.tables import Tables

Plain = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Found:
    """What an extractor finds in a report, in the form of a facts document."""

    patients: list[Plain] = field(default_factory=list)
    facts: list[Plain] = field(default_factory=list)
    relations: list[Plain] = field(default_factory=list)
    statements: list[Plain] = field(default_factory=list)


EXTRACTORS: Mapping[str, Callable[[Report, Tables], tuple[list[Plain], ...]]] = {
    "tables": by_tables.extract,
}


def find(report: Report, tables: Tables, extractor: str = "tables") -> Found:
    """Return the facts of a report; the same report and tables always give the same facts."""
    return Found(*EXTRACTORS[extractor](report, tables))
