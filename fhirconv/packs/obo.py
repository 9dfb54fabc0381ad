"""OBO 1.2 and 1.4: stanzas of `tag: value` lines."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from fhirconv.packs.concept import Code, Concept, Source

FORMAT = "OBO"
WORDS = "obo"

START = re.compile(rb"\s*(format-version|data-version|ontology|\[Term\])", re.MULTILINE)
STANZA = re.compile(r"\[(\w+)\]\s*(!.*)?\Z")
TAG = re.compile(r"([A-Za-z][\w-]*):\s*(.*)\Z")
SYNONYM = re.compile(r'"((?:[^"\\]|\\.)*)"\s+([A-Z]+)(?:\s+([^\s\[]+))?\s*(?:\[|\Z)')
ESCAPE = re.compile(r"\\(.)")
ESCAPED = {"n": "\n", "t": "\t", "W": " "}
COMMENT = re.compile(r"\s+!.*\Z")


@dataclass(slots=True)
class Stanza:
    """One term while its lines are read."""

    line: int
    identifier: str = ""
    name: str = ""
    obsolete: bool = False
    synonyms: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Header:
    """What the lines before the first stanza say of the ontology."""

    ontology: str = ""
    version: str = ""

    @property
    def short(self) -> str:
        """The name without its file ending and its variants: 'hp' of 'hp/hp-base.obo'."""
        return self.ontology.split("/")[0].removesuffix(".obo").removesuffix(".owl")

    @property
    def source(self) -> str:
        """The name and the version."""
        return f"{self.short.upper()} {release_of(self.version)}".strip()


def release_of(version: str) -> str:
    """Return the date in the address of a version, else all of it."""
    found = re.search(r"\d{4}-\d\d-\d\d", version)
    return found[0] if found else version


def accepts(head: bytes) -> bool:
    """Say whether the beginning of a file is OBO."""
    return bool(START.match(head.removeprefix(b"\xef\xbb\xbf")))


def read(source: Source) -> Iterator[Concept]:
    """Yield the terms of OBO files that are not obsolete, one stanza in memory."""
    for path in source.files:
        yield from _concepts(path, source)


def _concepts(path: Path, source: Source) -> Iterator[Concept]:
    header = Header()
    stanza: Stanza | None = None
    kind = ""
    for number, line in source.lines(path):
        where = f"{path.name}:{number}"
        opened = STANZA.match(line)
        if opened:
            yield from _finished(stanza, header, path, source)
            kind = opened[1]
            stanza = Stanza(number) if kind == "Term" else None
            continue
        tag = TAG.match(line)
        if not tag:
            if line.strip() and not line.startswith("!"):
                source.problem(f"the line is no tag with a value: {line[:60]!r}", where)
        elif stanza:
            _tell(stanza, tag[1], tag[2], source, where)
        elif not kind:
            _head(header, tag[1], tag[2])
    yield from _finished(stanza, header, path, source)


def _head(header: Header, tag: str, value: str) -> None:
    if tag == "ontology":
        header.ontology = value.strip()
    elif tag == "data-version":
        header.version = value.strip()


def _tell(stanza: Stanza, tag: str, value: str, source: Source, where: str) -> None:
    if tag == "id":
        stanza.identifier = COMMENT.sub("", value).strip()
    elif tag == "name":
        stanza.name = _plain(value)
    elif tag == "is_obsolete":
        stanza.obsolete = value.startswith("true")
    elif tag == "synonym":
        found = SYNONYM.match(value)
        if not found:
            source.problem(f"the synonym has not its words in quotes: {value[:60]!r}", where)
        elif source.words.get(found[2]) == "synonym" and source.words.get(found[3]) != "skip":
            stanza.synonyms.append(_plain(found[1]))


def _plain(text: str) -> str:
    """Return a text without the escapes of OBO."""
    return ESCAPE.sub(lambda m: ESCAPED.get(m[1], m[1]), text) if "\\" in text else text


def _finished(
    stanza: Stanza | None, header: Header, path: Path, source: Source
) -> Iterator[Concept]:
    if stanza is None:
        return
    where = f"{path.name}:{stanza.line}"
    if not stanza.identifier:
        source.problem("the term has no id", where)
    elif stanza.obsolete:
        source.left_out["obsolete"] += 1
    elif not stanza.name:
        source.left_out["without a name"] += 1
    else:
        namespace = stanza.identifier.partition(":")[0]
        own = namespace.casefold() == header.short.casefold()
        pattern = source.words.get("ontology", "")
        uri = pattern.replace("{}", header.short.casefold()) if own else ""
        code = Code(namespace, stanza.identifier, stanza.name, uri=uri, whole=True)
        yield Concept(
            *(stanza.name, (code,), where, tuple(stanza.synonyms)),
            source=header.source,
            foreign=not own,
        )
