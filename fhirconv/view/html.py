"""The templates filled: everything escaped, style and script known to the browser by their hash."""

import base64
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

from fhirconv.tables import Tables
from fhirconv.version import VERSION
from fhirconv.view.legend import Legend, legend_of
from fhirconv.view.shown import fit, short

PAGES = Path(__file__).parent / "pages"


def rendered(template: str, tables: Tables, release: str, **named: Any) -> bytes:
    """Return a page as UTF-8, filled from what is named."""
    style, script = _style(tables), _script()
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    # both are ours, but for numbers and names that the legend has held against patterns
    told = named | {"legend": legend_of(tables), "release": release, "version": VERSION}
    page = (
        _environment()
        .get_template(template)
        .render(**told, policy=policy, style=style, script=script)
    )
    return str(page).encode("utf-8", "replace")


@lru_cache(maxsize=1)
def _environment() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(PAGES),
        autoescape=True,
        finalize=fit,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["short"] = short
    return made


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@lru_cache(maxsize=8)
def _style(tables: Tables) -> str:
    """Return the style, with the colours of the kinds and the lines of the signs."""
    return (PAGES / "look.css").read_text(encoding="utf-8") + _colours(legend_of(tables))


def _colours(legend: Legend) -> str:
    kinds = (f".k-{kind.name}{{--hue:{kind.hue}}}\n" for kind in legend.kinds.values())
    signs = (f".s-{sign.name}{{--line:{sign.line}}}\n" for sign in legend.signs.values())
    return "".join((*kinds, *signs))


@lru_cache(maxsize=1)
def _script() -> str:
    return (PAGES / "act.js").read_text(encoding="utf-8")
