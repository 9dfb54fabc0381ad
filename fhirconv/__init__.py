"""Case reports in, FHIR out: the public names and the version."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fhirconv.version import VERSION as __version__

if TYPE_CHECKING:
    from fhirconv.convert import convert, extract, read
    from fhirconv.server import push
    from fhirconv.validate import validate

__all__ = ["__version__", "convert", "extract", "push", "read", "validate"]

HOMES = {"read": "convert", "extract": "convert", "push": "server"}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used, so that the command starts at once."""
    if name in ("convert", "validate"):  # modules that answer like their function
        return import_module(f"fhirconv.{name}")
    if name in HOMES:
        return getattr(import_module(f"fhirconv.{HOMES[name]}"), name)
    raise AttributeError(f"module 'fhirconv' has no attribute {name!r}")
