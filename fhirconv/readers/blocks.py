"""Blocks: the lines and paragraphs of a report, before anybody knows what they are."""

from dataclasses import dataclass, field, replace

HEADING, LINE = "heading", "line"


@dataclass(frozen=True, slots=True)
class Block:
    """One paragraph, line, heading or list item: words == text[start:end].

    role is 'heading' (what follows belongs to it), 'line' (a caption or a line of furniture:
    what stood before goes on after it) or '' (words of the report). kind is a row of
    extract/section-kinds.csv, '' as long as nobody knows.
    """

    start: int
    end: int
    words: str
    role: str = ""
    kind: str = ""
    level: int = 0  # of a heading that markup shows: 1 to 6
    title: str = ""  # the heading that the words stand under
    bullet: str = ""  # the sign or number before a list item
    gap: bool = True  # an empty line before
    inline: bool = False  # a heading that runs into its paragraph

    @property
    def is_heading(self) -> bool:
        """Say whether this is a heading."""
        return self.role == HEADING

    def part(self, start: int, end: int, **changes: object) -> "Block":
        """Return a piece of the block, its edges trimmed; start and end count in the text."""
        words = self.words[start - self.start : end - self.start]
        left = len(words) - len(words.lstrip())
        words = words.strip()
        start += left
        made = replace(self, start=start, end=start + len(words), words=words)
        return replace(made, **changes)  # type: ignore[arg-type]


@dataclass(slots=True)
class Draft:
    """A text in the making: each block a line, an empty line between paragraphs."""

    pieces: list[str] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    length: int = 0

    def add(self, words: str, gap: bool = True, **about: object) -> Block:
        """Write one block at the end and return it."""
        between = ("\n\n" if gap else "\n") if self.length else ""
        start = self.length + len(between)
        block = Block(start, start + len(words), words, gap=gap, **about)  # type: ignore[arg-type]
        self.pieces += (between, words)
        self.length = block.end
        self.blocks.append(block)
        return block

    @property
    def text(self) -> str:
        """All that has been written."""
        return "".join(self.pieces)
