"""Narratives so plain that one pattern tells that they are sound: most of them."""

import re
from functools import lru_cache
from itertools import count

SPACE = r"[ \t\r\n]*"
# What XML lets stand between tags: no bracket, no reference but those of XML itself.
TEXT = (
    r"[^<>&\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]*"
    r"(?:&(?:amp|lt|gt|quot|apos);[^<>&\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]*)*"
)
NUMBERS = count(1)  # of the groups


def _element(names: str, content: str) -> str:
    """Return the pattern of an element of one of some names, which its end repeats."""
    group = f"n{next(NUMBERS)}"
    return f"<(?P<{group}>{names})>{content}</(?P={group})>"


def _words() -> str:
    marked = _element("b|i|em|strong|code|span", TEXT)
    return rf"{TEXT}(?:(?:{marked}|<br ?/>){TEXT})*"


ROWS = rf"(?:<tr>{SPACE}(?:{_element('td|th', _words())}{SPACE})+</tr>{SPACE})+"
BLOCKS = (
    _element("p|h[1-6]", _words()),
    _element("ul|ol", rf"{SPACE}(?:<li>{_words()}</li>{SPACE})+"),
    rf"<table>{SPACE}(?P<body><tbody>{SPACE})?{ROWS}(?(body)</tbody>{SPACE})</table>",
)
DIV = re.compile(
    r'<div(?P<attributes>(?: (?:xmlns|lang|xml:lang)="[A-Za-z0-9:/.-]*")+)>'
    rf"{_words()}(?:(?:{'|'.join(BLOCKS)}){_words()})*</div>"
)
ATTRIBUTE = re.compile(r' ([a-z:]+)="([^"]*)"')
NAMESPACE = "http://www.w3.org/1999/xhtml"
WORD = re.compile(r">\s*[^\s<]")  # after a tag: no other text of what the pattern takes has one
SHORT = 256  # characters of the attributes
LONGEST = 100_000  # characters of a narrative that the pattern is held against


def is_plain(text: str, language: object) -> bool:
    """Say whether a narrative is sound for certain, in a resource of a language (or none)."""
    found = DIV.fullmatch(text) if len(text) <= LONGEST else None
    if not found or not WORD.search(text):
        return False
    listed = _attributes(found[1]) if len(found[1]) <= SHORT else None
    if not listed or listed["xmlns"] != NAMESPACE:
        return False
    return language is None or listed.get("lang") == listed.get("xml:lang") == language


@lru_cache(maxsize=256)
def _attributes(text: str) -> dict[str, str] | None:
    """Return attributes by name; None where one is there twice, or no namespace is."""
    listed = ATTRIBUTE.findall(text)
    given = dict(listed)
    return given if len(given) == len(listed) and "xmlns" in given else None
