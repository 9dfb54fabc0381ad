"""What an expression works on: values with their types, and the world around them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from fhirconv.fhirpath.parser import FhirpathError

SYSTEM = ""  # the kind of a value that an expression made


class UndecidedError(FhirpathError):
    """What an expression asks cannot be told from what is here."""


class Item:
    """One value: of FHIR with the name of its type, or one that an expression made."""

    __slots__ = ("beside", "kind", "value")

    def __init__(self, value: Any, kind: str = SYSTEM, beside: Any = None) -> None:
        self.value = value  # None: only what stands beside it is there
        self.kind = kind
        self.beside = beside  # of a primitive: its id and extensions


Items = list[Item]
Step = tuple[str, str]  # the name in JSON, and the type of what stands there


class Model(Protocol):
    """What an expression must know of a release."""

    def steps(self, kind: str, name: str) -> Sequence[Step]:
        """Return the names in JSON of a child of a type, with their types; none: no child."""

    def every_step(self, kind: str) -> Sequence[Step]:
        """Return the names in JSON of all children of a type, with their types."""

    def is_a(self, kind: str, name: str) -> bool:
        """Say whether a type is another, or one of its kind."""

    def is_member(self, value: Any, url: str) -> bool:
        """Say whether a code, or one of a concept, is in a value set.

        Raises UndecidedError for one whose codes are not known.
        """

    def is_of_structure(self, kind: str, url: str) -> bool:
        """Say whether a type is that of a URL; raises UndecidedError for a profile."""


@dataclass(slots=True)
class World:
    """What an expression may look at beside its input."""

    model: Model
    context: Item  # %context, and $this where nothing is walked
    resource: Item
    root: Item  # %rootResource
    resolve: Callable[[str], dict[str, Any] | None]  # raises UndecidedError where it cannot tell
    constants: Mapping[str, str]
    this: Item
    index: int = 0
    total: Any = None


def children(item: Item, steps: Sequence[Step]) -> Iterator[Item]:
    """Yield the children of an item by some of its names."""
    value = item.value
    if type(value) is not dict:
        beside = item.beside  # the id and the extensions of a primitive
        if type(beside) is dict:
            yield from children(Item(beside, "Element"), steps)
        return
    for name, kind in steps:
        child, beside = value.get(name), value.get(f"_{name}")
        if child is None and beside is None:
            continue
        if type(child) is list or type(beside) is list:
            yield from _listed(child, beside, kind)
        else:
            yield made(child, kind, beside)


def _listed(values: Any, besides: Any, kind: str) -> Iterator[Item]:
    left = values if type(values) is list else []
    right = besides if type(besides) is list else []
    for number in range(max(len(left), len(right))):
        value = left[number] if number < len(left) else None
        beside = right[number] if number < len(right) else None
        if value is not None or beside is not None:
            yield made(value, kind, beside)


def made(value: Any, kind: str, beside: Any = None) -> Item:
    """Return an item; a resource is of the type that it says."""
    if kind == "Resource" and type(value) is dict:
        kind = str(value.get("resourceType", kind))
    return Item(value, kind, beside)


def is_number(value: Any) -> bool:
    """Say whether a value is a number, which a boolean is not."""
    return isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)


def same(one: Item, two: Item) -> bool:
    """Say whether two items are equal; the ids of elements do not count."""
    left, right = one.value, two.value
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if is_number(left) and is_number(right):
        return Decimal(str(left)) == Decimal(str(right))
    return bool(left == right)


def key_of(item: Item) -> object:
    """Return what equal items share, so that many can be told apart at once."""
    value = item.value
    if isinstance(value, bool):
        return ("boolean", value)
    if is_number(value):
        return Decimal(str(value))
    return value if isinstance(value, str) else _frozen(value)


def _frozen(value: Any) -> object:
    if isinstance(value, dict):
        return frozenset((name, _frozen(child)) for name, child in value.items())
    if isinstance(value, list):
        return tuple(_frozen(child) for child in value)
    return (type(value).__name__, value)


def distinct(items: Items) -> Items:
    """Return the items without those that equal one before them."""
    found: dict[object, Item] = {}
    for item in items:
        found.setdefault(key_of(item), item)
    return list(found.values())


def truth(items: Items) -> bool | None:
    """Return what a collection says as a boolean; None where it is empty."""
    if not items:
        return None
    if len(items) > 1:
        raise UndecidedError("several values stand where one boolean belongs")
    value = items[0].value
    return value if isinstance(value, bool) else True


def one(items: Items) -> Any:
    """Return the value of a collection of one; None where it is empty."""
    if len(items) > 1:
        raise UndecidedError(f"{len(items)} values stand where one belongs")
    return items[0].value if items else None


def text(items: Items) -> str | None:
    """Return the text of a collection of one; None where it is empty, or no text."""
    value = one(items)
    return value if isinstance(value, str) else None


def boolean(value: bool | None) -> Items:
    """Return a truth as a collection."""
    return [] if value is None else [Item(value)]
