"""What follows from several facts is derived once, and is then a field like any other."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fhirconv.case import Case, Fields, Item, Link

ABATED = ("inactive", "remission", "resolved")  # FHIR con-4 (R4), con-3 (R5)
CAUSES = ("suspected_cause", "caused_by")
SUSPECTS = ("medication", "procedure")  # the kinds that R4 lets an AdverseEvent suspect
DERIVED = {  # the fields that follow from others: listed in mappings/README.md, held by a test
    "uri": "the DOI of the article as a URL, or the ni: URI of its bytes (of a record: always)",
    "urn": "urn:uuid: and the id of the resource itself",
    "resource": "the type of the resource made",
    "patient": "the patient the fact is about",
    "document": "the article",
    "device": "the converter",
    "authorWords": "the authors as the article names them, with et al. where it does",
    "moreAuthors": "'et al.' where the list of authors is not complete",
    "cited": "the citation in one line",
    "file": "the source of the facts document: its file, bytes and text",
    "tool": "the extraction of the facts document: agent, tool, time",
    "converter": "fhirconv itself: its version",
    "evidence": "the quotes: text, start, length, and the document they stand in",
    "time": "date, from and to, scheduleText, anchors (to, relation, offset, earliest, latest)",
    "abatement": "the words of the status that a condition ended in (con-4)",
    "evidenceFindings": "findings that show a condition: by relation, or there with it in focus",
    "suspects": "stated or temporal causes that are treatments; assessment: the authors' words",
    "firstSuspect": "the first of the suspects",
    "otherSuspects": "the suspects after the first",
    "history": "conditions and earlier procedures that are not effects of an adverse event",
    "doseWords": "the words of dose, route, frequency and duration",
    "dosageText": "doseWords, else the words of the schedule, the method or the site",
    "dosageGiven": "'unknown' where a dosage has no number (mad-1)",
    "unnamedAgents": "the class of drugs where no agent is named",
    "sourcePatient": "the patient, where a product comes from the patient",
    "sourceWords": "whom a product comes from, where not from the patient",
    "from": "whom a product comes from, in words",
    "presupposedWords": "the label of a finding that the sentence only presupposes",
    "quantity": "an age as a number",
    "range": "an age as a range",
    "ageWords": "the words of the age",
    "notStated": "sex, age: what is not stated of a patient",
    "sections": "the facts of each section of the Composition (route.csv)",
    "targets": "what the Provenance speaks of",
    "statements": "background, method, conclusion, recommendation: what is said in general",
    "statementKinds": "a kind of statement, where there is any",
}


READS = {  # the fields of a fact that a derived field is made of
    "abatement": ("lastStatus",),
    "doseWords": ("doseText", "routeText", "frequencyText", "durationText"),
    "dosageText": ("doseText", "routeText", "frequencyText", "durationText"),
    "dosageGiven": ("methodText",),
    "unnamedAgents": ("agentsNamed",),
    "from": ("source",),
    "presupposedWords": ("presupposed",),
    "evidenceFindings": ("focus",),
    "resultingCondition": ("grade",),  # the grade of the event is the severity of its condition
}


def derive(case: Case) -> None:
    """Give every item of a case the fields that follow from others."""
    index = _index(case)
    shared = _shared(case)
    for item in case.items.values():
        fields = item.fields
        fields["evidence"] = _evidence(fields.get("evidence", ()), shared["document"])
        if item.kind == "device":
            continue  # it is the same for all documents
        fields.update(shared)
        more = DERIVE.get(item.kind)
        if more is not None:
            fields.update(more(item, case, index))
        if fields.get("presupposed"):
            fields["presupposedWords"] = fields.get("label")


@dataclass(slots=True)
class Index:
    """What leads to a condition, each found once for the whole case."""

    findings: dict[str, list[Item]]  # by the condition in their focus
    events: dict[str, list[Item]]  # by the condition that they resulted in
    changes: dict[str, list[Item]]  # by the condition whose status they tell
    history: list[Link]  # conditions and earlier procedures that no event resulted in


def _index(case: Case) -> Index:
    index = Index({}, {}, {}, [])
    leads = (
        ("finding", "focus", index.findings),
        ("adverse_event", "resultingCondition", index.events),
        ("status_change", "of", index.changes),
    )
    for item in case.items.values():
        for kind, name, found in leads:
            if item.kind == kind and name in item.fields:
                found.setdefault(item.fields[name].to, []).append(item)
    index.history = [
        Link(item.id)
        for item in case.items.values()
        if item.kind in ("condition", "procedure") and _is_affirmed(item)
        if item.id not in index.events
        if item.kind == "condition" or item.fields["assertion"]["temporality"] == "historical"
    ]
    return index


def _shared(case: Case) -> Fields:
    """Return the fields that are the same for every item of a case."""
    document = case.items["document"].fields
    return {
        "uri": document["uri"],
        "authorWords": _author_words(document),
        "document": Link("document"),
        "device": Link("device"),
        "patient": Link(case.patient),
    }


def _evidence(quotes: Iterable[Fields], document: Link) -> list[Fields]:
    """Return the quotes with the document that they stand in, and their length where known."""
    return [
        {**quote, "document": document, "length": quote["end"] - quote["start"]}
        if "start" in quote
        else {**quote, "document": document}
        for quote in quotes
    ]


def _author_words(document: Mapping[str, Any]) -> str | None:
    names = ", ".join(author["text"] for author in document["authors"])
    more = document["moreAuthors"]
    return f"{names} {more}" if names and more else names or None


def _condition(item: Item, _: Case, index: Index) -> Fields:
    """Return the abatement, the grade of its adverse event, and the findings that show it."""
    links = [Link(link.to) for link in item.fields.get("<evidence_of", ())]
    links += [Link(f.id) for f in index.findings.get(item.id, ()) if _shows(f)]
    events = index.events.get(item.id, ())
    grades = [e.fields["grade"] for e in events if "grade" in e.fields]
    grade = item.fields.get("grade") or (grades[0] if grades else None)
    shown = list({link.to: link for link in links}.values())
    return {"abatement": _abatement(item, index), "grade": grade, "evidenceFindings": shown}


def _shows(finding: Item) -> bool:
    """Say whether a finding is just there: not a change, not absent."""
    value = finding.fields["value"]
    return _is_affirmed(finding) and value.get("polarity") == "present"


def _abatement(condition: Item, index: Index) -> str | None:
    """Return the words of the status that the condition ended in, if it ended."""
    last = condition.fields.get("lastStatus")
    if last not in ABATED:
        return None
    words = [
        change.evidence[0]["text"]
        for change in index.changes.get(condition.id, ())
        if change.fields["status"] == last and _is_affirmed(change)
    ]
    return words[-1] if words else None


def _is_affirmed(item: Item) -> bool:
    told = item.fields["assertion"]
    return (
        told["polarity"] == "present"
        and told["scope"] == "patient"
        and told["temporality"] in ("current", "historical")
    )


def _adverse_event(event: Item, case: Case, index: Index) -> Fields:
    """Return who is suspected, and the history: what was there before it came."""
    suspects = [
        _suspect(link)
        for name in CAUSES
        for link in event.fields.get(name, ())
        if case.items[link.to].kind in SUSPECTS
    ]
    return {"suspects": suspects, "history": list(index.history)}


def part_suspects(fields: Fields) -> None:
    """Tell the first of the suspects from the others: some releases take one only."""
    fields["firstSuspect"], fields["otherSuspects"] = fields["suspects"][:1], fields["suspects"][1:]


def _suspect(link: Link) -> Link:
    """Return the link with the words of the authors, where they suspect in words."""
    stated = link.own.get("basis", "stated") == "stated"
    words = link.own.get("assessment") or (stated and link.own["evidence"][0]["text"]) or None
    return Link(link.to, {**link.own, "assessment": words})


def _dosage(item: Item, _case: Case, _index: Index) -> Fields:
    """Return the words of dose, route, frequency and duration, else of schedule, method or site.

    dosageGiven is set where there is a dosage without a number: R4 wants a dose (mad-1),
    so its absence is said. unnamedAgents is the class where no agent is named (H7).
    """
    fields = item.fields
    names = ("doseText", "routeText", "frequencyText", "durationText")
    words = [fields[name] for name in names if fields.get(name)]
    stated = ", ".join(dict.fromkeys(words)) or None
    site = (fields.get("bodySite") or {}).get("text")
    text = stated or fields["time"].get("scheduleText") or fields.get("methodText") or site
    dose = fields.get("dose") or {}
    exact = "value" in dose and not {"high", "comparator"} & set(dose)
    return {
        "doseWords": stated,
        "dosageText": text,
        "dosageGiven": "unknown" if text and not exact else None,
        "unnamedAgents": fields["label"] if fields.get("agentsNamed") is False else None,
    }


def _origin(product: Item, case: Case, _: Index) -> Fields:
    """Return who a product comes from: the patient, or words about somebody else (H13)."""
    source = product.fields.get("source") or {}
    if isinstance(source, Mapping) and source.get("who") == "patient":
        return {"sourcePatient": Link(case.patient), "from": source.get("text")}
    words = source.get("text") if isinstance(source, Mapping) else None
    return {"sourceWords": words, "from": words}


DERIVE: dict[str, Callable[[Item, Case, Index], Fields]] = {  # by the kind of fact
    "condition": _condition,
    "adverse_event": _adverse_event,
    "medication": _dosage,
    "procedure": _dosage,
    "product": _origin,
}
