"""Numbers with their units, as cells and annotations have them: '60 mg', '2.5-5 g/dL'."""

import re
from decimal import Decimal
from typing import Any

from fhirconv.importers.knowledge import Knowledge

DIGITS = 18  # of a decimal of FHIR
FIGURES = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:[.,]\d+)?"
QUANTITY = re.compile(
    rf"(?P<words>[^\d]*?)\s*(?P<low>{FIGURES})(?:\s*(?:-|–|—|to)\s*(?P<high>{FIGURES}))?"
    r"\s*(?P<unit>\S.*)?\Z"
)
THOUSANDS = re.compile(r"\d{1,3}(,\d{3})+(\.\d+)?")


def number_of(text: str) -> int | Decimal | None:
    """Return a number in figures, exactly as written: 1,200 is 1200, and 5,2 is 5.2.

    None for words, and for more digits than a number of FHIR has.
    """
    plain = text.replace(",", "") if THOUSANDS.fullmatch(text) else text.replace(",", ".")
    if not re.fullmatch(r"\d+(\.\d+)?", plain) or len(plain) > DIGITS:
        return None
    return int(plain) if plain.isdecimal() else Decimal(plain)


def quantity_of(text: str, known: Knowledge, unit: str = "") -> dict[str, Any] | None:
    """Return a number with its unit as a quantity; None where it is anything else.

    The unit stands behind the number, else it is the one given; it must be a row of
    codes/units.csv, so that no word is taken for a unit.
    """
    match = QUANTITY.match(text.strip())
    if match is None:
        return None
    comparator = known.word("comparators", match["words"]) if match["words"] else ""
    shown = (match["unit"] or unit).strip()
    coded = known.unit(shown)
    low, high = number_of(match["low"]), number_of(match["high"] or "")
    if comparator is None or not coded or low is None or (high is not None and high <= low):
        return None
    made: dict[str, Any] = {"value": low, "unit": shown, "code": coded}
    made |= {"comparator": comparator} if comparator else {}
    return made | ({"high": high} if high is not None else {})
