"""Readers: saved pages, HTML, JATS and plain text become sections and a citation, or a sentence."""

import csv
import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from html import escape
from pathlib import Path
from textwrap import fill, indent
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from fhirconv import readers
from fhirconv.errors import ReadError
from fhirconv.facts import evidence_of
from fhirconv.readers import html, jats, text
from fhirconv.readers.bibliography import Styles
from fhirconv.readers.names import Names
from fhirconv.report import Report
from fhirconv.tables import MAPPINGS, built_in

CASES = Path(__file__).parent / "cases" / "readers"
EXPECTED: dict[str, Any] = json.loads((CASES / "expected.json").read_text(encoding="utf-8"))
SCHEMA = json.loads((MAPPINGS / "facts.schema.json").read_text(encoding="utf-8"))
SEEDS = ("000", "004")


def read(words: str, name: str = "report.txt") -> Report:
    """Return the report of words in UTF-8."""
    return readers.read(words.encode(), name, built_in())


def rows(table: str) -> list[dict[str, str]]:
    """Return the rows of a table of cases."""
    with (CASES / table).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def spoken(report: Report, *kinds: str) -> list[str]:
    """Return the words of the sections of these kinds."""
    return [report.text[s.start : s.end] for s in report.parts(*kinds)]


def of_patients(report: Report) -> str:
    """Return all words from which facts of a patient may come."""
    kinds = [r["kind"] for r in built_in().extract["section-kinds"] if r["facts"] == "yes"]
    return "\n".join(spoken(report, *kinds))


def check_laws(report: Report) -> None:
    """Fail where sections overlap, a quote is not in the text, or the schema is broken."""
    kinds = {r["kind"] for r in built_in().extract["section-kinds"]}
    end = 0
    for section in report.sections:
        assert end <= section.start < section.end <= len(report.text)
        assert section.kind in kinds
        assert report.text[section.start : section.end].strip()
        end = section.end
    for _, evidence in evidence_of(report.citation["evidence"]):
        if "start" in evidence:
            assert report.text[evidence["start"] : evidence["end"]] == evidence["text"]
    for name in ("citation", "source"):
        schema = {"$defs": SCHEMA["$defs"], "$ref": f"#/$defs/{name}"}
        assert not list(Draft202012Validator(schema).iter_errors(getattr(report, name)))


# --- the founding reports


@pytest.mark.parametrize("seed", SEEDS)
def test_the_citation_of_a_founding_report_is_that_of_the_gold(shared: Path, seed: str) -> None:
    path = next((shared / "seeds").glob(f"{seed}_*.txt"))
    gold = json.loads((shared / "gold" / f"seed{seed}.facts.json").read_text(encoding="utf-8"))
    report = readers.read(path.read_bytes(), str(path), built_in())
    assert report.citation == gold["citation"]
    assert list(report.citation) == list(gold["citation"])
    assert gold["source"].items() <= report.source.items()
    check_laws(report)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_quote_of_the_gold_stands_in_a_section_of_its_name(shared: Path, seed: str) -> None:
    path = next((shared / "seeds").glob(f"{seed}_*.txt"))
    gold = json.loads((shared / "gold" / f"seed{seed}.facts.json").read_text(encoding="utf-8"))
    report = readers.read(path.read_bytes(), path.name, built_in())
    names = {r["kind"]: r["evidence"] for r in built_in().extract["section-kinds"]}
    for _, evidence in evidence_of({k: gold[k] for k in ("patients", "facts", "statements")}):
        section = report.section_at(evidence["start"])
        assert section is not None
        assert evidence["end"] <= section.end
        assert names[section.kind] == evidence["section"]


