"""FHIR's own terminology in JSON: CodeSystem, ValueSet, ConceptMap."""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from fhirconv.packs.concept import Code, Concept, Source
from fhirconv.packs.json_items import BrokenError, Item, Path_, items

FORMAT = "FHIR JSON"
WORDS = "fhir"
TYPE = re.compile(rb'"resourceType"\s*:\s*"(CodeSystem|ValueSet|ConceptMap)"')

Head = Mapping[Path_, Any]  # the plain values outside the lists, by their path
Reader = Callable[[Item, Head, Source, str], Iterator[Concept]]


def accepts(head: bytes) -> bool:
    """Say whether the beginning of a file is one of the three resources."""
    return bool(TYPE.search(head))


def read(source: Source) -> Iterator[Concept]:
    """Yield what the resources define, list or map; twice over the file, one item in memory."""
    for path in source.files:
        try:
            yield from _concepts(path, source)
        except BrokenError as error:
            source.problem(f"the file is not JSON: {error.message}", f"{path.name}:{error.line}")


def _concepts(path: Path, source: Source) -> Iterator[Concept]:
    every = {name for lists, _ in READERS.values() for name in lists}
    head = {place: value for place, _, value in items(path, every) if _is_plain(value)}
    kind = head.get(("resourceType",))
    if not isinstance(kind, str) or kind not in READERS:
        known = ", ".join(READERS)
        source.problem(f"resourceType is {kind!r} (known: {known})", f"{path.name}:1")
        return
    lists, reader = READERS[kind]
    for item in items(path, lists):
        if isinstance(item[2], dict):
            yield from reader(item, head, source, f"{path.name}:{item[1]}")
        elif _name(item[0]) in lists:
            source.problem("an item of the list is no object", f"{path.name}:{item[1]}")


def _is_plain(value: Any) -> bool:
    return not isinstance(value, dict | list)


def _name(place: Path_) -> str:
    return ".".join(step for step in place if isinstance(step, str))


def _titled(head: Head) -> str:
    title = head.get(("name",)) or head.get(("title",)) or head.get(("url",)) or FORMAT
    return f"{title} {head.get(('version',)) or ''}".strip()


def _of_code_system(item: Item, head: Head, source: Source, where: str) -> Iterator[Concept]:
    uri = str(head.get(("url",)) or "")
    if not uri:
        source.problem("the CodeSystem has no url", where)
        return
    yield from _tree(item[2], uri, "concept", (source, where, _titled(head)))


def _of_expansion(item: Item, head: Head, source: Source, where: str) -> Iterator[Concept]:
    """Read an item of expansion.contains or of compose.include.concept of a ValueSet."""
    system = head.get((*item[0][:-2], "system"))
    yield from _tree(item[2], str(system or ""), "contains", (source, where, _titled(head)))


Place = tuple[Source, str, str]  # the source, where it stands, the title


def _tree(listed: Any, uri: str, inner: str, place: Place) -> Iterator[Concept]:
    """Yield a concept and those that are nested in it."""
    source, where, title = place
    if not isinstance(listed, dict):
        source.problem("a concept is no object", where)
        return
    system = str(listed.get("system") or uri)
    code, display = listed.get("code"), listed.get("display")
    grouping = listed.get("abstract") is True
    if not isinstance(code, str) or not code:
        if not grouping:
            source.problem("a concept has no code", where)
    elif not system:
        source.problem(f"the code {code!r} has no system", where)
    elif grouping or _is_inactive(listed, source.words):
        source.left_out["abstract" if grouping else "inactive"] += 1
    elif not isinstance(display, str) or not display:
        source.left_out["without a display"] += 1
    else:
        synonyms = tuple(_designations(listed, source.words))
        code_ = Code(system, code, display, uri=system)
        yield Concept(display, (code_,), where, synonyms, source=title)
    for below in _listed(listed.get(inner)):
        yield from _tree(below, system, inner, place)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _objects(value: Any) -> list[dict[str, Any]]:
    return [one for one in _listed(value) if isinstance(one, dict)]


def _is_inactive(listed: Mapping[str, Any], words: Mapping[str, str]) -> bool:
    if listed.get("inactive") is True:
        return True
    for one in _objects(listed.get("property")):
        name = str(one.get("code") or "")
        if name == "status" and words.get(str(one.get("valueCode"))) == "inactive":
            return True
        if words.get(name) == "inactive" and _is_set(one):
            return True
    return False


def _is_set(one: Mapping[str, Any]) -> bool:
    """Say whether a property is true, or the date since when it is."""
    return one.get("valueBoolean") is True or bool(one.get("valueDateTime"))


def _designations(listed: Mapping[str, Any], words: Mapping[str, str]) -> Iterator[str]:
    for one in _objects(listed.get("designation")):
        language = str(one.get("language") or "").split("-")[0]
        use = next((str(u.get("code") or "") for u in _objects([one.get("use")])), "")
        said = not use or words.get(use) == "synonym"
        if said and (not language or words.get(language) == "language") and one.get("value"):
            yield str(one["value"])


def _of_map(item: Item, head: Head, source: Source, where: str) -> Iterator[Concept]:
    """Read an element of a group of a ConceptMap: its display is the term."""
    place, _, element = item
    systems = [str(head.get((*place[:-2], end)) or "") for end in ("source", "target")]
    code, display = element.get("code"), element.get("display")
    if not isinstance(code, str) or not code:
        source.problem("an element has no code", where)
    elif not isinstance(display, str) or not display:
        source.left_out["without a display"] += 1
    elif not all(systems):
        source.problem(f"the group of {code!r} has no source or no target", where)
    else:
        own = Code(systems[0].partition("|")[0], code, display, uri=systems[0].partition("|")[0])
        target = systems[1].partition("|")[0]
        mapped = tuple(_targets(element, target, source, where))
        yield Concept(display, (own, *mapped), where, source=_titled(head))


def _targets(element: Mapping[str, Any], system: str, source: Source, where: str) -> Iterator[Code]:
    for target in _objects(element.get("target")):
        said = str(target.get("relationship") or target.get("equivalence") or "")
        match = source.words.get(said)
        code = target.get("code")
        if match is None:
            source.problem(f"{said!r} is no relationship of a ConceptMap", where)
        elif match == "skip":
            source.left_out[said] += 1
        elif not isinstance(code, str) or not code:
            source.problem("a target has no code", where)
        else:
            yield Code(system, code, str(target.get("display") or ""), match, system)


READERS: dict[Any, tuple[tuple[str, ...], Reader]] = {
    "CodeSystem": (("concept",), _of_code_system),
    "ValueSet": (("expansion.contains", "compose.include.concept"), _of_expansion),
    "ConceptMap": (("group.element",), _of_map),
}
