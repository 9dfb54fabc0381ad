"""What people read of a validation: findings grouped by file and resource, and their counts."""

import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby

import click

from fhirconv.cli import show
from fhirconv.findings import SEVERITIES, Checked, Finding, is_error, rank

COLOURS = {"fatal": "red", "error": "red", "warning": "yellow", "information": "cyan"}
WIDEST = len("information")


def document_text(document: Checked, *, colours: bool, quiet: bool = False) -> Iterator[str]:
    """Yield the lines that tell what is wrong in a document; none where nothing is.

    Quiet tells errors only. The severity is a word, whatever its colour.
    """
    findings = [f for f in document.findings if not quiet or is_error(f.issue.severity)]
    if not findings:
        return
    about = [document.name, f"FHIR {document.release}" if document.release else ""]
    said = ", ".join(filter(None, about))
    yield _styled(document.place + (f" ({said})" if said else ""), colours, bold=True)
    for resource, listed in groupby(findings, key=lambda finding: finding.resource):
        if resource and resource != document.name:
            yield _styled(f"  {show.clean(resource)}", colours, bold=True)
        for finding in listed:
            yield from _finding(finding, colours)


def _finding(finding: Finding, colours: bool) -> Iterator[str]:
    """Yield the line of a finding, and one of what stands there and what would be right."""
    issue = finding.issue
    severity = _styled(issue.severity, colours, fg=COLOURS.get(issue.severity, "yellow"))
    place = f"{issue.line}:{issue.column} " if issue.line else ""
    source = f"{finding.by}: " if finding.by else ""
    where = f" [{issue.where}]" if issue.where else ""
    yield f"    {severity}: {place}" + show.clean(f"{source}{issue.message}{where}")
    found = (
        [f"found {issue.value}"] if issue.value and not _says(issue.message, issue.value) else []
    )
    right = [f"right: {issue.right}"] if issue.right else []
    if found or right:
        yield "      " + show.clean("; ".join(found + right))


def _says(message: str, value: str) -> bool:
    """Say whether a message shows a value already, however it is quoted."""
    return value.strip('"') in message  # the empty value is in any


def counts(documents: Sequence[Finding]) -> list[list[object]]:
    """Return the rows of the table of counts: severity, what kind of issue, how many."""
    number = Counter((finding.issue.severity, finding.issue.code) for finding in documents)
    ordered = sorted(number, key=lambda key: (rank(key[0]), -number[key], key[1]))
    return [[severity, code, number[severity, code]] for severity, code in ordered]


def verdict(checked: int, bundles: int, number: Counter[str]) -> str:
    """Return '2 bundles: 0 errors, 1 warning'."""
    noun = "bundle" if bundles == checked else "resource"
    errors = number["fatal"] + number["error"]
    said = [show.number(errors, "error"), show.number(number["warning"], "warning")]
    if number["information"]:
        said.append(f"{number['information']} for information")
    return f"{show.number(checked, noun)}: {', '.join(said)}"


def side_by_side(document: Checked) -> list[list[str]]:
    """Return what we and a server say of each place of a document: place, ours, theirs."""
    rows: dict[str, tuple[list[str], list[str]]] = {}
    for finding in document.findings:
        ours, theirs = rows.setdefault(finding.issue.where, ([], []))
        (theirs if finding.by else ours).append(
            f"{finding.issue.severity}: {finding.issue.message}"
        )
    return [[where, "\n".join(ours), "\n".join(theirs)] for where, (ours, theirs) in rows.items()]


def in_colour() -> bool:
    """Say whether standard output is a terminal whose user has not asked for no colours."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def _styled(text: str, colours: bool, fg: str | None = None, *, bold: bool = False) -> str:
    return click.style(text, fg=fg, bold=bold or None) if colours else text


__all__ = ["SEVERITIES", "counts", "document_text", "in_colour", "side_by_side", "verdict"]
