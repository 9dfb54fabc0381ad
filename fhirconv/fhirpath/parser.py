"""FHIRPath text to a tree: tokens by one pattern, operators by their precedence."""

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any


class FhirpathError(ValueError):
    """An expression is none, or says what no value can answer."""


@dataclass(frozen=True, slots=True)
class Tree:
    """A node of an expression: what it is, its name or value, what is below it."""

    kind: str  # member | call | dot | index | binary | unary | type | literal | empty | constant
    value: Any = None
    below: tuple["Tree", ...] = ()


# From the loosest to the tightest, as the grammar of FHIRPath has them.
LEVELS = (
    ("implies",),
    ("or", "xor"),
    ("and",),
    ("in", "contains"),
    ("=", "~", "!=", "!~"),
    ("<=", "<", ">", ">="),
    ("|",),
    ("is", "as"),
    ("+", "-", "&"),
    ("*", "/", "div", "mod"),
)
PRECEDENCE = {name: level for level, names in enumerate(LEVELS) for name in names}
TYPES = ("is", "as")
CALLED_TYPES = ("is", "as", "ofType")  # functions whose argument names a type
TOKEN = re.compile(
    r"""\s*(?://[^\n]*\n\s*|/\*.*?\*/\s*)*(?:
    (?P<time>@[0-9T][0-9T:.Z+-]*)
    |(?P<number>[0-9]+(?:\.[0-9]+)?)
    |(?P<text>'(?:[^'\\]|\\.)*')
    |(?P<quoted>`(?:[^`\\]|\\.)*`|"(?:[^"\\]|\\.)*")
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<special>\$[a-z]+)
    |(?P<sign><=|>=|!=|!~|[-+*/|&=~<>.,()\[\]{}%])
    |(?P<end>$)
    )""",
    re.VERBOSE | re.DOTALL,
)
ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "f": "\f"}
WORDS = {"true": True, "false": False}


@lru_cache(maxsize=4096)
def parsed(expression: str) -> Tree:
    """Return the tree of an expression; raises FhirpathError for what is none."""
    parser = _Parser(_tokens(expression), expression)
    tree = parser.expression(0)
    parser.take("")
    return tree


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    at = 0
    while not found or found[-1][0] != "end":
        match = TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise FhirpathError(f"{text[at : at + 20]!r} is no FHIRPath")
        found.append((match.lastgroup, match[match.lastgroup]))
        at = match.end()
    return found


def _plain(text: str) -> str:
    """Return the characters that a text in quotes stands for."""

    def meant(match: re.Match[str]) -> str:
        sign = match[1]
        return chr(int(sign[1:], 16)) if len(sign) > 1 else ESCAPES.get(sign, sign)

    return ESCAPE.sub(meant, text[1:-1])


class _Parser:
    """What is left of the tokens of one expression."""

    def __init__(self, tokens: list[tuple[str, str]], text: str) -> None:
        self.tokens = tokens[::-1]
        self.text = text

    @property
    def ahead(self) -> str:
        """The text of the next token; '' for a text in quotes, and at the end."""
        group, word = self.tokens[-1]
        return word if group in ("name", "sign", "special") else ""

    def take(self, word: str) -> None:
        """Pass a word that must stand here; '' is the end."""
        group, found = self.tokens.pop()
        if found != word or (not word and group != "end"):
            raise FhirpathError(f"{found!r} stands where {word!r} belongs in {self.text!r}")

    def name(self) -> str:
        """Pass a name, maybe one in quotes."""
        group, word = self.tokens.pop()
        if group == "quoted":
            return _plain(word)
        if group != "name":
            raise FhirpathError(f"{word!r} stands where a name belongs in {self.text!r}")
        return word

    def expression(self, level: int) -> Tree:
        """Read operators of a level and of tighter ones."""
        left = self.term()
        while PRECEDENCE.get(self.ahead, -1) >= level:
            operator = self.ahead
            self.take(operator)
            if operator in TYPES:
                left = Tree("type", (operator, self.type_name()), (left,))
            else:
                right = self.expression(PRECEDENCE[operator] + 1)
                left = Tree("binary", operator, (left, right))
        return left

    def type_name(self) -> str:
        """Read the name of a type without its namespace."""
        name = self.name()
        while self.ahead == ".":
            self.take(".")
            name = self.name()
        return name

    def term(self) -> Tree:
        """Read a value, and the steps and indexes behind it."""
        if self.ahead in ("-", "+"):
            sign = self.ahead
            self.take(sign)
            return Tree("unary", sign, (self.term(),))
        left = self.first()
        while self.ahead in (".", "["):
            if self.ahead == ".":
                self.take(".")
                left = Tree("dot", None, (left, self.step()))
            else:
                self.take("[")
                left = Tree("index", None, (left, self.expression(0)))
                self.take("]")
        return left

    def first(self) -> Tree:
        """Read what a term begins with."""
        group, word = self.tokens[-1]
        if group in ("number", "text", "time"):
            self.tokens.pop()
            return Tree("literal", _literal(group, word))
        if word in WORDS and group == "name":
            self.tokens.pop()
            return Tree("literal", WORDS[word])
        if word == "(":
            self.take("(")
            inner = self.expression(0)
            self.take(")")
            return inner
        if word == "{":
            self.take("{")
            self.take("}")
            return Tree("empty")
        return self.constant() if word == "%" else self.step()

    def constant(self) -> Tree:
        """Read %name, %`name` or %'name'."""
        self.take("%")
        group, word = self.tokens[-1]
        if group == "text":
            self.tokens.pop()
            return Tree("constant", _plain(word))
        return Tree("constant", self.name())

    def step(self) -> Tree:
        """Read the name of a child, a function with its arguments, or $this."""
        if self.tokens[-1][0] == "special":
            return Tree("special", self.tokens.pop()[1])
        name = self.name()
        if self.ahead != "(":
            return Tree("member", name)
        self.take("(")
        typed = name in CALLED_TYPES
        below = (Tree("literal", self.type_name()),) if typed else self.arguments()
        self.take(")")
        return Tree("call", name, below)

    def arguments(self) -> tuple[Tree, ...]:
        """Read expressions between commas."""
        if self.ahead == ")":
            return ()
        found = [self.expression(0)]
        while self.ahead == ",":
            self.take(",")
            found.append(self.expression(0))
        return tuple(found)


def _literal(group: str, word: str) -> object:
    if group == "text":
        return _plain(word)
    if group == "time":
        return word[1:]
    return Decimal(word) if "." in word else int(word)
