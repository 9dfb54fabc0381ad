"""SNOMED CT in release format 2: the snapshots of concepts and of descriptions."""

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from fhirconv.packs.concept import Code, Concept, Source

FORMAT = "SNOMED CT RF2"
WORDS = "snomed"
CONCEPT = ("id", "effectiveTime", "active", "moduleId", "definitionStatusId")
DESCRIPTION = (
    *("id", "effectiveTime", "active", "moduleId", "conceptId", "languageCode", "typeId"),
    *("term", "caseSignificanceId"),
)
TAGGED = re.compile(r"(.+\S)\s+\(([^()]+)\)\Z")
OTHER = re.compile(r"_(Full|Delta)", re.IGNORECASE)  # releases with what was and what changed

Description = tuple[str, str, str]  # meaning of its type, words, where


def accepts(head: bytes) -> bool:
    """Say whether the beginning of a file is a table of concepts or of descriptions."""
    return _header(head) in (CONCEPT, DESCRIPTION)


def _header(head: bytes) -> tuple[str, ...]:
    first = head.removeprefix(b"\xef\xbb\xbf").splitlines()[:1]
    return tuple(first[0].decode("utf-8", "replace").split("\t")) if first else ()


def read(source: Source) -> Iterator[Concept]:
    """Yield the active concepts; descriptions come in any order, so all are in memory."""
    files: dict[tuple[str, ...], list[Path]] = {CONCEPT: [], DESCRIPTION: []}
    for path in source.files:
        if not OTHER.search(path.name):
            with path.open("rb") as file:
                files[_header(file.readline())].append(path)
    for header, name in ((CONCEPT, "concepts"), (DESCRIPTION, "descriptions")):
        if not files[header]:
            source.problem(
                f"the snapshot of {name} is missing: give the folder of both", source.files[0].name
            )
    if source.problems:
        return
    active, latest = _active(files[CONCEPT], source)
    described: defaultdict[str, list[Description]] = defaultdict(list)
    for path in files[DESCRIPTION]:
        _describe(path, active, described, source)
    release = f"SNOMED CT {latest}".strip()
    for identifier in active:
        yield from _concept(identifier, described.get(identifier, []), source, release)


def _rows(path: Path, width: int, source: Source) -> Iterator[tuple[list[str], str]]:
    """Yield the rows after the first as (cells, where); quotes mean nothing in RF2."""
    for number, line in source.lines(path):
        cells = line.split("\t")
        where = f"{path.name}:{number}"
        if number == 1 or not line:
            continue
        if len(cells) != width:
            source.problem(f"the line has {len(cells)} fields, not {width}", where)
        elif cells[2] not in {"0", "1"}:
            source.problem(f"active is 0 or 1, not {cells[2]!r}", where)
        else:
            yield cells, where


def _active(paths: list[Path], source: Source) -> tuple[dict[str, str], str]:
    """Return the active concepts, each with its place, in order, and the latest date."""
    active: dict[str, str] = {}
    latest = ""
    for path in paths:
        for cells, where in _rows(path, len(CONCEPT), source):
            latest = max(latest, cells[1])
            if cells[2] == "1":
                active[cells[0]] = where
            else:
                source.left_out["inactive"] += 1
    return active, latest


def _describe(
    path: Path,
    active: dict[str, str],
    described: defaultdict[str, list[Description]],
    source: Source,
) -> None:
    language = source.word("language")
    for cells, where in _rows(path, len(DESCRIPTION), source):
        meaning = source.words.get(cells[6], "")
        if cells[2] == "1" and cells[4] in active and cells[5] == language:
            if not meaning:
                source.problem(f"{cells[6]!r} is no type of description that is known", where)
            elif meaning != "skip":
                described[cells[4]].append((meaning, cells[7], where))


def _concept(
    identifier: str, described: list[Description], source: Source, release: str
) -> Iterator[Concept]:
    full = next(((words, where) for means, words, where in described if means == "name"), None)
    if full is None:
        source.left_out["without a fully specified name"] += 1
        return
    display, where = full
    tagged = TAGGED.match(display)
    term, tag = (tagged[1], tagged[2]) if tagged else (display, "")
    synonyms = tuple(words for means, words, _ in described if means == "synonym")
    code = Code(source.word("system"), identifier, display)
    yield Concept(term, (code,), where, synonyms, tag=tag, source=release)
