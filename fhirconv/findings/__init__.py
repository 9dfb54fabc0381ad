"""What was found wrong in a file: each issue with its resource, line, column and value."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fhirconv.findings.positions import Path, Spot, locate, steps
from fhirconv.outcome import ERRORS, Issue

SEVERITIES = ("fatal", "error", "warning", "information")  # worst first
SHOWN = 120  # characters of a value


@dataclass(frozen=True, slots=True)
class Finding:
    """One issue, the resource that it speaks of, and who found it: '' for us, else a server."""

    issue: Issue
    resource: str = ""  # Patient/example
    by: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """One document that was checked: a file, or a line of one, and what was found in it."""

    file: str  # as the user named it
    line: int  # in a file of one resource a line, from 1; else 0
    name: str  # Bundle/example; '' where it is no resource
    release: str
    findings: tuple[Finding, ...] = ()

    @property
    def place(self) -> str:
        """The file, and the line where it holds a resource a line."""
        return f"{self.file}:{self.line}" if self.line else self.file

    @property
    def has_errors(self) -> bool:
        """Say whether a finding is an error."""
        return fails(self.findings, "error")


def fails(findings: Iterable[Finding], threshold: str) -> bool:
    """Say whether a finding is as bad as a severity, or worse."""
    failing = SEVERITIES[: SEVERITIES.index(threshold) + 1]
    return any(finding.issue.severity in failing for finding in findings)


def rank(severity: str) -> int:
    """Return how bad a severity is: 0 is the worst, an unknown one stands last."""
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)


def found(
    document: Any, text: str, issues: Sequence[Issue], first_line: int = 1, by: str = ""
) -> tuple[Finding, ...]:
    """Return the issues of a document with their places in its text.

    `first_line` is the line of the file at which the text begins. The text is read again only
    where there are issues.
    """
    if not issues:
        return ()
    paths = [steps(issue.where) for issue in issues]
    spots = locate(text, set(paths))
    return tuple(
        Finding(_placed(issue, path, spots[path], document, first_line), _owner(document, path), by)
        for issue, path in zip(issues, paths, strict=True)
    )


def named(resource: Any) -> str:
    """Return a resource as Type/id, or its type, or ''."""
    kind = resource.get("resourceType") if isinstance(resource, dict) else None
    if not isinstance(kind, str):
        return ""
    own = resource.get("id")
    return f"{kind}/{own}" if isinstance(own, str) and own else kind


def _placed(issue: Issue, path: Path, spot: Spot, document: Any, first_line: int) -> Issue:
    """Return an issue with the line and column of its place, and the value there."""
    if issue.line:
        return replace(issue, line=issue.line + first_line - 1)
    value = issue.value or _shown(_at(document, path))
    return replace(issue, line=spot.line + first_line - 1, column=spot.column, value=value)


def _at(document: Any, path: Path) -> Any:
    """Return the value at a path; None where nothing is."""
    here = document
    for key in path:
        if isinstance(here, dict) and isinstance(key, str):
            here = here.get(key, here.get(f"_{key}"))
        elif isinstance(here, list) and isinstance(key, int) and key < len(here):
            here = here[key]
        else:
            return None
    return here


def _shown(value: Any) -> str:
    """Return a primitive value as JSON, cut where it is long; '' for objects and arrays."""
    import json

    if value is None or isinstance(value, (dict, list)):
        return ""
    shown = json.dumps(value, ensure_ascii=False) if isinstance(value, (str, bool)) else str(value)
    return shown if len(shown) <= SHOWN else shown[: SHOWN - 1] + "…"


def _owner(document: Any, path: Path) -> str:
    """Return the resource around a place: that of the innermost entry of a Bundle."""
    here, above, owner = document, None, named(document)
    for key in path:
        here, above, before = _at(here, (key,)), key, above
        if key == "resource" or before == "contained":
            owner = named(here) or owner
    return owner


def is_error(severity: str) -> bool:
    """Say whether a severity is one of an error."""
    return severity in ERRORS
