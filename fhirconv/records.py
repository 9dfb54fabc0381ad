"""A file of many records (PubMed XML, MEDLINE, a set of articles) is cut into one a report."""

import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import BinaryIO

from fhirconv.errors import ReadError
from fhirconv.files import Input, reason
from fhirconv.lines import Line, Reading, of_lines, sniffed

HEAD = 65536  # bytes in which it shows what a file is
CHUNK = 1_000_000
DECLARATION = re.compile(rb"\s*(<\?xml[^>]{0,200}\?>)")
CHARSET = re.compile(rb"encoding\s*=\s*[\"'](?!utf-?8)", re.IGNORECASE)
NAMESPACE = re.compile(rb"\sxmlns(?::[\w.-]{1,60})?\s*=\s*(?:\"[^\"<]{1,300}\"|'[^'<]{1,300}')")
MEDLINE = re.compile(rb"(?:\xef\xbb\xbf)?(?:\s|\d{1,6}: )*PMID ?- *\d")
NUMBER = re.compile(rb"(?:\d{1,6}: )?PMID ?- *\d")

Cut = Callable[[BinaryIO, int], Iterator[Line]]


@dataclass(frozen=True, slots=True)
class Form:
    """A set of records in XML: its root, and where each record begins and ends."""

    root: re.Pattern[bytes]
    start: re.Pattern[bytes]
    end: bytes


FORMS = (
    Form(
        re.compile(rb"<PubmedArticleSet[\s>]"),
        re.compile(rb"<PubmedArticle[\s>]"),
        b"</PubmedArticle>",
    ),
    Form(
        re.compile(rb"<(?:pmc-articleset|OAI-PMH|articles|articleset)[\s>]"),
        re.compile(rb"<article[\s>]"),
        b"</article>",
    ),
)


def several(item: Input, limit: int) -> tuple[Cut | None, Input]:
    """Return what cuts an input that holds many documents, None for a whole one.

    Returns with it the input, which knows what of standard input was read for that. Standard
    input is cut by its lines only. Raises ReadError where it cannot be read.
    """
    found, begun = sniffed(item, limit)
    if found:
        return of_lines, begun
    if item.path is None or not item.path.is_file():
        return None, begun
    try:
        with item.open() as file:
            start = file.read(4)
        if not start.lstrip() or start.startswith(b"%PDF"):
            return None, begun
        head = next(iter(Reading(item, HEAD, cut=_whole_head)), Line(0, b"")).data
    except (OSError, ValueError) as error:
        raise ReadError(f"the file cannot be read: {reason(error)}", item.shown) from error
    cut = cutter(head)
    if cut is None or len(list(islice(Reading(item, limit, cut=cut), 2))) < 2:
        return None, begun
    return cut, begun


def _whole_head(stream: BinaryIO, limit: int) -> Iterator[Line]:
    yield Line(1, stream.read(limit))


def records_of(data: bytes, limit: int) -> list[Line]:
    """Return the records of a file of several; none of a file that is one report."""
    cut = cutter(data[:HEAD])
    found = list(cut(io.BytesIO(data), limit)) if cut else []
    return found if len(found) > 1 else []


def cutter(head: bytes) -> Cut | None:
    """Return what cuts a file that begins so; None for one that is no set of records."""
    if MEDLINE.match(head):
        return _medline
    form = next((f for f in FORMS if f.root.search(head)), None)
    return partial(_xml, form, head) if form else None


def _xml(form: Form, head: bytes, stream: BinaryIO, limit: int) -> Iterator[Line]:
    """Yield the records of a set in XML, each a document of its own."""
    before, after = _frame(form, head)
    held, place, number = b"", 0, 0
    while True:
        found = form.start.search(held, place)
        end = held.find(form.end, found.end()) if found else -1
        if found and end >= 0:
            number, place = number + 1, end + len(form.end)
            yield Line(number, before + held[found.start() : place] + after, is_record=True)
            continue
        more = stream.read(CHUNK)
        if found and (not more or len(held) - found.start() > limit):
            why = f"is larger than {limit} bytes (--max-size)" if more else "breaks off"
            yield Line(number + 1, b"", f"the record {why}")
            return
        if not more:
            return
        held, place = held[found.start() if found else max(place, len(held) - 100) :] + more, 0


def _frame(form: Form, head: bytes) -> tuple[bytes, bytes]:
    """Return what has to stand around a record: its character set, the names of the set."""
    first = form.start.search(head)
    declared = DECLARATION.match(head)
    before = b""
    if declared and CHARSET.search(declared[1]):
        before = declared[1]
    names = b"".join(dict.fromkeys(NAMESPACE.findall(head[: first.start() if first else 0])))
    names = names if names and b":" in names.split(b"=")[0] else b""
    return (before + b"<records" + names + b">", b"</records>") if names else (before, b"")


def _medline(stream: BinaryIO, limit: int) -> Iterator[Line]:
    """Yield the records of MEDLINE, each from its PMID on."""
    held: list[bytes] = []
    size = number = 0
    while line := stream.readline(limit):
        if NUMBER.match(line.removeprefix(b"\xef\xbb\xbf")) and held and b"".join(held).strip():
            number += 1
            yield _record(number, held, size, limit)
            held, size = [], 0
        size += len(line)
        if size <= limit:
            held.append(line)
    if held and b"".join(held).strip():
        yield _record(number + 1, held, size, limit)


def _record(number: int, held: list[bytes], size: int, limit: int) -> Line:
    if size > limit:
        return Line(number, b"", f"the record is larger than {limit} bytes (--max-size)")
    return Line(number, b"".join(held), is_record=True)
