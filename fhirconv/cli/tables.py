"""fhirconv tables: what can be made, whether the tables are sound; its parts beside it."""

from typing import TYPE_CHECKING, Any

import click

from fhirconv.cli import options, show
from fhirconv.cli.tables_diff import diff
from fhirconv.cli.tables_export import export
from fhirconv.cli.tables_import import import_
from fhirconv.cli.tables_unmapped import unmapped
from fhirconv.cli.verb import finish, verb_with_parts
from fhirconv.errors import UsageError
from fhirconv.outcome import Issue, has_errors, operation_outcome

if TYPE_CHECKING:
    from fhirconv.tables import Tables

PARTS = (import_, export, diff, unmapped)


@verb_with_parts("fhirconv tables --check --mappings mine/", PARTS)
@options.mappings
@click.option("--check", is_flag=True, help="Hold every row against the models of its releases.")
@options.form
@options.speech
def tables(mappings: tuple[str, ...], check: bool, form: str) -> None:
    """Show what can be made; check the mapping tables.

    Each problem that --check finds is one line: file and line of the table, what is wrong.
    """
    part = click.get_current_context().invoked_subcommand
    if part:
        if mappings or check:
            raise UsageError(f"write the options behind {part}: fhirconv tables {part} --help")
        return
    known = options.tables_of(mappings)
    if check:
        _check(known, form)
    elif form == "json":
        show.document({title: [dict(row) for row in rows] for title, rows in _listing(known)})
    else:
        for title, rows in _listing(known):
            show.table(title, list(rows[0]) if rows else [], [list(r.values()) for r in rows])


def _check(known: "Tables", form: str) -> None:
    from fhirconv.tables_check import check

    issues: list[Issue] = list(check(known.folders))
    if form == "json":
        show.document(operation_outcome(issues))
    else:
        for issue in issues:
            show.line(f"{issue.where}: {issue.severity}: {issue.message}")
    show.remark("the tables are unsound" if has_errors(issues) else "the tables are sound")
    finish(issues)


def _listing(known: "Tables") -> list[tuple[str, list[dict[str, Any]]]]:
    """Return what the tables make, as (title, rows) each."""
    return [
        ("resources", _resources(known)),
        ("facts", _facts(known)),
        ("vocabularies", _vocabularies(known)),
    ]


def _resources(known: "Tables") -> list[dict[str, Any]]:
    """Return for each type of resource how many rows make it in each release."""
    from fhirconv.tables import of_release

    return [
        {"resource": name}
        | {f"rows {r}": sum(of_release(row, r) for row in rows) for r in known.releases}
        for name, rows in known.resources.items()
    ]


def _facts(known: "Tables") -> list[dict[str, Any]]:
    """Return for each kind of fact the resources that its rows make."""
    ways: dict[str, set[str]] = {}
    for route in known.routes:
        if route.kind:
            ways.setdefault(route.kind, set()).add(route.rows)
    made = {
        kind: [n for n, rows in known.resources.items() if any(r.fact in names for r in rows)]
        for kind, names in ways.items()
    }
    return [{"kind of fact": kind, "becomes": ", ".join(names)} for kind, names in made.items()]


def _vocabularies(known: "Tables") -> list[dict[str, Any]]:
    listed = []
    for name, vocabulary in known.codes.items():
        codings = {
            (coding.prefix, coding.code)
            for term in vocabulary.terms.values()
            for coding in term.codings
            if coding.code and coding.prefix
        }
        systems = ", ".join(sorted({prefix for prefix, _ in codings}))
        terms = len(vocabulary.terms)
        listed.append(
            {"vocabulary": name, "terms": terms, "codes": len(codings), "systems": systems}
        )
    return listed
