"""HTML: a saved page of an article, with the meta tags that tell where it appeared."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fhirconv.errors import ReadError
from fhirconv.readers.citation import Citation
from fhirconv.readers.decode import byte_order_mark, charset_of, decoded, head
from fhirconv.readers.grid import spread
from fhirconv.readers.headings import labelled
from fhirconv.readers.lines import bulleted
from fhirconv.readers.markup import INLINE, Rule, blocks_under
from fhirconv.readers.meta import Meta
from fhirconv.readers.outline import outline_of, sections
from fhirconv.readers.page import Page
from fhirconv.readers.source import language_of, source_of, stated_language
from fhirconv.readers.tree import html_tree
from fhirconv.report import Report
from fhirconv.tables import Tables

FORMAT = "HTML page"
MEDIA_TYPE = "text/html"
Element = Any
PROLOGUE = re.compile(r"(?:\s|<\?.{0,500}?\?>|<!--.{0,3000}?-->)*", re.DOTALL)
OPENING = re.compile(
    r"<!doctype\s+html|<(?:html|head|body|meta|title|link|script|style|div|section|main|article"
    r"|header|nav|p|h[1-6]|table|ul|ol|span|a|img|br|hr|center|font|b|i|strong|em)\b",
    re.IGNORECASE,
)
HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
REFERENCE = re.compile(
    r"#(?:[\w.-]*[-_.])?(?:references?|refs?|bib|bb|cr|cit|b|r)[-_.]?\w{0,6}?\d", re.IGNORECASE
)
NUMBERS = re.compile(r"[\s\d,;–\[\]()-]+")
WHOLE = frozenset({"html", "body", "main", "article"})  # never left out for a class


def accepts(data: bytes) -> bool:
    """Say whether a file begins as an HTML page does."""
    text = head(data)
    prologue = PROLOGUE.match(text)
    return OPENING.match(text, prologue.end() if prologue else 0) is not None


def read(data: bytes, name: str, tables: Tables) -> Report:
    """Return the report of an HTML page; raises ReadError."""
    declared = "" if byte_order_mark(data)[1] else charset_of(data, name)
    file_text = decoded(data, name, declared)
    root = html_tree(file_text, name)
    spread(root)
    text, raw = blocks_under(root, _rules(root, tables))
    if not text:
        raise ReadError("the HTML page holds no words outside of menus and scripts", name)
    meta = Meta.of(root, tables)
    outline = outline_of(tables)
    plain = [bulleted(block) for block in raw]
    blocks = outline.assign(labelled(plain, outline.headings), meta.title)
    parts = sections(blocks)
    page = Page(text, blocks, outline.front, tables, Citation())
    meta.add_to(page)
    citation = page.read().document(text, parts, page.own, tables)
    language = stated_language(root.get("lang")) or language_of(text, tables)
    return Report(
        text, parts, citation, source_of(data, name, MEDIA_TYPE, (file_text, text), language)
    )


def _rules(root: Element, tables: Tables) -> Callable[[Element], Rule]:
    """Return the rule of every element of a page."""
    parts = Parts.of(tables)
    parts.weigh(root)
    return parts.rule


@dataclass(slots=True)
class Parts:
    """The table html-parts.csv, and which elements hold too much of the page to be left out."""

    tags: dict[str, Rule]
    roles: dict[str, Rule]
    classes: dict[str, Rule]
    heavy: set[Element] = field(default_factory=set)

    @classmethod
    def of(cls, tables: Tables) -> "Parts":
        """Return the parts of a set of tables."""
        made: dict[str, dict[str, Rule]] = {"tag": {}, "role": {}, "class": {}}
        for row in tables.extract["html-parts"]:
            value = row["value"]
            level = int(value[1]) if row["role"] == "heading" else 0
            made[row["attribute"]][value] = Rule(row["role"], row["kind"], level)
        return cls(made["tag"], made["role"], made["class"])

    def weigh(self, root: Element) -> None:
        """Note the elements that a class would leave out though they hold half of the page."""
        from lxml import etree

        total = 0
        opened: list[tuple[Element, int]] = []
        closed: list[tuple[Element, int]] = []
        for event, element in etree.iterwalk(root, events=("start", "end")):
            if event == "start":
                if self._by_class(element):
                    opened.append((element, total))
                total += len(element.text or "") if element.tag not in ("script", "style") else 0
                continue
            if opened and opened[-1][0] is element:
                closed.append((element, total - opened.pop()[1]))
            total += len(element.tail or "")
        self.heavy = {element for element, size in closed if 2 * size > total}

    def rule(self, element: Element) -> Rule:
        """Return what to do with an element."""
        tag = element.tag
        known = self.tags.get(tag, INLINE)
        if known.role == "drop" or _is_hidden(element):
            return Rule("drop")
        if tag == "a" and _is_reference(element):
            return Rule("drop")
        hint = self.roles.get(element.get("role", "").casefold()) or self._by_class(element)
        if hint is None or tag in WHOLE or element in self.heavy or known.role == "cell":
            return known
        if hint.role == "drop":
            return hint
        role = known.role if known.role != "inline" else "inline"
        return Rule(role, hint.kind, known.level)

    def _by_class(self, element: Element) -> Rule | None:
        """Return the rule of the first class or id whose end the table knows."""
        for token in f"{element.get('class', '')} {element.get('id', '')}".split()[:20]:
            words = CAMEL.sub("-", token[:100]).replace("_", "-").casefold().strip("-").split("-")
            for start in range(len(words)):
                rule = self.classes.get("-".join(words[start:]))
                if rule:
                    return rule
        return None


def _is_hidden(element: Element) -> bool:
    if element.get("hidden") is not None or element.get("aria-hidden") == "true":
        return True
    style = element.get("style")
    return bool(style and HIDDEN_STYLE.search(style[:1000]))


def _is_reference(element: Element) -> bool:
    """Say whether a link is the number of a reference in running text."""
    if not REFERENCE.search(element.get("href", "")[:500]):
        return False
    return NUMBERS.fullmatch("".join(element.itertext())[:100]) is not None
