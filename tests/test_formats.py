"""One case in every format: the same facts, each quote in the text whose hash is stated."""

import gzip
import hashlib
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fhirconv import convert, readers
from fhirconv.facts import evidence_of
from fhirconv.tables import built_in
from tests.papers import Press
from tests.test_readers_docx import packed, paragraph
from tests.test_records import MEDLINE, pubmed, pubmed_set

pytest.importorskip("pypdfium2")

TITLE = "Fever after the infusion of cells in a small boy"
CASE = (
    "A 9-year-old boy with acute lymphoblastic leukemia was given rituximab.",
    "On day 5 he had fever and a rash. He had no headache.",
    "He was treated with ceftriaxone and recovered.",
)


def as_text(*words: str) -> bytes:
    return f"{TITLE}\n\nCase presentation\n\n{' '.join(words)}\n".encode()


def as_html(*words: str) -> bytes:
    return (
        f"<!DOCTYPE html><html><head><meta name='citation_title' content='{TITLE}'></head><body>"
        f"<h1>{TITLE}</h1><h2>Case presentation</h2><p>{' '.join(words)}</p></body></html>"
    ).encode()


def as_jats(*words: str) -> bytes:
    title = f"<title-group><article-title>{TITLE}</article-title></title-group>"
    return (
        f"<article><front><article-meta>{title}</article-meta></front><body><sec>"
        f"<title>Case presentation</title><p>{' '.join(words)}</p></sec></body></article>"
    ).encode()


def as_pubmed(*words: str) -> bytes:
    part = f"<AbstractText Label='CASE PRESENTATION'>{' '.join(words)}</AbstractText>"
    return pubmed_set(pubmed(7, title=f"{TITLE}.", abstract=part))


def as_medline(*words: str) -> bytes:
    start, _, rest = MEDLINE.format(pmid=7).partition("TI  - ")
    told = f"TI  - {TITLE}.\nAB  - CASE PRESENTATION: {' '.join(words)}\n"
    return (start + told + rest[rest.index("CI  - ") :]).encode()


def as_pdf(*words: str) -> bytes:
    press = Press()
    press.across(TITLE, 18)
    press.heading("Case presentation")
    press.paragraph(" ".join(words))
    return press.done()


def as_docx(*words: str) -> bytes:
    head = paragraph(TITLE, "Titel") + paragraph("Case presentation", "berschrift1")
    return packed(head + paragraph(" ".join(words)))


def as_gzip(*words: str) -> bytes:
    return gzip.compress(as_jats(*words), mtime=0)


FORMATS: dict[str, Callable[..., bytes]] = {
    made.__name__.removeprefix("as_"): made
    for made in (as_text, as_html, as_jats, as_pubmed, as_medline, as_pdf, as_docx, as_gzip)
}


def facts_of(data: bytes) -> list[tuple[str, str, str]]:
    """Return kind, words and polarity of every fact; fail where a quote is not in the text."""
    report = convert.read(data, name="case")
    encoded = report.text.encode()
    stated = report.source.get("textSha256", report.source["sha256"])
    assert hashlib.sha256(encoded).hexdigest() == stated
    assert report.source["textBytes"] == len(encoded)
    document = convert.extract(report)
    for _, evidence in evidence_of(document):
        if "start" in evidence:
            assert report.text[evidence["start"] : evidence["end"]] == evidence["text"]
    return sorted(
        (fact["kind"], fact["label"], fact["assertion"]["polarity"]) for fact in document["facts"]
    )


@pytest.mark.parametrize("name", FORMATS)
def test_a_case_has_the_same_facts_in_every_format(name: str) -> None:
    wanted = facts_of(as_text(*CASE))
    assert len(wanted) >= 5
    assert facts_of(FORMATS[name](*CASE)) == wanted


WORDS = st.lists(
    st.sampled_from([*CASE, "It was 39.2 \u00b0C.", "Platelets were 90 x 10 9/L.", "He died."]),
    min_size=1,
    max_size=6,
)


@settings(deadline=None, max_examples=10, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(FORMATS)), WORDS)
def test_every_quote_stands_in_the_text_whatever_the_format(name: str, words: list[str]) -> None:
    facts_of(FORMATS[name](*words))


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "gzip"])
def test_the_reader_of_a_format_is_chosen_by_content(name: str) -> None:
    data = FORMATS[name](*CASE)
    chosen = next(reader for reader in readers.READERS if reader.accepts(data))
    assert chosen.__name__.endswith(name)
    assert readers.read(data, "without.an.ending", built_in()).text
