"""A stub that lets what it has be read, searched page by page and deleted, as a HAPI does."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

from tests.stub_server import Received, Reply, StubServer, outcome

Resource = dict[str, Any]

COMPLETED = {"severity": "information", "code": "informational", "diagnostics": "Job COMPLETED"}
HAPI = "https://hapifhir.io/fhir/CodeSystem/hapi-fhir-storage-response-code"


def refused(status: int, words: str) -> Reply:
    """Give a refusal in one sentence."""
    issue = {"severity": "error", "code": "processing", "diagnostics": words}
    return Reply(status, outcome(issue))


@dataclass
class Shelf(StubServer):
    """A store behind REST; what it lacks can be switched off."""

    everything: bool = True  # it has Patient/ID/$everything
    transactions: bool = True
    page: int = 3  # resources of a page
    progress: list[Reply] = field(default_factory=list)  # answers to who asks about an import
    words: str = "Unable to delete {0} because at least one resource has a reference to it: {1}"

    def reply(self, request: Received) -> Reply:
        """Read, search or delete; what else there is to do the stub does."""
        path = request.path.removeprefix("/fhir/")
        if request.method == "DELETE":
            return self._deleted(path)
        if self._scripts[request.method] or path == "metadata":
            return super().reply(request)
        if path == "$import":
            return self._imported(json.loads(request.body))
        if path.startswith("$import-poll-status"):
            return self.progress.pop(0) if self.progress else Reply(body=outcome(COMPLETED))
        for method, answered in ((b'"DELETE"', self._all_deleted), (b'"GET"', self._all_asked)):
            if request.method == "POST" and method in request.body:
                return answered(json.loads(request.body))
        asked = self._asked(path) if request.method == "GET" else None
        return asked or super().reply(request)

    def _all_asked(self, bundle: Resource) -> Reply:
        """Give what a batch of GETs asks for."""
        entries = []
        for entry in bundle["entry"]:
            reply = self._asked(entry["request"]["url"]) or Reply(404)
            found = {"resource": reply.body} if reply.status == 200 else {}
            entries.append(found | {"response": {"status": str(reply.status)}})
        kind = {"resourceType": "Bundle", "type": "batch-response"}
        return Reply(body=kind | {"entry": entries})

    def _asked(self, path: str) -> Reply | None:
        """Give what is asked for; None for what is not there."""
        parts = urlsplit(path)
        patient = parts.path.removesuffix("/$everything")
        if patient != parts.path:
            return self._pages(patient, parts.query, "") if self.everything else None
        if parts.query:
            return self._pages(parts.path, parts.query, parts.path)
        return Reply(body=self.stored(path)) if path in self.store else None

    def _imported(self, asked: Resource) -> Reply:
        """Fetch every file and store its resources."""
        for parameter in asked["parameter"]:
            if parameter["name"] == "input":
                url = next(part["valueUri"] for part in parameter["part"] if part["name"] == "url")
                with urlopen(url, timeout=30) as answer:
                    assert answer.headers["Content-Type"] == "application/fhir+ndjson"
                    for line in answer:
                        resource = json.loads(line)
                        name = f"{resource['resourceType']}/{resource['id']}"
                        self.store[name] = (1, resource, self.now.isoformat())
        where = f"{self.url}/$import-poll-status?_jobId=1"
        return Reply(202, outcome(COMPLETED), {"Content-Location": where})

    def stored(self, name: str) -> Resource:
        """Give a resource as HAPI does: with its version, references led to addresses."""
        version, resource, modified = self.store[name]
        homes = {f"urn:uuid:{n.partition('/')[2]}": n for n in self.store}
        text = json.dumps(resource)
        for url, home in homes.items():
            text = text.replace(f'"reference": "{url}"', f'"reference": "{home}"')
        found: Resource = json.loads(text)
        meta = dict(found.get("meta", {})) | {"versionId": str(version), "lastUpdated": modified}
        meta["source"] = meta.get("source", "") + "#abcdef0123456789"
        return found | {"meta": meta}

    def _pages(self, path: str, query: str, kind: str) -> Reply:
        """Give one page of a search, and where the next is."""
        asked = {name: values[0] for name, values in parse_qs(query).items()}
        begun = int(asked.pop("_offset", 0))
        asked.pop("_count", None)
        value = next(iter(asked.values()), path)
        found = [self.stored(n) for n in sorted(self._found(kind, value, path))]
        entries = [{"resource": r} for r in found[begun : begun + self.page]]
        body: Resource = {"resourceType": "Bundle", "type": "searchset", "entry": entries}
        if begun + self.page < len(found):
            rest = re.sub(r"&?_offset=\d+", "", query)
            url = f"{self.url}/{urlsplit(path).path}?{rest}&_offset={begun + self.page}"
            if not kind:
                url = url.replace("?", "/$everything?", 1)
            body["link"] = [{"relation": "next", "url": url}]
        return Reply(body=body)

    def _found(self, kind: str, value: str, path: str) -> Iterator[str]:
        """Yield what refers to an address, has an identifier or a tag; of one type, or any."""
        plain = value.rpartition("|")[2]
        for name in self.store:
            text = json.dumps(self.stored(name))
            of_kind = name.startswith(f"{kind}/") or (not kind and not name.startswith("Prov"))
            if of_kind and (f'"{value}"' in text or f'"{plain}"' in text or name == path):
                yield name

    def _all_deleted(self, bundle: Resource) -> Reply:
        if not self.transactions:
            return refused(400, "transactions are not supported")
        names = [entry["request"]["url"] for entry in bundle["entry"]]
        for name in names:
            users = [u for u in self._users(name) if u not in names]
            if users:
                return refused(409, self.words.format(name, users[0]))
        return Reply(
            body={
                "resourceType": "Bundle",
                "type": "transaction-response",
                "entry": [{"response": self._gone(name)} for name in names],
            }
        )

    def _deleted(self, name: str) -> Reply:
        users = list(self._users(name))
        if users:
            return refused(409, self.words.format(name, users[0]))
        return Reply(204 if self.store.pop(name, None) else 404)

    def _gone(self, name: str) -> Resource:
        known = self.store.pop(name, None)
        code = "SUCCESSFUL_DELETE" if known else "SUCCESSFUL_DELETE_NOT_FOUND"
        issue = {"severity": "information", "details": {"coding": [{"system": HAPI, "code": code}]}}
        return {"status": "204 No Content", "outcome": outcome(issue)}

    def _users(self, name: str) -> Iterator[str]:
        for other in self.store:
            if other != name and f'"{name}"' in json.dumps(self.stored(other)):
                yield other

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        stub = self

        class Handler(super()._handler()):  # type: ignore[misc]
            def do_DELETE(self) -> None:
                stub.answer(self)

        return Handler
