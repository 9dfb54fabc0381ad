"""The rows of the tables made ready: one plan a release, compiled once."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from fhirconv.datatypes import CHOICES, DATATYPES, NARRATIVE, Datatype
from fhirconv.errors import TableError
from fhirconv.tables import Row, Tables, of_release

ANY = "*"  # a Reference to whatever the field leads to
REFERENCES = ("Reference", "LogicalReference")  # the latter names its identifier too
CODED = ("code", "Coding", "CodeableConcept")
EVERY = "*"  # a row of DomainResource.csv serves every resource
STEP = re.compile(r"([A-Za-z_]\w*)(?:\[([\w-]*)\])?\Z")


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an element: its name, and the name of the list item where it has one."""

    name: str
    slot: str | None  # None: no list; '': the nth item; a word: the item(s) of that name

    @property
    def canonical(self) -> str:
        """The name that rivals share: of a choice its stem, of '_date' the 'date'."""
        name = self.name.removeprefix("_")
        if self.slot is None:
            for suffix in CHOICES:
                if name.endswith(suffix) and len(name) > len(suffix):
                    return name.removesuffix(suffix)
        return name


Path = tuple[str | int, ...]  # 'name', 'category', '', 0, 'coding', '', 0: names, slots, numbers


@dataclass(frozen=True, slots=True)
class Arrow:
    """A row made ready: from which field, by which function, to which steps."""

    row: Row
    steps: tuple[Step, ...]
    spread: int  # the step whose list takes the nth value; -1: none
    field: tuple[str, ...]
    make: Datatype | None  # None: a Reference
    targets: frozenset[str]  # the resource types that a Reference may lead to
    contested: tuple[bool, ...] = ()  # the steps that another arrow of the plan may take

    @property
    def appends(self) -> bool:
        """Say whether each value adds a part to one narrative."""
        return self.row.type in NARRATIVE

    @property
    def lists_codings(self) -> bool:
        """Say whether each coding of a value is an item of its own."""
        return self.row.type == "Coding" and self.steps[-1].slot == ""

    def path(self, number: int) -> Path:
        """Return where the nth value goes: the names, slots and numbers of its steps."""
        path: Path = ()
        for position, step in enumerate(self.steps):
            nth = number if position == self.spread and not self.appends else 0
            path = (*path, step.name, *(() if step.slot is None else (step.slot, nth)))
        return path


def container_of(arrow: Arrow) -> tuple[Step, ...]:
    """Return what is not made without the field: the innermost named item that holds it.

    Without a named item the innermost list item, without a list the object; the parts of an
    extension count as one with it.
    """
    inner = [n for n in range(1, len(arrow.steps)) if arrow.steps[n - 1].slot is not None]
    inner = [n for n in inner if n < 2 or not _is_part(arrow.steps[n - 2], arrow.steps[n - 1])]
    named = [n for n in inner if arrow.steps[n - 1].slot]
    return arrow.steps[: (named or inner or [max(1, len(arrow.steps) - 1)])[-1]]


def _is_part(outer: Step, step: Step) -> bool:
    return outer.name == step.name == "extension"


def is_inside(arrow: Arrow, container: tuple[Step, ...]) -> bool:
    """Say whether an arrow leads into this container."""
    return arrow.steps[: len(container)] == container


Plan = dict[str, list[tuple[str, tuple[Arrow, ...]]]]  # rows -> (resource type, arrows)


@lru_cache(maxsize=32)
def plan_of(tables: Tables, release: str) -> Plan:
    """Return the arrows of every set of rows in one release, compiled once."""
    tables.release(release)
    common = tables.resources.get("DomainResource", ())
    plan: Plan = {}
    for resource, rows in tables.resources.items():
        if resource == "DomainResource":
            continue
        for name in dict.fromkeys(row.fact for row in rows if of_release(row, release)):
            mine = [r for r in (*rows, *common) if r.fact in (name, EVERY)]
            arrows = [
                a for r in mine if of_release(r, release) for a in arrows_of(r, tables, release)
            ]
            plan.setdefault(name, []).append((resource, tuple(judged(arrows))))
    return plan


def judged(arrows: list[Arrow]) -> Iterator[Arrow]:
    """Yield the arrows, each knowing at which steps it has rivals for the same element."""
    names: dict[tuple[object, ...], set[str]] = {}
    for arrow in arrows:
        for position, step in enumerate(arrow.steps):
            place = (*arrow.steps[:position], step.canonical)
            names.setdefault(place, set()).add(step.name)
    for arrow in arrows:
        contested = tuple(
            len(names[(*arrow.steps[:position], step.canonical)]) > 1
            for position, step in enumerate(arrow.steps)
        )
        yield replace(arrow, contested=contested)


def arrows_of(row: Row, tables: Tables, release: str) -> Iterator[Arrow]:
    """Yield the arrow of a row; of a composite type, one for each row of that type."""
    if row.type not in tables.types:
        yield _arrow(row, row.element, _path(row.field))
        return
    for part in tables.types[row.type]:
        if of_release(part, release):
            whole = _path(row.field) + _path(part.field) if part.field else ()
            yield _arrow(part, f"{row.element}.{part.element}", whole)


def _path(text: str) -> tuple[str, ...]:
    return tuple(text.split(".")) if text else ()


def _arrow(row: Row, element: str, path: tuple[str, ...]) -> Arrow:
    steps = tuple(_steps(element, row.origin))
    slots = [(position, step.slot) for position, step in enumerate(steps) if step.slot is not None]
    unnamed = [position for position, slot in slots if slot == ""]
    spread = unnamed[0] if unnamed else slots[0][0] if slots else -1
    kind, _, rest = row.type.partition("(")
    targets = frozenset(rest.rstrip(")").split("|")) if rest else frozenset()
    if kind not in REFERENCES and kind not in DATATYPES:
        known = ", ".join(sorted(DATATYPES))
        raise TableError(f"no datatype called {row.type!r} (known: {known})", row.origin)
    return Arrow(row, steps, spread, path, DATATYPES.get(kind), targets)


def _steps(element: str, origin: str) -> Iterator[Step]:
    for part in element.split("."):
        match = STEP.match(part)
        if match is None:
            raise TableError(f"{element!r} is no element: {part!r} cannot be read", origin)
        yield Step(match[1], match[2])


def is_of_class(kind: str) -> bool:
    """Say whether a datatype is a code or holds codes."""
    return kind in CODED


def element_of(path: Path) -> str:
    """Return 'suspectEntity[0].causality[0].assessment' of a path."""
    text = ""
    for position, part in enumerate(path):
        if isinstance(part, int):
            slot = path[position - 1]
            number = f"#{part}" if part else ""
            text += f"[{slot}{number}]" if slot else f"[{part}]"
        elif not _is_slot(path, position):
            text += f".{part}" if text else str(part)
    return text


def _is_slot(path: Path, position: int) -> bool:
    return position + 1 < len(path) and isinstance(path[position + 1], int)
