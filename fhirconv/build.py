"""Facts become resources, as the tables say."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from fhirconv.case import Case, Item, Link, uri
from fhirconv.datatypes import NARRATIVE, coding_of, narrative
from fhirconv.derive import READS, derive
from fhirconv.errors import TableError
from fhirconv.outcome import Issue
from fhirconv.plan import ANY, Arrow, Plan, Step, container_of, is_inside, plan_of
from fhirconv.tables import Coding, Route, Row, Tables

SKIP = "skip"
FIRST = ("resourceType", "id", "meta", "language", "text", "extension")  # FHIR's own order
SHARED = "device"  # its id depends on the converter alone, not on the document

Resource = dict[str, Any]
Path = tuple[str | int, ...]
Homes = dict[str, tuple[str, str]]  # item -> (resource type, id)


@dataclass(frozen=True, slots=True)
class Trace:
    """Where one element comes from: its row, the rows of its codes, its fact."""

    item: str
    resource: str  # Condition/6ee46900-...
    element: str
    value: Any
    row: str
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """What became of one fact: 'mapped', 'text only' (no code is known) or 'skipped'."""

    fact: str
    kind: str
    label: str
    result: str
    reason: str
    resource: str  # Condition/6ee46900-..., empty where none was made
    words: str


@dataclass(frozen=True, slots=True)
class Site:
    """Where the resources of a case are built: what every one of them needs to know."""

    case: Case
    tables: Tables
    release: str
    routes: Mapping[str, Route | None]
    homes: Homes


@dataclass(slots=True)
class Built:
    """The resources of one case, the account of its facts, and what is worth a word."""

    resources: list[Resource] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    traces: list[Trace] = field(default_factory=list)


def build(case: Case, tables: Tables, release: str) -> Built:
    """Return the resources that the items of a case make in one release."""
    plan = plan_of(tables, release)
    derive(case)
    routes = {item.id: route_of(item, tables.routes) for item in case.items.values()}
    homes = _homes(case, routes, plan)
    _fill_sections(case, routes, homes)
    built = Built()
    site = Site(case, tables, release, routes, homes)
    for item in case.items.values():
        _build_item(item, site, plan, built)
    order = tables.order
    built.resources.sort(key=lambda r: order.get(r["resourceType"], len(order)))
    return built


def route_of(item: Item, routes: Sequence[Route]) -> Route | None:
    """Return the first route that fits the kind and the assertion of an item."""
    told: Mapping[str, str] = item.fields.get("assertion") or {}
    found = {**told, "kind": item.kind, "verification": item.fields.get("verification", "")}
    return next((route for route in routes if _fits(route, found)), None)


def _fits(route: Route, found: Mapping[str, str]) -> bool:
    return all(getattr(route, name) in ("", found.get(name, "")) for name in ROUTED)


ROUTED = ("kind", "polarity", "certainty", "temporality", "scope", "verification")


def identity(item: Item, case: Case, resource: str) -> str:
    """Return the id of a resource: UUIDv5 of the source and the fact, the same in each release."""
    if item.kind == SHARED:
        return str(
            uuid5(NAMESPACE_URL, f"urn:fhirconv:device:{item.fields['converter']['version']}")
        )
    root: UUID = uuid5(NAMESPACE_URL, uri(case))
    return str(uuid5(root, f"{resource}/{item.id}"))


def _homes(case: Case, routes: Mapping[str, Route | None], plan: Plan) -> Homes:
    homes: Homes = {}
    for item in case.items.values():
        route = routes[item.id]
        if route is None or route.rows == SKIP or route.rows not in plan:
            continue
        resource, arrows = plan[route.rows][0]
        if _is_needed(item, case, arrows):
            homes[item.id] = (resource, identity(item, case, resource))
            item.fields["urn"] = f"urn:uuid:{homes[item.id][1]}"
            item.fields["resource"] = resource
    for item in case.items.values():
        _prune(item, homes)
    return homes


def _prune(item: Item, homes: Homes) -> None:
    """Leave out the anchors and suspects that no resource is made of, so that lists align."""
    time = item.fields.get("time")
    if time:
        item.fields["time"] = time | {
            "anchors": [a for a in time["anchors"] if a["to"].to in homes]
        }
    if "suspects" in item.fields:
        item.fields["suspects"] = [s for s in item.fields["suspects"] if s.to in homes]


def _is_needed(item: Item, case: Case, arrows: Sequence[Arrow]) -> bool:
    needs = [a for a in arrows if a.row.need == "resource"]
    return all(case.values(item, arrow.field) for arrow in needs)


def _fill_sections(case: Case, routes: Mapping[str, Route | None], homes: Homes) -> None:
    """Give the Composition its sections, the Provenance its targets."""
    sections: dict[str, list[Link]] = {}
    for name in homes:
        route = routes[name]
        if route is not None and route.section:
            sections.setdefault(route.section, []).append(Link(name, {}))
    targets = [Link(n, {}) for n in homes if case.items[n].kind not in NOT_DERIVED]
    for item in case.items.values():
        if item.kind in ("composition", "provenance"):
            item.fields.update(sections=sections, targets=targets)


NOT_DERIVED = ("document", "device", "provenance")


def _build_item(item: Item, site: Site, plan: Plan, built: Built) -> None:
    route = site.routes[item.id]
    if route is None or item.id not in site.homes:
        built.entries += _skipped(item, route)
        return
    _, arrows = plan[route.rows][0]
    work = Work(item, site, built, *site.homes[item.id])
    work.fill(arrows)
    built.resources.append(work.finished())
    if "assertion" in item.fields:
        built.entries.append(work.entry())
        built.issues += _unread(item, arrows)


def _unread(item: Item, arrows: Sequence[Arrow]) -> Iterator[Issue]:
    """Yield an Issue for each thing said of a fact that no row of its resource reads."""
    read = {arrow.field[0] for arrow in arrows if arrow.field}
    read |= {name for made in read for name in READS.get(made, ())}
    for name in item.said - read - HOW:
        message = f"no row maps the field {name!r} of a {item.kind}: it is only in the quote"
        yield Issue("information", "incomplete", message, f"facts[{item.id}]")


HOW = frozenset(  # how a fact is told and routed, and what its words say already
    "id kind patient label assertion evidence provenance codes qualifiers verification "
    "agentType agentText regimen laterality category focus presupposed status".split()
)


def _skipped(item: Item, route: Route | None) -> Iterator[Entry]:
    if "assertion" in item.fields:
        reason = route.reason if route and route.rows == SKIP else ""
        reason = reason or f"no table makes a resource of a fact of the kind {item.kind}"
        words = item.evidence[0]["text"]
        label = item.fields["label"]
        yield Entry(item.id, item.kind, label, "skipped", reason, "", words)


@dataclass(slots=True)
class Work:
    """One resource in the making: a row only fills what is empty, so the first that can wins."""

    item: Item
    site: Site
    built: Built
    resource: str
    name: str
    made: Resource = field(default_factory=dict)
    nodes: dict[Path, Any] = field(default_factory=dict)  # objects by their resolved path
    rivals: dict[Path, str] = field(default_factory=dict)  # the choice that was taken
    concept: str = ""  # the element that says what the fact is
    coded: set[str] = field(default_factory=set)  # the elements that got a code

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
            if not any(is_inside(arrow, container) for container in without):
                self._let_fly(arrow)

    def _has(self, arrow: Arrow) -> bool:
        values = self.site.case.values(self.item, arrow.field)
        if arrow.make is None:
            return any(v is not None and self._home(arrow, v) for v in values)
        return bool(values)

    def finished(self) -> Resource:
        """Return the resource with the elements that FHIR puts first in front."""
        first = {name: self.made[name] for name in FIRST if name in self.made}
        return first | {n: v for n, v in self.made.items() if n not in first}

    def entry(self) -> Entry:
        """Return the account of the fact that this resource was made from."""
        text_only = bool(self.concept) and self.concept not in self.coded
        result = "text only" if text_only else "mapped"
        reason = "no code is known for the words" if text_only else ""
        label, words = self.item.fields["label"], self.item.evidence[0]["text"]
        place = f"{self.resource}/{self.name}"
        return Entry(self.item.id, self.item.kind, label, result, reason, place, words)

    def _let_fly(self, arrow: Arrow) -> None:
        if arrow.row.fixed:
            values: list[Any] = [arrow.row.fixed]
        else:
            values = self.site.case.values(self.item, arrow.field)
        for number, value in enumerate(values):
            if value is None or (number and arrow.spread < 0 and arrow.row.type not in NARRATIVE):
                continue
            codings = self._codings(arrow, value)
            if arrow.row.type == "Coding" and arrow.steps[-1].slot == "":
                for nth, each in enumerate(codings):
                    self._place(arrow, nth, coding_of(each), (each,))
                continue
            made = self._make(arrow, value, codings)
            if made is not None and made != "":
                self._place(arrow, number, made, codings)

    def _make(self, arrow: Arrow, value: Any, codings: Sequence[Coding]) -> Any:
        if arrow.make is None:
            return self._reference(arrow, value)
        return arrow.make(value, codings)

    def _reference(self, arrow: Arrow, value: Link) -> dict[str, str] | None:
        home = self.site.homes.get(value.to)
        if home is None:
            return None
        if not self._home(arrow, value):
            message = f"a {arrow.row.element} cannot be a {home[0]}: {value.to!r} is left out"
            place = f"{arrow.row.origin}, fact {self.item.id}"
            self.built.issues.append(Issue("information", "business-rule", message, place))
            return None
        made = {"reference": f"urn:uuid:{home[1]}"}
        label = self.site.case.items[value.to].fields.get("label")
        return made | ({"display": label} if label else {})

    def _home(self, arrow: Arrow, value: Link) -> bool:
        """Say whether the item has a resource that this element may refer to."""
        home = self.site.homes.get(value.to)
        return home is not None and (ANY in arrow.targets or home[0] in arrow.targets)

    def _codings(self, arrow: Arrow, value: Any) -> Sequence[Coding]:
        row = arrow.row
        if not row.codes:
            return ()
        text = _term_of(value)
        if row.type in EXACT or row.fixed:
            return self._exact(row, text)
        codings: Sequence[Coding] = ()
        for name in row.codes.split():
            found = self.site.tables.vocabulary(name, row.origin).code(text, self.site.release)
            codings = list({(c.system, c.code): c for c in found if c.code}.values())
            if codings:
                break
        root = arrow.steps[0].name
        if row.field == "label":
            self.concept = root
        self.coded |= {root} if codings else set()
        return codings

    def _exact(self, row: Row, text: str) -> Sequence[Coding]:
        name, dot, term = row.codes.partition(".")
        vocabulary = self.site.tables.vocabulary(name, row.origin)
        codings = vocabulary.lookup(term if dot else text, self.site.release)
        if not codings and row.type == "code":
            message = f"{text!r} has no code in {name}"
            place = f"{row.origin}, fact {self.item.id}"
            self.built.issues.append(Issue("warning", "not-found", message, place))
        if not codings and row.type in WORDS:
            message = f"no row of {name} is called {term or text!r} in {self.site.release}"
            raise TableError(message, row.origin)
        return codings

    def _place(self, arrow: Arrow, number: int, made: Any, codings: Sequence[Coding]) -> None:
        resolved: Path = ()
        target = self.made
        for position, step in enumerate(arrow.steps):
            if self._is_taken(resolved, step):
                return
            nth = number if position == arrow.spread and arrow.row.type not in NARRATIVE else 0
            key: Path = (*resolved, step.name, *(() if step.slot is None else (step.slot, nth)))
            if position == len(arrow.steps) - 1:
                if self._put(target, key, arrow, made):
                    self._note(key, arrow, made, codings)
            elif key not in self.nodes and step.slot is None and step.name in target:
                return  # another row made this object whole
            else:
                target = self._node(target, step, key)
            resolved = key

    def _is_taken(self, resolved: Path, step: Step) -> bool:
        """Say whether a rival of this step (another type, the value of '_x') stands already."""
        return self.rivals.setdefault((*resolved, step.canonical), step.name) != step.name

    def _node(self, target: Resource, step: Step, key: Path) -> Any:
        if key not in self.nodes:
            node: Resource = {}
            if step.slot is None:
                target[step.name] = node
            else:
                if step.name == "extension" and step.slot:
                    node["url"] = self._url(step.slot)
                target.setdefault(step.name, []).append(node)
            self.nodes[key] = node
        return self.nodes[key]

    def _url(self, name: str) -> str:
        """Return the URL of an extension; a part of one is called by its bare name."""
        return self.site.tables.extensions.get((name, self.site.release), name)

    def _put(self, target: Any, key: Path, arrow: Arrow, made: Any) -> bool:
        """Put a value at the end of its path; return False where another stands already."""
        step = arrow.steps[-1]
        if arrow.row.type in NARRATIVE:
            target[step.name] = narrative(target.get(step.name), made, arrow.row.type)
        elif step.slot is None:
            if step.name in target:
                return False
            target[step.name] = made
        elif key in self.nodes:
            return False
        else:
            target.setdefault(step.name, []).append(made)
            self.nodes[key] = made
        return True

    def _note(self, key: Path, arrow: Arrow, made: Any, codings: Sequence[Coding]) -> None:
        place = f"{self.resource}/{self.name}"
        rows = tuple(coding.origin for coding in codings)
        trace = Trace(self.item.id, place, _element(key), made, arrow.row.origin, rows)
        self.built.traces.append(trace)


WORDS = ("string", "markdown", "uri", "url", "xhtml", "xhtml-list")
EXACT = ("code", *WORDS, "Quantity", "SimpleQuantity", "Age", "Duration", "Range")


def _term_of(value: Any) -> str:
    """Return what a vocabulary is asked for: a word, the text of a concept, a unit."""
    if isinstance(value, Mapping):
        return str(value.get("unit") or value.get("text") or "")
    return str(value)


def _element(key: Path) -> str:
    """Return 'suspectEntity[0].causality[0].assessment' of a resolved path."""
    text = ""
    for position, part in enumerate(key):
        if isinstance(part, int):
            slot = key[position - 1]
            text += (
                f"[{slot}]" if slot and not part else f"[{slot}#{part}]" if slot else f"[{part}]"
            )
        elif not _is_slot(key, position):
            text += f".{part}" if text else str(part)
    return text


def _is_slot(key: Path, position: int) -> bool:
    return position + 1 < len(key) and isinstance(key[position + 1], int)
