"""JATS and HTML in the shapes that journals give them: boxes, tables, stubs, platforms."""

import pytest

from fhirconv import readers
from fhirconv.errors import ReadError
from fhirconv.report import Report
from fhirconv.tables import built_in
from tests.test_readers import check_laws, of_patients, spoken

TITLE = "<title-group><article-title>Fever in children</article-title></title-group>"
FRONT = f"<front><article-meta>{TITLE}</article-meta></front>"
BOY = "A 9-year-old boy had fever after rituximab."
GIRL = "A 7-year-old girl had a rash."


def read(words: str) -> Report:
    report = readers.read(words.encode(), "article", built_in())
    check_laws(report)
    return report


def article(body: str) -> Report:
    return read(f"<article>{FRONT}<body>{body}</body></article>")


BOXES = [
    ("<caption><title>Case 1</title></caption><p>{}</p>", True),
    ("<title>Case report</title><p>{}</p>", True),
    ("<sec><title>Case presentation</title><p>{}</p></sec>", True),
    ("<label>Case</label><p>{}</p>", True),
    ("<caption><title>Learning points</title></caption><p>{}</p>", False),
    ("<p>{}</p>", False),
]


@pytest.mark.parametrize(("box", "told"), BOXES)
def test_a_box_is_a_case_where_its_title_says_so(box: str, told: bool) -> None:
    intro = "<sec><title>Introduction</title><p>Fever is rare.</p></sec>"
    report = article(f"{intro}<boxed-text>{box.format(BOY)}</boxed-text>")
    assert (BOY in of_patients(report)) is told


def test_a_box_beside_the_case_is_one_only_with_a_number() -> None:
    case = f"<sec><title>Case report</title><p>{GIRL}</p>{{}}</sec>"
    box = "<boxed-text><caption><title>Case{}</title></caption><p>" + BOY + "</p></boxed-text>"
    assert BOY not in of_patients(article(case.format(box.format(""))))
    assert BOY in of_patients(article(case.format(box.format(" 2"))))


TABLES = [
    (
        "a column a patient",
        "<tr><th/><th>Patient 1</th><th>Patient 2</th></tr>"
        "<tr><td>Age</td><td>9</td><td>7</td></tr><tr><td>CRP</td><td/><td>88</td></tr>",
        ["| Patient 1 | Patient 2", "Age | 9 | 7", "CRP | | 88"],
    ),
    (
        "cells over columns",
        "<tr><th/><th colspan='2'>Patient 1</th><th>Patient 2</th></tr>"
        "<tr><td>CRP</td><td>88</td><td>12</td><td>5</td></tr>",
        ["| Patient 1 | | Patient 2", "CRP | 88 | 12 | 5"],
    ),
    (
        "cells over rows",
        "<tr><td rowspan='2'>Boy</td><td>CRP</td><td>88</td></tr>"
        "<tr><td>LDH</td><td>300</td></tr><tr><td>Girl</td><td>CRP</td><td>5</td></tr>",
        ["Boy | CRP | 88", "| LDH | 300", "Girl | CRP | 5"],
    ),
    (
        "numbers that are none",
        "<tr><td colspan='x' rowspan='-1'>a</td><td colspan='0'>b</td></tr><tr><td>c</td></tr>",
        ["a | b", "c"],
    ),
]


@pytest.mark.parametrize(("name", "rows", "lines"), TABLES, ids=[name for name, _, _ in TABLES])
def test_cells_stand_in_their_columns(name: str, rows: str, lines: list[str]) -> None:
    table = f"<table><tbody>{rows}</tbody></table>"
    wrap = f"<table-wrap><label>Table 1</label><caption><p>Values</p></caption>{table}</table-wrap>"
    (told,) = spoken(article(f"<p>{BOY}</p>{wrap}"), "table")
    assert told.split("\n\n")[2:] == lines
    page = read(f"<html><body><h2>Case</h2><p>{BOY}</p><table>{rows}</table></body></html>")
    assert [line for line in page.text.splitlines() if line][2:] == lines


def test_a_table_that_claims_to_be_huge_stays_small() -> None:
    cells = "<td colspan='100' rowspan='1000'>x</td>" * 300
    table = "<table>" + f"<tr>{cells}</tr>" * 50 + "</table>"
    assert len(article(f"<p>{BOY}</p><table-wrap>{table}</table-wrap>").text) < 400_000


def test_a_reply_or_a_translation_is_no_part_of_the_article() -> None:
    stub = f"<front-stub>{TITLE}</front-stub>"
    reply = f"<response>{stub}<body><p>{GIRL}</p></body></response>"
    other = f"<sub-article>{stub}<body><p>{GIRL}</p></body></sub-article>"
    words = f"<article>{FRONT}<body><p>{BOY}</p>{reply}{other}</body>{reply}{other}</article>"
    assert read(words).text == f"Fever in children\n\n{BOY}"


