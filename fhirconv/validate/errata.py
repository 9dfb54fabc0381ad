"""What the published definitions say and what they mean, where HL7 has corrected them since."""

import csv
from functools import lru_cache
from pathlib import Path

from fhirconv.validate.definitions import Definitions


@lru_cache(maxsize=8)
def _read(folder: Path) -> dict[tuple[str, str], str]:
    with (folder / "errata.csv").open(encoding="utf-8", newline="") as file:
        return {(row["of"], row["published"]): row["meant"] for row in csv.DictReader(file)}


def rule_meant(expression: str, definitions: Definitions) -> str:
    """Return the expression that a rule means."""
    return _read(definitions.folder).get(("rule", expression), expression)


def further_contexts(url: str, definitions: Definitions) -> tuple[str, ...]:
    """Return where an extension may stand beside the places that its definition names."""
    return tuple(_read(definitions.folder).get(("context", url), "").split())
