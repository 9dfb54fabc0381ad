"""The names of authors, as title pages and citations write them."""

import re
from dataclasses import dataclass, field, replace
from typing import Any

from fhirconv.tables import Tables

LONGEST_LIST = 20_000
SEPARATOR = re.compile(r"[;,，|·•&]|\*\*|__|\s(?:and|und)(?=\s|$)", re.IGNORECASE)
ET_AL = re.compile(r"[\s,]*\b(?:et\.? al\b\.?|and others\b\.?)|\s*(?:…|\.\.\.)\s*$", re.IGNORECASE)
LEAD = re.compile(r"(?:by|authors?:|written by)\s+", re.IGNORECASE)
MARK = r"(?:\(?\d{1,2}\)?|[*†‡§¶#∗⁎✉ǂ]|[¹²³⁰-⁹]{1,2})"
MARKS = re.compile(rf"{MARK}(?:\s?{MARK}){{0,8}}|[a-z](?:\s[a-z]){{0,5}}")
BEFORE = re.compile(rf"({MARK}(?:\s?{MARK}){{0,8}})\s*(?=[^\W\d_])")
AFTER = re.compile(rf"(?<=[^\W\d_.])\.?\s*({MARK}(?:\s?{MARK}){{0,8}})$")
LETTERS_AFTER = re.compile(r"\s([a-z](?:\s[a-z]){0,4})$")
INITIALS = re.compile(r"(?:[^\W\d_]\.?[\s-]?){1,4}")
NAME_WORD = re.compile(r"[^\W\d_][^\W\d_'’ʼ.‐-]*(?:['’ʼ.‐-][^\W\d_]+)*\.?")
ORCID = re.compile(r"\(?(?:https?://)?(?:orcid\.org/)?\d{4}-\d{4}-\d{4}-\d{3}[\dX]\)?")
SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")


@dataclass(frozen=True, slots=True)
class Name:
    """One author: the parts of the name, the marks after it, and where it stands."""

    text: str
    family: str
    given: str = ""
    initials: str = ""
    marks: tuple[str, ...] = ()
    start: int = 0
    end: int = 0

    @property
    def is_whole(self) -> bool:
        """Say whether the name has more than a family name."""
        return bool(self.given or self.initials)

    def author(self) -> dict[str, Any]:
        """Return the 'author' object of facts.schema.json, without affiliations."""
        parts = {"text": self.text, "family": self.family}
        given = {"given": self.given, "initials": self.initials}
        return parts | {name: value for name, value in given.items() if value}


@dataclass(frozen=True, slots=True)
class Names:
    """Words that belong to names, or never do: citation-names.csv."""

    classes: dict[str, str]

    @classmethod
    def of(cls, tables: Tables) -> "Names":
        """Return the words of a set of tables."""
        return cls({r["word"]: r["class"] for r in tables.extract["citation-names"]})

    def read(self, text: str, start: int = 0) -> tuple[list[Name], bool] | None:
        """Return the authors of a list and whether it is complete; None for no list of names.

        start is where the text stands in the report; the names' places count from there.
        """
        if not text or len(text) > LONGEST_LIST:
            return None
        tail = ET_AL.search(text[-20:])
        cut = len(text) - len(text[-20:]) + tail.start() if tail else len(text)
        lead = LEAD.match(text)
        left = lead.end() if lead else 0
        names = self._listed(text[left:cut], start + left)
        return (names, tail is None) if names else None

    def _listed(self, text: str, start: int) -> list[Name]:
        """Return the names of a list; [] where a piece of it is no name."""
        if ";" not in text:
            return Listing(self).read(text, start)
        listed: list[Name] = []
        place = 0
        for chunk in text.split(";"):
            if chunk.strip(" .,"):
                names = Listing(self, inverted=True).read(chunk, start + place)
                if not names:
                    return []
                listed += names
            place += len(chunk) + 1
        return listed

    def apart(self, piece: str) -> tuple[str, str]:
        """Return the words of a piece and the marks after them."""
        return self._without_marks(self._apart(piece))

    def _apart(self, piece: str) -> str:
        """Return 'Sota Kimura MDa' with its mark apart from the degree."""
        word = piece.rsplit(" ", 1)[-1]
        glued = word[-1:].islower() and not self._class(word)
        return (
            f"{piece[:-1]} {piece[-1]}" if glued and self._class(word[:-1]) == "degree" else piece
        )

    def _without_marks(self, piece: str) -> tuple[str, str]:
        after = AFTER.search(piece)
        if after:
            return piece[: after.start(1)].rstrip(), after[1]
        letters = LETTERS_AFTER.search(piece)
        before = piece[: letters.start()].strip() if letters else ""
        if letters and (" " in before or self._class(before) == "degree"):
            return piece[: letters.start()], letters[1]
        return piece, ""

    def without_titles(self, piece: str) -> list[str]:
        """Return the words of a name without degrees and honorifics."""
        words = piece.split()
        while words and self._class(words[0]) == "honorific":
            words = words[1:]
        while words and self._class(words[-1]) in ("degree", "suffix"):
            words = words[:-1]
        return words

    def _class(self, word: str) -> str:
        known = self.classes.get(word.casefold().strip(".,()"), "")
        capitals = sum(c.isupper() for c in word)
        return "" if known == "degree" and capitals < 2 else known  # Ma is a name, MA a degree

    def are_names(self, words: str) -> bool:
        """Say whether words may be the name of a person."""
        parts = words.split()
        if not 1 <= len(parts) <= 6 or not any(p[0].isupper() for p in parts):
            return False
        return all(self._is_name(p) for p in parts) and not parts[-1][0].islower()

    def _is_name(self, word: str) -> bool:
        known = self._class(word)
        if known == "never" and not (len(word.strip(".")) == 1 and word[0].isupper()):
            return False
        fits = NAME_WORD.fullmatch(word) is not None
        return fits and (not word[0].islower() or known == "particle")

    def name(self, words: str, shown: str, start: int, end: int) -> Name:
        """Return a name in words, and as it is shown from start to end, with its parts apart."""
        parts = words.split()
        plain = [p for p in parts if self._class(p) != "suffix"] or parts
        lead = next((i for i, p in enumerate(plain) if not _is_initials(p)), len(plain))
        if len(plain) > 1 and _is_initials(plain[-1]) and lead == 0:
            cut = next(i for i, p in enumerate(plain) if i and _is_initials(p))
            family, initials = " ".join(plain[:cut]), _letters(plain[cut:])
            return Name(shown, family, "", initials, (), start, end)
        if 0 < lead < len(plain):
            return Name(shown, " ".join(plain[lead:]), "", _letters(plain[:lead]), (), start, end)
        cut = len(plain) - 1
        while cut > 1 and self._class(plain[cut - 1]) == "particle":
            cut -= 1
        return Name(shown, " ".join(plain[cut:]), " ".join(plain[:cut]), "", (), start, end)


