"""What the meta tags and JSON-LD of an HTML page say of the article."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from fhirconv.readers.bibliography import DOI, YEAR, doi_in
from fhirconv.readers.front import plain
from fhirconv.readers.names import Name
from fhirconv.readers.page import Page
from fhirconv.tables import Tables

Element = Any
ARTICLES = frozenset(
    {"scholarlyarticle", "medicalscholarlyarticle", "article", "report", "newsarticle"}
)
DEEPEST = 8  # how deep the article may stand in JSON-LD
SEVERAL = re.compile(r"\s*[;,]\s*")
POINTERS = {"canonical": "link[rel"}
NUMBER = re.compile(r"\d{1,9}")


@dataclass(frozen=True, slots=True)
class Tag:
    """One statement of a page's head: the field, the words, and a pointer to them."""

    field: str
    words: str
    pointer: str


@dataclass(slots=True)
class Meta:
    """The statements of a page's head, in the order in which they are preferred."""

    tags: list[Tag] = field(default_factory=list)
    shown: str = ""  # what a browser shows as the title, often with the name of the journal

    @classmethod
    def of(cls, root: Element, tables: Tables) -> "Meta":
        """Return what the head of a page states."""
        named = list(_tags(root, tables))
        shown = next((e.text or "" for e in root.iter("title")), "")
        return cls([*named, *_linked(root, tables)], shown)

    @property
    def title(self) -> str:
        """The title in plain words, as front.title wants it; '' for none."""
        return plain(self.first("title").words or self.shown)

    def first(self, name: str) -> Tag:
        """Return the preferred statement of a field; one without words for none."""
        return next((t for t in self.tags if t.field == name), Tag(name, "", ""))

    def all(self, name: str) -> list[Tag]:
        """Return the statements of a field that stand in one place: all of the preferred name."""
        first = self.first(name)
        return [t for t in self.tags if t.field == name and t.pointer == first.pointer]

    def add_to(self, page: Page) -> None:
        """Note in a page's citation what its head states and the page itself does not show.

        Words that the page shows too are quoted from there.
        """
        doi = next((t for t in self.tags if t.field == "doi" and DOI.search(t.words)), None)
        if doi:
            place = doi_in(doi.words, 0, len(doi.words))
            self._note(page, "doi", doi.words[slice(*place)] if place else "", doi)
        if not any(b.kind == "title" for b in page.blocks):
            self._note(page, "title", self.first("title").words, self.first("title"))
        for name in ("journal", "volume", "issue", "pmid"):
            tag = self.first(name)
            fits = NUMBER.search(tag.words) if name != "journal" else "://" not in tag.words
            self._note(page, name, tag.words if fits else "", tag)
        self._year(page)
        self._pages(page)
        self._url(page)
        self._keywords(page)
        self._authors(page)
        for tag in self.tags:
            if tag.field == "articleType" and page.front.is_type(tag.words):
                self._note(page, "articleType", tag.words, tag)

    def _note(self, page: Page, name: str, words: str, tag: Tag) -> None:
        if not words:
            return
        place = None if name in ("volume", "issue", "pages") else page.find(words)
        if place:
            page.citation.add(name, words, place)
        else:
            page.citation.add(name, words, pointer=tag.pointer)

    def _year(self, page: Page) -> None:
        tag = self.first("year")
        year = YEAR.search(tag.words)
        if year:
            page.citation.add("year", year.group(), pointer=tag.pointer)

    def _pages(self, page: Page) -> None:
        first, last = self.first("firstpage"), self.first("lastpage").words
        if not NUMBER.search(first.words):
            return
        pages = f"{first.words}-{last}" if last and last != first.words else first.words
        shown = [pages.replace("-", dash) for dash in "–-‐"]
        place = next((p for p in map(page.find, shown) if p and first.words != pages), None)
        if place:
            page.citation.add("pages", page.text[slice(*place)], place)
        else:
            page.citation.add("pages", pages, pointer=first.pointer)

    def _url(self, page: Page) -> None:
        tag = self.first("url")
        if tag.words.startswith(("https://", "http://")) and " " not in tag.words:
            self._note(page, "url", tag.words, tag)

    def _keywords(self, page: Page) -> None:
        """Note the keywords of the head, unless the page has a list of its own."""
        if any(b.kind == "keywords" and not b.is_heading for b in page.blocks):
            return
        tags = self.all("keywords")
        if tags and tags[0].pointer != "meta[name=keywords]":  # often words for search engines
            words = [w for t in tags for w in SEVERAL.split(t.words) if w]
            page.citation.add("keywords", list(dict.fromkeys(words)), pointer=tags[0].pointer)

    def _authors(self, page: Page) -> None:
        """Note the authors of the head, unless the page lists them with their places."""
        if page.shows_authors():
            return
        names: list[Name] = []
        tags = self.all("authors")
        for tag in tags:
            read = page.front.names.read(tag.words if ";" in tag.words else tag.words + ";")
            names += read[0] if read else []
        if not names:
            return
        places = [page.find(name.text) for name in names]
        spans = [p for p in places if p] if all(places) else []
        authors, affiliations = self._with_places(names, tags)
        page.citation.add("authors", authors, *spans, pointer=tags[0].pointer)
        page.citation.add("affiliations", affiliations, pointer=self.first("institution").pointer)

    def _with_places(
        self, names: Iterable[Name], tags: list[Tag]
    ) -> tuple[list[dict[str, Any]], list[str]]:
        """Return the authors, each with the institutions that stand after him in the head."""
        authors = [name.author() for name in names]
        affiliations: list[str] = []
        number = -1
        for tag in self.tags if len(authors) == len(tags) else ():
            if tag in tags:
                number += 1
            elif tag.field == "institution" and 0 <= number < len(authors):
                if tag.words not in affiliations:
                    affiliations.append(tag.words)
                own = authors[number].setdefault("affiliations", [])
                own.append(affiliations.index(tag.words) + 1)
        return authors, affiliations


