"""Facts documents to FHIR bundles: fhirconv beside its peers, resources a second and peak memory.

    python -m benchmarks.convert                  # the peers that are there, see `make peers`
    python -m benchmarks.convert --json --runs 5

Every part runs in a process of its own, one after the other and in turn; of each the median of
the runs is told, by processor time (--json has the time on the wall too). Before the clock starts
a part has loaded itself and worked on some documents; every part in Python looks for circles of
objects as seldom as the command does (fhirconv.pool). Each reads the same documents, one a line,
and writes its bundles as bytes. The work is as equal as the peers allow: the same facts, each with
its codes already in the document.

fhirconv                 reads and checks the document (its schema, that ids lead somewhere, the
                         length of every quote), looks its terms up in its tables, makes the
                         resources with narratives, quotes, Composition and Provenance; its traces
                         are there for the asking
fhirconv, validated      the same, and its validator holds every bundle, as the command does
OpenMed to_fhir          makes Condition, Observation, Procedure, MedicationStatement of spans with
                         codes; no check of the document, no Patient, no terms looked up
python-fhir-converter    a Liquid template; no check, codes copied, no trace
@medplum/core            the FHIR Mapping Language, a fact at a time; no check, no trace, one coding
"""

import argparse
import gc
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent
PEERS = PROJECT / "build" / "peers"
MEDPLUM = PEERS / "node_modules" / "@medplum" / "core" / "dist" / "esm" / "index.mjs"
WARM = 20  # documents before the clock starts

Measured = dict[str, Any]


def documents(count: int) -> Iterator[dict[str, Any]]:
    """Yield facts documents made of those of the samples, each of a source of its own."""
    known = [
        with_codes(json.loads(path.read_bytes()))
        for path in sorted((PROJECT / "samples").glob("*/*.facts.json"))
    ]
    for number in range(count):
        document = known[number % len(known)]
        citation = document["citation"] | {"doi": f"10.5072/benchmark.{number}"}
        yield document | {"citation": citation}