@dataclass(slots=True)
class Listing:
    """A list of authors, read piece by piece between commas, '&' and 'and'."""

    rules: Names
    inverted: bool = False  # 'Smith, John': what follows the comma is no other author
    names: list[Name] = field(default_factory=list)

    def read(self, text: str, start: int) -> list[Name]:
        """Return the names of a text; [] where a piece is no name."""
        place = 0
        for found in [*SEPARATOR.finditer(text), None]:
            end = found.start() if found else len(text)
            piece = text[place:end]
            left = place + len(piece) - len(piece.lstrip())
            if not self._take(piece.strip(), start + left):
                return []
            place = found.end() if found else end
        return self.names

    def _take(self, piece: str, start: int) -> bool:
        """Note what one piece says; False where it says nothing of names."""
        piece = ORCID.sub("", piece).rstrip(" :").removesuffix(",")
        piece = piece[:-1] if piece[-2:] in (").", "*.") else piece
        if not piece or piece == ".":
            return True
        if MARKS.fullmatch(piece) and self.names:
            return self._mark(piece, start + len(piece))
        before = BEFORE.match(piece)
        if before and self.names:
            self._mark(before[1], start + before.end(1))
            return self._take(piece[before.end() :], start + before.end())
        body, marks = self.rules.apart(piece)
        words = " ".join(self.rules.without_titles(body))
        taken = (not words and bool(self.names)) or self._add(words, piece, start)
        return taken and (not marks or self._mark(marks, start + len(piece)))

    def _mark(self, marks: str, end: int) -> bool:
        """Note marks that stand after the last name."""
        self.names[-1] = _marked(self.names[-1], marks, end)
        return True

    def _add(self, words: str, piece: str, start: int) -> bool:
        """Note a name, or what follows the comma of 'Nagayama, H.'."""
        last = self.names[-1] if self.names else None
        named = self.rules.are_names(words)
        if last and not last.is_whole and (self.inverted or is_initials(words)):
            self.names[-1] = _inverted(last, words, start + len(piece))
            return is_initials(words) or named
        if named:
            shown = words if words in piece else piece
            begin = start + piece.find(shown)
            self.names.append(self.rules.name(words, shown, begin, begin + len(shown)))
        return named


def _inverted(last: Name, words: str, end: int) -> Name:
    """Return 'Nagayama' with the 'H.' or 'Hitomi' that follows its comma."""
    text = f"{last.family}, {words}"
    if is_initials(words):
        return replace(last, text=text, initials=_letters([words]), end=end)
    return replace(last, text=text, given=words, end=end)


def is_initials(words: str) -> bool:
    """Say whether words are 'H.', 'JA' or 'J.-P.'."""
    return INITIALS.fullmatch(words) is not None and words.isupper()


def _is_initials(word: str) -> bool:
    letters = word.replace(".", "").replace("-", "")
    return 1 <= len(letters) <= 3 and letters.isupper() and letters.isalpha()


def _letters(words: list[str]) -> str:
    return "".join(c for c in "".join(words) if c.isalpha())


def _marked(name: Name, marks: str, end: int) -> Name:
    found = re.findall(r"\d{1,2}|[^\s\d()]", marks.translate(SUPERSCRIPTS))
    return replace(name, marks=(*name.marks, *found), end=end)
