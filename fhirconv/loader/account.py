"""The account of a push: how many bundles and resources, how many tries, how fast."""

import math
import threading
from collections import Counter
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from fhirconv.upload import Upload

BUNDLES = ("read", "sent", "skipped", "failed", "left")
RESOURCES = ("created", "updated", "unchanged", "shared", "failed")
PARTS = (50, 95, 99)
STEP = math.log(1.02)  # a latency is kept to within two in a hundred


@dataclass
class Account:
    """What has been done so far; safe between threads."""

    bundles: Counter[str] = field(default_factory=Counter)
    resources: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    retried: int = 0
    bytes_read: int = 0  # of the inputs
    bytes_sent: int = 0
    bytes_received: int = 0
    begun: float = field(default_factory=monotonic)
    _latencies: Counter[int] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self) -> None:
        """Start the clock: bundles are sent from now on."""
        self.begun = monotonic()

    @property
    def has_sent(self) -> bool:
        """Say whether the server has taken anything yet."""
        return self.bundles["sent"] > 0

    def answered(self, seconds: float, sent: int, received: int) -> None:
        """Count one request with its answer."""
        with self._lock:
            self.requests += 1
            self.bytes_sent += sent
            self.bytes_received += received
            self._latencies[round(math.log(max(seconds, 1e-6)) / STEP)] += 1

    def tried_again(self) -> None:
        """Count one more try of a bundle."""
        with self._lock:
            self.retried += 1

    def count(self, what: str) -> None:
        """Count one bundle: read, sent, skipped, failed, left."""
        with self._lock:
            self.bundles[what] += 1

    def add(self, upload: Upload, shared: int = 0) -> None:
        """Count the resources of one bundle."""
        with self._lock:
            for name in ("created", "updated", "unchanged", "failed"):
                self.resources[name] += getattr(upload, name)
            self.resources["shared"] += shared

    def latency(self, part: int) -> float:
        """Return the seconds within which so many of a hundred answers came."""
        with self._lock:
            listed = sorted(self._latencies.items())
        wanted = math.ceil(sum(count for _, count in listed) * part / 100)
        seen = 0
        for step, count in listed:
            seen += count
            if seen >= wanted:
                return math.exp(step * STEP)
        return 0.0

    def statistics(self) -> dict[str, Any]:
        """Return all of it as a JSON document; times in seconds."""
        seconds = monotonic() - self.begun
        return {
            "bundles": {name: self.bundles[name] for name in BUNDLES},
            "resources": {name: self.resources[name] for name in RESOURCES},
            "requests": self.requests,
            "retried": self.retried,
            "bytes": {"sent": self.bytes_sent, "received": self.bytes_received},
            "seconds": round(seconds, 3),
            "bundlesPerSecond": round(self.bundles["sent"] / seconds, 3) if seconds else 0.0,
            "latency": {f"p{part}": round(self.latency(part), 6) for part in PARTS},
        }
