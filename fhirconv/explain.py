"""Every element told: the row that put it there, the fact, the words of the report."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fhirconv.convert import Conversion


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


def explain(conversion: Conversion) -> Iterator[Explained]:
    """Yield every element of a conversion, in the order in which the rows filled it."""
    for case, built in conversion.cases:
        for trace in built.traces:
            evidence = case.items[trace.item].evidence
            quote = evidence[0] if evidence else {}
            where = f"{quote['start']}-{quote['end']}" if "start" in quote else ""
            words = quote.get("text", "")
            told = (trace.resource, trace.element, trace.value, trace.row, trace.codes)
            yield Explained(*told, trace.item, words, where or quote.get("pointer", ""))
