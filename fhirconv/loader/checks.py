"""What is done to a bundle before it is sent: checked, held against the server, made ready."""

from dataclasses import replace

from fhirconv.capability import capability_of, obstacles
from fhirconv.findings import fails
from fhirconv.inspection import Wanted, check_document
from fhirconv.loader.documents import Document
from fhirconv.loader.parcel import Prepared, Resource, Step
from fhirconv.loader.ways import SERVER, Terms, how_to_find
from fhirconv.outcome import Issue
from fhirconv.own_ids import named_by_server
from fhirconv.server import Server


def preparations(server: Server, terms: Terms, threshold: str = "") -> list[Step]:
    """Return the steps before a bundle is sent; with a threshold it is validated first."""
    steps = [_validated(server, threshold)] if threshold else []
    if terms.ids == SERVER:
        steps.append(_named_by_server(server))
    return [*steps, _possible(server)]


def _validated(server: Server, threshold: str) -> Step:
    """Return the step that keeps back a document in which a finding is as bad as the threshold."""
    release = server.release().name

    def step(bundle: Resource, document: Document) -> Prepared:
        limit = len(document.data) + 1
        wanted = Wanted(release, limit=limit)
        checked = check_document(document.item.shown, document.line, document.data, wanted)
        found = [f.issue for f in checked.findings if fails([f], threshold)]
        return [bundle], [_stopping(issue, document) for issue in found]

    return step


def _stopping(issue: Issue, document: Document) -> Issue:
    """Return an issue of the validator as an error, with its line and column."""
    spot = f"{document.item.shown}:{issue.line}:{issue.column}: " if issue.line else ""
    message = issue.message if issue.is_error else f"{issue.severity}: {issue.message}"
    where = f"{spot}{issue.where}".removesuffix(": ")
    severity = issue.severity if issue.is_error else "error"
    return replace(issue, severity=severity, message=message, where=where)


def _named_by_server(server: Server) -> Step:
    searches = how_to_find(server)

    def step(bundle: Resource, _document: Document) -> Prepared:
        made = named_by_server(bundle)
        return [made], list(searches.obstacles(made))

    return step


def _possible(server: Server) -> Step:
    capability = capability_of(server.statement())

    def step(bundle: Resource, _document: Document) -> Prepared:
        return [bundle], list(obstacles(bundle, capability, server.session.address))

    return step
