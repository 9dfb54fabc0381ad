"""One small function per FHIR datatype, and the table that names them.

Each takes a value of a fact (or the fixed word of a row) and the codings of it, and returns
the JSON of the datatype; None where the value cannot be said in this datatype.
"""

import base64
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from typing import Any

from fhirconv.tables import Coding

Codings = Sequence[Coding]
Datatype = Callable[[Any, Codings], Any]


def words(value: Any, codings: Codings) -> str | None:
    """Return a string; where a vocabulary is named, its words ('{}' takes the value)."""
    text = (value if value.__class__ is str else str(value)).strip()
    return codings[0].display.replace("{}", text) if codings else text or None


def plain(value: Any, codings: Codings) -> Any:
    """Return the value as it is."""
    return value


def code(value: Any, codings: Codings) -> str | None:
    """Return the code of a term: it comes from a table, or not at all."""
    return codings[0].code if codings else None


def coding(value: Any, codings: Codings) -> dict[str, str] | None:
    """Return the first Coding of a term."""
    return coding_of(codings[0]) if codings else None


def codeable_concept(value: Any, codings: Codings) -> dict[str, Any] | None:
    """Return a CodeableConcept: the codings, and always the verbatim words."""
    text = value.get("text") if isinstance(value, Mapping) else str(value)
    made = {"coding": [coding_of(c) for c in codings]} if codings else {}
    return made | ({"text": text} if text else {}) or None


def quantity(value: Any, codings: Codings) -> dict[str, Any] | None:
    """Return a Quantity in UCUM where the unit has a code; a range or 'about' is none."""
    if "high" in value or "value" not in value or value.get("comparator") == "~":
        return None
    return _number(value, value["value"], codings, value.get("comparator"))


def age(value: Any, codings: Codings) -> dict[str, Any] | None:
    """Return an Age: a Quantity of more than nothing (FHIR age-1); 'at birth' is none."""
    return quantity(value, codings) if value.get("value", 0) > 0 else None


def simple_quantity(value: Any, codings: Codings) -> dict[str, Any] | None:
    """Return a Quantity without a comparator (FHIR sqty-1); one with it is none."""
    return None if value.get("comparator") else quantity(value, codings)


def range_of(value: Any, codings: Codings) -> dict[str, Any] | None:
    """Return a Range of {value or low, high, unit}; a single number is none."""
    low, high = value.get("low", value.get("value")), value.get("high")
    if high is None or value.get("comparator") or (low is not None and low > high):
        return None
    made = {} if low is None else {"low": _number(value, low, codings)}
    return made | {"high": _number(value, high, codings)}


def _number(
    value: Mapping[str, Any], number: float, codings: Codings, comparator: str | None = None
) -> dict[str, Any]:
    made: dict[str, Any] = {"value": _shortest(number)}
    made |= {"comparator": comparator} if comparator else {}
    made |= {"unit": value["unit"]} if value.get("unit") else {}
    coded = next((c for c in codings if c.code), None)
    return made | ({"system": coded.system, "code": coded.code} if coded else {})


def _shortest(number: float) -> float:
    return int(number) if float(number).is_integer() else number


def base64_of_hex(value: Any, codings: Codings) -> str:
    """Return base64 of a hexadecimal digest."""
    return base64.b64encode(bytes.fromhex(value)).decode("ascii")


def paragraph(value: Any, codings: Codings) -> str | None:
    """Return one paragraph of a narrative, escaped."""
    text = words(value, codings)
    return f"<p>{escaped(text)}</p>" if text else None


def list_item(value: Any, codings: Codings) -> str | None:
    """Return one item of a list in a narrative, escaped."""
    text = words(value, codings)
    return f"<li>{escaped(text)}</li>" if text else None


def escaped(text: str) -> str:
    """Return the text without the characters that XML cannot hold, its mark-up escaped."""
    if not text.isprintable():
        text = UNSEEN.sub("", text)
    return escape(text, quote=False) if "&" in text or "<" in text or ">" in text else text


UNSEEN = re.compile(r"[^\t\n\r -\U0010ffff]")
DIV = '<div xml:lang="en" xmlns="http://www.w3.org/1999/xhtml" lang="en">'


def narrative(parts: Iterable[tuple[str, str]]) -> str:
    """Return the narrative of (what encloses it, part); items of one list stand in one list."""
    texts: list[str] = []
    open_list = ""
    for around, part in parts:
        if around != open_list:
            texts += (f"</{open_list}>" if open_list else "", f"<{around}>" if around else "")
            open_list = around
        texts.append(part)
    closing = f"</{open_list}>" if open_list else ""
    return f"{DIV}{''.join(texts)}{closing}</div>"


def coding_of(row: Coding) -> dict[str, str]:
    """Return a row of a vocabulary as a FHIR Coding."""
    if row.display:
        return {"system": row.system, "code": row.code, "display": row.display}
    return {"system": row.system, "code": row.code}


DATATYPES: dict[str, Datatype] = {
    **dict.fromkeys(("string", "markdown", "uri", "url", "id"), words),
    **dict.fromkeys(("boolean", "integer", "positiveInt", "unsignedInt", "decimal"), plain),
    **dict.fromkeys(("date", "dateTime", "instant"), plain),
    "base64Binary": base64_of_hex,
    "code": code,
    "Coding": coding,
    "CodeableConcept": codeable_concept,
    **dict.fromkeys(("Quantity", "Duration"), quantity),
    "Age": age,
    "SimpleQuantity": simple_quantity,
    "Range": range_of,
    "xhtml": paragraph,
    "xhtml-list": list_item,
}
NARRATIVE = {"xhtml": "", "xhtml-list": "ul"}  # what encloses the parts that follow each other
TAGS = {"xhtml": "p", "xhtml-list": "li"}  # what encloses one part
COMPLEX = (
    "Reference Coding CodeableConcept CodeableReference Quantity Age Duration Range Period "
    "Timing Ratio Identifier Annotation Attachment SampledData Money"
).split()
PRIMITIVE = (
    "String Markdown Uri Url Canonical Id Code Boolean Integer Integer64 PositiveInt UnsignedInt "
    "Decimal Date DateTime Instant Time Base64Binary"
).split()
CHOICES = tuple(sorted([*COMPLEX, *PRIMITIVE], key=len, reverse=True))
