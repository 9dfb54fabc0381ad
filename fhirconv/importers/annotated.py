"""Mentions become facts: their words, what modifies them, what is said of them."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from fhirconv.importers.drafts import PATIENT, Draft, Record
from fhirconv.importers.imported import left_out
from fhirconv.importers.knowledge import Knowledge, Line
from fhirconv.importers.mentions import (
    AROUND,
    INSIDE,
    PART,
    SAME,
    SKIP,
    Mention,
    Mentions,
    contexts,
)
from fhirconv.importers.ordering import Ordering
from fhirconv.importers.quantities import quantity_of
from fhirconv.importers.readings import READINGS
from fhirconv.importers.rows import ELSE, reading_of
from fhirconv.importers.standoff import Entity, Span
from fhirconv.outcome import Issue
from fhirconv.report import Report

VALUE, DETAILS, LABEL = "value", "details[]", "label"
AGE, SEX, CONDITION = "age", "sex", "condition"
ABSENT = "absent"
BEFORE = "yes"  # a part directly before the words is part of the label
GAP = re.compile(r"[ \t\u00a0\u2009\u202f-]*\Z")
JOINED = "; "

Plain = dict[str, Any]


class Annotated:
    """The facts of one annotated report in the making."""

    def __init__(self, mentions: Mentions, report: Report, known: Knowledge, name: str) -> None:
        self.mentions = mentions
        self.report = report
        self.known = known
        self.name = name
        self.sections = {r["kind"]: r["evidence"] for r in known.tables.extract["section-kinds"]}
        self.patient = Draft(PATIENT, "")
        self.drafts: dict[Mention, Draft] = {}
        self.issues: list[Issue] = []
        self.taken: set[Mention] = set()  # what a field took

    def record(self) -> tuple[Record, list[Issue]]:
        """Return what the annotations tell, and what of them no fact takes."""
        for mention in self.mentions.listed:
            if mention.as_patient:
                self._tell_patient(mention, mention.as_patient)
            if mention.kind and mention.row:
                self.drafts[mention] = self._draft(mention, mention.row)
        ordering = Ordering(self.mentions, self.drafts, self.known, self.quote)
        ordering.relate()
        self.taken |= ordering.taken
        made = Record(self.report.source, self.report.citation, self.patient)
        made.facts += self.drafts.values()
        made.links += ordering.links
        return made, [*self.issues, *self._left(), *ordering.issues(self.name)]

    def quote(self, span: Span) -> Plain:
        """Return words of the report as evidence."""
        start, end = span
        section = self.report.section_at(start)
        kind = self.sections.get(section.kind, "body") if section else "body"
        return {"start": start, "end": end, "text": self.report.text[start:end], "section": kind}

    def _tell_patient(self, mention: Mention, row: Line) -> None:
        """Take what a mention says of the patient, unless it is denied or said otherwise."""
        reading, argument = reading_of(row)
        made = READINGS[reading](mention.words, argument, self.known)
        if made is None or self._is_denied(mention):
            return
        quotes = [self.quote(span) for span in mention.entity.spans]
        field, told = row["field"], made
        if field == SEX:
            told = {"value": made, "evidence": quotes}
        elif field == AGE:
            told = {**made, "evidence": quotes}
        if self.patient.fields.setdefault(field, told) is told:
            self.patient.evidence += [q for q in quotes if field not in (AGE, SEX)]
        elif _bare(self.patient.fields[field]) != _bare(told):
            why = f"the {field} of the patient is said before"
            self.issues.append(self._issue(mention.entity, why))
        self.taken.add(mention)

    def _is_denied(self, mention: Mention) -> bool:
        rows = [r for a in mention.attributes for r in self._about(a.type, a.value, mention)]
        return any(row["fixed"] == ABSENT for row in rows)

    def _draft(self, mention: Mention, row: Line) -> Draft:
        draft = Draft(row["kind"], row["origin"])
        before = self._before(mention) if not row["label"] else []
        words = " ".join(" ".join([*(p.words for p in before), mention.words]).split())
        draft.put(LABEL, row["label"] or words)
        if row["label"]:
            draft.distinct = words
            self._fill(draft, {row["field"]: [words]})
        elif draft.kind == CONDITION:
            self._name_otherwise(draft, mention)
        for attribute in mention.attributes:
            self._say(draft, self._about(attribute.type, attribute.value, mention))
        for context in contexts(mention, self.mentions):
            self._say(draft, self._about(context, "", mention))
        self._say(draft, self._about("", "", mention))
        self._modify(draft, mention, before)
        draft.evidence += [self.quote(span) for span in mention.spans]
        return draft

    def _name_otherwise(self, draft: Draft, mention: Mention) -> None:
        """Give a condition the other names that the text has for it."""
        for place in mention.places[1:]:
            rows = self.mentions.rows.get(place.type, ())
            refers = all(row["kind"] == SAME for row in rows)
            if not refers and place.words.casefold() != mention.words.casefold():
                draft.put("alternativeLabels[]", " ".join(place.words.split()))

    def _about(self, name: str, value: str, mention: Mention) -> list[Line]:
        """Return the rows that say what an attribute means for a kind of fact, or a type."""
        kinds = ("", mention.kind, mention.entity.type)
        rows = [r for r in self.known.rows("brat-attributes") if r["attribute"] == name]
        return [r for r in rows if r["kind"] in kinds and r["value"] in ("", value)]

    def _say(self, draft: Draft, rows: Iterable[Line]) -> None:
        for row in rows:
            draft.put(row["field"], row["fixed"])

    def _before(self, mention: Mention) -> list[Mention]:
        """Return the modifiers that stand directly before the words: they are part of them."""
        rows = self.known.rows("brat-parts")
        joined = {r["type"] for r in rows if r["before"] == BEFORE}
        found: list[Mention] = []
        start = mention.entity.start
        for part in sorted(mention.parts, key=lambda p: -p.entity.end):
            gap = self.report.text[part.entity.end : start]
            if part.entity.type in joined and part.entity.end <= start and GAP.match(gap):
                found.insert(0, part)
                start = part.entity.start
        return found

    def _modify(self, draft: Draft, mention: Mention, before: list[Mention]) -> None:
        """Put the words of what modifies a mention into the fields that the table names."""
        told: dict[str, list[str]] = {}
        readings: dict[str, str] = {}
        for part in sorted(mention.parts, key=lambda p: p.entity.start):
            if part.role != PART:
                continue
            self.taken |= {part, *part.parts}
            for row in self._rows_of(part, draft, mention):
                if part not in before or row["field"] != DETAILS:
                    told.setdefault(row["field"], []).append(self._phrase(part))
                    readings[row["field"]] = row["as"]
        self._fill(draft, told, readings)

    def _rows_of(self, part: Mention, draft: Draft, mention: Mention) -> Iterator[Line]:
        """Yield the rows that can read a part, for this kind of fact or type of mention."""
        used = False
        for row in self.known.rows("brat-parts"):
            fits = row["kind"] in ("", draft.kind, mention.entity.type)
            if row["type"] != part.entity.type or not fits or (row["when"] == ELSE and used):
                continue
            reading, argument = reading_of(row)
            if READINGS[reading](part.words, argument, self.known) is not None:
                used = True
                yield row

    def _phrase(self, part: Mention) -> str:
        """Return the words of a part with those of its own parts."""
        before = self._before(part)
        more = [p.words for p in part.parts if p not in before and p.role == PART]
        words = " ".join([*(p.words for p in before), part.words])
        return " ".join(", ".join([words, *more]).split())

    def _fill(
        self, draft: Draft, told: dict[str, list[str]], readings: dict[str, str] | None = None
    ) -> None:
        for field, words in told.items():
            listed = list(dict.fromkeys(words))
            reading, _, argument = (readings or {}).get(field, "").partition(":")
            if field == VALUE:
                self._measure(draft, listed)
            elif field == DETAILS:
                for each in listed:
                    draft.put(DETAILS, each)
            elif not reading or len(listed) == 1:
                draft.put(field, READINGS[reading](JOINED.join(listed), argument, self.known))
            else:
                draft.put(DETAILS, JOINED.join(listed))

    def _measure(self, draft: Draft, words: list[str]) -> None:
        """Give a finding its value: the words, and the number where there is just one."""
        quantity = quantity_of(words[0], self.known) if len(words) == 1 else None
        if quantity:
            draft.put("value.quantity", quantity)
        draft.put("value.text", JOINED.join(words))

    def _left(self) -> Iterator[Issue]:
        """Yield what no fact takes, each of its places."""
        for mention in self.mentions.listed:
            why = self._why_left(mention)
            if why:
                yield from (self._issue(place, why) for place in mention.places)
        notes = len(self.mentions.found.ignored)
        if notes:
            what = f"{notes} {'note' if notes == 1 else 'notes'} of annotators"
            yield left_out(what, "no fact takes them", self.name)

    def _why_left(self, mention: Mention) -> str:
        """Return why no fact takes a mention, '' where one does, or where others tell it."""
        row = mention.row
        if mention.kind or mention in self.taken:
            return ""
        if row is None:
            return "import/brat-types.csv does not name its type"
        if row["kind"] == SKIP:
            return "" if row["with"].startswith((INSIDE, AROUND)) else row["note"]
        return {SAME: "nothing says what it stands for", PART: "it modifies no fact"}[row["kind"]]

    def _issue(self, entity: Entity, why: str) -> Issue:
        return left_out(f"the {entity.type} {entity.words!r}", why, f"{self.name}:{entity.line}")


def _bare(value: Any) -> Any:
    """Return a value without its evidence."""
    return {n: v for n, v in value.items() if n != "evidence"} if isinstance(value, dict) else value
