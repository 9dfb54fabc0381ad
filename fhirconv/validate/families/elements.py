"""Rules of every element and resource: ids once, languages as they are written, attachments."""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from fhirconv.validate.definitions import Element, Shape
from fhirconv.validate.scope import Check, Node, Problem, Scope, error, nodes, quoted

if TYPE_CHECKING:
    from fhirconv.validate.engine import Engine

# BCP 47 without what is grandfathered: language, script, region, variants, extensions, private.
LANGUAGE = re.compile(
    r"(?:[a-z]{2,3}(?:-[a-z]{3}){0,3})(?:-[a-z]{4})?(?:-(?:[a-z]{2}|[0-9]{3}))?"
    r"(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*(?:-[a-wyz0-9](?:-[a-z0-9]{2,8})+)*"
    r"(?:-x(?:-[a-z0-9]{1,8})+)?|x(?:-[a-z0-9]{1,8})+|i-[a-z]{2,8}",
    re.IGNORECASE,
)
LONGEST = 100  # characters of a tag
SPACE = re.compile(r"\s")
PUBLISHED = "/publication-status"  # the value set of the status of what is published
ABSOLUTE = re.compile(r"[a-z][a-z0-9+.-]*:\S+")


def id_check(shape: Shape, element: Element | None, engine: "Engine") -> Check | None:
    """Return the check that the id of an element stands once in its resource.

    FHIR datatypes, Element.id: unique within the resource. The ids of element definitions are
    paths, which stand in the snapshot and in the differential (sdf-16, sdf-17).
    """
    if shape.name == "ElementDefinition":
        return None

    def check(value: Node, scope: Scope) -> Iterable[Problem] | None:
        given = value.get("id")
        if given is None or not isinstance(given, str):
            return None
        seen = scope.memo.setdefault(("ids", id(scope.resource)), {})
        if seen.setdefault(given, id(value)) != id(value):
            return (
                error("duplicate", f"the id {quoted(given)} is one of an element before", "id"),
            )
        return None

    return check


def canonical_url_check(shape: Shape, element: Element | None, engine: "Engine") -> Check | None:
    """Return the check that the url of what is published under one is absolute.

    FHIR, canonical resources (canonicalresource.html): those with a publication status.
    """
    status = shape.elements.get("status")
    if "url" not in shape.elements or status is None or not status.binding.endswith(PUBLISHED):
        return None

    def check(value: Node, scope: Scope) -> Iterable[Problem] | None:
        given = value.get("url")
        if not isinstance(given, str) or ABSOLUTE.fullmatch(given):
            return None
        return (
            error("value", f"the url of a {shape.name} is absolute, not {quoted(given)}", "url"),
        )

    return check


def language(value: Node, scope: Scope) -> Iterable[Problem] | None:
    """Check the language of a resource (BCP 47, as Resource.language asks)."""
    given = value.get("language")
    if isinstance(given, str) and (len(given) > LONGEST or not _is_language(given)):
        message = f"{quoted(given)} is no tag of a language such as de, en-US or zh-Hans"
        return (error("code-invalid", message, "language"),)
    return None


@lru_cache(maxsize=256)
def _is_language(tag: str) -> bool:
    return LANGUAGE.fullmatch(tag) is not None


def attachment(value: Node, scope: Scope) -> Iterable[Problem] | None:
    """Check the data of an Attachment: base64 without white space (RFC 4648)."""
    data = value.get("data")
    if isinstance(data, str) and SPACE.search(data):
        return (error("value", "the base64 of an attachment holds white space", "data"),)
    return None


def meta(value: Node, scope: Scope) -> Iterator[Problem]:
    """Hold that a security label stands once in Meta (resource.html#security)."""
    seen: set[tuple[object, object]] = set()
    for index, label in enumerate(nodes(value, "security")):
        key = (label.get("system"), label.get("code"))
        if key[1] is not None and key in seen:
            message = f"the security label {quoted(key[1])} stands before"
            yield error("duplicate", message, "security", index)
        seen.add(key)
