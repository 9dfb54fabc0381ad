"""An input is opened: a report, facts, facts of others or FHIR, told apart by their content."""

from typing import TYPE_CHECKING, Any

from fhirconv.errors import ReadError
from fhirconv.files import PACKED, Input
from fhirconv.lines import ENDINGS

if TYPE_CHECKING:
    from fhirconv.stream import Opened
    from fhirconv.tables import Tables

FACTS = ".facts.json"
MARKS, TEXT = ".ann", ".txt"  # annotations, and the report that they speak of
LINES = (".ndjson", ".ndjson.gz")
MANIFEST = "manifest.json"  # of Bulk Data: it lists files, and is no resource
OUTPUTS = (".bundle.json", *LINES, ".outcome.json", ".case.html")


def is_report_or_facts(name: str) -> bool:
    """Say whether a file in a folder is an input to convert: all but what fhirconv wrote."""
    return not name.casefold().endswith(OUTPUTS)


def is_report(name: str) -> bool:
    """Say whether a file in a folder is an input to extract: no output, no facts document."""
    return not name.casefold().endswith((*OUTPUTS, FACTS))


def is_fhir(name: str) -> bool:
    """Say whether a file in a folder is an input to validate and push."""
    lower = name.casefold().removesuffix(PACKED)
    others = (FACTS, ".outcome.json")
    return lower.endswith((".json", *ENDINGS)) and not lower.endswith(others) and lower != MANIFEST


def without_texts(listed: list[Input]) -> list[Input]:
    """Return inputs without the texts whose annotations are inputs too: NAME.txt of NAME.ann."""
    annotated = {i.path.with_suffix(TEXT) for i in listed if i.path and i.path.suffix == MARKS}
    return [item for item in listed if item.path not in annotated]


def without_reports(listed: list[Input]) -> list[Input]:
    """Return inputs without the reports whose facts are inputs too: NAME.txt of NAME.facts.json."""
    paths = [item.path for item in listed if item.path and not item.member]
    told = {p.parent / p.name[: -len(FACTS)] for p in paths if p.name.endswith(FACTS)}
    is_told = (item.path is not None and item.path.with_suffix("") in told for item in listed)
    return [item for item, known in zip(listed, is_told, strict=True) if not known]


def open_input(item: Input, limit: int, tables: "Tables") -> "Opened":
    """Return the report, several reports, the checked facts document or the import of an input.

    Raises ReadError or FactsError.
    """
    from fhirconv.stream import opened

    return opened(item, limit, tables)


def open_fhir(item: Input, limit: int) -> list[tuple[int, dict[str, Any]]]:
    """Return the resources of a file, each with its line, which is 0 where it is the file."""
    from fhirconv.importers import unpacked
    from fhirconv.validate.parsing import load_json

    data, _ = unpacked(item.load(limit), item.shown, limit)
    lines = [(number, line) for number, line in enumerate(data.split(b"\n"), 1) if line.strip()]
    if len(lines) < 2 or not _is_object(lines[0][1]):
        return [(0, _resource(load_json(data, item.shown), item.shown))]
    places = [(number, line, f"{item.shown}:{number}") for number, line in lines]
    return [(number, _resource(load_json(line, place), place)) for number, line, place in places]


def _is_object(line: bytes) -> bool:
    """Say whether a line is a whole JSON object, so that the file has one a line."""
    from fhirconv.validate.parsing import load_json

    try:
        return isinstance(load_json(line), dict)
    except ReadError:
        return False


def _resource(document: Any, place: str) -> dict[str, Any]:
    if not isinstance(document, dict):
        raise ReadError("a FHIR resource is a JSON object", place)
    if not isinstance(document.get("resourceType"), str):
        facts = "schemaVersion" in document
        what = "but a facts document: convert it first" if facts else "resourceType is missing"
        raise ReadError(f"this is no FHIR resource, {what}", place)
    return document
