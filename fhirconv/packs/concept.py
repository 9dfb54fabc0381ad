"""A concept of a terminology as its file states it, and the file while it is read."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fhirconv.outcome import Issue

MOST = 1000  # problems that are told of one source


@dataclass(frozen=True, slots=True)
class Code:
    """One code of a concept, its system named as the source names it."""

    namespace: str  # an OBO prefix, a URI, the abbreviation of a source
    code: str
    display: str
    match: str = "exact"  # exact | close | broad
    uri: str = ""  # of the code system, where the source says it
    whole: bool = False  # in a system that the tables do not know: the prefix is part of the code


@dataclass(frozen=True, slots=True)
class Concept:
    """The words for one thing and its codes; what is obsolete is not one."""

    term: str
    codes: tuple[Code, ...]
    where: str  # file:line
    synonyms: tuple[str, ...] = ()  # which say the same
    kinds: tuple[str, ...] = ()  # words which say more: for them the codes are broad
    tag: str = ""  # the class that the terminology puts it in
    source: str = ""  # the terminology and its version
    foreign: bool = False  # of another terminology, which this one only borrows from


@dataclass(frozen=True, slots=True)
class Source:
    """The files of one terminology, what the words of its format mean, what is wrong in them."""

    files: tuple[Path, ...]
    words: Mapping[str, str]
    problems: list[Issue] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)

    def problem(self, message: str, where: str) -> None:
        """Keep a defect of the source."""
        if len(self.problems) < MOST:
            self.problems.append(Issue("error", "structure", message, where))

    def word(self, meaning: str) -> str:
        """Return the word of the format that has this meaning; '' where none has."""
        return next((word for word, means in self.words.items() if means == meaning), "")

    def lines(self, path: Path) -> Iterator[tuple[int, str]]:
        """Yield the lines of a file with their numbers; a line that is not UTF-8 is a problem."""
        with path.open("rb") as file:
            for number, data in enumerate(file, 1):
                try:
                    line = data.decode("utf-8-sig" if number == 1 else "utf-8")
                except UnicodeDecodeError as error:
                    message = f"the line is not UTF-8 at its byte {error.start + 1}"
                    self.problem(message, f"{path.name}:{number}")
                    continue
                yield number, line.rstrip("\r\n")
