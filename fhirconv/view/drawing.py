"""The course drawn: a rail with a row for each step, a lane from each anchor to what it anchors."""

from collections.abc import Sequence
from dataclasses import dataclass

from fhirconv.view.course import Course, Step
from fhirconv.view.shown import short

ROW, TOP, GAP, END, WIDTH = 44, 28, 14, 18, 640  # END: of a rail, above and below its steps
GUTTER, LANE = 112, 10  # the width of the times, of a lane
LABEL, WORDS, WHEN = 52, 68, 17  # letters that fit
MOST = 6  # lanes beside each other


@dataclass(frozen=True, slots=True)
class Lane:
    """A line beside the rail from an anchor to the last row that is told by it."""

    x: int
    anchor: int  # y of the row of the anchor
    ends: tuple[tuple[int, str], ...]  # y of each row told by it, and its order

    @property
    def orders(self) -> tuple[str, ...]:
        """How the rows lie to the anchor, each once."""
        return tuple(sorted({order for _, order in self.ends}))

    @property
    def top(self) -> int:
        """Where the line begins."""
        return min(self.anchor, *(y for y, _ in self.ends))

    @property
    def bottom(self) -> int:
        """Where the line ends."""
        return max(self.anchor, *(y for y, _ in self.ends))


@dataclass(frozen=True, slots=True)
class Row:
    """A step with its place."""

    y: int
    step: Step
    label: str
    gutter: tuple[str, ...]  # what stands left of the rail, at most two lines
    below: str  # what stands under the label


@dataclass(frozen=True, slots=True)
class Drawing:
    """All that is drawn of a course, in pixels."""

    rows: tuple[Row, ...]
    lanes: tuple[Lane, ...]
    rail: int
    rails: tuple[tuple[int, int], ...]  # from y to y; between them no order is told
    width: int
    height: int


def drawing_of(course: Course) -> Drawing:
    """Return the drawing of a course."""
    places: dict[str, int] = {}
    rails: list[tuple[int, int]] = []
    y = TOP
    for chain in course.chains:
        rails.append((y - END, y + ROW * (len(chain) - 1) + END))
        for step in chain:
            places[step.fact["id"]] = y
            y += ROW
        y += GAP
    steps = [step for chain in course.chains for step in chain]
    lanes, count = _lanes(steps, places)
    rail = GUTTER + 24 + LANE * count
    rows = tuple(_row(step, places[step.fact["id"]]) for step in steps)
    return Drawing(rows, lanes, rail, tuple(rails), WIDTH, max(y - GAP - ROW + TOP, 0))


def _lanes(steps: Sequence[Step], places: dict[str, int]) -> tuple[tuple[Lane, ...], int]:
    """Return the lanes, those that would cover each other beside each other, and their number."""
    ends: dict[str, list[tuple[int, str]]] = {}
    for step in steps:
        for anchor in step.anchors:
            ends.setdefault(anchor.fact, []).append((places[step.fact["id"]], anchor.order))
    free: list[int] = []  # by lane, the y from which on it is free
    found: list[tuple[int, str]] = []
    for name in sorted(ends, key=lambda n: min(places[n], *(y for y, _ in ends[n]))):
        reach = [places[name], *(y for y, _ in ends[name])]
        number = next((n for n, y in enumerate(free) if y <= min(reach)), len(free))
        number = min(number, MOST - 1)
        free[number : number + 1] = [max(reach)]
        found.append((number, name))
    first = GUTTER + LANE * len(free)
    lanes = (Lane(first - LANE * n, places[name], tuple(ends[name])) for n, name in found)
    return tuple(lanes), len(free)


def _row(step: Step, y: int) -> Row:
    told = [step.when, step.day or "", *(a.short for a in step.anchors[:1] if not step.day)]
    gutter = tuple(short(line, WHEN) for line in told if line)[:2]
    return Row(y, step, short(step.fact["label"], LABEL), gutter, short(_below(step), WORDS))


def _below(step: Step) -> str:
    """Return the words under a label: by what the time is told, and the report's own."""
    anchors = ", ".join(f"{a.words} {short(a.label, 32)}" for a in step.anchors)
    words = f"“{step.words}”" if step.words else ""
    return " · ".join(filter(None, (anchors, words)))
