"""What the function of a set of rows asks for while it makes a resource."""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, NamedTuple

from fhirconv.case import Item, Link
from fhirconv.errors import TableError
from fhirconv.outcome import Issue
from fhirconv.plan import ANY, Arrow
from fhirconv.tables import Coding, Row, Tables

WORDS = ("string", "markdown", "uri", "url", "xhtml", "xhtml-list")
EXACT = ("code", *WORDS, "Quantity", "SimpleQuantity", "Age", "Duration", "Range")
KEPT = 65536  # looked up words that a finder keeps, so that memory stays flat
URN = "urn"  # the prefix of the system of URIs as identifiers

Resource = dict[str, Any]
Codings = Sequence[Coding]
Refer = Callable[[Any, "Site", Item], Resource | None]


class Home(NamedTuple):
    """The resource that an item makes: its type and id, and how others refer to it."""

    resource: str
    name: str
    urn: str
    display: str | None


@dataclass(frozen=True, slots=True)
class Site:
    """Where the resources of a case are made: its items, their homes, what is worth a word."""

    items: Mapping[str, Item]
    homes: Mapping[str, Home]
    issues: list[Issue]

    def tell(self, severity: str, code: str, message: str, row: Row, item: Item) -> None:
        """Keep an issue of one row and one fact."""
        self.issues.append(Issue(severity, code, message, f"{row.origin}, fact {item.id}"))


def inside(value: Any, step: str, items: Mapping[str, Item]) -> Any:
    """Return what lies one step further in a value; of a list, in each of its items.

    The values of a list stay aligned: None where one of them has none. A Link leads into the
    item at its end, what the relation says of itself first.
    """
    if value.__class__ is not list:
        return _step(value, step, items)
    found: list[Any] = []
    for each in value:
        inner = each.get(step) if each.__class__ is dict else _step(each, step, items)
        if inner.__class__ is list:
            found += inner or (None,)
        else:
            found.append(None if inner == "" else inner)
    return found


def _step(value: Any, step: str, items: Mapping[str, Item]) -> Any:
    if value.__class__ is Link:
        own = value.own.get(step)
        if own is not None:
            return own
        item = items.get(value.to)
        return item.fields.get(step) if item is not None else None
    if value is None or value.__class__ is str:
        return None
    return value.get(step) if isinstance(value, Mapping) else None


def listed(value: Any) -> Iterable[Any]:
    """Return the values of a field: of a list its items, of one value this one."""
    if value.__class__ is list:
        return value
    return (None if value == "" else value,)


def has_value(value: Any) -> bool:
    """Say whether a field has any value."""
    return any(each is not None for each in listed(value))


def has_home(targets: Set[str], value: Any, homes: Mapping[str, Home]) -> bool:
    """Say whether a field leads to an item with a resource of one of these types."""
    for link in listed(value):
        home = homes.get(link.to) if link is not None else None
        if home is not None and (ANY in targets or home.resource in targets):
            return True
    return False


def term_of(value: Any) -> str:
    """Return what a vocabulary is asked for: a word, the text of a concept, a unit."""
    if isinstance(value, Mapping):
        return str(value.get("unit") or value.get("text") or "")
    return str(value)


class Finder(dict[str, tuple[Coding, ...]]):
    """The codings of words in the vocabularies of one row, each looked up once."""

    def __init__(self, row: Row, tables: Tables, release: str) -> None:
        super().__init__()
        self._row, self._tables, self._release = row, tables, release
        self._look = self._exactly if row.type in EXACT or row.fixed else self._broadly

    def __missing__(self, text: str) -> tuple[Coding, ...]:
        """Look words up; raises TableError where a row wants words that no table has."""
        if len(self) >= KEPT:
            self.clear()
        found = self[text] = self._look(text)
        return found

    def _exactly(self, text: str) -> tuple[Coding, ...]:
        row = self._row
        name, dot, term = row.codes.partition(".")
        vocabulary = self._tables.vocabulary(name, row.origin)
        found = vocabulary.lookup(term if dot else text, self._release)
        if not found and row.type in WORDS:
            message = f"no row of {name} is called {term or text!r} in {self._release}"
            raise TableError(message, row.origin)
        return found

    def _broadly(self, text: str) -> tuple[Coding, ...]:
        """Return the codings of the first vocabulary that knows the words or their head."""
        for name in self._row.codes.split():
            vocabulary = self._tables.vocabulary(name, self._row.origin)
            found = vocabulary.code(text, self._release)
            codings = tuple(coding for coding in found if coding.code)
            if codings:
                return codings
        return ()


def referrer(arrow: Arrow, tables: Tables) -> Refer:
    """Return the function that makes the Reference of a row from a Link; None where it may not."""
    targets, every = arrow.targets, ANY in arrow.targets
    system = tables.systems[URN].uri if arrow.row.type.startswith("Logical") else None

    def refer(value: Any, site: Site, item: Item) -> Resource | None:
        home = site.homes.get(value.to)
        if home is None:
            return None
        if not every and home.resource not in targets:
            what = f"a {arrow.row.element} cannot be a {home.resource}"
            message = f"{what}: {value.to!r} is left out"
            site.tell("information", "business-rule", message, arrow.row, item)
            return None
        made: Resource = {"reference": home.urn}
        if system:
            made["identifier"] = {"system": system, "value": home.urn}
        if home.display:
            made["display"] = home.display
        return made

    return refer
