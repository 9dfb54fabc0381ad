"""Printed papers for the tests: text set in columns as journals do, made as PDF."""

from io import BytesIO
from textwrap import wrap

from reportlab.lib.pagesizes import A4
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

WIDTH, HEIGHT = A4
TOP, BOTTOM = HEIGHT - 100, 100
LEADING = 1.2
ROMAN, BOLD = "Times-Roman", "Times-Bold"


class Press:
    """A page printer: what it is told to set it sets, column by column, page by page."""

    def __init__(self, columns: int = 1, head: str = "", foot: str = "", **security: object):
        self.out = BytesIO()
        self.canvas = Canvas(self.out, pagesize=A4, invariant=True, **security)
        self.columns, self.head, self.foot = columns, head, foot
        self.page, self.column, self.y, self.top = 0, 0, TOP, TOP
        self.notes: list[str] = []
        self._begin()

    @property
    def width(self) -> float:
        return (WIDTH - 120 - 20 * (self.columns - 1)) / self.columns

    @property
    def left(self) -> float:
        return 60 + self.column * (self.width + 20)

    def _begin(self) -> None:
        self.page += 1
        for words, y in ((self.head, HEIGHT - 40), (self.foot, 40)):
            if words:
                self.canvas.setFont(ROMAN, 8)
                self.canvas.drawString(60, y, words.format(page=self.page))

    def across(self, words: str, size: float = 10, font: str = ROMAN) -> None:
        """Set a line over all columns."""
        self.canvas.setFont(font, size)
        self.canvas.drawString(60, self.y, words)
        self.y -= LEADING * size
        self.top = self.y - 6

    def line(self, words: str, size: float = 10, font: str = ROMAN, indent: float = 0) -> None:
        """Set one line of a column; '^' encloses what is raised."""
        if self.y < BOTTOM + 10 * len(self.notes):
            self.turn()
        x = self.left + indent
        for number, piece in enumerate(words.split("^")):
            raised = number % 2
            self.canvas.setFont(font, size * (0.65 if raised else 1))
            self.canvas.drawString(x, self.y + (0.35 * size if raised else 0), piece)
            x += stringWidth(piece, font, size * (0.65 if raised else 1))
        self.y -= LEADING * size

    def heading(self, words: str) -> None:
        """Set a heading."""
        self.y -= 8
        self.line(words, 11, BOLD)

    def paragraph(self, words: str, size: float = 10) -> None:
        """Set a paragraph, its first line indented."""
        letters = int(self.width / (0.46 * size))
        for number, line in enumerate(wrap(words, letters, break_on_hyphens=False)):
            self.line(line, size, indent=0 if number else 12)

    def set(self, *lines: str) -> None:
        """Set lines as they are, the first of them indented."""
        for number, line in enumerate(lines):
            self.line(line, indent=0 if number else 12)

    def note(self, words: str) -> None:
        """Set a note at the foot of this column."""
        self.notes.append(words)

    def _foot(self) -> None:
        y = BOTTOM - 2
        for words in self.notes:
            self.canvas.setFont(ROMAN, 7.5)
            self.canvas.drawString(self.left, y, words)
            y -= 9
        self.notes.clear()

    def turn(self) -> None:
        """Go to the next column, or page."""
        self._foot()
        self.column = (self.column + 1) % self.columns
        self.y = self.top
        if self.column == 0:
            self.canvas.showPage()
            self.y = self.top = TOP
            self._begin()

    def done(self) -> bytes:
        """Return the PDF."""
        self._foot()
        self.canvas.save()
        return self.out.getvalue()
