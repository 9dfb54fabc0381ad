"""Where a check stands: what it may look at, and how it says what is wrong and where."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Optional

from fhirconv.outcome import Issue
from fhirconv.tables import Tables

if TYPE_CHECKING:
    from fhirconv.validate.definitions import Definitions
    from fhirconv.validate.references import Index

Node = dict[str, Any]  # a FHIR object: a resource, an element, a datatype
Step = str | int  # the name of a child, or the place in an array


class Problem:
    """What is wrong with a value, and the steps that lead to it, the last one first.

    Who checks a value knows the steps below it; each object above adds its own.
    """

    __slots__ = ("code", "message", "rule", "severity", "steps", "vague")

    def __init__(self, severity: str, code: str, message: str, steps: Iterable[Step] = ()) -> None:
        self.vague = False  # it tells no child, so that what is wrong with one says it better
        self.rule = ""  # the name of the rule that is broken
        self.severity = severity
        self.code = code
        self.message = message
        self.steps: list[Step] = list(steps)[::-1]

    @property
    def is_error(self) -> bool:
        """Say whether it makes a resource invalid."""
        return self.severity in ("error", "fatal")

    def issue(self, root: str) -> Issue:
        """Return it as an Issue with its FHIRPath below a root."""
        steps = (f"[{s}]" if isinstance(s, int) else f".{s}" for s in reversed(self.steps))
        where = root + "".join(steps)
        return Issue(self.severity, self.code, self.message, where, rule=self.rule)


# A check takes a value and says what is wrong with it; None or empty where nothing is.
Check = Callable[[Any, "Scope"], Iterable[Problem] | None]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A check of an object that only some names in JSON give something to say."""

    is_due: Callable[[Collection[str]], bool]  # told by the names alone
    check: Check

    def __call__(self, value: Any, scope: "Scope") -> Iterable[Problem] | None:
        """Check an object, if its names give a reason to."""
        return self.check(value, scope) if self.is_due(value) else None


def due(checks: Iterable[Check], names: Collection[str]) -> tuple[Check, ...]:
    """Return what of some checks is asked of every object with these names."""
    waiting = ((c, c if isinstance(c, Waiting) else None) for c in checks)
    return tuple(w.check if w else c for c, w in waiting if w is None or w.is_due(names))


def error(code: str, message: str, *steps: Step) -> Problem:
    """Return an error at the end of some steps below the value that is checked."""
    return Problem("error", code, message, steps)


def warning(code: str, message: str, *steps: Step) -> Problem:
    """Return a warning at the end of some steps below the value that is checked."""
    return Problem("warning", code, message, steps)


class Place:
    """The place of a value below the one that a rule is held against."""

    __slots__ = ("steps",)

    def __init__(self, steps: tuple[Step, ...] = ()) -> None:
        self.steps = steps

    def child(self, name: str, index: int | None = None) -> "Place":
        """Return the place of a child."""
        return Place((*self.steps, name) if index is None else (*self.steps, name, index))


HERE = Place()


@dataclass(slots=True)
class Scope:
    """What a check may look at: one for each resource that is walked."""

    definitions: "Definitions"
    tables: Tables
    resource: Node
    container: Node | None = None  # the resource that contains it
    index: Optional["Index"] = None  # of the Bundle around it
    entry: Node | None = None  # of the Bundle around it
    memo: dict[Any, Any] = field(default_factory=dict)  # for the time of one validate()
    profiles: Callable[[Node], Iterable[Check]] | None = None  # what else it is held against

    def of_resource(self, resource: Node, contained: bool) -> "Scope":
        """Return the scope of a resource that stands in this one."""
        entry = self.index.entry_around(resource) if self.index else None
        return Scope(
            self.definitions,
            self.tables,
            resource,
            self.resource if contained else None,
            self.index,
            entry or self.entry,
            self.memo,
            self.profiles,
        )


def nodes(value: Node, name: str) -> list[Node]:
    """Return the objects of an array below an object; what is of another shape is not there."""
    listed = value.get(name)
    return [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []


SHOWN = 80  # characters of an offending value in a message


def quoted(value: object) -> str:
    """Return an offending value as a message shows it: quoted, and cut where it is long."""
    if isinstance(value, str):
        return repr(value if len(value) <= SHOWN else value[: SHOWN - 1] + "…")
    if isinstance(value, bool):
        return str(value).lower()
    kinds = {dict: "an object", list: "an array", type(None): "null"}
    return kinds.get(type(value)) or str(value)[:SHOWN]
