"""Facts in the making: fields are put where a row says, and become a facts document."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from fhirconv.facts import SCHEMA_VERSION, fact_id
from fhirconv.importers.knowledge import Knowledge
from fhirconv.version import VERSION

Plain = dict[str, Any]
STEP = re.compile(r"([A-Za-z]\w*)(?:\[([\w-]*)\])?\Z")
EVENT, FINDING, ABSENT = "adverse_event", "finding", "absent"
ANY = ""  # a default for every kind of fact
FIRST = ("id", "patient", "kind", "label", "alternativeLabels")
PATIENT, CITATION = "patient", "citation"
SAME, DISTINCT = "=same", "=distinct"  # fields of a row that tell facts apart


@dataclass(eq=False, slots=True)
class Draft:
    """A fact in the making, or the patient, or the citation."""

    kind: str
    rule: str  # the row that makes it: import/phenopacket.csv:12
    fields: Plain = field(default_factory=dict)
    evidence: list[Plain] = field(default_factory=list)
    name: str = ""  # how the rows of its message call it
    same: str = ""  # facts of one kind with the same word here are one fact
    distinct: str = ""  # what makes its id, beside kind and label
    id: str = ""
    places: dict[str, Plain] = field(default_factory=dict)  # field -> the quote that says it
    _slots: dict[tuple[str, str], Plain] = field(default_factory=dict)

    def put(self, path: str, value: Any) -> bool:
        """Put a value where a path leads, unless something stands there; say whether it did.

        'value.text' leads into a field, 'details[]' adds to a list, 'components[gene].text'
        leads into an item of a list that has this name.
        """
        if path in (SAME, DISTINCT):
            setattr(self, path[1:], self.same if path == SAME and self.same else str(value))
            return True
        *inner, last = path.split(".")
        holder = self.fields
        for step in inner:
            holder = self._into(holder, step)
        match = STEP.match(last)
        name, slot = (match[1], match[2]) if match else (last, None)
        if slot is None:
            return holder.setdefault(name, value) is value
        items = holder.setdefault(name, [])
        if value in items:
            return False
        items.append(value)
        return True

    def _into(self, holder: Plain, step: str) -> Plain:
        match = STEP.match(step)
        name, slot = (match[1], match[2]) if match else (step, None)
        if slot is None:
            made: Plain = holder.setdefault(name, {})
            return made
        if (name, slot) not in self._slots:
            self._slots[name, slot] = {}
            holder.setdefault(name, []).append(self._slots[name, slot])
        return self._slots[name, slot]

    def join(self, other: "Draft") -> None:
        """Take from another draft of the same fact what this one does not say."""
        for name, value in other.fields.items():
            self.fields.setdefault(name, value)
        self.evidence += [each for each in other.evidence if each not in self.evidence]

    @property
    def label(self) -> str:
        """The words of the fact; '' where it has none yet."""
        return str(self.fields.get("label", ""))


@dataclass(frozen=True, slots=True)
class Link:
    """A relation in the making."""

    type: str
    source: Draft
    target: Draft
    evidence: tuple[Plain, ...]
    basis: str = "stated"


@dataclass(slots=True)
class Record:
    """One patient of a source in the making."""

    source: Plain
    citation: Plain
    patient: Draft
    facts: list[Draft] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    agent: str = ""


def document_of(record: Record, known: Knowledge) -> Plain:
    """Return the facts document of a record; ids are of kind and words, as extraction gives."""
    taken: set[str] = set()
    for draft in record.facts:
        _complete(draft, known)
        draft.id = fact_id(draft.kind.replace("_", "-"), f"{draft.label} {draft.distinct}", taken)
        taken.add(draft.id)
    extraction = {"method": "import", "tool": "fhirconv", "toolVersion": VERSION}
    return {
        "schemaVersion": SCHEMA_VERSION,
        "source": record.source,
        "citation": record.citation,
        "patients": [_patient(record.patient)],
        "facts": [_fact(draft) for draft in record.facts],
        "relations": list(_relations(record.links)),
        "statements": [],
        "extraction": extraction | ({"agent": record.agent} if record.agent else {}),
    }


def _complete(draft: Draft, known: Knowledge) -> None:
    """Give a fact what it must say and its source does not, as the table of defaults has it."""
    for row in known.defaults:
        if row["kind"] in (ANY, draft.kind) and row["unless"] not in draft.fields:
            draft.put(row["field"], row["value"])
    if draft.kind == EVENT and draft.fields["assertion"]["polarity"] == ABSENT:
        draft.kind = FINDING  # an event that did not happen is none: modelling H11
        draft.put("value.polarity", ABSENT)
    parts = [part for part in draft.fields.pop("components", []) if len(part) > 1]
    draft.fields |= {"components": parts} if parts else {}


def _fact(draft: Draft) -> Plain:
    made: Plain = {"id": draft.id, "patient": "p1", "kind": draft.kind}
    made |= {name: draft.fields[name] for name in FIRST if name in draft.fields}
    made |= {name: _resolved(v) for name, v in draft.fields.items() if _is_said(v)}
    made["evidence"] = draft.evidence
    made["provenance"] = {"method": "import", "rule": draft.rule, "confidence": 1}
    return made


def _resolved(value: Any) -> Any:
    """Return a value with the id in place of the draft of another fact."""
    if isinstance(value, Draft):
        return value.id
    if isinstance(value, dict):
        return {name: _resolved(each) for name, each in value.items()}
    return [_resolved(each) for each in value] if isinstance(value, list) else value


def _is_said(value: Any) -> bool:
    return value not in (None, "", [], {})


def _patient(draft: Draft) -> Plain:
    made: Plain = {"id": "p1", "sex": None, "age": None, "identityStated": False}
    made |= {name: value for name, value in draft.fields.items() if _is_said(value)}
    return made | ({"evidence": draft.evidence} if draft.evidence else {})


def _relations(links: Iterable[Link]) -> Sequence[Plain]:
    made: dict[tuple[str, str, str], Plain] = {}
    for link in links:
        key = (link.type, link.source.id, link.target.id)
        if link.source is not link.target and key not in made:
            made[key] = {
                "type": link.type,
                "from": link.source.id,
                "to": link.target.id,
                "explicit": True,
                "basis": link.basis,
                "evidence": list(link.evidence),
            }
    return list(made.values())
