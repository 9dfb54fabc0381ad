"""The cases of the examination: founding reports edited, and reports of our own."""

import csv
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.verdicts import Expectation, sentence

CASES = Path(__file__).parent / "cases" / "variations"
GAPS = CASES / "known_gaps.csv"
SENTENCES = CASES / "sentences.csv"
FRAMES = CASES / "frames.csv"


@dataclass(frozen=True, slots=True)
class Case:
    """One report of the examination: a seed with edits or a text of its own, and what it says."""

    name: str
    seed: str  # the first digits of the seed's file name; '' for a text of its own
    edits: tuple[tuple[str, ...], ...]
    text: str
    expectations: tuple[Expectation, ...]

    def report(self, seeds: Path) -> str:
        """Return the text to be examined; fails where an edit no longer finds its words."""
        if not self.seed:
            return self.text
        text = next(seeds.glob(f"{self.seed}_*.txt")).read_text(encoding="utf-8")
        for edit in self.edits:
            text = edited(text, edit)
        return text


def edited(text: str, edit: tuple[str, ...]) -> str:
    """Return the text after (find, replace), everywhere, or (from, to, replace), once.

    The second form replaces from the words 'from' up to and with the words 'to' after them.
    """
    if len(edit) == 2:
        assert edit[0] in text, f"the seed does not say {edit[0]!r}"
        return text.replace(*edit)
    start = text.find(edit[0])
    end = text.find(edit[1], start)
    assert start >= 0, f"the seed does not say {edit[0]!r}"
    assert end >= 0, f"the seed does not say {edit[1]!r} after {edit[0]!r}"
    return text[:start] + edit[2] + text[end + len(edit[1]) :]


@cache
def cases() -> tuple[Case, ...]:
    """Return every case of the examination, in the order of the files and of their lines."""
    listed = [case for path in sorted(CASES.glob("*.json")) for case in _file(path)]
    names = [case.name for case in listed]
    assert len(set(names)) == len(names), "two cases of the examination have one name"
    return tuple(listed)


def _file(path: Path) -> Iterator[Case]:
    content = json.loads(path.read_text(encoding="utf-8"))
    for item in content["cases"]:
        yield Case(
            name=f"{content['name']}.{item['name']}",
            seed=content.get("seed", ""),
            edits=tuple(tuple(edit) for edit in item.get("edits", ())),
            text="\n".join(item.get("text", ())),
            expectations=tuple(item["expect"]),
        )


@cache
def known_gaps() -> dict[tuple[str, str], str]:
    """Return the reason of every known gap by (case, expectation)."""
    with GAPS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    gaps = {(row["case"], row["expectation"]): row["reason"] for row in rows}
    assert len(gaps) == len(rows), "a known gap stands twice"
    assert all(gaps.values()), "a known gap has no reason"
    return gaps


def examined() -> list[Any]:
    """Return a parameter (case, expectation) for each; a known gap is a strict xfail."""
    listed = []
    for case in cases():
        for expectation in case.expectations:
            item = (
                {**expectation, "of": case.expectations} if "only" in expectation else expectation
            )
            name = (case.name, sentence(expectation))
            listed.append(pytest.param(case, item, id=": ".join(name), marks=gap(name)))
    return listed


def combined(size: int = 40) -> list[Any]:
    """Return a parameter (case) for each of so many edits of a seed in all its axes at once."""
    listed = []
    for path in sorted((CASES / "combined").glob("*.json")):
        content = json.loads(path.read_text(encoding="utf-8"))
        for number in range(size):
            case = _combination(content, number)
            listed.append(pytest.param(case, id=case.name, marks=gap(("combined", case.name))))
    return listed


def _combination(content: dict[str, Any], number: int) -> Case:
    chance = random.Random(number)  # the same choice on every run
    chosen = [chance.randrange(len(axis)) for axis in content["axes"]]
    options = [axis[index] for axis, index in zip(content["axes"], chosen, strict=True)]
    return Case(
        name=f"{content['name']}.{'-'.join(map(str, chosen))}",
        seed=content["seed"],
        edits=tuple(tuple(edit) for option in options for edit in option["edits"]),
        text="",
        expectations=tuple(e for option in options for e in option["expect"]),
    )


def spoken() -> list[Any]:
    """Return a parameter (row) for each sentence of the examination; a known gap as above."""
    with SENTENCES.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    listed = []
    for row in rows:
        name = ("sentences", f"{row['sentence']} {row['phrase']}")
        listed.append(pytest.param(row, id=": ".join(name), marks=gap(name)))
    return listed


def framed() -> list[Any]:
    """Return a parameter (row) for each frame that any term of a vocabulary can stand in."""
    with FRAMES.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [pytest.param(row, id=row["frame"], marks=gap(("frames", row["frame"]))) for row in rows]


def gap(name: tuple[str, str]) -> list[Any]:
    """Return the strict xfail of a known gap; no mark where there is none."""
    reason = known_gaps().get(name)
    return [pytest.mark.xfail(reason=reason, strict=True)] if reason else []