SAVED = {
    "wrapped": lambda t: "\n".join(fill(line, 80) if len(line) > 80 else line for line in lines(t)),
    "windows": lambda t: t.replace("\n", "\r\n"),
    "indented": lambda t: indent(t, "    "),
    "without bullets": lambda t: t.replace("  • ", ""),
    "without empty lines": lambda t: "\n".join(line for line in lines(t) if line.strip()),
    "preformatted": lambda t: f"<html><body><pre>{escape(t)}</pre></body></html>",
    "paragraphs": lambda t: "<html><p>" + "<p>".join(escape(x) for x in lines(t) if x.strip()),
}


def lines(words: str) -> list[str]:
    """Return the lines of words."""
    return words.split("\n")


@pytest.mark.parametrize("saved", SAVED)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_founding_report_reads_alike_however_it_was_saved(
    shared: Path, seed: str, saved: str
) -> None:
    path = next((shared / "seeds").glob(f"{seed}_*.txt"))
    words = path.read_text(encoding="utf-8")
    usual, other = read(words), read(SAVED[saved](words))
    check_laws(other)
    for name in set(usual.citation) - {"evidence"}:
        assert other.citation.get(name) == usual.citation[name]
    for kind in ("title", "abstract"):
        assert [w.split() for w in spoken(other, kind)] == [w.split() for w in spoken(usual, kind)]


def test_the_articles_of_pubmed_central_are_read(shared: Path) -> None:
    folder = shared / "corpora" / "jats-dev"
    if not folder.is_dir():
        pytest.skip("the corpus of JATS articles is not here")
    for path in folder.glob("*.xml"):
        report = readers.read(path.read_bytes(), path.name, built_in())
        check_laws(report)
        kinds = [s.kind for s in report.sections]
        assert [k for k in kinds if k in ("title", "abstract", "introduction", "case")] == [
            *("title", "abstract", "introduction", "case")
        ]
        assert report.citation["journal"] == "ACG Case Reports Journal"
        assert report.citation["year"] == "2018"
        assert report.citation["doi"].startswith("10.14309/crj.2018.")
        assert sum("corresponding" in a for a in report.citation["authors"]) == 1


# --- pages of many publishers


@pytest.mark.parametrize("name", EXPECTED)
def test_a_page_has_the_sections_that_a_person_sees(name: str) -> None:
    report = readers.read((CASES / name).read_bytes(), name, built_in())
    found = [
        [s.kind, s.title, words.split("\n")[0][:44], words.split("\n")[-1][-24:]]
        for s in report.sections
        for words in [report.text[s.start : s.end]]
    ]
    assert found == EXPECTED[name]["sections"]


@pytest.mark.parametrize("name", EXPECTED)
def test_a_page_has_the_citation_that_it_states_and_no_more(name: str) -> None:
    report = readers.read((CASES / name).read_bytes(), name, built_in())
    stated = {k: v for k, v in report.citation.items() if v not in (None, [], "")}
    del stated["evidence"]
    assert stated == EXPECTED[name]["citation"]
    assert report.source.get("language") == EXPECTED[name]["language"]


@pytest.mark.parametrize("name", EXPECTED)
def test_what_is_read_keeps_the_laws(name: str) -> None:
    check_laws(readers.read((CASES / name).read_bytes(), name, built_in()))


def test_every_case_page_has_its_expectation() -> None:
    pages = {p.name for p in CASES.iterdir()} - {"expected.json", "bad.csv"}
    assert pages == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_other_patients_of_a_page_are_in_no_section_of_facts(name: str) -> None:
    words = of_patients(readers.read((CASES / name).read_bytes(), name, built_in()))
    others = (
        "60-year-old woman with myeloma|12-year-old girl|in a boy|50-year-old|70-year-old man d"
    )
    assert not re.search(rf"{others}|99-year-old|20-year-old man|A man elsewhere|to a woman", words)


# --- plain text