def _tags(root: Element, tables: Tables) -> Iterator[Tag]:
    """Yield the meta tags that citation-meta.csv knows, by row; those of authors in page order."""
    rows = {r["name"]: r["field"] for r in tables.extract["citation-meta"]}
    order = {name: number for number, name in enumerate(rows)}
    found = []
    for element in root.iter("meta", "link"):
        name = element.get("name") or element.get("property") or element.get("rel") or ""
        words = " ".join((element.get("content") or element.get("href") or "").split())
        if words and name.casefold() in rows:
            found.append((name, words))
    together = ("authors", "institution", "orcid")
    found.sort(key=lambda t: order[t[0].casefold()] if rows[t[0].casefold()] not in together else 0)
    for name, words in found:
        yield Tag(rows[name.casefold()], words, f"{POINTERS.get(name, 'meta[name')}={name}]")


def _linked(root: Element, tables: Tables) -> Iterator[Tag]:
    """Yield what JSON-LD says of the article."""
    rows = [(r["path"], r["field"]) for r in tables.extract["citation-jsonld"]]
    for script in root.iter("script"):
        if "ld+json" not in (script.get("type") or ""):
            continue
        try:
            article = _article(json.loads(script.text or ""), 0)
        except (ValueError, RecursionError):  # a page is read without it as well
            continue
        for path, name in rows if article else ():
            for words in _values(article, path.split(".")):
                yield Tag(name, words, f"script[type=application/ld+json] {path}")


def _article(item: Any, depth: int) -> Any:
    """Return the first object that is an article, of those within an object or list."""
    if depth > DEEPEST:
        return None
    if isinstance(item, dict):
        types = item.get("@type")
        listed = types if isinstance(types, list) else [types]
        if any(isinstance(t, str) and t.casefold() in ARTICLES for t in listed):
            return item
        inner = [item[k] for k in ("@graph", "mainEntity", "mainEntityOfPage") if k in item]
        return next((a for i in inner if (a := _article(i, depth + 1))), None)
    if isinstance(item, list):
        return next((a for i in item[:100] if (a := _article(i, depth + 1))), None)
    return None


def _values(item: Any, path: list[str]) -> Iterator[str]:
    if isinstance(item, list):
        for each in item[:500]:
            yield from _values(each, path)
    elif not path:
        if isinstance(item, str | int) and str(item).strip():
            yield " ".join(str(item).split())
    elif isinstance(item, dict) and path[0] in item:
        yield from _values(item[path[0]], path[1:])
