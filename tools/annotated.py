"""Read annotated reports and sentences: brat folders and files of events in JSON lines."""

import json
from collections.abc import Iterator, Set
from pathlib import Path
from typing import Any, NamedTuple

from fhirconv.readers import read
from fhirconv.report import Report
from fhirconv.tables import Tables

Kinds = dict[str, str]  # what a corpus calls something -> the kind that a model learns


class Annotated(NamedTuple):
    """A report with spans (start, end, label) that annotators marked; the document it is of."""

    corpus: str
    document: str
    report: Report
    spans: list[tuple[int, int, str]]

    def of(self, kinds: Kinds) -> list[tuple[int, int, str]]:
        """Return the spans that a model learns as (start, end, kind).

        Of two at one place the longer stands first, then as the table lists their kinds.
        """
        order = list(kinds)
        found = [s for s in self.spans if s[2] in kinds]
        found.sort(key=lambda s: (s[0], -s[1], order.index(s[2])))
        return [(start, end, kinds[label]) for start, end, label in found]


def kinds_of(tables: Tables, corpus: str, model: str) -> Kinds:
    """Return the kinds that a model learns of a corpus, as tagger-labels.csv says."""
    rows = tables.extract["tagger-labels"]
    return {r["label"]: r["kind"] for r in rows if (r["corpus"], r["model"]) == (corpus, model)}


def labels_of(tables: Tables, corpus: str) -> frozenset[str]:
    """Return the labels of a corpus that any model learns."""
    return frozenset(r["label"] for r in tables.extract["tagger-labels"] if r["corpus"] == corpus)


def brat(folder: Path, tables: Tables) -> list[Annotated]:
    """Return the reports NAME.txt of a folder with the spans of NAME.ann beside them."""
    labels, found = labels_of(tables, "brat"), []
    for path in sorted(folder.glob("*.ann")):
        source = path.with_suffix(".txt")
        report = read(source.read_bytes(), source.name, tables)
        spans = list(_standoff(path, report.text, labels))
        found.append(Annotated("brat", path.stem, report, spans))
    return found


def _standoff(path: Path, text: str, labels: Set[str]) -> Iterator[tuple[int, int, str]]:
    """Yield the spans of these labels; one in several pieces reaches over them."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.startswith("T"):
            continue
        told, words = line.split("\t")[1:3]
        label, offsets = told.split(" ", 1)
        places = [int(n) for n in offsets.replace(";", " ").split()]
        if ";" not in offsets and text[places[0] : places[-1]] != words:
            raise SystemExit(f"the text does not read {words!r} there: {path}:{number}")
        if label in labels:
            yield places[0], places[-1], label


def events(path: Path, tables: Tables) -> list[Annotated]:
    """Return the sentences of a file, a JSON object a line, with the parts of their events.

    An object has `id` (the document before its last `_`), `context`, and `annotations` with
    `events`; a part has `text` and `start`, lists of lists, and parts of its own.
    """
    labels, found = labels_of(tables, "phee"), []
    for line in path.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        report = read((record["context"] + "\n").encode(), record["id"] + ".txt", tables)
        told = record["annotations"][0]["events"]
        spans = {span for event in told for span in _parts(event, labels)}
        document = record["id"].rpartition("_")[0]
        found.append(Annotated("phee", document, report, sorted(spans)))
    return found


def _parts(event: dict[str, Any], labels: Set[str]) -> Iterator[tuple[int, int, str]]:
    for label in labels:
        outer, inner = label.split(".")
        holder = event if outer == event["event_type"] else event.get(outer, {})
        part = holder.get(inner, {})
        for texts, starts in zip(part.get("text", ()), part.get("start", ()), strict=True):
            for text, start in zip(texts, starts, strict=True):
                yield start, start + len(text), label
