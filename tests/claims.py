"""What a Bundle affirms of its patient, and what it refers to."""

from collections.abc import Iterator
from typing import Any

KINDS = {
    "Condition": "condition",
    "AdverseEvent": "adverse_event",
    "MedicationAdministration": "medication",
    "Procedure": "procedure",
    "Observation": "finding",
    "BiologicallyDerivedProduct": "product",
    "Encounter": "encounter",
}
DENIED = ("refuted", "provisional", "differential", "unconfirmed")
ABSENT = "LA9634-2"
DOUBTED = ("possible", "probable")


def affirmations(bundle: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (kind, words) for every resource that says something was or is so."""
    for entry in bundle["entry"]:
        resource = entry["resource"]
        kind = KINDS.get(resource["resourceType"])
        if kind and not denied(resource):
            yield from ((kind, words) for words in texts(resource))


def denied(resource: dict[str, Any]) -> bool:
    """Say whether a resource tells of what was not so, not done, or not sure."""
    status = codes(resource.get("verificationStatus"))
    value = resource.get("valueCodeableConcept") or {}
    return (
        any(code in DENIED for code in status)
        or resource.get("status") in ("not-done", "preparation", "entered-in-error")
        or ABSENT in codes(value)
        or value.get("text") in DOUBTED
    )


def codes(concept: dict[str, Any] | None) -> list[str]:
    """Return the codes of a CodeableConcept."""
    return [coding.get("code", "") for coding in (concept or {}).get("coding", ())]


def texts(resource: dict[str, Any]) -> Iterator[str]:
    """Yield the words that say what a resource is about."""
    for element in ("code", "event", "medicationCodeableConcept", "medication", "productCode"):
        concept = resource.get(element)
        if isinstance(concept, dict):
            concept = concept.get("concept", concept)
            coded = (c["display"] for c in concept.get("coding", ()) if "display" in c)
            yield from [concept["text"]] if "text" in concept else coded


def references(item: Any) -> Iterator[str]:
    """Yield every urn:uuid that a Bundle refers to."""
    if isinstance(item, dict):
        if str(item.get("reference", "")).startswith("urn:uuid:"):
            yield item["reference"]
        for value in item.values():
            yield from references(value)
    elif isinstance(item, list):
        for value in item:
            yield from references(value)
