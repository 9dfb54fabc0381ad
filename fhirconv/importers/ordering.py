"""How annotated facts are related: what shows what, what came before what, and on what date."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from fhirconv.importers.drafts import Draft, Link
from fhirconv.importers.imported import left_out
from fhirconv.importers.knowledge import Knowledge, Line
from fhirconv.importers.mentions import PART, SAME, Mention, Mentions
from fhirconv.importers.standoff import Relation, Span
from fhirconv.importers.times import time_of_words
from fhirconv.outcome import Issue

ANCHOR, RELATION, REVERSE, METHOD, TIME = "anchor", "relation", "reverse", "method", "time"

Plain = dict[str, Any]


class Ordering:
    """The relations of one annotated report in the making."""

    def __init__(
        self,
        mentions: Mentions,
        drafts: Mapping[Mention, Draft],
        known: Knowledge,
        quote: Callable[[Span], Plain],
    ) -> None:
        self.mentions = mentions
        self.drafts = drafts
        self.known = known
        self.quote = quote
        self.rows = known.rows("brat-relations")
        self.links: list[Link] = []
        self.taken: set[Mention] = set()  # the dates that a fact took
        self.lost: Counter[str] = Counter()  # relations that join what is no fact
        self.after: dict[Draft, set[Draft]] = {}  # fact -> those that it is anchored to

    def relate(self) -> None:
        """Carry out every relation and group as its row says."""
        for relation in self.mentions.found.relations:
            first, other = self.mentions.get(relation.source), self.mentions.get(relation.target)
            if first and other and first is not other:
                self._relate(relation, first, other)
        for kind, members, _ in self.mentions.found.groups:
            if not self._date(kind, [m for name in members if (m := self.mentions.get(name))]):
                self.lost[kind] += 1

    def _relate(self, relation: Relation, first: Mention, other: Mention) -> None:
        row = self._row(relation.type, first, other)
        how, _, name = row["as"].partition(":") if row else ("", "", "")
        if how == PART:
            return  # told with the fact, or left out with its words
        source, target = self.drafts.get(first), self.drafts.get(other)
        if source is None or target is None or source is target or not how:
            self.lost[relation.type] += 1
        elif how == METHOD:
            source.put(METHOD, target.label)
        elif how == ANCHOR:
            self._anchor(source, target, name, (first, other))
        elif how == REVERSE:
            self._link(name, (other, target), (first, source))
        else:
            self._link("same_as" if how == SAME else name, (first, source), (other, target))

    def _row(self, kind: str, first: Mention, other: Mention) -> Line | None:
        """Return the first row that fits a relation and what it joins."""
        source = ("", first.kind or first.role, first.entity.type)
        target = ("", other.kind or other.role, other.entity.type)
        for row in self.rows:
            fits = row["from"] in source and row["to"] in target
            if row["relation"] == kind and fits:
                return row
        return None

    def _link(
        self, name: str, source: tuple[Mention, Draft], target: tuple[Mention, Draft]
    ) -> None:
        if not self.known.may_join(name, source[1].kind, target[1].kind):
            self.lost[name] += 1
            return
        quotes = tuple(self.quote(mention.entity.spans[0]) for mention, _ in (source, target))
        self.links.append(Link(name, source[1], target[1], quotes))

    def _anchor(
        self, source: Draft, target: Draft, relation: str, told: tuple[Mention, Mention]
    ) -> None:
        """Say when a fact was by another fact; where that makes a circle, only relate them."""
        if self._leads(target, source):
            self._link(relation, (told[0], source), (told[1], target))
            return
        self.after.setdefault(source, set()).add(target)
        anchors = source.fields.setdefault(TIME, {"kind": "relative"}).setdefault("anchors", [])
        anchor = {"fact": target, "relation": relation}
        if anchor not in anchors:
            anchors.append(anchor)

    def _leads(self, start: Draft, end: Draft) -> bool:
        """Say whether a fact is anchored, over others, to another."""
        seen, left = set(), [start]
        while left:
            draft = left.pop()
            if draft is end:
                return True
            if draft not in seen:
                seen.add(draft)
                left += self.after.get(draft, ())
        return False

    def _date(self, kind: str, members: list[Mention]) -> bool:
        """Give the members of a group the one date among them; say whether there is one."""
        rows = [row for row in self.rows if row["relation"] == kind and row["as"] == TIME]
        types = {row["from"] for row in rows}
        dates = {m for m in members if m.entity.type in types and not m.part_of}
        if len(dates) != 1:
            return False
        (date,) = dates
        given = False
        for member in members:
            draft = self.drafts.get(member)
            wanted = any(draft and row["to"] in ("", draft.kind) for row in rows)
            if draft is not None and wanted and TIME not in draft.fields:
                draft.put(TIME, time_of_words(" ".join(date.words.split()), self.known))
                draft.evidence += [self.quote(span) for span in date.spans]
                given = True
        self.taken |= {date} if given else set()
        return given

    def issues(self, where: str) -> Iterator[Issue]:
        """Yield how many relations join what is no fact."""
        for name, times in sorted(self.lost.items()):
            what = f"{name} stands {times} times" if times > 1 else f"{name} stands once"
            yield left_out(what, "it joins what is no fact, or says no more than that", where)
