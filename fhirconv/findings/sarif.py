"""Findings as SARIF 2.1.0, which code hosts show beside the lines of a file."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from fhirconv.findings import Checked, Finding
from fhirconv.version import VERSION

Object = dict[str, Any]

LEVELS = {"fatal": "error", "error": "error", "warning": "warning", "information": "note"}
SENTENCES = {
    "business-rule": "A rule of FHIR or of a profile is broken",
    "code-invalid": "A code is not one of those that are allowed, or not well formed",
    "invalid": "Content is not as its kind asks for",
    "invariant": "An invariant of a type does not hold",
    "multiple-matches": "A reference means several resources",
    "not-found": "What is referred to is not there",
    "not-supported": "This cannot be checked here",
    "processing": "The file cannot be read or checked",
    "required": "A required element is missing",
    "structure": "An element is not one of its type, or stands too often",
    "too-long": "The content is too large or too deep",
    "value": "A value is not as its type asks for",
}


def sarif(documents: Iterable[Checked]) -> Object:
    """Return a SARIF log of one run: a result a finding, a rule for each name of a rule."""
    listed = [(document, finding) for document in documents for finding in document.findings]
    rules = sorted({rule_of(finding) for _, finding in listed})
    numbers = {rule: number for number, rule in enumerate(rules)}
    kinds = {rule_of(finding): finding.issue.code for _, finding in listed}
    driver = {
        "name": "fhirconv",
        "semanticVersion": VERSION,
        "rules": [_rule(rule, kinds[rule]) for rule in rules],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(document, finding, numbers) for document, finding in listed],
    }
    return {"version": "2.1.0", "runs": [run]}


def rule_of(finding: Finding) -> str:
    """Return the name of the rule that is broken, else FHIR's code of the issue."""
    return finding.issue.rule or finding.issue.code or "processing"


def _rule(name: str, kind: str) -> Object:
    sentence = SENTENCES.get(kind, f"An issue of the type {kind}")
    return {"id": name, "shortDescription": {"text": f"{sentence}."}}


def _result(document: Checked, finding: Finding, numbers: dict[str, int]) -> Object:
    issue = finding.issue
    right = f" Right would be: {issue.right}." if issue.right else ""
    source = f"{finding.by}: " if finding.by else ""
    name = rule_of(finding)
    return {
        "ruleId": name,
        "ruleIndex": numbers[name],
        "level": LEVELS.get(issue.severity, "warning"),
        "message": {"text": f"{source}{issue.message}.{right}"},
        "locations": [_location(document, finding)],
    }


def _location(document: Checked, finding: Finding) -> Object:
    issue = finding.issue
    physical: Object = {"artifactLocation": {"uri": uri_of(document.file)}}
    if issue.line or document.line:
        physical["region"] = {"startLine": issue.line or document.line}
        physical["region"] |= {"startColumn": issue.column} if issue.column else {}
    logical: Object = {"fullyQualifiedName": issue.where, "kind": "element"}
    return {
        "physicalLocation": physical,
        **({"logicalLocations": [logical]} if issue.where else {}),
    }


def uri_of(file: str) -> str:
    """Return the name of a file as a URI reference, relative where the name is."""
    path = file.replace("\\", "/")
    return quote(f"/{path}" if path[1:2] == ":" else path)
