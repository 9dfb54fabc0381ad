"""What went wrong, and where: Issue, and OperationOutcome both ways."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

ERRORS = ("fatal", "error")


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing a reader should know of a conversion, a bundle or an upload."""

    severity: str  # fatal | error | warning | information
    code: str  # FHIR's IssueType: structure, required, code-invalid, not-found, transient ...
    message: str
    where: str = ""  # a FHIRPath, a fact, or a table line such as Condition.csv:7
    line: int = field(default=0, kw_only=True)  # in the file, from 1; 0: not known
    column: int = field(default=0, kw_only=True)
    value: str = field(default="", kw_only=True)  # what stands there, as JSON, cut where it is long
    right: str = field(default="", kw_only=True)  # what would be right: 'male', 'leave it out'
    rule: str = field(default="", kw_only=True)  # the name of the rule that is broken: ele-1

    @property
    def is_error(self) -> bool:
        """Say whether this issue makes the outcome a failure."""
        return self.severity in ERRORS

    def __str__(self) -> str:
        return f"{self.severity}: {self.message}" + (f" [{self.where}]" if self.where else "")


def has_errors(issues: Iterable[Issue]) -> bool:
    """Say whether any of the issues is an error."""
    return any(issue.is_error for issue in issues)


def operation_outcome(issues: Iterable[Issue]) -> dict[str, Any]:
    """Return the issues as a FHIR OperationOutcome; none at all is one of 'information'."""
    listed = [_issue_of(issue) for issue in issues]
    fine = [{"severity": "information", "code": "informational", "diagnostics": "No issues."}]
    return {"resourceType": "OperationOutcome", "issue": listed or fine}


def issues_of(outcome: dict[str, Any]) -> Iterator[Issue]:
    """Yield the issues of a server's or validator's OperationOutcome."""
    for listed in outcome.get("issue", ()):
        details = listed.get("details") or {}
        message = listed.get("diagnostics") or details.get("text") or "no words given"
        places = listed.get("expression") or listed.get("location") or [""]
        yield Issue(listed.get("severity", "error"), listed.get("code", ""), message, places[0])


def _issue_of(issue: Issue) -> dict[str, Any]:
    made: dict[str, Any] = {
        "severity": issue.severity,
        "code": issue.code,
        "diagnostics": issue.message,
    }
    return made | ({"expression": [issue.where]} if issue.where else {})
