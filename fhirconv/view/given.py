"""What inputs hold: each facts document with its report and what was made of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fhirconv.convert import Conversion, Imported, extract, report_of
from fhirconv.errors import FactsError, ReadError
from fhirconv.files import Input
from fhirconv.outcome import Issue
from fhirconv.report import Report
from fhirconv.stream import Converter, Opened, opened, opened_line, pieces
from fhirconv.tables import Tables, tables_of

TEXT_TYPE = "textType"  # of a source, where evidence points into no running text


@dataclass(frozen=True, slots=True)
class Given:
    """One facts document, the report it was found in where that is at hand, its conversion."""

    document: dict[str, Any]
    report: Report | None
    conversion: Conversion


def given(item: Input, converter: Converter, failed: list[Issue]) -> Iterator[Given]:
    """Yield what an input holds; a line that cannot be read goes to what failed.

    Raises ReadError or FactsError where the whole of it cannot.
    """
    tables = tables_of(converter.folders)
    for piece in pieces([item], converter.limit):
        if not piece.lines:
            source = opened(piece.item, converter.limit, tables)
            yield from _converted(source, item, converter, tables)
        for line in piece.lines:
            place = f"{item.shown}:{line.number}"
            try:
                source = opened_line(item, line, place, tables)
                yield from _converted(source, item, converter, tables)
            except (ReadError, FactsError) as error:
                failed.append(Issue("fatal", "processing", error.message, error.where or place))


def _converted(
    source: Opened, item: Input, converter: Converter, tables: Tables
) -> Iterator[Given]:
    """Yield each facts document of what was opened."""
    for document, report, issues in _documents(source, item.folder, converter, tables):
        made = converter.conversion(Imported((document,), issues))
        yield Given(document, report, made)


def _documents(
    source: Opened,
    beside: Path | None,
    converter: Converter,
    tables: Tables,
) -> Iterator[tuple[dict[str, Any], Report | None, tuple[Issue, ...]]]:
    """Yield (facts document, its report, issues of the import; these with the first)."""
    if isinstance(source, Report):
        source = (source,)
    if isinstance(source, tuple):
        for report in source:
            yield extract(report, tables=tables, extractor=converter.extractor), report, ()
        return
    imported = source if isinstance(source, Imported) else Imported((source,))
    issues = tuple(imported.issues)
    for document in imported.documents:
        has_text = TEXT_TYPE not in document["source"]
        yield document, report_of(document["source"], beside, tables) if has_text else None, issues
        issues = ()
