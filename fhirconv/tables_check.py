"""Are the tables sound: every row held against the definitions of its releases, all at once."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import orjson

from fhirconv.case import DOCUMENT_KINDS
from fhirconv.derive import DERIVED
from fhirconv.errors import FhirconvError, TableError
from fhirconv.outcome import Issue
from fhirconv.plan import ANY, EVERY, Arrow, Step, arrows_of, is_of_class
from fhirconv.tables import MAPPINGS, Coding, Row, Tables, Vocabulary, of_release
from fhirconv.validate.codes import code_problem
from fhirconv.validate.definitions import Definitions, Element, Shape, definitions_of

ABSTRACT = "DomainResource"
SKIP = "skip"
NEEDS = ("", "resource", "item")
MATCHES = ("", "exact", "close", "broad")
WORDS = ("string", "markdown", "uri", "url", "id")
SAME = {  # our names of FHIR's datatypes
    "xhtml-list": "xhtml",
    "SimpleQuantity": "Quantity",
    "LogicalReference": "Reference",
}


def check(folders: Iterable[Path | str]) -> list[Issue]:
    """Return every defect of a stack of table folders, each with its file and line."""
    found: list[Issue] = []
    tables = Tables(tuple(Path(f) for f in folders), found)
    try:
        for part in (_vocabularies, _routes, _orders, _resource_rows, _extract):
            found += part(tables)
    except FhirconvError as error:  # what keeps the rest from being read at all
        found.append(_error(error.message, error.where))
    return list(dict.fromkeys(found))


def _error(message: str, where: str) -> Issue:
    return Issue("error", "structure", message, where)


def _vocabularies(tables: Tables) -> Iterator[Issue]:
    for vocabulary in tables.codes.values():
        for term in vocabulary.terms.values():
            yield from _codings(tables, term.codings)


def _codings(tables: Tables, codings: Iterable[Coding]) -> Iterator[Issue]:
    for coding in codings:
        if coding.match not in MATCHES:
            known = ", ".join(MATCHES[1:])
            yield _error(f"{coding.match!r} is no match (known: {known})", coding.origin)
        strange = sorted(set(coding.releases) - set(tables.releases))
        if strange:
            yield _unknown_release(strange[0], tables, coding.origin)
        system = tables.systems.get(coding.prefix)
        if system and system.check:
            problem = code_problem(system.check, coding.code)
            if problem:
                yield _error(f"the code {coding.code!r} {problem}", coding.origin)


def _unknown_release(name: str, tables: Tables, where: str) -> Issue:
    known = ", ".join(tables.releases)
    return _error(f"no FHIR release called {name!r} (known: {known})", where)


def _routes(tables: Tables) -> Iterator[Issue]:
    schema = orjson.loads((MAPPINGS / "facts.schema.json").read_bytes())["$defs"]
    kinds = (*schema["fact"]["properties"]["kind"]["enum"], *DOCUMENT_KINDS)
    told = {n: p["enum"] for n, p in schema["assertion"]["properties"].items()}
    told["verification"] = schema["fact"]["properties"]["verification"]["enum"]
    known = {row.fact for rows in tables.resources.values() for row in rows}
    for route in tables.routes:
        if route.rows not in known | {SKIP}:
            yield _error(f"no row is for {route.rows!r}", route.origin)
        if route.rows == SKIP and not route.reason:
            yield _error("a fact is skipped without a reason", route.origin)
        for name, words in {"kind": kinds, **told}.items():
            value = getattr(route, name)
            if value and value not in words:
                wanted = ", ".join(words)
                yield _error(f"{value!r} is no {name} (known: {wanted})", route.origin)
    for kind in kinds:
        if not any(r.kind == kind and not any(getattr(r, n) for n in told) for r in tables.routes):
            yield _error(f"no route takes every fact of the kind {kind!r}", "route.csv")


def _orders(tables: Tables) -> Iterator[Issue]:
    for name in tables.resources:
        if name != ABSTRACT and name not in tables.order:
            yield _error(f"the resource {name} has no place in the Bundle", "order.csv")


def _extract(tables: Tables) -> Iterator[Issue]:
    """Read every table of the extractors: what is unreadable is told as it is read."""
    assert tables.extract is not None
    return iter(())


def _resource_rows(tables: Tables) -> Iterator[Issue]:
    routed = {route.rows for route in tables.routes} | {EVERY}
    known = _fields()
    for resource, rows in tables.resources.items():
        for row in rows:
            if row.fact not in routed:
                yield _error(f"no route leads to {row.fact!r}: the row is dead", row.origin)
            yield from _row(row, tables, known)
            for release in tables.releases:
                if of_release(row, release):
                    yield from _row_in(row, resource, tables, release)


def _fields() -> set[str]:
    """Return what a field may begin with: the schema's names, relations, derived fields."""
    schema = orjson.loads((MAPPINGS / "facts.schema.json").read_bytes())["$defs"]
    names: set[str] = set(DERIVED)
    for part in ("fact", "patient", "citation"):
        names |= set(schema[part]["properties"])
    names |= set(schema["patient"]["properties"]["age"]["oneOf"][1]["properties"])
    relations = schema["relation"]["properties"]["type"]["enum"]
    return names | set(relations) | {f"<{name}" for name in relations}


