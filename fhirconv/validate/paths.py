"""What FHIRPath must know: the children of the types of a release, and where a value stands."""

from collections.abc import Sequence
from typing import Any

from fhirconv.fhirpath import Item, Step, UndecidedError, World
from fhirconv.validate.definitions import Definitions
from fhirconv.validate.references import PLACEHOLDERS
from fhirconv.validate.scope import Node, Scope, nodes

Steps = tuple[Step, ...]


class PathModel:
    """The types of a release as FHIRPath walks them; each is read when it is first met."""

    def __init__(self, definitions: Definitions) -> None:
        self.definitions = definitions
        self._steps: dict[str, dict[str, Steps]] = {}
        self._every: dict[str, Steps] = {}
        self._kinds: dict[str, frozenset[str]] = {}

    def steps(self, kind: str, name: str) -> Sequence[Step]:
        """Return the names in JSON of a child of a type, with their types; none: no child."""
        known = self._steps.get(kind)
        if known is None:
            known = self._steps[kind] = self._read(kind)
        return known.get(name, ())

    def every_step(self, kind: str) -> Sequence[Step]:
        """Return the names in JSON of all children of a type, with their types."""
        if kind not in self._every:
            self.steps(kind, "")
            self._every[kind] = tuple(s for steps in self._steps[kind].values() for s in steps)
        return self._every[kind]

    def is_a(self, kind: str, name: str) -> bool:
        """Say whether a type is another, or one of its kind."""
        if kind not in self._kinds:
            known = self._is_known(kind)
            types = self.definitions.shape(kind).types if known else (kind,)
            self._kinds[kind] = frozenset(types)
        return name in self._kinds[kind]

    def is_member(self, value: Any, url: str) -> bool:
        """Say whether a code, or one of a concept, is in a value set.

        Raises UndecidedError for one whose codes are not known.
        """
        codes = self.definitions.value_sets.find(url.partition("|")[0])
        if codes is None:
            raise UndecidedError(f"the codes of {url!r} are not known")
        if isinstance(value, dict):
            listed = nodes(value, "coding") if "coding" in value else [value]
            return any(codes.has(c.get("system"), c.get("code")) for c in listed)
        return codes.word(value)

    def is_of_structure(self, kind: str, url: str) -> bool:
        """Say whether a type is that of a URL; raises UndecidedError for a profile."""
        name = url.partition("|")[0].rpartition("/")[2]
        if not self.definitions.has_type(name) or self.definitions.structure(name)["url"] != url:
            raise UndecidedError(f"{url!r} is the URL of no type")
        return self.is_a(kind, name)

    def _is_known(self, kind: str) -> bool:
        return self.definitions.has_type(kind.partition(".")[0])

    def _read(self, kind: str) -> dict[str, Steps]:
        if not self._is_known(kind):
            return {}
        shape = self.definitions.shape(kind)
        listed = {name: e for name, e in shape.elements.items() if not name.startswith("_")}
        found: dict[str, Steps] = {}
        for name, element in listed.items():
            step = (name, element.shape or element.type)
            found[element.base] = (*found.get(element.base, ()), step)
        return found


def world_of(value: Any, kind: str, model: PathModel, scope: Scope) -> World:
    """Return the world of a value that stands in a scope."""
    this = Item(value, kind)
    around = scope.resource
    root = scope.container or around
    return World(
        model,
        this,
        Item(around, str(around.get("resourceType"))),
        Item(root, str(root.get("resourceType"))),
        lambda reference: resolved(reference, scope),
        model.definitions.constants,
        this,
    )


def resolved(reference: str, scope: Scope) -> Node | None:
    """Return the resource that a reference leads to; raises UndecidedError for one elsewhere."""
    root = scope.container or scope.resource
    if reference == "#":
        return root
    if reference.startswith("#"):
        listed = nodes(root, "contained")
        return next((r for r in listed if r.get("id") == reference[1:]), None)
    found = scope.index.find(reference, scope.entry) if scope.index else []
    resource = found[0].get("resource") if found else None
    if isinstance(resource, dict):
        return resource
    if scope.index and reference.startswith(PLACEHOLDERS):
        return None
    raise UndecidedError(f"{reference!r} leads to a resource that is not here")
