"""Are the vocabularies sound: each code well formed, no row twice, none against another."""

from collections.abc import Iterable, Iterator, Mapping

from fhirconv.outcome import Issue
from fhirconv.sheets import Line, Sheets
from fhirconv.tables import CODE_COLUMNS, MAPPINGS, Tables
from fhirconv.tables_check.defect import defect, doubt, releases_of, strange_releases
from fhirconv.terms import term_key
from fhirconv.validate.codes import CHECKS, code_problem

KEY = ("term", "system")  # by which an overlay's row replaces one
MATCHES = ("exact", "close", "broad")
Code = tuple[str, str]  # prefix and code


def vocabularies(tables: Tables) -> Iterator[Issue]:
    """Yield what is wrong in the tables of codes/."""
    sheets = Sheets(tables.folders, [])
    displays: dict[Code, Line] = {}
    for name in tables.codes:  # reading them tells what cannot be read
        lines = sheets.lines(f"codes/{name}.csv", CODE_COLUMNS, KEY)
        for line in lines:
            yield from _row(line, tables)
            yield from _display(line, displays)
        yield from _codings(lines, tables)
        yield from _synonyms(lines)
    yield from _unused(tables)


def _row(line: Line, tables: Tables) -> Iterator[Issue]:
    """Yield what is wrong in one row by itself."""
    where, match = line["origin"], line["match"]
    if not line["term"]:
        yield defect("the row has no term", where)
    if match and match not in MATCHES:
        yield defect(f"{match!r} is no match (known: {', '.join(MATCHES)})", where)
    if line["same_as"] and line["code"] + line["display"] + match:
        message = f"{line['term']!r} is a synonym of {line['same_as']!r}: its codes stand there"
        yield defect(message, where)
    elif match and not line["code"]:
        yield defect(f"the match {match!r} is of no code", where)
    yield from strange_releases(line["releases"].split(), tables, where)
    prefix, _, code = line["code"].partition(":")
    system = tables.systems.get(prefix)
    if system and system.check in CHECKS:
        problem = code_problem(system.check, code)
        if problem:
            yield defect(f"the code {code!r} {problem}", where)
        if not line["display"]:
            yield defect(f"the code {code!r} has no display", where)
    elif system and not code.strip():
        yield defect(f"behind the prefix {prefix!r} stands no code", where)


def _display(line: Line, displays: dict[Code, Line]) -> Iterator[Issue]:
    """Yield a doubt where a code has another display elsewhere; a unit may show its code."""
    prefix, _, code = line["code"].partition(":")
    display = line["display"]
    if not code or display in ("", code):
        return
    other = displays.setdefault((prefix, code), line)
    if other["display"] != display:
        message = f"{line['code']} is called {display!r}, elsewhere {other['display']!r}"
        yield doubt(f"{message} ({other['origin']})", line["origin"])


def _codings(lines: Iterable[Line], tables: Tables) -> Iterator[Issue]:
    """Yield the rows of one term that say the same, or of one system two things."""
    seen: dict[tuple[str, str], list[Line]] = {}
    for line in lines:
        prefix = line["code"].partition(":")[0]
        others = seen.setdefault((term_key(line["term"]), prefix), [])
        mine = releases_of(line["releases"].split(), tables)
        for other in others:
            if mine & releases_of(other["releases"].split(), tables):
                yield _against(line, other, prefix)
                break
        others.append(line)
    for line in lines:
        if not line["code"] + line["display"] + line["same_as"]:
            yield from _yet_coded(line, seen, tables)


def _yet_coded(
    line: Line, seen: Mapping[tuple[str, str], list[Line]], tables: Tables
) -> Iterator[Issue]:
    """Yield the row that says of a term with a code that it has none."""
    key = term_key(line["term"])
    coded = next((seen[key, p][0]["code"] for p in tables.systems if (key, p) in seen), "")
    if coded:
        message = f"the row says that {line['term']!r} has no code, but it has {coded}"
        yield defect(message, line["origin"])


def _against(line: Line, other: Line, prefix: str) -> Issue:
    """Return what two rows of one term and system are to each other."""
    term, where = line["term"], line["origin"]
    if all(line[n] == other[n] for n in ("code", "display", "same_as")):
        return defect(f"there is a row for {term!r} already ({other['origin']})", where)
    if not prefix:
        message = f"{term!r} is said to be {_sense(line)} and {_sense(other)}"
        return defect(f"{message} ({other['origin']})", where)
    if line["code"] == other["code"]:
        message = f"{line['code']} stands for {term!r} with another display"
        return defect(f"{message}, {other['display']!r} ({other['origin']})", where)
    message = f"{term!r} has two codes of {prefix}: {line['code']} and {other['code']}"
    return defect(f"{message} ({other['origin']})", where)


def _sense(line: Line) -> str:
    if line["same_as"]:
        return f"a synonym of {line['same_as']!r}"
    return repr(line["display"]) if line["display"] else "without a code"


def _synonyms(lines: Iterable[Line]) -> Iterator[Issue]:
    """Yield the synonyms that lead to a synonym, to themselves, or past codes of their own."""
    leads = {term_key(line["term"]): line for line in lines if line["same_as"]}
    for line in lines:
        synonym = leads.get(term_key(line["term"]))
        if synonym and line["code"]:
            message = f"the code is dead: {line['term']!r} is a synonym of {synonym['same_as']!r}"
            yield defect(f"{message} ({synonym['origin']})", line["origin"])
        if line["same_as"] and term_key(line["same_as"]) in leads:
            further = leads[term_key(line["same_as"])]
            message = f"same_as leads to {line['same_as']!r}, itself a synonym"
            yield defect(f"{message} of {further['same_as']!r}", line["origin"])


def _unused(tables: Tables) -> Iterator[Issue]:
    """Yield the vocabularies of the user's own that no row and no extractor looks into."""
    rows = [r for listed in (*tables.resources.values(), *tables.types.values()) for r in listed]
    used = {name.partition(".")[0] for row in rows for name in row.codes.split()}
    used |= {line.get("vocabulary", "") for lines in tables.extract.values() for line in lines}
    for name in tables.codes:
        if name not in used and not (MAPPINGS / "codes" / f"{name}.csv").is_file():
            known = ", ".join(n for n in tables.codes if n != name)
            message = f"nothing looks into the vocabulary {name!r}: it is dead (known: {known})"
            yield defect(message, f"codes/{name}.csv")