def _row(row: Row, tables: Tables, known: set[str]) -> Iterator[Issue]:
    if bool(row.field) == bool(row.fixed):
        both = "both a field and a fixed word" if row.field else "neither a field nor a fixed word"
        if row.type not in tables.types:
            yield _error(f"the row has {both}", row.origin)
    first = row.field.split(".")[0]
    if row.field and first not in known:
        yield _error(f"no fact has a field {first!r}", row.origin)
    if row.need not in NEEDS:
        yield _error(f"{row.need!r} is no need (known: resource, item)", row.origin)
    for strange in sorted(set(row.releases) - set(tables.releases)):
        yield _unknown_release(strange, tables, row.origin)
    for name in row.codes.split():
        if name.partition(".")[0] not in tables.codes:
            listed = ", ".join(sorted(tables.codes))
            yield _error(f"no vocabulary called {name!r} (known: {listed})", row.origin)


def _row_in(row: Row, resource: str, tables: Tables, release: str) -> Iterator[Issue]:
    definitions = definitions_of(tables, release)
    if resource != ABSTRACT and not definitions.is_resource(resource):
        yield _error(f"{release} has no resource type {resource}", row.origin)
        return
    try:
        arrows = list(arrows_of(row, tables, release))
    except TableError as error:
        yield _error(error.message, error.where)
        return
    for arrow in arrows:
        yield from _arrow(arrow, resource, tables, release, definitions)


def _arrow(
    arrow: Arrow, resource: str, tables: Tables, release: str, definitions: Definitions
) -> Iterator[Issue]:
    where = arrow.row.origin
    shape, element, codes = definitions.shape(resource), None, ""
    path = resource
    for number, step in enumerate(arrow.steps):
        element = shape.elements.get(step.name)
        path = f"{path}.{step.name}"
        problem = _step_problem(step, element, shape, path, release)
        if element is None or problem:
            yield _error(problem, where)
            return
        codes = element.codes or codes
        named = step.name == "extension" and step.slot and not _is_part(arrow, number)
        if named and (step.slot, release) not in tables.extensions:
            yield _error(f"no extension called {step.slot!r} in {release}", where)
        shape = _children(step, element, definitions)
    if element is not None:
        yield from _type(arrow.row, element, path, release)
        yield from _words(arrow, tables, release, definitions.value_sets.get(codes, {}), path)


def _is_part(arrow: Arrow, number: int) -> bool:
    return number > 0 and arrow.steps[number - 1].name == "extension"


def _step_problem(
    step: Step, element: Element | None, shape: Shape, path: str, release: str
) -> str:
    if element is None:
        names = ", ".join(n for n in shape.elements if not n.startswith("_"))
        return f"{release} has no {path} (there are: {names})"
    if element.many and step.slot is None:
        return f"{path} is a list in {release}: write {step.name}[]"
    if not element.many and step.slot is not None:
        return f"{path} is no list in {release}: write {step.name}"
    return ""


def _children(step: Step, element: Element, definitions: Definitions) -> Shape:
    if step.name.startswith("_") or element.type in definitions.primitives:
        return definitions.shape("Element")
    return definitions.shape_of(element)


def _type(row: Row, element: Element, path: str, release: str) -> Iterator[Issue]:
    kind = row.type.partition("(")[0]
    if SAME.get(kind, kind) != SAME.get(element.type, element.type):
        yield _error(f"{path} is a {element.type} in {release}, not a {kind}", row.origin)
    if SAME.get(kind, kind) == "Reference" and element.targets:
        wanted = row.type.partition("(")[2].rstrip(")").split("|")
        for target in wanted:
            if target not in (*element.targets, ANY):
                known = ", ".join(element.targets)
                message = f"{path} cannot refer to a {target} in {release} (but to: {known})"
                yield _error(message, row.origin)


ValueSet = dict[str, frozenset[str]]  # system -> codes


def _words(
    arrow: Arrow, tables: Tables, release: str, allowed: ValueSet, path: str
) -> Iterator[Issue]:
    """Hold what a row looks up against its vocabulary and the required value set."""
    row = arrow.row
    kind = row.type.partition("(")[0]
    if kind == "code" and not row.codes:
        yield _error("a code comes from a table: name a vocabulary", row.origin)
    for name in row.codes.split():
        vocabulary = tables.codes.get(name.partition(".")[0])
        if vocabulary is None:
            continue
        term = name.partition(".")[2] or row.fixed
        if term and not vocabulary.lookup(term, release):
            message = f"no row of {vocabulary.name} is called {term!r} in {release}"
            yield _error(message, row.origin)
        if allowed and is_of_class(kind):
            yield from _allowed(vocabulary, term, release, allowed, (path, row.origin))


def _allowed(
    vocabulary: Vocabulary, term: str, release: str, allowed: ValueSet, place: tuple[str, str]
) -> Iterator[Issue]:
    path, origin = place
    terms = [vocabulary.find(term)] if term else list(vocabulary.terms.values())
    for coding in (c for t in terms if t for c in t.codings if of_release(c, release)):
        codes = allowed.get(coding.system)
        if coding.code and (codes is None or coding.code not in codes):
            message = f"{coding.code!r} ({coding.origin}) is not allowed for {path} in {release}"
            yield _error(message, origin)
