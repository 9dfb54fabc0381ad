"""Are the small tables sound: releases, systems, extensions, relations, order, files."""

import re
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec

from fhirconv.errors import TableError
from fhirconv.outcome import Issue
from fhirconv.sheets import Line, Sheets
from fhirconv.tables import (
    EXTENSION_COLUMNS,
    MAPPINGS,
    RELEASE_COLUMNS,
    SYSTEM_COLUMNS,
    Lookup,
    Mark,
    Tables,
)
from fhirconv.tables_check.defect import ABSTRACT, defect, said_twice, schema, strange_releases
from fhirconv.validate.codes import CHECKS
from fhirconv.validate.definitions import Definitions, Shape, definitions_of

PREFIX = re.compile(r"[A-Za-z][\w.-]*")
URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+")
VERSION = re.compile(r"\d+\.\d+\.\d+(-[\w.]+)?")
FOLDERS = ("resources", "types", "codes")  # where a user's table may have a name of its own


def releases(tables: Tables) -> Iterator[Issue]:
    """Yield what is wrong in releases.csv."""
    lines = _lines(tables, "releases.csv", RELEASE_COLUMNS, ("release",))
    yield from said_twice(lines, ("release",), tables)
    for line in lines:
        name, where = line["release"], line["origin"]
        if not VERSION.fullmatch(line["version"]):
            yield defect(f"{line['version']!r} is no version such as 1.0.0", where)
        if line["models"] and not _is_package(line["models"]):
            yield defect(f"no package of models is called {line['models']!r}", where)
        try:
            definitions_of(tables, name)
        except TableError as error:
            yield defect(error.message, where)
    chosen = [line for line in lines if line["default"]]
    if lines and len(chosen) != 1:
        named = ", ".join(line["release"] for line in chosen) or "none"
        where = chosen[-1]["origin"] if chosen else "releases.csv"
        yield defect(f"one release is made unasked (default), here {named}", where)


def _is_package(name: str) -> bool:
    with suppress(ImportError, ValueError):
        return find_spec(name) is not None
    return False


def systems(tables: Tables) -> Iterator[Issue]:
    """Yield what is wrong in systems.csv."""
    lines = _lines(tables, "systems.csv", SYSTEM_COLUMNS, ("prefix",))
    yield from said_twice(lines, ("prefix",), tables)
    uris: dict[str, Line] = {}
    for line in lines:
        prefix, uri, check, where = (line[n] for n in ("prefix", "uri", "check", "origin"))
        if not PREFIX.fullmatch(prefix):
            yield defect(f"{prefix!r} is no prefix: a letter, then letters, digits, - . _", where)
        if not URI.fullmatch(uri):
            yield defect(f"{uri!r} is no absolute URI", where)
        if check and check not in CHECKS:
            known = ", ".join(sorted(CHECKS))
            yield defect(f"no check of codes is called {check!r} (known: {known})", where)
        other = uris.setdefault(uri, line)
        if other["prefix"] != prefix:
            message = f"{prefix!r} and {other['prefix']!r} are one system, {uri}"
            yield defect(f"{message} ({other['origin']})", where)


def extensions(tables: Tables) -> Iterator[Issue]:
    """Yield what is wrong in extensions.csv."""
    lines = _lines(tables, "extensions.csv", EXTENSION_COLUMNS, ("name", "releases"))
    yield from said_twice(lines, ("name",), tables)
    every = (*tables.resources.values(), *tables.types.values())
    used = " ".join(row.element for rows in every for row in rows)
    for line in lines:
        yield from strange_releases(line["releases"].split(), tables, line["origin"])
        if not URI.fullmatch(line["url"]):
            yield defect(f"{line['url']!r} is no absolute URL", line["origin"])
        if f"xtension[{line['name']}]" not in used:
            message = f"no row has an extension[{line['name']}]: the row is dead"
            yield defect(message, line["origin"])


