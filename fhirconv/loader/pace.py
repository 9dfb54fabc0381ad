"""How many requests are under way at once: more while the server keeps up, fewer where it asks."""

from dataclasses import dataclass

LESS, MORE = 0.7, 1.0


@dataclass
class Pace:
    """The number of requests that may be under way, and until when none may begin.

    It grows by one for each round of good answers and falls by a factor at most once a round, as
    the congestion control of TCP does. Times are those of one clock, in seconds.
    """

    most: int
    limit: float = 0.0
    under_way: int = 0
    closed_until: float = 0.0
    _answers: int = 0  # since it last fell

    def __post_init__(self) -> None:
        """Begin with all connections."""
        self.limit = float(self.most)

    def wait(self, now: float) -> float | None:
        """Return the seconds until a request may begin; 0 for now, None for after an answer."""
        if self.closed_until > now:
            return self.closed_until - now
        return 0.0 if self.under_way < max(1, int(self.limit)) else None

    def kept_up(self) -> None:
        """Note a good answer."""
        self._answers += 1
        self.limit = min(float(self.most), self.limit + MORE / self.limit)

    def fell_behind(self, now: float, wait: float | None) -> None:
        """Note an answer that asks for fewer requests, and for none for some seconds."""
        if self._answers >= self.limit or self.limit == self.most:
            self.limit, self._answers = max(1.0, self.limit * LESS), 0
        if wait is not None:
            self.closed_until = max(self.closed_until, now + wait)
