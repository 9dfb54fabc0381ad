"""What kinds, assertions and elements are called and look like: the tables under view/."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from fhirconv.errors import TableError
from fhirconv.tables import Line, Tables, built_in

NAME = re.compile(r"[a-z][a-z_]*\Z")
PATH = re.compile(r"[MmLlHhVvCcSsQqTtAaZz0-9 .,-]+\Z")
LINES = ("solid", "double", "dotted", "dashed", "wavy")
PLACES = ("code", "value")
ORDERS = ("before", "with", "after")
SLOT = re.compile(r"\[[^\]]*\]")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fact, or of a part of the document: its names, its colour, its icon."""

    name: str
    label: str
    plural: str
    hue: int
    icon: str  # a path in a square of 16


@dataclass(frozen=True, slots=True)
class Sign:
    """What is to be seen of an assertion: negated, possible, of the family."""

    name: str  # polarity-absent
    label: str
    line: str
    icon: str
    in_course: bool  # it happened to the patient, or did not, or will


@dataclass(frozen=True, slots=True)
class Legend:
    """What everything on a page is called and looks like."""

    kinds: Mapping[str, Kind]
    signs: Mapping[str, Sign]
    elements: tuple[tuple[str, str, str], ...]  # element, place, label
    links: Mapping[str, tuple[str, str]]  # of a relation or field: label, inverse
    anchors: Mapping[str, tuple[str, str, str]]  # of a time: words, in short, order
    days: Mapping[str, int]
    systems: Mapping[str, str]  # name by URI
    known: dict[str, tuple[str, str]] = field(default_factory=dict, repr=False)  # by element

    def kind(self, name: str) -> Kind:
        """Return a kind; one that no row tells of has its own name."""
        return self.kinds.get(name) or Kind(name, name, name, 0, "M3 3h10v10H3z")

    def signs_of(self, fields: Mapping[str, Any]) -> tuple[Sign, ...]:
        """Return what is to be seen of the assertion of a fact, in the order of the table."""
        told = {f"{name}-{value}" for name, value in (fields.get("assertion") or {}).items()}
        return tuple(sign for name, sign in self.signs.items() if name in told)

    def shown_as(self, element: str) -> tuple[str, str]:
        """Return the place and label of an element on a card; empty where it has none."""
        found = self.known.get(element)
        if found is None:
            plain = f"{SLOT.sub('', element)}."
            rows = (row[1:] for row in self.elements if plain.startswith(f"{row[0]}."))
            found = self.known[element] = next(rows, ("", ""))
        return found

    def system(self, uri: str) -> str:
        """Return the name of a code system."""
        return self.systems.get(uri, uri)


@lru_cache(maxsize=8)
def legend_of(tables: Tables) -> Legend:
    """Return the legend of a set of tables; one without view/ has the built-in one."""
    view = tables.view or built_in().view
    named = {line["prefix"]: line["name"] for line in view["systems"]}
    return Legend(
        kinds={line["kind"]: _kind(line) for line in view["kinds"]},
        signs={sign.name: sign for sign in map(_sign, view["signs"])},
        elements=tuple(_elements(view["elements"])),
        links={line["link"]: (line["label"], line["inverse"]) for line in view["links"]},
        anchors={
            line["relation"]: (line["words"], line["short"], _one_of(line, "order", ORDERS))
            for line in view["anchors"]
        },
        days={line["unit"]: _number(line, "days") for line in view["days"]},
        systems={
            system.uri: named.get(prefix, prefix) for prefix, system in tables.systems.items()
        },
    )


def _kind(line: Line) -> Kind:
    name = _like(line, "kind", NAME)
    hue = _number(line, "hue") % 360
    return Kind(name, line["label"], line["plural"], hue, _like(line, "icon", PATH))


def _sign(line: Line) -> Sign:
    name = f"{_like(line, 'field', NAME)}-{_like(line, 'value', NAME)}"
    icon, style = _like(line, "icon", PATH), _one_of(line, "line", LINES)
    return Sign(name, line["label"], style, icon, line["course"] == "yes")


def _elements(lines: tuple[Line, ...]) -> Iterator[tuple[str, str, str]]:
    for line in lines:
        yield line["element"], _one_of(line, "place", PLACES), line["label"]


def _like(line: Line, column: str, pattern: re.Pattern[str]) -> str:
    """Return a cell that goes into style or script as it is; raises TableError for another."""
    if not pattern.match(line[column]):
        raise TableError(f"{line[column]!r} is no {column}", line["origin"])
    return line[column]


def _one_of(line: Line, column: str, known: tuple[str, ...]) -> str:
    if line[column] not in known:
        message = f"{line[column]!r} is no {column} (known: {', '.join(known)})"
        raise TableError(message, line["origin"])
    return line[column]


def _number(line: Line, column: str) -> int:
    if not line[column].isdecimal():
        raise TableError(f"{line[column]!r} in the column {column} is no number", line["origin"])
    return int(line[column])
