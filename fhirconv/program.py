"""The rows of each kind of fact made ready: one plain function each, compiled once."""

import linecache
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import count
from typing import Any

from fhirconv.case import Item
from fhirconv.compiler import Writer
from fhirconv.fill import Codings, Site
from fhirconv.plan import Arrow, plan_of
from fhirconv.tables import Tables

Placed = tuple[Arrow, int, Any, Codings]  # by which row, of which value, what, with which codes
Fill = Callable[[Item, str, Site], tuple[dict[str, Any], bool]]

PAGES = count(1)  # numbers the texts, so that a traceback shows the line of the right one


@dataclass(frozen=True, eq=False)
class Program:
    """The rows of one kind of fact in one release, and the function that they make."""

    rows: str
    resource: str
    arrows: tuple[Arrow, ...]
    tables: Tables
    release: str

    @cached_property
    def fill(self) -> Fill:
        """The function of (item, id, site): the resource, and whether its words got no code."""
        made: Fill = self._compiled(traced=False)
        return made

    @cached_property
    def needs(self) -> tuple[tuple[str, ...], ...]:
        """The fields without which no resource is made."""
        return tuple(arrow.field for arrow in self.arrows if arrow.row.need == "resource")

    @cached_property
    def read(self) -> frozenset[str]:
        """The fields that some row reads."""
        return frozenset(arrow.field[0] for arrow in self.arrows if arrow.field)

    def trace(self, item: Item, name: str, site: Site) -> list[Placed]:
        """Return every element that the rows make of an item, in the order of the rows."""
        placed: list[Placed] = []
        self._traced(item, name, site, placed)
        return placed

    def source(self, *, traced: bool = False) -> str:
        """Return the text of the function, for people and for tests."""
        return self._writer(traced).text()

    @cached_property
    def _traced(self) -> Callable[[Item, str, Site, list[Placed]], object]:
        made: Callable[[Item, str, Site, list[Placed]], object] = self._compiled(traced=True)
        return made

    def _writer(self, traced: bool) -> Writer:
        return Writer(self.resource, self.arrows, self.tables, self.release, traced)

    def _compiled(self, *, traced: bool) -> Any:
        writer = self._writer(traced)
        text, page = writer.text(), f"<rows of {self.rows}, {next(PAGES)}>"
        linecache.cache[page] = (len(text), None, text.splitlines(keepends=True), page)
        exec(compile(text, page, "exec"), writer.bound)  # noqa: S102 - tables are literals in it
        return writer.bound["fill"]


@lru_cache(maxsize=32)
def programs_of(tables: Tables, release: str) -> dict[str, Program]:
    """Return the program of every set of rows in one release, by the name of the set."""
    return {
        rows: Program(rows, *listed[0], tables, release)
        for rows, listed in plan_of(tables, release).items()
    }
