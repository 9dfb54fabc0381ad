"""Case reports in, FHIR out: the public names and the version."""

from fhirconv.version import VERSION as __version__

__all__ = ["__version__"]
