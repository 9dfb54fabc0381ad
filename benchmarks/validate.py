"""How fast bundles are validated, beside the peers that are there, in one run.

Usage: python benchmarks/validate.py [BUNDLE...] [--seconds S] [--java] [--memory N]

The bundles are those of the samples unless others are named; a rate is that of ten resources.
Each peer runs in a process of its own, one after the other, one thread each, its input parsed
before the clock starts; a peer is looked for in build/peers (`make peers`) and shown as absent
where it is not. The clock is processor time, so that what else runs counts little, but for Java,
where it is that on the wall. `--memory N` walks N resources and tells the peak of memory.
"""

import argparse
import json
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
PEERS = PROJECT / "build" / "peers"
RELEASE = "R4"
ROUNDS = 3  # the best of them counts
Check = Callable[[Any], object]


def bundles(paths: list[Path]) -> list[Any]:
    """Return the bundles in files, one or one a line."""
    found = []
    for path in paths:
        text = path.read_text(encoding="utf-8")
        lines = text.splitlines() if "\n{" in text else [text]
        found += [json.loads(line) for line in lines]
    return found


def resources(listed: list[Any]) -> int:
    """Return how many resources bundles hold."""
    return sum(len(bundle["entry"]) for bundle in listed)


# ---- what each process does


def fhirconv() -> Check:
    """Return the validator of this project."""
    from fhirconv.validate import validate

    return lambda bundle: list(validate(bundle, RELEASE))


def fhir_resources() -> Check:
    """Return the models of fhir.resources; it has none of R4, those of R4B stand in."""
    from importlib import import_module

    model = import_module("fhir.resources.R4B.bundle").Bundle
    return lambda bundle: _refusal(model.model_validate, bundle)


def pyrofile() -> Check:
    """Return the validator of pyrofile-validator, as it comes."""
    from pyrofile_validator import Validator
    from pyrofile_validator.config import ValidatorConfig

    config = PEERS / "pyrofile.json"
    config.write_text('{"fhirVersion": "R4"}', encoding="utf-8")
    return Validator(ValidatorConfig.load(str(config))).validate_resource


def _refusal(check: Check, bundle: Any) -> object:
    try:
        return check(bundle)
    except ValueError as error:
        return error


WORKERS = {"fhirconv": fhirconv, "fhir.resources": fhir_resources, "pyrofile": pyrofile}


def work(name: str, seconds: float, paths: list[Path]) -> dict[str, float]:
    """Return how long a validator took for its first bundle, and its rate when warm."""
    start = time.process_time()
    check = WORKERS[name]()
    listed = bundles(paths)
    check(listed[0])
    first = time.process_time() - start
    return {"first": first, "rate": best(lambda: [check(b) for b in listed], listed, seconds)}


def best(run: Callable[[], object], listed: list[Any], seconds: float) -> float:
    """Return the best rate, in bundles of ten resources a second."""
    run()
    rates = []
    for _ in range(ROUNDS):
        count, start = 0, time.process_time()
        while time.process_time() - start < seconds / ROUNDS:
            run()
            count += 1
        spent = time.process_time() - start
        rates.append(count * resources(listed) / 10 / spent)
    return max(rates)


def java(paths: list[Path]) -> dict[str, float]:
    """Return the rate of HL7's validator in Java, warm."""
    sys.path.insert(0, str(PROJECT))
    from tests.hapi_servers import validator

    listed = bundles(paths)
    start = time.perf_counter()
    with validator(RELEASE) as ask:
        ask(listed[0])
        first = time.perf_counter() - start
        for bundle in listed:
            ask(bundle)
        start = time.perf_counter()
        for bundle in listed:
            ask(bundle)
        spent = time.perf_counter() - start
    return {"first": first, "rate": resources(listed) / 10 / spent}


def memory(count: int, paths: list[Path]) -> Iterator[tuple[int, float]]:
    """Yield the peak of memory, in megabytes, after ever more resources; no two are the same."""
    check, listed = fhirconv(), bundles(paths)
    done = 0
    marks = [count // 10, count // 2, count]
    while marks:
        for bundle in listed:
            done += len(bundle["entry"])
            bundle["id"] = f"walk-{done}"
            for entry in bundle["entry"]:
                entry["resource"]["meta"] = {"versionId": str(done)}
            check(bundle)
            if marks and done >= marks[0]:
                marks.pop(0)
                yield done, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


# ---- what the whole run does


def commands(arguments: argparse.Namespace) -> Iterator[tuple[str, list[str] | None]]:
    """Yield each validator with the command that measures it; None: it is not there."""
    rest = ["--seconds", str(arguments.seconds), *map(str, arguments.bundles)]
    own = [sys.executable, __file__]
    yield "fhirconv", [*own, "--worker", "fhirconv", *rest]
    yield "fhir.resources 8 (models)", [*own, "--worker", "fhir.resources", *rest]
    python = PEERS / "python" / "bin" / "python"
    there = python.is_file()
    yield (
        "pyrofile-validator",
        [str(python), __file__, "--worker", "pyrofile", *rest] if there else None,
    )
    node, medplum = shutil.which("node"), PEERS / "node_modules" / "@medplum" / "core"
    script = str(Path(__file__).with_suffix(".mjs"))
    yield "@medplum/core (Node)", [node, script, *rest[1:]] if node and medplum.is_dir() else None
    yield "HL7's validator (Java)", [*own, "--worker", "java", *rest] if arguments.java else None


def measured(command: list[str]) -> dict[str, float]:
    """Run one process; return what it says on its last line."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=PROJECT)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed: {done.stderr[-1000:]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Measure each validator, and print what was found as a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundles", nargs="*", type=Path)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--java", action="store_true", help="HL7's validator too (Java, Maven)")
    parser.add_argument("--memory", type=int, default=0, metavar="N")
    parser.add_argument("--worker", choices=[*WORKERS, "java"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    arguments.bundles = arguments.bundles or sorted(PROJECT.glob("samples/*/*.r4.bundle.json"))
    if arguments.worker:
        name, paths = arguments.worker, arguments.bundles
        print(json.dumps(java(paths) if name == "java" else work(name, arguments.seconds, paths)))
    elif arguments.memory:
        for count, peak in memory(arguments.memory, arguments.bundles):
            print(f"{count:>9,} resources: {peak:,.1f} MB at most")
    else:
        table(arguments)


def table(arguments: argparse.Namespace) -> None:
    """Print a row for each validator."""
    listed = bundles(arguments.bundles)
    size = sum(len(json.dumps(bundle)) for bundle in listed) / resources(listed)
    print(f"{len(listed)} bundles, {resources(listed)} resources of {size:,.0f} bytes, {RELEASE}")
    print("| validator | bundles of ten/s | fhirconv is | first bundle, s |")
    print("|---|---|---|---|")
    own = 0.0
    for name, command in commands(arguments):
        if command is None:
            print(f"| {name} | absent | | |", flush=True)
            continue
        found = measured(command)
        own = own or found["rate"]
        ratio = f"{own / found['rate']:,.1f} times as fast" if name != "fhirconv" else ""
        print(f"| {name} | {found['rate']:,.1f} | {ratio} | {found['first']:.2f} |", flush=True)


if __name__ == "__main__":
    main()
