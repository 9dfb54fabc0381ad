"""The elements of a structure that others constrain: found by path, in their order."""

from typing import Any

from fhirconv.validate.definitions import Definitions
from fhirconv.validate.scope import Node, nodes

EVERY = ("Resource", "Element", "BackboneElement", "DataType", "Base")
DEEPEST = 12  # steps of a path below another type


class Bases:
    """The snapshot of a base, and those of the types of its elements."""

    def __init__(self, base: Node, definitions: Definitions) -> None:
        self.definitions = definitions
        self.name = str(base.get("name"))
        listed = nodes(base.get("snapshot") or {}, "element")
        plain = [e for e in listed if "sliceName" not in e and ":" not in str(e.get("id", ""))]
        self.root = str(plain[0]["path"]) if plain else ""
        self._elements = {str(e["path"]): e for e in plain}
        direct = (p for p in self._elements if p.count(".") == 1)
        self._order = {p: n for n, p in enumerate(direct)}

    def find(self, path: str) -> Node | None:
        """Return the element of a path, following types and choices; None where there is none."""
        return self._find(path, self._elements, DEEPEST)

    def order(self, path: str) -> int | None:
        """Return where in the base the element directly below the root stands."""
        steps = path.split(".")
        if len(steps) < 2:
            return None
        top = self._find(".".join(steps[:2]), self._elements, DEEPEST)
        return self._order.get(str(top["path"])) if top else None

    def _find(self, path: str, elements: dict[str, Node], depth: int) -> Node | None:
        if path in elements:
            return elements[path]
        above, _, name = path.rpartition(".")
        if not above or depth == 0:
            return None
        chosen = self._choice(above, name, elements)
        if chosen is not None:
            return chosen
        holder = self._find(above, elements, depth - 1)
        return self._below(holder, name, elements, depth) if holder else None

    def _choice(self, above: str, name: str, elements: dict[str, Node]) -> Node | None:
        """Return value[x] for valueQuantity, narrowed to that type."""
        start = f"{above}."
        for path, element in elements.items():
            if path.startswith(start) and path.endswith("[x]") and "." not in path[len(start) :]:
                stem = path[len(start) :].removesuffix("[x]")
                for kind in nodes(element, "type"):
                    code = str(kind.get("code"))
                    if name == stem + code[:1].upper() + code[1:]:
                        return {**element, "type": [kind]}
        return None

    def _below(self, holder: Node, name: str, elements: dict[str, Node], depth: int) -> Node | None:
        """Return a child of an element: by what it repeats, or by its types."""
        repeated = str(holder.get("contentReference", "")).rpartition("#")[2]
        if repeated:
            return self._find(f"{repeated}.{name}", elements, depth - 1)
        root = self._of_type(str(holder["path"]).partition(".")[0])
        within = root.get(f"{holder['path']}.{name}")  # a part of a datatype with parts of its own
        if within is not None:
            return within
        for kind in nodes(holder, "type"):
            own = self._of_type(str(kind.get("code")))
            if own:
                found = self._find(f"{next(iter(own))}.{name}", own, depth - 1)
                if found is not None:
                    return found
        return None

    def _of_type(self, code: str) -> dict[str, Node]:
        if not self.definitions.is_type(code):
            return {}
        listed: list[Any] = self.definitions.structure(code)["snapshot"]["element"]
        return {str(e["path"]): e for e in listed}

    def narrows(self, code: str, allowed: list[Any]) -> bool:
        """Say whether a type is one of those allowed, or of one that is made from them."""
        if code in allowed or "//" in code or any("//" in str(a) for a in allowed):
            return True
        known = self.definitions.is_type(code)
        return known and not set(self.definitions.types(code)).isdisjoint(map(str, allowed))

    def leads(self, url: str, wanted: list[str]) -> bool:
        """Say whether a target is one of those wanted, or a profile of one; what is unknown may."""
        names = {w.partition("|")[0].rpartition("/")[2] for w in wanted}
        found = self.definitions.find("StructureDefinition", url)
        if found is None or names & set(EVERY):
            return True
        kind = str(found.get("type"))
        known = (self.definitions.find("StructureDefinition", w) for w in wanted)
        types = {str(k["type"]) for k in known if k}
        return kind in types or bool(types & {"Resource"})
