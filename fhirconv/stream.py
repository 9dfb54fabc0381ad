"""Many documents converted one after the other: a bad one does not stop the rest."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from fhirconv.assisted import Assisted
from fhirconv.bulk import lines_of
from fhirconv.convert import (
    MAX_SIZE,
    Conversion,
    Imported,
    convert,
    is_facts,
    issues_of,
    load_facts,
    load_import,
    read_record,
    reports,
    serialise,
    unpacked,
)
from fhirconv.errors import FactsError, FhirconvError, ReadError
from fhirconv.files import PACKED, Input
from fhirconv.ledger import RESULTS
from fhirconv.lines import Line, Reading
from fhirconv.outcome import Issue
from fhirconv.records import Cut, several
from fhirconv.report import Report
from fhirconv.tables import Tables, tables_of

Opened = Report | tuple[Report, ...] | dict[str, Any] | Imported
FOLDER, FILE, LINES, BULK = "folder", "file", "lines", "bulk"
MOST, LARGEST = 32, 1_000_000  # lines and bytes of one piece of work


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of work: some lines of an input, or (without lines) all of it."""

    item: Input
    lines: tuple[Line, ...] = ()
    size: int = 0  # bytes of the input, packed as they are, that it takes


@dataclass(slots=True)
class Account:
    """How many facts there are, what became of them, and why some were skipped."""

    results: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Account") -> None:
        """Count what another account counts."""
        self.results.update(other.results)
        self.skipped.update(other.skipped)

    @property
    def counts(self) -> dict[str, int]:
        """How many facts there are, and how many of each result: they add up."""
        listed = {result: self.results[result] for result in RESULTS}
        return {"facts": sum(listed.values())} | listed

    @property
    def reasons(self) -> dict[str, int]:
        """How many facts were skipped for each reason, most frequent first."""
        return dict(self.skipped.most_common())

    def issues(self) -> Iterator[Issue]:
        """Yield one Issue for each result and each reason, for an OperationOutcome."""
        for result, count in self.counts.items():
            yield Issue("information", "informational", f"{result}: {count}", "facts")
        for reason, count in self.reasons.items():
            yield Issue("information", "suppressed", f"skipped: {reason}: {count}", "facts")


@dataclass(frozen=True, slots=True)
class Made:
    """What one document, or one input, made: bundles as bytes, and what is to be said."""

    item: Input
    place: str  # facts.ndjson:17, or the input
    documents: tuple[bytes, ...]
    issues: tuple[Issue, ...]
    account: Account

    @property
    def by_line(self) -> bool:
        """Say whether it was made of one line of the input."""
        return self.place != self.item.shown


@dataclass(frozen=True, slots=True)
class Converter:
    """How documents are converted; it can be sent to another process."""

    release: str
    kind: str = "transaction"
    folders: tuple[str, ...] = ()  # of --mappings
    timestamp: str | None = None
    limit: int = MAX_SIZE  # bytes of a document
    form: str = FOLDER  # a file a bundle; FILE: several bundles one a line; LINES: all of them;
    # BULK: the resources, one a line
    server: str = ""  # the address of a terminology server
    validate: bool = True  # what is made
    keep: bool = False  # write a bundle in which an error was found, too
    extractor: str = ""  # of the facts of reports; '' for the best

    def __call__(self, piece: Piece) -> list[Made]:
        """Return what each document of a piece made."""
        if not piece.lines:
            return [self._made(piece.item, None)]
        return [self._made(piece.item, line) for line in piece.lines]

    def _made(self, item: Input, line: Line | None) -> Made:
        place = f"{item.shown}:{line.number}" if line else item.shown
        try:
            made = self._opened(item, line, place)
        except (ReadError, FactsError) as error:
            return Made(item, place, (), (_told(error, item, place),), Account())
        compact = self.form == LINES or (self.form == FILE and len(made.bundles) > 1)
        bundles = (b for n, b in enumerate(made.bundles) if self.keep or n not in made.invalid)
        if self.form == BULK:
            documents = tuple(lines_of(bundle) for bundle in bundles)
        else:
            documents = tuple(serialise(bundle, compact=compact) for bundle in bundles)
        short = self.form in (LINES, BULK)
        issues: Iterable[Issue] = made.issues if short else issues_of(made)
        if len(documents) < len(made.bundles):
            issues = (*issues, _unwritten(len(made.bundles) - len(documents)))
        if line:
            issues = (replace(i, where=f"{place}: {i.where}".removesuffix(": ")) for i in issues)
        return Made(item, place, documents, tuple(issues), _account(made))

    def _opened(self, item: Input, line: Line | None, place: str) -> Conversion:
        tables = tables_of(self.folders)
        source = (
            opened_line(item, line, place, tables) if line else opened(item, self.limit, tables)
        )
        if isinstance(source, dict):
            source = Imported((source,))  # checked as it was opened, so not once more
        return self.conversion(source)

    def conversion(self, source: Opened) -> Conversion:
        """Return what a report, a facts document or an import makes; raises as `convert`."""
        named: dict[str, Any] = {"bundle": self.kind, "timestamp": self.timestamp}
        named["validate"] = self.validate
        named["extractor"] = self.extractor
        if self.server:
            return _assisted(self.server, self.folders, self.release).convert(source, **named)
        return convert(source, self.release, tables=tables_of(self.folders), **named)

    def close(self) -> None:
        """Close what this process has open."""
        if self.server:
            _assisted(self.server, self.folders, self.release).close()
            _assisted.cache_clear()


