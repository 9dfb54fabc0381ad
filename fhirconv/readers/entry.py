"""The entry of an article in a bibliography becomes a report: title, authors, abstract."""

from dataclasses import dataclass, field
from typing import Any

from fhirconv.errors import ReadError
from fhirconv.readers.blocks import HEADING, Block, Draft
from fhirconv.readers.citation import Citation
from fhirconv.readers.headings import labelled
from fhirconv.readers.names import is_initials
from fhirconv.readers.outline import Outline, outline_of, sections
from fhirconv.readers.page import Page
from fhirconv.readers.source import language_of, source_of
from fhirconv.report import Report
from fhirconv.tables import Tables

ABSTRACT = "abstract"


@dataclass(slots=True)
class Entry:
    """What an entry says, as plain words; a pointer tells where in the file it stands."""

    title: str = ""
    authors: list[dict[str, Any]] = field(default_factory=list)
    places: list[list[str]] = field(default_factory=list)  # the affiliations of each author
    complete: bool = True  # all authors are listed
    abstract: list[tuple[str, str, str]] = field(default_factory=list)  # label, category, words
    keywords: list[str] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    stated: list[tuple[str, str, str]] = field(default_factory=list)  # field, words, pointer

    def report(
        self, data: bytes, name: str, file_text: str, media_type: str, tables: Tables
    ) -> Report:
        """Return the report of the entry, whose text is written here; raises ReadError."""
        outline, draft, citation = outline_of(tables), Draft(), Citation()
        self._head(draft, citation, outline)
        blocks = [*draft.blocks, *self._abstract(draft, outline)]
        text, parts = draft.text, sections(blocks)
        if not text:
            raise ReadError("the record holds neither a title nor an abstract", name)
        for name_of, words, pointer in self.stated:
            citation.add(name_of, words, pointer=pointer)
        made = Page(text, blocks, outline.front, tables, citation).read_rest()
        language = language_of(text, tables)
        source = source_of(data, name, media_type, (file_text, text), language)
        return Report(text, parts, made.document(text, parts, None, tables), source)

    def _head(self, draft: Draft, citation: Citation, outline: Outline) -> None:
        """Write type, title, authors with their places, and keywords."""
        kind = next((words for words in self.types if outline.front.is_type(words)), "")
        if kind:
            block = draft.add(kind, kind="front")
            citation.add("articleType", kind, (block.start, block.end))
        if self.title:
            block = draft.add(self.title, kind="title")
            bare = self.title.removesuffix(".")
            citation.add("title", bare, (block.start, block.start + len(bare)))
        self._people(draft, citation)
        words = list(dict.fromkeys(self.keywords))
        blocks = [draft.add(w, gap=not n, kind="keywords", bullet="•") for n, w in enumerate(words)]
        if words:
            citation.add("keywords", words, *((b.start, b.end) for b in blocks))

    def _people(self, draft: Draft, citation: Citation) -> None:
        lines = [
            draft.add(a["text"], gap=not n, kind="authors") for n, a in enumerate(self.authors)
        ]
        places = list(dict.fromkeys(place for own in self.places for place in own))
        numbers = {place: number for number, place in enumerate(places, 1)}
        for author, own in zip(self.authors, self.places, strict=True):
            if own:
                author["affiliations"] = list(dict.fromkeys(numbers[place] for place in own))
        if self.authors:
            citation.add("authors", self.authors, *((b.start, b.end) for b in lines))
        citation.complete = self.complete
        lines = [draft.add(p, gap=not n, kind="authors") for n, p in enumerate(places)]
        if places:
            citation.add("affiliations", places, *((b.start, b.end) for b in lines))

    def _abstract(self, draft: Draft, outline: Outline) -> list[Block]:
        """Write the abstract and return its blocks: parts with a label are sections."""
        made: list[Block] = []
        for label, category, words in self.abstract:
            kind = self._kind(label, category, outline)
            if label:
                made.append(draft.add(label, kind=kind, role=HEADING))
                made.append(draft.add(words, gap=False, kind=kind, title=label))
            else:
                block = draft.add(words)
                made += outline.walk(labelled([block], outline.headings), ABSTRACT)
        return made

    @staticmethod
    def _kind(label: str, category: str, outline: Outline) -> str:
        """Return the kind of a part of an abstract: by its label, else by its category."""
        headings = outline.headings
        known = next((k for k in map(headings.find, (label, category)) if label and k), None)
        kind = known[0] if known else headings.kind_by_word(label)
        return outline.parts.get(kind, ABSTRACT) if kind else ABSTRACT


def author_of(family: str, given: str, initials: str = "", orcid: str = "") -> dict[str, Any]:
    """Return the 'author' object of a name; empty without any."""
    given = given or initials
    if not (family or given):
        return {}
    made: dict[str, Any] = {"text": f"{given} {family}".strip()}
    if family:
        made["family"] = family
        short = is_initials(given)
        made |= {"initials" if short else "given": given.replace(".", "")} if given else {}
    return made | ({"orcid": orcid} if orcid else {})
