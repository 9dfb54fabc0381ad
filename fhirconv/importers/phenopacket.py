"""GA4GH phenopackets (version 2, JSON): one a file, one a line, or the members of a cohort."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from fhirconv.errors import ReadError
from fhirconv.importers.imported import Imported, TextOf, refuse
from fhirconv.importers.knowledge import knowledge_of
from fhirconv.importers.messages import record_of
from fhirconv.importers.pointers import values_at
from fhirconv.importers.sources import source_of
from fhirconv.tables import Tables
from fhirconv.validate.parsing import load_json

FORMAT = "GA4GH phenopacket"
MEDIA_TYPE = "application/json"
TABLE = "phenopacket"
STEM = b'"pheno'  # of each of the marks, looked for first
MARKS = (b'"phenopacketSchemaVersion"', b'"phenopacket_schema_version"', b'"phenotypicFeatures"')
MEMBERS = ("proband", "relatives[]", "members[]")  # of a family, of a cohort
VERSION, KNOWN = "metaData.phenopacketSchemaVersion", "2"
SUBJECT = "subject"

Packet = Mapping[str, Any]


def accepts(data: bytes, name: str) -> bool:
    """Say whether a file is JSON that names an element which only phenopackets have."""
    start = data[:64].lstrip(b"\xef\xbb\xbf \t\r\n")
    return start.startswith(b"{") and STEM in data and any(mark in data for mark in MARKS)


def load(data: bytes, name: str, tables: Tables, text_of: TextOf | None = None) -> Imported:
    """Return a facts document for each phenopacket of a file.

    Raises ReadError with all lines that hold none.
    """
    known = knowledge_of(tables)
    problems: list[str] = []
    packets = list(_packets(data, problems))
    refuse(problems, name)
    made = [
        record_of(packet, source_of(own, name, MEDIA_TYPE, place), TABLE, known)
        for packet, own, place in packets
    ]
    return Imported.of(made, known)


def _packets(data: bytes, problems: list[str]) -> Iterator[tuple[Packet, bytes, str]]:
    """Yield (packet, its bytes, which record of the file it is: '' for the whole file)."""
    for place, own in _lines(data):
        try:
            read = load_json(own)
        except ReadError as error:
            problems.append(f"{place}: {error.message}" if place else error.message)
            continue
        for pointer, packet in _members(read):
            record = " ".join(filter(None, (place, pointer)))
            problem = _problem(packet)
            if problem:
                problems.append(f"{record}: {problem}" if record else problem)
            else:
                yield packet, _bytes_of(packet) if pointer else own, record


def _lines(data: bytes) -> list[tuple[str, bytes]]:
    """Return the documents of a file: its lines, where the first is a whole one, else itself."""
    lines = [(f"line {n}", line) for n, line in enumerate(data.split(b"\n"), 1) if line.strip()]
    several = len(lines) > 1 and lines[0][1].rstrip().endswith(b"}")
    return lines if several else [("", data)]


def _members(read: Any) -> list[tuple[str, Any]]:
    """Return the packets of a document: itself, or those of a family or a cohort."""
    return [each for path in MEMBERS for each in values_at(read, path)] or [("", read)]


def _bytes_of(packet: Any) -> bytes:
    return json.dumps(packet, default=str, ensure_ascii=False).encode("utf-8")


def _problem(packet: Any) -> str:
    """Return what is wrong with a packet as a whole, '' for nothing."""
    if not isinstance(packet, Mapping):
        return "a phenopacket is a JSON object"
    version = [str(value) for _, value in values_at(packet, VERSION)]
    if version and version[0].partition(".")[0] != KNOWN:
        return f"phenopacketSchemaVersion {version[0]!r} is not known here (known: {KNOWN})"
    if not isinstance(packet.get(SUBJECT, {}), Mapping):
        return "the subject of a phenopacket is a JSON object"
    return ""
