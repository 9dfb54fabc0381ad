"""What one set of mapping tables says and another does not, in words."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass

from fhirconv.tables import ROUTE_COLUMNS, Coding, Tables, Term, Vocabulary

ADDED, CHANGED, GONE = KINDS = ("added", "changed", "gone")
UNSAID = ("note", "origin")  # what is for people, and where a row happens to stand
NAMES = {  # the columns by which two rows are one that changed; elsewhere the first column
    "resources": ("fact", "element", "releases"),
    "types": ("fact", "element", "releases"),
    "route.csv": ROUTE_COLUMNS[:6],
    "extensions.csv": ("name", "release"),
    "release-marks.csv": ("resource", "element"),
    "lookups.csv": ("resource", "releases", "parameter"),
}

Cells = dict[str, str]


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that differs: in which table, added, changed or gone, and what in words."""

    table: str  # codes/conditions.csv
    kind: str
    words: str


def difference(old: Tables, new: Tables) -> Iterator[Change]:
    """Yield what was added, changed or is gone from old to new; the notes are not compared."""
    for name in sorted(old.codes.keys() | new.codes.keys()):
        empty = Vocabulary(name, {})
        yield from _of_vocabulary(old.codes.get(name, empty), new.codes.get(name, empty))
    before, after = dict(_listed(old)), dict(_listed(new))
    for table in sorted(before.keys() | after.keys()):
        yield from _of_rows(table, before.get(table, []), after.get(table, []))


def counts(changes: Iterable[Change]) -> dict[str, dict[str, int]]:
    """Return how much was added, changed and is gone in every table that differs."""
    counted = Counter((change.table, change.kind) for change in changes)
    tables = dict.fromkeys(table for table, _ in counted)
    return {table: {kind: counted[table, kind] for kind in KINDS} for table in tables}


def _of_vocabulary(old: Vocabulary, new: Vocabulary) -> Iterator[Change]:
    table = f"codes/{old.name}.csv"
    for key in sorted(old.terms.keys() | new.terms.keys()):
        before, after = old.terms.get(key), new.terms.get(key)
        if after is None and before is not None:
            yield Change(table, GONE, _term(before))
        elif before is None and after is not None:
            yield Change(table, ADDED, _term(after))
        elif before is not None and after is not None:
            for words in _changes(before, after):
                yield Change(table, CHANGED, f"{after.text!r}: {words}")


def _term(term: Term) -> str:
    if term.preferred != term.text:
        return f"{term.text!r}, a synonym of {term.preferred!r}"
    told = [_coding(coding) for coding in term.codings]
    return f"{term.text!r}: {', '.join(told)}" if told else f"{term.text!r}, without a code"


def _coding(coding: Coding) -> str:
    match = f" ({coding.match})" if coding.match else ""
    releases = f" in {' '.join(coding.releases)}" if coding.releases else ""
    return f"{_code(coding)} {coding.display!r}".strip() + match + releases


def _code(coding: Coding) -> str:
    return f"{coding.prefix}:{coding.code}" if coding.code else ""


def _changes(before: Term, after: Term) -> Iterator[str]:
    """Yield how a term changed; the codes of a synonym are told at the term itself."""
    if before.preferred != after.preferred:
        was = "a term of its own" if before.preferred == before.text else repr(before.preferred)
        now = "a term of its own" if after.preferred == after.text else repr(after.preferred)
        yield f"stands for {now}, stood for {was}"
    if after.preferred != after.text or before.preferred != before.text:
        return
    old = {(c.prefix, c.code, c.releases): c for c in before.codings}
    new = {(c.prefix, c.code, c.releases): c for c in after.codings}
    yield from (f"{_coding(coding)} is new" for key, coding in new.items() if key not in old)
    yield from (f"{_coding(coding)} is gone" for key, coding in old.items() if key not in new)
    for key, coding in new.items():
        was_coding = old.get(key, coding)
        for name in ("display", "match"):
            was, now = getattr(was_coding, name), getattr(coding, name)
            if was != now:
                yield f"the {name} of {_code(coding)} is {now!r}, was {was!r}"
    if old.keys() == new.keys() and list(old) != list(new):
        yield f"the codes stand in another order, first {_coding(after.codings[0])}"


