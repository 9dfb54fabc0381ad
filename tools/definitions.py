"""Write mappings/validate/elements.csv and value_sets.csv from HL7's definition packages.

Usage: python tools/definitions.py RELEASE=FOLDER... [-o mappings/validate]

FOLDER is the unpacked npm package of a release, with `,` before each further one whose code
systems it needs: hl7.fhir.r4.examples@4.0.1; hl7.fhir.r4b.core@4.3.0 and
hl7.terminology.r4@7.0.1; hl7.fhir.r5.core@5.0.0 and hl7.terminology.r5@7.0.1 (`npm pack NAME`).
What the releases share is written once. The definitions are HL7's, public domain (CC0).
"""

import argparse
import csv
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

Definition = dict[str, Any]
Rows = dict[tuple[str, ...], list[str]]  # the cells of a row -> the releases that have it

BASE = "http://hl7.org/fhir/StructureDefinition/"
KINDS = ("resource", "complex-type", "primitive-type")
QUANTITIES = ("SimpleQuantity", "MoneyQuantity", "Age", "Count", "Distance", "Duration")
ELEMENT_COLUMNS = ("path", "releases", "min", "max", "types", "targets", "codes")
VALUE_SET_COLUMNS = ("name", "releases", "system", "codes")
OPEN = "*"  # a choice of every datatype
IDS = {"Resource.id": "id", "Element.id": "string"}  # the packages name FHIRPath's type, or err


class Package:
    """The definitions of one release: its types, value sets and code systems by URL."""

    def __init__(self, folders: list[Path]) -> None:
        roots = [f / "package" if (f / "package").is_dir() else f for f in reversed(folders)]
        self.structures = definitions(roots[-1:], "StructureDefinition")
        self.value_sets = definitions(roots, "ValueSet")
        self.code_systems = definitions(roots, "CodeSystem")

    def types(self) -> list[Definition]:
        """Return the definitions of resources and datatypes, by name."""
        found = [d for d in self.structures.values() if is_type(d)]
        bases = {d.get("baseDefinition") for d in found}
        abstract = (d for d in found if d.get("abstract") and d["kind"] == "resource")
        unused = [d["url"] for d in abstract if d["url"] not in bases]
        used = (d for d in found if d["url"] not in unused)
        return sorted(used, key=lambda d: str(d["name"]))

    def every_type(self) -> str:
        """Return the names of the datatypes that the value of an extension may have."""
        elements = self.structures[BASE + "Extension"]["snapshot"]["element"]
        value = next(e for e in elements if e["path"] == "Extension.value[x]")
        return " ".join(map(type_name, value["type"]))

    def codes(self, url: str) -> dict[str, list[str]] | None:
        """Return the codes of a value set by system; None where they cannot be listed."""
        value_set = self.value_sets.get(url)
        if value_set is None:
            return None
        compose = value_set.get("compose", {})
        listed: dict[str, list[str]] = {}
        for part in compose.get("include", ()):
            found = self.included(part)
            if found is None:
                return None
            for system, codes in found.items():
                listed.setdefault(system, []).extend(codes)
        for part in compose.get("exclude", ()):
            for system, codes in (self.included(part) or {}).items():
                listed[system] = [c for c in listed.get(system, []) if c not in codes]
        return {system: list(dict.fromkeys(codes)) for system, codes in listed.items()}

    def included(self, part: Definition) -> dict[str, list[str]] | None:
        """Return what one include or exclude of a value set lists."""
        if "valueSet" in part:
            joined: dict[str, list[str]] = {}
            for url in part["valueSet"]:
                found = self.codes(url.partition("|")[0])
                if found is None:
                    return None
                joined |= found
            return joined
        if "concept" in part:
            return {part["system"]: [c["code"] for c in part["concept"]]}
        system = self.code_systems.get(part.get("system", ""))
        if system is None or system.get("content") != "complete":
            return None
        return self.filtered(system, part.get("filter", []))

    def filtered(
        self, system: Definition, filters: list[Definition]
    ) -> dict[str, list[str]] | None:
        """Return the codes of a code system that pass filters by ancestor."""
        chosen = list(concepts(system.get("concept", ()), ()))
        for rule in filters:
            if rule["op"] not in ("is-a", "descendent-of"):
                return None
            root, itself = rule["value"], rule["op"] == "is-a"
            chosen = [(c, up) for c, up in chosen if root in up or (itself and c == root)]
        return {system["url"]: [code for code, _ in chosen]}


def definitions(roots: list[Path], kind: str) -> dict[str, Definition]:
    """Return the definitions of one kind by URL; those of a later folder win."""
    paths = (path for root in roots for path in sorted(root.glob(f"{kind}-*.json")))
    read = (json.loads(path.read_text(encoding="utf-8")) for path in paths)
    return {d["url"]: d for d in read if "url" in d and d.get("content") != "not-present"}


def is_type(definition: Definition) -> bool:
    """Say whether a definition is of a type, and not a profile on one."""
    if definition["kind"] not in KINDS or definition["url"] != BASE + definition["name"]:
        return False
    return definition.get("derivation") != "constraint" or definition["name"] in QUANTITIES


