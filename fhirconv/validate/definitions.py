"""The definitions of one release: its types, their elements, its required codes, its rules."""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path

from fhirconv.errors import TableError
from fhirconv.tables import MAPPINGS, Tables

FOLDER = "validate"
OPEN = "*"  # a choice of every datatype


@dataclass(frozen=True, slots=True)
class Element:
    """One element as JSON names it; a choice is one of these for each of its types."""

    name: str  # in JSON: valueQuantity
    base: str  # in FHIRPath: value
    type: str  # Quantity
    shape: str  # the type or element whose children it has: Quantity, Observation.component
    low: int
    high: int | None  # None: any number
    many: bool  # an array in JSON
    targets: tuple[str, ...]  # of a Reference; empty: any
    codes: str  # the value set of a required binding

    @property
    def step(self) -> str:
        """The step of a FHIRPath that leads here."""
        return self.base if self.name == self.base else f"{self.base}.ofType({self.type})"


@dataclass(frozen=True, slots=True)
class Invariant:
    """One rule that a type keeps, from invariants.csv."""

    key: str
    type: str
    severity: str
    rule: str
    elements: tuple[str, ...]
    values: tuple[str, ...]
    sentence: str
    origin: str


@dataclass(frozen=True, slots=True)
class Shape:
    """The children that an object may have, and the rules that it keeps."""

    name: str
    types: tuple[str, ...]  # itself, then its bases
    elements: Mapping[str, Element]  # by the name in JSON, _name of a primitive too
    names: Mapping[str, tuple[str, ...]]  # the names in JSON by that in FHIRPath
    required: tuple[str, ...]
    choices: tuple[str, ...]
    invariants: tuple[Invariant, ...]

    @property
    def is_resource(self) -> bool:
        """Say whether this is a resource type."""
        return "Resource" in self.types

    def has(self, value: Mapping[str, object], base: str) -> bool:
        """Say whether an object has an element, in any of its types, or only as `_name`."""
        return not value.keys().isdisjoint(self.names[base])


@dataclass(frozen=True, slots=True)
class Primitive:
    """How the value of a primitive type is written, from primitives.csv."""

    type: str
    json: str  # string | number | integer | boolean
    pattern: re.Pattern[str] | None
    range: tuple[int, int] | None
    check: str  # a check of values.py beyond the pattern
    words: str
    odd: re.Pattern[str] | None  # what a value is warned of, though it is allowed


