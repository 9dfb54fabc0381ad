"""The line, in a few steps: read, extract, build, bundle, validate."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from fhirconv import build, extractors, facts, importers, readers
from fhirconv.bundle import bundle as make_bundle
from fhirconv.bundle import serialise
from fhirconv.calls import make_callable
from fhirconv.case import Case, cases, uri
from fhirconv.errors import ReadError, UsageError
from fhirconv.exact import exactly
from fhirconv.importers import Imported, unpacked
from fhirconv.ledger import Ledger
from fhirconv.lines import Line
from fhirconv.outcome import Issue, has_errors
from fhirconv.records import records_of
from fhirconv.report import Report
from fhirconv.tables import MAPPINGS, Tables, built_in
from fhirconv.validate import validate as find_issues
from fhirconv.validate.parsing import load_json
from fhirconv.version import VERSION

SCHEMA = MAPPINGS / "facts.schema.json"
DOI = "doi"  # the prefix of the system of article identifiers
MAX_SIZE = 20_000_000  # bytes an input
INSTANT = re.compile(
    r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?"
    r"(Z|[+-]((0\d|1[0-3]):[0-5]\d|14:00))\Z"
)

Source = Path | str | bytes
Facts = dict[str, Any]  # a facts document

__all__ = [
    "Conversion",
    "Imported",
    "convert",
    "extract",
    "load_facts",
    "read",
    "reports",
    "serialise",
    "unpacked",
]


@dataclass(frozen=True)
class Conversion:
    """The Bundles of a report, one a patient; what became of every fact; what to know."""

    bundles: tuple[dict[str, Any], ...]
    issues: tuple[Issue, ...]
    cases: tuple[tuple[Case, build.Built], ...] = ()  # what `explain` and the ledger look into
    invalid: frozenset[int] = frozenset()  # the numbers of the Bundles in which an error was found

    @cached_property
    def ledger(self) -> Ledger:
        """What became of every fact, told when it is first asked for."""
        return Ledger(tuple(entry for _, built in self.cases for entry in built.entries))


def read(
    source: Source,
    *,
    name: str | None = None,
    tables: Tables | None = None,
    max_size: int = MAX_SIZE,
) -> Report:
    """Return the Report of a file (a path) or of bytes; raises ReadError."""
    data, name = _bytes_of(source, name, max_size)
    return readers.read(data, name, tables or built_in())


def reports(
    source: Source,
    *,
    name: str | None = None,
    tables: Tables | None = None,
    max_size: int = MAX_SIZE,
) -> tuple[Report, ...]:
    """Return the Reports of a file: one, or one for each record of PubMed, MEDLINE or a set.

    Raises ReadError, for the first record that cannot be read as well.
    """
    data, name = _bytes_of(source, name, max_size)
    known = tables or built_in()
    listed = [] if is_facts(data) else records_of(data, max_size)
    if not listed:
        return (readers.read(data, name, known),)
    return tuple(read_record(line, name, known) for line in listed)


def read_record(line: Line, name: str, tables: Tables) -> Report:
    """Return the Report of one record of a file; raises ReadError."""
    place = f"record {line.number}"
    if line.problem:
        raise ReadError(line.problem, f"{name}, {place}")
    report = readers.read(line.data, name, tables)
    return replace(report, source=report.source | {"record": place})


def extract(
    source: Report | Source,
    *,
    tables: Tables | None = None,
    timestamp: str | None = None,
    max_size: int = MAX_SIZE,
    extractor: str = "",
) -> Facts:
    """Return the facts document of a report, checked against its text; raises ReadError.

    Without an extractor the best one is used that can run here; raises UsageError where the
    one asked for is unknown or cannot.
    """
    known = tables or built_in()
    report = source if isinstance(source, Report) else read(source, tables=known, max_size=max_size)
    found = extractors.find(report, known, extractor)
    document: Facts = {
        "schemaVersion": facts.SCHEMA_VERSION,
        "source": report.source,
        "citation": report.citation,
        "patients": found.patients,
        "facts": found.facts,
        "relations": found.relations,
        "statements": found.statements,
        "extraction": extractors.account(extractor) | {"tool": "fhirconv", "toolVersion": VERSION},
    }
    if timestamp:
        document["extraction"]["generatedAt"] = checked_instant(timestamp)
    if report.pages:
        document = facts.with_pages(document, report.page_at)
    return facts.check(
        document, SCHEMA, report.source.get("file", ""), report.text, known.relations
    )


def load_facts(
    data: bytes, name: str, beside: Path | None = None, tables: Tables | None = None
) -> Facts:
    """Return a facts document, checked; raises ReadError for JSON, FactsError for facts.

    Where the report it was made from lies in the folder `beside`, unchanged, every quote is
    held against its text.
    """
    document = exactly(data)
    if document is None:
        document = load_json(data, name)
    known = tables or built_in()
    checked = facts.check(document, SCHEMA, name, None, known.relations)
    text = text_of(checked["source"], beside, known)
    if text is not None:
        facts.check_quotes(checked, text, name)
    return checked


def load_import(
    data: bytes,
    name: str,
    beside: Path | None = None,
    tables: Tables | None = None,
    max_size: int = MAX_SIZE,
) -> Imported | None:
    """Return the facts that others found, a document a patient, checked; None for other files.

    The text that annotations speak of lies in the folder `beside`. Raises ReadError.
    """
    known = tables or built_in()
    data, name = importers.unpacked(data, name, max_size)
    importer = importers.importer_of(data, name)
    if importer is None:
        return None
    texts: list[str] = []

    def report_of(file: str) -> Report | None:
        path = beside / Path(file).name if beside else None
        if path is None or not path.is_file():
            return None
        found = readers.text.read(_bytes_of(path, None, max_size)[0], file, known)
        texts.append(found.text)
        return found

    found = importers.load(importer, data, name, known, report_of)
    text = texts[0] if texts else None
    for document in found.documents:
        facts.check(document, SCHEMA, name, text, known.relations)
    return found


def convert(  # noqa: PLR0913 - each is an option of its own, by name
    source: Report | tuple[Report, ...] | Facts | Imported | Source,
    release: str | None = None,
    *,
    bundle: str = "transaction",
    tables: Tables | None = None,
    timestamp: str | None = None,
    validate: bool = True,
    extractor: str = "",
) -> Conversion:
    """Return the Bundles that a report, a facts document or an import makes in one release.

    What the validator finds in them is among the issues, unless it is not to be asked. Raises
    ReadError, FactsError, TableError, or UsageError for an unknown kind of Bundle.
    """
    known = tables or built_in()
    name = known.release(release or known.default_release).name
    given = _given(source, known, timestamp, extractor)
    made: list[dict[str, Any]] = []
    looked: list[tuple[Case, build.Built]] = []
    for document in given.documents:
        for case in cases(document, VERSION, known.systems[DOI].uri):
            built = build.build(case, known, name)
            when = document["extraction"].get("generatedAt")
            made.append(make_bundle(built.resources, bundle, uri(case), case.patient, when))
            looked.append((case, built))
    found = [*given.issues, *(issue for _, built in looked for issue in built.issues)]
    wrong = [list(find_issues(each, name, known)) for each in made] if validate else []
    found += [issue for listed in wrong for issue in listed]
    invalid = frozenset(number for number, listed in enumerate(wrong) if has_errors(listed))
    return Conversion(tuple(made), tuple(found), tuple(looked), invalid)


def is_facts(data: bytes) -> bool:
    """Say whether bytes are JSON, so a facts document rather than a report."""
    return data[:64].lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"["))


def checked_instant(text: str) -> str:
    """Return a FHIR instant; raises UsageError where it is none."""
    if not INSTANT.match(text):
        message = f"{text!r} is no time such as 2026-01-31T12:00:00Z (date, time and zone)"
        raise UsageError(message, "--timestamp")
    return text


def _given(
    source: Report | tuple[Report, ...] | Facts | Imported | Source,
    tables: Tables,
    timestamp: str | None,
    extractor: str,
) -> Imported:
    """Return the facts documents of whatever is given, and what is worth a word of it."""
    if isinstance(source, Report):
        document = extract(source, tables=tables, timestamp=timestamp, extractor=extractor)
        return Imported((document,))
    if isinstance(source, tuple):
        named: dict[str, Any] = {"timestamp": timestamp, "extractor": extractor}
        return Imported(tuple(extract(each, tables=tables, **named) for each in source))
    if isinstance(source, Imported):
        return Imported(tuple(stamped(d, timestamp) for d in source.documents), source.issues)
    if isinstance(source, Mapping):
        checked = facts.check(source, SCHEMA, "", None, tables.relations)
        return Imported((stamped(checked, timestamp),))
    data, name = _bytes_of(source, None, MAX_SIZE)
    beside = Path(source).parent if isinstance(source, (str, Path)) else None
    found = load_import(data, name, beside, tables)
    if found is None and is_facts(data):
        found = Imported((load_facts(data, name, beside, tables),))
    opened = found or reports(data, name=name, tables=tables)
    return _given(opened, tables, timestamp, extractor)


def stamped(document: Facts, timestamp: str | None) -> Facts:
    """Return a facts document with a time of generation; raises UsageError for what is none."""
    if not timestamp:
        return document
    when = {"generatedAt": checked_instant(timestamp)}
    return document | {"extraction": document["extraction"] | when}


def _bytes_of(source: Source, name: str | None, max_size: int) -> tuple[bytes, str]:
    if isinstance(source, bytes):
        data, name = source, name or "input"
    else:
        path = Path(source)
        name = name or path.name
        try:
            size = path.stat().st_size
            data = path.read_bytes() if size <= max_size else b""
        except OSError as error:
            raise ReadError(f"cannot be read: {error.strerror}", str(path)) from error
        if size > max_size:
            raise ReadError(f"is of {size} bytes, over the limit of {max_size}", str(path))
    if len(data) > max_size:
        raise ReadError(f"is of {len(data)} bytes, over the limit of {max_size}", name)
    return unpacked(data, name, max_size)


def text_of(source: Mapping[str, Any], beside: Path | None, tables: Tables) -> str | None:
    """Return the text of the report that facts were found in, where it lies beside, unchanged."""
    report = report_of(source, beside, tables)
    return report.text if report else None


def report_of(source: Mapping[str, Any], beside: Path | None, tables: Tables) -> Report | None:
    """Return the report that facts were found in, where it lies beside, unchanged."""
    path = beside / Path(source["file"]).name if beside else None
    if path is not None and not path.is_file():
        path = path.with_name(f"{path.name}.gz")
    if path is None or not path.is_file() or path.stat().st_size > MAX_SIZE:
        return None
    import hashlib

    data, _ = unpacked(path.read_bytes(), path.name, MAX_SIZE)
    for part in [data, *(line.data for line in records_of(data, MAX_SIZE))]:
        if hashlib.sha256(part).hexdigest() == source["sha256"]:
            return readers.read(part, path.name, tables)
    return None


def issues_of(conversion: Conversion) -> Iterator[Issue]:
    """Yield the account of every fact, then what else is worth a word."""
    yield from conversion.ledger.issues()
    yield from conversion.issues


make_callable(__name__)
