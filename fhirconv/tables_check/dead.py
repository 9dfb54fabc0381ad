"""What can do nothing or is done by nothing: dead rows and routes, unmapped kinds and fields."""

from collections.abc import Iterator

from fhirconv.build import HOW, ROUTED
from fhirconv.case import DOCUMENT_KINDS
from fhirconv.derive import DERIVED, READS
from fhirconv.errors import TableError
from fhirconv.outcome import Issue
from fhirconv.plan import EVERY, Step, arrows_of
from fhirconv.sheets import Sheets
from fhirconv.tables import Route, Row, Tables
from fhirconv.tables_check.defect import ABSTRACT, defect, releases_of, said_twice, schema

SKIP = "skip"
APPENDING = ("xhtml", "xhtml-list")
UNREAD_COLUMNS = ("part", "field", "note")
PARTS = ("fact", "patient", "citation")  # of the schema, whose fields rows may read

Place = tuple[tuple[str, str | None], ...]  # the steps of an element as rivals share them


def routes(tables: Tables) -> Iterator[Issue]:
    """Yield what is wrong in route.csv."""
    kinds = (*schema()["fact"]["properties"]["kind"]["enum"], *DOCUMENT_KINDS)
    told = {n: p["enum"] for n, p in schema()["assertion"]["properties"].items()}
    told["verification"] = schema()["fact"]["properties"]["verification"]["enum"]
    known = {row.fact for rows in tables.resources.values() for row in rows}
    for number, route in enumerate(tables.routes):
        if route.rows not in known | {SKIP}:
            yield defect(f"no row is for {route.rows!r}", route.origin)
        if route.rows == SKIP and not route.reason:
            yield defect("a fact is skipped without a reason", route.origin)
        for name, words in {"kind": kinds, **told}.items():
            value = getattr(route, name)
            if value and value not in words:
                wanted = ", ".join(words)
                yield defect(f"{value!r} is no {name} (known: {wanted})", route.origin)
        before = next((r for r in tables.routes[:number] if _covers(r, route)), None)
        if before:
            message = f"the route is dead: {before.origin} takes every such fact before"
            yield defect(message, route.origin)
    for kind in kinds:
        yield from _kind(kind, tables)


def _covers(route: Route, later: Route) -> bool:
    """Say whether every fact that a later route would take is taken by this one."""
    return all(getattr(route, name) in ("", getattr(later, name)) for name in ROUTED)


def _kind(kind: str, tables: Tables) -> Iterator[Issue]:
    mine = [route for route in tables.routes if route.kind == kind]
    if not any(not any(getattr(route, n) for n in ROUTED[1:]) for route in mine):
        yield defect(f"no route takes every fact of the kind {kind!r}", "route.csv")
    if mine and all(route.rows == SKIP for route in mine):
        yield defect(f"no table maps the kind {kind!r}: every route skips it", "route.csv")


def sections(tables: Tables) -> Iterator[Issue]:
    """Yield the routes into a section that no row of the resources shows."""
    read = {row.field for rows in tables.resources.values() for row in rows}
    known = sorted(f.split(".")[1] for f in read if f.startswith("sections.") and f.count(".") < 2)
    for route in tables.routes:
        if route.section and route.section not in known:
            message = f"no row shows the section {route.section!r} (known: {', '.join(known)})"
            yield defect(message, route.origin)


def rows(tables: Tables) -> Iterator[Issue]:
    """Yield the rows that stand twice or can never win, and the types that none names."""
    common = tables.resources.get(ABSTRACT, ())
    yield from _beaten(list(common), tables)
    for listed in tables.resources.values():
        for fact in dict.fromkeys(row.fact for row in listed if row.fact != EVERY):
            yield from _beaten([row for row in listed if row.fact == fact], tables)
    named = {row.type for listed in tables.resources.values() for row in listed}
    for name, listed in tables.types.items():
        yield from _beaten(list(listed), tables)
        if name not in named:
            yield defect(f"no row is of the type {name!r}: the table is dead", f"types/{name}.csv")