def _listed(tables: Tables) -> Iterator[tuple[str, list[Cells]]]:
    """Yield every table but the vocabularies, each as its rows."""
    for folder, found in (("resources", tables.resources), ("types", tables.types)):
        for name, rows in found.items():
            yield f"{folder}/{name}.csv", [_cells(asdict(row)) for row in rows]
    for folder, lines in (("extract", tables.extract), ("import", tables.imports)):
        for name, listed in lines.items():
            yield f"{folder}/{name}.csv", [_cells(line) for line in listed]
    yield "route.csv", [_cells(asdict(route)) for route in tables.routes]
    yield "release-marks.csv", [_cells(asdict(mark)) for mark in tables.marks]
    yield "releases.csv", [_cells(asdict(r)) for r in tables.releases.values()]
    yield "systems.csv", [_cells(asdict(system)) for system in tables.systems.values()]
    yield "order.csv", [{"resource": name} for name in tables.order]
    yield "searches.csv", [_cells(line) for line in tables.searches]
    yield "lookups.csv", [_cells(asdict(lookup)) for lookup in tables.lookups]
    yield (
        "extensions.csv",
        [{"name": n, "release": r, "url": url} for (n, r), url in tables.extensions.items()],
    )
    yield (
        "relations.csv",
        [
            {"relation": name, "from": " ".join(sorted(start)), "to": " ".join(sorted(end))}
            for name, (start, end) in tables.relations.items()
        ],
    )


def _cells(row: Mapping[str, object]) -> Cells:
    said = {name: cell for name, cell in row.items() if name not in UNSAID}
    return {n: " ".join(c) if isinstance(c, tuple) else str(c or "") for n, c in said.items()}


def _of_rows(table: str, old: list[Cells], new: list[Cells]) -> Iterator[Change]:
    """Yield the rows that only one side has; two of one name are a row that changed."""
    gone, added = _without(old, new), _without(new, old)
    columns = NAMES.get(table, NAMES.get(table.partition("/")[0], ()))
    for row in added:
        name = _name(row, columns)
        twins = [other for other in gone if _name(other, columns) == name]
        if len(twins) == 1 and [_name(r, columns) for r in added].count(name) == 1:
            gone.remove(twins[0])
            yield Change(table, CHANGED, f"{_said(name)}: {', '.join(_differing(twins[0], row))}")
        else:
            yield Change(table, ADDED, _row(row, columns))
    yield from (Change(table, GONE, _row(row, columns)) for row in gone)


def _without(rows: list[Cells], others: list[Cells]) -> list[Cells]:
    """Return the rows that the others have not, each as often as they lack it."""
    left = Counter(tuple(row.items()) for row in others)
    found = []
    for row in rows:
        key = tuple(row.items())
        if left[key]:
            left[key] -= 1
        else:
            found.append(row)
    return found


def _name(row: Cells, columns: Iterable[str]) -> tuple[str, ...]:
    return tuple(row.get(c, "") for c in columns) or tuple(row.values())[:1]


def _said(name: Iterable[str]) -> str:
    return " ".join(cell for cell in name if cell) or "the row for all others"


def _row(row: Cells, columns: tuple[str, ...]) -> str:
    name = _said(_name(row, columns))
    first = columns or tuple(row)[:1]
    rest = [f"{column} {cell!r}" for column, cell in row.items() if cell and column not in first]
    return f"{name}: {', '.join(rest)}" if rest else name


def _differing(old: Cells, new: Cells) -> Iterator[str]:
    for column in dict.fromkeys((*old, *new)):
        was, now = old.get(column, ""), new.get(column, "")
        if was != now:
            yield f"{column} is {now!r}, was {was!r}"
