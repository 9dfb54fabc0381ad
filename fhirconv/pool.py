"""Work shared out over processes: its results come in the order of the work, few wait at a time."""

import gc
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from typing import TypeVar

from fhirconv.errors import FhirconvError

Work = TypeVar("Work")
Result = TypeVar("Result")

AHEAD = 3  # pieces of work a process that are under way or wait to be taken
CIRCLES = (10_000, 10, 10)  # after how many objects circles of them are looked for: few are made


def in_order(
    do: Callable[[Work], Result], pieces: Iterable[Work], jobs: int
) -> Generator[Result, None, None]:
    """Yield what is done of each piece, in order; with one job in this process alone.

    `do` and the pieces are sent to processes that start anew, so they can be pickled. A piece is
    asked for only when there is room for it. Raises FhirconvError where a process dies.
    """
    if jobs == 1:
        yield from map(do, pieces)
        return
    from concurrent.futures import Future, ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    waiting: deque[Future[Result]] = deque()
    pool = ProcessPoolExecutor(jobs, get_context("spawn"), _begin)
    try:
        for piece in pieces:
            waiting.append(pool.submit(do, piece))
            if len(waiting) >= AHEAD * jobs:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool as error:
        message = "a process that converts was ended from outside, perhaps for want of memory"
        raise FhirconvError(f"{message}: try fewer --jobs") from error
    finally:
        pool.shutdown(cancel_futures=True)


def settle() -> None:
    """Let a process that does nothing but convert look for circles of objects less often."""
    gc.set_threshold(*CIRCLES)


def _begin() -> None:
    """Let Ctrl-C end the first process, which ends this one; end with it where it is killed."""
    settle()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    from multiprocessing import parent_process

    parent = parent_process()
    if parent:
        parent.join()
        signal.raise_signal(signal.SIGTERM)
