"""Write docs/examples.md: what the validator says of HL7's own examples, and HL7's validator too.

Usage: python -m tools.examples RELEASE=FOLDER... [-o docs/examples.md]

FOLDER is an unpacked npm package: hl7.fhir.r4.examples@4.0.1, hl7.fhir.r5.examples@5.0.0 (`make
examples`). Each resource in which an error is found is shown to HL7's validator (tests/hapi: Java
and Maven); an error is that of both where its validator has one at the same place, above or below.
"""

import argparse
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fhirconv.outcome import Issue
from fhirconv.validate import load_json, validate
from tests.hapi_servers import Validator, validator

COMMENT = re.compile(r"/\*.*?\*/")
TYPE = re.compile(r"\.ofType\([^)]*\)|(?<=value)[A-Z][A-Za-z]+|\.resolve\(\)")
VALUE = re.compile(r"'(?:[^'\\]|\\.)*'|\b\d[\w.-]*")
SHOWN = 160  # characters of a message
LARGEST = 1_000_000  # bytes of a file that HL7's validator is asked about; larger ones take minutes


@dataclass
class Account:
    """What was found in the examples of one release."""

    release: str
    files: int = 0
    wrong: int = 0  # files with an error of ours
    unasked: list[str] = field(default_factory=list)  # files too large to ask about
    both: Counter[str] = field(default_factory=Counter)  # kinds of errors that both report
    ours: list[tuple[str, Issue]] = field(default_factory=list)  # errors that only we report


def examples(folder: Path) -> Iterator[tuple[Path, Any]]:
    """Yield every resource of a package with its file."""
    root = folder / "package" if (folder / "package").is_dir() else folder
    for path in sorted(root.glob("*.json")):
        if path.name not in ("package.json", ".index.json"):
            resource = load_json(path.read_bytes(), str(path))
            if isinstance(resource, dict) and "resourceType" in resource:
                yield path, resource


def account(release: str, folder: Path) -> Account:
    """Return what we find, and of that what HL7's validator finds too."""
    found = Account(release)
    wrong: list[tuple[Path, list[Issue]]] = []
    for path, resource in examples(folder):
        found.files += 1
        errors = [issue for issue in validate(resource, release) if issue.is_error]
        if errors:
            wrong.append((path, errors))
    found.wrong = len(wrong)
    with validator(release) as ask:
        for path, errors in wrong:
            compare(path, errors, ask, found)
    return found


def compare(path: Path, errors: list[Issue], ask: Validator, found: Account) -> None:
    """Ask HL7's validator of one file, and sort our errors by whether it has them."""
    if path.stat().st_size > LARGEST:
        found.unasked.append(f"{path.name} ({len(errors)})")
        return
    theirs = [plain(place) for issue in ask(path) for place in places(issue)]
    for error in errors:
        here = plain(error.where)
        if any(here.startswith(there) or there.startswith(here) for there in theirs):
            found.both[VALUE.sub("…", error.message)] += 1
        else:
            found.ours.append((path.name, error))


def places(issue: dict[str, Any]) -> Iterable[str]:
    """Return the places of an issue of HL7's validator, where it is an error."""
    wrong = issue.get("severity") in ("error", "fatal")
    return issue.get("expression") or issue.get("location") or () if wrong else ()


def plain(place: str) -> str:
    """Return a FHIRPath without what the two write in their own way."""
    return TYPE.sub("", COMMENT.sub("", place)).replace("[x]", "")


def page(accounts: list[Account]) -> Iterator[str]:
    """Yield the lines of the page."""
    yield "# The official examples\n"
    yield (
        "Written by `make examples`: HL7's examples of each release, each held against the release"
        " alone,\nand what HL7's own validator says of those in which an error was found.\n"
    )
    yield "| release | resources | with an error | errors of both | errors of ours alone |"
    yield "|---|---|---|---|---|"
    for one in accounts:
        both = sum(one.both.values())
        yield f"| {one.release} | {one.files} | {one.wrong} | {both} | {len(one.ours)} |"
    for one in accounts:
        yield from section(one)


def section(one: Account) -> Iterator[str]:
    """Yield the lines of one release."""
    yield f"\n## {one.release}: errors of ours alone\n"
    yield "| file | place | message |"
    yield "|---|---|---|"
    for name, issue in one.ours:
        yield f"| {name} | {issue.where} | {cell(issue.message)} |"
    yield f"\nToo large to ask about, with our errors: {', '.join(one.unasked) or 'none'}."
    yield f"\n## {one.release}: errors of both\n"
    yield "| times | message |"
    yield "|---|---|"
    for message, count in sorted(one.both.items(), key=lambda item: (-item[1], item[0])):
        yield f"| {count} | {cell(message)} |"


def cell(text: str) -> str:
    """Return a text as a cell of a table."""
    return " ".join(text.replace("|", "\\|").split())[:SHOWN]


def main() -> None:
    """Validate the examples of each release, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packages", nargs="+", metavar="RELEASE=FOLDER")
    parser.add_argument("-o", "--out", type=Path, default=Path("docs/examples.md"))
    arguments = parser.parse_args()
    named = (package.partition("=") for package in arguments.packages)
    accounts = [account(release, Path(folder)) for release, _, folder in named]
    arguments.out.parent.mkdir(exist_ok=True)
    arguments.out.write_text("\n".join(page(accounts)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
