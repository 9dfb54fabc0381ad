"""Facts become resources, as the tables say."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from fhirconv.case import Case, Item, Link, uri
from fhirconv.derive import READS, derive, part_suspects
from fhirconv.fill import Homes, Site, Work, element_of
from fhirconv.outcome import Issue
from fhirconv.plan import Arrow, Plan, plan_of
from fhirconv.tables import Route, Tables

SKIP = "skip"
SHARED = "device"  # its id depends on the converter alone, not on the document

Resource = dict[str, Any]


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


@dataclass(slots=True)
class Built:
    """The resources of one case, the account of its facts, and what is worth a word."""

    resources: list[Resource] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    works: list[Work] = field(default_factory=list)

    @property
    def traces(self) -> list[Trace]:
        """Where every element comes from, in the order in which the rows filled it."""
        return [trace for work in self.works for trace in _traces(work)]


def build(case: Case, tables: Tables, release: str) -> Built:
    """Return the resources that the items of a case make in one release."""
    plan = plan_of(tables, release)
    derive(case)
    known: dict[tuple[str, ...], Route | None] = {}
    routes = {item.id: route_of(item, tables.routes, known) for item in case.items.values()}
    homes = _homes(case, routes, plan)
    _fill_sections(case, routes, homes)
    built = Built()
    site = Site(case, tables, release, homes)
    for item in case.items.values():
        route = routes[item.id]
        if route is None or item.id not in homes:
            built.entries += _skipped(item, route)
        else:
            _build_item(item, plan[route.rows][0][1], site, built)
    order = tables.order
    built.resources.sort(key=lambda r: order.get(r["resourceType"], len(order)))
    return built


Told = tuple[str, ...]  # the values of ROUTED


def route_of(
    item: Item, routes: Sequence[Route], known: dict[Told, Route | None] | None = None
) -> Route | None:
    """Return the first route that fits the kind and the assertion of an item."""
    told = item.fields.get("assertion") or {}
    found = told | {"kind": item.kind, "verification": item.fields.get("verification", "")}
    key = tuple(found.get(name, "") for name in ROUTED)
    cache = {} if known is None else known
    if key not in cache:
        cache[key] = next((route for route in routes if _fits(route, found)), None)
    return cache[key]


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
        part_suspects(item.fields)


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


def _build_item(item: Item, arrows: Sequence[Arrow], site: Site, built: Built) -> None:
    work = Work(item, site, *site.homes[item.id])
    work.fill(arrows)
    built.works.append(work)
    built.resources.append(work.finished())
    built.issues += work.issues
    if "assertion" in item.fields:
        built.entries.append(_entry(item, work))
        built.issues += _unread(item, arrows)


def _entry(item: Item, work: Work) -> Entry:
    """Return the account of the fact that a resource was made from."""
    result = "text only" if work.is_text_only else "mapped"
    reason = "no code is known for the words" if work.is_text_only else ""
    place = f"{work.resource}/{work.name}"
    words = item.evidence[0]["text"]
    return Entry(item.id, item.kind, item.fields["label"], result, reason, place, words)


def _traces(work: Work) -> Iterator[Trace]:
    place = f"{work.resource}/{work.name}"
    for path, made, arrow, codings in work.placed:
        rows = tuple(coding.origin for coding in codings)
        yield Trace(work.item.id, place, element_of(path), made, arrow.row.origin, rows)


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
