"""A FHIR server on loopback that does as it is told: a small store, and scripted misbehaviour."""

import json
import ssl
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

FHIR_JSON = "application/fhir+json;charset=utf-8"
BEGUN = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Reply:
    """One answer: what it says, and how the connection fails on the way."""

    status: int = 200
    body: Any = b""  # bytes, text, or what becomes JSON
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False  # the connection ends without an answer
    cut: int = 0  # so many bytes of the body are held back, and the connection ends
    hang: bool = False  # nothing comes until the stub is closed

    @property
    def content(self) -> bytes:
        """The body as bytes."""
        if isinstance(self.body, bytes):
            return self.body
        text = self.body if isinstance(self.body, str) else json.dumps(self.body)
        return text.encode()


@dataclass(frozen=True)
class Received:
    """One request as it came, header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


def outcome(*issues: dict[str, Any]) -> dict[str, Any]:
    """Return an OperationOutcome."""
    return {"resourceType": "OperationOutcome", "issue": list(issues)}


@dataclass
class StubServer:
    """Answers with the scripted replies first, one a request, and then as a FHIR server does.

    Each request moves its clock by a minute, and its answer is dated half a minute later.
    """

    gets: Sequence[Reply] = ()
    posts: Sequence[Reply] = ()
    version: str = "4.0.1"
    tls: ssl.SSLContext | None = None
    seen: list[Received] = field(default_factory=list)
    store: dict[str, tuple[int, Any, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Bind a free port of loopback."""
        self._scripts = {"GET": list(self.gets), "POST": list(self.posts)}
        self._closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        if self.tls:
            self._server.socket = self.tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def url(self) -> str:
        """The base address."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self._server.server_port}/fhir"

    @property
    def now(self) -> datetime:
        """The time by this server's clock."""
        return BEGUN + timedelta(minutes=len(self.seen))

    def asked(self, method: str) -> list[Received]:
        """Return the requests of one method."""
        return [request for request in self.seen if request.method == method]

    def __enter__(self) -> Self:
        """Serve until the end of the block."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Let go whoever hangs, and stop."""
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def reply(self, request: Received) -> Reply:
        """Return the next scripted reply, else what a FHIR server says."""
        script = self._scripts[request.method]
        if script:
            return script.pop(0)
        if request.method == "GET" and request.path == "/fhir/metadata":
            kind = {"resourceType": "CapabilityStatement", "fhirVersion": self.version}
            return Reply(body=kind)
        if request.method == "POST" and request.path == "/fhir":
            return Reply(body=self.take(json.loads(request.body)))
        return Reply(404, outcome({"severity": "error", "code": "not-found"}))

    def take(self, bundle: dict[str, Any]) -> dict[str, Any]:
        """Store the entries of a bundle and return the answer of a server to it."""
        entries = [{"response": self._put(e["request"]["url"], e)} for e in bundle["entry"]]
        return {"resourceType": "Bundle", "type": f"{bundle['type']}-response", "entry": entries}

    def _put(self, name: str, entry: dict[str, Any]) -> dict[str, Any]:
        version, known, modified = self.store.get(name, (0, None, ""))
        if entry["resource"] != known:
            version, modified = version + 1, self.now.isoformat()
            self.store[name] = (version, entry["resource"], modified)
        status = "201 Created" if known is None else "200 OK"
        return {"status": status, "etag": f'W/"{version}"', "lastModified": modified}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 5
            wbufsize = -1  # head and body go together, so that nothing waits for the other side
            disable_nagle_algorithm = True

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

            def do_GET(self) -> None:
                stub.answer(self)

            def do_POST(self) -> None:
                stub.answer(self)

            def do_PUT(self) -> None:
                stub.answer(self)

        return Handler

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Receive one request and write the reply to it, as far as it is to come."""
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in handler.headers.items()}
        request = Received(handler.command, handler.path, headers, body)
        self.seen.append(request)
        reply = Reply(drop=True) if self._closing.is_set() else self.reply(request)
        handler.close_connection = reply.drop or reply.hang or reply.cut > 0
        if reply.hang:
            self._closing.wait(30)
        if not (reply.drop or reply.hang):
            self._write(handler, reply)

    def _write(self, handler: BaseHTTPRequestHandler, reply: Reply) -> None:
        date = format_datetime(self.now + timedelta(seconds=30), usegmt=True)
        given = {"Content-Type": FHIR_JSON, "Date": date}
        handler.send_response_only(reply.status)
        for name, value in (given | reply.headers).items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(reply.content)))
        handler.end_headers()
        handler.wfile.write(reply.content[: len(reply.content) - reply.cut])
