"""Findings as JUnit XML, which build servers count: a suite a file, a case a document."""

from collections.abc import Iterable
from itertools import groupby
from xml.etree import ElementTree as Xml

from fhirconv.findings import Checked, Finding, fails


def junit(documents: Iterable[Checked], threshold: str) -> bytes:
    """Return the XML; a document fails by findings as bad as a severity, or worse.

    Findings below the threshold stand in the output of their case.
    """
    root = Xml.Element("testsuites", name="fhirconv validate")
    for file, listed in groupby(documents, key=lambda document: document.file):
        _suite(root, file, list(listed), threshold)
    for name in ("tests", "failures", "errors"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    Xml.indent(root)
    data: bytes = Xml.tostring(root, encoding="utf-8", xml_declaration=True)
    return data + b"\n"


def _suite(root: Xml.Element, file: str, documents: list[Checked], threshold: str) -> None:
    suite = Xml.SubElement(root, "testsuite", name=file)
    for document in documents:
        _case(suite, document, threshold)
    suite.set("tests", str(len(documents)))
    suite.set("failures", str(len(suite.findall("testcase/failure"))))
    suite.set("errors", "0")


def _case(suite: Xml.Element, document: Checked, threshold: str) -> None:
    """Add the case of a document; JUnit has one failure a case, so all stand in it."""
    name = document.name or "document"
    shown = f"{name} (line {document.line})" if document.line else name
    case = Xml.SubElement(suite, "testcase", classname=document.file, name=shown)
    bad = [finding for finding in document.findings if fails([finding], threshold)]
    rest = [finding for finding in document.findings if finding not in bad]
    if bad:
        said = bad[0].issue.message if len(bad) == 1 else f"{len(bad)} issues"
        failure = Xml.SubElement(case, "failure", message=_plain(said), type=bad[0].issue.code)
        failure.text = _plain("\n".join(_line(finding) for finding in bad))
    if rest:
        output = Xml.SubElement(case, "system-out")
        output.text = _plain("\n".join(_line(finding) for finding in rest))


def _line(finding: Finding) -> str:
    """Return a finding as one line: line and column, severity, message, place."""
    issue = finding.issue
    place = f"{issue.line}:{issue.column}: " if issue.line else ""
    right = f"; right: {issue.right}" if issue.right else ""
    source = f"{finding.by}: " if finding.by else ""
    said = " ".join(issue.message.split())
    return f"{place}{source}{issue.severity}: {said}{right} [{issue.where}]"


def _plain(text: str) -> str:
    """Return a text with only the characters that XML can hold."""
    return "".join(c if c == "\n" or c.isprintable() else "\ufffd" for c in text)
