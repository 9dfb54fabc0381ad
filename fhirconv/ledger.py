"""The account of a conversion: every fact is mapped, text only, or skipped with a reason."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fhirconv.build import Entry
from fhirconv.outcome import Issue

RESULTS = ("mapped", "text only", "skipped")
SAID = {  # result -> severity and IssueType of FHIR's OperationOutcome
    "mapped": ("information", "informational"),
    "text only": ("warning", "not-found"),
    "skipped": ("information", "suppressed"),
}


@dataclass(frozen=True, slots=True)
class Ledger:
    """What became of every fact, in the order of the document."""

    rows: tuple[Entry, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many facts there are, and how many of each result: they add up."""
        counted = Counter(row.result for row in self.rows)
        return {"facts": len(self.rows)} | {result: counted[result] for result in RESULTS}

    @property
    def reasons(self) -> dict[str, int]:
        """How many facts were skipped for each reason, most frequent first."""
        skipped = Counter(row.reason for row in self.rows if row.result == "skipped")
        return dict(skipped.most_common())

    def issues(self) -> Iterator[Issue]:
        """Yield one Issue a fact, for an OperationOutcome."""
        for row in self.rows:
            severity, code = SAID[row.result]
            became = row.resource or row.reason
            reason = f" ({row.reason})" if row.resource and row.reason else ""
            message = f"{row.kind} {row.label!r}: {row.result}: {became}{reason}"
            yield Issue(severity, code, message, f"facts[{row.fact}]")


def joined(ledgers: Sequence[Ledger]) -> Ledger:
    """Return one ledger of several."""
    return Ledger(tuple(row for ledger in ledgers for row in ledger.rows))
