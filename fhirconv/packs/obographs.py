"""OBO in JSON (obographs): graphs of nodes with labels, synonyms and marks."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fhirconv.packs.concept import Code, Concept, Source
from fhirconv.packs.json_items import BrokenError, items
from fhirconv.packs.obo import release_of

FORMAT = "OBO JSON"
WORDS = "obographs"
NODES = "graphs.nodes"
LISTS = (NODES,)


def accepts(head: bytes) -> bool:
    """Say whether the beginning of a file is obographs JSON."""
    return head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") and b'"graphs"' in head


def read(source: Source) -> Iterator[Concept]:
    """Yield the classes of graphs that are not deprecated, one node in memory."""
    for path in source.files:
        try:
            yield from _concepts(path, source)
        except BrokenError as error:
            source.problem(f"the file is not JSON: {error.message}", f"{path.name}:{error.line}")


def _concepts(path: Path, source: Source) -> Iterator[Concept]:
    graphs: dict[Any, dict[str, str]] = {}
    for place, _, value in items(path, (*LISTS, "graphs.meta.none")):
        name = ".".join(str(step) for step in place[2:])
        if place[:1] == ("graphs",) and name in {"id", "meta.version"}:
            graphs.setdefault(place[1], {})[name] = str(value)
    for place, line, node in items(path, LISTS):
        if len(place) == 4 and place[2] == "nodes":
            yield from _concept(node, graphs.get(place[1], {}), source, f"{path.name}:{line}")


def _concept(node: Any, graph: dict[str, str], source: Source, where: str) -> Iterator[Concept]:
    if not isinstance(node, dict) or not isinstance(node.get("id"), str):
        source.problem("the node has no id", where)
        return
    told = node.get("meta")
    meta = told if isinstance(told, dict) else {}
    name = node.get("lbl")
    if node.get("type") not in ("CLASS", None):
        source.left_out["no class"] += 1
    elif meta.get("deprecated"):
        source.left_out["obsolete"] += 1
    elif not isinstance(name, str) or not name:
        source.left_out["without a name"] += 1
    else:
        uri = graph.get("id", "")
        short = _short(uri)
        namespace, identifier = _identifier(node["id"])
        own = namespace.casefold() == short.casefold()
        base = _base(uri) if own else ""
        yield Concept(
            *(name, (Code(namespace, identifier, name, uri=base, whole=True),), where),
            synonyms=_synonyms(meta.get("synonyms"), source, where),
            source=f"{short.upper()} {release_of(graph.get('meta.version', ''))}".strip(),
            foreign=not own,
        )


def _synonyms(listed: Any, source: Source, where: str) -> tuple[str, ...]:
    found = []
    for one in listed if isinstance(listed, list) else ():
        words = one.get("val") if isinstance(one, dict) else None
        if not isinstance(words, str):
            source.problem("a synonym has no words (val)", where)
            continue
        kind = _last(str(one.get("synonymType") or ""))
        if source.words.get(str(one.get("pred"))) == "synonym" and source.words.get(kind) != "skip":
            found.append(words)
    return tuple(found)


def _last(iri: str) -> str:
    return iri.replace("#", "/").rsplit("/", 1)[-1]


def _identifier(iri: str) -> tuple[str, str]:
    """Return the prefix and the code: 'HP', 'HP:0000001' of an address that ends in HP_0000001."""
    prefix, _, local = _last(iri).replace(":", "_", 1).partition("_")
    return prefix, f"{prefix}:{local}"


def _short(uri: str) -> str:
    """Return 'hp' for an address that ends in obo/hp.owl or obo/hp/hp-base.owl."""
    steps = uri.rsplit("/obo/", 1)[-1].split("/")
    return steps[0].rsplit(".", 1)[0] if steps[0] else ""


def _base(uri: str) -> str:
    """Return the address of the whole ontology, for that of a part of it too."""
    front, mark, behind = uri.rpartition("/obo/")
    name = behind.split("/")[0]
    return f"{front}{mark}{name if '.' in name else name + '.owl'}"
