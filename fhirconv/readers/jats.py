"""JATS XML: the article as PubMed Central and the publishers exchange it."""

import re
from collections.abc import Callable

from fhirconv.errors import ReadError
from fhirconv.readers.blocks import Block, Draft
from fhirconv.readers.decode import byte_order_mark, charset_of, decoded, head
from fhirconv.readers.grid import spread
from fhirconv.readers.headings import Headings, labelled
from fhirconv.readers.jats_front import Matter
from fhirconv.readers.markup import INLINE, Element, Flow, Rule, words_of
from fhirconv.readers.outline import LEAD, Outline, outline_of, sections
from fhirconv.readers.page import Page
from fhirconv.readers.source import language_of, source_of, stated_language
from fhirconv.readers.tree import xml_tree
from fhirconv.report import Report
from fhirconv.tables import Tables

FORMAT = "JATS XML"
CASE = "case"
MEDIA_TYPE = "application/jats+xml"
ROOT = re.compile(r"<(?:[\w.-]+:)?(?:article|pmc-articleset|OAI-PMH|records?|metadata)[\s>]")
ARTICLE = re.compile(rb"<(?:[\w.-]+:)?(?:front|front-stub|article-meta|journal-meta)[\s>/]")
DEEP = 200_000  # bytes in which a wrapped article begins
LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
ASIDE = frozenset("graphical teaser toc key-points highlights precis executive-summary".split())
OWN = ("front", "front-stub", "body")
TEXTS = ("body", "front/article-meta/abstract")
NUMBERED = re.compile(r"\d\W*$")
BOX_TITLES = ("caption/title", "title", "label", "sec/title", "p/bold")
INLINE_LABELS = frozenset({"list-item", "fn", "def-item", "statement", "table-wrap-foot"})
HEADED = frozenset({"sec", "abstract", "trans-abstract", "ack", "app", "notes", "fn-group", "bio"})


def accepts(data: bytes) -> bool:
    """Say whether a file is an article of JATS or NLM, by itself or within a set."""
    mark, charset = byte_order_mark(data)
    if charset not in ("", "utf-8"):
        data = data[len(mark) : 2 * DEEP].decode(charset, "replace").encode()
    return ROOT.search(head(data)) is not None and ARTICLE.search(data, 0, DEEP) is not None


def read(data: bytes, name: str, tables: Tables) -> Report:
    """Return the report of a JATS article, by itself or in its wrapper; raises ReadError."""
    declared = "" if byte_order_mark(data)[1] else charset_of(data, name)
    file_text = decoded(data, name, declared)
    article = _with_front(_article(xml_tree(file_text, name), name))
    spread(article)
    outline, draft = outline_of(tables), Draft()
    matter = Matter(article, draft, outline.front)
    citation = matter.write()
    blocks = [*draft.blocks, *_parts(article, draft, outline, tables)]
    text, parts = draft.text, sections(blocks)
    if not text:
        raise ReadError("the JATS article holds no words", name)
    made = Page(text, blocks, outline.front, tables, citation).read_rest()
    language = stated_language(article.get(LANGUAGE)) or language_of(text, tables)
    source = source_of(data, name, MEDIA_TYPE, (file_text, text), language)
    return Report(text, parts, made.document(text, parts, None, tables), source)


def _article(root: Element, name: str) -> Element:
    """Return the one article of a document."""
    listed = [root] if root.tag == "article" else root.iter("article")
    found = [e for e in listed if any(e.find(part) is not None for part in OWN)]
    if len(found) == 1 and not any(found[0].find(path) is not None for path in TEXTS):
        found = found[0].findall("sub-article") or found  # abstracts of a meeting
    if not found:
        raise ReadError("the XML holds no article with front matter or a body", name)
    if len(found) > 1:
        raise ReadError(f"the file holds {len(found)} articles, each a report of its own", name)
    return found[0]


def _with_front(article: Element) -> Element:
    """Return an article with its front matter where articles have it, in place of a stub."""
    stub = article.find("front-stub")
    if stub is not None and article.find("front") is None:
        front = article.makeelement("front")
        article.replace(stub, front)
        stub.tag = "article-meta"
        front.append(stub)
    return article


def _parts(article: Element, draft: Draft, outline: Outline, tables: Tables) -> list[Block]:
    """Write abstract, body and back matter, and return their blocks with their kinds."""
    rule_of = _rules(article, outline.headings, tables)
    made: list[Block] = []
    for elements, kind in (
        (article.findall("front/article-meta/abstract"), "abstract"),
        (article.findall("front/article-meta/trans-abstract"), "other"),
        (article.findall("body"), LEAD),
        (article.findall("back"), "other"),
        (article.findall("floats-group"), "figure"),
    ):
        written = len(draft.blocks)
        for element in elements:
            Flow(draft, rule_of).walk(element)
        made += outline.walk(labelled(draft.blocks[written:], outline.headings), kind)
    return outline.settled(made)


def _rules(article: Element, headings: Headings, tables: Tables) -> Callable[[Element], Rule]:
    """Return the rule of every element, as jats-parts.csv and the types of sections say."""
    titles = article.iterfind("body//sec/title")
    free = (words_of(e) for e in titles if next(e.iterancestors("boxed-text"), None) is None)
    cases = any(_heads_case(words, headings) for words in free)
    rules = {r["element"]: Rule(r["role"], r["kind"]) for r in tables.extract["jats-parts"]}
    types = {r["type"]: r["kind"] for r in tables.extract["jats-section-types"]}

    def rule_of(element: Element) -> Rule:
        tag = element.tag
        if tag == "title":
            return _title(element, types)
        if tag == "label":
            return _label(element)
        if tag == "xref":
            return Rule("drop") if element.get("ref-type") == "bibr" else INLINE
        if tag == "boxed-text" and _is_case(element, headings, others=cases):
            return Rule("block", CASE)
        if tag == "abstract" and (element.get("abstract-type") or "") in ASIDE:
            return Rule("block", "other")
        return rules.get(tag, INLINE)

    return rule_of


def _is_case(box: Element, headings: Headings, *, others: bool) -> bool:
    """Say whether a box tells a case: 'Case 2', or 'Case' where no section tells one."""
    titles = (words_of(box.find(path)) for path in BOX_TITLES)
    words = next((w for w in titles if w), "")
    return _heads_case(words, headings) and (not others or NUMBERED.search(words) is not None)


def _heads_case(words: str, headings: Headings) -> bool:
    known = headings.find(words)
    return known is not None and known[0] == CASE


def _title(element: Element, types: dict[str, str]) -> Rule:
    """Return the rule of a title: a heading, of the kind that its section's type says."""
    parent = element.getparent()
    if parent is None or parent.tag not in HEADED:
        return Rule("block")
    depth = 1 + sum(1 for _ in parent.iterancestors("sec", "abstract", "trans-abstract"))
    said = (parent.get("sec-type") or "").casefold()
    kind = next((types[t] for t in (said, *said.split("|")) if t in types), "")
    return Rule("heading", kind, min(depth, 6))


def _label(element: Element) -> Rule:
    parent = element.getparent()
    if parent is not None and parent.tag in HEADED:
        return Rule("drop")
    return INLINE if parent is not None and parent.tag in INLINE_LABELS else Rule("block")
