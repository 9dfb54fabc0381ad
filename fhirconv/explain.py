"""Every element told: the row that put it there, the fact, the words, the sentence."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fhirconv.convert import Conversion
from fhirconv.extractors.sentences import sentences
from fhirconv.tables import Tables


@dataclass(frozen=True, slots=True)
class Explained:
    """One element: its value, its table row, the rows of its codes, its fact, the words."""

    resource: str  # Condition/6ee46900-...
    element: str
    value: Any
    row: str  # resources/Condition.csv:7
    codes: tuple[str, ...]  # codes/conditions.csv:12 ...
    fact: str
    words: str
    where: str  # 410-512: code points of the text; empty where no text says it
    sentence: str  # that the words stand in; empty where the report is not at hand


def explain(
    conversion: Conversion, text: str | None = None, tables: Tables | None = None
) -> Iterator[Explained]:
    """Yield every element of a conversion, in the order in which the rows filled it.

    With the text of the report (and the tables that cut it) each is told its sentence too.
    """
    cut = list(cut_into_sentences(text, tables)) if text is not None and tables is not None else []
    for case, built in conversion.cases:
        for trace in built.traces:
            evidence = case.items[trace.item].evidence
            quote = evidence[0] if evidence else {}
            start = quote.get("start")
            where = _where(quote)
            sentence = sentence_at(text or "", cut, start)
            told = (trace.resource, trace.element, trace.value, trace.row, trace.codes)
            yield Explained(*told, trace.item, quote.get("text", ""), where, sentence)


def _where(quote: Mapping[str, Any]) -> str:
    """Return where the words stand: '17-23', with the page where there are pages; or a pointer."""
    if "start" not in quote:
        return str(quote.get("pointer", ""))
    page = f", page {quote['page']}" if "page" in quote else ""
    return f"{quote['start']}-{quote['end']}{page}"


def cut_into_sentences(text: str, tables: Tables) -> Iterator[tuple[int, int]]:
    """Yield the first and last offset of every sentence of a report."""
    short = frozenset(row["word"] for row in tables.extract.get("sentence-abbreviations", ()))
    return sentences(text, 0, len(text), short)


def sentence_at(text: str, cut: list[tuple[int, int]], start: int | None) -> str:
    """Return the sentence that an offset stands in."""
    number = bisect_right(cut, (start, len(text))) - 1 if start is not None else -1
    return " ".join(text[slice(*cut[number])].split()) if 0 <= number < len(cut) else ""
