"""Records of PubMed and MEDLINE, and files of many of them: each is a report of its own."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from fhirconv import convert, readers
from fhirconv.cli import main
from fhirconv.errors import ReadError
from fhirconv.facts import evidence_of
from fhirconv.files import Input
from fhirconv.lines import Reading
from fhirconv.records import cutter, records_of, several
from fhirconv.tables import built_in
from tests.test_readers import check_laws, of_patients, spoken

LIMIT = 10_000_000
PUBMED = """<PubmedArticle><MedlineCitation Status="MEDLINE"><PMID Version="1">{pmid}</PMID>
<Article PubModel="Print"><Journal><JournalIssue CitedMedium="Internet"><Volume>7</Volume>
<Issue>2</Issue><PubDate>{date}</PubDate></JournalIssue><Title>Imaginary reports</Title></Journal>
<ArticleTitle>{title}</ArticleTitle><Pagination><MedlinePgn>101-3</MedlinePgn></Pagination>
<ELocationID EIdType="doi" ValidYN="Y">10.5555/ir.{pmid}</ELocationID>
<Abstract>{abstract}<CopyrightInformation>A woman of 99.</CopyrightInformation></Abstract>
<AuthorList CompleteYN="Y"><Author><LastName>Lee</LastName><ForeName>Ann B</ForeName>
<Initials>AB</Initials>
<Identifier Source="ORCID">https://orcid.org/0000-0002-1825-0097</Identifier>
<AffiliationInfo><Affiliation>Some Clinic, Some Town.</Affiliation></AffiliationInfo></Author>
<Author><CollectiveName>The Fever Group</CollectiveName></Author></AuthorList>
<PublicationTypeList><PublicationType UI="D002363">Case Reports</PublicationType>
</PublicationTypeList></Article><KeywordList><Keyword>fever</Keyword></KeywordList>
</MedlineCitation><PubmedData><ArticleIdList><ArticleId IdType="doi">10.5555/other</ArticleId>
</ArticleIdList></PubmedData></PubmedArticle>"""
PARTS = """<AbstractText Label="BACKGROUND" NlmCategory="BACKGROUND">Fever is rare.</AbstractText>
<AbstractText Label="PATIENT AND COURSE" NlmCategory="RESULTS">A 9-year-old boy with platelets of
90 &#xd7; 10<sup>9</sup>/L had fever after <i>rituximab</i>.</AbstractText>
<AbstractText Label="CONCLUSIONS" NlmCategory="CONCLUSIONS">A man elsewhere died.</AbstractText>"""
MEDLINE = """
PMID- {pmid}
OWN - NLM
DP  - 2012 Mar-Apr
TI  - Fever after rituximab in a girl: a report of a
      case.
PG  - 11-12
LID - 10.5555/irb.{pmid} [doi]
AB  - BACKGROUND: Fever is rare. CASE PRESENTATION: A 9-year-old girl had fever after
      rituximab. CONCLUSION: A man elsewhere died.
