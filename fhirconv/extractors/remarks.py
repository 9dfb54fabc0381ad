"""General sentences as statements of the facts document: background and conclusions."""

from collections.abc import Sequence
from typing import Any

from fhirconv.extractors.document import Quoting
from fhirconv.extractors.statements import hedged
from fhirconv.extractors.story import Scene


def plain(scenes: Sequence[Scene], quoting: Quoting) -> list[dict[str, Any]]:
    """Return the general sentences as statements of the facts document."""
    found: list[dict[str, Any]] = []
    numbers: dict[str, int] = {}
    for scene in scenes:
        kind = scene.reading.statement
        if kind:
            numbers[kind] = numbers.get(kind, 0) + 1
            found.append(_statement(scene, kind, numbers[kind], quoting))
    return found


def _statement(scene: Scene, kind: str, number: int, quoting: Quoting) -> dict[str, Any]:
    start, end = scene.reading.sentence.start, scene.reading.sentence.end
    start = _without_opener(scene, start)
    text = scene.words((start, end))
    bare = end - 1 if text.endswith((".", ";")) else end
    doubtful = kind == "conclusion" and hedged(scene.reading.sentence)
    said = scene.words((start, bare))
    return {
        "id": f"{kind}-{number}",
        "kind": kind,
        "text": f"{said[0].upper()}{said[1:]}." if said[-1] not in "?!" else said,
        "assertion": {
            "polarity": "present",
            "certainty": "possible" if doubtful else "certain",
            "temporality": "hypothetical" if doubtful else "current",
            "scope": "generic",
        },
        "evidence": [quoting.one((start, bare))],
    }


def _without_opener(scene: Scene, start: int) -> int:
    """Return where a sentence begins after 'Thus,'."""
    sentence = scene.reading.sentence
    chunks = sentence.chunks
    if len(chunks) > 2 and chunks[0].kind == "A" and chunks[1].kind == ",":
        return sentence.listed[chunks[2].first].start
    return start
