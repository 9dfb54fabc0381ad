"""ICD-10-CM: the tabular list in XML."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from fhirconv.packs.concept import Code, Concept, Source

FORMAT = "ICD-10-CM XML"
WORDS = "icd-10-cm"
ROOT = b"<ICD10CM.tabular"


def accepts(head: bytes) -> bool:
    """Say whether the beginning of a file is the tabular list."""
    return ROOT in head


def read(source: Source) -> Iterator[Concept]:
    """Yield every category and code with its title, one at a time; no entity is resolved."""
    from lxml import etree

    for path in source.files:
        try:
            with path.open("rb") as file:
                yield from _concepts(file, path, source)
        except etree.XMLSyntaxError as error:
            where = f"{path.name}:{error.lineno or 1}"
            source.problem(f"the file is not XML: {error.msg}", where)


def _concepts(file: Any, path: Path, source: Source) -> Iterator[Concept]:
    from lxml import etree

    version = ""
    safe = {"resolve_entities": False, "no_network": True, "load_dtd": False}
    for _, element in etree.iterparse(file, tag=("version", "diag"), huge_tree=True, **safe):
        if element.tag == "version":
            version = version or (element.text or "").strip()
            continue
        yield from _concept(element, version, source, f"{path.name}:{element.sourceline}")
        element.clear(keep_tail=False)
        with suppress(AttributeError):  # what stands before is done with too
            while element.getprevious() is not None and element.getprevious().tag == "diag":
                del element.getparent()[element.getparent().index(element) - 1]


def _concept(element: Any, version: str, source: Source, where: str) -> Iterator[Concept]:
    means = source.words
    code = _text(element.find("name"))
    title = next((_text(child) for child in element if means.get(child.tag) == "name"), "")
    if not code or not title:
        source.problem(f"{code or 'a diag'} has no {'desc' if code else 'name'}", where)
        return
    included = [
        _text(note)
        for child in element
        if means.get(child.tag) == "broad"
        for note in child.iter("note")
    ]
    system = source.word("system")
    yield Concept(
        *(title, (Code(system, code, title),), where),
        kinds=tuple(words for words in included if words),
        source=f"ICD-10-CM {version}".strip(),
    )


def _text(element: Any) -> str:
    return " ".join("".join(element.itertext()).split()) if element is not None else ""
