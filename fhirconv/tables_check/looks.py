"""Are the tables of what a page looks like sound: cells that it can take, names that are known."""

from collections.abc import Collection, Iterator, Mapping

from fhirconv.case import DOCUMENT_KINDS, LEADING
from fhirconv.errors import TableError
from fhirconv.outcome import Issue
from fhirconv.tables import Tables
from fhirconv.tables_check.defect import defect, schema
from fhirconv.view.legend import legend_of

NOT_FACTS = ("statement",)


def looks(tables: Tables) -> Iterator[Issue]:
    """Yield what is wrong in view/; a set of tables without it has the built-in ones."""
    try:
        legend_of(tables)
    except TableError as error:
        yield defect(error.message, error.where)
    parts = schema()
    facts = parts["fact"]["properties"]["kind"]["enum"]
    known: Mapping[tuple[str, str], Collection[str]] = {
        ("kinds", "kind"): (*facts, *DOCUMENT_KINDS, *NOT_FACTS),
        ("links", "link"): (*tables.relations, *LEADING),
        ("anchors", "relation"): parts["anchor"]["properties"]["relation"]["enum"],
        ("signs", "field"): parts["assertion"]["properties"],
        ("systems", "prefix"): tables.systems,
    }
    for (name, column), words in known.items():
        for line in tables.view.get(name, ()):
            word = line.get(column, "")
            if word not in words:
                listed = ", ".join(sorted(words))
                yield defect(f"no {column} is called {word!r} (known: {listed})", line["origin"])
