"""Facts in the making become plain facts: ids are given, references resolved, spans quoted."""

from collections.abc import Mapping, Sequence
from typing import Any

from fhirconv.extractors.drafts import Draft, Link, Span
from fhirconv.extractors.patients import Patient
from fhirconv.facts import fact_id
from fhirconv.report import Report

ORDER = ("kind", "label", "alternativeLabels", "qualifiers")


class Quoting:
    """The words of a report as evidence."""

    def __init__(self, report: Report, parts: Mapping[str, str]) -> None:
        self.report = report
        self.parts = parts

    def one(self, span: Span) -> dict[str, Any]:
        """Return one span as evidence."""
        start, end = span
        section = self.report.section_at(start)
        part = self.parts.get(section.kind, "body") if section else "body"
        return {"start": start, "end": end, "text": self.report.text[start:end], "section": part}

    def all(self, spans: Sequence[Span]) -> list[dict[str, Any]]:
        """Return spans as evidence, each once."""
        return [self.one(span) for span in dict.fromkeys(spans)]


def name(drafts: Sequence[Draft]) -> None:
    """Give each fact its id, by its kind and words."""
    taken: set[str] = set()
    for draft in drafts:
        draft.id = fact_id(draft.kind.replace("_", "-"), draft.label, taken)
        taken.add(draft.id)


def plain(draft: Draft, quoting: Quoting) -> dict[str, Any]:
    """Return a fact of the facts document."""
    found: dict[str, Any] = {"id": draft.id, "patient": f"p{draft.patient}"}
    found |= {"kind": draft.kind, "label": draft.label}
    fields = dict(draft.fields)
    for key in ORDER:
        if key in fields:
            found[key] = fields.pop(key)
    found |= {key: _resolved(value) for key, value in sorted(fields.items())}
    found["assertion"] = draft.told.fields()
    if draft.time is not None:
        found["time"] = _resolved(draft.time)
    elif draft.kind == "medication":
        found["time"] = {"kind": "unknown"}
    found["evidence"] = quoting.all(draft.evidence)
    found["provenance"] = {
        "method": draft.method,
        "rule": draft.rule,
        "confidence": draft.confidence,
    }
    modelled = [name for name in sorted(set(draft.modelled)) if name in found]
    if modelled:
        found["provenance"]["modelled"] = modelled
    return found


def _resolved(value: Any) -> Any:
    """Return a value with the id in place of each draft."""
    if isinstance(value, Draft):
        return value.id
    if isinstance(value, dict):
        return {key: _resolved(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_resolved(item) for item in value]
    return value


def relation(link: Link, quoting: Quoting) -> dict[str, Any]:
    """Return a relation of the facts document."""
    found: dict[str, Any] = {
        "type": link.type,
        "from": link.source.id,
        "to": link.target.id,
        "explicit": link.explicit,
        "basis": link.basis,
        "evidence": [quoting.one(link.span)],
    }
    if link.assessment:
        found["assessment"] = link.assessment
    return found


def person(patient: Patient, quoting: Quoting) -> dict[str, Any]:
    """Return a patient of the facts document."""
    found: dict[str, Any] = {"id": f"p{patient.number}", "sex": None, "age": None}
    if patient.sex and patient.sex_span:
        found["sex"] = {"value": patient.sex, "evidence": [quoting.one(patient.sex_span)]}
    if patient.age and patient.age_span:
        age = {key: _resolved(value) for key, value in patient.age.items()}
        found["age"] = age | {"evidence": [quoting.one(patient.age_span)]}
    found["identityStated"] = False
    if patient.deceased:
        found["deceased"] = True
    if patient.death_date:
        found["deathDate"] = patient.death_date
    if patient.evidence:
        found["evidence"] = quoting.all(patient.evidence)
    return found
