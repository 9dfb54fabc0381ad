"""What goes wrong when facts are found: the most frequent kinds of error, with examples.

Part of benchmarks/extraction.py, which prints them; no example is kept.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

EXAMPLES = 3
Document = dict[str, Any]
WANTED = {
    **{"Disease_disorder": "condition", "Sign_symptom": "condition"},
    **{"Therapeutic_procedure": "procedure", "Medication": "medication"},
}
PROBLEMS = ("condition", "finding", "adverse_event", "status_change")
Errors = Iterator[tuple[str, str]]


def errors(score: Any, folder: Path, documents: Mapping[str, Document]) -> Errors:
    """Yield (kind, example) of each error in the reports."""
    for path in sorted(folder.glob("*.ann")):
        entities, _, polarity = score.brat(path)
        facts = [(f, list(score.spans(f))) for f in documents[path.stem]["facts"]]
        yield from missed(score, path.stem, entities, facts)
        yield from too_much(score, path.stem, entities, facts)
        for key, (_, start, end, text) in entities.items():
            near = [f for f, ss in facts if any((start, end) == s for s in ss)]
            absent = [f for f in near if f["assertion"]["polarity"] == "absent"]
            if near and polarity.get(key) == "NEG" and not absent:
                yield "negated, called present", f"{path.stem}: {text}"


def missed(score: Any, name: str, entities: Document, facts: Any) -> Errors:
    """Yield the annotated words where nothing of their kind is found."""
    for label, start, end, text in entities.values():
        kind = WANTED.get(label)
        near = [f["kind"] for f, ss in facts if any(score.overlap((start, end), s) for s in ss)]
        right = PROBLEMS if kind == "condition" else (kind,)
        if kind and not set(near) & set(right):
            other = f"taken for a {near[0].replace('_', ' ')}" if near else "not found"
            yield f"{label.replace('_', ' ').lower()} {other}", f"{name}: {text}"


def too_much(score: Any, name: str, entities: Document, facts: Any) -> Errors:
    """Yield the facts on words that are not annotated as their kind."""
    for one, spans in facts:
        kind = "condition" if one["kind"] in PROBLEMS else one["kind"]
        if kind not in WANTED.values():
            continue
        over = [
            label
            for label, start, end, _ in entities.values()
            if any(score.overlap((start, end), s) for s in spans)
        ]
        neutral = score.NEUTRAL.get(kind, ())
        if not any(WANTED.get(label) == kind or label in neutral for label in over):
            where = over[0].replace("_", " ").lower() if over else "nothing"
            yield f"{kind} where {where} is annotated", f"{name}: {one['label']}"


def frequent(
    name: str, score: Any, folder: Path, documents: Mapping[str, Document]
) -> Iterator[str]:
    """Yield the ten most frequent kinds of error of a method, with examples."""
    listed = list(errors(score, folder, documents))
    yield f"\nThe ten most frequent kinds of error of {name}:"
    for kind, number in Counter(kind for kind, _ in listed).most_common(10):
        examples = list(dict.fromkeys(e for k, e in listed if k == kind))
        step = len(examples) // EXAMPLES or 1
        yield f"- {number} {kind} ({'; '.join(examples[::step][:EXAMPLES])})"
