"""Questions to a server: many GETs in few requests, each answered with its own status."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from fhirconv.errors import ServerError
from fhirconv.http import Answer, Request
from fhirconv.server import FHIR_JSON, Server
from fhirconv.upload import entries_of

Resource = dict[str, Any]

Exchange = Callable[[Request], Answer]  # one request, and its answer

AT_ONCE = 100
PAGES = 100  # of one search
FRESH = {"Accept": FHIR_JSON, "Cache-Control": "no-cache"}  # HAPI keeps what it found for a minute


@dataclass(frozen=True, slots=True)
class Found:
    """What a server answers to one GET: a status, and the resource that came with it."""

    status: int
    resource: Resource = field(default_factory=dict)

    @property
    def is_there(self) -> bool:
        """Say whether the server has what was asked for."""
        return 200 <= self.status < 300


class Inquiry:
    """Asks a server in batches, or one by one where it takes no batch."""

    def __init__(self, server: Server, exchange: Exchange | None = None) -> None:
        self.server = server
        self._exchange = exchange or server.session.send
        self._in_batches = True

    def ask(self, paths: Sequence[str]) -> list[Found]:
        """Return what the server has at each path below its address: Type/id, or Type?query.

        Raises ServerError where no server answers, or wants other credentials.
        """
        return [
            found
            for start in range(0, len(paths), AT_ONCE)
            for found in self._some(paths[start : start + AT_ONCE])
        ]

    def matches(self, found: Found) -> Iterator[Resource]:
        """Yield the resources that a search found, also those on further pages."""
        for _ in range(PAGES):
            for entry in entries_of(found.resource):
                resource = entry.get("resource") if isinstance(entry, dict) else None
                mode = (entry.get("search") or {}).get("mode") if resource else ""
                if isinstance(resource, dict) and mode in (None, "match"):
                    yield resource
            path = self._next(found.resource)
            if not path:
                return
            found = self._one(path)

    def _some(self, paths: Sequence[str]) -> Iterator[Found]:
        if self._in_batches and len(paths) > 1:
            answered = self._batch(paths)
            if answered is not None:
                yield from answered
                return
            self._in_batches = False
        for path in paths:
            yield self._one(path)

    def _batch(self, paths: Sequence[str]) -> list[Found] | None:
        """Return the answers to a batch of GETs; None where the server takes none."""
        entries = [{"request": {"method": "GET", "url": path}} for path in paths]
        bundle = {"resourceType": "Bundle", "type": "batch", "entry": entries}
        answer = self._send("POST", "", json.dumps(bundle).encode())
        listed = entries_of(_resource(answer)) if answer.is_fine else []
        return [_found(entry) for entry in listed] if len(listed) == len(paths) else None

    def _one(self, path: str) -> Found:
        answer = self._send("GET", path, None)
        return Found(answer.status, _resource(answer))

    def _send(self, method: str, path: str, body: bytes | None) -> Answer:
        headers = FRESH | ({"Content-Type": FHIR_JSON} if body else {})
        begin = self.server.session.address
        url = path if path.startswith(begin) else f"{begin}/{path}".removesuffix("/")
        answer = self._exchange(Request(method, url, headers, body, True))
        self.server.check_status(answer)
        return answer

    def _next(self, page: Resource) -> str:
        """Return the address of the page behind one; '' where none is, or elsewhere."""
        links = page.get("link")
        for link in links if isinstance(links, list) else ():
            if isinstance(link, dict) and link.get("relation") == "next":
                url = str(link.get("url", ""))
                return url if url.startswith(self.server.session.address) else ""
        return ""


def _found(entry: Any) -> Found:
    fields = entry if isinstance(entry, dict) else {}
    response, resource = fields.get("response"), fields.get("resource")
    status = str(response.get("status", "")) if isinstance(response, dict) else ""
    number = int(status[:3]) if status[:3].isdigit() else 0
    return Found(number, resource if isinstance(resource, dict) else {})


def _resource(answer: Answer) -> Resource:
    """Return the resource of an answer, numbers with all their digits; empty where it is none.

    Raises ServerError for a success that is no FHIR.
    """
    try:
        said = json.loads(answer.body, parse_float=Decimal)
    except ValueError as error:
        if not answer.is_fine:
            return {}
        kind = answer.media_type or "no media type"
        raise ServerError(f"the server answers in {kind}, not in FHIR JSON", answer.url) from error
    return said if isinstance(said, dict) else {}
