"""Linear-chain conditional random fields: how likely each label is at each word."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

RUN = 200  # words: a longer sentence is read in runs of so many
TOGETHER = 64  # runs that are read at once
EVEN = 8  # words after which the sums are brought back to the size of one


def likelihoods(scores: "Array", sizes: Sequence[int], moves: "Array") -> "Array":
    """Return how likely each label is at each word: forward and backward over each sentence.

    scores (words, labels) of all sentences one behind the other; sizes: the words of each; moves
    (labels, labels): the exponential of the weight of going from one label to another.
    """
    import numpy as np

    states: Array = np.exp(scores - scores.max(axis=1, keepdims=True), dtype=np.float64)
    runs = np.array(list(_runs(sizes)), dtype=np.intp).reshape(-1, 2)
    runs = runs[np.argsort(-runs[:, 1], kind="stable")]
    both = np.stack((moves, moves.T))
    found: Array = np.empty_like(states)
    for first in range(0, len(runs), TOGETHER):
        _fill(found, states, runs[first : first + TOGETHER], both)
    found /= found.sum(axis=1, keepdims=True)
    return found


def _runs(sizes: Sequence[int]) -> list[tuple[int, int]]:
    """Return where each run of words begins, and how many words it has."""
    runs, start = [], 0
    for size in sizes:
        runs += [(start + n, min(RUN, size - n)) for n in range(0, size, RUN)]
        start += size
    return runs


def _fill(found: "Array", states: "Array", runs: "Array", both: "Array") -> None:
    """Write what is in proportion to the likelihoods of runs, which come the longest first.

    Backward is forward from the other end with the moves turned round, so that both are one
    product: sums[0] what leads to a word and the word itself, sums[1] what follows from it.
    """
    import numpy as np

    starts, sizes = runs[:, 0], runs[:, 1]
    step = np.arange(sizes[0])[:, None]
    inside = step < sizes
    ahead = np.where(inside, starts + step, 0)
    astern = np.where(inside, starts + sizes - 1 - step, 0)
    states = np.stack((states[ahead], states[astern]), axis=1)
    sums = np.ones_like(states)
    now = states[0]
    sums[0, 0] = now[0]
    for number, active in enumerate(inside[1:].sum(axis=1).tolist(), 1):
        led = np.matmul(now[:, :active], both)
        now = led * states[number, :, :active]
        if number % EVEN == 0:
            now /= now.sum(axis=2, keepdims=True)
        sums[number, 0, :active] = now[0]
        sums[number, 1, :active] = led[1]
    found[ahead[inside]] = sums[:, 0][inside]
    found[astern[inside]] *= sums[:, 1][inside]
