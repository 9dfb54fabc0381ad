"""How a value of a source is read, and the table that names the ways.

Each takes the value as it stands, the argument of the row (a list of words, a unit) and what is
known; it returns what the field of a fact holds, or None where the value cannot be read so.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from fhirconv.importers.durations import of_iso, of_words
from fhirconv.importers.knowledge import CURIE, Knowledge
from fhirconv.importers.quantities import DIGITS, number_of, quantity_of
from fhirconv.importers.sources import DOI, RESOLVER
from fhirconv.importers.times import date_of, time_of_age, time_of_element, time_of_words

Reading = Callable[[Any, str, Knowledge], Any]
LARGEST = 10**DIGITS
DAY = 10  # characters of a calendar date
TRUE, FALSE = "true", "false"


def shown(value: Any) -> str:
    """Return a value as words: a class by its label, a truth value as JSON has it."""
    if isinstance(value, bool):
        return TRUE if value else FALSE
    if isinstance(value, Mapping):
        return str(value.get("label") or value.get("id") or _inner(value)).strip()
    if isinstance(value, list):
        return ", ".join(filter(None, map(shown, value)))
    return "" if value is None else str(value).strip()


def _inner(value: Mapping[str, Any]) -> str:
    """Return the words of an object: of a quantity or a range its numbers before its unit."""
    parts = {name: shown(each) for name, each in value.items()}
    if "unit" in parts:
        numbers = " to ".join(parts[n] for n in ("value", "low", "high") if parts.get(n))
        return f"{numbers} {parts['unit']}".strip()
    return ", ".join(filter(None, parts.values()))


def words(value: Any, argument: str, known: Knowledge) -> str | None:
    """Return the words."""
    return shown(value) or None


def listed(value: Any, argument: str, known: Knowledge) -> str | None:
    """Return what a word of a list stands for."""
    return known.word(argument, shown(value))


def flag(value: Any, argument: str, known: Knowledge) -> bool | None:
    """Return true or false, as the word of a list says."""
    return {TRUE: True, FALSE: False}.get(known.word(argument, shown(value)) or "")


def codes(value: Any, argument: str, known: Knowledge) -> list[dict[str, str]] | None:
    """Return the code of an ontology class, where its system is known; for the record only."""
    name = value.get("id") if isinstance(value, Mapping) else value
    match = CURIE.match(str(name or "").strip())
    system = known.system(match[1]) if match else ""
    if match is None or not system:
        return None
    code = match[0] if known.keeps_prefix(match[1]) else match[2]
    label = value.get("label") if isinstance(value, Mapping) else None
    return [{"system": system, "code": code} | ({"display": str(label)} if label else {})]


def concept(value: Any, argument: str, known: Knowledge) -> dict[str, Any] | None:
    """Return words and code of an ontology class."""
    text = shown(value)
    coded = codes(value, argument, known)
    return {"text": text} | ({"codes": coded} if coded else {}) if text else None


def number(value: Any, argument: str, known: Knowledge) -> int | Decimal | float | None:
    """Return a number without a unit."""
    if isinstance(value, (int, Decimal, float)) and not isinstance(value, bool):
        return value if abs(value) < LARGEST else None
    return number_of(shown(value))


def quantity(value: Any, argument: str, known: Knowledge) -> dict[str, Any] | None:
    """Return a number with its unit; the argument is the unit where none stands behind it."""
    return quantity_of(shown(value), known, argument)


def quantity_element(value: Any, argument: str, known: Knowledge) -> dict[str, Any] | None:
    """Return a Quantity of GA4GH: its unit is a class, a UCUM one by its code."""
    amount = value.get("value", 0) if isinstance(value, Mapping) else None
    return _of_unit(amount, value, known)


def low_element(value: Any, argument: str, known: Knowledge) -> dict[str, Any] | None:
    """Return the lower end of a ReferenceRange of GA4GH."""
    return _of_unit(value.get("low"), value, known) if isinstance(value, Mapping) else None


def high_element(value: Any, argument: str, known: Knowledge) -> dict[str, Any] | None:
    """Return the upper end of a ReferenceRange of GA4GH."""
    return _of_unit(value.get("high"), value, known) if isinstance(value, Mapping) else None


def _of_unit(amount: Any, holder: Any, known: Knowledge) -> dict[str, Any] | None:
    unit = holder.get("unit") if isinstance(holder, Mapping) else None
    plain = number(amount, "", known)
    if plain is None or not isinstance(unit, Mapping):
        return None
    match = CURIE.match(str(unit.get("id", "")))
    coded = known.unit(match[2]) if match else ""
    if match is not None and coded:
        return {"value": plain, "unit": match[2], "code": coded}
    text = shown(unit)
    coded = known.unit(text)
    made: dict[str, Any] = {"value": plain, "unit": text or (match[2] if match else "")}
    return made | ({"code": coded} if coded else {}) if made["unit"] else None


def duration(value: Any, argument: str, known: Knowledge) -> dict[str, Any] | None:
    """Return a length of time: P6Y, 28-year-old; the argument is the unit of a bare number."""
    text = shown(value)
    bare = f"{text} {argument}" if argument and number_of(text) is not None else text
    return of_iso(bare, known) or of_words(bare, known)


def age(value: Any, argument: str, known: Knowledge) -> dict[str, Any] | None:
    """Return the age of a patient, of words or of a TimeElement; a range has low and high."""
    if isinstance(value, Mapping):
        time = time_of_element(value, known)
        found = time.get("age") if time else None
    else:
        found = _decade(shown(value)) or duration(value, argument, known)
    if found and "high" in found:
        bounds = {"low": found["value"], "high": found["high"]}
        return {**bounds, "unit": found["unit"], "code": found["code"]}
    return _compared(found, shown(value), known) if found else None


def _decade(text: str) -> dict[str, Any] | None:
    """Return '60s' as 60 to 69 years."""
    figures = text.rstrip("s")
    if not (text.endswith("0s") and figures.isdecimal() and len(figures) == len("60")):
        return None
    low = int(figures)
    return {"value": low, "high": low + 9, "unit": "years", "code": "a"}


def _compared(found: dict[str, Any], text: str, known: Knowledge) -> dict[str, Any]:
    before = text.partition(next((c for c in text if c.isdecimal()), "\0"))[0]
    comparator = known.word("comparators", before)
    return found | ({"comparator": comparator} if comparator in ("<", "<=", ">=", ">") else {})


def time(value: Any, argument: str, known: Knowledge) -> dict[str, Any] | None:
    """Return a time, of words or of a TimeElement."""
    if isinstance(value, Mapping):
        return time_of_element(value, known)
    text = shown(value)
    return time_of_words(text, known) if text else None


def at_age(value: Any, argument: str, known: Knowledge) -> dict[str, Any] | None:
    """Return the time of an age; the argument is the unit of a bare number."""
    text = shown(value)
    bare = f"{text} {argument}" if argument and number_of(text) is not None else text
    found = time_of_age(bare, known)
    return found | {"text": text} if found else None


def day(value: Any, argument: str, known: Knowledge) -> str | None:
    """Return a calendar date, of words, of a timestamp or of a TimeElement."""
    stamp = value.get("timestamp") if isinstance(value, Mapping) else value
    found = date_of(shown(stamp), known)
    return found[:DAY] if found else None


def interval(value: Any, argument: str, known: Knowledge) -> dict[str, Any] | None:
    """Return a TimeInterval of GA4GH as a time."""
    return time_of_element({"interval": value}, known)


def gestation(value: Any, argument: str, known: Knowledge) -> dict[str, Any] | None:
    """Return a GestationalAge of GA4GH as a length of time: whole weeks, else days."""
    if not isinstance(value, Mapping):
        return None
    weeks, days = (number(value.get(name, 0), "", known) for name in ("weeks", "days"))
    if not isinstance(weeks, int) or not isinstance(days, int):
        return None
    text = f"P{weeks}W{days}D" if days else f"P{weeks}W"
    return of_iso(text, known)


def gestation_words(value: Any, argument: str, known: Knowledge) -> str | None:
    """Return a GestationalAge of GA4GH in words."""
    time = time_of_element({"gestationalAge": value}, known)
    return str(time["text"]) if time else None


def amount(value: Any, argument: str, known: Knowledge) -> str | None:
    """Return a bare number with the unit that the format gives it, in words."""
    return f"{shown(value)} {argument}" if shown(value) else None


def local(value: Any, argument: str, known: Knowledge) -> str | None:
    """Return what follows a prefix (PMID:123); None where it has another prefix, or none."""
    match = CURIE.match(shown(value))
    return match[2] if match and match[1].casefold() == argument.casefold() else None


def doi(value: Any, argument: str, known: Knowledge) -> str | None:
    """Return the DOI that a text or a URL is; None where it is none."""
    bare = RESOLVER.sub("", shown(value))
    return bare if DOI.match(bare) else None


READINGS: dict[str, Reading] = {
    "": words,
    "words": words,
    "list": words,  # several in one value: the importer takes them apart
    "word": listed,
    "flag": flag,
    "codes": codes,
    "concept": concept,
    "number": number,
    "quantity": quantity,
    "quantity-element": quantity_element,
    "low-element": low_element,
    "high-element": high_element,
    "duration": duration,
    "age": age,
    "time": time,
    "at-age": at_age,
    "date": day,
    "interval": interval,
    "gestation": gestation,
    "gestation-words": gestation_words,
    "amount": amount,
    "local": local,
    "doi": doi,
}
