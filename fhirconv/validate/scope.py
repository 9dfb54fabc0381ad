"""Where a check stands: the place of a value, and what may be looked at from there."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from fhirconv.outcome import Issue
from fhirconv.tables import Tables

if TYPE_CHECKING:
    from fhirconv.validate.definitions import Definitions
    from fhirconv.validate.references import Index

Node = dict[str, Any]  # a FHIR object: a resource, an element, a datatype


class Place:
    """The place of a value: str() of it is FHIRPath, made only where an issue needs it."""

    __slots__ = ("above", "index", "name")

    def __init__(self, name: str, above: "Place | None" = None, index: int | None = None) -> None:
        self.name = name
        self.above = above
        self.index = index

    def child(self, name: str, index: int | None = None) -> "Place":
        """Return the place of a child."""
        return Place(name, self, index)

    def __str__(self) -> str:
        steps: list[str] = []
        place: Place | None = self
        while place is not None:
            steps.append(place.name if place.index is None else f"{place.name}[{place.index}]")
            place = place.above
        return ".".join(reversed(steps))


@dataclass(slots=True)
class Scope:
    """What a check may look at, and where it reports: one for each resource that is walked."""

    definitions: "Definitions"
    tables: Tables
    issues: list[Issue]
    resource: Node
    place: Place  # of the resource
    container: Node | None = None  # the resource that contains it
    index: "Index | None" = None  # of the Bundle around it
    entry: Node | None = None  # of the Bundle around it

    def of_resource(self, resource: Node, place: Place, contained: bool) -> "Scope":
        """Return the scope of a resource that stands in this one."""
        around = self.index.entry_around(place) if self.index else None
        container = self.resource if contained else None
        entry = around or self.entry
        return replace(self, resource=resource, place=place, container=container, entry=entry)

    def report(self, severity: str, code: str, message: str, at: Place) -> None:
        """Note one issue."""
        self.issues.append(Issue(severity, code, message, str(at)))

    def error(self, code: str, message: str, at: Place) -> None:
        """Note one error."""
        self.report("error", code, message, at)

    def warn(self, code: str, message: str, at: Place) -> None:
        """Note one warning."""
        self.report("warning", code, message, at)

    def failed_since(self, count: int) -> bool:
        """Say whether an error was noted after the first `count` issues."""
        return any(issue.is_error for issue in self.issues[count:])


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
