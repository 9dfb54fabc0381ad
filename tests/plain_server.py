"""A FHIR server on loopback with a store, searches, checked references, and limits."""

import json
import threading
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from fhirconv.references import led, references
from tests.stub_server import Received, Reply, StubServer, outcome

Resource = dict[str, Any]

PREFIX = "/fhir/"


class RefusedError(Exception):
    """The server does not do what it is asked, with a status and a sentence."""

    def __init__(self, status: int, words: str, code: str = "processing") -> None:
        super().__init__(words)
        self.reply = Reply(
            status, outcome({"severity": "error", "code": code, "diagnostics": words})
        )


@dataclass
class PlainServer(StubServer):
    """Stores what it is sent; transactions are whole or not at all, a batch is entry by entry."""

    transactions: bool = True
    batches: bool = True
    client_ids: bool = True
    largest: int = 0  # bytes of a request
    statement: Resource = field(default_factory=dict)
    resources: dict[str, Resource] = field(default_factory=dict)  # Type/id
    gone: set[str] = field(default_factory=set)
    made: int = 0
    searchable: dict[str, tuple[str, ...]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def reply(self, request: Received) -> Reply:
        """Return the next scripted reply, else what the store says."""
        script = self._scripts.get(request.method)
        if script:
            return script.pop(0)
        if self.largest and len(request.body) > self.largest:
            return Reply(413, "<html>too large</html>", {"Content-Type": "text/html"})
        try:
            with self.lock:
                return self._reply(request)
        except RefusedError as error:
            return error.reply

    def _reply(self, request: Received) -> Reply:
        path = request.path.removeprefix(PREFIX)
        if path == "metadata":
            said = {"resourceType": "CapabilityStatement", "fhirVersion": self.version}
            return Reply(body=said | self.statement)
        if request.method == "POST" and request.path.rstrip("/") == PREFIX.rstrip("/"):
            return Reply(body=self._bundle(json.loads(request.body)))
        entry: Resource = {"request": {"method": request.method, "url": path}}
        if request.body:
            entry["resource"] = json.loads(request.body)
        if "if-none-exist" in request.headers:
            entry["request"]["ifNoneExist"] = request.headers["if-none-exist"]
        answer = self._entry(entry, {})
        response = answer["response"]
        headers = {"ETag": f'W/"{response["etag"]}"'} if "etag" in response else {}
        headers |= {"Location": f"{self.url}/{response['location']}"} if "etag" in response else {}
        body = answer.get("resource") or outcome()
        return Reply(int(response["status"][:3]), body, headers)

    def _bundle(self, bundle: Resource) -> Resource:
        kind = bundle["type"]
        if kind == "transaction" and not self.transactions:
            raise RefusedError(400, "this server takes no transaction", "not-supported")
        if kind == "batch" and not self.batches:
            raise RefusedError(405, "this server takes no batch")
        if kind == "batch":
            entries = [self._tried(entry) for entry in bundle["entry"]]
        else:
            entries = self._transaction(bundle)
        return {"resourceType": "Bundle", "type": f"{kind}-response", "entry": entries}

    def _transaction(self, bundle: Resource) -> list[Resource]:
        before = dict(self.resources)
        homes = {e.get("fullUrl", ""): self._home(e) for e in bundle["entry"]}
        try:
            entries = [self._entry(e, homes, check=False) for e in bundle["entry"]]
            for resource in self.resources.values():
                self._check_references(resource)
        except RefusedError:
            self.resources = before
            raise
        return entries

    def _home(self, entry: Resource) -> str:
        """Return where an entry of a transaction will be."""
        request = entry["request"]
        if request["method"] == "PUT":
            return str(request["url"])
        query = request.get("ifNoneExist")
        found = self._search(f"{request['url']}?{query}") if query else []
        if found:
            return f"{found[0]['resourceType']}/{found[0]['id']}"
        self.made += 1
        return f"{request['url']}/{self.made}"

    def _tried(self, entry: Resource) -> Resource:
        try:
            return self._entry(entry, {})
        except RefusedError as error:
            return {"response": {"status": f"{error.reply.status}", "outcome": error.reply.body}}

    def _entry(self, entry: Resource, homes: dict[str, str], *, check: bool = True) -> Resource:
        request = entry["request"]
        method, url = request["method"], request["url"]
        if method == "GET":
            return self._get(url)
        resource = led(entry["resource"], homes)
        if check:
            self._check_references(resource)
        if method == "PUT":
            if not self.client_ids and url not in self.resources:
                raise RefusedError(400, f"client-assigned ids are not enabled: {url}")
            return self._store(url, resource)
        if request.get("ifNoneExist"):
            found = self._search(f"{url}?{request['ifNoneExist']}")
            if found:
                address = f"{url}/{found[0]['id']}"
                return self._answer("200 OK", address)
        home = homes.get(entry.get("fullUrl", ""))
        if home is None:
            self.made += 1
            home = f"{url}/{self.made}"
        return self._store(home, resource | {"id": home.partition("/")[2]})

    def _check_references(self, resource: Resource) -> None:
        for text in references(resource):
            if text not in self.resources:
                raise RefusedError(400, f"there is no {text}")

    def _store(self, address: str, resource: Resource) -> Resource:
        known = self.resources.get(address)
        version = int(known["meta"]["versionId"]) if known else 0
        bare = {k: v for k, v in known.items() if k != "meta"} if known else None
        if bare != {k: v for k, v in resource.items() if k != "meta"}:
            meta = resource.get("meta", {}) | {"versionId": str(version + 1)}
            self.resources[address] = resource | {"meta": meta}
        self.gone.discard(address)
        return self._answer("200 OK" if known else "201 Created", address)

    def _answer(self, status: str, address: str) -> Resource:
        version = self.resources[address]["meta"]["versionId"]
        location = f"{address}/_history/{version}"
        return {"response": {"status": status, "etag": version, "location": location}}

    def _get(self, url: str) -> Resource:
        if "?" in url:
            found = [{"resource": one, "search": {"mode": "match"}} for one in self._search(url)]
            listed = {"resourceType": "Bundle", "type": "searchset", "entry": found}
            return {"response": {"status": "200 OK"}, "resource": listed}
        if url in self.gone:
            raise RefusedError(410, f"{url} was deleted")
        if url not in self.resources:
            raise RefusedError(404, f"there is no {url}")
        return {"response": {"status": "200 OK"}, "resource": self.resources[url]}

    def _search(self, url: str) -> list[Resource]:
        kind, _, query = url.partition("?")
        found = [r for address, r in self.resources.items() if address.startswith(f"{kind}/")]
        for name, value in parse_qsl(urlsplit(f"?{query}").query, keep_blank_values=True):
            if name == "_count":
                continue
            if name in self.searchable.get(kind, ()) or kind not in self.searchable:
                found = [r for r in found if _matches(r, name, unquote(value))]
            else:
                raise RefusedError(400, f"unknown search parameter {name} of {kind}")
        return found


def _matches(resource: Resource, name: str, value: str) -> bool:
    if name == "_source":
        return bool(resource.get("meta", {}).get("source") == value)
    if name == "identifier":
        listed = resource.get("identifier", [])
        pairs = listed if isinstance(listed, list) else [listed]
        return value in [f"{one['system']}|{one['value']}" for one in pairs]
    references = resource.get(name)
    return value in [
        one["reference"] for one in (references if isinstance(references, list) else [references])
    ]
