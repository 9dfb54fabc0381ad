"""PDF with a text layer: the pages of a printed paper, in the order in which a person reads."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from fhirconv.errors import ReadError
from fhirconv.readers import pdf_runs
from fhirconv.readers.blocks import Draft
from fhirconv.readers.citation import Citation
from fhirconv.readers.columns import CELL, RAISED, in_order, lines_of
from fhirconv.readers.headings import labelled
from fhirconv.readers.hyphens import Hyphens
from fhirconv.readers.lines import bulleted
from fhirconv.readers.markup import POWER, SUPERSCRIPT, tidy
from fhirconv.readers.outline import outline_of, sections
from fhirconv.readers.page import Page
from fhirconv.readers.paragraphs import Paper, Paragraph, paper_of
from fhirconv.readers.source import language_of, source_of
from fhirconv.report import Report
from fhirconv.tables import Tables

FORMAT = "PDF"
MEDIA_TYPE = "application/pdf"
MARK = b"%PDF-"
HEAD = 1024  # bytes in which the mark stands (ISO 32000, annex H)
SECONDS = 60
UNREADABLE = 0.2  # the share of characters that a font does not tell
INSIDE = re.compile(rf"{RAISED[0]}([^{RAISED}]*){RAISED[1]}")
NUMBERS = re.compile(r"[\s\d,;*†‡§–\[\]()-]+")
UNIT = re.compile(r"(?<![^\W_])[^\W\d_]{1,2}$")  # m², cm³: a number raised after it is a power
PROSE = 12  # words
SENTENCE = re.compile(r"[.!?]['\"”’)\]]*\s*$")


def accepts(data: bytes) -> bool:
    """Say whether a file is a PDF document."""
    return MARK in data[:HEAD]


def read(data: bytes, name: str, tables: Tables) -> Report:
    """Return the report of a PDF; raises ReadError, for a scan without text as well."""
    pages = _pages(data, name)
    lines = [(page["height"], lines_of(page["runs"])) for page in pages]
    _refuse_images(pages, name)
    paper = paper_of(lines, in_order, lambda words: Hyphens.of(words, tables))
    draft = Draft()
    marks = list(_written(draft, paper))
    text, outline = draft.text, outline_of(tables)
    plain = [bulleted(block) for block in draft.blocks]
    blocks = outline.assign(labelled(plain, outline.headings), _cleared(paper.title, kept=False))
    parts = sections(blocks)
    made = Page(text, blocks, outline.front, tables, Citation())
    citation = made.read().document(text, parts, made.own, tables)
    source = source_of(data, name, MEDIA_TYPE, (text, text), language_of(text, tables))
    return Report(text, parts, citation, source, tuple(marks))


def _pages(data: bytes, name: str) -> list[dict[str, Any]]:
    """Return the runs of each page; a process of its own opens the PDF, within limits."""
    command = [sys.executable, "-P", str(Path(pdf_runs.__file__))]
    try:
        done = subprocess.run(  # noqa: S603 - this very file, no shell
            command, input=data, capture_output=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ReadError(f"the PDF cannot be read within {SECONDS} seconds", name) from error
    try:
        said = json.loads(done.stdout)
    except ValueError as error:
        raise ReadError("the PDF is broken: what opened it crashed", name) from error
    if "pages" in said:
        pages: list[dict[str, Any]] = said["pages"]
        return pages
    raise ReadError(_sentence(said), name)


def _sentence(said: dict[str, str]) -> str:
    """Return why a PDF could not be opened, in one sentence."""
    if "limit" in said:
        return f"the PDF {said['limit']}"
    problem = said["problem"]
    if problem == "missing":
        return "a PDF is read by pypdfium2, which is not here: pip install 'fhirconv[pdf]'"
    if "password" in problem.casefold() or "security" in problem.casefold():
        return "the PDF is encrypted and asks for a password: save it without one"
    return "the PDF is broken and cannot be opened"


def _refuse_images(pages: Sequence[dict[str, Any]], name: str) -> None:
    """Raise ReadError where the pages show no text, or text that nobody can decode."""
    words = [run[0] for page in pages for run in page["runs"]]
    letters = sum(len(word.replace(" ", "")) for word in words)
    if not letters:
        count = f"{len(pages)} pages" if len(pages) != 1 else "one page"
        message = f"the PDF is {count} without text, perhaps a scan: recognise its words first"
        raise ReadError(message, name)
    if sum(word.count("\ufffd") for word in words) > UNREADABLE * letters:
        raise ReadError("the fonts of the PDF do not say which characters they show", name)


def _written(draft: Draft, paper: Paper) -> Iterator[tuple[int, int]]:
    """Write the paragraphs and yield (offset, page) where the words of a page begin."""
    page = 0
    in_front = True
    for paragraph in paper.paragraphs:
        in_front = in_front and not _is_prose(paragraph.words)
        words, starts = "", []
        for piece in _pieces(paragraph):
            cleared = _cleared(piece, kept=in_front)
            starts.append(len(words))
            words += cleared + (" " if piece.endswith(" ") and cleared else "")
        if not words.strip():
            continue
        kind = "table" if CELL in words and not in_front else ""
        block = draft.add(words.strip(), gap=paragraph.gap, kind=kind)
        for start, (_, number) in zip(starts, paragraph.marks, strict=True):
            if number != page:
                yield block.start + start, number
                page = number


def _pieces(paragraph: Paragraph) -> Iterator[str]:
    """Yield the words of a paragraph page by page."""
    places = [offset for offset, _ in paragraph.marks] + [len(paragraph.words)]
    for start, end in pairwise(places):
        yield paragraph.words[start:end]


def _is_prose(words: str) -> bool:
    return len(words.split()) > PROSE and SENTENCE.search(words) is not None


def _cleared(words: str, *, kept: bool) -> str:
    """Return words with what stood raised: a power stays, the number of a reference goes.

    kept: these are names and places, whose numbers tell who works where.
    """

    def raised(found: re.Match[str]) -> str:
        before, sign = found.string[: found.start()], found[1].strip()
        if kept:
            return sign
        if before[-1:].isdigit() and POWER.fullmatch(sign):
            return sign.translate(SUPERSCRIPT)
        if NUMBERS.fullmatch(sign) and not UNIT.search(before):
            return ""
        return sign

    return tidy(INSIDE.sub(raised, words).replace("\ufffd", ""))
