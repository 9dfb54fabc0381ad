"""Facts by tables of terms, shapes and cues."""

from typing import Any

from fhirconv.extractors import document
from fhirconv.extractors.gathering import Gathering
from fhirconv.extractors.lexicon import Lexicon
from fhirconv.extractors.patients import owners, patients
from fhirconv.extractors.reading import expansions, readings
from fhirconv.report import Report
from fhirconv.tables import Tables

Plain = list[dict[str, Any]]


def extract(report: Report, tables: Tables) -> tuple[Plain, Plain, Plain, Plain]:
    """Return the patients, facts, relations and statements of a report."""
    lexicon = Lexicon.of(tables)
    understood = readings(report, lexicon)
    owned = owners(understood, lexicon)
    people = patients(understood, owned, report.text, lexicon)
    gathering = Gathering(report.text, expansions(understood, lexicon), lexicon)
    for number, reading in enumerate(understood):
        reading.patient = owned[number]
        gathering.take(number, reading)
    quoting = document.Quoting(report, lexicon.parts)
    document.name(gathering.drafts)
    return (
        [document.person(p, quoting) for p in people],
        [document.plain(d, quoting) for d in gathering.drafts],
        [],
        [],
    )
