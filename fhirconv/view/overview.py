"""Many cases at a glance: counts, treatments against adverse events, terms without a code."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from fhirconv.case import Case, Item
from fhirconv.outcome import Issue
from fhirconv.tables import Tables
from fhirconv.terms import term_key
from fhirconv.unmapped import Tally, Unmapped
from fhirconv.view.page import Page

ROWS, COLUMNS, TERMS = 40, 20, 50  # of the matrix, of the terms
TEMPORAL = "temporal"  # the basis of a suspicion that rests on the order in time alone
NOTHING = ""  # the treatment of an event for which none is suspected


@dataclass(frozen=True, slots=True)
class Seen:
    """One case page in the list."""

    title: str
    file: str
    link: str
    patients: int
    counts: Mapping[str, int]
    events: int
    errors: int
    warnings: int


@dataclass(frozen=True, slots=True)
class Failed:
    """An input of which no page could be made."""

    file: str
    issue: Issue


@dataclass(slots=True)
class Pair:
    """A treatment and an adverse event: the links to each, by what the suspicion rests on."""

    stated: list[str] = field(default_factory=list)
    temporal: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Matrix:
    """Treatments against adverse events, the most frequent of both."""

    events: tuple[tuple[str, int], ...]  # words, number of patients
    rows: tuple[tuple[str, int, tuple[Pair | None, ...]], ...]
    more_events: int
    more_treatments: int


@dataclass
class Overview:
    """What is known of all cases; of each only what the index tells."""

    tables: Tables
    release: str
    seen: list[Seen] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    _pairs: dict[tuple[str, str], Pair] = field(default_factory=dict)
    _words: dict[str, Counter[str]] = field(default_factory=dict)
    _patients: Counter[str] = field(default_factory=Counter)
    _tally: Tally | None = None

    def add(self, page: Page, link: str) -> None:
        """Count what a page tells."""
        sight = page.sight
        issues = sight.conversion.issues
        events = 0
        for case, _ in sight.conversion.cases:
            events += self._add_case(case, page, link)
        if self._tally is None:
            self._tally = Tally(self.tables, self.release)
        self._tally.add(sight.conversion, sight.report.text if sight.report else None)
        self.kinds.update(fact["kind"] for fact in sight.document["facts"])
        errors = sum(issue.is_error for issue in issues)
        warned = sum(issue.severity == "warning" for issue in issues)
        file = sight.document["source"]["file"]
        number = len(page.patients)
        self.seen.append(Seen(sight.title, file, link, number, page.counts, events, errors, warned))

    def add_failed(self, file: str, issues: Iterable[Issue]) -> None:
        """Keep what could not be read of a file."""
        self.failed += (Failed(file, issue) for issue in issues)

    def _add_case(self, case: Case, page: Page, link: str) -> int:
        """Count the suspicions of one patient; return how many adverse events there are."""
        told: set[str] = set()
        events = 0
        anchor = page.sight.anchor
        for item in case.items.values():
            if "suspects" not in item.fields or "resource" not in item.fields:
                continue
            events += 1
            event = self._key("event", item)
            told.add(event)
            here = f"{link.partition('#')[0]}#{anchor(item.id)}"
            suspects = item.fields["suspects"] or ()
            for suspect in suspects:
                treatment = self._key("treatment", case.items[suspect.to])
                told.add(treatment)
                pair = self._pairs.setdefault((treatment, event), Pair())
                is_temporal = suspect.own.get("basis") == TEMPORAL
                (pair.temporal if is_temporal else pair.stated).append(here)
            if not suspects:
                self._pairs.setdefault((NOTHING, event), Pair()).stated.append(here)
        self._patients.update(told)
        return events

    def _key(self, role: str, item: Item) -> str:
        """Return the key of a treatment or an event, and remember how it is called."""
        words = " ".join(str(item.fields.get("label", item.id)).split())
        key = f"{role} {term_key(words)}"
        self._words.setdefault(key, Counter())[words] += 1
        return key

    @property
    def totals(self) -> dict[str, int]:
        """How many reports, patients, facts, and what became of these."""
        counted: Counter[str] = Counter()
        for seen in self.seen:
            counted.update(seen.counts)
        patients = sum(seen.patients for seen in self.seen)
        return {"reports": len(self.seen), "patients": patients} | dict(counted)

    @property
    def matrix(self) -> Matrix:
        """The most frequent treatments against the most frequent adverse events."""
        weight: Counter[str] = Counter()
        for (treatment, event), pair in self._pairs.items():
            number = len(pair.stated) + len(pair.temporal)
            weight.update({treatment: number if treatment else 0, event: number})
        order = sorted(weight, key=lambda key: (-weight[key], key))
        events = [key for key in order if key.startswith("event ")]
        treatments = [key for key in order if key.startswith("treatment ")]
        if any(treatment == NOTHING for treatment, _ in self._pairs):
            treatments = [*treatments[:ROWS], NOTHING, *treatments[ROWS:]]
        shown = treatments[: ROWS + 1]
        columns = events[:COLUMNS]
        rows = tuple(
            (self._called(key), self._patients[key], tuple(self._cells(key, columns)))
            for key in shown
        )
        heads = tuple((self._called(key), self._patients[key]) for key in columns)
        return Matrix(heads, rows, len(events) - len(columns), len(treatments) - len(shown))

    def _cells(self, treatment: str, events: Sequence[str]) -> Iterator[Pair | None]:
        return (self._pairs.get((treatment, event)) for event in events)

    def _called(self, key: str) -> str:
        words = self._words.get(key)
        return words.most_common(1)[0][0] if words else ""

    @property
    def terms(self) -> list[Unmapped]:
        """The terms without a code, most frequent first."""
        return self._tally.terms()[:TERMS] if self._tally else []

    @property
    def more_terms(self) -> int:
        """How many terms are not shown."""
        return max(len(self._tally.terms()) - TERMS, 0) if self._tally else 0
