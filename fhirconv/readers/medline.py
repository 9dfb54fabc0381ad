"""MEDLINE (.nbib): the record of an article as PubMed and reference managers exchange it."""

import re

from fhirconv.errors import ReadError
from fhirconv.readers.decode import decoded, head
from fhirconv.readers.entry import Entry, author_of
from fhirconv.readers.jats_front import ORCID
from fhirconv.report import Report
from fhirconv.tables import Tables

FORMAT = "MEDLINE"
MEDIA_TYPE = "text/plain"
START = re.compile(r"(?:\s|\d{1,6}: )*PMID ?- *\d{1,9}\s")
FIELD = re.compile(r"([A-Z]{2,4}) {0,3}- ?(.*)")
BROKEN = re.compile(r"[ \t]{2,}(\S.*)")
YEAR = re.compile(r"(?:1[89]|20)\d\d")
DOI = re.compile(r"(10\.\d{4,9}/\S+)(?: \[doi\])?")
PLAIN = {"JT": "journal", "VI": "volume", "IP": "issue", "PG": "pages", "PMID": "pmid"}
AUTHORS = ("FAU", "AU")


def accepts(data: bytes) -> bool:
    """Say whether a file begins with the number of a record."""
    return START.match(head(data)) is not None


def read(data: bytes, name: str, tables: Tables) -> Report:
    """Return the report of the one record that a file holds; raises ReadError."""
    file_text = decoded(data, name)
    fields = _fields(file_text)
    count = sum(tag == "PMID" for tag, _ in fields)
    if count != 1:
        raise ReadError(f"the file holds {count} records, each a report of its own", name)
    return _entry(fields).report(data, name, file_text, MEDIA_TYPE, tables)


def _fields(text: str) -> list[tuple[str, str]]:
    """Return the tags with their values, whose lines may be broken."""
    made: list[tuple[str, str]] = []
    for line in text.splitlines():
        found, more = FIELD.match(line), BROKEN.match(line)
        if found:
            made.append((found[1], found[2].strip()))
        elif more and made:
            made[-1] = (made[-1][0], f"{made[-1][1]} {more[1].strip()}")
    return made


def _entry(fields: list[tuple[str, str]]) -> Entry:
    """Return what a record says."""
    made = Entry()
    full = any(tag == "FAU" for tag, _ in fields)
    for tag, words in fields:
        if tag in PLAIN:
            made.stated.append((PLAIN[tag], words, tag))
        elif tag in ("TI", "TT") and not made.title:
            made.title = words.strip("[]")
        elif tag == "AB":
            made.abstract.append(("", "", words))
        elif tag in ("OT", "PT"):
            (made.keywords if tag == "OT" else made.types).append(words.removeprefix("*"))
        elif tag == "DP" and YEAR.search(words):
            made.stated.append(("year", YEAR.findall(words)[0], tag))
        elif tag in ("LID", "AID") and "[doi]" in words and DOI.match(words):
            made.stated.append(("doi", DOI.findall(words)[0], tag))
        else:
            _person(made, tag, words, full=full)
    return made


def _person(entry: Entry, tag: str, words: str, *, full: bool) -> None:
    """Note an author, or what is said of the last one: in full, where names are given so."""
    if tag == AUTHORS[not full]:
        family, _, given = words.partition(", ") if full else words.rpartition(" ")
        named = author_of(family, given) if family else {"text": words}
        entry.authors.append(named)
        entry.places.append([])
    elif tag == "CN":
        entry.authors.append({"text": words})
        entry.places.append([])
    elif tag == "AD" and entry.places:
        entry.places[-1].append(words)
    elif tag == "AUID" and entry.authors:
        number = ORCID.search(words)
        entry.authors[-1] |= {"orcid": number.group()} if number else {}
