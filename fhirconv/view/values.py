"""A value of FHIR, a time, a quantity: in the words in which people read them."""

from collections.abc import Mapping
from typing import Any


def words_of(value: Any) -> str:
    """Return a value of an element in words; of a Reference what it is called."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return _of_object(value)
    if isinstance(value, list):
        return ", ".join(filter(None, map(words_of, value)))
    return str(value)


def _of_object(value: Mapping[str, Any]) -> str:
    codings = list(value.get("coding") or ())
    simple = value.get("text") or value.get("display") or value.get("code")
    if "value" in value or "unit" in value:
        return quantity(value)
    if simple or codings:
        return str(simple or words_of(codings[0]))
    ends = [words_of(value[name]) for name in ("start", "low", "end", "high") if name in value]
    return " to ".join(ends) or ", ".join(f"{n} {words_of(v)}" for n, v in value.items())


def quantity(value: Mapping[str, Any]) -> str:
    """Return a number with what stands before and behind it: >= 3, 3 to 5 days."""
    high = f" to {value['high']}" if "high" in value else ""
    number = f"{value.get('comparator', '')} {value.get('value', '')}{high}".strip()
    return f"{number} {value.get('unit', '')}".strip()