CI  - Copyright 2012, a woman of 99.
FAU - Lee, Ann B
AU  - Lee AB
AUID- ORCID: 0000-0002-1825-0097
AD  - Some Clinic, Some Town.
FAU - Ek, B
AU  - Ek B
AD  - Some Clinic, Some Town.
CN  - The Fever Group
LA  - eng
PT  - Journal Article
PT  - Case Reports
JT  - Imaginary reports of blood
VI  - 8
OT  - *fever
"""
JATS = (
    "<article{ns}><front><article-meta><title-group><article-title>Fever {pmid}</article-title>"
    "</title-group></article-meta></front><body><p>A 9-year-old boy had fever after rituximab."
    "</p><ext-link xlink:href='x'>x</ext-link></body>"
    "<sub-article><front-stub/><body><p>A reply.</p></body></sub-article></article>"
)


def pubmed(pmid: int, **changes: str) -> str:
    """Return a record of PubMed."""
    fields = {"title": "Fever in a boy.", "abstract": PARTS, "date": "<Year>2011</Year>"}
    return PUBMED.format(pmid=pmid, **(fields | changes))


def pubmed_set(*records: str) -> bytes:
    """Return a file of PubMed."""
    doctype = '<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle//EN" "pubmed.dtd">'
    head = f'<?xml version="1.0" ?>\n{doctype}\n<PubmedArticleSet>\n'
    return f"{head}{''.join(records)}\n</PubmedArticleSet>\n".encode()


def medline(*numbers: int) -> bytes:
    """Return a file of MEDLINE."""
    return "".join(MEDLINE.format(pmid=n) for n in numbers).encode()


def articles(*numbers: int) -> bytes:
    """Return a set of articles, whose names are declared by the set."""
    ns = "xmlns:xlink='http://www.w3.org/1999/xlink'"
    inner = "".join(JATS.format(pmid=n, ns="") for n in numbers)
    return f"<?xml version='1.0'?><pmc-articleset {ns}>{inner}</pmc-articleset>".encode()


SETS: dict[str, Callable[..., bytes]] = {
    "pubmed.xml": lambda *numbers: pubmed_set(*map(pubmed, numbers)),
    "medline.nbib": medline,
    "articles.xml": articles,
}


def test_a_record_of_pubmed_has_sections_and_a_citation() -> None:
    report = readers.read(pubmed_set(pubmed(7)), "pubmed.xml", built_in())
    check_laws(report)
    assert [(s.kind, s.title) for s in report.sections] == [
        *(("front", ""), ("title", ""), ("authors", ""), ("keywords", "")),
        ("abstract-background", "BACKGROUND"),
        ("abstract", "PATIENT AND COURSE"),
        ("abstract-conclusion", "CONCLUSIONS"),
    ]
    boy = "A 9-year-old boy with platelets of 90 × 10⁹/L had fever after rituximab."
    assert of_patients(report) == f"Fever in a boy.\n{boy}"
    stated = {k: v for k, v in report.citation.items() if k not in ("evidence", "text")}
    assert stated == {
        "title": "Fever in a boy",
        "articleType": "Case Reports",
        "authors": [
            {
                **{"text": "Ann B Lee", "family": "Lee", "given": "Ann B"},
                **{"orcid": "0000-0002-1825-0097", "affiliations": [1]},
            },
            {"text": "The Fever Group"},
        ],
        "authorsComplete": True,
        "affiliations": ["Some Clinic, Some Town."],
        **{"journal": "Imaginary reports", "year": "2011", "volume": "7", "issue": "2"},
        **{"pages": "101-3", "doi": "10.5555/ir.7", "pmid": "7", "url": None},
        **{"keywords": ["fever"], "notStated": []},
    }


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ({"date": "<MedlineDate>1999 Dec-2000 Jan</MedlineDate>"}, "year", "1999"),
        ({"title": "[Fever in a boy.]"}, "title", "Fever in a boy"),
        ({"title": "10<sup>9</sup> cells &amp; a boy"}, "title", "10⁹ cells & a boy"),
    ],
)
def test_oddities_of_records_are_read(changes: dict[str, str], field: str, value: str) -> None:
    report = readers.read(pubmed_set(pubmed(7, **changes)), "pubmed.xml", built_in())
    check_laws(report)
    assert report.citation[field] == value


def test_an_abstract_without_labels_is_cut_by_its_own() -> None:
    words = "<AbstractText>BACKGROUND: Rare. CASE REPORT: A boy had fever.</AbstractText>"
    report = readers.read(pubmed_set(pubmed(7, abstract=words)), "p.xml", built_in())
    assert spoken(report, "abstract") == ["A boy had fever."]


def test_a_record_without_an_abstract_is_its_title() -> None:
    report = readers.read(pubmed_set(pubmed(7, abstract="")), "p.xml", built_in())
    assert of_patients(report) == "Fever in a boy."


def test_a_record_of_medline_has_sections_and_a_citation() -> None:
    report = readers.read(b"\xef\xbb\xbf" + medline(8), "medline.nbib", built_in())
    check_laws(report)
    girl = "A 9-year-old girl had fever after rituximab."
    assert of_patients(report) == f"Fever after rituximab in a girl: a report of a case.\n{girl}"
    found = report.citation
    assert [(a.get("family"), a.get("affiliations")) for a in found["authors"]] == [
        *(("Lee", [1]), ("Ek", [1]), (None, None))
    ]
    names = ("journal", "year", "volume", "pages", "doi", "pmid", "articleType", "keywords")
    assert [found[name] for name in names] == [
        *("Imaginary reports of blood", "2012", "8", "11-12", "10.5555/irb.8", "8"),
        *("Case Reports", ["fever"]),
    ]


@pytest.mark.parametrize("name", SETS)
def test_a_file_of_records_is_a_report_each(name: str) -> None:
    data = SETS[name](1, 2, 3)
    found = convert.reports(data, name=name)
    assert [r.source["record"] for r in found] == ["record 1", "record 2", "record 3"]
    assert len({r.source["sha256"] for r in found}) == 3
    for report in found:
        check_laws(report)
        document = convert.extract(report)
        assert document["facts"]
        for _, evidence in evidence_of(document):
            if "start" in evidence:
                place = slice(evidence["start"], evidence["end"])
                assert report.text[place] == evidence["text"]
    assert len(convert.reports(SETS[name](1), name=name)) == 1


@pytest.mark.parametrize("name", SETS)
def test_a_file_of_records_makes_bundles_for_each(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(SETS[name](1, 2, 3))
    out = tmp_path / "out"
    done = CliRunner().invoke(main, ["convert", str(path), "-o", f"{out}/"])
    assert done.exit_code == 0, done.output
    stem = path.stem
    assert sorted(p.name for p in out.iterdir()) == [f"{stem}.p{n}.bundle.json" for n in (1, 2, 3)]
    texts = [p.read_text(encoding="utf-8") for p in sorted(out.iterdir())]
    assert len({json.loads(text)["entry"][0]["fullUrl"] for text in texts}) == 3
    lines = CliRunner().invoke(main, ["convert", str(path)]).stdout.splitlines()
    assert [json.loads(line) for line in lines] == [json.loads(text) for text in texts]
    whole = convert.convert(path)
    assert [json.loads(text) for text in texts] == json.loads(json.dumps(whole.bundles))


def test_a_record_that_cannot_be_read_costs_no_other(tmp_path: Path) -> None:
    path = tmp_path / "set.xml"
    path.write_bytes(pubmed_set(pubmed(1), pubmed(2).replace("<Volume>", "<Volum>"), pubmed(3)))
    done = CliRunner().invoke(main, ["convert", str(path), "-o", str(tmp_path / "out.ndjson")])
    assert done.exit_code == 1
    assert "set.xml:2" in done.stderr
    assert len((tmp_path / "out.ndjson").read_text(encoding="utf-8").splitlines()) == 2


def test_facts_of_records_are_written_one_a_record(tmp_path: Path) -> None:
    path = tmp_path / "set.nbib"
    path.write_bytes(medline(1, 2))
    done = CliRunner().invoke(main, ["extract", str(path), "-o", f"{tmp_path}/out/"])
    assert done.exit_code == 0, done.output
    names = [f"set.p{number}.facts.json" for number in (1, 2)]
    found = [json.loads((tmp_path / "out" / n).read_text(encoding="utf-8")) for n in names]
    assert [d["source"]["record"] for d in found] == ["record 1", "record 2"]
    assert [d["citation"]["pmid"] for d in found] == ["1", "2"]
    made: Any = convert.load_facts(json.dumps(found[1]).encode(), "x", tmp_path)
    assert made["source"]["file"] == "set.nbib"


@pytest.mark.parametrize("name", SETS)
def test_records_are_cut_alike_from_a_packed_file(name: str, tmp_path: Path) -> None:
    data = SETS[name](*range(1, 30))
    path = tmp_path / f"{name}.gz"
    path.write_bytes(gzip.compress(data))
    cut, item = several(Input(path), LIMIT)
    assert cut is not None
    read = [line.data for line in Reading(item, LIMIT, cut=cut)]
    assert read == [line.data for line in records_of(data, LIMIT)]
    assert len(read) == 29


def test_a_set_in_another_character_set_keeps_it() -> None:
    words = pubmed_set(pubmed(1, title="Fi\u00e8vre"), pubmed(2)).decode()
    data = words.replace('"1.0" ?', '"1.0" encoding="ISO-8859-1"?').encode("latin-1")
    assert convert.reports(data, name="p.xml")[0].citation["title"] == "Fi\u00e8vre"


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (pubmed_set(pubmed(1), pubmed(2))[:-60], "the record breaks off"),
        (
            pubmed_set(pubmed(1), pubmed(2, title="x" * 3_000_000)),
            "the record is larger than 10000 bytes (--max-size)",
        ),
        (
            medline(1, 2) + b"AB  - " + b"x" * 30_000 + b"\n",
            "the record is larger than 10000 bytes (--max-size)",
        ),
    ],
)
def test_a_record_that_breaks_off_or_is_too_long_is_told(data: bytes, problem: str) -> None:
    assert [line.problem for line in records_of(data, 10_000)] == ["", problem]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (pubmed_set(), "the file holds no record"),
        (pubmed_set(pubmed(1), pubmed(2)), "the file holds 2 records, each a report of its own"),
        (medline(1, 2), "the file holds 2 records, each a report of its own"),
        (b"PMID- 12\n\n", "the record holds neither a title nor an abstract"),
        (
            pubmed_set("<PubmedArticle><MedlineCitation/></PubmedArticle>"),
            "the record holds neither a title nor an abstract",
        ),
        (
            articles(1, 2),
            "the file holds 2 articles, each a report of its own",
        ),
    ],
)
def test_what_is_not_one_report_is_told_in_one_sentence(data: bytes, message: str) -> None:
    with pytest.raises(ReadError) as raised:
        readers.read(data, "x", built_in())
    assert str(raised.value).startswith(message)


def test_what_is_no_set_is_not_cut() -> None:
    for data in (b"", b"A man had fever.", b"<article><front/></article>", b'{"a": 1}'):
        assert cutter(data) is None
        assert records_of(data, LIMIT) == []
