"""What is to be seen of one report: its text, its facts, what was made of them; the anchors."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from markupsafe import Markup

from fhirconv.case import LEADING, Item
from fhirconv.convert import Conversion
from fhirconv.explain import cut_into_sentences, sentence_at
from fhirconv.report import Report
from fhirconv.tables import Tables
from fhirconv.view.legend import Legend, legend_of
from fhirconv.view.rows import Cells, Rows
from fhirconv.view.shown import short, shown

Fields = Mapping[str, Any]
CITED, DOCUMENT = "citation", "document"  # what the words of the citation lead to
PATIENT = "patient"
EVERY = "*"  # the fact of a row that serves every resource
LINK = Markup('<a href="#{}">{}</a>')
SAID = Markup("<small>{}</small>")


@dataclass(frozen=True)
class UsedRow:
    """A row of the tables that had a part in a page."""

    anchor: str
    origin: str  # resources/Condition.csv:7
    cells: Cells

    @cached_property
    def link(self) -> Markup:
        """The link to the row, and in few words what it says where that is of one kind only."""
        link = LINK.format(self.anchor, shown(self.origin))
        is_for_all = self.cells.get("fact") == EVERY
        return link if is_for_all or not self.said else link + SAID.format(short(shown(self.said)))

    @property
    def said(self) -> str:
        """The row in a few words: what it takes, and where to."""
        cells = self.cells
        if "element" in cells:
            source = cells.get("field") or cells.get("fixed") or cells.get("codes", "")
            return f"{cells.get('fact', '')}: {source} → {cells['element']}"
        told = " → ".join(cells[name] for name in ("term", "same_as", "code") if name in cells)
        return told or cells.get("display", "")


@dataclass
class Sight:
    """One facts document, the report it was found in (where that is at hand), its conversion."""

    document: Fields
    report: Report | None
    conversion: Conversion
    tables: Tables
    release: str
    rows: Rows
    prefix: str = ""  # of its anchors, where a page holds several
    used: dict[str, UsedRow] = field(default_factory=dict)  # rows by file and line

    @cached_property
    def legend(self) -> Legend:
        """What everything is called and looks like."""
        return legend_of(self.tables)

    @cached_property
    def facts(self) -> dict[str, Fields]:
        """The facts of the document by id."""
        return {fact["id"]: fact for fact in self.document["facts"]}

    @property
    def title(self) -> str:
        """The title of the report; of one without the name of its file."""
        source = self.document["source"]
        named = " ".join(filter(None, (source["file"], source.get("record"))))
        return str(self.document["citation"]["title"]).strip() or named

    def anchor(self, item: str) -> str:
        """Return the anchor of the card of an item."""
        return f"{self.prefix}f-{item}"

    def words_at(self, quote: Fields) -> str:
        """Return the anchor of the words of a quote."""
        place = _place(quote)
        if "start" in quote:
            return f"{self.prefix}q{place[0]}-{place[1]}"
        return f"{self.prefix}w{self.pointed.get(place, 0)}"

    @cached_property
    def pointed(self) -> dict[tuple[Any, ...], int]:
        """The numbers of the words that are known by a pointer into a record."""
        places = (place for place in self.quoted if isinstance(place[0], str))
        return {place: number for number, place in enumerate(places, 1)}

    def title_of(self, item: Item) -> str:
        """Return what an item is called; one without a label by its words, or by its kind."""
        if item.fields.get("label"):
            return str(item.fields["label"])
        words = item.evidence if item.kind == PATIENT else ()
        return str(words[0]["text"]) if words else self.legend.kind(item.kind).label

    def fields_of(self, anchor: str) -> Fields:
        """Return the fact or statement of a card; empty for what is neither."""
        return self._fields.get(anchor, {})

    @cached_property
    def _fields(self) -> dict[str, Fields]:
        told = (*self.document["facts"], *self.document["statements"])
        return {self.anchor(fields["id"]): fields for fields in told}

    @cached_property
    def labels(self) -> dict[str, str]:
        """What every card is called, by its anchor."""
        found = {
            self.anchor(item.id): self.title_of(item)
            for case, _ in self.conversion.cases
            for item in case.items.values()
        }
        told = ((statement["id"], statement["text"]) for statement in self.document["statements"])
        return found | {self.anchor(name): text for name, text in told}

    @cached_property
    def cards_by_urn(self) -> dict[str, str]:
        """The anchors of cards by the reference of their resources."""
        return {
            home.urn: self.anchor(name)
            for _, built in self.conversion.cases
            for name, home in built.site.homes.items()
        }

    @cached_property
    def quoted(self) -> dict[tuple[Any, ...], dict[str, str]]:
        """What rests on the words of each place: the anchors of cards and their kinds."""
        found: dict[tuple[Any, ...], dict[str, str]] = {}
        for anchor, kind, quotes in self._quoting():
            for quote in quotes:
                found.setdefault(_place(quote), {})[anchor] = kind
        return found

    def _quoting(self) -> Iterator[tuple[str, str, Iterable[Fields]]]:
        """Yield (anchor, kind, quotes) of all that rests on words, facts first."""
        for fact in self.document["facts"]:
            yield self.anchor(fact["id"]), fact["kind"], fact["evidence"]
        for patient in self.document["patients"]:
            sex, age = (patient.get(name) or {} for name in ("sex", "age"))
            yield self.anchor(f"{patient['id']}-age"), "age", age.get("evidence", ())
            words = [*patient.get("evidence", ()), *sex.get("evidence", ())]
            yield self.anchor(patient["id"]), "patient", words
        for statement in self.document["statements"]:
            yield self.anchor(statement["id"]), "statement", statement["evidence"]
        for quotes in self.document["citation"]["evidence"].values():
            yield self.anchor(self._cited), CITED, quotes

    @property
    def _cited(self) -> str:
        """The item that tells of the publication: not every release has one of its own."""
        made = (name for _, built in self.conversion.cases for name in built.site.homes)
        return CITED if CITED in made else DOCUMENT

    def at(self, quote: Fields) -> Iterable[str]:
        """Return the anchors of all that rests on the very same words."""
        return self.quoted.get(_place(quote), ())

    @cached_property
    def relations(self) -> dict[str, list[Fields]]:
        """The relations of the document by each of their ends."""
        found: dict[str, list[Fields]] = {}
        for relation in self.document["relations"]:
            for end in dict.fromkeys((relation["from"], relation["to"])):
                found.setdefault(end, []).append(relation)
        return found

    @cached_property
    def leads(self) -> dict[str, list[tuple[str, str, bool]]]:
        """The fields that lead from one fact to another, by both: (field, other, forth)."""
        found: dict[str, list[tuple[str, str, bool]]] = {}
        for name, fact in self.facts.items():
            for led in LEADING:
                if led in fact and led in self.legend.links:
                    found.setdefault(name, []).append((led, fact[led], True))
                    found.setdefault(fact[led], []).append((led, name, False))
        return found

    @cached_property
    def _sentences(self) -> list[tuple[int, int]]:
        return list(cut_into_sentences(self.report.text, self.tables)) if self.report else []

    def sentence(self, quotes: Iterable[Fields]) -> str:
        """Return the sentence that the first of the words stand in; empty where it is not known."""
        start = next((quote["start"] for quote in quotes if "start" in quote), None)
        return sentence_at(self.report.text, self._sentences, start) if self.report else ""

    def row(self, origin: str, made: Any = "") -> UsedRow:
        """Return a row of the tables, which is then among those that were used."""
        if origin not in self.used:
            anchor = f"{self.prefix}r{len(self.used) + 1}"
            self.used[origin] = UsedRow(anchor, origin, self.rows.cells(origin, made))
        return self.used[origin]


def _place(quote: Fields) -> tuple[Any, ...]:
    if "start" in quote:
        return quote["start"], quote["end"]
    return quote.get("pointer", ""), quote["text"]
