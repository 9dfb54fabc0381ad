"""Case facts: what a report says about a patient, before any FHIR."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

from fhirconv.errors import FactsError
from fhirconv.schema import Test, compiled, is_integer, is_number

SCHEMA_VERSION = "1.0"
MIGRATION = "extract the report anew, or bring it to the schema by hand as CHANGELOG.md says"
Document = dict[str, Any]  # a facts document: mappings/facts.schema.json


Relations = Mapping[str, tuple[frozenset[str], frozenset[str]]]  # name -> kinds from, kinds to
ANY_KIND = "*"
EVIDENCE = "evidence"  # the part of the schema for a quote


def check(
    document: Any,
    schema: Path,
    where: str = "",
    text: str | None = None,
    relations: Relations | None = None,
) -> Document:
    """Return the document when it is sound; raises FactsError naming the fact and field.

    Checked: the version, the schema, unique and resolvable ids, anchors without a circle, that
    every quote is as long as its offsets say; where the kinds that a relation may join are
    given, these; where the text is given, that every quote stands at its offsets.
    """
    _check_version(document, where)
    is_sound = _test(schema)(document)
    if not is_sound:
        _tell_schema(document, schema, where)
    _check_ids(document, where)
    _check_anchors(document, where)
    if not is_sound:
        _tell_lengths(document, where)
    if relations is not None:
        _check_relations(document, relations, where)
    if text is not None:
        check_quotes(document, text, where)
    return dict(document)


def evidence_of(item: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (path, evidence) for every span or pointer in a document or a part of one."""
    if isinstance(item, dict):
        if "text" in item and ("section" in item or "pointer" in item):
            yield path, item
        else:
            for name, value in item.items():
                yield from evidence_of(value, f"{path}.{name}" if path else name)
    elif isinstance(item, list):
        for number, value in enumerate(item):
            yield from evidence_of(value, f"{path}[{_name_of(value, number)}]")


def with_pages(item: Any, page_at: Callable[[int], int | None]) -> Any:
    """Return a document, or a part of one, in which every span tells the page it begins on."""
    if isinstance(item, list):
        return [with_pages(value, page_at) for value in item]
    if not isinstance(item, dict):
        return item
    if "text" in item and "section" in item:
        return item | {"page": page_at(item["start"])}
    return {name: with_pages(value, page_at) for name, value in item.items()}


def _name_of(value: Any, number: int) -> Any:
    return value.get("id", number) if isinstance(value, dict) else number


def _check_version(document: Any, where: str) -> None:
    if not isinstance(document, dict):
        raise FactsError("a facts document is a JSON object", where)
    version = document.get("schemaVersion")
    if version == SCHEMA_VERSION:
        return
    if version is None:
        raise FactsError("schemaVersion is missing: this is no facts document", where)
    if _numbers(version) < _numbers(SCHEMA_VERSION):
        message = f"schemaVersion {version!r} is older than {SCHEMA_VERSION}: {MIGRATION}"
    else:
        message = f"schemaVersion {version!r} is not known here (known: {SCHEMA_VERSION})"
    raise FactsError(message, where)


def _numbers(version: Any) -> tuple[int, ...]:
    """Return '1.0' as (1, 0); what is no version counts as one to come."""
    parts = str(version).split(".")
    return tuple(map(int, parts)) if all(p.isdecimal() for p in parts) else (10**9,)


@cache
def _validator(schema: Path) -> Any:
    import orjson
    from jsonschema import Draft202012Validator, validators

    def is_type(test: Test) -> Callable[[Any, Any], bool]:
        return lambda _, value: test(value)

    types = Draft202012Validator.TYPE_CHECKER.redefine_many(
        {"number": is_type(is_number), "integer": is_type(is_integer)}  # of exact decimals too
    )
    known: Any = validators.extend(Draft202012Validator, type_checker=types)  # type: ignore[no-untyped-call]
    return known(orjson.loads(schema.read_bytes()))


@cache
def _test(schema: Path) -> Test:
    """Return the test of a schema, with what it cannot say: a quote is as long as it says."""
    import orjson

    return compiled(orjson.loads(schema.read_bytes()), {EVIDENCE: _has_its_length})


def _has_its_length(evidence: Any) -> bool:
    return "start" not in evidence or evidence["end"] - evidence["start"] == len(evidence["text"])


def _tell_schema(document: Document, schema: Path, where: str) -> None:
    """Raise FactsError for what breaks the schema; jsonschema has the words for it."""
    from jsonschema.exceptions import best_match

    error = best_match(_validator(schema).iter_errors(document))
    if error is not None:
        raise FactsError(_sentence(error), _place(document, list(error.absolute_path), where))


def _sentence(error: Any) -> str:
    if error.validator == "unevaluatedProperties":
        return str(error.message).replace(
            "Unevaluated properties are not allowed ", "unknown field "
        )
    if error.validator == "enum":
        known = ", ".join(map(str, error.validator_value))
        return f"{error.instance!r} is not one of {known}"
    return str(error.message)


def _place(document: Document, path: list[Any], where: str) -> str:
    """Return 'facts[aml].assertion.polarity': items by their id where they have one."""
    place, item = "", document
    for step in path:
        item = item[step]
        if isinstance(step, int):
            place += f"[{_name_of(item, step)}]"
        else:
            place += f".{step}" if place else step
    return f"{where}: {place}" if where and place else where or place


