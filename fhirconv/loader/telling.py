"""What a server says of an entry is told of the document: its file, its entry, its fact."""

import re
from dataclasses import replace
from html import unescape
from typing import Any

from fhirconv.errors import ReadError
from fhirconv.loader.parcel import Parcel
from fhirconv.outcome import Issue
from fhirconv.upload import entries_of, place

Resource = dict[str, Any]

ENTRY = re.compile(r"Bundle\.entry\[(\d+)\]")
PARAGRAPH = re.compile(r"<p>(.*?)</p>", re.DOTALL)
TAG = re.compile(r"<[^>]*>")
LONGEST = 80  # letters of a fact


def told(issue: Issue, sent: Resource, parcel: Parcel) -> Issue:
    """Return an issue of a sent bundle with the entry of its document and the fact it is of.

    What was sent may have had fewer entries, as others brought them.
    """
    found = ENTRY.match(issue.where)
    if not found or int(found[1]) >= len(entries_of(sent)):
        return issue
    entry = entries_of(sent)[int(found[1])]
    fact = fact_of(entry.get("resource") or {})
    message = f"{issue.message} (of {fact})" if fact else issue.message
    try:
        whole = parcel.document.resource()
    except ReadError:
        return replace(issue, message=message)
    names = [_name(one) for one in entries_of(whole)]
    if _name(entry) not in names:
        return replace(issue, message=message)
    number = names.index(_name(entry))
    rest = issue.where.partition("*/")[2]
    return replace(issue, message=message, where=place(whole, number, rest))


def fact_of(resource: Resource) -> str:
    """Return the fact that a resource is of, as its narrative or its code tells it: words, span."""
    text, code = resource.get("text"), resource.get("code")
    div = str(text.get("div", "")) if isinstance(text, dict) else ""
    paragraph = PARAGRAPH.search(div)
    words = unescape(TAG.sub("", paragraph[1])) if paragraph else ""
    words = words or (str(code.get("text", "")) if isinstance(code, dict) else "")
    words = " ".join(words.split()).rstrip(".")
    short = words if len(words) <= LONGEST else words[: LONGEST - 1] + "…"
    span = _span(resource)
    return f"{short!r}, {span}" if short and span else repr(short) if short else span


def _span(resource: Resource) -> str:
    """Return the first code points of the report that a resource is derived from: 410-512."""
    listed = resource.get("extension")
    for extension in listed if isinstance(listed, list) else ():
        inner = extension.get("extension") if isinstance(extension, dict) else None
        named = {
            one.get("url"): one.get("valueInteger")
            for one in (inner if isinstance(inner, list) else ())
            if isinstance(one, dict)
        }
        start, length = named.get("offset"), named.get("length")
        if isinstance(start, int) and isinstance(length, int):
            return f"{start}-{start + length}"
    return ""


def _name(entry: Any) -> tuple[str, str]:
    """Return what tells an entry apart: its fullUrl, else where its request goes."""
    named = entry if isinstance(entry, dict) else {}
    url = str(named.get("fullUrl", ""))
    return url, "" if url else str((named.get("request") or {}).get("url", ""))
