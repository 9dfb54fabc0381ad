"""Plain text: a saved page, an abstract, a case in words, with or without headings."""

import re

from fhirconv.readers.citation import Citation
from fhirconv.readers.decode import decoded, head
from fhirconv.readers.headings import labelled
from fhirconv.readers.lines import blocks_of
from fhirconv.readers.outline import outline_of, sections
from fhirconv.readers.page import Page
from fhirconv.readers.source import language_of, source_of
from fhirconv.report import Report
from fhirconv.tables import Tables

FORMAT = "plain text"
MEDIA_TYPE = "text/plain"
MARKUP = re.compile(r"<(?:[!?/]|[A-Za-z][\w:.-]*[\s/>])")


def accepts(data: bytes) -> bool:
    """Say whether a file is text without mark-up."""
    return not MARKUP.match(head(data))


def read(data: bytes, name: str, tables: Tables) -> Report:
    """Return the report of a plain text in UTF-8 (or UTF-16 with its mark); raises ReadError."""
    text = decoded(data, name)
    outline = outline_of(tables)
    blocks = outline.assign(labelled(blocks_of(text), outline.headings))
    parts = sections(blocks)
    page = Page(text, blocks, outline.front, tables, Citation())
    citation = page.read().document(text, parts, page.own, tables)
    source = source_of(data, name, MEDIA_TYPE, (text, text), language_of(text, tables))
    return Report(text, parts, citation, source)