@pytest.mark.parametrize(
    ("words", "kinds"),
    [
        ("He had fever", ["case"]),
        ("- 45 M with AML\n- fever\n- given IL-2", ["case"]),
        ("Fever after dinutuximab in a boy", ["case"]),
        ("Fever after dinutuximab in a boy\nA boy of 4 had fever.\n", ["title", "case"]),
        ("Case report\nA boy of 4 had fever.", ["case"]),
        ("CASE: A boy of 4 had fever.\nHe recovered.", ["case"]),
        ("Case report. A boy of 4 had fever.", ["case"]),
        ("Case reports of fever are rare.\nA boy had fever.", ["case"]),
        ("Patient 1: A boy had fever.\nPatient 2: A girl had none.", ["case", "case"]),
        ("Case No. 1\nA boy had fever.\n\nCase No. 2\nA girl had none.", ["case", "case"]),
        ("Background\nFever is rare.\n\nCase\nHe had it.\n", ["introduction", "case"]),
        ("II. CASE PRESENTATION\nHe had fever.\n\nIII. DISCUSSION\nRare.", ["case", "discussion"]),
        ("Case\n====\nHe had fever.\n\nMethods\n-----\nNone.", ["case", "methods"]),
        ("**Case:**\nHe had fever.\n\n**Results:**\nHe got well.", ["case", "results"]),
        ("Case\nHe had fever.\n\nFigure 1. A scan.\n\nHe died.", ["case", "figure", "case"]),
        ("Case\nHe had fever.\nFigure 1 shows a scan of the liver.", ["case"]),
        ("Case\nHe had fever.\n\nMARROW FINDINGS\n\nEmpty marrow.", ["case", "case"]),
        ("Case\nHe had fever. Findings: no rash. He got well.", ["case"]),
        ("Methods\nWe asked.\n\nResults\nHe had fever.", ["methods", "results"]),
        ("Case\nFever.\n\nReferences\n1. A. B. Fever. 1999.", ["case", "references"]),
        ("Case\nFever.\n\nReferences (3)\n1. A. B. Fever. 1999.", ["case", "references"]),
        ("Case\r\nHe had fever.\r\n\r\nDiscussion\r\nRare.\r\n", ["case", "discussion"]),
        ("He had fever.\n" * 8 + "Treatment: He got rest.", ["case", "case"]),
        ("Fever is rare.\n" * 8 + "Our case: He had it.", ["introduction", "case"]),
        ("Abstract A boy of 4 had fever.", ["abstract"]),
        (
            "Letter\n\nFever in a small boy\n\nTo the Editor: He had fever.\n\nFever is rare.\n\n"
            "Ann Lee, Bo Ek\nSome Clinic, Some Town",
            ["front", "title", "case", "authors"],
        ),
        ("Fever in a boy. Abstract: A boy of 4 had fever.", ["title", "abstract"]),
        ("Title: Fever in a boy\nCase: A boy of 4 had fever.", ["title", "case"]),
    ],
)
def test_plain_words_fall_into_sections(words: str, kinds: list[str]) -> None:
    report = read(words)
    assert [s.kind for s in report.sections] == kinds
    check_laws(report)


def test_a_heading_is_no_part_of_its_section() -> None:
    report = read("CASE REPORT\n\nHe had fever.\n\nHe got well.\n\nDiscussion: Fever is rare.")
    assert spoken(report, "case") == ["He had fever.\n\nHe got well."]
    assert [s.title for s in report.sections] == ["CASE REPORT", "Discussion"]


def test_the_parts_of_an_abstract_are_sections_of_their_own() -> None:
    report = read(
        "A title of five good words\n\nAbstract\nBackground: Fever is rare. Case presentation: "
        "A boy had fever. Conclusions: Beware.\n\nIntroduction\nFever.\n\nCase\nHe had fever."
    )
    assert [(s.kind, s.title) for s in report.sections[1:]] == [
        ("abstract-background", "Background"),
        ("abstract", "Case presentation"),
        ("abstract-conclusion", "Conclusions"),
        ("introduction", "Introduction"),
        ("case", "Case"),
    ]
    assert of_patients(report) == "A title of five good words\nA boy had fever.\nHe had fever."


