"""A Bundle is checked: structure, values, codes, references, invariants, narrative."""

from collections.abc import Iterator
from typing import Any

from fhirconv.calls import make_callable
from fhirconv.outcome import Issue
from fhirconv.tables import Tables, built_in
from fhirconv.validate.parsing import load_json

__all__ = ["load_json", "validate"]


def validate(bundle: Any, release: str, tables: Tables | None = None) -> Iterator[Issue]:
    """Yield what is wrong with a Bundle or a single resource, in the order of the document.

    `bundle` is any parsed JSON value, `release` a name of releases.csv; raises TableError for
    another. Each defect is one issue; an issue's place is a FHIRPath.
    """
    from fhirconv.validate.definitions import definitions_of
    from fhirconv.validate.engine import engine_of
    from fhirconv.validate.scope import Scope

    known = tables or built_in()
    definitions = definitions_of(known, release)
    name = bundle.get("resourceType") if isinstance(bundle, dict) else None
    root = str(name) if definitions.is_resource(name) else "$this"
    try:
        found = engine_of(definitions, known).check(bundle, Scope(definitions, known, bundle))
    except RecursionError:
        yield Issue("fatal", "too-long", "the resource is nested too deeply", root)
        return
    for problem in found:
        yield problem.issue(root)


make_callable(__name__)
