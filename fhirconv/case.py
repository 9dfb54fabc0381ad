"""One patient's case as the tables see it: facts, relations from both ends, and what follows.

The derived fields are listed in mappings/README.md; what a table can say, a table says.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Fields = dict[str, Any]

ABATED = ("inactive", "remission", "resolved")  # FHIR con-4 (R4), con-3 (R5)
NOT_EXPLICIT = ("treats", "suspected_cause")  # relations that are mapped though not explicit
CAUSES = ("suspected_cause", "caused_by")
SUSPECTS = ("medication", "procedure")  # the kinds that R4 lets an AdverseEvent suspect


DOCUMENT_KINDS = ("patient", "age", "document", "citation", "device", "composition", "provenance")
DERIVED = {  # the fields that follow from others: listed in mappings/README.md, held by a test
    "uri": "the DOI of the article as a URL, or the ni: URI of its bytes",
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
    "history": "conditions and earlier procedures that are not effects of an adverse event",
    "doseWords": "the words of dose, route, frequency and duration",
    "dosageText": "doseWords, else the words of the schedule",
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


@dataclass(frozen=True, slots=True)
class Link:
    """A field that leads to another item; own is what the relation itself says."""

    to: str
    own: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Item:
    """What becomes a resource: a fact, a patient, an age, or a part of the document."""

    id: str
    kind: str
    fields: Fields
    said: frozenset[str] = frozenset()  # the fields that the document itself gives it

    @property
    def evidence(self) -> list[dict[str, Any]]:
        """The words it rests on."""
        return list(self.fields.get("evidence", ()))


@dataclass(frozen=True, slots=True)
class Case:
    """The items of one patient, by id, in the order of the document."""

    patient: str
    items: dict[str, Item]

    def values(self, item: Item, path: tuple[str, ...]) -> list[Any]:
        """Return the values at the end of a path, aligned: None where one branch has none.

        A list on the way is followed item by item; a Link leads into the fact at its end,
        what the relation says of itself first.
        """
        found: list[Any] = [item.fields]
        for step in path:
            found = [value for each in found for value in self._step(each, step)]
        return found if any(value is not None for value in found) else []

    def _step(self, value: Any, step: str) -> list[Any]:
        if isinstance(value, Link):
            own = value.own.get(step)
            value = own if own is not None else self._fields(value.to).get(step)
        elif isinstance(value, Mapping):
            value = value.get(step)
        else:
            value = None
        if isinstance(value, list):
            return value or [None]
        return [None if value == "" else value]

    def _fields(self, name: str) -> Fields:
        return self.items[name].fields if name in self.items else {}


def cases(document: Mapping[str, Any], version: str, resolver: str) -> Iterator[Case]:
    """Yield one case a patient.

    version is that of the converter, for its Device; resolver is the URI that makes a URL of a
    DOI.
    """
    common = _common(document, version, resolver)
    for patient in document["patients"]:
        yield _case(document, patient, common)


def _case(document: Mapping[str, Any], patient: Mapping[str, Any], common: Fields) -> Case:
    name = patient["id"]
    facts = [f for f in document["facts"] if f["patient"] == name]
    links = _links(facts, document["relations"])
    items = [*_patient_items(patient)]
    items += [_fact_item(f, links.get(f["id"], {})) for f in facts]
    items += _document_items(document, name, common)
    case = Case(name, {item.id: item for item in items})
    for item in items:
        item.fields.update(_derived(item, case))
    return case


def _links(
    facts: list[dict[str, Any]], relations: Iterable[Mapping[str, Any]]
) -> dict[str, dict[str, list[Link]]]:
    """Return, for each fact, its relations by name; '<name' from the other end."""
    known = {f["id"] for f in facts}
    links: dict[str, dict[str, list[Link]]] = {}
    for relation in relations:
        kind, start, end = relation["type"], relation["from"], relation["to"]
        explicit = relation["explicit"] or kind in NOT_EXPLICIT
        if explicit and {start, end} <= known:
            links.setdefault(start, {}).setdefault(kind, []).append(Link(end, relation))
            links.setdefault(end, {}).setdefault(f"<{kind}", []).append(Link(start, relation))
    return links


def _fact_item(fact: Mapping[str, Any], links: Mapping[str, list[Link]]) -> Item:
    empty: tuple[Any, ...] = (None, "", [], {}, {"polarity": fact["assertion"]["polarity"]})
    said = frozenset(name for name, value in fact.items() if value not in empty)
    return Item(fact["id"], fact["kind"], _fact_fields(fact, links), said)


def _fact_fields(fact: Mapping[str, Any], links: Mapping[str, list[Link]]) -> Fields:
    fields: Fields = dict(fact) | dict(links)
    for name in ("of", "product", "parent", "focus", "during", "resultingCondition"):
        if name in fact:
            fields[name] = Link(fact[name], {})
    if "during" in links:  # the relation is the same statement as the field
        fields["during"] = fields["during"] if "during" in fact else links["during"]
    fields["time"] = _time(fact.get("time") or {"kind": "unknown"})
    return fields


def _patient_items(patient: Mapping[str, Any]) -> Iterator[Item]:
    name = patient["id"]
    sex = patient.get("sex") or {}
    age = patient.get("age")
    words = [*patient.get("evidence", ()), *sex.get("evidence", ())]
    told = {
        "evidence": _distinct(words),
        "ageWords": age["evidence"][0]["text"] if age else None,
        "notStated": [name for name, value in (("sex", sex), ("age", age)) if not value],
    }
    yield Item(name, "patient", dict(patient) | told)
    if age:
        yield Item(f"{name}-age", "age", dict(age) | _age(age))


def _age(age: Mapping[str, Any]) -> Fields:
    """Return an age as a quantity, or as a range (a decade, 'between 30 and 40')."""
    number = {"value": age["value"]} if "value" in age else {}
    compared = {"comparator": age["comparator"]} if "comparator" in age else {}
    bounds = {name: age[name] for name in ("low", "high") if name in age}
    return {
        "quantity": number | compared | {"unit": age["unit"]} if number else None,
        "range": bounds | {"unit": age["unit"]} if bounds else None,
        "time": _time(age.get("time") or {"kind": "unknown"}),
    }


def _distinct(words: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({(e.get("start"), e.get("end"), e["text"]): e for e in words}.values())


def _common(document: Mapping[str, Any], version: str, resolver: str) -> Fields:
    """Return the fields of everything that is made of the document itself."""
    citation, source = document["citation"], document["source"]
    doi = citation.get("doi")
    return {
        **{name: value for name, value in citation.items() if name not in ("evidence", "text")},
        "cited": citation["text"],
        "file": source,
        "tool": document["extraction"],
        "converter": {"version": version},
        "moreAuthors": None if citation["authorsComplete"] else "et al.",
        "uri": f"{resolver}/{doi.lower()}" if doi else source["uri"],
    }


def _document_items(document: Mapping[str, Any], patient: str, common: Fields) -> Iterator[Item]:
    by_kind: Fields = {}
    for statement in document["statements"]:
        by_kind.setdefault(statement["kind"], []).append(statement["text"])
    for kind in ("document", "citation"):
        yield Item(kind, kind, dict(common))
    yield Item("device", "device", {"converter": common["converter"]})  # the same for all reports
    told = {"statements": by_kind, "statementKinds": next(iter(by_kind), None)}
    yield Item(f"composition-{patient}", "composition", common | told)
    yield Item(f"provenance-{patient}", "provenance", dict(common))


def _derived(item: Item, case: Case) -> Fields:
    """Return what follows from several fields or facts."""
    document = case.items["document"].fields
    made: Fields = {"uri": document["uri"], "authorWords": _author_words(document)}
    made["document"] = Link("document", {})
    made["device"] = Link("device", {})
    made["patient"] = Link(case.patient, {})
    made["evidence"] = [
        {**e, "document": made["document"], "length": e["end"] - e["start"]}
        if "start" in e
        else {**e, "document": made["document"]}
        for e in item.evidence
    ]
    if item.kind == "condition":
        made |= _condition(item, case)
    if item.kind == "adverse_event":
        made |= _adverse_event(item, case)
    if item.kind in ("medication", "procedure"):
        made |= _dosage(item.fields)
    if item.kind == "product":
        made |= _origin(item, case)
    if item.fields.get("presupposed"):
        made["presupposedWords"] = item.fields.get("label")
    if item.kind == "device":
        made = {name: made[name] for name in ("evidence",)}  # shared by all documents
    return made


def uri(case: Case) -> str:
    """Return the URI of the source: its DOI where one is stated, else that of its bytes."""
    return str(case.items["document"].fields["uri"])


def _author_words(document: Mapping[str, Any]) -> str | None:
    names = ", ".join(author["text"] for author in document["authors"])
    more = document["moreAuthors"]
    return f"{names} {more}" if names and more else names or None


def _condition(item: Item, case: Case) -> Fields:
    """Return the abatement, the grade of its adverse event, and the findings that show it."""
    links = [Link(link.to, {}) for link in item.fields.get("<evidence_of", ())]
    events = []
    for other in case.items.values():
        focus = other.fields.get("focus")
        if other.kind == "finding" and focus and focus.to == item.id and _shows(other):
            links.append(Link(other.id, {}))
        effect = other.fields.get("resultingCondition")
        if other.kind == "adverse_event" and effect and effect.to == item.id:
            events.append(other)
    grades = [e.fields["grade"] for e in events if "grade" in e.fields]
    grade = item.fields.get("grade") or (grades[0] if grades else None)
    shown = list({link.to: link for link in links}.values())
    return {"abatement": _abatement(item, case), "grade": grade, "evidenceFindings": shown}


def _shows(finding: Item) -> bool:
    """Say whether a finding is just there: not a change, not absent."""
    value = finding.fields["value"]
    return _is_affirmed(finding) and value.get("polarity") == "present"


def _abatement(condition: Item, case: Case) -> str | None:
    """Return the words of the status that the condition ended in, if it ended."""
    last = condition.fields.get("lastStatus")
    if last not in ABATED:
        return None
    words = [
        item.evidence[0]["text"]
        for item in case.items.values()
        if item.kind == "status_change"
        and item.fields["status"] == last
        and item.fields["of"].to == condition.id
        and _is_affirmed(item)
    ]
    return words[-1] if words else None


def _is_affirmed(item: Item) -> bool:
    told = item.fields["assertion"]
    return (
        told["polarity"] == "present"
        and told["scope"] == "patient"
        and told["temporality"] in ("current", "historical")
    )


def _adverse_event(event: Item, case: Case) -> Fields:
    """Return who is suspected, and the history: what was there before it came."""
    suspects = [
        link
        for name in CAUSES
        for link in event.fields.get(name, ())
        if case.items[link.to].kind in SUSPECTS
    ]
    effects = {
        item.fields["resultingCondition"].to
        for item in case.items.values()
        if item.kind == "adverse_event" and "resultingCondition" in item.fields
    }
    history = [
        Link(item.id, {})
        for item in case.items.values()
        if item.kind in ("condition", "procedure") and _is_affirmed(item)
        if item.id not in effects
        if item.kind == "condition" or item.fields["assertion"]["temporality"] == "historical"
    ]
    return {"suspects": [_suspect(link) for link in suspects], "history": history}


def _suspect(link: Link) -> Link:
    """Return the link with the words of the authors, where they suspect in words."""
    stated = link.own.get("basis", "stated") == "stated"
    words = link.own.get("assessment") or (stated and link.own["evidence"][0]["text"]) or None
    return Link(link.to, {**link.own, "assessment": words})


def _dosage(fields: Fields) -> Fields:
    """Return the words of dose, route, frequency and duration, or those of the schedule.

    dosageGiven is set where there is a dosage without a number: R4 wants a dose (mad-1),
    so its absence is said. unnamedAgents is the class where no agent is named (H7).
    """
    names = ("doseText", "routeText", "frequencyText", "durationText")
    words = [fields[name] for name in names if fields.get(name)]
    stated = ", ".join(dict.fromkeys(words)) or None
    text = stated or fields["time"].get("scheduleText")
    dose = fields.get("dose") or {}
    exact = "value" in dose and not {"high", "comparator"} & set(dose)
    spoken = text or fields.get("methodText") or fields.get("bodySite")
    return {
        "doseWords": stated,
        "dosageText": text,
        "dosageGiven": "unknown" if spoken and not exact else None,
        "unnamedAgents": fields["label"] if fields.get("agentsNamed") is False else None,
    }


def _origin(product: Item, case: Case) -> Fields:
    """Return who a product comes from: the patient, or words about somebody else (H13)."""
    source = product.fields.get("source") or {}
    if isinstance(source, Mapping) and source.get("who") == "patient":
        return {"sourcePatient": Link(case.patient, {}), "from": source.get("text")}
    words = source.get("text") if isinstance(source, Mapping) else None
    return {"sourceWords": words, "from": words}


def _time(time: Mapping[str, Any]) -> Fields:
    """Return a time with what FHIR needs of it: a date, an interval, a schedule, anchors."""
    kind, made = time["kind"], dict(time)
    if kind == "absolute":
        made["date"] = time.get("start")
    if kind == "interval":
        made |= {"from": time.get("start"), "to": time.get("end")}
    if kind == "schedule":
        made["scheduleText"] = time.get("text")
    made["anchors"] = [_anchor(anchor) for anchor in time.get("anchors", ())]
    return made


NO_TIME = {"value": 0, "unit": "days"}


def _anchor(anchor: Mapping[str, Any]) -> Fields:
    """Return an anchor whose offset is a duration, or a range open at one side (H3).

    'after X' is true of every moment from X on: earliest 0 days, and nothing more.
    """
    relation, offset = anchor["relation"], anchor.get("offset")
    made: Fields = {"to": Link(anchor["fact"], {}), "relation": relation}
    if offset:
        made["offset"] = offset
    elif relation.startswith("after"):
        made["earliest"] = NO_TIME
    elif relation.startswith("before"):
        made["latest"] = NO_TIME
    else:
        made["offset"] = NO_TIME
    return made
