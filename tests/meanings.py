"""What one sentence means: a phrase is affirmed, denied, feared, planned, or of a relative."""

from collections.abc import Callable, Mapping

from fhirconv.facts import Document
from tests.verdicts import Fact, affirmed, says, shown

SORTS = {
    "problem": ("condition", "finding", "adverse_event", "status_change"),
    "treatment": ("medication", "procedure", "product"),
}


def meaning(phrase: str, sort: str, said: str, document: Document) -> str:
    """Return why a document does not take a phrase as it is said; '' where it does.

    said is affirmed, historical, absent, refuted, possible, not done, family or unsaid.
    """
    about = [f for f in document["facts"] if says(f, phrase)]
    told = [f for f in about if affirmed(f) and f["kind"] in SORTS[sort]]
    if bool(told) != (said in ("affirmed", "historical")):
        return f"expected {phrase!r} to be {said}; found {shown(about)}"
    if not any(MEANINGS[said](f) for f in about) and said != "unsaid":
        return f"expected {phrase!r} to be {said}; found {shown(about)}"
    return ""


MEANINGS: Mapping[str, Callable[[Fact], bool]] = {
    "affirmed": affirmed,
    "historical": lambda f: affirmed(f) and f["assertion"]["temporality"] == "historical",
    "absent": lambda f: f["assertion"]["polarity"] == "absent",
    "refuted": lambda f: f.get("verification") == "refuted",
    "possible": lambda f: f["assertion"]["certainty"] in ("possible", "probable"),
    "not done": lambda f: (
        f["kind"] in SORTS["treatment"] and f["assertion"]["polarity"] == "absent"
    ),
    "family": lambda f: f["kind"] == "family_history",
    "unsaid": bool,
}
