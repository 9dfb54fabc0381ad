"""A second opinion on a Bundle: the models of fhir.resources."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

from fhirconv.outcome import Issue
from fhirconv.tables import Tables, built_in

PLACE = "%s.entry[%d].resource"
FALLS = (ValueError, LookupError, AttributeError, TypeError, ArithmeticError)  # on odd values


def check_models(bundle: Any, release: str, tables: Tables | None = None) -> Iterator[Issue]:
    """Yield what the models of a release say is wrong with the resources of a Bundle.

    The models are those of releases.csv; fhir.resources has none of R4 itself, those of R4B
    stand in. They take any word as a required code and any reference, and know no rule over
    several resources: `validate` finds these.
    """
    package = import_module((tables or built_in()).release(release).models)
    for place, resource in _resources(bundle):
        yield from _problems(package, place, resource)


def _resources(bundle: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if not isinstance(bundle, Mapping):
        return
    entries = bundle.get("entry")
    if bundle.get("resourceType") != "Bundle" or not isinstance(entries, list):
        yield str(bundle.get("resourceType", "")), bundle
        return
    for number, entry in enumerate(entries):
        resource = entry.get("resource") if isinstance(entry, Mapping) else None
        if isinstance(resource, Mapping):
            yield PLACE % ("Bundle", number), resource


def _problems(package: Any, place: str, resource: Mapping[str, Any]) -> Iterator[Issue]:
    from pydantic import ValidationError

    name = resource.get("resourceType")
    try:
        model = package.get_fhir_model_class(name)
    except (KeyError, LookupError, TypeError, ValueError):
        yield Issue("error", "structure", f"the models know no resource type {name!r}", place)
        return
    try:
        model.model_validate(resource)
    except ValidationError as error:
        for found in error.errors():
            where = ".".join([place, *map(str, found["loc"])])
            yield Issue("error", "structure", f"the models say: {found['msg']}", where)
    except FALLS as error:
        said = f"the models fall over: {type(error).__name__}: {error}"
        yield Issue("error", "structure", " ".join(said.split()), place)
