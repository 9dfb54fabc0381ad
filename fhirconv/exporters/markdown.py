"""The vocabularies, and which field goes to which element, as a page that a person can read."""

from collections.abc import Iterable, Iterator

from fhirconv.exporters.mapped import MappedTables
from fhirconv.tables import Coding, Row, Vocabulary, of_release

SIGNS = str.maketrans({sign: f"\\{sign}" for sign in "\\|*_`<>[]#"})


def export(mapped: MappedTables) -> bytes:
    """Return the page: systems, then each vocabulary; the resources too where all are asked for."""
    lines = [f"# The mapping tables, for FHIR {mapped.release}", ""]
    lines += _systems(mapped)
    if len(mapped.vocabularies) == len(mapped.tables.codes):
        for name, rows in mapped.tables.resources.items():
            lines += _resource(mapped, name, rows)
    for vocabulary in mapped.vocabularies.values():
        lines += _vocabulary(mapped, vocabulary)
    return "\n".join([*lines[:-1], ""]).encode("utf-8")


def _table(title: str, columns: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """Yield a heading and a table under it; nothing where there is no row."""
    listed = [" | ".join(row) for row in rows]
    names = tuple(columns)
    if listed:
        yield from (title, "", f"| {' | '.join(names)} |", "|---" * len(names) + "|")
        yield from (f"| {row} |" for row in listed)
        yield ""


def _systems(mapped: MappedTables) -> Iterator[str]:
    used = {c.prefix for name in mapped.vocabularies for _, cs in mapped.mapped(name) for c in cs}
    rows = (
        (f"`{prefix}`", _plain(system.uri), _plain(mapped.notes.get(prefix, "")))
        for prefix, system in mapped.tables.systems.items()
        if prefix in used
    )
    return _table("## Code systems", ("prefix", "system", "note"), rows)


def _resource(mapped: MappedTables, name: str, rows: Iterable[Row]) -> Iterator[str]:
    mine = (row for row in rows if of_release(row, mapped.release))
    cells = ((_plain(r.fact), f"`{r.element}`", _origin(r), _plain(r.note)) for r in mine)
    return _table(f"## {name}", ("fact", "element", "from", "note"), cells)


def _origin(row: Row) -> str:
    """Return where the value of a row comes from, in words."""
    value = f"“{_plain(row.fixed)}”" if row.fixed else f"`{row.field}`" if row.field else ""
    codes = f" by {', '.join(row.codes.split())}" if row.codes else ""
    need = f" (without it no {row.need})" if row.need else ""
    return value + codes + need


def _vocabulary(mapped: MappedTables, vocabulary: Vocabulary) -> Iterator[str]:
    others: dict[str, list[str]] = {}
    for term in vocabulary.terms.values():
        if term.preferred != term.text:
            others.setdefault(term.preferred, []).append(_plain(term.text))
    rows = (
        (
            _plain(term.text),
            ", ".join(others.get(term.text, ())),
            "<br>".join(_coding(c) for c in term.codings if of_release(c, mapped.release)),
        )
        for term in vocabulary.terms.values()
        if term.preferred == term.text
    )
    title = f"## {vocabulary.name}"
    return _table(title, ("term", "also called", "codes"), rows)


def _coding(coding: Coding) -> str:
    if not coding.code:
        return f"“{_plain(coding.display)}”"
    match = f" ({coding.match})" if coding.match != "exact" else ""
    return f"`{coding.prefix}` {_plain(coding.code)} {_plain(coding.display)}{match}"


def _plain(text: str) -> str:
    """Return words of a table so that Markdown shows them as they are."""
    return text.translate(SIGNS)
