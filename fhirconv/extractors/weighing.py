"""What the tagger has learned: the weights of what is seen, summed once and remembered."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from fhirconv.extractors.features import REACH, STEPS, Eye, Form, Seen, View, step_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

Learned = Mapping[str, tuple[Sequence[int], Sequence[float]]]  # of a feature: columns, weights
Block = tuple[int, Iterable[str]]  # how many steps away a word is, and its features
MOST = 20_000  # remembered: a text of random letters must not fill the memory
FIRST = 1024  # rows that there is room for at first


class Weights:
    """The weights of features, each for some of the columns of a score."""

    def __init__(self, learned: Learned, width: int) -> None:
        import numpy as np

        self.width = width
        self.ids: dict[int, dict[str, int]] = {step: {} for step in STEPS}
        for number, feature in enumerate(learned):
            step, name = step_of(feature)
            self.ids[step][name] = number
        self.sizes = np.array([len(columns) for columns, _ in learned.values()])
        self.starts = np.cumsum(self.sizes) - self.sizes
        self.columns = np.array([c for columns, _ in learned.values() for c in columns])
        self.values = np.array([v for _, values in learned.values() for v in values])

    def sums(self, listed: Sequence[Sequence[Block]], blocks: int) -> "Array":
        """Return the sums (things, blocks, columns) of what each thing has in each block."""
        import numpy as np

        ids: list[int] = []
        places: list[int] = []
        for number, block in enumerate(chain.from_iterable(listed)):
            known = self.ids[block[0]]
            found = [known[feature] for feature in block[1] if feature in known]
            ids += found
            places += [number * self.width] * len(found)
        sizes = self.sizes[ids]
        ends = np.cumsum(sizes)
        inside = np.arange(ends[-1] if ids else 0) - np.repeat(ends - sizes, sizes)
        at = np.repeat(self.starts[ids], sizes) + inside
        where = np.repeat(np.array(places, dtype=np.intp), sizes) + self.columns[at]
        total = len(listed) * blocks * self.width
        return np.bincount(where, self.values[at], total).reshape(-1, blocks, self.width)


class Store(dict[Any, int]):
    """Where the sums of what was seen stand in `rows`; row 0 is of nothing."""

    def __init__(self, weights: Weights, spell: Callable[[Any], Sequence[Block]], blocks: int):
        import numpy as np

        super().__init__()
        self.weights, self.spell, self.blocks = weights, spell, blocks
        self.rows = np.zeros((FIRST, blocks, weights.width), dtype=np.float32)

    def places(self, listed: Sequence[Any]) -> list[int]:
        """Return the rows of what is seen; what is new is weighed."""
        new = [one for one in dict.fromkeys(listed) if one not in self]
        if new:
            self._add(new)
        return list(map(self.__getitem__, listed))

    def _add(self, new: Sequence[Any]) -> None:
        import numpy as np

        first, last = len(self) + 1, len(self) + 1 + len(new)
        if last > len(self.rows):
            more = np.zeros((last, *self.rows.shape[1:]), dtype=np.float32)
            self.rows = np.concatenate((self.rows, more))
        self.rows[first:last] = self.weights.sums([self.spell(one) for one in new], self.blocks)
        self.update(zip(new, range(first, last), strict=True))


class Scale:
    """The scores of words, for the models of an eye."""

    def __init__(self, eye: Eye, weights: Weights) -> None:
        def form(one: Form) -> list[Block]:
            listed = eye.forms(one)
            return [(step, listed[abs(step)]) for step in STEPS]

        def view(one: View) -> list[Block]:
            return [(0, eye.spell(one))]

        self.eye = eye
        self.forms = Store(weights, form, len(STEPS))
        self.views = Store(weights, view, 1)

    def scores(self, listed: Sequence[Seen]) -> "Array":
        """Return the score of each label (a column) at each word of all the sentences."""
        import numpy as np

        for store in (self.forms, self.views):
            if len(store) > MOST:
                store.clear()
        gap = [("", "")] * REACH
        forms, words = list(gap), list[int]()
        for seen in listed:
            words += range(len(forms), len(forms) + len(seen.forms))
            forms += seen.forms + gap
        layers = zip(*(seen.views for seen in listed), strict=True)
        views = [self.views.places(list(chain.from_iterable(layer))) for layer in layers]
        found: Array = self.views.rows[np.array(views), 0].sum(axis=0)
        near = np.array(self.forms.places(forms))[np.array(words)[:, None] + np.array(STEPS)]
        for number in range(len(STEPS)):
            found += self.forms.rows[near[:, number], number]
        return found
