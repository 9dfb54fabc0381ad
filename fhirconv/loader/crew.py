"""The crew: threads that carry parcels to the server, as many at once as it keeps up with."""

import heapq
import random
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum

from fhirconv.errors import FhirconvError, ServerError
from fhirconv.http import PassingError, UnreachedError
from fhirconv.loader.carrier import GONE, SLOWER, AgainError, Carrier
from fhirconv.loader.order import Order
from fhirconv.loader.pace import Pace
from fhirconv.loader.parcel import Parcel, trimmed
from fhirconv.loader.register import Register
from fhirconv.outcome import Issue
from fhirconv.upload import Result, entries_of

AHEAD = 4  # parcels a thread that are begun: read, waiting for others or for their next try
HEAVY = 32_000_000  # bytes of these, at which no more are read
GRACE = 5.0  # seconds in which answers that are under way may still come
TICK = 0.1  # seconds between two looks of who waits for the crew


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long the server is tried; times in seconds."""

    tries: int = 10
    first_wait: float = 0.25  # about doubled at each try
    longest_wait: float = 10.0
    silence: float = 60.0  # without a single answer, after which the server counts as gone
    pause: float = 300.0  # the longest that a server may ask for


PATIENCE = Patience()


class _Turn(Enum):
    READ, END = "read another", "nothing is left"


@dataclass
class Crew:
    """Carries all parcels; what is to be said of them is yielded by `work`."""

    parcels: Iterator[Parcel]
    carrier: Carrier
    order: Order
    register: Register
    pace: Pace
    patience: Patience = PATIENCE
    trouble: FhirconvError | None = None  # why it stopped before the end

    _change: threading.Condition = field(default_factory=threading.Condition)
    _reading: threading.Lock = field(default_factory=threading.Lock)
    _ready: deque[Parcel] = field(default_factory=deque)
    _later: list[tuple[float, int, Parcel]] = field(default_factory=list)
    _said: deque[Issue] = field(default_factory=deque)
    _news: threading.Event = field(default_factory=threading.Event)  # something was said
    _begun: int = 0  # parcels that are read and not done
    _is_read: bool = False  # all there are
    _is_stopped: bool = False
    _is_left: bool = False  # by whoever would write down what is still under way
    _weight: int = 0  # bytes of what is begun
    _unexpected: BaseException | None = None
    _heard: float = 0.0  # when the server last answered as one that is there

    def work(self) -> Iterator[Issue | None]:
        """Yield what is to be said, and None now and then, until all parcels are done.

        What stops it before stands in `trouble`. Raises what a thread did not expect. Whoever
        is interrupted waits a moment for answers that are under way, and leaves the others.
        """
        self._heard = time.monotonic()
        names = range(self.pace.most)
        threads = [
            threading.Thread(target=self._carry_all, name=f"push-{n}", daemon=True) for n in names
        ]
        for thread in threads:
            thread.start()
        try:
            while any(thread.is_alive() for thread in threads):
                self._news.clear()
                yield from self._taken()
                yield None
                self._news.wait(TICK)
            yield from self._taken()
        finally:
            self._stop(None)
            _join(threads, GRACE)
            self._is_left = True
        if self._unexpected:
            raise self._unexpected

    @property
    def left(self) -> int:
        """How many parcels were read and are not done."""
        return self._begun

    def _taken(self) -> Iterator[Issue]:
        while self._said:
            yield self._said.popleft()

    def _carry_all(self) -> None:
        """Carry parcels until none is left; a thread's work."""
        try:
            while (parcel := self._next()) is not None:
                self._carry(parcel)
        except FhirconvError as error:
            self._stop(error)
        finally:
            if sys.exc_info()[1]:  # nothing of ours: `work` raises it too
                self._unexpected = sys.exc_info()[1]
                self._stop(None)
            self._news.set()

    def _stop(self, trouble: FhirconvError | None) -> None:
        with self._change:
            self.trouble = self.trouble or trouble
            self._is_stopped = True
            self._change.notify_all()

    # what is next

    def _next(self) -> Parcel | None:
        """Return the next parcel to carry; None where there is none any more."""
        while True:
            with self._change:
                turn = self._turn()
            if isinstance(turn, Parcel):
                return turn
            if turn is _Turn.END:
                return None
            self._read()

    def _turn(self) -> Parcel | _Turn:
        """Wait for something to do and return it."""
        while not self._is_stopped:
            now = time.monotonic()
            wait = self.pace.wait(now)
            if wait == 0.0:
                parcel = self._due(now)
                if parcel:
                    self.pace.under_way += 1
                    return parcel
                if not self._is_read and self._has_room():
                    self._begun += 1  # the one that is read now
                    return _Turn.READ
                if self._is_read and not self._begun:
                    return _Turn.END
                wait = self._later[0][0] - now if self._later else None
            self._change.wait(wait)
        return _Turn.END

    def _has_room(self) -> bool:
        return self._begun < AHEAD * self.pace.most and self._weight < HEAVY

    def _due(self, now: float) -> Parcel | None:
        """Return a parcel whose next try is due, else one that nobody stands in the way of."""
        if self._later and self._later[0][0] <= now:
            return heapq.heappop(self._later)[2]
        return self._ready.popleft() if self._ready else None

    def _read(self) -> None:
        """Read the next parcel and stand it in its lines."""
        with self._reading:
            parcel = None if self._is_stopped else next(self.parcels, None)
            with self._change:
                if parcel is None:
                    self._begun -= 1
                    self._is_read = True
                    self._change.notify_all()
                elif self._is_fit(parcel):
                    self._weight += len(parcel.document.data)
                    self._ready += [parcel] if self.order.enter(parcel) else []
                    self._change.notify()

    def _is_fit(self, parcel: Parcel) -> bool:
        """Say whether a parcel is to be sent at all; note what becomes of one that is not."""
        if parcel.bundles:
            return True
        self._said += self.register.unfit(parcel)
        self._news.set()
        self._begun -= 1
        self._wake(1)
        return False

    def _wake(self, count: int) -> None:
        """Let so many threads look for something to do, all of them at the end."""
        self._change.notify(self.pace.most if self._is_read and not self._begun else count)

    # what is done with it

    def _carry(self, parcel: Parcel) -> None:
        """Carry a parcel to the server and note what became of it."""
        try:
            if parcel.conflict is None:
                self._send(parcel)
        except (PassingError, AgainError) as error:
            if not self._is_left:
                self._again(parcel, error)
        else:
            if not self._is_left:
                self._done(parcel)
        finally:
            with self._change:
                self.pace.under_way -= 1
                self._wake(1)

    def _send(self, parcel: Parcel) -> None:
        """Send the bundles of a parcel that are not sent yet; the first that fails is the last."""
        for bundle in parcel.bundles[len(parcel.sent) :]:
            left = trimmed(bundle, parcel.there)
            if entries_of(left):
                self.register.announce(parcel)
                parcel.under_way = left
                upload = self.carrier(left)
                self._heard = time.monotonic()
                parcel.sent.append((left, upload))
                if upload.failed:
                    break

    def _done(self, parcel: Parcel) -> None:
        """Note a parcel that needs no further try, and free those that waited for it."""
        with self._change:
            self.pace.kept_up()
        brought, said = self.register.done(parcel)
        self._leave(parcel, brought, said)

    def _leave(self, parcel: Parcel, brought: dict[str, Result], said: list[Issue]) -> None:
        with self._change:
            self._said += said
            free = self.order.leave(parcel, brought)
            self._ready += free
            self._begun -= 1
            self._weight -= len(parcel.document.data)
            self._wake(len(free) + 1)
        if said:
            self._news.set()

    def _again(self, parcel: Parcel, error: PassingError | AgainError) -> None:
        """Let a parcel wait for its next try, or give up: it, or the server."""
        now = time.monotonic()
        self._blame(parcel, error, now)
        asked = error.wait if isinstance(error, AgainError) else None
        self._slow_down(error, now, asked)
        if not (parcel.is_repeatable or _is_untaken(error)):
            self._leave(parcel, *self.register.unknown(parcel, error))
        elif asked is not None and asked > self.patience.pause:
            message = f"the server asks to come back in {asked:.0f} seconds"
            raise ServerError(message, error.where)
        elif parcel.silent >= self.patience.tries or self._is_silent(now):
            raise ServerError(f"{error.message}, in {parcel.tries} tries", error.where)
        elif parcel.blamed >= self.patience.tries:
            self._leave(parcel, *self.register.given_up(parcel, error))
        else:
            self.register.account.tried_again()
            with self._change:
                due = now + max(self._wait(parcel.tries), asked or 0.0)
                heapq.heappush(self._later, (due, parcel.number, parcel))

    def _blame(self, parcel: Parcel, error: PassingError | AgainError, now: float) -> None:
        """Note whether the server, or only this parcel, is in trouble."""
        if isinstance(error, AgainError) and error.status not in GONE:
            self._heard = now
        heard = self._heard > parcel.tried
        parcel.tries += 1
        # a busy server speaks of itself: its 429 or 503 never makes a dead letter
        parcel.blamed += heard and not (isinstance(error, AgainError) and error.status in SLOWER)
        parcel.silent = 1 if heard else parcel.silent + 1
        parcel.tried = now

    def _slow_down(self, error: ServerError, now: float, asked: float | None) -> None:
        if isinstance(error, AgainError) and error.status in SLOWER:
            with self._change:
                self.pace.fell_behind(now, asked)

    def _is_silent(self, now: float) -> bool:
        """Say whether the server has answered nobody for too long, but for what it asked for."""
        return now - max(self._heard, self.pace.closed_until) > self.patience.silence

    def _wait(self, tries: int) -> float:
        """Return the seconds to the next try, with jitter: not all are to come back at once."""
        longest: float = min(
            self.patience.first_wait * 2.0 ** (tries - 1), self.patience.longest_wait
        )
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 - no secret


def _is_untaken(error: PassingError | AgainError) -> bool:
    return error.is_untaken if isinstance(error, AgainError) else isinstance(error, UnreachedError)


def _join(threads: Iterable[threading.Thread], grace: float) -> None:
    """Wait for threads to end, all together so many seconds."""
    end = time.monotonic() + grace
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
