"""Annotations become mentions: what is one thing, what modifies what, which kind of fact it is."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from fhirconv.importers.knowledge import Knowledge, Line
from fhirconv.importers.standoff import Attribute, Entity, Relation, Span, Standoff

ANY, PATIENT, PART, SAME, SKIP = "*", "patient", "part", "same", "skip"
INSIDE, AROUND, WORDS, CODES = "inside/", "around", "words/", "codes/"
NO_FACT = (PATIENT, PART, SAME, SKIP)


@dataclass(eq=False, slots=True)
class Mention:
    """One thing that the text names, in one place or in several."""

    entity: Entity  # the first of its places, and the one that names it
    places: list[Entity] = field(default_factory=list)
    attributes: list[Attribute] = field(default_factory=list)
    parts: list["Mention"] = field(default_factory=list)  # what modifies it
    row: Line | None = None  # of brat-types.csv: what it is
    as_patient: Line | None = None  # of brat-types.csv: what it tells of the patient
    part_of: bool = False

    @property
    def kind(self) -> str:
        """The kind of fact that it is, '' where it is none."""
        return "" if self.row is None or self.row["kind"] in NO_FACT else self.row["kind"]

    @property
    def role(self) -> str:
        """The kind of fact, or part, same, skip."""
        return self.row["kind"] if self.row else SKIP

    @property
    def spans(self) -> list[Span]:
        """Every place where it is named, that of the name first, and its parts."""
        own = [span for place in self.places for span in place.spans]
        return list(dict.fromkeys([*own, *(s for part in self.parts for s in part.spans)]))

    @property
    def words(self) -> str:
        """Its words, the modifiers of a modifier behind them."""
        return self.entity.words


class Mentions:
    """The mentions of a text, by the ids of the annotations that name them."""

    def __init__(self, found: Standoff, known: Knowledge) -> None:
        self.found = found
        self.known = known
        self.rows: Mapping[str, Sequence[Line]] = _by_type(known.rows("brat-types"))
        self.relations = known.rows("brat-relations")
        self.by_entity: dict[str, Mention] = {}
        for entity in sorted(found.entities.values(), key=lambda e: (e.start, e.end, e.line)):
            self.by_entity[entity.id] = Mention(entity, [entity])
        self._attribute()
        self._unite()
        self.listed = list(dict.fromkeys(self.by_entity.values()))
        self._modify()
        for mention in self.listed:
            self._classify(mention)

    def get(self, name: str) -> Mention | None:
        """Return the mention that an annotation is, by its id or that of an event."""
        entity = self.found.entity(name)
        return self.by_entity.get(entity.id) if entity else None

    def _attribute(self) -> None:
        for attribute in self.found.attributes:
            mention = self.get(attribute.target)
            if mention is not None:
                mention.attributes.append(attribute)

    def _unite(self) -> None:
        """Make one mention of those that a relation says are one, where nothing contradicts."""
        for relation in self.found.relations:
            first, other = self.get(relation.source), self.get(relation.target)
            if first and other and first is not other and self._are_one(relation, first, other):
                if self._only_refers(first) or (
                    not self._only_refers(other) and other.entity.start < first.entity.start
                ):
                    first, other = other, first
                first.places += other.places
                first.attributes += other.attributes
                self.by_entity |= {place.id: first for place in other.places}

    def _are_one(self, relation: Relation, first: Mention, other: Mention) -> bool:
        row = next((r for r in self.relations if r["relation"] == relation.type), None)
        if row is None or row["as"] != SAME:
            return False
        alike = first.entity.type == other.entity.type
        refers = self._only_refers(first) or self._only_refers(other)
        return (alike or refers) and _said(first) == _said(other)

    def _only_refers(self, mention: Mention) -> bool:
        """Say whether a mention only stands for another: 'it', 'the mass'."""
        rows = self.rows.get(mention.entity.type, ())
        return bool(rows) and all(row["kind"] == SAME for row in rows)

    def _modify(self) -> None:
        """Give every mention the mentions that modify it."""
        modifying = {r["relation"] for r in self.relations if r["as"] == PART}
        for relation in self.found.relations:
            part, whole = self.get(relation.source), self.get(relation.target)
            if relation.type in modifying and part and whole and part is not whole:
                rows = self.rows.get(part.entity.type, ())
                if any(row["kind"] == PART for row in rows) and part not in whole.parts:
                    whole.parts.append(part)
                    part.part_of = True

    def _classify(self, mention: Mention) -> None:
        """Find what a mention is: the first row that fits, and the first of the patient."""
        rows = [*self.rows.get(ANY, ()), *self.rows.get(mention.entity.type, ())]
        fitting = [row for row in rows if self._fits(row["with"], mention)]
        mention.row = next((r for r in fitting if r["kind"] != PATIENT), None)
        if mention.row is None or (mention.role != SKIP and not mention.part_of):
            mention.as_patient = next((r for r in fitting if r["kind"] == PATIENT), None)

    def _fits(self, condition: str, mention: Mention) -> bool:
        entity = mention.entity
        if condition.startswith(INSIDE):
            return self.is_inside(entity, condition.removeprefix(INSIDE))
        if condition == AROUND:
            return any(self._is_fact_in(other, entity) for other in self.found.entities.values())
        if condition.startswith(WORDS):
            return self.known.word(condition.removeprefix(WORDS), entity.words) is not None
        if condition.startswith(CODES):
            return self.known.has_term(condition.removeprefix(CODES), entity.words)
        return not condition or any(part.entity.type == condition for part in mention.parts)

    def is_inside(self, entity: Entity, kind: str) -> bool:
        """Say whether an annotation stands inside another of this type."""
        return any(
            other.type == kind and other is not entity and _is_within(entity, other)
            for other in self.found.entities.values()
        )

    def _is_fact_in(self, other: Entity, entity: Entity) -> bool:
        rows = self.rows.get(other.type, ())
        facts = any(row["kind"] not in NO_FACT for row in rows)
        return facts and other.type != entity.type and _is_within(other, entity)


def _by_type(lines: Sequence[Line]) -> dict[str, list[Line]]:
    made: dict[str, list[Line]] = {}
    for line in lines:
        made.setdefault(line["type"], []).append(line)
    return made


def _said(mention: Mention) -> set[tuple[str, str]]:
    """Return what the attributes say."""
    return {(a.type, a.value) for a in mention.attributes}


def _is_within(inner: Entity, outer: Entity) -> bool:
    return inner.id != outer.id and outer.start <= inner.start and inner.end <= outer.end


def contexts(mention: Mention, mentions: Mentions) -> Iterator[str]:
    """Yield what the table of attributes may ask of a mention: inside/TYPE, words/LIST."""
    for kind in dict.fromkeys(e.type for e in mentions.found.entities.values()):
        if mentions.is_inside(mention.entity, kind):
            yield f"{INSIDE}{kind}"
    for name in sorted(mentions.known.lists):
        if mentions.known.word(name, mention.entity.words) is not None:
            yield f"{WORDS}{name}"