def test_a_notice_that_no_table_knows_does_not_hide_title_and_authors() -> None:
    page = (CASES / "frontiers.txt").read_text(encoding="utf-8")
    report = read(f"The site will be closed on Monday for repairs of the roof.\n\n{page}")
    assert report.citation["title"] == EXPECTED["frontiers.txt"]["citation"]["title"]
    assert len(report.citation["authors"]) == 3


def test_a_doi_of_a_reference_is_never_the_article_s() -> None:
    report = read(
        "Case\nHe had fever.\n\nDiscussion\nSee doi:10.1000/1.\n\nReferences\n"
        "1. Smith J. Fever. Blood. 1999;1:1-2. doi:10.1000/2 PMID: 123"
    )
    wanted = {"doi": None, "journal": None, "year": None, "url": None, "pmid": None}
    assert {name: report.citation.get(name) for name in wanted} == wanted


# --- bytes and character sets


@pytest.mark.parametrize("charset", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_is_no_part_of_the_text(charset: str) -> None:
    words = "Case\n\nMo\u0308rder war kein Fie\u00adber: 39 \u00b0C \U0001f912."
    data = words.encode(charset)
    report = readers.read(data, "folder/report.txt", built_in())
    assert report.text == words
    assert report.source["file"] == "report.txt"
    assert report.source["sha256"] == hashlib.sha256(data).hexdigest()
    assert report.source["textSha256"] == hashlib.sha256(words.encode()).hexdigest()
    assert (report.source["bytes"], report.source["textCharacters"]) == (len(data), len(words))


def test_a_text_is_its_file_byte_for_byte() -> None:
    words = "Case\r\n\tHe had  fever.\r\n\x0cHe got well.\r\n"
    report = read(words)
    assert report.text == words
    assert not {"textSha256", "textCharacters"} & set(report.source)
    sha1 = hashlib.sha1(words.encode(), usedforsecurity=False).hexdigest()
    assert (report.source["textSha1"], report.source["textBytes"]) == (sha1, len(words))


@pytest.mark.parametrize(
    ("head", "charset"),
    [
        ('<meta charset="iso-8859-1">', "cp1252"),
        ('<meta http-equiv="Content-Type" content="text/html; charset=windows-1252">', "cp1252"),
        ('<meta charset="shift_jis">', "shift_jis"),
        ('<meta charset="utf-8">', "utf-8"),
        ("", "utf-16"),
    ],
)
def test_an_html_page_is_read_in_the_character_set_that_it_declares(
    head: str, charset: str
) -> None:
    words = "発熱 in a boy" if charset == "shift_jis" else "Fièvre in a boy"
    page = f"<html><head>{head}</head><body><p>{words}</p></body></html>"
    assert readers.read(page.encode(charset), "page.html", built_in()).text == words


@pytest.mark.parametrize("row", rows("bad.csv"), ids=lambda row: row["name"])
def test_what_cannot_be_read_is_told_in_one_sentence(row: dict[str, str]) -> None:
    data = row["bytes"].encode("latin-1").decode("unicode_escape").encode("latin-1")
    with pytest.raises(ReadError) as raised:
        readers.read(data, row["name"], built_in())
    assert str(raised.value) == row["message"]


def test_elements_nested_without_end_are_refused() -> None:
    for page, start in (
        ("<html><body>" + "<div>" * 5000 + "fever", "the HTML page nests its elements too deep"),
        ("<article><front/><body>" + "<sec>" * 5000, "the XML breaks off or is not well formed"),
    ):
        with pytest.raises(ReadError, match=start):
            read(page)


# --- mark-up


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("<p>He had 9&nbsp;&times; 10<sup>9</sup>/L</p>", "He had 9 × 10⁹/L"),
        ("<p>30 mg/m<sup>2</sup>, CD4<sup>+</sup></p>", "30 mg/m2, CD4+"),
        ("<p>10<sup>&minus;3</sup></p>", "10⁻³"),
        ('<p>Rare [<a href="#ref1">1</a>, <a href="#ref2">2</a>].</p>', "Rare."),
        ('<p>See <a href="#fig1">Figure 1</a>.</p>', "See Figure 1."),
        ('<p>Ann Lee<a href="#aff-1"><sup>1</sup></a><a href="#cor1">2</a></p>', "Ann Lee12"),
        ('<p>Rare<sup><a href="/x#ref-CR12">12</a></sup>, indeed</p>', "Rare, indeed"),
        ("<p>a<br>b<br><br>c</p>", "a\nb\n\nc"),
        ("<pre>a\nb\n\nc</pre>", "a\nb\n\nc"),
        ("<ul><li>a</li><li>b</li></ul><p>c", "a\nb\n\nc"),
        ("<p>fe\u00adver\u200b &amp; <b>chills</b></p>", "fever & chills"),
        ("<p>fe<!-- not -->ver<?pi?></p>", "fever"),
        ("<p>a</p><p hidden>b</p><p style='Display: None'>c</p>", "a"),
        ("<p>a</p><div class='page-sidebar'>b</div><div id=cookie-banner>c</div>", "a"),
        (
            "<div class='sidebar'><p>a b c d e f g h i j k</p></div><p>l</p>",
            "a b c d e f g h i j k\n\nl",
        ),
    ],
)
def test_mark_up_becomes_words(body: str, words: str) -> None:
    assert read(f"<!DOCTYPE html><html><body>{body}</body></html>").text == words


