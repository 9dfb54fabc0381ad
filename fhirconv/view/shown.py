"""Text of others made fit to be shown: one sign for one code point, none that hides or reorders."""

import re
from typing import Any

from markupsafe import Markup

# controls, what turns the direction of others, lone surrogates, what is no character
UNSHOWN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff"
    "\ufdd0-\ufdef\ufffe\uffff]"
)
SIGN = "\ufffd"
LONG = 80  # letters of a label on one line


def shown(text: str) -> str:
    """Return a text of which every code point can be written in a page and be seen."""
    return UNSHOWN.sub(SIGN, text)


def fit(value: Any) -> Any:
    """Return a value of a template fit to be shown; markup is so already."""
    if not isinstance(value, str) or isinstance(value, Markup) or value.isprintable():
        return value
    return shown(value)


def shown_within(value: Any) -> Any:
    """Return a JSON value whose every text can be written."""
    if isinstance(value, dict):
        return {shown(name): shown_within(part) for name, part in value.items()}
    if isinstance(value, list):
        return [shown_within(part) for part in value]
    return shown(value) if isinstance(value, str) else value


def short(text: str, most: int = LONG) -> str:
    """Return a text on one line, cut where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"
