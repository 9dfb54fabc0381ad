"""The step of a FHIRPath that a name in JSON is: value.ofType(string) for valueString."""

from fhirconv.validate.definitions import Definitions


def step_of(kind: str, name: str, definitions: Definitions) -> str:
    """Return the step of a child of a type or element, by its name in JSON."""
    element = definitions.shape(kind).elements.get(name)
    return element.step if element else name
