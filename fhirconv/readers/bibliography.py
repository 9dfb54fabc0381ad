"""Lines that say where an article appeared: journal, year, volume, pages, DOI, PMID."""

import re
from dataclasses import dataclass
from functools import cache

from fhirconv.tables import Tables

DOI = re.compile(r"(?<![\w.])10\.\d{4,9}/[^\s\"<>{}|\\^`]{1,200}")
DOI_URL = re.compile(r"https?://(?:dx\.)?(?:www\.)?doi\.org/(?=10\.)", re.IGNORECASE)
PMID = re.compile(r"\bPMID:?\s{0,3}(\d{1,8})\b", re.IGNORECASE)
YEAR = re.compile(r"(?<!\d)(?:1[89]|20)\d\d(?!\d)")
HOLE = re.compile(r"\{(\w+)\}|([^{}\s]+)|(\s+)")
MONTH = (
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|spring|summer|autumn|fall|winter)"
    r"[a-z]{0,6}\.?"
)
HOLES = {
    "journal": r"(?P<journal>[^\W\d_](?:[^\d;:()\[\]{}<>]|\([^\d()]{1,40}\)){1,100}?)[.,]?",
    "volume": r"(?:vol(?:\.|ume)?\s?)?(?P<volume>[A-Z]?\d{1,5}(?:[-–]\d{1,4})?)",
    "issue": r"(?P<issue>[\w .–-]{1,20}?)",
    "year": r"(?P<year>(?:1[89]|20)\d\d)(?!\d)",
    "date": rf"(?:\d{{1,2}}\.? )?{MONTH}(?:[-–/ ]{MONTH})?(?: \d{{1,2}},?)?",
    "pages": (
        r"(?:article (?:number|no\.?|id):?\s?|pages?:?\s?|pp?\.?\s?)?"
        r"(?P<pages>[A-Za-z]{0,4}[.-]?\d{1,9}(?:\.\d{1,9}){0,3}(?:\s?[-–—‐]\s?[A-Za-z]{0,3}\d{1,7})?)"
    ),
}
# Literal words of a style: white space around punctuation is free.
FREE = r"\s{0,3}"
AFTER = re.compile(
    r"\s*$|[.,;|)\]·•]|\s+(?:(?i:doi|https?:|e?pub|pmid|pmcid|article)|[A-Z|\[(©·•])|[A-Z]"
)
BOUNDARY = re.compile(r"[.?!]['\"”’)]?\s+(?=[^\W\d_])")
LONGEST = 4000  # characters of a citation


@dataclass(frozen=True, slots=True)
class Reference:
    """Where an article appeared: places in the text by field, and of the whole."""

    fields: dict[str, tuple[int, int]]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Styles:
    """The ways to write where an article appeared: citation-styles.csv."""

    strong: tuple[re.Pattern[str], ...]  # known wherever they stand
    patterns: tuple[re.Pattern[str], ...]  # these and those known only within a citation

    @classmethod
    def of(cls, tables: Tables) -> "Styles":
        """Return the styles of a set of tables, in order of preference."""
        rows = tables.extract["citation-styles"]
        strong = tuple(compiled(r["style"]) for r in rows if not r["where"])
        return cls(strong, tuple(compiled(r["style"]) for r in rows))

    def read(self, text: str, start: int, end: int, alone: bool = False) -> Reference | None:
        """Return what stands at the beginning of text[start:end]; None for no known style.

        alone: the words are a line of their own, not the rest of a citation.
        """
        end = min(end, start + LONGEST)
        for pattern in self.strong if alone else self.patterns:
            found = pattern.match(text, start, end)
            if found and AFTER.match(text, found.end(), end):
                return Reference(_places(found), found.start(), found.end())
        return None

    def find(self, text: str, start: int, end: int) -> Reference | None:
        """Return what stands after one of the first sentences of text[start:end], the last best."""
        end = min(end, start + LONGEST)
        places = [start, *(m.end() for m in BOUNDARY.finditer(text, start, end))][:60]
        read = [(p, r) for p in places if (r := self.read(text, p, end))]
        hits = [hit for hit in read if "volume" in hit[1].fields] or read
        if not hits:
            return None
        place, best = hits[-1]
        for earlier, reference in reversed(hits[:-1]):  # 'Front. Immunol.' is one journal
            words = text[earlier:place].split()
            if len(words) > 1 or reference.end != best.end:
                break
            place, best = earlier, reference
        return best


def _places(found: re.Match[str]) -> dict[str, tuple[int, int]]:
    places = {name: found.span(name) for name, value in found.groupdict().items() if value}
    start, end = places.get("journal", (0, 0))
    if "." in found.string[start:end] and found.string[end : end + 1] == ".":
        places["journal"] = (start, end + 1)  # 'Front. Immunol.' is abbreviated to its end
    return places


@cache
def compiled(style: str) -> re.Pattern[str]:
    """Return the pattern of a style such as '{journal} {volume}, {pages} ({year})'."""
    made = []
    for found in HOLE.finditer(style):
        if found[1]:
            made.append(HOLES[found[1]])
        elif found[2]:
            made.append(_literal(found[2]))
        else:
            made.append(r"\s{1,3}")
    pattern = "".join(made).replace(r"\s{1,3}" + FREE, FREE).replace(FREE + r"\s{1,3}", FREE)
    return re.compile(pattern, re.IGNORECASE)


def _literal(words: str) -> str:
    """Return words and signs as a pattern; signs may have white space before and after."""
    parts = re.findall(r"\w+|[^\w\s]", words)
    return "".join(re.escape(p) if p[0].isalnum() else FREE + re.escape(p) + FREE for p in parts)


def doi_in(text: str, start: int, end: int) -> tuple[int, int] | None:
    """Return the place of the first DOI, without the punctuation after it."""
    found = DOI.search(text, start, end)
    return _trimmed(text, *found.span()) if found else None


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    while text[end - 1] in ".,;:'\"”’…" or (
        text[end - 1] in ")]" and text.count("(", start, end) < text.count(")", start, end)
    ):
        end -= 1
    return start, end


def doi_url(text: str, doi: tuple[int, int]) -> tuple[int, int] | None:
    """Return the place of the address that a DOI is a part of."""
    before = text[max(0, doi[0] - 30) : doi[0]]
    found = next((m for m in DOI_URL.finditer(before + "10.") if m.end() == len(before)), None)
    return (doi[0] - len(before) + found.start(), doi[1]) if found else None