def _beaten(listed: list[Row], tables: Tables) -> Iterator[Issue]:
    """Yield the rows of one set that say what another says, or come behind one that wins."""
    before: dict[str, list[Row]] = {}
    places: dict[Place, list[Row]] = {}
    for row in listed:
        place = _place(row, tables)
        same = next((r for r in before.get(row.element, ()) if _is_same(r, row, tables)), None)
        better = next((r for r in places.get(place, ()) if _always_wins(r, row, tables)), None)
        if same:
            verb = "stands already" if same.type == row.type else "says otherwise of the same field"
            yield defect(f"a row for {row.element} {verb} ({same.origin})", row.origin)
        elif better:
            message = f"the row is dead: {better.origin} always fills {better.element} before"
            yield defect(message, row.origin)
        before.setdefault(row.element, []).append(row)
        if place:
            places.setdefault(place, []).append(row)


def _place(row: Row, tables: Tables) -> Place:
    """Return the element as its rivals share it (a choice by its stem); () where unreadable."""
    release = next(iter(tables.releases), "")
    if row.type in tables.types:
        return ()
    try:
        [arrow] = arrows_of(row, tables, release)
    except TableError:
        return ()
    return tuple(map(_shared, arrow.steps))


def _shared(step: Step) -> tuple[str, str | None]:
    return step.canonical, step.slot


def _is_same(row: Row, later: Row, tables: Tables) -> bool:
    """Say whether two rows fill one element from one field by one vocabulary in one release."""
    overlap = releases_of(row.releases, tables) & releases_of(later.releases, tables)
    said = row.field == later.field and row.fixed == later.fixed and row.codes == later.codes
    alike = row.type == later.type or not (_is_reference(row) and _is_reference(later))
    return bool(overlap) and said and alike and row.need == later.need


def _is_reference(row: Row) -> bool:
    return "Reference" in row.type


def _always_wins(row: Row, later: Row, tables: Tables) -> bool:
    """Say whether a row fills the element wherever a later one could.

    A fixed word always does; words without codes do before the same words with codes. An item
    of a list may stand beside others, so there only a fixed word is beaten.
    """
    if row.type in APPENDING or later.need or (row.codes and row.field):
        return False
    if releases_of(later.releases, tables) - releases_of(row.releases, tables):
        return False
    if row.fixed:
        return "[]" not in row.element or bool(later.fixed)
    same = (row.element, row.type, row.field) == (later.element, later.type, later.field)
    return same and not row.codes and bool(later.codes) and bool(row.field)


def fields(tables: Tables) -> Iterator[Issue]:
    """Yield the fields of the schema that no row reads, and what unread.csv says wrongly."""
    read = {part for row in _every(tables) for part in row.field.replace("<", "").split(".")}
    read |= {name for made in read for name in READS.get(made, ())}
    lines = Sheets(tables.folders, []).lines("unread.csv", UNREAD_COLUMNS, ("part", "field"))
    yield from said_twice(lines, ("part", "field"), tables)
    excused = {(line["part"], line["field"]) for line in lines}
    known = {(part, name) for part in PARTS for name in schema()[part]["properties"]}
    for part, name in sorted(known - excused):
        if name not in read | HOW:
            yield defect(f"no table maps the field {name!r} of a {part}", "resources/")
    for line in lines:
        if (line["part"], line["field"]) not in known:
            message = f"the schema has no field {line['field']!r} of a {line['part']!r}"
            yield defect(message, line["origin"])
        elif line["field"] in read:
            yield defect(f"a row reads the field {line['field']!r}", line["origin"])


def _every(tables: Tables) -> Iterator[Row]:
    for listed in (*tables.resources.values(), *tables.types.values()):
        yield from listed


def known_fields() -> set[str]:
    """Return what a field may begin with: the schema's names, relations, derived fields."""
    names: set[str] = set(DERIVED)
    for part in PARTS:
        names |= set(schema()[part]["properties"])
    names |= set(schema()["patient"]["properties"]["age"]["oneOf"][1]["properties"])
    relations = schema()["relation"]["properties"]["type"]["enum"]
    return names | set(relations) | {f"<{name}" for name in relations}
