"""Bundles loaded into a FHIR server: none lost, none twice, whatever happens on the way."""

from fhirconv.loader.account import Account
from fhirconv.loader.crew import Patience
from fhirconv.loader.loading import Loading, Manner
from fhirconv.loader.parcel import Prepared, Step

__all__ = ["Account", "Loading", "Manner", "Patience", "Prepared", "Step"]
