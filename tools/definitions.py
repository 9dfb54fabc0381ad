"""Write mappings/validate/RELEASE.definitions from HL7's packages, their prose left out.

Usage: python tools/definitions.py RELEASE=FOLDER[,FOLDER...]... [-o mappings/validate]

FOLDER is an unpacked npm package (`npm pack NAME`): the core of a release first, then its
terminology and its extensions. Types and value sets of an earlier folder win over those of a later
one; code systems and extensions of a later one, which has the newer. The definitions are HL7's,
public domain (CC0).
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fhirconv.validate.archive import written
from fhirconv.validate.bare import bare

Definition = dict[str, Any]

KINDS = ("StructureDefinition", "ValueSet", "CodeSystem")
RENEWED = ("CodeSystem", "Extension")  # of which a later folder has the newer
UNUSED = ("logical",)  # kinds of structures that no resource is an instance of


def definitions(folders: list[Path], kind: str) -> dict[str, Definition]:
    """Return the definitions of a kind by URL, those of the folder that wins."""
    read = (resource for folder in folders for resource in listed(folder, kind))
    found: dict[str, Definition] = {}
    for resource in filter(is_used, read):
        if resource["url"] not in found or resource.get("type", kind) in RENEWED:
            found[resource["url"]] = resource
    return found


def listed(folder: Path, kind: str) -> Iterator[Definition]:
    """Yield the definitions of a kind in one package."""
    root = folder / "package" if (folder / "package").is_dir() else folder
    for path in sorted(root.glob(f"{kind}-*.json")):
        resource = json.loads(path.read_text(encoding="utf-8"))
        if resource.get("resourceType") == kind and "url" in resource:
            yield resource


def is_used(resource: Definition) -> bool:
    """Say whether the validator goes by a definition: types, profiles, and codes that are told."""
    return resource.get("kind") not in UNUSED and resource.get("content") != "not-present"


def value_sets(resources: list[Definition], known: dict[str, Definition]) -> list[Definition]:
    """Return the value sets that structures bind, and those that these are made of."""
    found: dict[str, Definition] = {}
    ahead = [url for resource in resources for url in bound(resource)]
    while ahead:
        url = ahead.pop().partition("|")[0]
        if url in known and url not in found:
            found[url] = known[url]
            compose = known[url].get("compose", {})
            parts = (*compose.get("include", ()), *compose.get("exclude", ()))
            ahead += [inner for part in parts for inner in part.get("valueSet", ())]
    return list(found.values())


def bound(structure: Definition) -> Iterator[str]:
    """Yield the URLs of the value sets that a structure binds."""
    for element in structure.get("snapshot", {}).get("element", ()):
        if "valueSet" in element.get("binding", {}):
            yield element["binding"]["valueSet"]


def main() -> None:
    """Read the packages, and write one file a release."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packages", nargs="+", metavar="RELEASE=FOLDER")
    parser.add_argument("-o", "--out", type=Path, default=Path("mappings/validate"))
    arguments = parser.parse_args()
    for named in arguments.packages:
        release, _, folders = named.partition("=")
        roots = [Path(folder) for folder in folders.split(",")]
        structures = list(definitions(roots, KINDS[0]).values())
        sets = value_sets(structures, definitions(roots, KINDS[1]))
        systems = list(definitions(roots, KINDS[2]).values())
        data = written(bare(resource) for resource in (*structures, *sets, *systems))
        (arguments.out / f"{release}.definitions").write_bytes(data)
        counts = f"{len(structures)} structures, {len(sets)} value sets, {len(systems)} systems"
        sys.stderr.write(f"{release}: {counts}, {len(data):,} bytes\n")


if __name__ == "__main__":
    main()
