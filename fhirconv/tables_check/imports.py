"""Are the tables of the importers sound: kinds, fields, readings, lists, relations, units."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from fhirconv.importers.knowledge import COLUMNS, Knowledge
from fhirconv.importers.readings import READINGS
from fhirconv.importers.rows import REFERENCE
from fhirconv.outcome import Issue
from fhirconv.sheets import Line
from fhirconv.tables import Tables
from fhirconv.tables_check.defect import defect, schema

OF_WORDS = ("word", "flag")  # readings whose argument is a list of words
OF_UNITS = ("quantity", "duration", "age", "at-age")  # readings whose argument is a unit
ASKED = ("nothing", "phrases", "prefixes", "prefixed", "systems")  # lists that the code asks for
NO_FACT = ("patient", "citation", "skip", "quote", "part", "same", "*", "")
CITED = ("title", "authors", "journal", "year", "volume", "issue", "pages", "doi", "pmid", "url")
OWN = ("value", "kind", "agent", "=same", "=distinct")  # fields that the importers take apart
HOW = ("part", "same", "time", "method")
JOINS = ("relation", "reverse", "anchor")
STEP = re.compile(r"\[[^\]]*\]")


def imports(tables: Tables) -> Iterator[Issue]:
    """Yield what is wrong in import/."""
    known = Knowledge(tables)
    named: set[str] = set(ASKED)
    for table in COLUMNS:
        for line in known.rows(table):
            yield from _kind(line)
            yield from _field(line)
            yield from _reading(line, known, named)
            yield from _relation(line, tables)
            named.update(re.findall(r"words/([\w-]+)", " ".join(line.values())))
    for line in known.rows("words"):
        if line["list"] not in named:
            yield defect(f"no row asks for the list {line['list']!r}", line["origin"])


def _kinds() -> tuple[str, ...]:
    return tuple(schema()["fact"]["properties"]["kind"]["enum"])


def _kind(line: Line) -> Iterator[Issue]:
    kind = line.get("kind", "")
    of_type = "type" in line or "attribute" in line  # a type of entity may stand there
    if kind not in (*_kinds(), *NO_FACT) and not (of_type and kind[:1].isupper()):
        listed = ", ".join((*_kinds(), *filter(None, NO_FACT)))
        yield defect(f"{kind!r} is no kind of fact (known: {listed})", line["origin"])


def _field(line: Line) -> Iterator[Issue]:
    """Yield a defect for a field that no fact, patient or citation has."""
    field = line.get("field", "")
    if not field or field in OWN:
        return
    kind = line.get("kind", "")
    if field.startswith(">"):
        return
    if kind == "citation":
        wrong = field not in CITED
    else:
        part = schema()["patient" if kind == "patient" else "fact"]["properties"]
        wrong = not _leads(STEP.sub("", field).split("."), part)
    if wrong:
        yield defect(f"no {kind or 'fact'} has a field {field!r}", line["origin"])


def _leads(steps: list[str], properties: Mapping[str, Any]) -> bool:
    """Say whether a path leads through the properties of the schema."""
    first, *rest = steps
    found = properties.get(first)
    if found is None or not rest:
        return found is not None
    found = found.get("items", found)
    name = found.get("$ref", "").rpartition("/")[2]
    inner = schema()[name] if name else found
    return _leads(rest, inner.get("properties", {}))


def _reading(line: Line, known: Knowledge, named: set[str]) -> Iterator[Issue]:
    if "as" not in line or "relation" in line:
        return
    reading, _, argument = line["as"].partition(":")
    if reading not in (*READINGS, REFERENCE):
        listed = ", ".join(filter(None, (*READINGS, REFERENCE)))
        message = f"no value is read as {reading!r} (known: {listed})"
        yield defect(message, line["origin"])
    if reading in OF_WORDS:
        named.add(argument)
        if argument not in known.lists:
            yield defect(f"words.csv has no list {argument!r}", line["origin"])
    if reading in OF_UNITS and argument and not known.unit(argument):
        yield defect(f"codes/units.csv has no unit {argument!r}", line["origin"])


def _relation(line: Line, tables: Tables) -> Iterator[Issue]:
    """Yield a defect for a relation that is none of relations.csv, or is carried out by no word."""
    how, _, name = line["as"].partition(":") if "relation" in line else ("", "", "")
    if "relation" in line and how not in (*HOW, *JOINS):
        listed = ", ".join((*HOW, *JOINS))
        yield defect(f"a relation is not carried out as {how!r} (known: {listed})", line["origin"])
    if how in ("relation", "reverse") and name not in tables.relations:
        listed = ", ".join(tables.relations)
        yield defect(f"{name!r} is no relation (known: {listed})", line["origin"])
    relations = schema()["anchor"]["properties"]["relation"]["enum"]
    if how == "anchor" and name not in relations:
        listed = ", ".join(relations)
        yield defect(f"times are not related as {name!r} (known: {listed})", line["origin"])
