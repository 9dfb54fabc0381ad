"""Bundles sent by fhirpy's asynchronous client: FILE URL CONNECTIONS; prints the seconds."""

import asyncio
import json
import sys
import time
from pathlib import Path

from fhirpy import AsyncFHIRClient


async def send_all(file: str, url: str, connections: int) -> float:
    """Send every line with so many tasks, and return the seconds that it took."""
    lines = iter(Path(file).read_bytes().splitlines())
    client = AsyncFHIRClient(url)

    async def send() -> None:
        for line in lines:
            await client.execute("", method="post", data=json.loads(line))

    begun = time.perf_counter()
    await asyncio.gather(*(send() for _ in range(connections)))
    return time.perf_counter() - begun


if __name__ == "__main__":
    taken = asyncio.run(send_all(sys.argv[1], sys.argv[2], int(sys.argv[3])))
    sys.stdout.write(f"{taken}\n")
