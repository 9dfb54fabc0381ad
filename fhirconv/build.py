"""Facts become resources, as the tables say."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from fhirconv.case import Case, Item, Link, uri
from fhirconv.derive import READS, derive, part_suspects
from fhirconv.fill import Home, Site, has_value, inside
from fhirconv.identity import URLS, Names, names_of
from fhirconv.outcome import Issue
from fhirconv.plan import element_of
from fhirconv.program import Program, programs_of
from fhirconv.tables import Route, Tables

SKIP = "skip"
SHARED = "device"  # its id depends on the converter alone, not on the document

Resource = dict[str, Any]


class Trace(NamedTuple):
    """Where one element comes from: its row, the rows of its codes, its fact."""

    item: str
    resource: str  # Condition/6ee46900-...
    element: str
    value: Any
    row: str
    codes: tuple[str, ...]


class Entry(NamedTuple):
    """What became of one fact: 'mapped', 'text only' (no code is known) or 'skipped'."""

    fact: str
    kind: str
    label: str
    result: str
    reason: str
    resource: str  # Condition/6ee46900-..., empty where none was made
    words: str


Told = tuple[str, ...]  # the values of ROUTED
Routes = Mapping[str, Route | None]  # by item
Work = tuple[Item, Route | None, Program | None, bool]  # no program: skipped; has it no code?


@dataclass(slots=True)
class Built:
    """The resources of one case and what is worth a word; how they came about is told if asked."""

    resources: list[Resource]
    issues: list[Issue]
    works: list[Work]
    site: Site

    @property
    def entries(self) -> list[Entry]:
        """What became of every fact, in the order of the document."""
        return [self._entry(*work) for work in self.works if work[0].is_fact]

    @property
    def traces(self) -> list[Trace]:
        """Where every element comes from, in the order in which the rows filled it."""
        made = ((item, program) for item, _, program, _ in self.works if program is not None)
        return [trace for item, program in made for trace in self._traces(item, program)]

    def _entry(
        self, item: Item, route: Route | None, program: Program | None, is_text_only: bool
    ) -> Entry:
        label, words = item.fields["label"], item.fields["evidence"][0]["text"]
        if program is None:
            reason = route.reason if route and route.rows == SKIP else ""
            reason = reason or f"no table makes a resource of a fact of the kind {item.kind}"
            return Entry(item.id, item.kind, label, "skipped", reason, "", words)
        result = "text only" if is_text_only else "mapped"
        reason = "no code is known for the words" if is_text_only else ""
        return Entry(item.id, item.kind, label, result, reason, self._place(item), words)

    def _traces(self, item: Item, program: Program) -> Iterator[Trace]:
        """Yield the elements of an item: its function runs again, this time one that tells."""
        site = Site(self.site.items, self.site.homes, [])
        place = self._place(item)
        for arrow, number, made, codings in program.trace(
            item, self.site.homes[item.id].name, site
        ):
            rows = tuple(coding.origin for coding in codings)
            element = element_of(arrow.path(number))
            yield Trace(item.id, place, element, made, arrow.row.origin, rows)

    def _place(self, item: Item) -> str:
        home = self.site.homes[item.id]
        return f"{home.resource}/{home.name}"


def build(case: Case, tables: Tables, release: str) -> Built:
    """Return the resources that the items of a case make in one release."""
    programs = programs_of(tables, release)
    derive(case)
    known = _known_routes(tables)
    routes = {item.id: route_of(item, tables.routes, known) for item in case.items.values()}
    homes = _homes(case, routes, programs)
    _fill_sections(case, routes, homes)
    built = Built([], [], [], Site(case.items, homes, []))
    for item in case.items.values():
        route, home = routes[item.id], homes.get(item.id)
        if route is None or home is None:
            built.works.append((item, route, None, False))
        else:
            _build_item(item, route, programs[route.rows], built)
    order = tables.order
    built.resources.sort(key=lambda r: order.get(r["resourceType"], len(order)))
    return built


def _build_item(item: Item, route: Route, program: Program, built: Built) -> None:
    site = built.site
    resource, is_text_only = program.fill(item, site.homes[item.id].name, site)
    built.resources.append(resource)
    built.works.append((item, route, program, is_text_only))
    built.issues += site.issues
    site.issues.clear()
    if item.stated and not _read(program).issuperset(item.stated):
        built.issues += _unread(item, program)


@lru_cache(maxsize=32)
def _known_routes(tables: Tables) -> dict[Told, Route | None]:
    """Return what is known already of which route fits what is said of a fact."""
    return {}


def route_of(
    item: Item, routes: Sequence[Route], known: dict[Told, Route | None] | None = None
) -> Route | None:
    """Return the first route that fits the kind and the assertion of an item."""
    get = (item.fields.get("assertion") or NOT_TOLD).get
    key = (
        *(item.kind, get("polarity", ""), get("certainty", ""), get("temporality", "")),
        *(get("scope", ""), item.fields.get("verification", "")),
    )
    cache = {} if known is None else known
    if key not in cache:
        told = dict(zip(ROUTED, key, strict=True))
        cache[key] = next((route for route in routes if _fits(route, told)), None)
    return cache[key]


def _fits(route: Route, told: Mapping[str, str]) -> bool:
    return all(getattr(route, name) in ("", told[name]) for name in ROUTED)


ROUTED = ("kind", "polarity", "certainty", "temporality", "scope", "verification")
NOT_TOLD: Mapping[str, str] = {}


def identity(item: Item, names: Names, resource: str) -> str:
    """Return the id of a resource: UUIDv5 of the source and the fact, the same in each release."""
    if item.kind == SHARED:
        return URLS(f"urn:fhirconv:device:{item.fields['converter']['version']}")
    return names(f"{resource}/{item.id}")


def _homes(case: Case, routes: Routes, programs: Mapping[str, Program]) -> dict[str, Home]:
    """Return the resources that the items will make, and tell each item its own."""
    homes: dict[str, Home] = {}
    names = names_of(uri(case))
    for item in case.items.values():
        route = routes[item.id]
        program = programs.get(route.rows) if route is not None and route.rows != SKIP else None
        if program is not None and _has_needs(item, case, program):
            name = identity(item, names, program.resource)
            urn, fields = f"urn:uuid:{name}", item.fields
            homes[item.id] = Home(program.resource, name, urn, fields.get("label"))
            fields["urn"] = urn
            fields["resource"] = program.resource
    for item in case.items.values():
        _prune(item, homes)
    return homes


def _prune(item: Item, homes: Mapping[str, Home]) -> None:
    """Leave out the anchors and suspects that no resource is made of, so that lists align."""
    fields = item.fields
    time = fields.get("time")
    if time and time["anchors"]:
        fields["time"] = time | {"anchors": [a for a in time["anchors"] if a["to"].to in homes]}
    if "suspects" in fields:
        fields["suspects"] = [s for s in fields["suspects"] if s.to in homes]
        part_suspects(fields)


def _has_needs(item: Item, case: Case, program: Program) -> bool:
    for path in program.needs:
        value = item.fields.get(path[0])
        for step in path[1:]:
            value = inside(value, step, case.items)
        if not has_value(value):
            return False
    return True


def _fill_sections(case: Case, routes: Routes, homes: Mapping[str, Home]) -> None:
    """Give the Composition its sections, the Provenance its targets."""
    sections: dict[str, list[Link]] = {}
    targets: list[Link] = []
    for name in homes:
        route, link = routes[name], Link(name)
        if route is not None and route.section:
            sections.setdefault(route.section, []).append(link)
        if case.items[name].kind not in NOT_DERIVED:
            targets.append(link)
    for item in case.items.values():
        if item.kind in ("composition", "provenance"):
            item.fields.update(sections=sections, targets=targets)


NOT_DERIVED = ("document", "device", "provenance")


def _unread(item: Item, program: Program) -> Iterator[Issue]:
    """Yield an Issue for each thing said of a fact that no row of its resource reads."""
    read = _read(program)
    empty: tuple[Any, ...] = (None, "", [], {}, {"polarity": item.fields["assertion"]["polarity"]})
    for name, value in item.stated.items():
        if name not in read and value not in empty:
            message = f"no row maps the field {name!r} of a {item.kind}: it is only in the quote"
            yield Issue("information", "incomplete", message, f"facts[{item.id}]")


@lru_cache(maxsize=1024)
def _read(program: Program) -> frozenset[str]:
    """Return the fields of a fact that rows read, themselves or in what is derived of them."""
    made_of = (name for made in program.read for name in READS.get(made, ()))
    return program.read | HOW | frozenset(made_of)


HOW = frozenset(  # how a fact is told and routed, and what its words say already
    "id kind patient label assertion evidence provenance codes qualifiers verification "
    "agentType agentText regimen laterality category focus presupposed status".split()
)
