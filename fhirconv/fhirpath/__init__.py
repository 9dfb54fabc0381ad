"""FHIRPath: expressions compiled to plain functions, as far as the rules of definitions use it."""

from fhirconv.fhirpath.compiler import compiled
from fhirconv.fhirpath.items import Item, Model, Step, UndecidedError, World
from fhirconv.fhirpath.parser import FhirpathError
from fhirconv.fhirpath.quick import Predicate, predicate

__all__ = [
    "FhirpathError",
    "Item",
    "Model",
    "Predicate",
    "Step",
    "UndecidedError",
    "World",
    "compiled",
    "predicate",
]
