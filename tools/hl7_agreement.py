"""Write docs/hl7-validator.md: what HL7's own validator says of the samples and the seeded defects.

Usage: python tools/hl7_agreement.py   (Java 17, Maven and npm: see tests/hapi_servers.py)
Nothing in the page is written by hand: both validators are asked, and what they say counted.
"""

import csv
import json
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT))

from fhirconv.convert import MAX_SIZE  # noqa: E402 - the project's folder is no package
from fhirconv.files import Input  # noqa: E402
from fhirconv.inspection import batches  # noqa: E402
from fhirconv.validate import load_json, validate  # noqa: E402
from tests.hapi_servers import Validator, validator  # noqa: E402
from tests.test_validate import edited, good  # noqa: E402

PAGE = PROJECT / "docs" / "hl7-validator.md"
DEFECTS = PROJECT / "tests" / "cases" / "validate.csv"
RELEASES = ("R4", "R5")
WORDS = 110  # characters of a message
LINK = re.compile(r"urn:uuid:[0-9a-f-]{36}|[0-9a-f]{8}-[0-9a-f-]{27}")
COLUMNS = ("both valid", "both invalid", "only we find an error", "only HL7's finds one")
HEAD = """# Agreement with HL7's validator

What HL7's own validator (org.hl7.fhir.validation, offline, no terminology server) and ours say of
the same inputs: the samples, and a good Bundle with one defect each (tests/cases/validate.csv).
Written by `make agreement`; a test holds it where Java is there.
"""


@dataclass(frozen=True)
class Verdict:
    """What both say of one input: the first error of each, '' where there is none."""

    source: str
    release: str
    name: str
    ours: str
    theirs: str

    @property
    def column(self) -> str:
        """The column of the table that counts it."""
        return COLUMNS[(0, 3, 2, 1)[2 * bool(self.ours) + bool(self.theirs)]]


def inputs(release: str) -> Iterator[tuple[str, str, Any]]:
    """Yield every input of a release: its source, its name, the resource."""
    for path in sorted((PROJECT / "samples").glob(f"*/*.{release.lower()}.bundle.json")):
        for batch in batches(Input(path), MAX_SIZE):
            for line in batch.lines:
                yield "samples", path.name, load_json(line.data)
    with DEFECTS.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if release in row["releases"].split():
                bundle = good(release)
                edited(bundle, row)
                yield "seeded defects", f"{row['defect']} ({row['at']})", bundle


def verdicts(release: str, ask: Validator) -> Iterator[Verdict]:
    """Yield what both say of every input of a release."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "input.json"
        for source, name, resource in inputs(release):
            ours = (i.message for i in validate(resource, release) if i.is_error)
            path.write_text(json.dumps(resource, default=float), encoding="utf-8")
            listed = (i for i in ask(path) if i["severity"] in ("fatal", "error"))
            theirs = ((i.get("details") or {}).get("text", "") or "an error" for i in listed)
            yield Verdict(source, release, name, next(ours, ""), next(theirs, ""))


def page(found: Iterable[Verdict]) -> str:
    """Return the page of the verdicts."""
    listed = list(found)
    counts = Counter((v.source, v.release, v.column) for v in listed)
    groups = list(dict.fromkeys((v.source, v.release) for v in listed))
    agree = sum(v.column in COLUMNS[:2] for v in listed)
    lines = [f"{HEAD}\n**{agree} of {len(listed)} agree.**\n"]
    lines += [_row(("inputs", "release", "number", *COLUMNS)), "|---" * 7 + "|"]
    for source, release in groups:
        numbers = [counts[source, release, column] for column in COLUMNS]
        lines.append(_row((source, release, sum(numbers), *numbers)))
    lines += ["", "## Where they differ", ""]
    lines += [_row(("release", "input", "we say", "HL7's validator says")), "|---" * 4 + "|"]
    lines += [
        _row((v.release, v.name, _short(v.ours) or "valid", _short(v.theirs) or "valid"))
        for v in listed
        if v.column not in COLUMNS[:2]
    ]
    return "\n".join(lines) + "\n"


def _row(cells: Iterable[object]) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def _short(message: str) -> str:
    """Return the beginning of a message, fit for a table, without ids that tell nothing."""
    plain = " ".join(LINK.sub("...", message).replace("|", "\\|").split())
    return plain if len(plain) <= WORDS else plain[: WORDS - 1] + "…"


def _of_release(release: str) -> list[Verdict]:
    with validator(release) as ask:
        return list(verdicts(release, ask))


def main() -> None:
    """Ask both validators of both releases and write the page."""
    with ThreadPoolExecutor() as pool:
        found = [v for listed in pool.map(_of_release, RELEASES) for v in listed]
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(found), encoding="utf-8", newline="\n")
    sys.stdout.write(json.dumps(Counter(v.column for v in found)) + "\n")


if __name__ == "__main__":
    main()
