"""Facts by tables, and where they fall short by spans that a trained model proposes."""

from pathlib import Path
from typing import Any

from fhirconv.extractors import by_tables
from fhirconv.extractors.lexicon import Lexicon
from fhirconv.extractors.proposing import Proposer
from fhirconv.extractors.reading import readings
from fhirconv.extractors.tagger import WEIGHTS
from fhirconv.report import Report
from fhirconv.tables import Tables

Plain = list[dict[str, Any]]


def extract(
    report: Report, tables: Tables, weights: Path = WEIGHTS
) -> tuple[Plain, Plain, Plain, Plain]:
    """Return the patients, facts, relations and statements of a report."""
    lexicon = Lexicon.of(tables)
    propose = Proposer.of(lexicon, weights)
    return by_tables.told(report, lexicon, readings(report, lexicon, propose))
