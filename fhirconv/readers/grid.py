"""The cells of a table stand in their columns: what spans several leaves empty cells behind."""

from fhirconv.readers.markup import Element

CELLS = frozenset({"td", "th"})
WIDEST, MOST = 100, 20_000  # columns of one cell, and empty cells of one file


def spread(root: Element) -> None:
    """Give every row of the tables in a tree the cells that those beside and above it span."""
    left = MOST
    for table in root.iter("table"):
        below: dict[int, int] = {}  # column -> rows that a cell above still takes
        for row in table.iter("tr"):
            left -= _fill(row, below, left)


def _fill(row: Element, below: dict[int, int], left: int) -> int:
    """Insert the empty cells of one row and return how many there are."""
    made = column = 0
    for cell in [c for c in row if c.tag in CELLS]:
        column, filled = _pass_over(row, row.index(cell), column, below, left - made)
        made += filled
        wide, high = _number(cell, "colspan"), _number(cell, "rowspan")
        for place in range(column, column + wide):
            if high > 1:
                below[place] = high - 1
        extra = min(wide - 1, left - made)
        for _ in range(extra):
            row.insert(row.index(cell) + 1, cell.makeelement("td"))
        made += extra
        column += wide
    return made + _pass_over(row, len(row), column, below, left - made)[1]


def _pass_over(
    row: Element, index: int, column: int, below: dict[int, int], left: int
) -> tuple[int, int]:
    """Insert an empty cell for each column that a cell above takes; return column and count."""
    made = 0
    while below.get(column, 0) > 0 and made < left:
        below[column] -= 1
        row.insert(index + made, row.makeelement("td"))
        made += 1
        column += 1
    return column, made


def _number(cell: Element, name: str) -> int:
    """Return how many columns or rows a cell takes: 1 where that is not said plainly."""
    said = cell.get(name, "1").strip()
    return min(max(int(said), 1), WIDEST) if said.isascii() and said.isdigit() else 1
