"""ImplementationGuides: what they depend on is a guide, a package and a version of it."""

import re
from collections.abc import Iterator

from fhirconv.validate.families.urls import url_of
from fhirconv.validate.scope import Node, Problem, Scope, error, nodes, quoted, warning

PACKAGE = re.compile(r"[a-z][a-z0-9-]*(\.[a-z0-9-]+)+", re.IGNORECASE)
NUMBERS = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+([-+][A-Za-z0-9.+-]+)?|current(\$.+)?|dev|latest")
LOOSE = re.compile(r"[0-9]+(\.[0-9x*]+){0,2}([-+][A-Za-z0-9.+-]+)?")


def implementation_guide(value: Node, scope: Scope) -> Iterator[Problem]:
    """Check what an ImplementationGuide depends on (implementationguide.html#dependsOn)."""
    for index, given in enumerate(nodes(value, "dependsOn")):
        for problem in _dependency(given, scope):
            problem.steps.extend((index, "dependsOn"))
            yield problem


def _dependency(given: Node, scope: Scope) -> Iterator[Problem]:
    uri, package, version = (given.get(name) for name in ("uri", "packageId", "version"))
    if isinstance(uri, str):
        yield from _canonical(uri, version, scope)
    if isinstance(package, str) and not PACKAGE.fullmatch(package):
        yield error("value", f"{quoted(package)} is no id of a package", "packageId")
    if isinstance(version, str):
        if not NUMBERS.fullmatch(version) and not LOOSE.fullmatch(version):
            yield warning("value", f"{quoted(version)} is no version of a package", "version")
    else:
        yield warning("required", "no version is stated, so nothing can be compared")


def _canonical(uri: str, version: object, scope: Scope) -> Iterator[Problem]:
    plain, bar, stated = uri.partition("|")
    if bar and not stated:
        yield error("value", f"{quoted(uri)} ends with '|', a version is missing", "uri")
    elif bar and version is None:
        message = f"{quoted(uri)} states the version {stated}, which belongs in version"
        yield error("business-rule", message, "uri")
    elif bar and stated != version:
        message = f"{quoted(uri)} states the version {stated}, the dependency {quoted(version)}"
        yield warning("business-rule", message, "uri")
    if url_of("guide", scope.definitions) not in plain:
        message = f"{quoted(uri)} is not the URL of an ImplementationGuide"
        yield error("value", message, "uri")
