"""The extraction holds on any text: evidence stands in it, and the work grows with its length."""

import json
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fhirconv import convert
from fhirconv.facts import check, evidence_of
from fhirconv.report import Report
from fhirconv.tables import MAPPINGS

SCHEMA = MAPPINGS / "facts.schema.json"


def sound(source: str | Report, name: str = "report.txt") -> dict[str, Any]:
    """Return the facts document of a text, once its evidence is found to stand in the text."""
    report = source
    if isinstance(report, str):
        report = convert.read(report.encode("utf-8"), name=name)
    document = convert.extract(report)
    check(document, SCHEMA, name, report.text)
    for place, evidence in evidence_of(document):
        stands = "pointer" in evidence  # an element of the file, not a span of the text
        stands = stands or report.text[evidence["start"] : evidence["end"]] == evidence["text"]
        assert stands, f"{name}: {place}"
    return document


# --- the corpora ------------------------------------------------------------------------------


def reports(shared: Path) -> list[Path]:
    """Return the annotated reports and the articles of the shared folder."""
    corpora = shared / "corpora"
    return [*sorted(corpora.glob("maccrobat*/*.txt")), *sorted(corpora.glob("jats*/*.xml"))]


def annotated_sentences(shared: Path) -> list[str]:
    """Return every twentieth annotated sentence of the shared folder."""
    lines = [
        line
        for path in sorted((shared / "corpora").glob("phee*/*.json"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    return [json.loads(line)["context"] for line in lines[::40]]


def test_evidence_stands_in_every_report_of_the_corpora(shared: Path) -> None:
    paths = reports(shared)
    if not paths:
        pytest.skip("the shared folder holds no corpora")
    for path in paths:
        sound(convert.read(path), path.name)


def test_evidence_stands_in_the_sentences_of_the_corpora(shared: Path) -> None:
    for text in annotated_sentences(shared):
        sound(text)


def test_no_relation_of_a_corpus_leads_out_of_its_patient(shared: Path) -> None:
    for path in reports(shared)[::4]:
        document = convert.extract(convert.read(path))
        owner = {f["id"]: f["patient"] for f in document["facts"]}
        for relation in document["relations"]:
            assert owner[relation["from"]] == owner[relation["to"]], path.name


# --- mutated texts ----------------------------------------------------------------------------

CASE = Path(__file__).parent / "cases" / "variations" / "whose.json"
TEXTS = ["\n".join(c["text"]) for c in json.loads(CASE.read_text(encoding="utf-8"))["cases"]]
STRANGE = (
    "\u200f \u202e \u0301 \ufeff \u2028 \u00ad \u00a0 \U0001f600 ß İ ( [ ) \" ' ; : , . - – / +"
)


def mutated(text: str, chance: random.Random) -> str:
    """Return a text with words doubled, dropped, moved, cut and strange signs put in."""
    words = text.split(" ")
    for _ in range(chance.randrange(1, 12)):
        at = chance.randrange(len(words))
        change = chance.randrange(5)
        if change == 0:
            words.insert(at, chance.choice(STRANGE.split(" ")))
        elif change == 1 and len(words) > 1:
            del words[at]
        elif change == 2:
            words.insert(at, words[chance.randrange(len(words))])
        elif change == 3:
            words[at] = words[at][: len(words[at]) // 2]
        else:
            words[at] = words[at].upper() if chance.random() < 0.5 else f"{words[at]}\n\n"
    return " ".join(words)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(TEXTS), st.integers(0, 2**32))
def test_evidence_stands_in_any_mutation_of_a_report(text: str, seed: int) -> None:
    sound(mutated(text, random.Random(seed)))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(TEXTS), st.sampled_from(TEXTS), st.integers(0, 2**32))
def test_evidence_stands_where_two_reports_are_mixed(one: str, two: str, seed: int) -> None:
    chance = random.Random(seed)
    lines = [*one.split("\n"), *two.split("\n")]
    chance.shuffle(lines)
    sound("\n".join(lines))


# --- the work ---------------------------------------------------------------------------------


class Counting:
    """The number of calls of Python functions while something runs: the same on any machine."""

    def __init__(self) -> None:
        self.calls = 0

    def of(self, work: Callable[[], object]) -> int:
        """Return how many functions a piece of work calls."""
        self.calls = 0
        before = sys.getprofile()
        sys.setprofile(self._count)
        try:
            work()
        finally:
            sys.setprofile(before)
        return self.calls

    def _count(self, frame: Any, event: str, _: Any) -> None:
        self.calls += event == "call"


def patterns() -> list[Any]:
    """Return the texts that once were, or might be, slow, each as the unit that is repeated."""
    units = {
        "no full stop": "fever and cough with rash after rituximab in the patient ",
        "one word": "fever ",
        "one letter": "a",
        "one digit": "1",
        "only points": ". ",
        "commas": "fever, ",
        "slashes": "IL-2/",
        "opened brackets": "(fever ",
        "closed brackets": "fever) ",
        "negations": "not ",
        "lists of negations": "no such as fever or rash were, ",
        "abbreviations": "graft-versus-host disease (GVHD) ",
        "right to left": "\u200f\u202efever\u202c ",
        "accents": "fe\u0301ver\u0300 ",
        "quantities": "5 5 5 mg ",
        "capitals": "A ",
        "relatives": "the patient who had a mother who had ",
        "cases": "Case 1\nA 5-year-old boy had fever.\nCase 2\nA 6-year-old girl had rash.\n",
        "relapses": "The patient relapsed after rituximab and was given LAK cells. ",
        "times": "Two days after the infusion of cells after the infusion, fever occurred. ",
    }
    return [pytest.param(unit, id=name) for name, unit in units.items()]


@pytest.mark.parametrize("unit", patterns())
def test_the_work_is_linear_in_the_length_of_a_text(unit: str) -> None:
    counting = Counting()
    small, large = (unit * (size // len(unit)) for size in (4_000, 16_000))
    sound(small)  # what is compiled once is no work of a text
    few = counting.of(lambda: sound(small))
    many = counting.of(lambda: sound(large))
    assert many < 6 * few + 20_000, f"{few} calls for a text, {many} for one four times as long"


@pytest.mark.parametrize("text", ["(" * 20_000 + "fever" + ")" * 20_000, "\n" * 50_000 + "fever"])
def test_deep_brackets_and_empty_lines_are_read(text: str) -> None:
    sound(text)


def test_a_million_characters_without_a_full_stop_are_read() -> None:
    text = "a" * 1_000_000
    assert sound(text)["facts"] == []
