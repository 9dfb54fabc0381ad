"""Mark-up becomes a tree of elements, with no entity expanded and nothing fetched."""

import re
from html.entities import html5
from typing import Any

from fhirconv.errors import ReadError

Element = Any  # an lxml element
PREDEFINED = frozenset({"amp", "lt", "gt", "quot", "apos"})
# Comments and character data hold '&' as a plain sign; one that does not end takes all the rest.
REFERENCE = re.compile(
    r"<!\[CDATA\[.*?(?:\]\]>|\Z)|<!--.*?(?:-->|\Z)|&([A-Za-z][A-Za-z0-9]{0,31});", re.DOTALL
)
DECLARATION = re.compile(r"\s*<\?xml[^>]{0,300}\?>")
LONGEST_REASON = 120
PLACE = re.compile(r",? line \d+, column \d+.*$", re.DOTALL)


def xml_tree(text: str, name: str) -> Element:
    """Return the root of an XML document, its elements without namespaces.

    A document type may be named, as JATS files do; it is never read. Named characters
    (&alpha;) are those of HTML 5, which holds the ISO sets that JATS declares. Raises
    ReadError for entities that the file declares itself, and for XML that breaks off.
    """
    from lxml import etree

    plain = REFERENCE.sub(_character, DECLARATION.sub("", text, count=1))
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(plain.encode("utf-8"), parser)
    except etree.XMLSyntaxError as error:
        message = f"the XML breaks off or is not well formed: {_reason(error)}"
        raise ReadError(message, _place(error, name)) from error
    _refuse_entities(root, text, name)
    for element in root.iter("{*}*"):
        element.tag = etree.QName(element).localname
    return root


def html_tree(text: str, name: str) -> Element:
    """Return the root of an HTML page; raises ReadError where nothing can be made of it."""
    from lxml import etree, html

    parser = html.HTMLParser(
        encoding="utf-8",
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        plain = DECLARATION.sub("", text, count=1)
        root = html.document_fromstring(plain.encode("utf-8"), parser)
    except (etree.ParserError, etree.XMLSyntaxError) as error:
        raise ReadError("the HTML page holds nothing that can be read", name) from error
    for entry in parser.error_log:
        if entry.type_name == "ERR_RESOURCE_LIMIT":  # the parser stopped there
            reason = "the HTML page nests its elements too deep to be read whole"
            raise ReadError(reason, f"{name}, line {entry.line}")
    return root


def _character(found: re.Match[str]) -> str:
    """Return a named character as a number, an unknown name as plain words."""
    word = found[1]
    if word is None or word in PREDEFINED:
        return found.group()
    characters = html5.get(f"{word};")
    return "".join(f"&#{ord(c)};" for c in characters) if characters else f"&amp;{word};"


def _refuse_entities(root: Element, text: str, name: str) -> None:
    declared = root.getroottree().docinfo.internalDTD
    if declared is not None and any(True for _ in declared.iterentities()):
        line = text.count("\n", 0, max(text.find("<!ENTITY"), 0)) + 1
        message = "the XML declares entities of its own, which are never expanded"
        raise ReadError(message, f"{name}, line {line}")


def _reason(error: Exception) -> str:
    """Return what the parser says, without its place and without what it quotes of the file."""
    said = str(error.args[0] if error.args else error).split("\n")[0]
    return PLACE.sub("", said).strip()[:LONGEST_REASON]


def _place(error: Any, name: str) -> str:
    line, column = error.position
    return f"{name}, line {line}, column {column}" if line else name
