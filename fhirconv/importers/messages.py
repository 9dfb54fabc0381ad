"""A nested JSON record becomes facts: what its messages are, the rows of a table say."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from fhirconv.importers.drafts import CITATION, PATIENT, Draft, Link, Record
from fhirconv.importers.imported import left_out
from fhirconv.importers.knowledge import Knowledge
from fhirconv.importers.pointers import HERE, patterns, values_at
from fhirconv.importers.readings import shown
from fhirconv.importers.rows import REFERENCE, Row, Stated, fill, quoted
from fhirconv.importers.sources import citation_of
from fhirconv.outcome import Issue

SKIP, AGENT = "skip", "agent"
RELATION, ROOT = ">", "/"

Plain = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """The rows of one kind of fact that a part of the record tells."""

    path: str  # of the message in the record
    at: str  # of what tells one fact each, in the message
    name: str  # how other rows of the message call the fact
    kind: str
    rows: tuple[Row, ...]  # what fills its fields
    links: tuple[Row, ...]  # what relates it to other facts of the message


@lru_cache(maxsize=32)
def messages_of(known: Knowledge, table: str) -> tuple[Message, ...]:
    """Return the messages of a table, in order."""
    heads: dict[tuple[str, str, str, str], list[Row]] = {}
    for line in known.rows(table):
        head = (line["message"], line["at"], line["fact"], line["kind"])
        heads.setdefault(head, []).append(Row.of(line, line["element"]))
    made = []
    for (path, at, name, kind), rows in heads.items():
        leads = [row for row in rows if row.field[:1] == RELATION or row.reading == REFERENCE]
        fields = tuple(row for row in rows if row not in leads)
        made.append(Message(path, at, name, kind, fields, tuple(leads)))
    return tuple(made)


def record_of(
    packet: Any, source: Plain, table: str, known: Knowledge
) -> tuple[Record, list[Issue]]:
    """Return the facts of a record, and what of it no row could take."""
    work = Work(packet, source, table, known)
    for message in messages_of(known, table):
        if message.kind != SKIP:
            work.tell(message)
    return work.record(), list(work.issues())


class Work:
    """One record in the making."""

    def __init__(self, packet: Any, source: Plain, table: str, known: Knowledge) -> None:
        self.packet = packet
        self.source = source
        self.table = table
        self.known = known
        self.patient = Draft(PATIENT, "")
        self.citation = Draft(CITATION, "")
        self.facts: list[Draft] = []
        self.links: list[Link] = []
        self.named: dict[tuple[str, str], list[Draft]] = {}  # (message, name) -> facts
        self.unread: dict[str, str] = {}  # element -> words that no row could read

    def tell(self, message: Message) -> None:
        """Make the facts of a message, and relate them."""
        for pointer, whole in values_at(self.packet, message.path or HERE):
            for place, part in values_at(whole, message.at or HERE, pointer):
                stated = _stated(message, (pointer, whole), (place, part))
                draft = self._draft(message, place, stated)
                if draft is not None and self._relate(message, draft, pointer, stated):
                    self.named.setdefault((pointer, message.name), []).append(draft)
                    self._keep(draft)

    def _draft(self, message: Message, place: str, stated: Stated) -> Draft | None:
        """Return the fact that a part of the record tells; None where it tells none."""
        single = {PATIENT: self.patient, CITATION: self.citation}.get(message.kind)
        draft = single or Draft(message.kind, message.rows[0].origin)
        used = fill(draft, message.rows, stated, self.known)
        for element in _readable(message) & set(stated) - used:
            self._note(_full(message, element), [value for _, value in stated[element]])
        if single is not None or not draft.label:
            return None
        draft.evidence.append({"pointer": place, "text": quoted(draft.label, stated, used)})
        return self._earlier(draft) or draft

    def _note(self, element: str, values: list[Any]) -> None:
        """Note what no row could read, unless other rows read what is in it."""
        covered, skipped = _coverage(self.known, self.table)
        inner = {f"{element}.{key}" for value in values if isinstance(value, dict) for key in value}
        words = "; ".join(map(shown, values))
        if words and not inner & covered and not _is_in(element, skipped):
            self.unread.setdefault(element, words)

    def _earlier(self, draft: Draft) -> Draft | None:
        """Return the fact that a draft tells anew, with what it adds; None where it is new."""
        for fact in self.facts:
            if draft.same and (fact.kind, fact.same) == (draft.kind, draft.same):
                fact.join(draft)
                return fact
        return None

    def _keep(self, draft: Draft) -> None:
        if draft not in self.facts:
            self.facts.append(draft)

    def _relate(self, message: Message, draft: Draft, pointer: str, stated: Stated) -> bool:
        """Relate a fact to others of its message; say whether it has those that it needs."""
        for row in message.links:
            if row.reading == REFERENCE:
                others = self.named.get((pointer, row.argument), [])
                if not others:
                    return False
                draft.fields[row.field] = others[0]
                continue
            for place, value in stated.get(row.element, ()):
                kind = row.read(value, self.known)
                quote = {"pointer": place, "text": shown(value)}
                others = self.named.get((pointer, row.field.removeprefix(RELATION)), [])
                self.links += [Link(kind, draft, other, (quote,)) for other in others if kind]
        return True

    def record(self) -> Record:
        """Return what the record tells."""
        told = {name: str(value) for name, value in self.citation.fields.items()}
        agent = told.pop(AGENT, "")
        where = ", ".join(filter(None, (self.source["file"], self.source.get("record"))))
        cited = citation_of(told, self.citation.places, where)
        return Record(self.source, cited, self.patient, self.facts, self.links, agent)

    def issues(self) -> Iterator[Issue]:
        """Yield what the record says and no fact takes."""
        where = ", ".join(filter(None, (self.source["file"], self.source.get("record"))))
        table = f"import/{self.table}.csv"
        covered, _ = _coverage(self.known, self.table)
        for element in sorted({p for p in patterns(self.packet) if not _is_in(p, covered)}):
            yield left_out(f"the element {element}", f"no row of {table} names it", where)
        for element, words in self.unread.items():
            yield left_out(f"{element} {words!r}", f"no row of {table} can read it", where)


def _stated(
    message: Message, whole: tuple[str, Any], part: tuple[str, Any]
) -> dict[str, list[tuple[str, Any]]]:
    """Return what stands at each element that the rows of a message name."""
    stated = {}
    for row in (*message.rows, *message.links):
        (pointer, value), path = part, row.element
        if path.startswith(ROOT):
            (pointer, value), path = whole, path.removeprefix(ROOT)
        found = list(values_at(value, path, pointer)) if path else []
        if found:
            stated[row.element] = found
    return stated


def _readable(message: Message) -> set[str]:
    """Return the elements that a row reads, not only asks whether they are there."""
    return {row.element for row in message.rows if row.element and not row.fixed}


def _full(message: Message, element: str) -> str:
    """Return the path of an element from the top of the record."""
    inner = "" if element.startswith(ROOT) else message.at
    last = "" if element == HERE else element.removeprefix(ROOT)
    return ".".join(filter(None, (message.path, inner, last)))


FILTER = re.compile(r"\[[^\]]*\]")


@lru_cache(maxsize=32)
def _coverage(known: Knowledge, table: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the elements that rows read or leave out on purpose, and the latter alone."""
    read, skipped = set(), set()
    for message in messages_of(known, table):
        for row in (*message.rows, *message.links):
            path = FILTER.sub("", _full(message, row.element))
            if message.kind == SKIP:
                skipped.add(path)
            elif row.element and not row.fixed:
                read.add(path)
    return frozenset(read | skipped), frozenset(skipped)


def _is_in(path: str, known: frozenset[str]) -> bool:
    """Say whether an element, or one that it is part of, is among these."""
    steps = FILTER.sub("", path).split(".")
    return any(".".join(steps[:count]) in known for count in range(1, len(steps) + 1))
