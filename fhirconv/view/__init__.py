"""A page where the words of a report and its FHIR stand side by side; an index of many."""

from collections.abc import Mapping, Sequence
from typing import Any

from fhirconv.convert import Conversion
from fhirconv.report import Report
from fhirconv.tables import Tables
from fhirconv.view.html import rendered
from fhirconv.view.overview import Failed, Overview, Seen
from fhirconv.view.page import Page, page_of
from fhirconv.view.rows import Rows
from fhirconv.view.sight import Sight

__all__ = ["Failed", "Overview", "Page", "Seen", "Viewer"]


class Viewer:
    """Pages with one set of tables, in one release; the tables are read once for all of them."""

    def __init__(self, tables: Tables, release: str) -> None:
        self.tables = tables
        self.release = release
        self.overview = Overview(tables, release)
        self._rows = Rows(tables)

    def page(
        self,
        document: Mapping[str, Any],
        conversion: Conversion,
        report: Report | None = None,
        prefix: str = "",
    ) -> Page:
        """Return the page of a facts document and what was made of it.

        Without the report only the words that facts quote are shown. Where several pages stand
        in one file, each has a prefix of its own for its anchors.
        """
        given = (document, report, conversion, self.tables, self.release, self._rows)
        return page_of(Sight(*given, prefix))

    def alone(self, page: Page, index: str = "") -> bytes:
        """Return a page as HTML, with a link to the index where there is one."""
        return rendered("case.html", self.tables, self.release, page=page, index=index)

    def index(self, pages: Sequence[Page] = ()) -> bytes:
        """Return the index of all that the overview has seen as HTML, with the pages it holds."""
        return rendered(
            "index.html", self.tables, self.release, overview=self.overview, pages=pages
        )
