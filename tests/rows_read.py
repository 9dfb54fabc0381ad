"""The rows of the tables read one after the other, as mappings/README.md tells it: slow and plain.

What the compiled functions make is held against this.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from fhirconv.case import Item, Link
from fhirconv.datatypes import coding_of, narrative
from fhirconv.fill import EXACT, Home
from fhirconv.plan import ANY, Arrow, Path, container_of, is_inside
from fhirconv.tables import Coding, Tables

FIRST = ("resourceType", "id", "meta", "language", "text", "extension")

Resource = dict[str, Any]


def values_of(item: Item, path: Sequence[str], items: dict[str, Item]) -> list[Any]:
    """Return the values at the end of a path, aligned: None where one branch has none."""
    found: list[Any] = [item.fields]
    for step in path:
        found = [value for each in found for value in _step(each, step, items)]
    return found if any(value is not None for value in found) else []


def _step(value: Any, step: str, items: dict[str, Item]) -> list[Any]:
    if isinstance(value, Link):
        own = value.own.get(step)
        fields = items[value.to].fields if value.to in items else {}
        value = own if own is not None else fields.get(step)
    else:
        value = value.get(step) if isinstance(value, dict) else None
    if isinstance(value, list):
        return value or [None]
    return [None if value == "" else value]


@dataclass
class Reading:
    """One resource, filled row by row: a row only fills what is empty."""

    item: Item
    resource: str
    items: dict[str, Item]
    homes: dict[str, Home]
    tables: Tables
    release: str
    made: Resource = field(default_factory=dict)
    nodes: dict[Path, Any] = field(default_factory=dict)
    rivals: dict[Path, str] = field(default_factory=dict)
    parts: list[tuple[str, str]] = field(default_factory=list)
    placed: list[tuple[str, Path, Any, list[str]]] = field(default_factory=list)
    concept: str = ""
    coded: set[str] = field(default_factory=set)

    def fill(self, arrows: Sequence[Arrow]) -> Resource:
        """Return the resource, what FHIR puts first in front."""
        name = self.homes[self.item.id].name
        self.nodes[()] = self.made = {"resourceType": self.resource, "id": name}
        needed = [arrow for arrow in arrows if arrow.row.need == "item"]
        without = [container_of(arrow) for arrow in needed if not self._has(arrow)]
        for arrow in arrows:
            if not any(is_inside(arrow, container) for container in without):
                self._row(arrow)
        return {name: self.made[name] for name in FIRST if name in self.made} | self.made

    @property
    def is_text_only(self) -> bool:
        """Say whether the words of the fact got no code."""
        return bool(self.concept) and self.concept not in self.coded

    def _has(self, arrow: Arrow) -> bool:
        values = values_of(self.item, arrow.field, self.items)
        if arrow.make is None:
            return any(value is not None and self._refer(arrow, value) for value in values)
        return bool(values)

    def _row(self, arrow: Arrow) -> None:
        row = arrow.row
        values = [row.fixed] if row.fixed else values_of(self.item, arrow.field, self.items)
        for number, value in enumerate(values):
            if value is None or (number and arrow.spread < 0 and not arrow.appends):
                continue
            codings = self._codings(arrow, value) if row.codes else []
            if arrow.lists_codings:
                for nth, each in enumerate(codings):
                    self._place(arrow, nth, coding_of(each), [each])
                continue
            make = arrow.make
            made = self._refer(arrow, value) if make is None else make(value, codings)
            if made is not None and made != "":
                self._place(arrow, number, made, codings)

    def _refer(self, arrow: Arrow, value: Link) -> Resource | None:
        home = self.homes.get(value.to)
        if home is None or not (ANY in arrow.targets or home.resource in arrow.targets):
            return None
        made: Resource = {"reference": home.urn}
        if arrow.row.type.startswith("Logical"):
            made["identifier"] = {"system": self.tables.systems["urn"].uri, "value": home.urn}
        return made | ({"display": home.display} if home.display else {})

    def _codings(self, arrow: Arrow, value: Any) -> list[Coding]:
        row = arrow.row
        text = value if not isinstance(value, dict) else value.get("unit") or value.get("text")
        text = str(text or "") if isinstance(value, dict) else str(text)
        if row.type in EXACT or row.fixed:
            name, dot, term = row.codes.partition(".")
            return list(self.tables.codes[name].lookup(term if dot else text, self.release))
        root = arrow.steps[0].name
        self.concept = root if row.field == "label" else self.concept
        for name in row.codes.split():
            found = self.tables.codes[name].code(text, self.release)
            codings = [coding for coding in found if coding.code]
            if codings:
                self.coded.add(root)
                return codings
        return []

    def _place(self, arrow: Arrow, number: int, made: Any, codings: list[Coding]) -> None:
        path, target = arrow.path(number), self.made
        ends = _ends(arrow, path)
        for position, (step, here) in enumerate(zip(arrow.steps, ends, strict=True)):
            rival = (*(ends[position - 1] if position else ()), step.canonical)
            if arrow.contested[position] and self.rivals.setdefault(rival, step.name) != step.name:
                return
            if position == len(arrow.steps) - 1:
                if self._put(target, here, arrow, made):
                    origins = [coding.origin for coding in codings]
                    self.placed.append((arrow.row.origin, path, made, origins))
            elif here in self.nodes:
                target = self.nodes[here]
            elif step.slot is None and step.name in target:
                return  # another row made this object whole
            else:
                target = self._node(target, here, step)

    def _node(self, target: Resource, path: Path, step: Any) -> Resource:
        node: Resource = {}
        if step.slot is None:
            target[step.name] = node
        else:
            if step.name == "extension" and step.slot:
                url = self.tables.extensions.get((step.slot, self.release), step.slot)
                node["url"] = url
            target.setdefault(step.name, []).append(node)
        self.nodes[path] = node
        return node

    def _put(self, target: Any, path: Path, arrow: Arrow, made: Any) -> bool:
        step = arrow.steps[-1]
        if arrow.appends:
            around = "ul" if arrow.row.type == "xhtml-list" else ""
            parts = self.nodes.setdefault((*path, "parts"), [])
            parts.append((around, made))
            target[step.name] = narrative(parts)
        elif step.slot is None:
            if step.name in target:
                return False
            target[step.name] = made
        elif path in self.nodes:
            return False
        else:
            target.setdefault(step.name, []).append(made)
            self.nodes[path] = made
        return True


def _ends(arrow: Arrow, path: Path) -> list[Path]:
    """Return the part of a path that leads to each of its steps."""
    ends, length = [], 0
    for step in arrow.steps:
        length += 1 if step.slot is None else 3
        ends.append(path[:length])
    return ends
