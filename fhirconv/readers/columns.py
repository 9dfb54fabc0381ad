"""The runs of a printed page become lines in reading order: rows, then columns."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any, NamedTuple

RAISED = "\ue000\ue001"  # the signs that enclose what stands raised, until its block is known
SMALL = 0.85  # of the size of its neighbour: a superscript or subscript
FAR = 0.25  # of the size of the letters: a space
APART = 1.2  # of the size: another column, or another cell
LEVEL = 0.15  # of the size: still on one line
LIFTED = 0.12
NEAR = 0.5
LEAST_LINES = 5  # of a column
LEAST_BAND = 2  # rows between what runs over the gap: one row alone has no columns
CROSSING = 0.35  # how many of the lines may run over a gap between columns
FILLED = 0.28  # how much of its column, or of several, a line of running text takes
LONG = 8  # sizes of its letters: a line that is no cell of a table
CELL = " | "
EDGE = 2.0  # points
DEEPEST = 3
OUTER = 0.9  # the share of the lines that end within their column


class Run(NamedTuple):
    """Characters side by side, of one size: places in points, from the lower left corner."""

    words: str
    left: float
    base: float
    right: float
    size: float


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a column; row numbers what stands level with it on its page."""

    words: str
    left: float
    base: float
    right: float
    size: float
    page: int = 0
    column: tuple[float, float] = (0.0, 0.0)  # its edges
    first: bool = False  # of its column


def lines_of(runs: Sequence[Sequence[Any]]) -> list[Line]:
    """Return the pieces of lines of a page, from top to bottom; a wide gap ends a piece."""
    rows = _rows([Run(*run) for run in runs if run[0].strip()])
    return [line for row in rows for line in _pieces(row)]


def _rows(runs: list[Run]) -> list[list[Run]]:
    """Return the runs of each row, from top to bottom; what is raised is with its neighbour."""
    ordered = sorted(runs, key=lambda run: -run.base)
    bases = [-run.base for run in ordered]
    host: dict[int, int] = {}
    for number, run in enumerate(ordered):
        near = _neighbour(run, ordered, bases)
        if near is not None:
            host[number] = near
    rows: list[list[Run]] = []
    row_of: dict[int, int] = {}
    for number, run in enumerate(ordered):
        if number in host:
            continue
        if not rows or rows[-1][0].base - run.base > LEVEL * run.size:
            rows.append([])
        rows[-1].append(run)
        row_of[number] = len(rows) - 1
    for number, near in host.items():
        if near in row_of:
            rows[row_of[near]].append(ordered[number])
        else:
            rows.append([ordered[number]])
    return [[row[0], *sorted(row, key=lambda run: run.left)] for row in rows]


def _neighbour(run: Run, ordered: list[Run], bases: list[float]) -> int | None:
    """Return the number of the larger run that a small one stands beside; None for none."""
    best: tuple[float, int] | None = None
    reach = 2 * run.size
    for number in range(bisect_left(bases, -run.base - reach), len(ordered)):
        other = ordered[number]
        if other.base < run.base - reach:
            break
        level = abs(other.base - run.base)
        if run.size < SMALL * other.size and LIFTED < level / other.size < NEAR + LIFTED:
            gap = min(abs(run.left - other.right), abs(other.left - run.right))
            if gap < NEAR * other.size and (best is None or gap < best[0]):
                best = gap, number
    return best[1] if best else None


def _pieces(row: list[Run]) -> Iterator[Line]:
    """Yield the pieces of a row; its first run is the one that tells where it stands."""
    base, listed = row[0].base, row[1:]
    line: Line | None = None
    for run in listed:
        words = _lifted(run, base)
        if line is None or run.left - line.right > APART * max(line.size, run.size):
            if line:
                yield replace(line, words=line.words.strip())
            line = Line(words, run.left, base, run.right, run.size)
            continue
        space = run.left - line.right > FAR * max(line.size, run.size)
        between = " " if space and not line.words.endswith(" ") else ""
        size = max(line.size, run.size)
        right = max(line.right, run.right)
        line = replace(line, words=line.words + between + words, right=right, size=size)
    if line:
        yield replace(line, words=line.words.strip())