def test_named_characters_of_jats_are_read_and_unknown_ones_stay_words() -> None:
    report = read(
        '<!DOCTYPE article PUBLIC "-//NLM//DTD" "journalpublishing.dtd">'
        "<article><front/><body><p>&agr; &alpha; &Aring; &le; &nonsense; <![CDATA[&alpha;]]></p>"
        "</body></article>"
    )
    assert report.text == "&agr; α Å ≤ &nonsense; &alpha;"


@pytest.mark.parametrize(
    "wrapper",
    [
        "<article{ns}>{front}</article>",
        "<?xml version='1.0'?><!--x--><pmc-articleset><article>{front}</article></pmc-articleset>",
        "<OAI-PMH xmlns='o'><record><j:article xmlns:j='j'>{jfront}</j:article></record></OAI-PMH>",
    ],
)
def test_an_article_is_found_in_its_wrapper_and_namespace(wrapper: str) -> None:
    front = (
        "<front><article-meta><title-group><article-title>Fever</article-title></title-group>"
        "</article-meta></front><body><p>He had fever.</p></body>"
    )
    prefixed = re.sub(r"<(/?)(?=\w)", r"<\1j:", front)
    words = wrapper.format(ns=" xmlns='https://jats.nlm.nih.gov/x'", front=front, jfront=prefixed)
    report = read(words)
    assert [s.kind for s in report.sections] == ["title", "case"]
    assert report.source["mediaType"] == "application/jats+xml"


@pytest.mark.parametrize(
    ("words", "reader"),
    [
        ("A man had fever.", text),
        ("<1% of men have fever.", text),
        ("  \n<!DOCTYPE HTML>\n<p>Fever", html),
        (
            "<?xml version='1.0'?>\n<html xmlns='http://www.w3.org/1999/xhtml'><p>Fever</p></html>",
            html,
        ),
        ("<!-- saved from url=(0014)about:internet -->\n<html>", html),
        ("<div>A man</div>", html),
        ("<article class='post'><p>Fever</p></article>", html),
        ("<article article-type='case-report'><front></front></article>", jats),
        ("<svg></svg>", None),
    ],
)
def test_the_format_is_known_by_its_content(words: str, reader: Any) -> None:
    assert next((r for r in readers.READERS if r.accepts(words.encode())), None) is reader


# --- names and citations


