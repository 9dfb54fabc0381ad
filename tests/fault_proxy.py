"""A proxy on loopback that spoils what passes it, as networks and busy servers do."""

import random
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import BinaryIO, Self
from urllib.parse import urlsplit

ANSWER = b"HTTP/1.1 %d Spoiled\r\nContent-Type: %s\r\n%sContent-Length: %d\r\n\r\n%s"
JSON, HTML = b"application/fhir+json", b"text/html"
OUTCOME = (
    b'{"resourceType":"OperationOutcome","issue":'
    b'[{"severity":"error","code":"exception","diagnostics":"spoiled"}]}'
)
SLOW = 7  # bytes at a time

# fault: whether the server gets the request, and so does what it says
FAULTS = {
    "reset": False,
    "reset after": True,  # the answer is lost
    "half": True,
    "stall": False,
    "stall after": True,
    "429": False,
    "503": False,
    "500": False,
    "500 after": True,
    "garbage": True,
    "slow": True,
}

Choose = Callable[[int], str]  # the number of a request -> its fault, or ''


def one_in(most: int, seed: int = 1, faults: tuple[str, ...] = tuple(FAULTS)) -> Choose:
    """Return what spoils one request in so many, each with a fault by chance."""
    chance = random.Random(seed)
    return lambda _: chance.choice(faults) if chance.randrange(most) == 0 else ""


@dataclass
class FaultProxy:
    """Passes requests on to a server; `choose` says by its number what becomes of a POST."""

    upstream: str
    choose: Choose
    stall: float = 1.0  # seconds
    retry_after: int = 0
    done: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """Bind a free port of loopback."""
        parts = urlsplit(self.upstream)
        self._target = (parts.hostname or "", parts.port or 80)
        self._path = parts.path
        self._numbers = count(1)
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self._thread = threading.Thread(target=self._accept)

    @property
    def url(self) -> str:
        """The base address."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}{self._path}"

    def __enter__(self) -> Self:
        """Pass on until the end of the block."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop, and end whoever is connected."""
        self._closing.set()
        with socket.create_connection(self._listener.getsockname()):
            pass
        self._thread.join()
        self._listener.close()
        with self._lock:
            for one in self._open:
                one.close()

    def _accept(self) -> None:
        while True:
            client, _ = self._listener.accept()
            if self._closing.is_set():
                client.close()
                return
            with self._lock:
                self._open.add(client)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        """Pass the requests of one connection on over one connection."""
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        upstream: socket.socket | None = None
        try:
            with client, client.makefile("rb") as requests:
                upstream = socket.create_connection(self._target)
                upstream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with upstream, upstream.makefile("rb") as answers:
                    while (request := message(requests)) and self._pass(
                        client, upstream, answers, request
                    ):
                        pass
        except OSError:
            pass
        finally:
            with self._lock:
                self._open.discard(client)

    def _pass(
        self, client: socket.socket, upstream: socket.socket, answers: BinaryIO, request: bytes
    ) -> bool:
        """Pass one request on, or spoil it; say whether the connection goes on."""
        with self._lock:
            fault = self.choose(next(self._numbers)) if request.startswith(b"POST") else ""
            self.done[fault] += 1
        answer = b""
        if FAULTS.get(fault, True):
            upstream.sendall(request)
            answer = message(answers)
        return self._spoil(client, fault, answer)

    def _spoil(self, client: socket.socket, fault: str, answer: bytes) -> bool:
        kind = fault.partition(" ")[0]
        if kind == "reset":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif kind == "stall":
            self._closing.wait(self.stall)
        elif kind == "half":
            client.sendall(answer[: len(answer) // 2])
        elif kind == "slow":
            for start in range(0, len(answer), SLOW):
                client.sendall(answer[start : start + SLOW])
        elif kind == "garbage":
            client.sendall(spoiled(200, b'{"resourceType": "Bun'))
        elif kind:
            wait = b"Retry-After: %d\r\n" % self.retry_after if kind == "429" else b""
            client.sendall(spoiled(int(kind), OUTCOME, wait))
        else:
            client.sendall(answer)
        return kind not in {"reset", "stall", "half"}


def spoiled(status: int, body: bytes, headers: bytes = b"") -> bytes:
    """Return an answer of the proxy's own."""
    return ANSWER % (status, JSON, headers, len(body), body)


def message(stream: BinaryIO) -> bytes:
    """Return the next whole message of a connection; empty where it ends."""
    head, length, chunked = b"", 0, False
    while (line := stream.readline()) not in (b"\r\n", b""):
        head += line
        name, _, value = line.lower().partition(b":")
        length = int(value) if name == b"content-length" else length
        chunked = chunked or (name == b"transfer-encoding" and b"chunked" in value)
    if not head or not line:
        return b""
    body = b"".join(chunks(stream)) if chunked else stream.read(length)
    return head + b"\r\n" + body


def chunks(stream: BinaryIO) -> list[bytes]:
    """Return the rest of a message in chunks, as it came."""
    listed = []
    while line := stream.readline():
        size = int(line.partition(b";")[0], 16)
        listed += [line, stream.read(size + 2)]
        if not size:
            break
    return listed
