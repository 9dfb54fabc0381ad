"""A case report: its text, its sections, where it was published."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Section:
    """A named part of a report: text[start:end], in Unicode code points, half-open.

    kind is a row of extract/section-kinds.csv (title, abstract, case, results, methods,
    discussion, references ...), which says whether facts of a patient may come from it.
    """

    kind: str
    start: int
    end: int
    title: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """One published report, as read; every offset counts code points of its text."""

    text: str
    sections: tuple[Section, ...]
    citation: dict[str, Any] = field(default_factory=dict)  # 'citation' of facts.schema.json
    source: dict[str, Any] = field(default_factory=dict)  # 'source' of facts.schema.json
    pages: tuple[tuple[int, int], ...] = ()  # (offset, page from 1) where each page's words begin

    def section_at(self, offset: int) -> Section | None:
        """Return the section an offset stands in; None between sections."""
        return next((s for s in self.sections if s.start <= offset < s.end), None)

    def page_at(self, offset: int) -> int | None:
        """Return the printed page that an offset stands on; None where there are no pages."""
        place = bisect_right(self.pages, offset, key=lambda start: start[0])
        return self.pages[place - 1][1] if place else None

    def parts(self, *kinds: str) -> Iterator[Section]:
        """Yield the sections of these kinds, in order."""
        return (s for s in self.sections if s.kind in kinds)
