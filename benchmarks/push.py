"""Bundles pushed to a server: fhirconv beside requests in plain loops and fhirpy, bundles a second.

    python -m benchmarks.push                         # a stub that answers after 20 ms
    python -m benchmarks.push --hapi R4 --count 500   # a HAPI server (Java 17, Maven)
    python -m benchmarks.push --jobs 1 8 32 --json

Every part is a process of its own with connections of its own, one after the other and in turn; of
each the median of the runs is told. The bundles are small (a Patient and two Observations), each
with ids of its own, so that all parts send what the server has not yet.

fhirconv            the command: reads the file, orders what is written, reads every entry's answer,
                    keeps a journal; its time is that of --stats, without the start of the process
requests            plain loops side by side, a process and a connection each, that look at the
                    status alone; the bundles are bytes from the start, and so is the clock's start
fhirpy              its asynchronous client with as many tasks, in one process
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent
PEERS = PROJECT / "build" / "peers"
PARTS = ("fhirconv", "requests", "fhirpy")


def bundle(entries: int) -> dict[str, Any]:
    """Return a transaction of so many resources that no server has."""
    patient = str(uuid4())
    made: list[dict[str, Any]] = [{"resourceType": "Patient", "id": patient, "gender": "unknown"}]
    for number in range(entries - 1):
        subject = {"reference": f"urn:uuid:{patient}"}
        code = {"text": f"finding {number}"}
        made.append(
            {"resourceType": "Observation", "id": str(uuid4()), "status": "final", "code": code}
            | {"subject": subject, "valueString": "present"}
        )
    listed = [
        {
            "fullUrl": f"urn:uuid:{one['id']}",
            "resource": one,
            "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"},
        }
        for one in made
    ]
    return {"resourceType": "Bundle", "type": "transaction", "entry": listed}


def write_bundles(path: Path, count: int, entries: int) -> None:
    """Write so many bundles, one a line."""
    with path.open("w", encoding="utf-8") as file:
        for _ in range(count):
            file.write(json.dumps(bundle(entries), separators=(",", ":")) + "\n")


def seconds(part: str, file: Path, url: str, jobs: int) -> float | None:
    """Return how long a part takes to send the file; None where it is not there."""
    if part == "fhirconv":
        return push(file, url, jobs)
    known = PEERS / "fhirpy" / "bin" / "python"
    python = sys.executable if part == "requests" else known
    if not Path(python).exists():
        return None
    script = HERE / "peers" / f"{part}_push.py"
    command = [str(python), str(script), str(file), url, str(jobs)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def push(file: Path, url: str, jobs: int) -> float:
    """Return the seconds that the command takes from its first bundle to its last."""
    stats, state = file.with_suffix(".stats.json"), file.with_suffix(".state")
    command = [sys.executable, "-m", "fhirconv", "push", "-q", str(file), "--server", url]
    command += ["--jobs", str(jobs), "--state", str(state), "--stats", str(stats)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    shutil.rmtree(state)
    told: float = json.loads(stats.read_bytes())["seconds"]
    return told


@contextmanager
def stub(delay: float) -> Iterator[str]:
    """Run a server that answers after so many milliseconds; yield its address."""
    command = [sys.executable, str(HERE / "stub.py"), str(delay)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


@contextmanager
def server(wish: argparse.Namespace) -> Iterator[str]:
    """Run the server that is asked for; yield its address."""
    if wish.url:
        yield wish.url
    elif wish.hapi:
        from tests.hapi_servers import server as hapi

        with hapi(wish.hapi) as url:
            yield url
    else:
        with stub(wish.delay) as url:
            yield url


def measure(wish: argparse.Namespace, url: str, folder: Path) -> list[dict[str, Any]]:
    """Return the rates of all parts, with each number of connections."""
    rows = []
    for jobs in wish.jobs:
        times: dict[str, list[float]] = {part: [] for part in wish.only}
        for _ in range(wish.runs):
            for part in wish.only:
                file = folder / f"{time.monotonic_ns()}.ndjson"
                write_bundles(file, wish.count, wish.entries)
                taken = seconds(part, file, url, jobs)
                if taken is not None:
                    times[part].append(taken)
        rates = {part: wish.count / statistics.median(each) for part, each in times.items() if each}
        rows.append({"jobs": jobs} | {part: round(rate, 1) for part, rate in rates.items()})
    return rows


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=1000, help="bundles of a run")
    parser.add_argument("--entries", type=int, default=3, help="resources of a bundle")
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 8, 32], help="connections")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--delay", type=float, default=20, help="milliseconds of the stub")
    parser.add_argument("--hapi", choices=("R4", "R5"), help="a HAPI server instead of the stub")
    parser.add_argument("--url", help="a server that runs already")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--json", action="store_true", help="print JSON")
    wish = parser.parse_args()
    os.environ.setdefault("XDG_CACHE_HOME", str(PROJECT / "build" / "cache"))
    with tempfile.TemporaryDirectory() as folder, server(wish) as url:
        rows = measure(wish, url, Path(folder))
    if wish.json:
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
        return
    for row in rows:
        parts = (f"{part} {row.get(part, 'absent')}" for part in wish.only)
        sys.stdout.write(f"{row['jobs']} connections, bundles/s: {', '.join(parts)}\n")


if __name__ == "__main__":
    main()