def test_the_one_abstract_of_a_volume_is_the_report() -> None:
    sub = f"<sub-article><front-stub>{TITLE}</front-stub><body><p>{BOY}</p></body></sub-article>"
    assert of_patients(read(f"<article><front/>{sub}</article>")) == f"Fever in children\n{BOY}"
    with pytest.raises(ReadError, match="holds 2 articles, each a report of its own"):
        read(f"<article><front/>{sub}{sub}</article>")


def test_an_abstract_without_a_title_has_its_parts() -> None:
    parts = "".join(
        f"<sec><title>{title}</title><p>{words}</p></sec>"
        for title, words in (("Background", "Rare."), ("Case", BOY), ("Conclusion", "A man died."))
    )
    meta = f"<front><article-meta>{TITLE}<abstract>{parts}</abstract></article-meta></front>"
    report = read(f"<article>{meta}</article>")
    assert [s.kind for s in report.sections] == [
        *("title", "abstract-background", "abstract", "abstract-conclusion")
    ]


META = (
    "<meta name='citation_title' content='Fever in a small boy: a case report'>"
    "<meta name='citation_journal_title' content='Imaginary Reports'>"
    "<meta name='citation_publication_date' content='2019/05/03'>"
    "<meta name='citation_doi' content='10.5555/ir.1'>"
    "<meta name='citation_author' content='Lee, Ann'>"
)
DUBLIN = (
    "<meta name='dc.title' content='Fever in a small boy: a case report'>"
    "<meta name='dc.identifier' content='doi:10.5555/ir.1'>"
    "<meta name='dc.creator' content='Ann Lee'><meta name='dc.date' content='2019-05-03'>"
    "<meta property='og:title' content='Fever in a small boy: a case report | Imaginary'>"
)
HEAD = "<h1>Fever in a small boy: a case report</h1>"
PLATFORMS = {
    "a page of sections with ids": (
        f"{META}<body><nav>Home Journals</nav><main><article>{HEAD}"
        f"<section id='Abs1' aria-labelledby='Abs1'><h2>Abstract</h2><div><h3>Background</h3>"
        f"<p>Fever is rare.</p><h3>Case presentation</h3><p>{BOY}</p></div></section>"
        f"<section data-title='Case presentation'><h2>Case presentation</h2><p>{GIRL} "
        f"<sup><a href='#ref-CR1'>1</a></sup></p></section>"
        f"<section id='rightslink'><h2>Rights and permissions</h2><p>A man of 60.</p></section>"
        f"<section data-title='References'><h2>References</h2><ol><li>A man of 50. 1999.</li>"
        f"</ol></section></article></main><footer>A man of 40.</footer></body>"
    ),
    "a page of an archive of articles": (
        f"{META}<body><header>Search</header><div class='jig-ncbiinpagenav'><div id='mc'>"
        f"<h1 class='content-title'>Fever in a small boy: a case report</h1>"
        f"<div class='tsec sec' id='abs'><h2>Abstract</h2><p>{BOY}</p></div>"
        f"<div class='tsec sec'><h2>Case report</h2><p>{GIRL}<a href='#B1'>1</a></p></div>"
        f"<div class='tsec sec' id='ref-list'><h2>References</h2><p>A man of 50. 1999.</p></div>"
        f"</div></div></body>"
    ),
    "a page of a bibliography": (
        f"{DUBLIN}<body><div id='header'>Sign in</div><div class='main'>{HEAD}"
        f"<div class='abstract-content' id='abstract'><h2>Abstract</h2><p>{BOY}</p></div>"
        f"<div id='free-full-text'><h3>Case report</h3><p>{GIRL}</p></div>"
        f"<div class='related-articles'><h2>Similar articles</h2><p>A man of 50.</p></div>"
        f"</div></body>"
    ),
    "a page of divisions only": (
        f"{DUBLIN}<body><div class='article-header'>{HEAD}</div><div class='article-body'>"
        f"<div class='abstract'><div class='title'>Abstract</div><p>{BOY}</p></div>"
        f"<h2>Case report</h2><div role='paragraph'>{GIRL}</div>"
        f"<div class='copyright'>A man of 60.</div>"
        f"<div class='bibliography'><h2>References</h2><div>A man of 50. 1999.</div></div>"
        f"</div></body>"
    ),
}


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_page_of_a_platform_gives_its_patients_and_no_others(name: str) -> None:
    report = read(f"<!DOCTYPE html><html><head>{PLATFORMS[name]}</html>")
    words = of_patients(report)
    assert BOY in words
    assert GIRL in words
    assert "A man" not in words
    assert "Fever is rare" not in words
    assert report.citation["title"] == "Fever in a small boy: a case report"
    assert (report.citation["doi"], report.citation["year"]) == ("10.5555/ir.1", "2019")
    assert report.citation["authors"][0]["family"] == "Lee"