def concepts(
    listed: Iterable[Definition], above: tuple[str, ...]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield every code of a code system with the codes above it."""
    for concept in listed:
        parents = {p.get("valueCode", "") for p in concept.get("property", ())}
        up = (*above, *sorted(parents))
        yield concept["code"], up
        yield from concepts(concept.get("concept", ()), (*up, concept["code"]))


def element_rows(definition: Definition, every: str) -> Iterator[tuple[str, ...]]:
    """Yield the rows of one type: itself with its base, then the elements that it adds."""
    name = definition["name"]
    parent = definition.get("baseDefinition", "").removeprefix(BASE)
    yield (name, "", "", parent, "", "")
    if name in QUANTITIES or definition["kind"] == "primitive-type":
        return
    for element in definition["snapshot"]["element"]:
        path = element["path"]
        base = element.get("base", {})
        own = base.get("path", path) == path
        if "." in path and (own or refines(element, base)):
            yield element_row(element, every)


def refines(element: Definition, base: Definition) -> bool:
    """Say whether an inherited element is narrower than that of an abstract base."""
    bounds = (element["min"], element["max"]) != (base["min"], base["max"])
    return bounds and base["path"].partition(".")[0].endswith("Resource")


def element_row(element: Definition, every: str = "") -> tuple[str, ...]:
    """Return the cells of one element, without its releases; `every` lists all datatypes."""
    types = element.get("type", [])
    names = [type_name(t) for t in types] or ["#" + element["contentReference"].partition("#")[2]]
    names = [IDS[element["path"]]] if element["path"] in IDS else names
    binding = element.get("binding", {})
    required = binding.get("strength") == "required"
    codes = value_set_name(binding.get("valueSet", "")) if required else ""
    kinds = OPEN if " ".join(names) == every else " ".join(names)
    cells = (str(element["min"]), element["max"], kinds)
    return (element["path"], *cells, " ".join(sorted(targets(types))), codes)


def type_name(listed: Definition) -> str:
    """Return the name of a type that an element lists: its code, or `code/profile`."""
    profile = str((listed.get("profile") or [""])[0]).removeprefix(BASE)
    code = str(listed["code"])
    if profile in QUANTITIES:
        return f"{code}/{profile}"
    if not code.startswith("http://hl7.org/fhirpath/"):
        return code
    return next(
        (e["valueUrl"] for e in listed.get("extension", ()) if "valueUrl" in e),
        code.rpartition(".")[2].lower(),
    )


def targets(types: list[Definition]) -> set[str]:
    """Return the resource types that a Reference or CodeableReference may point to."""
    found = {
        url.removeprefix(BASE)
        for t in types
        if t["code"] in ("Reference", "CodeableReference")
        for url in t.get("targetProfile", ())
    }
    return set() if "Resource" in found else found


def value_set_name(url: str) -> str:
    """Return the short name of a value set: the end of its URL, without version."""
    return url.partition("|")[0].rpartition("/")[2]


def required_value_sets(package: Package) -> dict[str, str]:
    """Return the URLs of value sets of required bindings, by short name."""
    found: dict[str, str] = {}
    for definition in package.types():
        for element in definition["snapshot"]["element"]:
            binding = element.get("binding", {})
            if binding.get("strength") == "required" and binding.get("valueSet"):
                url = binding["valueSet"].partition("|")[0]
                if found.setdefault(value_set_name(url), url) != url:
                    raise SystemExit(f"two value sets are called {value_set_name(url)}")
    return found


def value_set_rows(package: Package, release: str) -> Iterator[tuple[str, ...]]:
    """Yield (name, system, codes) of each required value set that can be listed."""
    for name, url in sorted(required_value_sets(package).items()):
        codes = package.codes(url)
        if not codes:
            sys.stderr.write(f"{release}: the codes of {url} cannot be listed\n")
            continue
        for system, listed in codes.items():
            yield (name, system, " ".join(listed))


def write(path: Path, columns: tuple[str, ...], rows: Rows) -> None:
    """Write rows as CSV with their releases in the second column."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for cells, releases in sorted(rows.items(), key=lambda row: row[0][0].split(".")[0]):
            writer.writerow((cells[0], " ".join(releases), *cells[1:]))


def main() -> None:
    """Read the packages, and write both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packages", nargs="+", metavar="RELEASE=FOLDER")
    parser.add_argument("-o", "--out", type=Path, default=Path("mappings/validate"))
    arguments = parser.parse_args()
    elements: Rows = {}
    value_sets: Rows = {}
    for named in arguments.packages:
        release, _, folders = named.partition("=")
        package = Package([Path(folder) for folder in folders.split(",")])
        every = package.every_type()
        elements.setdefault((OPEN, "", "", every, "", ""), []).append(release)
        for definition in package.types():
            for cells in element_rows(definition, every):
                elements.setdefault(cells, []).append(release)
        for cells in value_set_rows(package, release):
            value_sets.setdefault(cells, []).append(release)
    write(arguments.out / "elements.csv", ELEMENT_COLUMNS, elements)
    write(arguments.out / "value_sets.csv", VALUE_SET_COLUMNS, value_sets)


if __name__ == "__main__":
    main()