def relations(tables: Tables) -> Iterator[Issue]:
    """Yield what is wrong in relations.csv."""
    columns = ("relation", "from", "to", "note")
    lines = _lines(tables, "relations.csv", columns, ("relation",))
    yield from said_twice(lines, ("relation",), tables)
    names = schema()["relation"]["properties"]["type"]["enum"]
    kinds = (*schema()["fact"]["properties"]["kind"]["enum"], "*")
    for line in lines:
        if line["relation"] not in names:
            known = ", ".join(names)
            yield defect(f"{line['relation']!r} is no relation (known: {known})", line["origin"])
        for end in ("from", "to"):
            if not line[end]:
                yield defect(f"the relation may lead {end} no kind of fact", line["origin"])
            for kind in line[end].split():
                if kind not in kinds:
                    known = ", ".join(kinds)
                    message = f"{kind!r} is no kind of fact (known: {known})"
                    yield defect(message, line["origin"])
    for name in names:
        if name not in tables.relations:
            yield defect(f"no row says between what {name!r} may stand", "relations.csv")


def order(tables: Tables) -> Iterator[Issue]:
    """Yield what is wrong in order.csv."""
    lines = _lines(tables, "order.csv", ("resource", "note"), ("resource",))
    yield from said_twice(lines, ("resource",), tables)
    for line in lines:
        if line["resource"] not in tables.resources:
            message = f"no table makes a {line['resource']}: the row is dead"
            yield defect(message, line["origin"])
    for name in tables.resources:
        if name != ABSTRACT and name not in tables.order:
            yield defect(f"the resource {name} has no place in the Bundle", "order.csv")


def searches(tables: Tables) -> Iterator[Issue]:
    """Yield what is wrong in searches.csv."""
    yield from said_twice(list(tables.searches), ("resource",), tables)
    for line in tables.searches:
        if line["resource"] not in tables.resources:
            message = f"no table makes a {line['resource']}: the row is dead"
            yield defect(message, line["origin"])
        if not line["parameter"].isidentifier():
            message = f"{line['parameter']!r} is no search parameter"
            yield defect(message, line["origin"])


def marks(tables: Tables) -> Iterator[Issue]:
    """Yield the marks of release-marks.csv that do not tell the releases apart as they say."""
    for mark in tables.marks:
        yield from strange_releases(mark.releases, tables, mark.origin)
        for release in tables.releases:
            with suppress(TableError):  # told by releases()
                has = _has(mark, definitions_of(tables, release))
                if has != (release in mark.releases):
                    what = f"{mark.resource}.{mark.element}".rstrip(".")
                    verb = "has" if has else "has no"
                    yield defect(f"{release} {verb} {what}: it is no mark so", mark.origin)


def lookups(tables: Tables) -> Iterator[Issue]:
    """Yield the rows of lookups.csv whose element a release has not."""
    for lookup in tables.lookups:
        yield from strange_releases(lookup.releases, tables, lookup.origin)
        for release in lookup.releases or tables.releases:
            with suppress(TableError):  # told by releases()
                if not _has(lookup, definitions_of(tables, release)):
                    what = f"{lookup.resource}.{lookup.element}"
                    yield defect(f"{release} has no {what}", lookup.origin)


def _has(row: Mark | Lookup, known: Definitions) -> bool:
    """Say whether a release has the element of a row, and as a list or not as the row says."""
    if not known.is_resource(row.resource):
        return False
    shape: Shape = known.shape(row.resource)
    for step in filter(None, row.element.split(".")):
        element = shape.elements.get(step.removesuffix("[]"))
        if element is None or step.endswith("[]") != element.many:
            return False
        plain = element.type not in known.primitives
        shape = known.shape_of(element) if plain else known.shape("Element")
    return True


def files(tables: Tables) -> Iterator[Issue]:
    """Yield the tables of the user's folders that nothing reads: a name is wrong."""
    known = {path.relative_to(MAPPINGS).as_posix() for path in MAPPINGS.rglob("*.csv")}
    for folder in tables.folders:
        for path in sorted(folder.rglob("*.csv")):
            name = path.relative_to(folder).as_posix()
            if name not in known and name.rpartition("/")[0] not in FOLDERS:
                near = ", ".join(sorted(k for k in known if "/" not in k))
                folders = ", ".join(f"{f}/" for f in FOLDERS)
                message = f"nothing reads the table {name!r} (known: {near}; in {folders} any)"
                yield defect(message, name)


def _lines(
    tables: Tables, file: str, columns: tuple[str, ...], key: tuple[str, ...]
) -> list[dict[str, str]]:
    return Sheets(tables.folders, []).lines(file, columns, key)
