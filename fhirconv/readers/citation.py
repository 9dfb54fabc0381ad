"""The citation of a report: what is stated of it, with its evidence, and what is not."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fhirconv.report import Section
from fhirconv.tables import Tables

Evidence = dict[str, Any]  # 'evidence' of facts.schema.json
# The order of facts.schema.json; these stand even where their value is null.
ALWAYS = ("articleType", "journal", "year", "volume", "pages", "doi", "url")
FIELDS = (
    *("title", "articleType", "authors", "authorsComplete", "affiliations", "journal", "year"),
    *("volume", "issue", "pages", "doi", "pmid", "url", "keywords"),
    *("funding", "competingInterests", "peerReview"),
)
QUOTED = (
    *("title", "articleType", "authors", "affiliations", "correspondence", "journal", "year"),
    *("volume", "issue", "pages", "doi", "pmid", "url", "keywords"),
    *("funding", "competingInterests", "peerReview"),
)
MISSED = {"title": "title", "journal": "journal", "year": "year", "doi": "DOI"}


@dataclass(frozen=True, slots=True)
class Stated:
    """A value that the report states, and the places of the words that state it."""

    value: Any
    spans: tuple[tuple[int, int], ...] = ()
    pointers: tuple[tuple[str, str], ...] = ()  # (pointer, words) where they are not in the text


@dataclass(slots=True)
class Citation:
    """What is known of a citation so far, field by field."""

    fields: dict[str, Stated] = field(default_factory=dict)
    complete: bool = True  # the list of authors
    hollow: bool = False  # labels of dates stand without a date
    fragment: bool = False  # a part of an e-mail address stands alone

    def add(self, name: str, value: Any, *spans: tuple[int, int], pointer: str = "") -> None:
        """Note a field unless it is known already or has no value."""
        if value and name not in self.fields:
            pointers = ((pointer, _shown(value)),) if pointer else ()
            self.fields[name] = Stated(value, spans, pointers)

    def get(self, name: str) -> Any:
        """Return the value of a field; None where it is not stated."""
        known = self.fields.get(name)
        return known.value if known else None

    def document(
        self, text: str, sections: Sequence[Section], own: tuple[int, int] | None, tables: Tables
    ) -> dict[str, Any]:
        """Return the 'citation' object of facts.schema.json; own: place of the page's own one."""
        made: dict[str, Any] = {"title": self.get("title") or ""}
        values = {"authors": self.get("authors") or [], "authorsComplete": self._is_complete()}
        values |= {"keywords": self.get("keywords") or []}
        for name in FIELDS[1:]:
            value = values[name] if name in values else self.get(name)
            if value is not None or name in ALWAYS:
                made[name] = value
        made["text"] = " ".join(text[own[0] : own[1]].split()) if own else composed(made)
        made["evidence"] = self._evidence(Quotes.of(text, sections, tables))
        made["notStated"] = self._not_stated(tables)
        return made

    def _is_complete(self) -> bool:
        return self.complete and bool(self.get("authors"))

    def _evidence(self, quotes: "Quotes") -> dict[str, list[Evidence]]:
        made = {}
        for name in QUOTED:
            known = self.fields.get(name)
            if known and not self._is_covered(name, known):
                listed = quotes.all(known)
                if listed:
                    made[name] = listed
        return made

    def _is_covered(self, name: str, known: Stated) -> bool:
        """Say whether the words of a field stand within those quoted for journal or DOI."""
        cover = {"year": "journal", "volume": "journal", "issue": "journal"}
        cover |= {"pages": "journal", "url": "doi"}
        wide = self.fields.get(cover.get(name, ""))
        if not wide or not known.spans:
            return False
        return all(any(a <= s and e <= b for a, b in wide.spans) for s, e in known.spans)

    def _not_stated(self, tables: Tables) -> list[str]:
        """Return the names of what is not stated, in the order of citation-absent.csv."""
        rows = tables.extract["citation-absent"]
        return [r["name"] for r in rows if self._is_absent(r["field"], r["when"])]

    def _is_absent(self, name: str, when: str) -> bool:
        if when == "absent":
            return not self.get(name)
        if when == "incomplete":
            return bool(self.get(name)) and not self.complete
        return {"label": self.hollow, "fragment": self.fragment}.get(when, False)


@dataclass(frozen=True, slots=True)
class Quotes:
    """The words of a text as evidence, with the kind of section that they stand in."""

    text: str
    sections: Sequence[Section]
    starts: tuple[int, ...]
    names: Mapping[str, str]  # kind of section -> 'section' of evidence

    @classmethod
    def of(cls, text: str, sections: Sequence[Section], tables: Tables) -> "Quotes":
        """Return the quotes of a text."""
        names = {r["kind"]: r["evidence"] for r in tables.extract["section-kinds"]}
        return cls(text, sections, tuple(s.start for s in sections), names)

    def all(self, stated: Stated) -> list[Evidence]:
        """Return the evidence of a value: spans of the text, else pointers."""
        spans = [self.span(start, end) for start, end in stated.spans if start < end]
        return spans or [{"pointer": p, "text": words} for p, words in stated.pointers]

    def span(self, start: int, end: int) -> Evidence:
        """Return text[start:end] as evidence."""
        words = self.text[start:end]
        return {"start": start, "end": end, "text": words, "section": self._section(start, end)}

    def _section(self, start: int, end: int) -> str:
        for place in (start, end - 1):
            number = bisect_right(self.starts, place) - 1
            if number >= 0 and place < self.sections[number].end:
                return self.names.get(self.sections[number].kind, "other")
        return "front"


def composed(citation: Mapping[str, Any]) -> str:
    """Return a citation made of what is stated, ending with what is not."""
    parts = [_authors(citation), _sentence(citation["title"]), _where(citation)]
    parts.append(_address(citation["url"] or "", citation["doi"] or ""))
    missed = [word for name, word in MISSED.items() if not citation[name]]
    if not citation["authors"]:
        missed.insert(0, "authors")
    if missed:
        listed = _listed(missed)
        verb = "is" if len(missed) == 1 and missed != ["authors"] else "are"
        shown = listed[0].upper() + listed[1:]
        parts.append(f"({shown} {verb} not stated in the source text.)")
    return " ".join(p for p in parts if p)


def _shown(value: Any) -> str:
    """Return a value as words."""
    if isinstance(value, list):
        return "; ".join(v["text"] if isinstance(v, dict) else str(v) for v in value)
    return str(value)


def _address(url: str, doi: str) -> str:
    return url if not doi or doi in url else f"doi:{doi}"


def _authors(citation: Mapping[str, Any]) -> str:
    authors = citation["authors"]
    names = [author["text"] for author in authors]
    apart = "; " if any("given" in a and "," in a["text"] for a in authors) else ", "
    if names and not citation["authorsComplete"]:
        names.append("et al")
    return _sentence(apart.join(names))


def _where(citation: Mapping[str, Any]) -> str:
    """Return 'Journal 2019;12(3):45-50.' as far as it is stated."""
    issue = f"({citation['issue']})" if citation.get("issue") else ""
    volume = f"{citation['volume'] or ''}{issue}"
    pages = f":{citation['pages']}" if citation["pages"] and volume else citation["pages"] or ""
    dated = ";".join(p for p in (citation["year"], volume + pages) if p)
    return _sentence(" ".join(p for p in (citation["journal"], dated) if p))


def _sentence(words: str) -> str:
    return words if not words or words[-1] in ".?!" else words + "."


def _listed(words: Iterable[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last
