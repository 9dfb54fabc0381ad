"""The vocabularies as one SSSOM mapping set: words to codes, as tab-separated values."""

import csv
import io
from collections.abc import Iterator
from urllib.parse import quote

from fhirconv.exporters.mapped import MappedTables
from fhirconv.tables import Coding
from fhirconv.version import VERSION

COLUMNS = (
    *("subject_label", "subject_type", "predicate_id", "object_id", "object_label"),
    *("mapping_justification", "subject_source", "comment"),
)
KEPT = "/*:.,;@!$&()+=~-_'"  # the signs of a code that a CURIE may hold


def export(mapped: MappedTables) -> bytes:
    """Return the SSSOM TSV with its metadata in front."""
    rows = sorted({row: None for name in mapped.vocabularies for row in _rows(mapped, name)})
    file = io.StringIO()
    file.writelines(f"#{line}\n" for line in _metadata(mapped))
    table = csv.writer(file, delimiter="\t", lineterminator="\n")
    table.writerow(COLUMNS)
    table.writerows(rows)
    return file.getvalue().encode("utf-8")


def _metadata(mapped: MappedTables) -> Iterator[str]:
    used = {c.prefix for name in mapped.vocabularies for _, cs in mapped.mapped(name) for c in cs}
    base = mapped.words["base"]
    own = base.partition(":")[0]
    yield "curie_map:"
    for prefix, expansion in mapped.expansions.items():
        if prefix in used and prefix != own:
            yield f'  {prefix}: "{expansion}"'
    yield f'  {own}: "{own}:"'
    yield f'license: "{mapped.words["license"]}"'
    yield f'mapping_set_id: "{mapped.words["mapping_set_id"]}"'
    yield f'mapping_set_version: "{VERSION}"'


def _rows(mapped: MappedTables, name: str) -> Iterator[tuple[str, ...]]:
    words, source = mapped.words, mapped.words["base"] + name
    for term, codings in mapped.mapped(name):
        same = f"a synonym of {term.preferred}" if term.preferred != term.text else ""
        for coding in codings:
            yield (
                " ".join(term.text.split()),
                words["subject_type"],
                mapped.match(coding)["predicate"],
                _curie(coding),
                coding.display,
                words["mapping_justification"],
                source,
                same,
            )


def _curie(coding: Coding) -> str:
    """Return prefix:code; a code that carries its prefix (HP:0000001) is a CURIE already."""
    code = coding.code.removeprefix(f"{coding.prefix}:")
    return f"{coding.prefix}:{quote(code, safe=KEPT)}"
