"""The definitions of one release: its types, their elements, its codes, its rules."""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from fhirconv.errors import TableError
from fhirconv.tables import MAPPINGS, Tables
from fhirconv.validate.archive import Archive, Source
from fhirconv.validate.valuesets import ValueSets

FOLDER = "validate"
SUFFIX = ".definitions"
STRUCTURE = "StructureDefinition"
EVERY_RESOURCE = "Resource"  # a reference to it may lead to any type


@dataclass(frozen=True, slots=True)
class Constraint:
    """One rule of HL7 on a type or an element, in FHIRPath."""

    key: str
    severity: str
    expression: str
    sentence: str


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
    path: str = ""  # Observation.value[x]
    binding: str = ""  # the URL of its value set, without version
    strength: str = ""  # required | extensible | preferred | example
    fixed: Any = None
    pattern: Any = None
    constraints: tuple[Constraint, ...] = ()
    longest: int | None = None  # characters

    @property
    def step(self) -> str:
        """The step of a FHIRPath that leads here."""
        return self.base if self.name == self.base else f"{self.base}.ofType({self.type})"

    @property
    def owner(self) -> str:
        """The type that declares it: Extension for an extension within an extension."""
        return self.path.partition(".")[0]

    @property
    def codes(self) -> str:
        """The value set of a required binding, '' where there is none."""
        return self.binding if self.strength == "required" else ""


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
    constraints: tuple[Constraint, ...]

    @property
    def is_resource(self) -> bool:
        """Say whether this is a resource type."""
        return EVERY_RESOURCE in self.types

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
    """The definitions of one release, read as they are asked for; of users' packages first."""

    def __init__(self, folder: Path, release: str, packages: Sequence[Source] = ()) -> None:
        self.folder = folder
        self.release = release
        archive = Archive(folder / f"{release}{SUFFIX}")
        self.sources: tuple[Source, ...] = (*packages, archive)
        self._types = archive.facts(STRUCTURE)
        self._shapes: dict[tuple[str, str], Shape] = {}
        self.value_sets = ValueSets(self.find)

    def with_packages(self, packages: Sequence[Source]) -> "Definitions":
        """Return the definitions with those of packages before them."""
        return Definitions(self.folder, self.release, packages)

    def find(self, kind: str, url: str) -> dict[str, Any] | None:
        """Return the definition with a URL, without its prose; None where there is none."""
        plain = url.partition("|")[0]
        read = (source.find(kind, plain) for source in self.sources)
        return next((found for found in read if found is not None), None)

    def shape(self, name: str) -> Shape:
        """Return the shape of a type or of an element with children of its own."""
        return self._shape(name, None)

    def shape_of(self, element: Element) -> Shape:
        """Return the shape of an element's value.

        What a CodeableReference binds and leads to, its children keep.
        """
        return self._shape(element.shape, element if element.type in SPLIT else None)

    def _shape(self, name: str, element: Element | None) -> Shape:
        key = (name, element.path if element else "")
        if key not in self._shapes:
            made = self._made(name)
            self._shapes[key] = _bound(made, element) if element else made
        return self._shapes[key]

    def is_resource(self, name: object) -> bool:
        """Say whether a resource type has this name, and may stand alone."""
        return isinstance(name, str) and name in self.resources

    def is_type(self, name: str) -> bool:
        """Say whether a type of the release has this name: a resource, a datatype, a primitive."""
        return name in self._facts

    @cached_property
    def resources(self) -> frozenset[str]:
        """The names of the resource types that may stand alone."""
        concrete = (name for name, fact in self._facts.items() if not fact["abstract"])
        return frozenset(name for name in concrete if EVERY_RESOURCE in self.types(name)[1:])

    def types(self, name: str) -> tuple[str, ...]:
        """Return a type and its bases, nearest first."""
        found = [name]
        while base := _tail(self._facts.get(found[-1], {}).get("baseDefinition") or ""):
            found.append(base)
        return tuple(found)

    @cached_property
    def primitives(self) -> dict[str, Primitive]:
        """The primitive types by name."""
        rows = _rows(self.folder / "primitives.csv")
        return {row["type"]: _primitive(row) for row in rows if self._is_of_release(row)}

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

    @cached_property
    def constants(self) -> dict[str, str]:
        """The constants that FHIRPath has a name for: %ucum."""
        return {row["name"]: row["value"] for row in _rows(self.folder / "constants.csv")}

    def has_type(self, name: str) -> bool:
        """Say whether a type has this name, an abstract one too."""
        return name in self._facts

    def _is_of_release(self, row: Mapping[str, str]) -> bool:
        return not row["releases"] or self.release in row["releases"].split()

    @cached_property
    def _facts(self) -> dict[str, dict[str, Any]]:
        """What the index says of each type, by its name; a profile is no type."""
        named = {url: fact for url, fact in self._types.items() if _is_type(url, fact)}
        return {fact["name"]: {**fact, "url": url} for url, fact in named.items()}

    def structure(self, name: str) -> dict[str, Any]:
        """Return the StructureDefinition of a type; raises KeyError for what is none."""
        found = self.find(STRUCTURE, self._facts[name]["url"])
        if found is None:
            raise KeyError(name)
        return found

    def _made(self, name: str) -> Shape:
        kind, dot, rest = name.partition(".")
        listed = self.structure(kind)["snapshot"]["element"]
        path = listed[0]["path"] + dot + rest  # that of a quantity such as Age may be Quantity
        own = next(e for e in listed if e["path"] == path)
        below = {e["path"] for e in listed}
        found = {
            _base(e): list(self._read(e, below))
            for e in listed
            if e["path"].rpartition(".")[0] == path
        }
        elements = {e.name: e for each in found.values() for e in each}
        extended = {f"_{n}": e for n, e in elements.items() if e.type in self.primitives}
        bases = self.types(kind if not dot else own["type"][0]["code"])
        types = (name, *bases) if dot else bases
        return Shape(
            name,
            types,
            elements | extended,
            {base: _names(each, extended) for base, each in found.items()},
            tuple(base for base, each in found.items() if each[0].low),
            tuple(base for base, each in found.items() if each[0].name != base),
            tuple(rule for above in types for rule in self.invariants.get(above, ())),
            _constraints(own),
        )

    def _read(self, element: Mapping[str, Any], below: set[str]) -> Iterator[Element]:
        """Yield an element of a snapshot, once for each type of a choice."""
        path, base = element["path"], _base(element)
        many = element.get("base", element)["max"] not in ("0", "1")
        high = element["max"]
        binding = element.get("binding", {})
        common = Element(
            *(base, base, "", "", element["min"]),
            None if high == "*" else int(high),
            many,
            (),
            path,
            binding.get("valueSet", "").partition("|")[0],
            binding.get("strength", "") if "valueSet" in binding else "",
            value_of(element, "fixed"),
            value_of(element, "pattern"),
            _constraints(element),
            element.get("maxLength"),
        )
        if "contentReference" in element:
            yield replace(common, shape=element["contentReference"].rpartition("#")[2])
            return
        for listed in element["type"]:
            code = listed["code"]
            name = base + code[0].upper() + code[1:] if path.endswith("[x]") else base
            inner = path if path in below and _has_children(path, below) else self._kind(listed)
            targets = _targets(listed)
            yield replace(common, name=name, type=code, shape=inner, targets=targets)

    def _kind(self, listed: Mapping[str, Any]) -> str:
        """Return the type that an element lists, that of its profile where this is a type."""
        profile = _tail((listed.get("profile") or [""])[0])
        return profile if profile in self._facts else str(listed["code"])