def with_codes(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document whose facts have the codes that the tables know: peers look nothing up."""
    from fhirconv import convert

    made = convert(document, validate=False)
    resources = {
        f"{entry['resource']['resourceType']}/{entry['resource']['id']}": entry["resource"]
        for bundle in made.bundles
        for entry in bundle["entry"]
    }
    codes = {row.fact: codings(resources.get(row.resource, {})) for row in made.ledger.rows}
    facts = [fact | {"codes": codes[fact["id"]]} for fact in document["facts"]]
    return document | {"facts": facts}


def codings(made: dict[str, Any]) -> list[dict[str, str]]:
    """Return the codings of what a resource is about."""
    for name in ("code", "medicationCodeableConcept", "event"):
        if name in made:
            return list(made[name].get("coding", ()))
    return []


def measure(convert: Callable[[bytes], tuple[int, int]], path: Path) -> Measured:
    """Return what a part did with the documents of a file: each makes (resources, bytes)."""
    gc.set_threshold(10_000, 10, 10)  # for every part in Python, as our command does for itself
    lines = path.read_bytes().splitlines()
    for line in lines[:WARM]:
        convert(line)
    begun, used = time.perf_counter(), time.process_time()
    made = [convert(line) for line in lines]
    seconds, cpu = time.perf_counter() - begun, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "documents": len(lines),
        "resources": sum(resources for resources, _ in made),
        "bytes": sum(size for _, size in made),
        "seconds": seconds,
        "cpu_seconds": cpu,
        "peak_mb": peak / (1024 if sys.platform != "darwin" else 1024 * 1024),
    }


def our_part(path: Path, *, validate: bool) -> Measured:
    """Measure fhirconv itself."""
    from fhirconv import convert
    from fhirconv.bundle import serialise

    def work(line: bytes) -> tuple[int, int]:
        made = convert(line, validate=validate)
        written = [serialise(bundle, compact=True) for bundle in made.bundles]
        return sum(len(b["entry"]) for b in made.bundles), sum(map(len, written))

    return measure(work, path)


def parts(chosen: str) -> dict[str, list[str]]:
    """Return the command of each part by its name; none where a peer is not there."""
    own = [sys.executable, "-m", "benchmarks.convert", "--part"]
    node = shutil.which("node")
    found = {
        "fhirconv": [*own, "fhirconv"],
        "fhirconv, validated": [*own, "validated"],
        "OpenMed to_fhir": peer("openmed"),
        "python-fhir-converter": peer("fhir_converter"),
        "@medplum/core": [node, str(HERE / "peers" / "medplum.mjs"), str(MEDPLUM)]
        if node and MEDPLUM.is_file()
        else [],
    }
    return {name: command for name, command in found.items() if chosen in name}


def peer(package: str) -> list[str]:
    """Return the command of a peer written in Python, where it is installed."""
    python = PEERS / package / "bin" / "python"
    return [str(python), str(HERE / "peers" / f"{package}.py")] if python.is_file() else []


def run(command: list[str], path: Path) -> Measured:
    """Return what one run of a part tells; raises CalledProcessError where it fails."""
    environment = os.environ | {"PYTHONPATH": str(PROJECT), "PYTHONHASHSEED": "0"}
    done = subprocess.run(
        [*command, str(path)], cwd=PROJECT, env=environment, check=True, stdout=subprocess.PIPE
    )
    told: Measured = json.loads(done.stdout)
    return told


def compared(path: Path, runs: int, chosen: str = "") -> dict[str, Measured | None]:
    """Return the medians of each part; None for a peer that is not there."""
    commands = parts(chosen)
    told: dict[str, list[Measured]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            if command:
                told[name].append(run(command, path))
    return {name: median(listed) if listed else None for name, listed in told.items()}


def median(listed: list[Measured]) -> Measured:
    """Return the middle run, with its resources a second of processor time.

    The clock on the wall also tells what else the machine was doing.
    """
    middle = sorted(listed, key=lambda each: each["cpu_seconds"])[(len(listed) - 1) // 2]
    peak = statistics.median(each["peak_mb"] for each in listed)
    rate = middle["resources"] / middle["cpu_seconds"]
    return middle | {"peak_mb": round(peak, 1), "resources_per_second": round(rate)}


COLUMNS = ("", "resources", "a second", "ratio", "bytes each", "peak MB")


def table(results: dict[str, Measured | None]) -> str:
    """Return the results as a table for people; ratios are to the first part."""
    rows = [COLUMNS]
    first = next((each["resources_per_second"] for each in results.values() if each), 1)
    for name, each in results.items():
        if each is None:
            rows.append((name, "absent", "", "", "", ""))
            continue
        rate, made = each["resources_per_second"], each["resources"]
        told = (f"{rate:,}", f"{rate / first:.2f}", str(each["bytes"] // made))
        rows.append((name, str(made), *told, str(each["peak_mb"])))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)


def main(arguments: list[str] | None = None) -> int:
    """Compare, and print a table on standard error or JSON on standard output."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=int, default=400, help="how many (400)")
    parser.add_argument("--runs", type=int, default=3, help="of which the median is told (3)")
    parser.add_argument("--only", default="", help="the parts whose name holds this")
    parser.add_argument("--json", action="store_true", help="JSON on standard output")
    parser.add_argument("--part", choices=("fhirconv", "validated"), help=argparse.SUPPRESS)
    parser.add_argument("path", nargs="?", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    if asked.part:
        print(json.dumps(our_part(asked.path, validate=asked.part == "validated")))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "facts.ndjson"
        lines = (
            json.dumps(document, ensure_ascii=False) for document in documents(asked.documents)
        )
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        results = compared(path, asked.runs, asked.only)
    if asked.json:
        print(json.dumps(results, indent=2))
    else:
        print(table(results), file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
