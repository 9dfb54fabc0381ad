"""Throw broken resources at the validator: each must end in issues, soon, and never in a traceback.

From the project's folder: .venv/bin/python tools/fuzz.py [--count N] [--seed N] FILE|DIR...
Each input is a file with some of its values changed for odd ones, or some of its bytes. What falls
over, or takes longer than ten seconds, is written to build/fuzz/ and told.
"""

import argparse
import json
import random
import sys
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import Any

from fhirconv.inspection import Wanted, check_document

OUT = Path("build/fuzz")
SLOW = 10.0  # seconds
LONGEST = 4_000  # bytes of a resource that is taken as a seed
MOST = 300_000  # bytes of an input
ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1.5, 1e308, 10**30, -(10**400), "", " ", "x", "\u0000", "\ud800"),
    *("a" * 5000, "2024-02-31", "2024-13", "9999-12-31T23:59:60Z", "#", "#x", "urn:uuid:x"),
    *("Patient/1", "Patient?a=b", "http://[", "http://a b/Patient/1", "Patient/1/_history/2"),
    *([], {}, [None], [[]], [{}], {"": 1}, {"id": "a"}, {"resourceType": "Patient"}),
    *({"resourceType": ["a"]}, {"reference": "#"}, {"reference": {}}, {"coding": [None]}),
    *(
        "(" * 200,
        "a" * 200 + "!",
        "1" * 300,
        "<div>",
        "<!DOCTYPE a [<!ENTITY b 'c'>]><div>&b;</div>",
    ),
    *(
        {"url": "x", "extension": [{"url": "y"}]},
        {"fhir_comments": ["x"]},
        {"system": {}, "code": []},
    ),
)
NAMES = (
    "resourceType id meta text contained extension modifierExtension _id value valueQuantity url "
    "valueString entry resource fullUrl request code coding system display status reference "
    "identifier period start end item linkId answer profile snapshot element path type expression"
).split()
WORDS = (
    b'"',
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\\",
    b"null",
    b"1e999",
    b"\xff",
    b"\x00",
    b"\n",
)


def main() -> int:
    """Run the inputs; return 1 where one fell over."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("files", nargs="+", type=Path)
    options = parser.parse_args()
    seeds = list(_seeds(options.files))
    chance = random.Random(options.seed)  # noqa: S311 (no secret is made of it)
    tally: Counter[str] = Counter()
    begun = time.monotonic()
    for number in range(options.count):
        tally += _one(_broken(seeds, chance), chance, number)
        if (number + 1) % 10_000 == 0:
            rate = (number + 1) / (time.monotonic() - begun)
            sys.stderr.write(f"{number + 1} inputs, {rate:.0f}/s, {dict(tally)}\n")
    sys.stdout.write(f"{options.count} inputs: {dict(tally)}\n")
    return int(bool(tally["fell over"] or tally["slow"]))


def _seeds(places: list[Path]) -> list[tuple[bytes, Any]]:
    """Return the files to start from, as bytes and as values; entries of Bundles alone too."""
    files = [f for p in places for f in (sorted(p.rglob("*.json")) if p.is_dir() else [p])]
    found: list[tuple[bytes, Any]] = []
    for file in files:
        data = file.read_bytes()
        try:
            value = json.loads(data)
        except ValueError:
            continue
        if not isinstance(value, dict) or "resourceType" not in value:
            continue
        if len(data) <= LONGEST:
            found.append((data, value))
        for entry in value.get("entry", ()):
            resource = entry.get("resource")
            data = json.dumps(resource).encode()
            if isinstance(resource, dict) and len(data) <= LONGEST:
                found.append((data, resource))
    return found


def _broken(seeds: list[tuple[bytes, Any]], chance: random.Random) -> bytes:
    """Return the bytes of a seed with some of its values, or its bytes, changed."""
    data, _ = chance.choice(seeds)
    if chance.random() < 0.25:
        return _bytes(bytearray(data), chance)
    made = json.loads(data)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        _change(made, chance, seeds)
        data = _written(made).encode()
        if len(data) > MOST:
            break
        made = _read(data)  # nothing is shared with a seed, or with another place
    return data


def _read(data: bytes) -> Any:
    sys.setrecursionlimit(20_000)
    try:
        return json.loads(data)
    finally:
        sys.setrecursionlimit(1_000)


def _written(value: Any) -> str:
    """Return a value as JSON, however deep it is nested."""
    sys.setrecursionlimit(20_000)
    try:
        return json.dumps(value)
    finally:
        sys.setrecursionlimit(1_000)


def _bytes(data: bytearray, chance: random.Random) -> bytes:
    for _ in range(chance.choice((1, 1, 2, 5))):
        at = chance.randrange(len(data) + 1)
        way = chance.randrange(4)
        if way == 0:
            data[at : at + chance.randrange(1, 40)] = b""
        elif way == 1:
            data[at:at] = chance.choice(WORDS)
        elif way == 2 and at < len(data):
            data[at] = chance.randrange(256)
        else:
            data[at:at] = data[max(0, at - chance.randrange(200)) : at]
    return bytes(data)


def _change(value: Any, chance: random.Random, seeds: list[tuple[bytes, Any]]) -> None:
    """Change one value somewhere in a value."""
    if not value:
        return
    holder, key = _somewhere(value, chance)
    way = chance.randrange(8)
    if way == 0:
        del holder[key]
    elif way == 1:
        holder[key] = [holder[key]]
    elif way == 2:
        holder[key] = [holder[key]] * chance.choice((2, 2, 30))
    elif way == 3:
        other, place = _somewhere(chance.choice(seeds)[1], chance)
        holder[key] = other[place]
    elif way == 4 and isinstance(holder, dict):
        holder[chance.choice(NAMES)] = holder[key]
    elif way == 5 and isinstance(holder, dict):
        holder[f"_{key}"] = chance.choice(ODD)
    elif way == 6 and chance.random() < 0.05:
        holder[key] = _deep(holder[key], chance.choice((50, 400, 3000)))
    else:
        holder[key] = chance.choice(ODD)


def _somewhere(value: Any, chance: random.Random) -> tuple[Any, Any]:
    """Return an object or array and a key of it, at any depth."""
    here = value
    while True:
        keys = list(here) if isinstance(here, dict) else list(range(len(here)))
        key = chance.choice(keys)
        inner = here[key]
        if not isinstance(inner, dict | list) or not inner or chance.random() < 0.3:
            return here, key
        here = inner


def _deep(value: Any, depth: int) -> Any:
    for number in range(depth):
        value = {"extension": [value]} if number % 2 else {"item": [value], "linkId": "a"}
    return value


def _one(data: bytes, chance: random.Random, number: int) -> Counter[str]:
    """Inspect one input, and keep it where it falls over or is slow."""
    wanted = Wanted(chance.choice((None, "R4", "R5")))
    begun = time.monotonic()
    try:
        found = check_document("input.json", 0, data, wanted)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        _keep(data, number, traceback.format_exc())
        return Counter({"fell over": 1})
    if time.monotonic() - begun > SLOW:
        _keep(data, number, f"slow: {time.monotonic() - begun:.1f} s")
        return Counter({"slow": 1})
    return Counter({"with issues" if found.findings else "without": 1})


def _keep(data: bytes, number: int, why: str) -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / f"{number}.json").write_bytes(data)
    sys.stderr.write(f"{OUT / f'{number}.json'}: {why}\n")


if __name__ == "__main__":
    sys.exit(main())
