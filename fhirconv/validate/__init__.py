"""A Bundle is checked: structure, values, codes, references, invariants, narrative."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from fhirconv.calls import make_callable
from fhirconv.outcome import Issue
from fhirconv.tables import Tables, built_in
from fhirconv.validate.archive import Source
from fhirconv.validate.parsing import load_json

if TYPE_CHECKING:
    from fhirconv.validate.definitions import Definitions
    from fhirconv.validate.profiles import Profiles

__all__ = ["load_json", "validate"]


def validate(
    bundle: Any,
    release: str,
    tables: Tables | None = None,
    *,
    packages: Sequence[Source] = (),
    profiles: Sequence[str] = (),
) -> Iterator[Issue]:
    """Yield what is wrong with a Bundle or a single resource, in the order of the document.

    `bundle` is any parsed JSON value, `release` a name of releases.csv; raises TableError for
    another. Each defect is one issue; an issue's place is a FHIRPath. `packages` hold definitions
    beside those of the release; a resource is held against the profiles that it names, and every
    one of the type of `profiles` (URLs) against these; raises UsageError for one not at hand.
    """
    from fhirconv.validate.definitions import definitions_of
    from fhirconv.validate.engine import engine_of
    from fhirconv.validate.scope import Scope

    known = tables or built_in()
    guide = _guide(definitions_of(known, release), tuple(packages), tuple(profiles))
    definitions = guide.definitions
    name = bundle.get("resourceType") if isinstance(bundle, dict) else None
    root = str(name) if definitions.is_resource(name) else "$this"
    scope = Scope(definitions, known, bundle, profiles=guide)
    try:
        found = engine_of(definitions, known).check(bundle, scope)
    except RecursionError:
        yield Issue("fatal", "too-long", "the resource is nested too deeply", root)
        return
    for problem in found:
        yield problem.issue(root)


@lru_cache(maxsize=8)
def _guide(
    definitions: "Definitions", packages: tuple[Source, ...], profiles: tuple[str, ...]
) -> "Profiles":
    """Return the profiles at hand, kept with what was compiled of them."""
    from fhirconv.validate.profiles import Profiles

    return Profiles(definitions.with_packages(packages) if packages else definitions, profiles)


make_callable(__name__)
