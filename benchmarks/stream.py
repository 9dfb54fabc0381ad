"""Many facts documents streamed to bundles by the command: documents a second and peak memory.

    python -m benchmarks.stream                       # 1000 documents, one and two processes
    python -m benchmarks.stream --count 10000 --jobs 2 --json

The documents are those of samples/, in turn, each with a name and a hash of its own, one a line.
The command is the one that users have; its start and the reading of the tables are in the time.
The memory is that of all its processes together (what they share counts once in each), looked at
ten times a second: Linux only.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
PAUSE = 0.1  # seconds between two looks at the memory
KIB, MIB = 1024, 1024 * 1024


def write_documents(path: Path, count: int) -> None:
    """Write so many facts documents, one a line, no two of one source."""
    samples = [json.loads(p.read_bytes()) for p in sorted(PROJECT.glob("samples/*/*.facts.json"))]
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            document = samples[number % len(samples)]
            name = f"case-{number}.txt"
            told = {"file": name, "sha256": hashlib.sha256(name.encode()).hexdigest()}
            file.write(json.dumps(document | {"source": document["source"] | told}) + "\n")


def measure(path: Path, out: Path, jobs: int, *, validate: bool) -> dict[str, Any]:
    """Return how long the command takes with so many processes, and the most memory it takes."""
    command = [sys.executable, "-m", "fhirconv", "convert", "-q", str(path), "-o", str(out)]
    command += ["--jobs", str(jobs)] + ([] if validate else ["--no-validate"])
    begun, most = time.perf_counter(), 0
    process = subprocess.Popen(command)
    while process.poll() is None:
        most = max(most, sum(map(resident, family(process.pid))))
        time.sleep(PAUSE)
    seconds = time.perf_counter() - begun
    if process.returncode:
        raise SystemExit(f"the command ended with {process.returncode}: {' '.join(command)}")
    return {"jobs": jobs, "seconds": round(seconds, 2), "peak_mib": round(most / MIB)}


def family(process: int) -> list[int]:
    """Return a process and all that it started, by their numbers."""
    try:
        tasks = list(Path(f"/proc/{process}/task").iterdir())
        children = [int(n) for t in tasks for n in (t / "children").read_text().split()]
    except OSError:  # ended meanwhile
        return []
    return [process, *(found for child in children for found in family(child))]


def resident(process: int) -> int:
    """Return the bytes of memory that a process holds."""
    try:
        lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * KIB for line in lines if line.startswith("VmRSS:"))


def main() -> None:
    """Measure with each number of processes, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=1000, help="documents to stream")
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 2], help="processes")
    parser.add_argument("--no-validate", action="store_true", help="as convert has it")
    parser.add_argument("--json", action="store_true", help="print JSON")
    wish = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path, out = Path(folder, "facts.ndjson"), Path(folder, "bundles.ndjson")
        write_documents(path, wish.count)
        rows = [measure(path, out, jobs, validate=not wish.no_validate) for jobs in wish.jobs]
    for row in rows:
        row |= {"documents": wish.count, "rate": round(wish.count / row["seconds"], 1)}
    if wish.json:
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
        return
    for row in rows:
        words = (
            "{documents} documents, {jobs} jobs: {seconds} s, {rate} documents/s, {peak_mib} MiB"
        )
        sys.stdout.write(words.format(**row) + "\n")


if __name__ == "__main__":
    main()
