"""What a push leaves on a server: writes counted, and two at a time on one resource noticed."""

import json
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from tests.stub_server import BEGUN, Received, Reply, StubServer, outcome

Resource = dict[str, Any]
NAMES = UUID("0b0c5c5e-2f5b-4b69-9a50-3ad1f4e4a000")


@dataclass
class Store(StubServer):
    """A FHIR server that counts: writes by Type/id, and what two wrote at the same time."""

    pause: float = 0.0  # seconds that it takes its time
    writes: Counter[str] = field(default_factory=Counter)
    received: Counter[str] = field(default_factory=Counter)  # by fullUrl
    clashes: list[str] = field(default_factory=list)
    dangling: list[str] = field(default_factory=list)
    most_at_once: int = 0
    requests: int = 0
    asked_for: int = 0  # resources

    def __post_init__(self) -> None:
        """Begin with nobody writing."""
        super().__post_init__()
        self._lock = threading.Lock()
        self._writing: Counter[str] = Counter()
        self._at_once = 0

    @property
    def now(self) -> datetime:
        """The time by its clock, which each request moves."""
        return BEGUN + timedelta(minutes=self.requests)

    def reply(self, request: Received) -> Reply:
        """Answer as a server does, while it looks who else is writing."""
        self.requests += 1
        if request.method == "GET" and not request.path.endswith("/metadata"):
            status, found = self.read(request.path.removeprefix("/fhir/"))
            return Reply(status, found)
        if request.method != "POST":
            return super().reply(request)
        self.seen[-1:] = []  # thousands come
        bundle = json.loads(request.body)
        if all(one["request"]["method"] == "GET" for one in bundle["entry"]):
            return Reply(body=self.answer_batch(bundle))
        names = [entry["request"]["url"] for entry in bundle["entry"]]
        with self._lock:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            self.clashes += [name for name in names if self._writing[name]]
            self._writing.update(names)
        time.sleep(self.pause)
        with self._lock:
            self._at_once -= 1
            self._writing.subtract(names)
            self.writes.update(names)
            self.received.update(str(entry.get("fullUrl")) for entry in bundle["entry"])
            scripted = self._scripts["POST"]
            reply = scripted.pop(0) if scripted else Reply(body=self.take(bundle))
            self._look(bundle)
        return reply

    def read(self, path: str) -> tuple[int, Resource]:
        """Return the status and the resource of a GET of Type/id."""
        self.asked_for += 1
        name = path.partition("?")[0]
        if name not in self.store:
            return 404, outcome({"severity": "error", "code": "not-found"})
        version, resource, modified = self.store[name]
        return 200, resource | {"meta": {"versionId": str(version), "lastUpdated": modified}}

    def answer_batch(self, bundle: Resource) -> Resource:
        """Answer a batch of GETs."""
        found = [self.read(one["request"]["url"]) for one in bundle["entry"]]
        entries = [{"resource": one, "response": {"status": f"{n}"}} for n, one in found]
        return {"resourceType": "Bundle", "type": "batch-response", "entry": entries}

    def _look(self, bundle: Resource) -> None:
        """Note references that lead nowhere, in the bundle or on the server."""
        within = {entry.get("fullUrl") for entry in bundle["entry"]}
        for reference in references(bundle):
            if reference not in within and reference not in self.store:
                self.dangling.append(reference)

    def settle(self) -> None:
        """Wait until it has done what a client that is gone had asked for."""
        for _ in range(3):
            time.sleep(0.05)
            while self._at_once:
                time.sleep(0.01)

    def versions(self) -> dict[str, int]:
        """Return the version of every resource that it has."""
        return {name: version for name, (version, _, _) in self.store.items()}


def references(node: Any) -> list[str]:
    """Return every reference in a resource."""
    if isinstance(node, dict):
        own = [node["reference"]] if isinstance(node.get("reference"), str) else []
        return own + [found for value in node.values() for found in references(value)]
    return [found for one in node for found in references(one)] if isinstance(node, list) else []


def entry(resource: Resource, method: str = "PUT") -> Resource:
    """Return the entry of a transaction that writes a resource."""
    kind, name = resource["resourceType"], resource["id"]
    url = f"{kind}/{name}" if method == "PUT" else kind
    request = {"method": method, "url": url}
    return {"fullUrl": f"urn:uuid:{name}", "resource": resource, "request": request}


def transaction(*entries: Resource) -> Resource:
    """Return a Bundle of these entries."""
    return {"resourceType": "Bundle", "type": "transaction", "entry": list(entries)}


def name_of(*words: object) -> str:
    """Return a UUID that is the same each time."""
    return str(uuid5(NAMES, " ".join(map(str, words))))


def case(number: int, article: int = 0, note: str = "") -> Resource:
    """Return the bundle of one patient; the cases of an article share a document and a device."""
    device = {"resourceType": "Device", "id": name_of("device")}
    document = {"resourceType": "DocumentReference", "id": name_of("article", article)}
    patient = {"resourceType": "Patient", "id": name_of("patient", number)}
    finding = {
        "resourceType": "Observation",
        "id": name_of("finding", number),
        "subject": {"reference": f"urn:uuid:{patient['id']}"},
        "derivedFrom": [{"reference": f"urn:uuid:{document['id']}"}],
        "device": {"reference": f"urn:uuid:{device['id']}"},
        "note": [{"text": f"{number} {note}"}],
    }
    return transaction(*map(entry, (document, device, patient, finding)))


def lines_of(path: Path, bundles: list[Resource]) -> Path:
    """Write bundles one a line."""
    text = "".join(json.dumps(bundle) + "\n" for bundle in bundles)
    path.write_text(text, encoding="utf-8")
    return path