SPLIT = ("CodeableReference",)  # what of an element's definition is that of its children


@lru_cache(maxsize=8)
def definitions(folder: Path, release: str) -> Definitions:
    """Return the definitions of a release in a folder, read once."""
    try:
        return Definitions(folder, release)
    except FileNotFoundError:
        message = f"there are no definitions of the release {release!r}"
        raise TableError(message, f"{FOLDER}/{release}{SUFFIX}") from None


def definitions_of(tables: Tables, release: str) -> Definitions:
    """Return the definitions of one of the tables' releases; raises TableError where none are."""
    name = tables.release(release).name
    folders = (folder / FOLDER for folder in reversed(tables.folders))
    own = (folder for folder in folders if (folder / f"{name}{SUFFIX}").is_file())
    return definitions(next(own, MAPPINGS / FOLDER), name)


def value_of(element: Mapping[str, Any], way: str) -> Any:
    """Return the value of fixed[x], pattern[x] ... of an element; None where it has none."""
    return next((element[name] for name in element if name.startswith(way)), None)


def _is_type(url: str, fact: Mapping[str, Any]) -> bool:
    """Say whether a structure is a type: no profile, save for those of Quantity that are one."""
    if fact["derivation"] != "constraint":
        return True
    named = fact["kind"] == "complex-type" and _tail(url) == fact["name"]
    return bool(named and fact["type"] == "Quantity")


def _tail(url: str) -> str:
    return url.partition("|")[0].rpartition("/")[2]


def _base(element: Mapping[str, Any]) -> str:
    return str(element["path"]).rpartition(".")[2].removesuffix("[x]")


def _has_children(path: str, below: set[str]) -> bool:
    return any(other.startswith(f"{path}.") for other in below)


def _targets(listed: Mapping[str, Any]) -> tuple[str, ...]:
    names = {_tail(url) for url in listed.get("targetProfile", ())}
    return () if EVERY_RESOURCE in names else tuple(sorted(names))


def _constraints(element: Mapping[str, Any]) -> tuple[Constraint, ...]:
    return tuple(
        Constraint(c["key"], c["severity"], c["expression"], c["human"])
        for c in element.get("constraint", ())
        if "expression" in c
    )


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        for row in reader:
            yield row | {"origin": f"{FOLDER}/{path.name}:{reader.line_num}"}


def _names(elements: Sequence[Element], extended: Mapping[str, Element]) -> tuple[str, ...]:
    """Return the names in JSON of one element, those of primitive extensions too."""
    names = [e.name for e in elements]
    return (*names, *(f"_{n}" for n in names if f"_{n}" in extended))


def _bound(shape: Shape, element: Element) -> Shape:
    """Return a CodeableReference's shape with the targets and codes of its element."""
    paths = {name: f"{element.path}.{name}" for name in ("concept", "reference")}
    concept, reference = (replace(shape.elements[name], path=path) for name, path in paths.items())
    changed = {
        "reference": replace(reference, targets=element.targets),
        "concept": replace(concept, binding=element.binding, strength=element.strength),
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
