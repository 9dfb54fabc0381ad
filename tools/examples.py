"""Write docs/examples.md: what the validator says of HL7's own examples, and HL7's validator too.

Usage: python -m tools.examples [--all] RELEASE=FOLDER... [-o docs/examples.md]

FOLDER is an unpacked npm package: hl7.fhir.r4.examples@4.0.1, hl7.fhir.r5.examples@5.0.0 (`make
examples`). Each resource in which an error is found is shown to HL7's validator (tests/hapi: Java
and Maven), with --all every one; what it answers is kept in build/examples/, so that it is asked
once. An error is that of both where its validator has one at the same place, above or below, or
one in the same resource that names the same value.
"""

import argparse
import csv
import json
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fhirconv.outcome import Issue
from fhirconv.validate import load_json, validate
from tests.hapi_servers import Validator, validator

KEPT = Path("build/examples")
REASONS = Path(__file__).with_suffix(".csv")
COMMENT = re.compile(r"/\*.*?\*/|\[[a-z]+='[^']*'\]")
TYPE = re.compile(r"\.ofType\([^)]*\)|(?<=value)[A-Z][A-Za-z]+|\.resolve\(\)")
VALUE = re.compile(
    r"'(?:[^'\\]|\\.)*'|https?:\S+|\b[A-Z][A-Za-z]+/\S+|\([^()]*\)|\b\d[\w.-]*|\b\w+\.\w[\w.]*"
)
NAMED = re.compile(r"'([^']{3,})'")
ENTRY = re.compile(r"Bundle\.entry\[(\d+)\]\.resource(?=[.\[]|$)")
SHOWN = 150  # characters of a message
ROWS = 30  # kinds of errors that a table lists
LARGEST = 1_000_000  # bytes of a Bundle that is asked about as a whole; larger ones take minutes
Found = tuple[str, str]  # where, and what


@dataclass
class Kinds:
    """Errors by kind: how many, and in which files."""

    times: Counter[str] = field(default_factory=Counter)
    files: dict[str, list[str]] = field(default_factory=dict)

    def add(self, message: str, name: str) -> None:
        """Count an error of a file."""
        kind = " ".join(VALUE.sub("…", message).split())
        self.times[kind] += 1
        listed = self.files.setdefault(kind, [])
        if name not in listed:
            listed.append(name)


@dataclass
class Account:
    """What was found in the examples of one release."""

    release: str
    reasons: list[tuple[re.Pattern[str], str]]
    files: int = 0
    asked: int = 0
    wrong: Counter[str] = field(default_factory=Counter)  # files by who finds an error in them
    both: Kinds = field(default_factory=Kinds)
    ours: list[tuple[str, Issue]] = field(default_factory=list)  # errors that only we report
    theirs: Kinds = field(default_factory=Kinds)  # errors that only HL7's validator reports

    def why(self, message: str) -> str:
        """Return the reason for a message, '' where none is known."""
        return next((why for pattern, why in self.reasons if pattern.search(message)), "")


def examples(folder: Path) -> Iterator[tuple[Path, Any]]:
    """Yield every resource of a package with its file."""
    root = folder / "package" if (folder / "package").is_dir() else folder
    for path in sorted(root.glob("*.json")):
        if path.name not in ("package.json", ".index.json"):
            resource = load_json(path.read_bytes(), str(path))
            if isinstance(resource, dict) and "resourceType" in resource:
                yield path, resource


def account(release: str, folder: Path, every: bool) -> Account:
    """Return what we find, and of that what HL7's validator finds too."""
    with REASONS.open(encoding="utf-8", newline="") as file:
        found = Account(
            release, [(re.compile(row["pattern"]), row["why"]) for row in csv.DictReader(file)]
        )
    with validator(release) as ask:
        answers = kept(release, ask)
        for path, resource in examples(folder):
            found.files += 1
            errors = [issue for issue in validate(resource, release) if issue.is_error]
            if errors or every or path.name in answers.known:
                large = path.stat().st_size > LARGEST and resource["resourceType"] == "Bundle"
                theirs = in_parts(resource, errors, ask) if large else answers(path)
                found.asked += 1
                compare(path.name, errors, theirs, found)
    return found


class Answers:
    """What HL7's validator says of files, kept from run to run."""

    def __init__(self, store: Path, ask: Validator) -> None:
        self.store = store
        self.ask = ask
        lines = store.read_text(encoding="utf-8").splitlines() if store.is_file() else []
        self.known: dict[str, list[Found]] = dict(json.loads(line) for line in lines)

    def __call__(self, path: Path) -> list[Found]:
        """Return the errors in a file: where, and what."""
        if path.name not in self.known:
            self.known[path.name] = wrong(self.ask(path))
            with self.store.open("a", encoding="utf-8") as file:
                file.write(json.dumps([path.name, self.known[path.name]]) + "\n")
        return self.known[path.name]


def kept(release: str, ask: Validator) -> Answers:
    """Return the answers of a release that stand in the folder of the build."""
    KEPT.mkdir(parents=True, exist_ok=True)
    return Answers(KEPT / f"{release}.jsonl", ask)


