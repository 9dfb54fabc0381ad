"""The front matter of a JATS article: what its elements state of where it appeared."""

import re
from dataclasses import dataclass, field
from typing import Any

from fhirconv.readers.blocks import Draft
from fhirconv.readers.citation import Citation
from fhirconv.readers.front import Front
from fhirconv.readers.markup import Element, words_of
from fhirconv.readers.names import is_initials

HREF = "{http://www.w3.org/1999/xlink}href"
META = "front/article-meta"
NOTES = frozenset({"xref", "fn", "label", "institution-id", "sup"})
# Of several dates the one of the issue, then that of the web page.
DATES = ("ppub", "collection", "pub", "epub-ppub", "epub", "print", "electronic", "preprint")
YEAR = re.compile(r"(?:1[89]|20)\d\d")
ORCID = re.compile(r"\d{4}-\d{4}-\d{4}-\d{3}[\dX]")
INTERESTS = frozenset({"conflict", "coi-statement"})
MONEY = frozenset({"supported-by", "financial-disclosure", "funding"})


@dataclass(slots=True)
class Matter:
    """The front matter of an article, written to a draft as it is read."""

    article: Element
    draft: Draft
    front: Front
    citation: Citation = field(default_factory=Citation)
    places: dict[str, int] = field(default_factory=dict)  # id of an affiliation -> its number

    def write(self) -> Citation:
        """Write type, title, authors and keywords; return the citation as far as stated."""
        self._type()
        self._title()
        self._affiliations(self._authors())
        self._correspondence()
        self._keywords()
        self._funding()
        self._journal()
        return self.citation

    def _add(self, name: str, path: str, words: str | None = None) -> None:
        """Note the words of an element that does not stand in the text."""
        words = words or words_of(self.article.find(path))
        self.citation.add(name, words, pointer=f"/article/{path}")

    def _type(self) -> None:
        for subject in self.article.iterfind(f"{META}/article-categories/subj-group/subject"):
            words = words_of(subject)
            if self.front.is_type(words):
                block = self.draft.add(words, kind="front")
                self.citation.add("articleType", words, (block.start, block.end))
                return
        typed = self.article.get("article-type")
        self.citation.add("articleType", typed, pointer="/article/@article-type")

    def _title(self) -> None:
        group = self.article.find(f"{META}/title-group")
        if group is None:
            return
        parts = [
            words_of(e, NOTES - {"sup"}) for e in group if e.tag in ("article-title", "subtitle")
        ]
        words = ": ".join(
            p.rstrip(":. ") if n else p.rstrip(": ") for n, p in enumerate(parts) if p
        )
        if words:
            block = self.draft.add(words, kind="title")
            place = (block.start, block.end - words.endswith("."))
            self.citation.add("title", words.removesuffix("."), place)

    def _authors(self) -> list[tuple[dict[str, Any], Element]]:
        """Write the authors, a line each, and return them with their elements."""
        made: list[tuple[dict[str, Any], Element]] = []
        spans = []
        for contributor in self.article.iterfind(f"{META}/contrib-group/contrib"):
            if contributor.get("contrib-type", "author") != "author":
                continue
            author = _author(contributor)
            if author:
                block = self.draft.add(author["text"], gap=not made, kind="authors")
                spans.append((block.start, block.end))
                made.append((author, contributor))
        self.citation.add("authors", [author for author, _ in made], *spans)
        self.citation.complete = self.article.find(f"{META}/contrib-group//etal") is None
        return made

    def _affiliations(self, authors: list[tuple[dict[str, Any], Element]]) -> None:
        """Write the affiliations, and note with every author which are his."""
        texts: list[str] = []
        spans = []
        meta = self.article.find(META)
        for element in meta.iter("aff") if meta is not None else ():
            words = " ".join(words_of(element, NOTES).split()).strip(" ;,")
            if not words:
                continue
            label = words_of(element.find("label"))
            block = self.draft.add(f"{label} {words}".strip(), gap=not texts, kind="authors")
            texts.append(words)
            spans.append((block.start, block.end))
            if element.get("id"):
                self.places[element.get("id")] = len(texts)
            self._own(element, authors, len(texts))
        self.citation.add("affiliations", texts, *spans)
        for author, element in authors:
            self._refer(author, element)

    def _own(
        self, element: Element, authors: list[tuple[dict[str, Any], Element]], number: int
    ) -> None:
        """Note an affiliation that stands within its author's element."""
        for author, contributor in authors:
            if element.getparent() is contributor:
                author.setdefault("affiliations", []).append(number)

    def _refer(self, author: dict[str, Any], contributor: Element) -> None:
        """Note the affiliations that an author's element points to, and who answers letters."""
        pointed = contributor.findall("xref")
        ids = [i for x in pointed for i in (x.get("rid") or "").split()]
        numbers = [self.places[i] for i in ids if i in self.places]
        if numbers:
            own = [*author.get("affiliations", []), *numbers]
            author["affiliations"] = list(dict.fromkeys(own))
        answers = any(x.get("ref-type") == "corresp" for x in pointed)
        if answers or contributor.get("corresp") == "yes":
            author["corresponding"] = True

    def _correspondence(self) -> None:
        spans, words = [], []
        for element in self.article.iterfind(f"{META}/author-notes/corresp"):
            said = words_of(element, NOTES)
            if said:
                block = self.draft.add(said, kind="authors")
                spans.append((block.start, block.end))
                words.append(said)
        self.citation.add("correspondence", words, *spans)

    def _keywords(self) -> None:
        """Write the first group of keywords: others are translations or abbreviations."""
        for group in self.article.iterfind(f"{META}/kwd-group"):
            listed = [words_of(e) for e in group.iter("kwd")]
            if group.get("kwd-group-type") == "abbreviations" or not any(listed):
                continue
            words = [w for w in listed if w]
            blocks = [
                self.draft.add(w, gap=not n, kind="keywords", bullet="•")
                for n, w in enumerate(words)
            ]
            self.citation.add("keywords", words, *((b.start, b.end) for b in blocks))
            return

    def _funding(self) -> None:
        """Write the statements that stand in the front matter."""
        money = [
            (e, "funding") for e in self.article.iterfind(f"{META}/funding-group/funding-statement")
        ]
        notes = [(e, _field_of(e)) for e in self.article.iterfind(f"{META}/author-notes/fn")]
        for element, name in (*money, *notes):
            words = words_of(element, frozenset({"label"}))
            if words:
                block = self.draft.add(words, kind="statements")
                if name:
                    self.citation.add(name, words, (block.start, block.end))

    def _journal(self) -> None:
        journal = "front/journal-meta/journal-title-group/journal-title"
        self._add(
            "journal",
            journal
            if self.article.find(journal) is not None
            else "front/journal-meta/journal-title",
        )
        for name in ("volume", "issue"):
            self._add(name, f"{META}/{name}")
        first, last = (words_of(self.article.find(f"{META}/{n}page")) for n in "fl")
        pages = f"{first}-{last}" if first and last and first != last else first
        self._add("pages", f"{META}/fpage" if first else f"{META}/elocation-id", pages)
        self._year()
        for name in ("doi", "pmid"):
            self._add(name, f"{META}/article-id[@pub-id-type='{name}']")
        self._url()

    def _year(self) -> None:
        dates: dict[str, tuple[str, int]] = {}
        for number, date in enumerate(self.article.iterfind(f"{META}/pub-date"), 1):
            year = words_of(date.find("year"))
            kind = date.get("pub-type") or date.get("date-type") or date.get("publication-format")
            if YEAR.fullmatch(year):
                dates.setdefault(kind if kind and kind in DATES else "", (year, number))
        for kind in (*DATES, ""):
            if kind in dates:
                year, number = dates[kind]
                self._add("year", f"{META}/pub-date[{number}]/year", year)

    def _url(self) -> None:
        for link in self.article.iterfind(f"{META}/self-uri"):
            address = link.get(HREF) or ""
            if address.startswith(("https://", "http://")) and not address.endswith(".pdf"):
                self.citation.add("url", address, pointer=f"/article/{META}/self-uri/@xlink:href")


def _author(contributor: Element) -> dict[str, Any]:
    """Return the 'author' object of a contributor; empty for an anonymous one."""
    name = contributor.find(".//name")
    collective = words_of(contributor.find("collab"), NOTES)
    if name is None:
        text = words_of(contributor.find("string-name")) or collective
        return {"text": text} | _orcid(contributor) if text else {}
    family, given = words_of(name.find("surname")), words_of(name.find("given-names"))
    if not family:
        return {"text": given} if given else {}
    kind = "initials" if is_initials(given) else "given"
    value = re.sub(r"[^\w]", "", given) if kind == "initials" else given
    made: dict[str, Any] = {"text": f"{given} {family}".strip(), "family": family}
    return made | ({kind: value} if value else {}) | _orcid(contributor)


def _orcid(contributor: Element) -> dict[str, str]:
    for element in contributor.iterfind("contrib-id"):
        number = ORCID.search(words_of(element))
        if number and element.get("contrib-id-type") == "orcid":
            return {"orcid": number.group()}
    return {}


def _field_of(note: Element) -> str:
    kind = (note.get("fn-type") or "").casefold()
    return "competingInterests" if kind in INTERESTS else "funding" if kind in MONEY else ""
