"""Are the rows of resources and types sound: held against the definitions of their releases."""

from collections.abc import Iterator

from fhirconv.derive import DERIVED
from fhirconv.errors import TableError
from fhirconv.outcome import Issue
from fhirconv.plan import ANY, EVERY, Arrow, Step, arrows_of, is_of_class
from fhirconv.tables import Row, Tables, Vocabulary, of_release
from fhirconv.tables_check.dead import PARTS, known_fields
from fhirconv.tables_check.defect import ABSTRACT, defect, schema, strange_releases
from fhirconv.validate.definitions import Definitions, Element, Shape, definitions_of
from fhirconv.validate.valuesets import Codes

NEEDS = ("", "resource", "item")
WORDS = ("string", "markdown", "uri", "url", "id")
SAME = {  # our names of FHIR's datatypes
    "xhtml-list": "xhtml",
    "SimpleQuantity": "Quantity",
    "LogicalReference": "Reference",
}


def rows(tables: Tables) -> Iterator[Issue]:
    """Yield what is wrong in the tables of resources/, and of types/ as they use them."""
    routed = {route.rows for route in tables.routes} | {EVERY}
    known = known_fields()
    for resource, listed in tables.resources.items():
        for row in listed:
            if row.fact not in routed:
                yield defect(f"no route leads to {row.fact!r}: the row is dead", row.origin)
            yield from _row(row, tables, known)
            for release in tables.releases:
                if of_release(row, release):
                    yield from _row_in(row, resource, tables, release)


def _row(row: Row, tables: Tables, known: set[str]) -> Iterator[Issue]:
    if bool(row.field) == bool(row.fixed):
        both = "both a field and a fixed word" if row.field else "neither a field nor a fixed word"
        if row.type not in tables.types:
            yield defect(f"the row has {both}", row.origin)
    first = row.field.split(".")[0]
    if row.field and first not in known:
        yield defect(f"no fact has a field {first!r}", row.origin)
    if row.need not in NEEDS:
        yield defect(f"{row.need!r} is no need (known: resource, item)", row.origin)
    yield from _nested(row, known)
    yield from strange_releases(row.releases, tables, row.origin)
    for name in row.codes.split():
        if name.partition(".")[0] not in tables.codes:
            listed = ", ".join(sorted(tables.codes))
            yield defect(f"no vocabulary called {name!r} (known: {listed})", row.origin)


def _nested(row: Row, known: set[str]) -> Iterator[Issue]:
    """Yield a field within a field that the schema does not have there."""
    first, _, rest = row.field.partition(".")
    inner = _inside(first) if rest and first not in DERIVED else None
    name = rest.partition(".")[0]
    if inner is not None and name not in (inner or known):
        told = f" (known: {', '.join(inner)})" if inner else ""
        yield defect(f"{first!r} has no field {name!r}{told}", row.origin)


def _inside(field: str) -> tuple[str, ...] | None:
    """Return the fields within a field of the schema; () of another fact; None: not known."""
    for part in PARTS:
        found = schema()[part]["properties"].get(field)
        while found is not None and ("$ref" in found or "items" in found):
            reference = found.get("$ref", "").rpartition("/")[2]
            if reference == "id":
                return ()
            found = schema()[reference] if reference else found["items"]
        if found is not None:
            return tuple(found["properties"]) if "properties" in found else None
    return None


def _row_in(row: Row, resource: str, tables: Tables, release: str) -> Iterator[Issue]:
    definitions = definitions_of(tables, release)
    if resource != ABSTRACT and not definitions.is_resource(resource):
        yield defect(f"{release} has no resource type {resource}", row.origin)
        return
    try:
        arrows = list(arrows_of(row, tables, release))
    except TableError as error:
        yield defect(error.message, error.where)
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
            yield defect(problem, where)
            return
        codes = element.codes or codes
        named = step.name == "extension" and step.slot and not _is_part(arrow, number)
        if named and (step.slot, release) not in tables.extensions:
            yield defect(f"no extension called {step.slot!r} in {release}", where)
        shape = _children(step, element, definitions)
    if element is not None:
        yield from _type(arrow.row, element, path, release)
        yield from _words(arrow, tables, release, definitions.value_sets.find(codes), path)


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
        yield defect(f"{path} is a {element.type} in {release}, not a {kind}", row.origin)
    if SAME.get(kind, kind) == "Reference" and element.targets:
        wanted = row.type.partition("(")[2].rstrip(")").split("|")
        for target in wanted:
            if target not in (*element.targets, ANY):
                known = ", ".join(element.targets)
                message = f"{path} cannot refer to a {target} in {release} (but to: {known})"
                yield defect(message, row.origin)


def _words(
    arrow: Arrow, tables: Tables, release: str, allowed: Codes | None, path: str
) -> Iterator[Issue]:
    """Hold what a row looks up against its vocabulary and the required value set."""
    row = arrow.row
    kind = row.type.partition("(")[0]
    named = kind == "uri" and row.fixed and arrow.steps[-1].name == "system"
    if named and row.fixed not in {system.uri for system in tables.systems.values()}:
        yield defect(f"systems.csv has no system {row.fixed!r}", row.origin)
    if kind == "code" and not row.codes:
        yield defect("a code comes from a table: name a vocabulary", row.origin)
    for name in row.codes.split():
        vocabulary = tables.codes.get(name.partition(".")[0])
        if vocabulary is None:
            continue
        term = name.partition(".")[2] or row.fixed
        if term and not vocabulary.lookup(term, release):
            message = f"no row of {vocabulary.name} is called {term!r} in {release}"
            yield defect(message, row.origin)
        if allowed and is_of_class(kind):
            yield from _allowed(vocabulary, term, release, allowed, (path, row.origin))


def _allowed(
    vocabulary: Vocabulary, term: str, release: str, allowed: Codes, place: tuple[str, str]
) -> Iterator[Issue]:
    path, origin = place
    terms = [vocabulary.find(term)] if term else list(vocabulary.terms.values())
    for coding in (c for t in terms if t for c in t.codings if of_release(c, release)):
        if coding.code and not allowed.has(coding.system, coding.code):
            message = f"{coding.code!r} ({coding.origin}) is not allowed for {path} in {release}"
            yield defect(message, origin)


def others(tables: Tables) -> Iterator[Issue]:
    """Read every table that is only looked for: what is unreadable is told as it is read."""
    assert tables.extract is not None
    assert tables.imports is not None
    return iter(())
