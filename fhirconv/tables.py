"""The mapping tables: read once, checked once, then only looked up."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path

from fhirconv import cache
from fhirconv.errors import TableError
from fhirconv.outcome import Issue
from fhirconv.sheets import Line, Sheets
from fhirconv.vocabulary import (
    Above,
    Coding,
    Plain,
    Term,
    Terms,
    Vocabulary,
    compiled,
    of_release,
)

__all__ = ["Coding", "Line", "Tables", "Term", "Vocabulary", "built_in", "of_release", "tables_of"]

HERE = Path(__file__).parent
MAPPINGS = next(p for p in (HERE / "mappings", HERE.parent / "mappings") if p.is_dir())

ROW_COLUMNS = ("fact", "element", "type", "field", "fixed", "codes", "releases", "need", "note")
CODE_COLUMNS = ("term", "code", "display", "match", "releases", "same_as", "source", "note")
ROUTE_COLUMNS = (
    *("kind", "polarity", "certainty", "temporality", "scope", "verification"),
    *("rows", "section", "reason", "note"),
)
SYSTEM_COLUMNS = ("prefix", "uri", "check", "note")
RELEASE_COLUMNS = ("release", "version", "models", "default", "also", "note")
EXTENSION_COLUMNS = ("name", "url", "releases", "note")
IMPORT_KEYS = {  # by which an overlay's row of import/ replaces one; elsewhere the first column
    "brat-attributes": ("attribute", "value", "kind", "field"),
    "brat-parts": ("type", "kind", "field"),
    "brat-relations": ("relation", "from", "to"),
    "brat-types": ("type", "with"),
    "defaults": ("kind", "field"),
    "line-list": ("column", "layout", "fact", "field"),
    "phenopacket": ("message", "at", "fact", "kind", "field", "element"),
    "words": ("list", "word"),
}
TX_KEYS = {
    "answers": ("element", "code"),
    "questions": ("question", "releases", "parameter"),
}
VIEW_KEYS = {"signs": ("field", "value")}
PACK_KEYS = {"namespaces": ("namespace", "tag"), "words": ("format", "word")}
SEARCH_COLUMNS = ("resource", "parameter", "note")
MARK_COLUMNS = ("resource", "element", "releases", "note")
LOOKUP_COLUMNS = ("resource", "releases", "parameter", "element", "note")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a resource or type table: where one field of a fact goes."""

    fact: str
    element: str
    type: str
    field: str
    fixed: str
    codes: str
    releases: tuple[str, ...]  # empty: every release
    need: str  # 'resource' or 'item': what is not made where the field is empty
    note: str
    origin: str  # resources/Condition.csv:7


@dataclass(frozen=True, slots=True)
class Release:
    """One FHIR release: its version, and the models that stand for it in Python."""

    name: str
    version: str
    models: str
    default: bool
    also: tuple[str, ...] = ()  # versions whose servers take what is made of this one


@dataclass(frozen=True, slots=True)
class System:
    """One code system: the prefix of its CURIEs, its URI, the check of its codes."""

    prefix: str
    uri: str
    check: str


@dataclass(frozen=True, slots=True)
class Route:
    """Which rows a fact takes, by its kind and assertion; an empty cell matches all."""

    kind: str
    polarity: str
    certainty: str
    temporality: str
    scope: str
    verification: str
    rows: str  # the name in the column 'fact' of the resource tables, or 'skip'
    section: str
    reason: str
    origin: str


@dataclass(frozen=True, slots=True)
class Mark:
    """An element that only some releases have: by it a resource shows its release."""

    resource: str
    element: str  # dosage.dose, or class[] where it is a list; empty: the whole type
    releases: tuple[str, ...]
    origin: str


@dataclass(frozen=True, slots=True)
class Lookup:
    """How a resource is found that no server can be asked for by its identifier."""

    resource: str
    releases: tuple[str, ...]  # empty: every release
    parameter: str
    element: str  # whose value is searched for: meta.source, target[]
    origin: str


