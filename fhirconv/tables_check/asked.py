"""Are the tables of what a terminology server is asked sound: questions, answers, systems."""

from collections.abc import Iterator, Mapping, Sequence

from fhirconv.outcome import Issue
from fhirconv.sheets import Line
from fhirconv.tables import Tables
from fhirconv.tables_check.defect import defect, strange_releases

KNOWN: Mapping[str, Mapping[str, Sequence[str]]] = {  # table -> column -> what may stand there
    "questions": {
        "question": ("translate", "lookup", "validate"),
        "value": ("vocabulary", "term", "system", "code", "display"),
    },
    "answers": {"match": ("exact",)},
    "systems": {"codes": ("yes", ""), "displays": ("yes", "")},
}
CALLED = {"question": "question", "value": "value to ask with", "match": "match"}


def asked(tables: Tables) -> Iterator[Issue]:
    """Yield what is wrong in tx/."""
    for name, columns in KNOWN.items():
        for line in tables.tx.get(name, ()):
            for column, known in columns.items():
                yield from _word(line, column, known)
            yield from strange_releases(line.get("releases", "").split(), tables, line["origin"])
            prefix = line.get("prefix", "")
            if name == "systems" and prefix not in tables.systems:
                listed = ", ".join(sorted(tables.systems))
                message = f"no code system has the prefix {prefix!r} (known: {listed})"
                yield defect(message, line["origin"])


def _word(line: Line, column: str, known: Sequence[str]) -> Iterator[Issue]:
    word = line.get(column)
    if word is None:
        yield defect(f"the column {column!r} is missing", line["origin"])
    elif word not in known:
        listed = ", ".join(filter(None, known))
        what = CALLED.get(column, f"word for {column!r}")
        yield defect(f"{word!r} is no {what} (known: {listed})", line["origin"])