def _check_ids(document: Document, where: str) -> None:
    patients = {patient["id"] for patient in document["patients"]}
    facts = {fact["id"] for fact in document["facts"]}
    parts = [document[name] for name in ("patients", "facts", "statements")]
    if len(patients | facts | {s["id"] for s in parts[2]}) < sum(map(len, parts)):
        listed = Counter(item["id"] for part in parts for item in part)
        name, times = listed.most_common(1)[0]
        raise FactsError(f"the id {name!r} stands {times} times", where)
    for name in facts & own_ids(patients):
        message = f"the id {name!r} is that of a part of the document: give the fact another"
        raise FactsError(message, f"{where}: facts[{name}]" if where else f"facts[{name}]")
    for fact in document["facts"]:
        if fact["patient"] not in patients:
            _tell_stranger(fact["patient"], f"facts[{fact['id']}].patient", where)
        for name in REFERENCES:
            if name in fact and fact[name] not in facts:
                _tell_stranger(fact[name], f"facts[{fact['id']}].{name}", where)
    for number, relation in enumerate(document["relations"]):
        for end in ("from", "to"):
            if relation[end] not in facts:
                _tell_stranger(relation[end], f"relations[{number}].{end}", where)
    for place, name, anchor in _anchors(document):
        if anchor["fact"] not in facts:
            _tell_stranger(anchor["fact"], f"{place}[{name}]{ANCHORS[place]}", where)


OWN = ("document", "citation", "device")  # the ids of what a document itself becomes
OWN_OF_PATIENT = ("{}-age", "composition-{}", "provenance-{}")


def own_ids(patients: Iterable[str]) -> set[str]:
    """Return the ids of the items that the document and its patients become."""
    return {*OWN, *(form.format(name) for name in patients for form in OWN_OF_PATIENT)}


REFERENCES = ("of", "product", "parent", "focus", "during", "resultingCondition")
ANCHORS = {"facts": ".time.anchors", "patients": ".age.time.anchors"}


def _tell_stranger(name: str, place: str, where: str) -> NoReturn:
    raise FactsError(f"no fact has the id {name!r}", f"{where}: {place}" if where else place)


def _anchors(document: Document) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield (facts or patients, id of one, anchor of its time)."""
    for fact in document["facts"]:
        if "time" in fact:
            for anchor in fact["time"].get("anchors", ()):
                yield "facts", fact["id"], anchor
    for patient in document["patients"]:
        for anchor in ((patient.get("age") or {}).get("time") or {}).get("anchors", ()):
            yield "patients", patient["id"], anchor


def _check_anchors(document: Document, where: str) -> None:
    """Raise FactsError where a fact is anchored, over others, to itself."""
    graph: dict[str, list[str]] = {}
    for part, name, anchor in _anchors(document):
        if part == "facts":
            graph.setdefault(name, []).append(anchor["fact"])
    done: set[str] = set()
    for start in graph:
        _walk(start, graph, done, where)


def _walk(start: str, graph: Mapping[str, list[str]], done: set[str], where: str) -> None:
    trail: dict[str, Iterator[str]] = {start: iter(graph.get(start, ()))}
    while trail and start not in done:
        name = next(reversed(trail))
        target = next(trail[name], None)
        if target is None:
            done.add(name)
            trail.popitem()
        elif target in trail:
            circle = " -> ".join([*list(trail)[list(trail).index(target) :], target])
            place = f"facts[{target}].time.anchors"
            raise FactsError(
                f"times are anchored in a circle: {circle}", f"{where}: {place}" if where else place
            )
        elif target not in done:
            trail[target] = iter(graph.get(target, ()))


def _check_relations(document: Document, relations: Relations, where: str) -> None:
    kinds = {fact["id"]: fact["kind"] for fact in document["facts"]}
    for number, relation in enumerate(document["relations"]):
        name = relation["type"]
        for end, allowed in zip(("from", "to"), relations.get(name, ()), strict=False):
            kind = kinds[relation[end]]
            if kind not in allowed and ANY_KIND not in allowed:
                known = ", ".join(sorted(allowed))
                place = f"relations[{number}].{end}"
                message = f"{name!r} cannot lead {end} a {kind}, as {relation[end]!r} is ({known})"
                raise FactsError(message, f"{where}: {place}" if where else place)


def _tell_lengths(document: Document, where: str) -> None:
    """Raise FactsError for a quote that is not as long as its offsets say."""
    for path, evidence in evidence_of(document):
        if "start" in evidence and evidence["end"] - evidence["start"] != len(evidence["text"]):
            place = f"{path} {evidence['start']}-{evidence['end']}"
            message = f"the quote {_short(evidence['text'])!r} is not as long as its offsets say"
            raise FactsError(message, f"{where}: {place}" if where else place)


def check_quotes(document: Document, text: str, where: str) -> None:
    """Raise FactsError where a quote does not stand in the text at its offsets."""
    for path, evidence in evidence_of(document):
        if "start" in evidence and text[evidence["start"] : evidence["end"]] != evidence["text"]:
            place = f"{path} {evidence['start']}-{evidence['end']}"
            message = f"the report does not say {_short(evidence['text'])!r} at this place"
            raise FactsError(message, f"{where}: {place}" if where else place)


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."


WORD = re.compile(r"[a-z0-9]+")


def fact_id(kind: str, label: str, taken: Mapping[str, Any] | set[str]) -> str:
    """Return an id of kind and words that is not taken: it stays when other facts come or go.

    A second fact of the same kind and words gets the ordinal 2.
    """
    slug = "-".join(WORD.findall(f"{kind} {label}".casefold()))[:80].strip("-") or "fact"
    name, ordinal = slug, 1
    while name in taken:
        ordinal += 1
        name = f"{slug}-{ordinal}"
    return name
