"""The families of rules: what resources of one type keep beyond their structure and invariants."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from fhirconv.validate.definitions import Element, Shape
from fhirconv.validate.families import (
    code_systems,
    elements,
    extensions,
    guides,
    measures,
    questionnaires,
    responses,
    search_parameters,
    searches,
    structure_definitions,
    value_sets,
    vital_signs,
)
from fhirconv.validate.scope import Check, Node, Problem, Scope

if TYPE_CHECKING:
    from fhirconv.validate.engine import Engine

Rule = Callable[[Node, Scope], Iterable[Problem] | None]
Maker = Callable[[Shape, Element | None, "Engine"], Check | None]

# What is held against every value of a type: a datatype, a resource, one contained too.
RULES: dict[str, tuple[Rule, ...]] = {
    "Attachment": (elements.attachment,),
    "Bundle": (searches.bundle,),
    "CodeSystem": (code_systems.code_system,),
    "ConceptMap": (value_sets.concept_map,),
    "ImplementationGuide": (guides.implementation_guide,),
    "Measure": (measures.measure,),
    "MeasureReport": (measures.measure_report,),
    "Meta": (elements.meta,),
    "Observation": (vital_signs.observation,),
    "Questionnaire": (questionnaires.questionnaire,),
    "QuestionnaireResponse": (responses.questionnaire_response,),
    "Resource": (elements.language,),
    "SearchParameter": (search_parameters.search_parameter,),
    "StructureDefinition": (structure_definitions.structure_definition,),
    "ValueSet": (value_sets.value_set,),
}


def _always(rule: Rule) -> Maker:
    """Return what makes the check of a rule that is alike at every place."""
    return lambda shape, element, engine: rule


MAKERS: dict[str, tuple[Maker, ...]] = {
    **{name: tuple(map(_always, rules)) for name, rules in RULES.items()},
    "DomainResource": (extensions.extension_check, elements.canonical_url_check),
    "Element": (extensions.extension_check, elements.id_check),
}
