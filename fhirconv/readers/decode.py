"""Bytes become characters, or a sentence says why they are no text."""

import codecs
import re

from fhirconv.errors import ReadError
from fhirconv.tables import Tables

BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
HEAD = 4096  # bytes in which a page declares its character set (HTML asks for 1024)
CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f\ufffe\uffff]")
DECLARED = re.compile(
    rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:+-]{1,40})"""
    rb"""|<meta[^>]{0,400}?charset\s*=\s*["']?\s*([\w.:+-]{1,40})""",
    re.IGNORECASE,
)
# Character sets proper; Python knows others (idna, unicode_escape) that no page is written in.
CHARSETS = re.compile(
    r"utf-?(8|16)|us-ascii|ascii|iso|latin|cp\d|windows|mac|koi8|big5|gb|euc|shift|hz",
    re.IGNORECASE,
)
SAME_IN_HTML = {"iso8859-1": "cp1252", "ascii": "cp1252"}  # WHATWG Encoding, section 4.2


def refuse(data: bytes, name: str, tables: Tables, known: str) -> None:
    """Raise ReadError for what is no text: nothing, white space, a known binary format."""
    if not data:
        raise ReadError("the file is empty", name)
    if not data.strip(b" \t\r\n\f\v\0"):
        raise ReadError("the file holds only white space", name)
    for row in tables.extract["signatures"]:
        mark, offset = bytes.fromhex(row["bytes"]), int(row["offset"])
        if data.startswith(mark, offset):
            raise ReadError(
                f"the file is {row['format']}, which is not read (known: {known})", name
            )


def decoded(data: bytes, name: str, declared: str = "") -> str:
    """Return the characters of a file, without a byte order mark.

    The mark decides the character set, else `declared`, else it is UTF-8; raises ReadError
    with the byte at which the file breaks its character set, or holds a control character.
    """
    mark, marked = byte_order_mark(data)
    charset = marked or declared or "utf-8"
    try:
        text = data[len(mark) :].decode(charset)
    except UnicodeDecodeError as error:
        place = f"{name}, byte {error.start + len(mark)}"
        raise ReadError(f"the file is not {charset.upper()}", place) from error
    control = CONTROL.search(text)
    if control:
        byte = len(mark) + len(text[: control.start()].encode(charset, "replace"))
        sign = f"U+{ord(control.group()):04X}"
        raise ReadError(f"the file is not text: it holds {sign}", f"{name}, byte {byte}")
    if not text.strip():
        raise ReadError("the file holds only white space", name)
    return text


def byte_order_mark(data: bytes) -> tuple[bytes, str]:
    """Return the byte order mark and its character set; both empty where there is none."""
    return next(((m, c) for m, c in BYTE_ORDER_MARKS if data.startswith(m)), (b"", ""))


def charset_of(data: bytes, name: str) -> str:
    """Return the character set that markup declares, as Python calls it; '' for none."""
    found = DECLARED.search(data, 0, HEAD)
    if not found:
        return ""
    word = (found[1] or found[2]).decode("ascii", "replace")
    try:
        charset = codecs.lookup(word).name
    except LookupError:
        charset = ""
    if not charset or not CHARSETS.match(charset):
        raise ReadError(f"the file declares an unknown character set {word!r}", name)
    if charset.startswith(("utf-16", "utf-32")):
        return ""  # it could be read so far, hence it is not UTF-16 (WHATWG HTML, 13.2.3.2)
    return SAME_IN_HTML.get(charset, charset)


def head(data: bytes) -> str:
    """Return the beginning of a file as far as it can be read, for a look at its format."""
    mark, charset = byte_order_mark(data)
    return data[len(mark) : HEAD].decode(charset or "utf-8", "replace").lstrip()