def _lifted(run: Run, base: float) -> str:
    """Return the words of a run, within the signs of what stands raised."""
    if run.base - base < LIFTED * run.size:
        return run.words
    return f"{RAISED[0]}{run.words.strip()}{RAISED[1]}"


def in_order(lines: Sequence[Line], depth: int = 0) -> list[Line]:
    """Return the lines of a page or of a part of one as a person reads them.

    Where the page has columns, what runs over the gap between them parts it into bands; a band
    is read column by column.
    """
    gap = _gap(lines) if depth < DEEPEST else None
    if gap is None:
        return _column(lines)
    made: list[Line] = []
    band: list[Line] = []
    for line in sorted(lines, key=lambda one: (-one.base, one.left)):
        if line.left < gap - EDGE and line.right > gap + EDGE:
            made += _sides(band, gap, depth)
            made.append(replace(line, first=bool(band)))
            band = []
        else:
            band.append(line)
    made += _sides(band, gap, depth)
    return _with_edges(made)


def _sides(band: list[Line], gap: float, depth: int) -> list[Line]:
    if len({line.base for line in band}) < LEAST_BAND:
        return _column(band)
    left = [line for line in band if line.right <= gap + EDGE]
    right = [line for line in band if line.right > gap + EDGE]
    return [*in_order(left, depth + 1), *in_order(right, depth + 1)]


def _gap(lines: Sequence[Line]) -> float | None:
    """Return where the right one of two columns begins; None for a page without columns."""
    starts = Counter(round(line.left) for line in lines)
    best: tuple[float, float] | None = None
    for start, _ in starts.most_common(12):
        edge = start - EDGE
        right = [line for line in lines if line.left >= edge]
        left = [line for line in lines if line.right <= edge]
        crossing = len(lines) - len(left) - len(right)
        if min(len(left), len(right)) < LEAST_LINES or crossing > CROSSING * len(lines):
            continue
        if not (_is_text(left) and _is_text(right)):
            continue
        score = min(len(left), len(right)) - 2 * crossing
        if best is None or score > best[0]:
            best = score, start - EDGE
    return best[1] if best else None


def _is_text(lines: Sequence[Line]) -> bool:
    """Say whether lines fill their column as running text does, and not as cells of a table."""
    width = max(line.right for line in lines) - min(line.left for line in lines)
    filled = median(line.right - line.left for line in lines)
    return filled > FILLED * width and filled > LONG * median(line.size for line in lines)


def _column(lines: Iterable[Line]) -> list[Line]:
    """Return the lines of one column from top to bottom, what stands on one row as its cells."""
    made: list[Line] = []
    for line in sorted(lines, key=lambda one: (-one.base, one.left)):
        last = made[-1] if made else None
        if last and abs(last.base - line.base) < LEVEL * line.size and line.left >= last.right:
            size = max(last.size, line.size)
            words = f"{last.words}{CELL}{line.words}"
            made[-1] = replace(last, words=words, right=line.right, size=size)
        else:
            made.append(line)
    edges = _edges(made)
    return [replace(line, column=edges, first=not n) for n, line in enumerate(made)]


def _with_edges(lines: Sequence[Line]) -> list[Line]:
    """Return lines that run over columns with the edges of the page's text."""
    edges = _edges(lines)
    return [line if line.column != (0.0, 0.0) else replace(line, column=edges) for line in lines]


def _edges(lines: Sequence[Line]) -> tuple[float, float]:
    """Return where most lines begin, and where all but a few end."""
    if not lines:
        return 0.0, 0.0
    starts = Counter(round(line.left) for line in lines)
    rights = sorted(line.right for line in lines)
    return float(starts.most_common(1)[0][0]), rights[int(OUTER * (len(rights) - 1))]
