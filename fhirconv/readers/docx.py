"""DOCX: a manuscript of Word, its paragraphs, headings, tables and notes, nothing else."""

import io
import re
import zipfile
import zlib
from collections.abc import Callable

from fhirconv.errors import ReadError
from fhirconv.readers.blocks import Draft
from fhirconv.readers.citation import Citation
from fhirconv.readers.headings import labelled
from fhirconv.readers.lines import bulleted
from fhirconv.readers.markup import INLINE, Element, Flow, Rule
from fhirconv.readers.outline import outline_of, sections
from fhirconv.readers.page import Page
from fhirconv.readers.source import language_of, source_of
from fhirconv.readers.tree import xml_tree
from fhirconv.report import Report
from fhirconv.tables import Tables

FORMAT = "DOCX"
MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
MARKS = (b"PK\x03\x04", b"PK\x05\x06")
BODY, STYLES, NOTES = "word/document.xml", "word/styles.xml", "word/footnotes.xml"
LARGEST = 50_000_000  # bytes of a part when unpacked
TROUBLE = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, OSError)
STYLE = re.compile(r"heading ([1-6])")
VALUE = "val"
WRITTEN = {"tab": " ", "noBreakHyphen": "-", "ptab": " "}  # elements that are a sign
RULES = {
    **{"tbl": Rule("block", "table"), "tr": Rule("block", "table"), "tc": Rule("cell")},
    **{"br": Rule("break"), "cr": Rule("break"), "txbxContent": Rule("block", "figure")},
} | dict.fromkeys(
    # what was deleted or moved away, fields, the second form of a drawing, marks of notes
    (
        *("del", "moveFrom", "instrText", "delText", "Fallback", "footnoteReference"),
        *("endnoteReference", "footnoteRef", "commentReference", "pict"),
    ),
    Rule("drop"),
)
SUPERSCRIPT = Rule("sup")


def accepts(data: bytes) -> bool:
    """Say whether a file is a ZIP archive, as DOCX is."""
    return data.startswith(MARKS)


def read(data: bytes, name: str, tables: Tables) -> Report:
    """Return the report of a DOCX; raises ReadError, for other archives as well."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = {part: _part(archive, part, name) for part in (BODY, STYLES, NOTES)}
            _refuse_others(archive, parts[BODY], name)
    except TROUBLE as error:
        raise ReadError("the ZIP archive is broken, encrypted or cut short", name) from error
    draft = Draft()
    styles = _styles(parts[STYLES], name)
    for part in (BODY, NOTES):
        if parts[part]:
            root = _tidied(xml_tree(parts[part], f"{name}!{part}"))
            kind = "other" if part == NOTES else ""
            Flow(draft, _rules(styles), kinds=[kind]).walk(root)
    text, outline = draft.text, outline_of(tables)
    if not text:
        raise ReadError("the DOCX holds no words", name)
    plain = [bulleted(block) for block in draft.blocks]
    blocks = outline.assign(labelled(plain, outline.headings))
    found = sections(blocks)
    page = Page(text, blocks, outline.front, tables, Citation())
    citation = page.read().document(text, found, page.own, tables)
    source = source_of(data, name, MEDIA_TYPE, (text, text), language_of(text, tables))
    return Report(text, found, citation, source)


def _part(archive: zipfile.ZipFile, part: str, name: str) -> str:
    """Return a part of the document, '' where there is none; raises ReadError for a huge one."""
    if part not in archive.namelist():
        return ""
    with archive.open(part) as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise ReadError(f"the part {part} is larger than {LARGEST} bytes when unpacked", name)
    return data.decode("utf-8", "replace").removeprefix("\ufeff")


def _refuse_others(archive: zipfile.ZipFile, body: str, name: str) -> None:
    """Raise ReadError for an archive that is no DOCX."""
    if body:
        return
    names = archive.namelist()
    if "[Content_Types].xml" in names:
        raise ReadError("the file is an Office file without a text: save it as DOCX", name)
    if "mimetype" in names:
        raise ReadError("the file is an OpenDocument or EPUB file: save it as DOCX or HTML", name)
    message = f"the file is a ZIP archive of {len(names)} files within another: unpack it first"
    raise ReadError(message, name)


def _styles(part: str, name: str) -> dict[str, str]:
    """Return the plain names of the styles, which programs number in their own languages."""
    if not part:
        return {}
    root = xml_tree(part, f"{name}!{STYLES}")
    found = {}
    for style in root.iter("style"):
        called = style.find("name")
        found[_value(style, "styleId")] = _value(called).casefold() if called is not None else ""
    return found


def _value(element: Element | None, attribute: str = VALUE) -> str:
    """Return an attribute, whatever its namespace."""
    for name, value in element.attrib.items() if element is not None else ():
        if name.rpartition("}")[2] == attribute:
            return str(value)
    return ""


def _tidied(root: Element) -> Element:
    """Return the tree with words in its text elements only, and signs written out."""
    for element in root.iter():
        element.tail = None
        if element.tag != "t":
            element.text = WRITTEN.get(element.tag)
    return root


def _rules(styles: dict[str, str]) -> Callable[[Element], Rule]:
    def rule_of(element: Element) -> Rule:
        if element.tag == "p":
            return _paragraph(element, styles)
        if element.tag == "r" and _value(element.find("rPr/vertAlign")) == "superscript":
            return SUPERSCRIPT
        return RULES.get(element.tag, INLINE)

    return rule_of


def _paragraph(element: Element, styles: dict[str, str]) -> Rule:
    """Return the rule of a paragraph: a heading by its style, an item of a list, or a block."""
    if next(element.iterancestors("tc"), None) is not None:
        return INLINE
    style = styles.get(_value(element.find("pPr/pStyle")), "")
    level = STYLE.fullmatch(style)
    if level:
        return Rule("heading", "", int(level[1]))
    return Rule("item" if element.find("pPr/numPr") is not None else "block")