@pytest.mark.parametrize(
    ("words", "names", "complete"),
    [
        ("Nagayama, H., Takahashi, S. et al.", ["Nagayama||H", "Takahashi||S"], False),
        ("Kenjiro Ito1,2, Yu Hara2", ["Ito|Kenjiro|", "Hara|Yu|"], True),
        ("Smith JA, Doe A, van der Berg P", ["Smith||JA", "Doe||A", "van der Berg||P"], True),
        ("J. A. Smith and P. Doe", ["Smith||JA", "Doe||P"], True),
        ("Smith, J., & Doe, A.", ["Smith||J", "Doe||A"], True),
        (
            "Ludwig van Beethoven & Inés de la Cruz",
            ["van Beethoven|Ludwig|", "de la Cruz|Inés|"],
            True,
        ),
        ("John Smith MD, PhD; Jane Doe, MPH", ["Smith|John|", "Doe|Jane|"], True),
        ("Smith, John MD; Doe, Jane", ["Smith|John|", "Doe|Jane|"], True),
        ("Dr. Jun Ma*, Jean-Luc O’Neill†", ["Ma|Jun|", "O’Neill|Jean-Luc|"], True),
        ("Martin Luther King Jr, Ada King", ["King|Martin Luther|", "King|Ada|"], True),
        ("by Ada Byron 1,*, Émile Zola 2", ["Byron|Ada|", "Zola|Émile|"], True),
    ],
)
def test_lists_of_authors_are_read(words: str, names: list[str], complete: bool) -> None:
    found = Names.of(built_in()).read(words)
    assert found is not None
    assert [f"{n.family}|{n.given}|{n.initials}" for n in found[0]] == names
    assert found[1] is complete
    assert all(words[n.start : n.end].startswith(n.text.split(",")[0]) for n in found[0])


@pytest.mark.parametrize(
    "words",
    [
        "Leukemia Relapse, Graft Failure and Infection",
        "Department of Medicine, Some University",
        "fever, chills and rash",
        "Received 12 March 2019, Accepted 3 May 2019",
        "He was given prednisone, and he recovered.",
        "",
    ],
)
def test_what_is_no_list_of_authors_is_none(words: str) -> None:
    assert Names.of(built_in()).read(words) is None


@pytest.mark.parametrize("row", built_in().extract["citation-styles"], ids=lambda r: r["style"])
def test_the_example_of_a_style_is_read_whole(row: dict[str, str]) -> None:
    example = row["example"]
    found = Styles.of(built_in()).read(example, 0, len(example))
    assert found is not None
    assert found.end == len(example)
    assert set(found.fields) == set(re.findall(r"{(\w+)}", row["style"])) - {"date"}


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        (
            "Smith J, Doe A. Fever in a boy: a report. J Foo. 2019;12(3):45-50. doi:10.1000/x.1",
            [
                "Smith",
                "Fever in a boy: a report",
                "J Foo",
                "2019",
                "12",
                "3",
                "45-50",
                "10.1000/x.1",
            ],
        ),
        (
            "Smith, J., & Doe, A. (2019). Fever in a boy. Journal of Foo, 12(3), 45–50. "
            "https://doi.org/10.1000/x.1",
            [
                "Smith",
                "Fever in a boy",
                "Journal of Foo",
                "2019",
                "12",
                "3",
                "45–50",
                "10.1000/x.1",
            ],
        ),
        (
            "Smith J, et al. Fever in a boy. Front. Foo. 10:234. doi: 10.1000/x(1)2.",
            ["Smith", "Fever in a boy", "Front. Foo.", None, "10", None, "234", "10.1000/x(1)2"],
        ),
    ],
)
def test_a_citation_is_read_on_a_page_without_title(line: str, wanted: list[str | None]) -> None:
    made = read(f"Case\nHe had fever.\n\nCite this article\n\n{line}").citation
    names = ("title", "journal", "year", "volume", "issue", "pages", "doi")
    assert [made["authors"][0]["family"], *(made.get(n) for n in names)] == wanted
    assert made["text"] == line


