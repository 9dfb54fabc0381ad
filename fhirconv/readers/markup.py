"""Mark-up becomes blocks: what begins a line, what is left out, what it says of a section."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fhirconv.readers.blocks import HEADING, Block, Draft

Element = Any  # an lxml element
SPACE = re.compile("[ \t\n\r\f\v\u00a0\u2000-\u200a\u202f\u205f\u3000]+")
INVISIBLE = re.compile("[\u00ad\u200b\u2060\ufeff]")  # soft hyphens and the like
CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")
SUPERSCRIPT = str.maketrans("0123456789+-−–", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁻")
POWER = re.compile(r"[-−–+]?\d{1,3}")
# What is left of '[1, 2]' or '1,2' when the numbers of references are gone.
DEBRIS = re.compile(r"\s?[\[(][\s,;–-]{0,20}[\])]|\s(?=[.,;](?:\s|$))")
MARKS_ONLY = re.compile(r"[\s,;–-]*")
CELL = " | "


@dataclass(frozen=True, slots=True)
class Rule:
    """What to do with an element.

    role: drop, block, heading, item (of a list), cell, lines (white space counts), break, sup,
    xref, inline; kind: what all that stands inside belongs to.
    """

    role: str
    kind: str = ""
    level: int = 0


INLINE = Rule("inline")


@dataclass(slots=True)
class Flow:
    """A walk through a tree of elements that writes their words to a draft."""

    draft: Draft
    rule_of: Callable[[Element], Rule]
    words: list[str] = field(default_factory=list)
    kinds: list[str] = field(default_factory=lambda: [""])
    heading: int = 0  # the level of the open heading, 0 outside of one
    item: bool = False
    lines: int = 0  # how many elements are open in which white space counts
    gap: bool = True
    marks: list[int] = field(default_factory=list)  # where open superscripts begin in words

    def walk(self, root: Element) -> None:
        """Write the words of an element; it may be deep, since nothing here calls itself."""
        from lxml import etree

        walker = etree.iterwalk(root, events=("start", "end"))
        rules: list[Rule] = []
        for event, element in walker:
            if event == "start":
                rules.append(self.rule_of(element))
                if rules[-1].role == "drop":
                    walker.skip_subtree()
                else:
                    self._open(rules[-1])
                    self._write(element.text)
            else:
                self._close(rules.pop())
                self._write(element.tail if element is not root else None)
        self._flush()

    def _open(self, rule: Rule) -> None:
        if rule.role in ("block", "heading", "item", "lines"):
            self._flush()
            self.gap = self.gap or rule.role != "item"
            self.item = rule.role == "item"
            self.heading = rule.level if rule.role == "heading" else 0
        self.kinds.append(rule.kind or self.kinds[-1])
        self.lines += rule.role == "lines"
        if rule.role == "sup":
            self.marks.append(len(self.words))

    def _close(self, rule: Rule) -> None:
        if rule.role == "drop":
            return
        if rule.role in ("block", "heading", "item", "lines"):
            self._flush()
            self.gap = rule.role != "item"
            self.heading, self.item = 0, False
        elif rule.role == "cell":
            self.words.append(CELL)
        elif rule.role == "break":
            self.gap = not self._flush()
        elif rule.role == "sup":
            self._raise(self.marks.pop())
        self.kinds.pop()
        self.lines -= rule.role == "lines"

    def _write(self, words: str | None) -> None:
        if not words:
            return
        if not self.lines:
            self.words.append(words)
            return
        first, *others = words.split("\n")
        self.words.append(first)
        for line in others:
            self.gap = not self._flush()
            self.words.append(line)

    def _raise(self, mark: int) -> None:
        """Write a superscript: '10⁹', but 'm2' and 'CD34+' as a saved page shows them."""
        raised = "".join(self.words[mark:])
        before = self.words[mark - 1][-1:] if mark else ""
        if before.isdigit() and POWER.fullmatch(raised.strip()):
            raised = raised.strip().translate(SUPERSCRIPT)
        elif MARKS_ONLY.fullmatch(raised):
            raised = ""
        self.words[mark:] = [raised]

    def _flush(self) -> bool:
        """Write what has been gathered as one block; say whether there was anything."""
        words = tidy("".join(self.words))
        self.words.clear()
        self.marks = [0 for _ in self.marks]
        if words:
            self.draft.add(
                words,
                gap=self.gap,
                kind=self.kinds[-1],
                role=HEADING if self.heading else "",
                level=self.heading,
                bullet="•" if self.item else "",
            )
            self.gap = True
        return bool(words)


def tidy(words: str) -> str:
    """Return words with single spaces, without invisible characters and emptied brackets."""
    plain = SPACE.sub(" ", INVISIBLE.sub("", CONTROL.sub("", words))).strip()
    return DEBRIS.sub("", plain.removesuffix(CELL.rstrip())).strip()


def blocks_under(root: Element, rule_of: Callable[[Element], Rule]) -> tuple[str, list[Block]]:
    """Return the text of a tree and its blocks."""
    draft = Draft()
    Flow(draft, rule_of).walk(root)
    return draft.text, draft.blocks


def words_of(element: Element | None, drop: frozenset[str] = frozenset()) -> str:
    """Return the words of one element on one line, without those of the elements to drop."""
    if element is None:
        return ""
    draft = Draft()
    rules = {name: Rule("drop") for name in drop}
    Flow(draft, lambda e: rules.get(e.tag, INLINE)).walk(element)
    return " ".join(b.words for b in draft.blocks)
