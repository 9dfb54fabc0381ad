"""DOCX: manuscripts of Word become sections, or a sentence says what is wrong."""

import io
import zipfile

import pytest

from fhirconv import readers
from fhirconv.errors import ReadError
from fhirconv.report import Report
from fhirconv.tables import built_in
from tests.test_readers import check_laws, of_patients, spoken

NS = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" xmlns:mc="mc"'
STYLES = (
    f"<w:styles {NS}><w:style w:styleId='berschrift1'><w:name w:val='heading 1'/></w:style>"
    "<w:style w:styleId='Titel'><w:name w:val='Title'/></w:style></w:styles>"
)


def run(words: str, properties: str = "") -> str:
    return f"<w:r><w:rPr>{properties}</w:rPr><w:t xml:space='preserve'>{words}</w:t></w:r>"


def paragraph(words: str, style: str = "") -> str:
    """Return a paragraph of words, or of runs."""
    inner = words if words.startswith("<") else run(words)
    kind = f"<w:pPr><w:pStyle w:val='{style}'/></w:pPr>" if style else ""
    return f"\n  <w:p>{kind}{inner}</w:p>\n"


def packed(body: str, notes: str = "", **parts: str) -> bytes:
    """Return a document of Word."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/styles.xml", STYLES)
        document = f"<?xml version='1.0' encoding='UTF-8'?><w:document {NS}><w:body>{body}"
        archive.writestr("word/document.xml", f"{document}</w:body></w:document>")
        if notes:
            archive.writestr("word/footnotes.xml", f"<w:footnotes {NS}>{notes}</w:footnotes>")
        for name, words in parts.items():
            archive.writestr(name, words)
    return out.getvalue()


def read(data: bytes) -> Report:
    report = readers.read(data, "paper.docx", built_in())
    check_laws(report)
    return report


def test_a_manuscript_has_title_authors_and_sections() -> None:
    report = read(
        packed(
            paragraph("Fever after the infusion of cells in a small boy", "Titel")
            + paragraph("Ann Lee, Bo Ek")
            + paragraph("Case presentation", "berschrift1")
            + paragraph("A 9-year-old boy had fever after rituximab.")
            + paragraph("Discussion", "berschrift1")
            + paragraph("A man elsewhere died.")
        )
    )
    assert [s.kind for s in report.sections] == ["title", "authors", "case", "discussion"]
    assert [a["family"] for a in report.citation["authors"]] == ["Lee", "Ek"]
    assert spoken(report, "case") == ["A 9-year-old boy had fever after rituximab."]


@pytest.mark.parametrize(
    ("runs", "words"),
    [
        (run("He had fe") + run("ver."), "He had fever."),
        (run("A ") + f"<w:ins>{run('small ')}</w:ins>" + run("boy."), "A small boy."),
        (run("A boy") + "<w:del><w:r><w:delText> of 9</w:delText></w:r></w:del>", "A boy"),
        (run("90 x 10") + run("9", "<w:vertAlign w:val='superscript'/>") + run("/L"), "90 x 10⁹/L"),
        (run("a") + "<w:r><w:tab/></w:r>" + run("b"), "a b"),
        (run("a") + "<w:r><w:br/></w:r>" + run("b"), "a\nb"),
        (run("IL") + "<w:r><w:noBreakHyphen/></w:r>" + run("2"), "IL-2"),
        (run("See ") + "<w:r><w:instrText>REF x</w:instrText></w:r>" + run("1"), "See 1"),
        (f"<w:hyperlink>{run('He had fever.')}</w:hyperlink>", "He had fever."),
        (f"<w:sdt><w:sdtContent>{run('He had fever.')}</w:sdtContent></w:sdt>", "He had fever."),
        (
            f"<mc:AlternateContent><mc:Choice>{run('A')}</mc:Choice><mc:Fallback>{run('B')}"
            "</mc:Fallback></mc:AlternateContent>",
            "A",
        ),
    ],
)
def test_runs_become_words(runs: str, words: str) -> None:
    assert read(packed(paragraph(runs))).text == words


def test_tables_keep_rows_and_notes_stand_at_the_end() -> None:
    cell = "<w:tc>{}</w:tc>"
    row = "<w:tr>" + "".join(cell.format(paragraph(w)) for w in ("CRP", "88", "12")) + "</w:tr>"
    table = paragraph("Table 1. Values") + f"<w:tbl>{row}{row}</w:tbl>"
    note = f"<w:footnote>{paragraph('A woman of 60 was told of it.')}</w:footnote>"
    head = paragraph("Case", "berschrift1") + paragraph("A boy had fever.")
    report = read(packed(head + table + paragraph("He got well."), note))
    assert "CRP | 88 | 12\n\nCRP | 88 | 12" in spoken(report, "table")[0]
    assert "60" not in of_patients(report)
    assert of_patients(report) == "A boy had fever.\nHe got well."


def other(**files: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, words in files.items():
            archive.writestr(name.replace("__", "."), words)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (packed("")[:200], "the ZIP archive is broken, encrypted or cut short"),
        (packed(""), "the DOCX holds no words"),
        (packed("<w:p>"), "the XML breaks off or is not well formed"),
        (other(mimetype="x"), "the file is an OpenDocument or EPUB file: save it as DOCX or HTML"),
        (other(a="x", b="y"), "the file is a ZIP archive of 2 files within another"),
        (packed("<w:p/>" * 10_000_000), "the part word/document.xml is larger than 50000000 bytes"),
        (
            packed("&b;").replace(b"x", b"x"),
            "the DOCX holds no words",
        ),
    ],
)
def test_what_cannot_be_read_is_told_in_one_sentence(data: bytes, message: str) -> None:
    with pytest.raises(ReadError) as raised:
        readers.read(data, "paper.docx", built_in())
    assert str(raised.value).startswith(message)
