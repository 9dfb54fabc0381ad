"""Files of FHIR are inspected: a document at a time, on as many cores as asked for, in order."""

import gzip
import io
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any

from fhirconv.errors import JsonError, ReadError
from fhirconv.files import Input
from fhirconv.findings import Checked, Finding, found, named
from fhirconv.lines import Line, Reading, sniffed
from fhirconv.outcome import Issue
from fhirconv.pool import in_order
from fhirconv.release import release_of
from fhirconv.tables import built_in

MAGIC = b"\x1f\x8b"  # of gzip
MANY, LARGE = 200, 1_000_000  # lines and bytes that are checked at once

# another opinion: document, text, line where it begins -> findings
Second = Callable[[Any, str, int], tuple[Finding, ...]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """How documents are to be checked."""

    release: str | None = None  # None: the one that a document shows
    models: bool = False
    limit: int = 20_000_000  # bytes of a document
    packages: tuple[str, ...] = ()  # of implementation guides, as the user names them
    profiles: tuple[str, ...] = ()  # URLs


@dataclass(frozen=True, slots=True)
class Batch:
    """Some documents of a file, each with its line, which is 0 where it is the whole file."""

    file: str
    lines: tuple[Line, ...]


def inspect(
    items: Iterable[Input], wanted: Wanted, jobs: int = 1, second: Second | None = None
) -> Iterator[Checked]:
    """Yield every document of the files with what is wrong in it, in the order of the files.

    At most some batches of lines are in memory at a time. `second` is asked in this process, one
    document after the other.
    """
    listed = chain.from_iterable(batches(item, wanted.limit) for item in items)
    if second is not None:
        for batch in listed:
            yield from check(batch, wanted, second)
        return
    for checked in in_order(partial(_listed, wanted=wanted), listed, jobs):
        yield from checked


def _listed(batch: Batch, wanted: Wanted) -> list[Checked]:
    return list(check(batch, wanted))


def batches(item: Input, limit: int) -> Iterator[Batch]:
    """Yield the documents of a file, some at a time; a file of one is one batch."""
    try:
        in_lines, item = sniffed(item, limit)
        if in_lines:
            yield from _batches(Reading(item, limit), item.shown)
        else:
            yield Batch(item.shown, (Line(0, _whole(item, limit)),))
    except ReadError as error:
        yield Batch(item.shown, (Line(0, b"", error.message),))


def _batches(reading: Iterable[Line], file: str) -> Iterator[Batch]:
    """Yield lines in batches, neither of too many nor of too many bytes."""
    held: list[Line] = []
    size = 0
    for line in reading:
        held.append(line)
        size += len(line.data)
        if len(held) >= MANY or size >= LARGE:
            yield Batch(file, tuple(held))
            held, size = [], 0
    if held:
        yield Batch(file, tuple(held))


def _whole(item: Input, limit: int) -> bytes:
    """Return a file that is one document, unpacked; raises ReadError."""
    data = item.load(limit)
    if not data.startswith(MAGIC):
        return data
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
            data = stream.read(limit + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise ReadError("the gzip file is broken or cut short", item.shown) from error
    if len(data) > limit:
        raise ReadError(f"the file is larger than {limit} bytes (--max-size)", item.shown)
    return data


def _fatal(error: ReadError) -> Issue:
    """Return a file that cannot be read as an issue."""
    if isinstance(error, JsonError):
        return Issue("fatal", "structure", error.what, line=error.line, column=error.column)
    return Issue("fatal", "processing", error.message)


def check(batch: Batch, wanted: Wanted, second: Second | None = None) -> Iterator[Checked]:
    """Yield each document of a batch with what is wrong in it."""
    for line in batch.lines:
        if line.problem:
            issue = Issue("fatal", "processing", line.problem, line=line.number)
            yield Checked(batch.file, line.number, "", "", (Finding(issue),))
        else:
            yield check_document(batch.file, line.number, line.data, wanted, second)


def check_document(
    file: str, number: int, data: bytes, wanted: Wanted, second: Second | None = None
) -> Checked:
    """Return what is wrong in one document of a file, of the line 0 where it is all of it."""
    from fhirconv.validate import load_json

    first = number or 1
    try:
        document = _resource(load_json(data))
    except ReadError as error:
        return Checked(file, number, "", "", found(None, "", [_fatal(error)], first))
    release = _release(document, wanted)
    issues = [*_issues(document, release, wanted)]
    text = data.decode("utf-8-sig")
    findings = found(document, text, issues, first)
    if second is not None:
        findings += second(document, text, first)
    return Checked(file, number, named(document), release, findings)


def _release(document: dict[str, Any], wanted: Wanted) -> str:
    from fhirconv.guides.library import library_of

    tables = built_in()
    guided = library_of(wanted.packages).release(tables) if wanted.packages else None
    return wanted.release or release_of(document, tables) or guided or tables.default_release


def _issues(document: dict[str, Any], release: str, wanted: Wanted) -> Iterator[Issue]:
    from fhirconv.guides.library import library_of
    from fhirconv.validate import validate
    from fhirconv.validate.models import check_models

    packages = library_of(wanted.packages).packages if wanted.packages else ()
    yield from validate(document, release, packages=packages, profiles=wanted.profiles)
    if wanted.models:
        yield from check_models(document, release)


def _resource(document: Any) -> dict[str, Any]:
    """Return a document that is a resource; raises ReadError for what is none."""
    if not isinstance(document, dict):
        raise ReadError("a FHIR resource is a JSON object")
    if not isinstance(document.get("resourceType"), str):
        facts = "schemaVersion" in document
        what = "but a facts document: convert it first" if facts else "resourceType is missing"
        raise ReadError(f"this is no FHIR resource, {what}")
    return document
