"""RxNorm in the rich release format: RXNCONSO.RRF, names of concepts, between bars."""

import re
from collections.abc import Iterator
from itertools import groupby

from fhirconv.packs.concept import Code, Concept, Source

FORMAT = "RxNorm RRF"
WORDS = "rxnorm"
FIRST = re.compile(rb"[0-9]+\|[A-Z]{3}\|[^|\n]*(\|[^|\n]*){9,}")
FIELDS = 18  # with the last bar behind them
RXCUI, LAT, SAB, TTY, STR, SUPPRESS = 0, 1, 11, 12, 14, 16

Name = tuple[str, str, str, str]  # code, meaning of its type, words, where


def accepts(head: bytes) -> bool:
    """Say whether the beginning of a file is RXNCONSO.RRF."""
    return bool(FIRST.match(head.removeprefix(b"\xef\xbb\xbf")))


def read(source: Source) -> Iterator[Concept]:
    """Yield the concepts with RxNorm's own names; the file is sorted by them, so one in memory."""
    for _, names in groupby(_names(source), key=lambda name: name[0]):
        yield from _concept(list(names), source)


def _names(source: Source) -> Iterator[Name]:
    wanted = (source.word("system"), source.word("language"), source.word("active"))
    for path in source.files:
        for number, line in source.lines(path):
            cells = line.split("|")
            where = f"{path.name}:{number}"
            if len(cells) not in {FIELDS, FIELDS + 1}:
                if line:
                    source.problem(f"the line has {len(cells)} fields, not {FIELDS}", where)
                continue
            if (cells[SAB], cells[LAT]) != wanted[:2]:
                source.left_out["of another source or language"] += 1
            elif cells[SUPPRESS] != wanted[2]:
                source.left_out["obsolete or suppressed"] += 1
            elif not cells[RXCUI] or not cells[STR]:
                source.problem("the line has no RXCUI or no name", where)
            else:
                yield cells[RXCUI], source.words.get(cells[TTY], ""), cells[STR], where


def _concept(names: list[Name], source: Source) -> Iterator[Concept]:
    named = next((name for name in names if name[1] == "name"), None)
    if named is None:
        source.left_out["of a type of name that packs/words.csv does not take"] += len(names)
        return
    code, _, words, where = named
    others = tuple(n[2] for n in names if n[1] in {"name", "synonym"} and n[2] != words)
    coding = Code(source.word("system"), code, words)
    yield Concept(words, (coding,), where, others, source="RxNorm (SAB=RXNORM)")
