"""Bundles pushed behind a proxy that spoils some: what befell them, and what the server has then.

    python -m benchmarks.faults                       # 10,000 requests, one in five spoiled
    python -m benchmarks.faults --requests 100000 --one-in 10 --jobs 32

The server is the stub of the tests: it counts each write, and how many are at one resource at once.
Some bundles share an article, all a device. Exits with 1 where anything is lost or there twice.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.fault_proxy import FAULTS, FaultProxy, one_in
from tests.push_store import Store, case

SHARED = 3  # cases of an article


def write_cases(path: Path, count: int) -> None:
    """Write so many bundles, one a line."""
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            file.write(json.dumps(case(number, number // SHARED)) + "\n")


def push(file: Path, url: str, jobs: int, state: Path) -> dict[str, Any]:
    """Push with short limits; return the statistics and the exit code."""
    stats = state.with_suffix(".json")
    command = [sys.executable, "-m", "fhirconv", "push", "-q", str(file), "--server", url]
    command += ["--jobs", str(jobs), "--state", str(state), "--stats", str(stats)]
    command += ["--timeout", "0.5", "--format", "json"]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
    told: dict[str, Any] = json.loads(stats.read_bytes())
    return told | {"exit": done.returncode}


def main() -> None:
    """Push, and print what happened as JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--requests", type=int, default=10_000, help="at least so many are sent")
    parser.add_argument("--one-in", type=int, default=5, help="of so many one is spoiled")
    parser.add_argument("--jobs", type=int, default=8, help="connections")
    wish = parser.parse_args()
    count = wish.requests - wish.requests // wish.one_in
    with tempfile.TemporaryDirectory() as folder, Store() as store:
        file = Path(folder, "cases.ndjson")
        write_cases(file, count)
        with FaultProxy(store.url, one_in(wish.one_in), stall=0.8) as proxy:
            told = push(file, proxy.url, wish.jobs, Path(folder, "state"))
            faults = {fault: proxy.done[fault] for fault in FAULTS}
    expected = 1 + -(-count // SHARED) + 2 * count
    state = {
        "bundles": count,
        "resources": len(store.store),
        "lost": expected - len(store.store),
        "doubled": sum(version > 1 for version in store.versions().values()),
        "two writers at once": len(store.clashes),
        "references to nothing": len(store.dangling),
    }
    sys.stdout.write(json.dumps({"faults": faults, "push": told, "server": state}, indent=2) + "\n")
    bad = [name for name in list(state)[2:] if state[name]]
    sys.exit(bool(bad or told["exit"]))


if __name__ == "__main__":
    main()
