"""Write mappings/validate/search_parameters.csv: the types and bases of HL7's search parameters.

Usage: python tools/search_parameters.py RELEASE=FOLDER... [-o FILE]

FOLDER is an unpacked npm package of a release's core definitions (`make definitions` fetches
them). They are HL7's, public domain (CC0).
"""

import argparse
import csv
import json
from pathlib import Path

COLUMNS = ("url", "type", "base", "releases")


def rows(packages: dict[str, Path]) -> list[tuple[str, str, str, str]]:
    """Return a row for each search parameter, with the releases that have it so."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for release, folder in packages.items():
        root = folder / "package" if (folder / "package").is_dir() else folder
        for path in sorted(root.glob("SearchParameter-*.json")):
            given = json.loads(path.read_text(encoding="utf-8"))
            key = (given["url"], given["type"], " ".join(sorted(given.get("base", ()))))
            found.setdefault(key, []).append(release)
    return sorted((*key, " ".join(releases)) for key, releases in found.items())


def main() -> None:
    """Read the packages, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packages", nargs="+", metavar="RELEASE=FOLDER")
    out = Path("mappings/validate/search_parameters.csv")
    parser.add_argument("-o", "--out", type=Path, default=out)
    arguments = parser.parse_args()
    packages = {r: Path(f) for r, _, f in (named.partition("=") for named in arguments.packages)}
    with arguments.out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows(packages))


if __name__ == "__main__":
    main()
