"""Narratives so plain that one pattern tells that they are sound: most of them."""

import re

SPACE = r"[ \t\r\n]*"
# What XML lets stand between tags: no bracket, no reference but those of XML itself.
TEXT = (
    r"[^<>&\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]*"
    r"(?:&(?:amp|lt|gt|quot|apos);[^<>&\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]*)*"
)
MARKED = "|".join(f"<{name}>{TEXT}</{name}>" for name in ("b", "i", "em", "strong", "code", "span"))
WORDS = rf"{TEXT}(?:(?:{MARKED}|<br ?/>){TEXT})*"
ROWS = rf"(?:<tr>{SPACE}(?:<td>{WORDS}</td>{SPACE}|<th>{WORDS}</th>{SPACE})+</tr>{SPACE})+"
BLOCKS = (
    *(f"<{name}>{WORDS}</{name}>" for name in ("p", "h1", "h2", "h3", "h4", "h5", "h6")),
    *(rf"<{name}>{SPACE}(?:<li>{WORDS}</li>{SPACE})+</{name}>" for name in ("ul", "ol")),
    rf"<table>{SPACE}(?:<tbody>{SPACE}{ROWS}</tbody>{SPACE}|{ROWS})</table>",
)
DIV = re.compile(
    r'<div(?P<attributes>(?: (?:xmlns|lang|xml:lang)="[A-Za-z0-9:/.-]*")+)>'
    rf"{WORDS}(?:(?:{'|'.join(BLOCKS)}){WORDS})*</div>"
)
ATTRIBUTE = re.compile(r' ([a-z:]+)="([^"]*)"')
NAMESPACE = "http://www.w3.org/1999/xhtml"
TAG = re.compile("<[^>]*>")
LONGEST = 100_000  # characters of a narrative that the pattern is held against


def is_plain(text: str, language: object) -> bool:
    """Say whether a narrative is sound for certain, in a resource of a language (or none)."""
    found = DIV.fullmatch(text) if len(text) <= LONGEST else None
    if not found:
        return False
    listed = ATTRIBUTE.findall(found["attributes"])
    given = dict(listed)
    if len(given) < len(listed) or given.get("xmlns") != NAMESPACE:
        return False
    if language is not None and not given.get("lang") == given.get("xml:lang") == language:
        return False
    return TAG.sub("", text).strip() != ""