def _unwritten(count: int) -> Issue:
    """Return that bundles with an error are left out."""
    told = "a bundle has an error and is" if count == 1 else f"{count} bundles have errors and are"
    return Issue("error", "processing", f"{told} not written (--keep-invalid writes it)")


@lru_cache(maxsize=1)
def _assisted(server: str, folders: tuple[str, ...], release: str) -> Assisted:
    """Return the conversions with a server, one a process."""
    return Assisted.at(server, tables_of(folders), release)


def opened(item: Input, limit: int, tables: Tables) -> Opened:
    """Return the report, several reports, the checked facts document or the import of an input.

    Raises ReadError or FactsError.
    """
    data, name = unpacked(item.load(limit), item.file, limit)
    beside = item.folder
    found = load_import(data, item.shown, beside, tables, limit)
    if found is not None:
        return found
    if is_facts(data):
        return load_facts(data, item.shown, beside)
    found_reports = reports(data, name=name, tables=tables, max_size=limit)
    return found_reports if len(found_reports) > 1 else found_reports[0]


def opened_line(item: Input, line: Line, place: str, tables: Tables) -> Opened:
    """Return the checked facts document, import or report of one line; raises as `opened`."""
    if line.problem:
        raise ReadError(line.problem, place)
    if line.is_record:
        return read_record(line, item.file, tables)
    beside = item.folder
    name = item.shown[: -len(PACKED)] if item.shown.endswith(PACKED) else item.shown
    found = load_import(line.data, name, beside, tables, len(line.data))
    if found is None:
        return load_facts(line.data, place, beside, tables)
    return Imported(tuple(_of_line(d, line.number) for d in found.documents), found.issues)


def _of_line(document: dict[str, Any], number: int) -> dict[str, Any]:
    """Return an imported document that says from which line of its file it comes."""
    source = document["source"]
    record = f"line {number} {source.get('record', '')}".strip()
    return document | {"source": source | {"record": record}}


def _told(error: FhirconvError, item: Input, place: str) -> Issue:
    """Return the Issue of a document that cannot be converted, with the place of its line."""
    whole = place == item.shown
    message = (
        error.message if whole else error.message.replace(", at line 1, column", ", at column")
    )
    known = error.where.startswith((place, item.shown)) if whole else error.where.startswith(place)
    return Issue("fatal", "processing", message, error.where if known else place)


def _account(made: Conversion) -> Account:
    counts = made.ledger.counts
    results = Counter({result: counts[result] for result in RESULTS if counts[result]})
    return Account(results, Counter(made.ledger.reasons))


def pieces(items: Iterable[Input], limit: int) -> Iterator[Piece]:
    """Yield the inputs as pieces of work: whole, or some lines of those with a document a line.

    Where they are cut does not depend on who works on them.
    """
    for item in items:
        try:
            cut, begun = several(item, limit)
        except ReadError:  # told by whoever works on it
            cut, begun = None, item
        yield from _lines(begun, limit, cut) if cut else [Piece(begun)]


def _lines(item: Input, limit: int, cut: Cut) -> Iterator[Piece]:
    """Yield the lines of an input as pieces of a bounded size; without any, a line that says so."""
    reading = Reading(item, limit, cut=cut)
    listed: list[Line] = []
    size = done = 0
    for line in reading:
        listed.append(line)
        size += len(line.data)
        if len(listed) == MOST or size >= LARGEST:
            yield Piece(item, tuple(listed), reading.done - done)
            listed, size, done = [], 0, reading.done
    if not listed and not done:
        listed = [Line(1, b"", "the file has no line with a document")]
    if listed:
        yield Piece(item, tuple(listed), reading.done - done)
