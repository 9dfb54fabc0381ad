"""An input is opened: a report, a facts document or FHIR, told apart by their content."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from fhirconv.errors import ReadError
from fhirconv.files import Input

if TYPE_CHECKING:
    from json import JSONDecodeError

    from fhirconv.report import Report
    from fhirconv.tables import Tables

JSON_OBJECT = re.compile(rb'(\xef\xbb\xbf)?\s*\{\s*["}]')
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
FACTS = ".facts.json"
OUTPUTS = (".bundle.json", ".ndjson", ".outcome.json")


def is_report_or_facts(name: str) -> bool:
    """Say whether a file in a folder is an input to convert: all but what fhirconv wrote."""
    return not name.casefold().endswith(OUTPUTS)


def is_report(name: str) -> bool:
    """Say whether a file in a folder is an input to extract: no output, no facts document."""
    return not name.casefold().endswith((*OUTPUTS, FACTS))


def is_fhir(name: str) -> bool:
    """Say whether a file in a folder is an input to validate and push."""
    lower = name.casefold()
    return lower.endswith((".json", ".ndjson")) and not lower.endswith((FACTS, ".outcome.json"))


def open_input(item: Input, limit: int, tables: "Tables") -> "Report | dict[str, Any]":
    """Return the report or the checked facts document of an input; raises Read- or FactsError."""
    from fhirconv.convert import load_facts, read

    data = item.load(limit)
    if JSON_OBJECT.match(data):
        return load_facts(data, item.shown)
    return read(data, name=item.file, tables=tables, max_size=limit)


def open_fhir(item: Input, limit: int) -> list[tuple[int, dict[str, Any]]]:
    """Return the resources of a file, each with its line, which is 0 where it is the file."""
    import orjson

    data = item.load(limit).removeprefix(BYTE_ORDER_MARK)
    if not data.strip():
        raise ReadError("the file is empty", item.shown)
    try:
        return [(0, _resource(orjson.loads(data), item.shown))]
    except orjson.JSONDecodeError as error:
        if _is_json(data.partition(b"\n")[0]):
            return list(_lines(data, item.shown))
        raise _no_json(error, item.shown, error.lineno) from error


def _is_json(line: bytes) -> bool:
    import orjson

    try:
        return isinstance(orjson.loads(line), dict)
    except orjson.JSONDecodeError:
        return False


def _lines(data: bytes, shown: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the resources of NDJSON; raises ReadError at the first line that is no JSON."""
    import orjson

    for number, line in enumerate(data.split(b"\n"), 1):
        if line.strip():
            try:
                yield number, _resource(orjson.loads(line), f"{shown}:{number}")
            except orjson.JSONDecodeError as error:
                raise _no_json(error, shown, number) from error


def _no_json(error: "JSONDecodeError", shown: str, line: int) -> ReadError:
    message = error.msg.partition(": line")[0]
    return ReadError(f"the file is not JSON: {message}", f"{shown}:{line}:{error.colno}")


def _resource(document: Any, place: str) -> dict[str, Any]:
    if not isinstance(document, dict):
        raise ReadError("a FHIR resource is a JSON object", place)
    if not isinstance(document.get("resourceType"), str):
        facts = "schemaVersion" in document
        what = "but a facts document: convert it first" if facts else "resourceType is missing"
        raise ReadError(f"this is no FHIR resource, {what}", place)
    return document