@dataclass(eq=False)
class Tables:
    """Every mapping table of a stack of folders: the first is whole, the others overlay it.

    Raises TableError at the first defect that makes a table unreadable; with `problems` a
    list, defects are collected there as Issues instead and the row is left out.
    """

    folders: tuple[Path, ...] = (MAPPINGS,)
    problems: list[Issue] | None = field(default=None, repr=False)

    @cached_property
    def _sheets(self) -> Sheets:
        return Sheets(self.folders, self.problems)

    @classmethod
    def of(cls, folders: Iterable[Path | str], problems: list[Issue] | None = None) -> "Tables":
        """Return the tables of the user's folders over the built-in ones.

        A folder with a releases.csv is the whole set from there on; any other overlays what
        stands before it; one without any table is an error.
        """
        stack: tuple[Path, ...] = (MAPPINGS,)
        for folder in map(Path, folders):
            if not folder.is_dir():
                raise TableError(f"there is no folder of mapping tables {str(folder)!r}", "")
            if not any(folder.rglob("*.csv")):
                raise TableError("the folder of mapping tables holds no table", str(folder))
            whole = (folder / "releases.csv").is_file()
            stack = (folder,) if whole else (*stack, folder)
        return cls(stack, problems)

    @cached_property
    def releases(self) -> dict[str, Release]:
        """The FHIR releases by name."""
        lines = self._lines("releases.csv", RELEASE_COLUMNS, ("release",))
        return {
            r["release"]: Release(
                *(r["release"], r["version"], r["models"]),
                *(bool(r["default"]), tuple(r["also"].split())),
            )
            for r in lines
        }

    @property
    def default_release(self) -> str:
        """The release that is made where none is asked for."""
        return next((r.name for r in self.releases.values() if r.default), "")

    @cached_property
    def systems(self) -> dict[str, System]:
        """The code systems by the prefix of their CURIEs."""
        lines = self._lines("systems.csv", SYSTEM_COLUMNS, ("prefix",))
        return {r["prefix"]: System(r["prefix"], r["uri"], r["check"]) for r in lines}

    @cached_property
    def extensions(self) -> dict[tuple[str, str], str]:
        """The URLs of extensions by (name, release)."""
        lines = self._lines("extensions.csv", EXTENSION_COLUMNS, ("name", "releases"))
        return {
            (r["name"], release): r["url"]
            for r in lines
            for release in (r["releases"].split() or self.releases)
        }

    @cached_property
    def relations(self) -> dict[str, tuple[frozenset[str], frozenset[str]]]:
        """The kinds of fact that each relation may lead from and to; '*' is any."""
        lines = self._lines("relations.csv", ("relation", "from", "to", "note"), ("relation",))
        return {
            r["relation"]: (frozenset(r["from"].split()), frozenset(r["to"].split())) for r in lines
        }

    @cached_property
    def order(self) -> dict[str, int]:
        """The place of every resource type in a Bundle."""
        lines = self._lines("order.csv", ("resource", "note"), ("resource",))
        return {r["resource"]: number for number, r in enumerate(lines)}

    @cached_property
    def searches(self) -> tuple[Line, ...]:
        """The resource types that refer to a patient, each with the parameter that finds them."""
        file = "searches.csv"
        known = any((folder / file).is_file() for folder in self.folders)
        return tuple(self._lines(file, SEARCH_COLUMNS, ("resource",)) if known else ())

    @cached_property
    def routes(self) -> tuple[Route, ...]:
        """The routes in order: the first that matches a fact is taken."""
        key = ("kind", "polarity", "certainty", "temporality", "scope", "verification")
        return tuple(
            Route(**{name: r[name] for name in (*key, "rows", "section", "reason", "origin")})
            for r in self._sheets.lines("route.csv", ROUTE_COLUMNS, key, ahead=True)
        )

    @cached_property
    def marks(self) -> tuple[Mark, ...]:
        """The elements that tell releases apart; none where no folder has the table."""
        return tuple(
            Mark(r["resource"], r["element"], tuple(r["releases"].split()), r["origin"])
            for r in self._optional("release-marks.csv", MARK_COLUMNS, ("resource", "element"))
        )

    @cached_property
    def lookups(self) -> tuple[Lookup, ...]:
        """How resources are found that have no search by identifier, best first."""
        key = ("resource", "releases", "parameter")
        return tuple(
            Lookup(
                *(r["resource"], tuple(r["releases"].split())),
                *(r["parameter"], r["element"], r["origin"]),
            )
            for r in self._optional("lookups.csv", LOOKUP_COLUMNS, key)
        )

    @cached_property
    def resources(self) -> dict[str, tuple[Row, ...]]:
        """The rows of every resource type, by type."""
        return {name: self._rows(f"resources/{name}.csv") for name in self._names("resources")}

    @cached_property
    def types(self) -> dict[str, tuple[Row, ...]]:
        """The rows of every composite datatype, by its name in a column 'type'."""
        return {name: self._rows(f"types/{name}.csv") for name in self._names("types")}

    @cached_property
    def codes(self) -> dict[str, Vocabulary]:
        """Every vocabulary by name; kept in the user's cache folder once they are sound."""
        uris = {prefix: system.uri for prefix, system in self.systems.items()}
        if self.problems is not None:
            plain: Mapping[str, Mapping[str, Plain | str]] = self._plain_codes()
        else:
            plain = cache.kept(self._code_files(), self._plain_codes)
        return {name: Vocabulary(name, Terms(terms, uris)) for name, terms in plain.items()}

    @cached_property
    def extract(self) -> dict[str, tuple[Line, ...]]:
        """Every table of what the extractors look for, by name; each row has its 'origin'."""
        return {name: tuple(self._extract_lines(name)) for name in self._names("extract")}

    @cached_property
    def imports(self) -> dict[str, tuple[Line, ...]]:
        """Every table of what the importers know, by name; each row has its 'origin'."""
        keys = IMPORT_KEYS
        return {
            name: tuple(self._lines(f"import/{name}.csv", None, keys.get(name)))
            for name in self._names("import")
        }

    @cached_property
    def packs(self) -> dict[str, tuple[Line, ...]]:
        """Every table of what `tables import` knows, by name; each row has its 'origin'."""
        return {
            name: tuple(self._lines(f"packs/{name}.csv", None, PACK_KEYS.get(name)))
            for name in self._names("packs")
        }

    @cached_property
    def tx(self) -> dict[str, tuple[Line, ...]]:
        """Every table of what a terminology server is asked, by name; each row has its 'origin'."""
        return {
            name: tuple(self._lines(f"tx/{name}.csv", None, TX_KEYS.get(name)))
            for name in self._names("tx")
        }

    @cached_property
    def view(self) -> dict[str, tuple[Line, ...]]:
        """Every table of what a page of `view` looks like, by name; each row has its 'origin'."""
        return {
            name: tuple(self._lines(f"view/{name}.csv", None, VIEW_KEYS.get(name)))
            for name in self._names("view")
        }

    def with_terms(self, terms: Mapping[str, Mapping[str, Term]]) -> "Tables":
        """Return tables with more terms: those of a vocabulary by their key."""
        made = Tables(self.folders)
        shared = ("releases", "systems", "extensions", "relations", "order", "routes", "marks")
        for name in (*shared, "lookups", "resources", "types", "extract", "imports", "tx", "view"):
            made.__dict__[name] = getattr(self, name)  # what the properties keep
        made.__dict__["codes"] = self.codes | {
            name: Vocabulary(name, Above(more, self.vocabulary(name).terms))
            for name, more in terms.items()
        }
        return made

    def vocabulary(self, name: str, where: str = "") -> Vocabulary:
        """Return a vocabulary; raises TableError naming the known ones."""
        if name not in self.codes:
            known = ", ".join(sorted(self.codes))
            raise TableError(f"no vocabulary called {name!r} (known: {known})", where)
        return self.codes[name]

    def release(self, name: str) -> Release:
        """Return a release; raises TableError naming the known ones."""
        if name not in self.releases:
            known = ", ".join(self.releases)
            raise TableError(f"no FHIR release called {name!r} (known: {known})", "releases.csv")
        return self.releases[name]

    def _optional(
        self, file: str, columns: Sequence[str], key: Sequence[str]
    ) -> list[dict[str, str]]:
        """Return the rows of a table; none where no folder has it."""
        known = any((folder / file).is_file() for folder in self.folders)
        return self._lines(file, columns, key) if known else []

    def _names(self, folder: str) -> list[str]:
        return sorted({p.stem for f in self.folders for p in (f / folder).glob("*.csv")})

    def _rows(self, file: str) -> tuple[Row, ...]:
        lines = self._lines(file, ROW_COLUMNS, ("fact", "element", "releases"))
        return tuple(
            Row(
                **{n: r[n] for n in ROW_COLUMNS if n != "releases"},
                releases=tuple(r["releases"].split()),
                origin=r["origin"],
            )
            for r in lines
        )

    def _extract_lines(self, name: str) -> Iterator[dict[str, str]]:
        return iter(self._lines(f"extract/{name}.csv", None, None))

    def _plain_codes(self) -> dict[str, dict[str, Plain]]:
        return {
            name: compiled(
                self._sheets.codes(f"codes/{name}.csv", CODE_COLUMNS), self.systems, self._problem
            )
            for name in self._names("codes")
        }

    def _code_files(self) -> list[Path]:
        """Return every file that the vocabularies come from."""
        systems = [folder / "systems.csv" for folder in self.folders]
        codes = (sorted((folder / "codes").glob("*.csv")) for folder in self.folders)
        return [*filter(Path.is_file, systems), *(path for paths in codes for path in paths)]

    def _problem(self, message: str, where: str) -> None:
        self._sheets.problem(message, where)

    def _lines(
        self, file: str, columns: Sequence[str] | None, key: Sequence[str] | None
    ) -> list[dict[str, str]]:
        return self._sheets.lines(file, columns, key)


@lru_cache(maxsize=1)
def built_in() -> Tables:
    """Return the built-in tables, read once."""
    return Tables()


@lru_cache(maxsize=1)
def tables_of(folders: tuple[str, ...]) -> Tables:
    """Return the tables of these folders over the built-in ones, read once; see Tables.of."""
    return Tables.of(folders) if folders else built_in()