def wrong(issues: Iterable[dict[str, Any]]) -> list[Found]:
    """Return the errors among the issues of HL7's validator."""
    listed = (i for i in issues if i["severity"] in ("error", "fatal"))
    return [
        (
            (i.get("expression") or i.get("location") or [""])[0],
            str((i.get("details") or {}).get("text", "")),
        )
        for i in listed
    ]


def in_parts(
    bundle: dict[str, Any], errors: list[Issue], ask: Callable[[Path], Any]
) -> list[Found]:
    """Return what HL7's validator finds in those entries of a Bundle in which we found errors."""
    numbers = {int(m[1]) for e in errors if (m := ENTRY.match(e.where))}
    found: list[Found] = []
    with tempfile.TemporaryDirectory() as folder:
        for number in sorted(numbers):
            resource = bundle["entry"][number]["resource"]
            path = Path(folder) / f"{number}.json"
            path.write_text(json.dumps(resource, default=float), encoding="utf-8")
            kind = str(resource["resourceType"])
            found += [
                (f"Bundle.entry[{number}].resource{where.removeprefix(kind)}", text)
                for where, text in wrong(ask(path))
            ]
    return found


def compare(name: str, errors: list[Issue], theirs: list[Found], found: Account) -> None:
    """Sort the errors of one file by who has them."""
    places = [plain(where) for where, _ in theirs]
    for error in errors:
        if touches(plain(error.where), places) or names_alike(error.message, theirs):
            found.both.add(error.message, name)
        else:
            found.ours.append((name, error))
    here = [plain(error.where) for error in errors]
    for where, text in theirs:
        if not touches(plain(where), here):
            found.theirs.add(text, name)
    who = {(True, True): "both", (True, False): "ours", (False, True): "theirs"}
    found.wrong[who.get((bool(errors), bool(theirs)), "neither")] += 1


def touches(place: str, places: list[str]) -> bool:
    """Say whether a place is one of others, or above or below one."""
    return any(place.startswith(other) or other.startswith(place) for other in places)


def names_alike(message: str, theirs: list[Found]) -> bool:
    """Say whether an error of HL7's validator names a value that our message names."""
    values = NAMED.findall(message)
    return any(value in text for value in values for _, text in theirs)


def plain(place: str) -> str:
    """Return a FHIRPath without what the two write in their own way."""
    return TYPE.sub("", COMMENT.sub("", place)).replace("[x]", "")


def page(accounts: list[Account]) -> Iterator[str]:
    """Yield the lines of the page."""
    yield "# The official examples\n"
    yield (
        "Written by `make examples`: HL7's examples of each release, each held against the release"
        " alone,\nand what HL7's own validator (offline, without a terminology server) says of"
        " them. It was asked\nabout every resource in which we found an error, and about others.\n"
    )
    yield "| release | resources | asked | both find errors | only we | only HL7's | neither |"
    yield "|---|---|---|---|---|---|---|"
    for one in accounts:
        counts = (one.wrong[who] for who in ("both", "ours", "theirs", "neither"))
        yield f"| {one.release} | {one.files} | {one.asked} | {' | '.join(map(str, counts))} |"
    for one in accounts:
        yield from section(one)


def section(one: Account) -> Iterator[str]:
    """Yield the lines of one release."""
    yield f"\n## {one.release}: errors of ours alone\n"
    yield "| file | place | message | why |"
    yield "|---|---|---|---|"
    for name, issue in one.ours:
        where, why = issue.where, one.why(issue.message) or "not explained yet"
        yield f"| {cell(name)} | {cell(where)} | {cell(issue.message)} | {why} |"
    yield f"\n## {one.release}: errors of both\n"
    yield from table(one.both, None)
    yield f"\n## {one.release}: errors of HL7's validator alone\n"
    yield from table(one.theirs, one)


def table(kinds: Kinds, one: Account | None) -> Iterator[str]:
    """Yield a table of kinds of errors, the most frequent first, with the reasons of an account."""
    yield "| times | files | message | such as |" + (" why |" if one else "")
    yield "|---" * (5 if one else 4) + "|"
    listed = sorted(kinds.times.items(), key=lambda item: (-item[1], item[0]))
    for message, count in listed[:ROWS]:
        files = kinds.files[message]
        why = f" {one.why(message)} |" if one else ""
        yield f"| {count} | {len(files)} | {cell(message)} | {cell(files[0])} |{why}"
    rest = listed[ROWS:]
    if rest:
        others = {name for message, _ in rest for name in kinds.files[message]}
        words = f"{len(rest)} further kinds"
        yield f"| {sum(n for _, n in rest)} | {len(others)} | {words} | |{' |' if one else ''}"


def cell(text: str) -> str:
    """Return a text as a cell of a table."""
    return " ".join(text.replace("|", "\\|").split())[:SHOWN]


def main() -> None:
    """Validate the examples of each release, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packages", nargs="+", metavar="RELEASE=FOLDER")
    parser.add_argument("--all", action="store_true", help="ask about resources without errors too")
    parser.add_argument("-o", "--out", type=Path, default=Path("docs/examples.md"))
    arguments = parser.parse_args()
    named = (package.partition("=") for package in arguments.packages)
    accounts = [account(release, Path(folder), arguments.all) for release, _, folder in named]
    arguments.out.parent.mkdir(exist_ok=True)
    arguments.out.write_text("\n".join(page(accounts)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
