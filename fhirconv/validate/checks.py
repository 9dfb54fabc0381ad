"""The checks that a type asks for beyond its shape: which type has which."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from fhirconv.validate import codings, families, references
from fhirconv.validate.definitions import Element, Shape
from fhirconv.validate.scope import Check

if TYPE_CHECKING:
    from fhirconv.validate.engine import Engine

# Called once for each place that a type has: the shape, the element there (None: a resource),
# the engine with its definitions and tables. None: there is nothing to check there.
Maker = Callable[[Shape, Element | None, "Engine"], Check | None]

CHECKS: dict[str, tuple[Maker, ...]] = {
    "CodeableConcept": (codings.concept_check,),
    "Coding": (codings.coding_check,),
    "Quantity": (codings.quantity_check,),
    "Reference": (references.reference_check,),
    **families.MAKERS,
}

# The children without which a check, or all that a maker makes, has nothing to say; `_` is what
# stands beside a primitive.
WAITING: dict[Maker | Check, tuple[str, ...]] = {
    families.elements.attachment: ("data",),
    families.elements.language: ("language",),
    families.elements.meta: ("security",),
    families.vital_signs.observation: ("code",),
    families.extensions.extension_check: ("extension", "modifierExtension", "_"),
    families.elements.id_check: ("id",),
}