class Definitions:
    """The definitions of one release, read as they are asked for."""

    def __init__(self, folder: Path, release: str) -> None:
        self.folder = folder
        self.release = release
        self._shapes: dict[tuple[str, tuple[str, ...], str], Shape] = {}

    def shape(self, name: str, targets: tuple[str, ...] = (), codes: str = "") -> Shape:
        """Return the shape of a type or of an element with children of its own.

        `targets` and `codes` are those of the element that is a CodeableReference: what it
        binds, its children keep.
        """
        key = (name, targets, codes)
        if key not in self._shapes:
            made = self._made(name)
            self._shapes[key] = _bound(made, targets, codes) if targets or codes else made
        return self._shapes[key]

    def shape_of(self, element: Element) -> Shape:
        """Return the shape of an element's value."""
        if element.type == "CodeableReference":
            return self.shape(element.shape, element.targets, element.codes)
        return self.shape(element.shape)

    def is_resource(self, name: object) -> bool:
        """Say whether a resource type has this name, and may stand alone."""
        return isinstance(name, str) and name in self.resources

    @cached_property
    def resources(self) -> frozenset[str]:
        """The names of the resource types that may stand alone."""
        bases = {base for base in self._bases.values() if base}
        leaves = self._bases.keys() - bases
        return frozenset(name for name in leaves if "Resource" in self.types(name)[1:])

    def types(self, name: str) -> tuple[str, ...]:
        """Return a type and its bases, nearest first."""
        found = [name]
        while base := self._bases.get(found[-1], ""):
            found.append(base)
        return tuple(found)

    @cached_property
    def primitives(self) -> dict[str, Primitive]:
        """The primitive types by name."""
        rows = _rows(self.folder / "primitives.csv")
        return {row["type"]: _primitive(row) for row in rows if self._is_of_release(row)}

    @cached_property
    def value_sets(self) -> dict[str, dict[str, frozenset[str]]]:
        """The codes of required value sets: name -> system -> codes."""
        found: dict[str, dict[str, frozenset[str]]] = {}
        for row in _rows(self.folder / "value_sets.csv"):
            if self._is_of_release(row):
                found.setdefault(row["name"], {})[row["system"]] = frozenset(row["codes"].split())
        return found

    @cached_property
    def xhtml(self) -> dict[str, frozenset[str]]:
        """The elements of a narrative and their attributes; '*': those that all may have."""
        rows = _rows(self.folder / "xhtml.csv")
        return {row["element"]: frozenset(row["attributes"].split()) for row in rows}

    @cached_property
    def invariants(self) -> dict[str, tuple[Invariant, ...]]:
        """The rules by the type, or the element, that keeps them."""
        found: dict[str, tuple[Invariant, ...]] = {}
        for row in _rows(self.folder / "invariants.csv"):
            if self._is_of_release(row):
                found[row["type"]] = (*found.get(row["type"], ()), _invariant(row))
        return found

    def _is_of_release(self, row: Mapping[str, str]) -> bool:
        return not row["releases"] or self.release in row["releases"].split()

    @cached_property
    def _elements(self) -> dict[str, list[list[str]]]:
        """The rows of elements by the type or element above them; types stand under ''."""
        found: dict[str, list[list[str]]] = {}
        with (self.folder / "elements.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.reader(file):
                if self.release in row[1].split():
                    found.setdefault(row[0].rpartition(".")[0], []).append(row)
        return found

    @cached_property
    def _bases(self) -> dict[str, str]:
        """The base of every type."""
        return {row[0]: row[4] for row in self._elements.get("", ()) if row[0] != OPEN}

    @cached_property
    def _open(self) -> list[str]:
        """The names of the datatypes that an open choice may have."""
        return next(row[4].split() for row in self._elements[""] if row[0] == OPEN)

    def _made(self, name: str) -> Shape:
        types = self.types(name if "." not in name else self._backbone(name))
        own = (name, *types) if "." in name else types
        found: dict[str, list[Element]] = {}
        for above in reversed(own):
            for row in self._elements.get(above, ()):
                base = row[0].rpartition(".")[2].removesuffix("[x]")
                found[base] = list(self._read(row, base))
        elements = {e.name: e for listed in found.values() for e in listed}
        extended = {f"_{n}": e for n, e in elements.items() if e.type in self.primitives}
        choices = (base for base, listed in found.items() if listed[0].name != base)
        return Shape(
            name,
            own,
            elements | extended,
            {base: _names(listed, extended) for base, listed in found.items()},
            tuple(base for base, listed in found.items() if listed[0].low),
            tuple(choices),
            tuple(rule for above in own for rule in self.invariants.get(above, ())),
        )

    def _backbone(self, path: str) -> str:
        """Return the type of an element that has children of its own."""
        above = path.rpartition(".")[0]
        return next(row[4] for row in self._elements[above] if row[0] == path)

    def _read(self, row: Sequence[str], base: str) -> Iterator[Element]:
        path, _, low, high, kinds, targets, codes = row
        listed = self._open if kinds == OPEN else kinds.split()
        for kind in listed:
            code, _, profile = kind.partition("/")
            name = base + code[0].upper() + code[1:] if path.endswith("[x]") else base
            inside = path if path in self._elements else code.removeprefix("#")
            yield Element(
                name,
                base,
                code,
                profile or inside,
                int(low),
                None if high == "*" else int(high),
                high not in ("0", "1"),
                tuple(targets.split()),
                codes,
            )


@lru_cache(maxsize=8)
def definitions(folder: Path, release: str) -> Definitions:
    """Return the definitions of a release in a folder, read once."""
    found = Definitions(folder, release)
    if not found.resources:
        raise TableError(f"there are no definitions of the release {release!r}", "elements.csv")
    return found


def definitions_of(tables: Tables, release: str) -> Definitions:
    """Return the definitions of one of the tables' releases; raises TableError where none are."""
    name = tables.release(release).name
    folders = (folder / FOLDER for folder in reversed(tables.folders))
    own = (folder for folder in folders if (folder / "elements.csv").is_file())
    return definitions(next(own, MAPPINGS / FOLDER), name)


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        for row in reader:
            yield row | {"origin": f"{FOLDER}/{path.name}:{reader.line_num}"}


def _names(elements: Sequence[Element], extended: Mapping[str, Element]) -> tuple[str, ...]:
    """Return the names in JSON of one element, those of primitive extensions too."""
    names = [e.name for e in elements]
    return (*names, *(f"_{n}" for n in names if f"_{n}" in extended))


def _bound(shape: Shape, targets: tuple[str, ...], codes: str) -> Shape:
    """Return a CodeableReference's shape with the targets and codes of its element."""
    changed = {
        "reference": replace(shape.elements["reference"], targets=targets),
        "concept": replace(shape.elements["concept"], codes=codes),
    }
    return replace(shape, elements={**shape.elements, **changed})


def _primitive(row: Mapping[str, str]) -> Primitive:
    low, _, high = row["range"].partition(" ")
    patterns = {name: re.compile(row[name], re.ASCII) for name in ("pattern", "odd") if row[name]}
    return Primitive(
        row["type"],
        row["json"],
        patterns.get("pattern"),
        (int(low), int(high)) if low else None,
        row["check"],
        row["words"],
        patterns.get("odd"),
    )


def _invariant(row: Mapping[str, str]) -> Invariant:
    return Invariant(
        row["key"],
        row["type"],
        row["severity"],
        row["rule"],
        tuple(row["elements"].split()),
        tuple(row["values"].split()),
        row["sentence"],
        row["origin"],
    )
