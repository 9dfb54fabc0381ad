"""Bundles sent by requests in plain loops: FILE URL LOOPS; each a process; prints the seconds."""

import multiprocessing
import sys
import time
from pathlib import Path

import requests

FHIR = "application/fhir+json"


def send(lines: list[bytes], url: str, start: "multiprocessing.synchronize.Barrier") -> None:
    """Send lines one after the other over one connection, looking at the status alone."""
    with requests.Session() as session:
        session.headers.update({"Content-Type": FHIR, "Accept": FHIR})
        session.get(f"{url}/metadata", timeout=60).raise_for_status()
        start.wait()
        for line in lines:
            session.post(url, data=line, timeout=600).raise_for_status()


def main(file: str, url: str, loops: int) -> float:
    """Send every line with so many loops, and return the seconds that it took."""
    lines = Path(file).read_bytes().splitlines()
    start = multiprocessing.Barrier(loops + 1)
    tasks = [
        multiprocessing.Process(target=send, args=(lines[number::loops], url, start))
        for number in range(loops)
    ]
    for task in tasks:
        task.start()
    start.wait()
    begun = time.perf_counter()
    for task in tasks:
        task.join()
    if any(task.exitcode for task in tasks):
        raise SystemExit("a loop failed")
    return time.perf_counter() - begun


if __name__ == "__main__":
    sys.stdout.write(f"{main(sys.argv[1], sys.argv[2], int(sys.argv[3]))}\n")
