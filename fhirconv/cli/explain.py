"""fhirconv explain: from each element back to its table row, its fact and the words."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING, Any

import click

from fhirconv import files
from fhirconv.cli import options, show
from fhirconv.cli.source import is_report_or_facts, open_input
from fhirconv.cli.verb import verb
from fhirconv.errors import UsageError

if TYPE_CHECKING:
    from fhirconv.explain import Explained
    from fhirconv.stream import Opened
    from fhirconv.tables import Tables


@verb("fhirconv explain report.txt")
@click.argument("source", metavar="INPUT")
@options.release
@options.mappings
@options.extractor
@options.form
@options.server
@options.max_size
@options.speech
def explain(
    source: str,
    release: str | None,
    mappings: tuple[str, ...],
    extractor: str,
    form: str,
    server: str,
    max_size: int,
) -> None:
    """Show where each element of a bundle comes from.

    INPUT is a report, a facts document, or - for standard input. For each resource the fact,
    the words and (of a report) their sentence are shown, for each element its value and its
    table row.
    """
    from fhirconv.explain import explain
    from fhirconv.stream import Converter

    tables = options.tables_of(mappings)
    wanted = options.release_of(release, tables)
    if files.many([source]):
        raise UsageError(f"{source!r} is a folder: one report is explained at a time")
    [item] = files.expand([source], is_report_or_facts)
    opened = open_input(item, max_size, tables)
    if isinstance(opened, tuple):
        raise UsageError(f"{source!r} holds {len(opened)} reports: one is explained at a time")
    with closing(
        Converter(wanted, folders=mappings, server=server, extractor=extractor)
    ) as converter:
        made = converter.conversion(opened)
    show.issues((i for i in made.issues if i.code == "transient"), item.shown)  # of the server
    found = list(explain(made, text_of_input(opened, item, tables), tables))
    if form == "json":
        show.document([asdict(one) for one in found])
    else:
        _print(found)


def text_of_input(opened: "Opened", item: files.Input, tables: "Tables") -> str | None:
    """Return the text that sentences are cut from: of the report, or of the one beside facts."""
    from fhirconv.convert import Imported, text_of
    from fhirconv.report import Report

    if isinstance(opened, tuple):  # which of them is meant nobody can tell
        return None
    if isinstance(opened, Report):
        return opened.text
    document = opened.documents[0] if isinstance(opened, Imported) else opened
    return text_of(document["source"], item.path.parent if item.path else None, tables)


def _print(found: Sequence["Explained"]) -> None:
    """Print what each resource rests on, and under it: element = value <- rows of tables."""
    for (resource, fact, words, where, sentence), elements in groupby(found, key=_ground):
        said = f'"{words}" {where}' if words else "what no words say"
        show.line(f"{resource} <- {fact} <- {said}")
        if sentence and sentence != words:
            show.line(f'in the sentence "{sentence}"', indent=2)
        for one in elements:
            rows = ", ".join((one.row, *one.codes))
            show.line(f"{one.element} = {_value(one.value)} <- {rows}", indent=2)


def _ground(one: "Explained") -> tuple[str, str, str, str, str]:
    return one.resource, one.fact, one.words, one.where, one.sentence


def _value(value: Any) -> str:
    """Return a value for people: of a Coding its code and display, of a Reference its target."""
    from fhirconv.convert import serialise

    if isinstance(value, dict):
        coding = value.get("coding", [value])[0]
        if "code" in coding and "display" in coding:
            return f'{coding["code"]} "{coding["display"]}"'
        if "reference" in value:
            return str(value["reference"])
    return value if isinstance(value, str) else serialise(value, compact=True).decode()
