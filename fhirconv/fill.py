"""One resource in the making: a row only fills what is empty, so the first that can wins."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fhirconv.case import Case, Item, Link
from fhirconv.datatypes import coding_of, narrative
from fhirconv.errors import TableError
from fhirconv.outcome import Issue
from fhirconv.plan import ANY, Arrow, Path, Step, container_of, is_inside
from fhirconv.tables import Coding, Row, Tables

FIRST = ("resourceType", "id", "meta", "language", "text", "extension")  # FHIR's own order
WORDS = ("string", "markdown", "uri", "url", "xhtml", "xhtml-list")
EXACT = ("code", *WORDS, "Quantity", "SimpleQuantity", "Age", "Duration", "Range")

URN = "urn"  # the prefix of the system of URIs as identifiers

Resource = dict[str, Any]
Homes = dict[str, tuple[str, str]]  # item -> (resource type, id)
Placed = tuple[Path, Any, Arrow, Sequence[Coding]]  # where, what, by which row, with which codes


@dataclass(frozen=True, slots=True)
class Site:
    """Where the resources of a case are made: what every one of them needs to know."""

    case: Case
    tables: Tables
    release: str
    homes: Homes


@dataclass(slots=True)
class Work:
    """One resource in the making."""

    item: Item
    site: Site
    resource: str
    name: str
    made: Resource = field(default_factory=dict)
    nodes: dict[Path, Any] = field(default_factory=dict)  # objects by their resolved path
    rivals: dict[Path, str] = field(default_factory=dict)  # the choice that was taken
    concept: str = ""  # the element that says what the fact is
    coded: set[str] = field(default_factory=set)  # the elements that got a code
    placed: list[Placed] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)

    def fill(self, arrows: Sequence[Arrow]) -> None:
        """Let every arrow put its values where its row says."""
        self.made = {"resourceType": self.resource, "id": self.name}
        self.nodes[()] = self.made
        without = {
            container_of(arrow)
            for arrow in arrows
            if arrow.row.need == "item" and not self._has(arrow)
        }
        for arrow in arrows:
            if not without or not any(is_inside(arrow, container) for container in without):
                self._let_fly(arrow)

    def finished(self) -> Resource:
        """Return the resource with the elements that FHIR puts first in front."""
        first = {name: self.made[name] for name in FIRST if name in self.made}
        return first | self.made

    @property
    def is_text_only(self) -> bool:
        """Say whether the words of the fact got no code."""
        return bool(self.concept) and self.concept not in self.coded

    def _has(self, arrow: Arrow) -> bool:
        values = self.site.case.values(self.item, arrow.field)
        if arrow.make is None:
            return any(v is not None and self._home(arrow, v) for v in values)
        return bool(values)

    def _let_fly(self, arrow: Arrow) -> None:
        if arrow.row.fixed:
            values: Sequence[Any] = (arrow.row.fixed,)
        elif self.item.fields.get(arrow.field[0]) is None:
            return
        else:
            values = self.site.case.values(self.item, arrow.field)
        for number, value in enumerate(values):
            if value is None or (number and arrow.spread < 0 and not arrow.appends):
                continue
            codings = self._codings(arrow, value) if arrow.row.codes else ()
            if arrow.lists_codings:
                for nth, each in enumerate(codings):
                    self._place(arrow, nth, coding_of(each), (each,))
                continue
            made = (
                self._reference(arrow, value) if arrow.make is None else arrow.make(value, codings)
            )
            if made is not None and made != "":
                self._place(arrow, number, made, codings)

    def _reference(self, arrow: Arrow, value: Link) -> Resource | None:
        home = self.site.homes.get(value.to)
        if home is None:
            return None
        if not self._home(arrow, value):
            message = f"a {arrow.row.element} cannot be a {home[0]}: {value.to!r} is left out"
            self._tell("information", "business-rule", message, arrow.row)
            return None
        urn = f"urn:uuid:{home[1]}"
        made: Resource = {"reference": urn}
        if arrow.row.type.startswith("Logical"):
            made["identifier"] = {"system": self.site.tables.systems[URN].uri, "value": urn}
        label = self.site.case.items[value.to].fields.get("label")
        return made | ({"display": label} if label else {})

    def _home(self, arrow: Arrow, value: Link) -> bool:
        """Say whether the item has a resource that this element may refer to."""
        home = self.site.homes.get(value.to)
        return home is not None and (ANY in arrow.targets or home[0] in arrow.targets)

    def _tell(self, severity: str, code: str, message: str, row: Row) -> None:
        self.issues.append(Issue(severity, code, message, f"{row.origin}, fact {self.item.id}"))

    def _codings(self, arrow: Arrow, value: Any) -> Sequence[Coding]:
        row = arrow.row
        text = _term_of(value)
        if row.type in EXACT or row.fixed:
            return self._exact(row, text)
        codings: Sequence[Coding] = ()
        for name in row.codes.split():
            found = self.site.tables.vocabulary(name, row.origin).code(text, self.site.release)
            codings = [coding for coding in found if coding.code]
            if codings:
                break
        root = arrow.steps[0].name
        if row.field == "label":
            self.concept = root
        if codings:
            self.coded.add(root)
        return codings

    def _exact(self, row: Row, text: str) -> Sequence[Coding]:
        name, dot, term = row.codes.partition(".")
        vocabulary = self.site.tables.vocabulary(name, row.origin)
        codings = vocabulary.lookup(term if dot else text, self.site.release)
        if not codings and row.type == "code":
            self._tell("warning", "not-found", f"{text!r} has no code in {name}", row)
        if not codings and row.type in WORDS:
            message = f"no row of {name} is called {term or text!r} in {self.site.release}"
            raise TableError(message, row.origin)
        return codings

    def _place(self, arrow: Arrow, number: int, made: Any, codings: Sequence[Coding]) -> None:
        """Put a value at the end of its path, unless a rival or a better row was there first."""
        paths = arrow.resolved(number)
        last = len(arrow.steps) - 1
        target = self.nodes.get(paths[last - 1] if last else ())
        if target is None:
            target = self._way(arrow, paths, last)
        if target is None or (arrow.contested[last] and self._is_taken(arrow, paths, last)):
            return
        if self._put(target, paths[last], arrow, made):
            self.placed.append((paths[last], made, arrow, codings))

    def _way(self, arrow: Arrow, paths: tuple[Path, ...], last: int) -> Any:
        """Return the object that holds the element, made where it is not; None where taken."""
        target: Any = self.made
        for position in range(last):
            step, path = arrow.steps[position], paths[position]
            if arrow.contested[position] and self._is_taken(arrow, paths, position):
                return None
            if path not in self.nodes:
                if step.slot is None and step.name in target:
                    return None  # another row made this object whole
                self.nodes[path] = self._node(target, step)
            target = self.nodes[path]
        return target

    def _is_taken(self, arrow: Arrow, paths: tuple[Path, ...], position: int) -> bool:
        """Say whether a rival of this step (another type, the value of '_x') stands already."""
        step = arrow.steps[position]
        place = (*(paths[position - 1] if position else ()), step.canonical)
        return self.rivals.setdefault(place, step.name) != step.name

    def _node(self, target: Resource, step: Step) -> Resource:
        node: Resource = {}
        if step.slot is None:
            target[step.name] = node
            return node
        if step.name == "extension" and step.slot:
            node["url"] = self._url(step.slot)
        target.setdefault(step.name, []).append(node)
        return node

    def _url(self, name: str) -> str:
        """Return the URL of an extension; a part of one is called by its bare name."""
        return self.site.tables.extensions.get((name, self.site.release), name)

    def _put(self, target: Any, path: Path, arrow: Arrow, made: Any) -> bool:
        step = arrow.steps[-1]
        if arrow.appends:
            target[step.name] = narrative(target.get(step.name), made, arrow.row.type)
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


def _term_of(value: Any) -> str:
    """Return what a vocabulary is asked for: a word, the text of a concept, a unit."""
    if isinstance(value, Mapping):
        return str(value.get("unit") or value.get("text") or "")
    return str(value)


def element_of(path: Path) -> str:
    """Return 'suspectEntity[0].causality[0].assessment' of a resolved path."""
    text = ""
    for position, part in enumerate(path):
        if isinstance(part, int):
            slot = path[position - 1]
            number = f"#{part}" if part else ""
            text += f"[{slot}{number}]" if slot else f"[{part}]"
        elif not _is_slot(path, position):
            text += f".{part}" if text else str(part)
    return text


def _is_slot(path: Path, position: int) -> bool:
    return position + 1 < len(path) and isinstance(path[position + 1], int)
