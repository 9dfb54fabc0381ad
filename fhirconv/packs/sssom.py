"""SSSOM: mappings in a TSV, with what they are of in comments before the header."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from fhirconv.packs.concept import Code, Concept, Source

FORMAT = "SSSOM TSV"
WORDS = "sssom"
NEEDED = ("subject_id", "predicate_id", "object_id")
META = re.compile(r"#\s?(\s*)([\w.-]+):\s*(.*)\Z")
NEGATED = "not"
NOTHING = "sssom:NoTermFound"


@dataclass(slots=True)
class Header:
    """What the comments say: prefixes and their addresses, the set and its version."""

    prefixes: dict[str, str] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)
    inside: str = ""

    def tell(self, line: str) -> None:
        """Take one line of the comments, which are YAML of one or two levels."""
        found = META.match(line)
        if not found:
            return
        indent, name, value = found[1], found[2], found[3].strip("\"' ")
        if not indent:
            self.inside = name
            self.said[name] = value
        elif self.inside == "curie_map":
            self.prefixes[name] = value

    @property
    def source(self) -> str:
        """The title, else the last part of the address, and the version."""
        address = self.said.get("mapping_set_id", "").rstrip("/").rsplit("/", 1)[-1]
        title = self.said.get("mapping_set_title") or address or FORMAT
        return f"{title} {self.said.get('mapping_set_version', '')}".strip()


def accepts(head: bytes) -> bool:
    """Say whether the first line that is no comment names the columns of SSSOM."""
    lines = head.removeprefix(b"\xef\xbb\xbf").splitlines()
    first = next((line for line in lines if not line.startswith(b"#")), b"")
    return set(NEEDED[1:]) <= set(first.decode("utf-8", "replace").split("\t"))


def read(source: Source) -> Iterator[Concept]:
    """Yield every mapping that makes a term: the subject with its code and the object's."""
    for path in source.files:
        yield from _concepts(path, source)


def _concepts(path: Path, source: Source) -> Iterator[Concept]:
    header = Header()
    columns: list[str] = []
    for number, line in source.lines(path):
        where = f"{path.name}:{number}"
        if line.startswith("#"):
            header.tell(line)
        elif not columns:
            columns = line.split("\t")
            missing = [name for name in NEEDED if name not in columns]
            if missing:
                source.problem(f"the column {missing[0]!r} is missing", where)
                return
        elif line:
            cells = next(csv.reader([line], delimiter="\t"), [])
            if len(cells) != len(columns):
                message = f"the line has {len(cells)} cells where {len(columns)} columns are"
                source.problem(message, where)
            else:
                yield from _mapping(dict(zip(columns, cells, strict=True)), header, source, where)


def _mapping(row: dict[str, str], header: Header, source: Source, where: str) -> Iterator[Concept]:
    empty = [name for name in NEEDED if not row[name].strip()]
    if empty:
        source.problem(f"the mapping has no {empty[0]}", where)
        return
    predicate = row["predicate_id"]
    match = source.words.get(predicate)
    negated = row.get("predicate_modifier", "").casefold() == NEGATED
    if negated or match is None or match == "skip" or row["object_id"] == NOTHING:
        source.left_out[f"{'not ' if negated else ''}{predicate}"] += 1
    elif not row.get("subject_label"):
        source.left_out["without a subject_label"] += 1
    else:
        label = row["subject_label"]
        mapped = (
            _code(row["subject_id"], label, "exact", header),
            _code(row["object_id"], row.get("object_label", ""), match, header),
        )
        if all(mapped):
            codes = tuple(code for code in mapped if code)
            yield Concept(label, codes, where, source=header.source)
        else:
            wrong = row["object_id"] if mapped[0] else row["subject_id"]
            source.problem(f"{wrong!r} is no prefix, colon and code", where)


def _code(curie: str, label: str, match: str, header: Header) -> Code | None:
    prefix, colon, code = curie.partition(":")
    if not (prefix and colon and code):
        return None
    return Code(prefix, curie, label, match, header.prefixes.get(prefix, ""))
