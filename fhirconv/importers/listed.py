"""The rows of one patient of a line list become facts."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from fhirconv.importers.cells import Cells
from fhirconv.importers.drafts import CITATION, PATIENT, Draft, Link, Record
from fhirconv.importers.imported import left_out
from fhirconv.importers.knowledge import Knowledge
from fhirconv.importers.rows import Row, Stated, fill, quoted
from fhirconv.importers.sources import citation_of
from fhirconv.outcome import Issue
from fhirconv.terms import term_key

ANY, QUOTE, KIND, LABEL, SEX, AGENT = "*", "quote", "kind", "label", "sex", "agent"
RELATION, LIST, WORD, NOTHING = ">", "list", "word", "nothing"
DECISIVE = ("assertion.", "verification")  # what a fact may not be guessed without
APART = re.compile(r"\s*[;|\n]\s*")
LETTER = re.compile(r"[^\W_]")

Plain = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """One row of the table: what a column says of which fact."""

    row: Row
    fact: str  # the columns of one name tell one fact
    kind: str
    beside: str  # the column whose cell belongs to this one: a unit


@dataclass(slots=True)
class Entry:
    """One patient of a line list in the making."""

    columns: Sequence[Place]
    source: Plain
    known: Knowledge
    problems: list[str]  # what makes the file unreadable
    patient: Draft = field(default_factory=lambda: Draft(PATIENT, ""))
    citation: Draft = field(default_factory=lambda: Draft(CITATION, ""))
    facts: list[Draft] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    pending: list[tuple[str, Draft, str, Plain]] = field(default_factory=list)

    def tell(self, cells: Cells) -> None:
        """Take what one row says: of the patient, of the article, then its facts."""
        for draft in (self.patient, self.citation):
            self._check_sex(draft, cells)
            rows = [c.row for c in self.columns if c.kind == draft.kind]
            stated = self._stated([c for c in self.columns if c.kind == draft.kind], cells)
            used = fill(draft, rows, stated, self.known)
            self._tell_unread(set(stated) - used - self._others(draft.kind), cells)
        kinds = (PATIENT, CITATION, QUOTE)
        for name in dict.fromkeys(c.fact for c in self.columns if c.kind not in kinds):
            for draft in self._drafts([c for c in self.columns if c.fact == name], cells):
                self.facts.append(draft)

    def _others(self, kind: str) -> set[str]:
        """Return the columns that other kinds read too."""
        return {c.row.element for c in self.columns if c.kind != kind}

    def _check_sex(self, draft: Draft, cells: Cells) -> None:
        known = draft.fields.get(SEX, {}).get("value")
        for column in self.columns:
            if known and column.row.field == SEX and cells.values[column.row.element]:
                told = column.row.read(cells.values[column.row.element], self.known)
                if told not in (None, known):
                    self.problems.append(
                        f"line {cells.line}: the sex {told} contradicts {known} of a row above"
                    )

    def _stated(self, columns: Sequence[Place], cells: Cells) -> dict[str, list[tuple[str, str]]]:
        """Return the cells that say something, by column, with those that stand beside them."""
        stated: dict[str, list[tuple[str, str]]] = {}
        for column in columns:
            name = column.row.element
            text = cells.values.get(name, "")
            if self._says(text, column.row):
                unit = cells.values.get(column.beside, "")
                whole = f"{text} {unit}" if unit and name not in stated else text
                stated.setdefault(name, [(f"line {cells.line}, column {name}", whole)])
        return stated

    def _says(self, text: str, row: Row | None = None) -> bool:
        """Say whether a cell states anything: words, or a sign that its row can read."""
        if self.known.word(NOTHING, text) is not None:
            return False
        sign = text and row and row.reading == WORD and row.read(text, self.known) is not None
        return bool(LETTER.search(text) or sign)

    def _drafts(self, columns: Sequence[Place], cells: Cells) -> Iterator[Draft]:
        """Yield the facts that the columns of one name tell in a row."""
        stated = self._stated(columns, cells)
        labels = [c for c in columns if c.row.field == LABEL and c.row.element in stated]
        if stated and not labels and columns[0].kind == ANY:
            self._refuse("the fact has no label", cells)
        kind = self._kind(columns, stated, cells) if labels else ""
        if not kind or self._is_open(columns, cells):
            self._tell_unread(set(stated) if not labels else set(), cells)
            return
        several = labels[0].row.reading == LIST
        parts = {n: _parts(v[0][1]) if several else [v[0][1]] for n, v in stated.items()}
        count = len(parts[labels[0].row.element])
        for name, texts in list(parts.items()):
            if len(texts) != count:
                why = f"it says {len(texts)} of {count} facts"
                self._leave(f"the cell {stated[name][0][1]!r} of the column {name!r}", why, cells)
                del parts[name]
        for number in range(count):
            mine = {name: [(stated[name][0][0], parts[name][number])] for name in parts}
            yield self._draft(kind, columns, mine, cells)

    def _kind(self, columns: Sequence[Place], stated: Stated, cells: Cells) -> str:
        """Return the kind of a fact: of its columns, else what the cell of the kind says."""
        if columns[0].kind != ANY:
            return columns[0].kind
        for column in columns:
            if column.row.field == KIND and column.row.element in stated:
                text = stated[column.row.element][0][1]
                kind = column.row.read(text, self.known)
                if kind is None:
                    listed = ", ".join(self.known.words_of(column.row.argument))
                    self._refuse(f"no kind of fact is called {text!r} (known: {listed})", cells)
                return kind or ""
        self._refuse("the kind of the fact is not stated", cells)
        return ""

    def _is_open(self, columns: Sequence[Place], cells: Cells) -> bool:
        """Say whether a cell leaves open whether a fact is so: then it is no fact."""
        for column in columns:
            text = cells.values.get(column.row.element, "")
            if column.row.field.startswith(DECISIVE) and not column.row.fixed and text:
                if not self._says(text, column.row):
                    self._leave(f"the fact of this row ({column.row.element}: {text})", OPEN, cells)
                    return True
                if column.row.read(text, self.known) is None:
                    listed = ", ".join(self.known.words_of(column.row.argument))
                    what = f"the {column.row.element} {text!r} is not known (known: {listed})"
                    self._refuse(what, cells)
                    return True
        return False

    def _draft(self, kind: str, columns: Sequence[Place], stated: Stated, cells: Cells) -> Draft:
        rows = [c.row for c in columns if c.kind in (ANY, kind) and c.row.field != KIND]
        links = [row for row in rows if row.field.startswith(RELATION)]
        draft = Draft(kind, next(row.origin for row in rows if row.field == LABEL))
        used = fill(draft, [row for row in rows if row not in links], stated, self.known)
        for row in links:
            for place, text in stated.get(row.element, ()):
                quote = {"pointer": place, "text": text}
                self.pending.append((row.field.removeprefix(RELATION), draft, text, quote))
                used.add(row.element)
        fixed = {row.element for row in rows if row.fixed} | {
            c.row.element for c in columns if c.row.field == KIND
        }
        self._tell_unread(set(stated) - used - fixed, cells)
        draft.evidence.append(self._quote(draft, stated, used, cells))
        return draft

    def _quote(self, draft: Draft, stated: Stated, used: set[str], cells: Cells) -> Plain:
        """Return the words of the source, where a column has them, else those of the cells."""
        for column in self.columns:
            text = cells.values.get(column.row.element, "")
            if column.kind == QUOTE and self._says(text):
                place = f"line {cells.line}, column {column.row.element}"
                return {"pointer": place, "text": text}
        return {"pointer": f"line {cells.line}", "text": quoted(draft.label, stated, used)}

    def _tell_unread(self, names: set[str], cells: Cells) -> None:
        for name in sorted(names):
            what = f"the cell {cells.values[name]!r} of the column {name!r}"
            self._leave(what, "no row of import/line-list.csv can read it", cells)

    def _leave(self, what: str, why: str, cells: Cells) -> None:
        self.issues.append(left_out(what, why, f"{self.source['file']}, line {cells.line}"))

    def _refuse(self, problem: str, cells: Cells) -> None:
        self.problems.append(f"line {cells.line}: {problem}")

    def record(self) -> tuple[Record, list[Issue]]:
        """Return what the rows of the patient tell, and what no fact took."""
        told = {name: str(value) for name, value in self.citation.fields.items()}
        agent = told.pop(AGENT, "")
        where = f"{self.source['file']}, {self.source['record']}"
        cited = citation_of(told, self.citation.places, where)
        links = list(self._links(where))
        made = Record(self.source, cited, self.patient, self.facts, links, agent)
        return made, self.issues

    def _links(self, where: str) -> Iterator[Link]:
        for kind, draft, text, quote in self.pending:
            found = [
                f for f in self.facts if f is not draft and term_key(f.label) == term_key(text)
            ]
            if not found:
                why = f"no fact of this patient is called {text!r}"
                self.issues.append(left_out(f"{kind} of {draft.label!r}", why, where))
            for other in found[:1]:
                if self.known.may_join(kind, draft.kind, other.kind):
                    yield Link(kind, draft, other, (quote,))
                else:
                    why = f"it cannot lead from a {draft.kind} to a {other.kind}"
                    self.issues.append(left_out(f"{kind} of {draft.label!r}", why, where))


OPEN = "whether it is so is not stated"


def _parts(text: str) -> list[str]:
    return [part for part in APART.split(text) if part]
