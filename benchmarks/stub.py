"""A FHIR server on loopback that takes everything after a fixed time: [MILLISECONDS] [PORT]."""

import asyncio
import re
import sys

import orjson

STATEMENT = b'{"resourceType":"CapabilityStatement","fhirVersion":"4.0.1"}'
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


class Exchange(asyncio.Protocol):
    """One connection, on which one request is answered after the other."""

    def __init__(self, delay: float) -> None:
        self.delay = delay
        self.data = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what the answers go to."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Take what came, and answer once a request is whole."""
        self.data += data
        end = self.data.find(b"\r\n\r\n")
        if end < 0:
            return
        found = LENGTH.search(self.data, 0, end)
        whole = end + 4 + (int(found[1]) if found else 0)
        if len(self.data) < whole:
            return
        body = bytes(self.data[end + 4 : whole])
        del self.data[:whole]
        answer = answered(body) if body else STATEMENT
        asyncio.get_running_loop().call_later(self.delay if body else 0, self.write, answer)

    def write(self, body: bytes) -> None:
        """Write an answer at once, so that it is one packet where it is short."""
        head = (
            b"HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\nContent-Length: %d\r\n\r\n"
        )
        self.transport.write(head % len(body) + body)  # type: ignore[attr-defined]


def answered(body: bytes) -> bytes:
    """Return the answer to a bundle: every entry is created."""
    bundle = orjson.loads(body)
    said = [
        {"status": "201 Created", "etag": "1", "location": f"{entry['request']['url']}/_history/1"}
        for entry in bundle["entry"]
    ]
    entries = [{"response": response} for response in said]
    kind = f"{bundle['type']}-response"
    return orjson.dumps({"resourceType": "Bundle", "type": kind, "entry": entries})


async def serve(delay: float, port: int) -> None:
    """Serve until the process ends; the address is printed."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Exchange(delay), "127.0.0.1", port)
    sys.stdout.write(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/fhir\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    given = [*sys.argv[1:], "20", "0"][:2] if len(sys.argv) < 3 else sys.argv[1:3]
    asyncio.run(serve(float(given[0]) / 1000, int(given[1])))
