"""PubMed XML: the record of an article as PubMed gives it, with its abstract."""

import re
from typing import Any

from fhirconv.errors import ReadError
from fhirconv.readers.blocks import Draft
from fhirconv.readers.decode import byte_order_mark, charset_of, decoded, head
from fhirconv.readers.entry import Entry, author_of
from fhirconv.readers.jats_front import ORCID
from fhirconv.readers.markup import INLINE, Element, Flow, Rule
from fhirconv.readers.tree import xml_tree
from fhirconv.report import Report
from fhirconv.tables import Tables

FORMAT = "PubMed XML"
MEDIA_TYPE = "application/xml"
ROOT = re.compile(r"<(?:PubmedArticleSet|PubmedArticle|MedlineCitationSet|MedlineCitation)[\s>]")
CITATION = "MedlineCitation"
YEAR = re.compile(r"(?:1[89]|20)\d\d")
SUP = Rule("sup")


def accepts(data: bytes) -> bool:
    """Say whether a file holds records of PubMed."""
    return ROOT.search(head(data)) is not None


def read(data: bytes, name: str, tables: Tables) -> Report:
    """Return the report of the one record that a file holds; raises ReadError."""
    declared = "" if byte_order_mark(data)[1] else charset_of(data, name)
    file_text = decoded(data, name, declared)
    root = xml_tree(file_text, name)
    found = list(root.iter(CITATION))
    if len(found) != 1:
        many = f"{len(found)} records, each a report of its own" if found else "no record"
        raise ReadError(f"the file holds {many}", name)
    return _entry(found[0]).report(data, name, file_text, MEDIA_TYPE, tables)


def _entry(record: Element) -> Entry:
    """Return what a record says."""
    article = record.find("Article")
    made = Entry()
    if article is None:
        return made
    made.title = _words(article.find("ArticleTitle")).strip("[]")
    made.title = made.title or _words(article.find("VernacularTitle"))
    for author in article.iterfind("AuthorList/Author"):
        named = _author(author)
        if named:
            made.authors.append(named)
            listed = author.iterfind("AffiliationInfo/Affiliation")
            made.places.append([w for w in map(_words, listed) if w])
    listed_all = article.find("AuthorList")
    made.complete = listed_all is None or listed_all.get("CompleteYN", "Y") != "N"
    for part in article.iterfind("Abstract/AbstractText"):
        label, category = part.get("Label", ""), part.get("NlmCategory", "")
        words = _words(part)
        if words:
            made.abstract.append((label if label != "UNLABELLED" else "", category, words))
    made.keywords = [w for w in map(_words, record.iterfind("KeywordList/Keyword")) if w]
    made.types = [_words(e) for e in article.iterfind("PublicationTypeList/PublicationType")]
    _where(made, record, article)
    return made


def _author(author: Element) -> dict[str, Any]:
    collective = _words(author.find("CollectiveName"))
    if collective:
        return {"text": collective}
    numbers = (ORCID.search(_words(e)) for e in author.iterfind("Identifier"))
    orcid = next((n.group() for n in numbers if n), "")
    family, given, initials = (
        _words(author.find(tag)) for tag in ("LastName", "ForeName", "Initials")
    )
    suffix = _words(author.find("Suffix"))
    return author_of(f"{family} {suffix}".strip(), given, initials, orcid)


def _where(entry: Entry, record: Element, article: Element) -> None:
    """Note where the article appeared."""
    paths = {
        "journal": "Article/Journal/Title",
        "volume": "Article/Journal/JournalIssue/Volume",
        "issue": "Article/Journal/JournalIssue/Issue",
        "pages": "Article/Pagination/MedlinePgn",
        "pmid": "PMID",
    }
    for field, path in paths.items():
        words = _words(record.find(path))
        if words:
            entry.stated.append((field, words, f"/PubmedArticle/{CITATION}/{path}"))
    date = article.find("Journal/JournalIssue/PubDate")
    year = YEAR.search(_words(date)) if date is not None else None
    if year:
        pointer = f"/PubmedArticle/{CITATION}/Article/Journal/JournalIssue/PubDate"
        entry.stated.append(("year", year.group(), pointer))
    places = [*article.iterfind("ELocationID[@EIdType='doi']")]
    parent = record.getparent()
    if parent is not None:
        places += parent.iterfind("PubmedData/ArticleIdList/ArticleId[@IdType='doi']")
    if places:
        pointer = f"/{'/'.join(e.tag for e in reversed([places[0], *places[0].iterancestors()]))}"
        entry.stated.append(("doi", _words(places[0]), pointer))


def _words(element: Element | None) -> str:
    """Return the words of an element on one line; '10⁹' and 'CD34+' as a page shows them."""
    if element is None:
        return ""
    draft = Draft()
    Flow(draft, lambda e: SUP if e.tag == "sup" else INLINE).walk(element)
    return " ".join(block.words for block in draft.blocks)
