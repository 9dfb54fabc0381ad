"""The vocabularies as FHIR ConceptMaps, from terms to the codes of each system."""

from collections.abc import Iterator
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from fhirconv.exporters.mapped import MappedTables
from fhirconv.tables import Coding
from fhirconv.version import VERSION

STATUS = "publication-status"  # the vocabulary of the states of a ConceptMap

Resource = dict[str, Any]


def export(mapped: MappedTables) -> bytes:
    """Return the ConceptMap of one vocabulary, or a transaction that puts several on a server."""
    import orjson

    maps = [found for name in mapped.vocabularies for found in concept_map(mapped, name)]
    single = len(mapped.vocabularies) == 1 and len(maps) == 1
    made = maps[0] if single else _transaction(maps)
    return orjson.dumps(made, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def concept_map(mapped: MappedTables, name: str) -> Iterator[Resource]:
    """Yield the ConceptMap of a vocabulary; none where no term has a code in the release."""
    groups = _groups(mapped, name)
    if not groups:
        return
    source = mapped.words["base"] + name
    [status] = mapped.tables.vocabulary(STATUS).lookup(mapped.words["status"], mapped.release)
    notes = filter(None, (mapped.notes.get(prefix) for prefix in groups))
    yield {
        "resourceType": "ConceptMap",
        "id": name,
        "url": source,
        "version": VERSION,
        "name": "".join(word.capitalize() for word in name.split("-")),
        "title": f"fhirconv: {name}",
        "status": status.code,
        "copyright": "; ".join(notes) or "none",
        "group": [
            {"source": source, "target": mapped.tables.systems[prefix].uri, "element": elements}
            for prefix, elements in groups.items()
        ],
    }


def _groups(mapped: MappedTables, name: str) -> dict[str, list[Resource]]:
    """Return the elements of a ConceptMap by the system of their codes, in table order."""
    groups: dict[str, list[Resource]] = {prefix: [] for prefix in mapped.tables.systems}
    for term, codings in mapped.mapped(name):
        code = " ".join(term.text.split())  # a FHIR code has single spaces only
        for prefix in dict.fromkeys(coding.prefix for coding in codings):
            targets = [_target(mapped, c) for c in codings if c.prefix == prefix]
            groups[prefix].append({"code": code, "target": targets})
    return {prefix: elements for prefix, elements in groups.items() if elements}


def _target(mapped: MappedTables, coding: Coding) -> Resource:
    said = mapped.match(coding)
    display = {"display": coding.display} if coding.display else {}
    return {"code": coding.code, **display, said["element"]: said["code"]}


def _transaction(maps: list[Resource]) -> Resource:
    entries = [
        {
            "fullUrl": f"urn:uuid:{uuid5(NAMESPACE_URL, resource['url'])}",
            "resource": resource,
            "request": {"method": "PUT", "url": f"ConceptMap/{resource['id']}"},
        }
        for resource in maps
    ]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}
