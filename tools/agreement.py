"""Write docs/validator-agreement.md: where our verdicts and those of HL7's test suite differ.

Usage: python tools/agreement.py [-c ../shared/validator-cases] [-o docs/validator-agreement.md]

The cases are not part of the project: without their folder nothing is written. Why a case
differs stands in tools/agreement.csv, in our words.
"""

import argparse
import csv
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fhirconv.errors import FhirconvError
from fhirconv.validate import load_json, validate

REASONS = Path(__file__).with_suffix(".csv")
HEAD = """# Agreement with HL7's test suite

Half of the cases of HL7's suite for validators that need only the core definitions of a release
(github.com/FHIR/fhir-test-cases, Apache-2.0); written by `python tools/agreement.py`. A case
agrees where both find it valid, or both find it invalid.

"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many errors HL7's validator and ours find in a case."""

    release: str
    name: str
    module: str
    theirs: int
    ours: int

    @property
    def agrees(self) -> bool:
        """Say whether both find it valid, or both invalid."""
        return bool(self.theirs) == bool(self.ours)


def verdicts(folder: Path) -> Iterator[Verdict]:
    """Yield what both validators say of each case."""
    with (folder / "cases.tsv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            ours = errors((folder / "files" / row["file"]).read_bytes(), row["release"])
            theirs = int(row["errors_hl7_validator"])
            yield Verdict(row["release"], row["name"], row["module"], theirs, ours)


def errors(data: bytes, release: str) -> int:
    """Return how many errors our validator finds; what cannot be read is one."""
    try:
        return sum(issue.is_error for issue in validate(load_json(data), release))
    except FhirconvError:
        return 1


def page(found: list[Verdict], reasons: dict[tuple[str, str], str]) -> str:
    """Return the page: numbers by module, and each difference with its reason."""
    differing = [verdict for verdict in found if not verdict.agrees]
    same = sum(v.theirs == v.ours for v in found)
    total = len(found) - len(differing)
    lines = [
        f"**{total} of {len(found)} cases agree** ({total / len(found):.1%}); "
        f"in {same} the number of errors is the same too.",
        "",
        "| module | cases | agree |",
        "|---|---|---|",
    ]
    for module in sorted({verdict.module for verdict in found}):
        own = [verdict for verdict in found if verdict.module == module]
        lines.append(f"| {module} | {len(own)} | {sum(v.agrees for v in own)} |")
    lines += ["", "| release | case | HL7's errors | ours | why |", "|---|---|---|---|---|"]
    for v in differing:
        why = reasons.get((v.release, v.name), "not explained yet")
        lines.append(f"| {v.release} | {v.name} | {v.theirs} | {v.ours} | {why} |")
    return HEAD + "\n".join(lines) + "\n"


def main() -> None:
    """Compare, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-c", "--cases", type=Path, default=Path("../shared/validator-cases"))
    out = Path("docs/validator-agreement.md")
    parser.add_argument("-o", "--out", type=Path, default=out)
    arguments = parser.parse_args()
    if not (arguments.cases / "cases.tsv").is_file():
        sys.exit(f"there are no cases in {arguments.cases}: nothing is written")
    with REASONS.open(encoding="utf-8", newline="") as file:
        reasons = {(row["release"], row["case"]): row["reason"] for row in csv.DictReader(file)}
    text = page(list(verdicts(arguments.cases)), reasons)
    arguments.out.parent.mkdir(exist_ok=True)
    arguments.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
