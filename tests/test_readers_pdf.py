"""PDF: the pages of papers in the order of reading, or one sentence that says what is wrong."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("pypdfium2")
pytest.importorskip("reportlab")

from reportlab.lib.pdfencrypt import StandardEncryption

from fhirconv import convert, readers
from fhirconv.errors import ReadError
from fhirconv.facts import evidence_of
from fhirconv.readers import pdf, pdf_runs
from fhirconv.report import Report
from fhirconv.tables import built_in
from tests.papers import Press
from tests.test_readers import check_laws, of_patients, spoken, suppress_one_sentence

FILLER = "Nobody knows how often this happens, as few have looked for it in all these years. "
COURSE = "He was then seen week after week, and each time he felt a little better than before. "


def read(data: bytes) -> Report:
    report = readers.read(data, "paper.pdf", built_in())
    check_laws(report)
    return report


def paper(columns: int) -> Press:
    """Return the press with the beginning of a paper set."""
    press = Press(columns, "Imaginary Archives of Blood 2019;12:45-47", "Page {page}")
    press.across("Fever after the infusion of cells", 18)
    press.across("in a small boy", 18)
    press.across("Ann Lee and Bo Ek", 11)
    press.heading("Introduction")
    for _ in range(6):
        press.paragraph(FILLER * 4)
    press.heading("Case presentation")
    return press


@pytest.mark.parametrize("columns", [1, 2, 3])
def test_columns_are_read_one_after_the_other(columns: int) -> None:
    press = paper(columns)
    told = [f"On day {day} he had a fever of 39 degrees. " + COURSE * 3 for day in range(1, 25)]
    for words in told:
        press.paragraph(words)
    press.heading("Discussion")
    press.paragraph(FILLER * 9)
    report = read(press.done())
    assert report.citation["title"] == "Fever after the infusion of cells in a small boy"
    assert [a["family"] for a in report.citation["authors"]] == ["Lee", "Ek"]
    kinds = [s.kind for s in report.sections]
    assert [k for k in kinds if k not in ("front", "authors")] == [
        *("title", "introduction", "case", "discussion")
    ]
    (case,) = spoken(report, "case")
    assert case.split() == " ".join(told).split()
    assert case.count("\n\n") == len(told) - 1


def test_running_heads_and_page_numbers_are_no_part_of_the_text() -> None:
    press = paper(2)
    for _ in range(90):
        press.paragraph(COURSE * 2)
    report = read(press.done())
    assert len(report.pages) > 2
    assert report.text.count("Imaginary Archives") == 1
    assert "Page" not in report.text
    assert report.citation["journal"] == "Imaginary Archives of Blood"
    assert (report.citation["year"], report.citation["volume"]) == ("2019", "12")


def test_heads_that_differ_from_page_to_page_are_left_out_with_their_numbers() -> None:
    press = Press(1, "{page} A. Lee et al.", "")
    press.heading("Case presentation")
    for _ in range(22):
        press.paragraph(COURSE * 4)
    text = read(press.done()).text
    assert "et al" not in text.split("Case presentation")[1]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (("He had throm-", "bosis of a vein in", "his leg."), "He had thrombosis of a vein"),
        (("He was a well-", "known man of some", "years."), "He was a well-known man"),
        (("He took part in a xylo-", "quentic rite of", "his own."), "a xylo-quentic rite"),
        (("He was xyloquentic. A xylo-", "quentic man came", "too."), "A xyloquentic man"),
        (("He was given 5-", "fluorouracil in the", "night."), "given 5-fluorouracil in"),
        (("He came on the days 3 -", "7 and was glad of", "it."), "days 3 - 7 and"),
        (("He was in pain \u2013", "as he told all of", "us."), "pain \u2013 as he told"),
    ],
)
def test_words_are_joined_at_the_end_of_a_line_only_where_that_is_sure(
    lines: tuple[str, ...], words: str
) -> None:
    press = Press()
    press.heading("Case presentation")
    press.set(*lines)
    assert words in read(press.done()).text


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("He had fever.^1,2^ He got well.", "He had fever. He got well."),
        ("He had fever^12^ and chills^3-5^.", "He had fever and chills."),
        ("He had fever^[4]^ and chills.", "He had fever and chills."),
        ("Platelets were 90 x 10^9^/L that day.", "Platelets were 90 x 10⁹/L that day."),
        ("He got 375 mg/m^2^ of it.", "He got 375 mg/m2 of it."),
        ("The cells were CD34^+^ and few.", "The cells were CD34+ and few."),
        ("It was at the 2^nd^ visit.", "It was at the 2nd visit."),
    ],
)
def test_a_power_stays_and_the_number_of_a_reference_goes(line: str, words: str) -> None:
    press = Press()
    press.heading("Case presentation")
    press.set(line, "There was nothing else that anybody could have told about all of it.")
    assert spoken(read(press.done()), "case")[0].startswith(words)


def test_numbers_after_names_tell_where_the_authors_work() -> None:
    press = Press()
    press.line("Fever after the infusion of cells in a boy", 18)
    press.line("Ann Lee^1,2^, Bo Ek^2^", 11)
    press.line("^1^Clinic of Blood, Some Town, Norway", 8)
    press.line("^2^University of Fjords, Bergen, Norway", 8)
    press.heading("Abstract")
    for _ in range(3):
        press.paragraph(COURSE * 3)
    authors = read(press.done()).citation["authors"]
    assert [(a["family"], a["affiliations"]) for a in authors] == [("Lee", [1, 2]), ("Ek", [2])]


def test_ligatures_are_letters() -> None:
    assert "".join(map(pdf_runs.letters_of, (0xFB00, 0xFB01, 0xFB03, 0x41))) == "fffiffiA"
    assert pdf_runs.letters_of(0x02) == pdf_runs.letters_of(0xFFFE) == "-"
    assert pdf_runs.letters_of(0xD800) == ""


def test_a_note_at_the_foot_does_not_break_a_sentence() -> None:
    press = paper(2)
    told = [f"On day {day} he had a fever of 39 degrees. " + COURSE * 3 for day in range(1, 12)]
    press.note("* A note of the makers of this paper about a woman of 60 years.")
    for words in told:
        press.paragraph(words)
    report = read(press.done())
    assert " ".join(spoken(report, "case")).split()[: len(" ".join(told).split())] == (
        " ".join(told).split()
    )


def test_a_legend_between_the_columns_belongs_to_its_figure() -> None:
    press = paper(1)
    press.paragraph(COURSE * 3)
    press.y -= 10
    press.line("Figure 1. A scan of the chest of another man.", 8)
    press.y -= 10
    press.paragraph(COURSE * 3)
    report = read(press.done())
    assert spoken(report, "figure") == ["Figure 1. A scan of the chest of another man."]
    assert "another man" not in of_patients(report)


def test_a_table_keeps_its_rows_and_cells() -> None:
    press = paper(1)
    press.paragraph(COURSE * 3)
    press.y -= 10
    press.line("Table 1. Values of the blood", 8)
    for row in (("Test", "Day 1", "Day 5"), ("CRP", "88", "12"), ("Ferritin", "900", "300")):
        for number, cell in enumerate(row):
            press.canvas.setFont("Times-Roman", 8)
            press.canvas.drawString(60 + 100 * number, press.y, cell)
        press.y -= 10
    (table,) = spoken(read(press.done()), "table")
    assert table.split("\n")[-3:] == [
        "Test | Day 1 | Day 5",
        "CRP | 88 | 12",
        "Ferritin | 900 | 300",
    ]


def test_every_quote_of_the_facts_tells_its_page() -> None:
    press = paper(2)
    press.paragraph("A 45-year-old man had fever. " + COURSE)
    for _ in range(40):
        press.paragraph(COURSE * 2)
    press.paragraph("On day 30 he developed pneumonia and was given ceftriaxone.")
    report = read(press.done())
    document = convert.extract(report)
    found = [(e["text"], e["page"]) for _, e in evidence_of(document) if "start" in e]
    assert len(found) == sum("start" in e for _, e in evidence_of(document))
    assert ("pneumonia", len(report.pages)) in [(text.casefold(), page) for text, page in found]
    assert {page for _, page in found} >= {1, len(report.pages)}


# --- what cannot be read


def locked() -> bytes:
    press = Press(encrypt=StandardEncryption("secret", canPrint=1))
    press.line("A man had fever.")
    return press.done()


def scanned() -> bytes:
    press = Press()
    press.canvas.rect(50, 50, 200, 200, fill=1)
    press.canvas.showPage()
    press.canvas.rect(50, 50, 200, 200, fill=1)
    return press.done()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"%PDF-1.7\nnothing", "the PDF is broken and cannot be opened"),
        (Press().done()[:300], "the PDF is broken and cannot be opened"),
        (locked(), "the PDF is encrypted and asks for a password: save it without one"),
        (
            scanned(),
            "the PDF is 2 pages without text, perhaps a scan: recognise its words first",
        ),
    ],
)
def test_what_cannot_be_read_is_told_in_one_sentence(data: bytes, message: str) -> None:
    with pytest.raises(ReadError) as raised:
        read(data)
    assert str(raised.value) == f"{message} [paper.pdf]"


def test_a_pdf_that_needs_no_password_to_be_read_is_read() -> None:
    press = Press(encrypt=StandardEncryption("", ownerPassword="secret", canPrint=0))
    press.line("A man had fever.")
    assert read(press.done()).text == "A man had fever."


def test_a_pdf_of_too_many_pages_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    press = Press()
    for _ in range(3):
        press.line("A man had fever.")
        press.canvas.showPage()
    monkeypatch.setattr(pdf_runs, "MOST_PAGES", 2)
    with pytest.raises(ValueError, match="has 3 pages, more than 2"):
        list(pdf_runs.pages_of(press.done()))


def bomb(levels: int) -> bytes:
    """Return a PDF whose page draws a form that draws two that draw two and so on."""
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Contents 4 0 R"
        b"/Resources<</XObject<</F 5 0 R>>>>>>",
        b"<</Length 4>>stream\n/F Do\nendstream",
    ]
    for level in range(levels):
        inner = b"/F Do /F Do " * 5
        last = level == levels - 1
        objects.append(
            b"<</Type/XObject/Subtype/Form/BBox[0 0 99 99]/Length %d/Resources<</XObject<<%s>>>>>>"
            b"stream\n%s\nendstream"
            % (len(inner), b"" if last else b"/F %d 0 R" % (level + 6), inner)
        )
    out = b"%PDF-1.4\n"
    places = []
    for number, item in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, item)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    tail = b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF"
    return out + head + table + tail % (len(objects) + 1, len(out))


def test_a_pdf_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "SECONDS", 3)
    with pytest.raises(ReadError, match=r"within 3 seconds|without text|too much memory|crashed"):
        read(bomb(12))


def test_without_the_library_a_sentence_says_how_to_have_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pypdfium2.py").write_text("raise ImportError", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(ReadError, match=r"pip install 'fhirconv\[pdf\]'"):
        readers.read(b"%PDF-1.7 x", "paper.pdf", built_in())


def test_the_program_that_opens_a_pdf_needs_nothing_of_the_package() -> None:
    command = [sys.executable, "-P", pdf_runs.__file__]
    done = subprocess.run(command, input=scanned(), capture_output=True, check=True)
    assert [page["runs"] for page in json.loads(done.stdout)["pages"]] == [[], []]


@settings(deadline=None, max_examples=8, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_pdf_cut_or_bent_anywhere_gives_a_report_or_a_sentence(data: st.DataObject) -> None:
    press = paper(2)
    press.paragraph(COURSE * 20)
    whole = bytearray(press.done())
    for _ in range(data.draw(st.integers(1, 5))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with suppress_one_sentence():
        read(bytes(whole[: data.draw(st.integers(10, len(whole)))]))
