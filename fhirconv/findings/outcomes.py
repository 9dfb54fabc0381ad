"""Findings as an OperationOutcome: what programs read, each issue with its file and line."""

import csv
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from fhirconv.findings import Checked, Finding
from fhirconv.outcome import operation_outcome
from fhirconv.tables import MAPPINGS

Resource = dict[str, Any]

EXTENSIONS = MAPPINGS / "validate" / "outcome.csv"
NAMES = ("issue-line", "issue-column", "issue-file", "issue-source")


def outcome(documents: Iterable[Checked]) -> Resource:
    """Return one OperationOutcome over all documents; none at all is one of 'information'.

    `details.text` says what is wrong, `diagnostics` where it stands, what stands there and what
    would be right, `expression` the FHIRPath; line, column, file and who found it are extensions.
    """
    made = operation_outcome(())
    listed = [_issue(document, finding) for document in documents for finding in document.findings]
    return made | {"issue": listed or made["issue"]}


@lru_cache(maxsize=1)
def urls() -> dict[str, str]:
    """Return the URLs of the extensions of an issue by their names."""
    with EXTENSIONS.open(encoding="utf-8", newline="") as file:
        return {row["name"]: row["url"] for row in csv.DictReader(file)}


def _issue(document: Checked, finding: Finding) -> Resource:
    issue = finding.issue
    values: tuple[int | str, ...] = (issue.line, str(issue.column or ""), document.file, finding.by)
    added = [_extension(urls()[n], v) for n, v in zip(NAMES, values, strict=True) if v]
    return {
        **({"extension": added} if added else {}),
        "severity": issue.severity,
        "code": issue.code or "processing",
        "details": {"text": issue.message},
        "diagnostics": "; ".join(_said(document, finding)),
        **({"expression": [issue.where]} if issue.where else {}),
    }


def _extension(url: str, value: int | str) -> Resource:
    return {"url": url, "valueInteger" if isinstance(value, int) else "valueString": value}


def _said(document: Checked, finding: Finding) -> Iterator[str]:
    """Yield where an issue stands, what stands there and what would be right."""
    issue = finding.issue
    place = f"{document.file}:{issue.line}:{issue.column}" if issue.line else document.place
    yield f"{place}, {finding.resource}" if finding.resource else place
    if finding.by:
        yield f"says {finding.by}"
    if issue.value:
        yield f"found {issue.value}"
    if issue.right:
        yield f"right: {issue.right}"