# --- laws

LINES = st.sampled_from(
    [
        *("Abstract", "Case 1", "CASE REPORT", "Discussion", "References", "Keywords", "", "", ""),
        *("Cite this article", "Funding None.", "Figure 1", "Table 1. Values", "Access options"),
        *("A man of 45 had fever and was given prednisone.", "Background: Rare. Case: He had it."),
        *("Fever after infusion of cells in a boy", "  • fever", "1. Ann Lee1,2,", "2. Bo Ek2 and"),
        *("1Some Clinic, Some Town, Land", "Correspondence to Ann Lee; ann@x.example", "# Title"),
        *("Lee, A., Ek, B. et al. Fever. J Foo 1, 2–3 (1999). https://doi.org/10.1000/1", "===="),
        *("Received:", "DOI: 10.1000/1", "PMID: 12", "fever; chills", "**Case**", "2.1. Marrow"),
    ]
)
TAGS = st.sampled_from(
    [
        *("<p>", "</p>", "<h2>", "</h2>", "<div class=abstract>", "</div>", "<sup>", "</sup>"),
        *("<table><tr><td>", "</table>", "<br>", "<pre>", "</pre>", "<li>", "<!-- ", " -->", "<"),
        *("Case", "He had fever. ", "&amp;", "&#0;", "&#xD800;", "\n", "<script>", "</script>"),
        *("<sec>", "</sec>", "<title>", "</title>", "<xref ref-type='bibr'>", "</xref>", "<aff>"),
        *("<meta name=citation_author content='A; B, C'>", "<article-meta>", "</article-meta>"),
        *("<meta name=citation_doi content='x'>", "<script type=application/ld+json>[{}]</script>"),
    ]
)


def survives(data: bytes) -> None:
    """Fail where bytes give anything but a lawful report or a ReadError of one line."""
    for reader in (readers, *readers.READERS):
        with suppress_one_sentence():
            check_laws(reader.read(data, "x", built_in()))


@contextmanager
def suppress_one_sentence() -> Iterator[None]:
    """Let a ReadError pass, if its message is one line."""
    with suppress(ReadError):
        try:
            yield
        except ReadError as error:
            if "\n" in str(error):
                raise AssertionError(str(error)) from error
            raise


@settings(deadline=None, max_examples=150)
@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_any_bytes_give_a_report_or_a_sentence(data: bytes) -> None:
    survives(data)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(LINES, max_size=25))
def test_any_lines_give_a_lawful_report(lines: list[str]) -> None:
    survives("\n".join(lines).encode())


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(["<html>", "<article><front/><body>", ""]), st.lists(TAGS, max_size=40))
def test_any_tags_give_a_lawful_report(start: str, tags: list[str]) -> None:
    survives((start + "".join(tags)).encode())


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(sorted(EXPECTED)), st.data())
def test_a_page_cut_anywhere_gives_a_report_or_a_sentence(name: str, data: st.DataObject) -> None:
    page = (CASES / name).read_bytes()
    survives(page[: data.draw(st.integers(0, len(page)))])


@pytest.mark.parametrize(
    "piece",
    [
        *("A", "a ", "\n", ". ", "A, ", "John Smith, ", "(", "# ", "1", "10.1234/x.", "a@", "<"),
        *("<html><p>x</p>", "<html>1<sup>2</sup>", "<html><!-- x -->y", "<html>&lt;"),
        *(
            "<article><front/><body><p>&alpha;",
            "<article><front/><![CDATA[",
            "<article><front/><!--",
        ),
    ],
)
def test_long_monotonous_files_are_read_or_refused(piece: str) -> None:
    start, sign, repeated = piece.partition("x") if "<html>" in piece else ("", "", piece)
    survives((start + sign + repeated + repeated * (300_000 // len(repeated or "x"))).encode())
