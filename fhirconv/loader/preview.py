"""A push that is only tried: nothing is written, the server is asked what would become of it."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from fhirconv.files import Input
from fhirconv.foresight import CREATE, LEAVE, Foreseen, foresee
from fhirconv.inquiry import Inquiry
from fhirconv.loader import journal
from fhirconv.loader.documents import Document, documents
from fhirconv.loader.parcel import Parcel, Prepared, Resource, Step, key_of, pack, placed
from fhirconv.loader.ways import SERVER, finder
from fhirconv.outcome import Issue
from fhirconv.own_ids import Finder, is_conditional
from fhirconv.references import named
from fhirconv.server import Server
from fhirconv.upload import entries_of


@dataclass(frozen=True, slots=True)
class Bundle:
    """What would become of one document; where it cannot be sent, why."""

    place: str
    foreseen: tuple[Foreseen, ...] = ()
    issues: tuple[Issue, ...] = ()


@dataclass
class Trying:
    """What a push with these steps would do; with a finder the server chooses the ids."""

    server: Server
    steps: Sequence[Step] = ()
    finder: Finder | None = None
    left: Mapping[str, str] = field(default_factory=dict)  # the version of each Type/id
    _seen: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, server: Server, steps: Sequence[Step], folder: Path, ids: str) -> Self:
        """Return what tries a push with the state in a folder, on whose ids."""
        if ids == SERVER:
            return cls(server, steps, finder(server))
        return cls(server, steps, None, versions_left(folder, server.session.address))

    def __call__(self, items: Iterable[Input], limit: int) -> Iterator[Bundle]:
        """Yield what would become of each document of the inputs, in their order."""
        self.server.release()
        waiting: deque[Parcel] = deque()
        for _, told in self._foreseen(self._parcels(items, limit, waiting)):
            yield from _unsent(waiting)
            yield self._told(waiting.popleft(), told)
        yield from _unsent(waiting)

    def _foreseen(
        self, bundles: Iterator[Resource]
    ) -> Iterator[tuple[Resource, Sequence[Foreseen]]]:
        if self.finder is None:
            yield from foresee(bundles, Inquiry(self.server), lambda name: self.left.get(name, ""))
            return
        for bundle in bundles:
            yield bundle, found(bundle, self.finder)

    def _parcels(
        self, items: Iterable[Input], limit: int, waiting: deque[Parcel]
    ) -> Iterator[Resource]:
        """Yield the bundles that could be sent; all parcels go to those that wait for theirs."""
        for document in documents(items, limit):
            parcel = pack(document, (self._checked, *self.steps))
            waiting.append(parcel)
            yield from parcel.bundles

    def _told(self, parcel: Parcel, foreseen: Sequence[Foreseen]) -> Bundle:
        """Return what is to be told of a bundle: not again what an earlier one brings too."""
        entries = entries_of(parcel.bundles[0])
        keys = [key_of(entries[one.entry]) for one in foreseen]
        news = [one for one, key in zip(foreseen, keys, strict=True) if key not in self._seen]
        self._seen |= {key for key in keys if key}
        issues = tuple(placed(issue, parcel) for issue in parcel.issues)
        return Bundle(parcel.document.place, tuple(news), issues)

    def _checked(self, bundle: Resource, _document: Document) -> Prepared:
        return [bundle], self.server.problems(bundle)


def found(bundle: Resource, finder: Finder) -> list[Foreseen]:
    """Return what a server that chooses the ids would make of a bundle."""
    there = finder.find(bundle)
    told = []
    for number, entry in enumerate(entries_of(bundle)):
        is_new = number not in there
        note = "" if is_conditional(entry) else f"by a {entry['request']['method']}"
        told.append(Foreseen(number, named(entry), CREATE if is_new else LEAVE, note=note))
    return told


def versions_left(folder: Path, server: str) -> dict[str, str]:
    """Return the version in which each Type/id was left on a server, by the journal."""
    left: dict[str, str] = {}
    for line in journal.lines(folder):
        if line and line["server"] == server and line["event"] == journal.TAKEN:
            for told in line.get("resources", {}).values():
                left[str(told[0])] = str(told[1])
    return left


def _unsent(waiting: deque[Parcel]) -> Iterator[Bundle]:
    while waiting and not waiting[0].bundles:
        parcel = waiting.popleft()
        issues = tuple(placed(issue, parcel) for issue in parcel.issues)
        yield Bundle(parcel.document.place, (), issues)
