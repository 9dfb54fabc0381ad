"""A definition without its prose: what of HL7's resources the validator goes by."""

from collections.abc import Mapping, Sequence
from typing import Any

Resource = dict[str, Any]

STRUCTURE = (
    "resourceType url version name kind abstract type baseDefinition derivation context "
    "contextInvariant"
).split()
ELEMENT = (
    "id path sliceName min max base contentReference maxLength slicing mustHaveValue isModifier"
).split()
VALUES = ("fixed", "pattern", "minValue", "maxValue")
TYPE = ("code", "profile", "targetProfile", "aggregation")
CONSTRAINT = ("key", "severity", "human", "expression")
BINDING = ("strength", "valueSet")
EVERYWHERE = ("ele-1", "ext-1")  # which each element repeats
VALUE_SET = ("resourceType", "url", "version", "compose")
CODE_SYSTEM = ("resourceType", "url", "version", "content", "caseSensitive", "valueSet")
HIERARCHY = ("parent", "subsumedBy")
STATES = ("status", "notSelectable", "inactive", "deprecated")
PATH_TYPES = "fhirpath/System."  # how a snapshot writes the type of an id, or of a value
IDS = {"Resource.id": "id", "Element.id": "string"}  # the packages name a type of FHIRPath, or err
REAL_TYPE = "fhir-type"  # the extension that tells the type


def bare(resource: Resource) -> Resource:
    """Return a StructureDefinition, ValueSet or CodeSystem without what is for people to read."""
    return STRIPPED[resource["resourceType"]](resource)


def _of(value: Mapping[str, Any], names: Sequence[str]) -> Resource:
    return {name: value[name] for name in names if name in value}


def _structure(resource: Resource) -> Resource:
    """Return a structure with its snapshot, and its differential where it has no snapshot."""
    made = _of(resource, STRUCTURE)
    for view in ("snapshot", "differential"):
        if view in resource:
            listed = [_element(element) for element in resource[view].get("element", ())]
            return made | {view: {"element": listed}}
    return made


def _element(element: Resource) -> Resource:
    made = _of(element, ELEMENT)
    if made.get("id") == element["path"]:
        del made["id"]
    if made.get("base", {}).get("path") == element["path"]:
        del made["base"]
    if "slicing" in made:
        made["slicing"] = {k: v for k, v in made["slicing"].items() if k != "description"}
    if "binding" in element:
        made["binding"] = _of(element["binding"], BINDING)
    if "type" in element:
        made["type"] = [_type(listed, element) for listed in element["type"]]
    rules = [_of(c, CONSTRAINT) for c in element.get("constraint", ()) if _is_own(c)]
    made |= {"constraint": rules} if rules else {}
    return made | {name: element[name] for name in element if name.startswith(VALUES)}


def _is_own(constraint: Resource) -> bool:
    return constraint["key"] not in EVERYWHERE


def _type(listed: Resource, element: Resource) -> Resource:
    made = _of(listed, TYPE)
    path = element.get("base", element)["path"]
    if path in IDS:
        return {"code": IDS[path]}
    if PATH_TYPES in made.get("code", ""):
        told = (e for e in listed.get("extension", ()) if e["url"].endswith(REAL_TYPE))
        real: Resource = next(told, {})
        name = real.get("valueUrl") or real.get("valueUri") or made["code"].rpartition(".")[2]
        made["code"] = name[0].lower() + name[1:]
    return made


def _value_set(resource: Resource) -> Resource:
    made = _of(resource, VALUE_SET)
    compose = made.get("compose", {})
    parts = {
        way: [_part(part) for part in compose[way]]
        for way in ("include", "exclude")
        if way in compose
    }
    return made | ({"compose": parts} if parts else {})


def _part(part: Resource) -> Resource:
    made = _of(part, ("system", "version", "valueSet", "filter"))
    if "concept" in part:
        made["concept"] = [_of(concept, ("code",)) for concept in part["concept"]]
    return made


def _code_system(resource: Resource) -> Resource:
    return _of(resource, CODE_SYSTEM) | {
        "concept": [_concept(concept) for concept in resource.get("concept", ())]
    }


def _concept(concept: Resource) -> Resource:
    made = _of(concept, ("code", "display"))
    names = [{"value": d["value"]} for d in concept.get("designation", ()) if "value" in d]
    kept = [p for p in concept.get("property", ()) if p.get("code") in (*HIERARCHY, *STATES)]
    inner = [_concept(child) for child in concept.get("concept", ())]
    listed = {"designation": names, "property": kept, "concept": inner}
    return made | {name: values for name, values in listed.items() if values}


STRIPPED = {
    "StructureDefinition": _structure,
    "ValueSet": _value_set,
    "CodeSystem": _code_system,
}
