"""Loading: from inputs to the account of what a server has of them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from fhirconv.errors import FhirconvError
from fhirconv.files import Input
from fhirconv.inquiry import Inquiry
from fhirconv.loader import journal as events
from fhirconv.loader.account import Account
from fhirconv.loader.carrier import Carrier, Transactions
from fhirconv.loader.confirmation import confirmed
from fhirconv.loader.crew import PATIENCE, Crew, Patience
from fhirconv.loader.documents import Document, documents
from fhirconv.loader.index import Index
from fhirconv.loader.journal import Journal
from fhirconv.loader.letters import Letters
from fhirconv.loader.order import Order
from fhirconv.loader.pace import Pace
from fhirconv.loader.parcel import Parcel, Prepared, Step, pack
from fhirconv.loader.past import Past
from fhirconv.loader.register import Register
from fhirconv.loader.state import LETTERS, locked
from fhirconv.outcome import Issue
from fhirconv.server import Server
from fhirconv.version import VERSION

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Manner:
    """How bundles are loaded: with how many connections, from where on, in how many bytes."""

    jobs: int = 4
    limit: int = 20_000_000  # bytes of an input
    resume: bool = False
    since: datetime | None = None
    patience: Patience = PATIENCE


MANNER = Manner()


@dataclass
class Loading:
    """One push of inputs to a server.

    `steps` make what is sent of a bundle (checked, split, with other ids), one after the other;
    `carrier` brings it there: for servers that take no transactions there may be another one.
    """

    server: Server
    folder: Path  # of the state
    manner: Manner = MANNER
    steps: Sequence[Step] = ()
    carrier: Callable[[Server, Account], Carrier] = Transactions
    account: Account = field(default_factory=Account)

    def __call__(self, items: Iterable[Input]) -> Iterator[Issue | None]:
        """Send what the inputs hold; yield what is to be said, and None now and then.

        Where the server is gone before the end, the last issue says so and the rest is left for a
        run that resumes. Raises ServerError where it is not there from the start.
        """
        self.server.release()
        with ExitStack() as open_, Index.open() as index:
            open_.enter_context(locked(self.folder))
            past = self._past(index)
            journal = open_.enter_context(Journal(self.folder, self.server.session.address))
            journal.write(events.BEGUN, now=True, version=VERSION, resumes=self.manner.resume)
            yield from _damage(past)
            register = Register(journal, Letters(self.folder / LETTERS), self.account)
            parcels = self._parcels(items, index)
            if self.manner.since:
                parcels = confirmed(parcels, index, Inquiry(self.server))
            crew = self._crew(parcels, index, register)
            self.account.begin()
            try:
                yield from crew.work()
            finally:
                self.account.bundles["left"] = crew.left
            if crew.trouble:
                yield self._stopped(crew.trouble)
            else:
                journal.write(events.ENDED, now=True, **self.account.statistics())

    def _crew(self, parcels: Iterator[Parcel], index: Index, register: Register) -> Crew:
        pace = Pace(self.manner.jobs)
        carrier = self.carrier(self.server, self.account)
        return Crew(parcels, carrier, Order(index), register, pace, self.manner.patience)

    def _past(self, index: Index) -> Past:
        past = Past(index, self.server.session.address)
        if self.manner.resume:
            past.resume(self.folder)
        if self.manner.since:
            past.since(self.folder, self.manner.since)
        return past

    def _parcels(self, items: Iterable[Input], index: Index) -> Iterator[Parcel]:
        """Yield what is to be sent, in the order of the inputs."""
        for number, document in enumerate(documents(items, self.manner.limit), 1):
            self.account.count("read")
            self.account.bytes_read += len(document.data)
            event = index.event(document.digest) if self.manner.resume else ""
            if event == events.TAKEN:
                self.account.count("skipped")
            elif event in (events.SENDING, events.UNKNOWN):
                yield _doubtful(document)
            else:
                parcel = pack(document, (self._checked, *self.steps))
                parcel.number = number
                yield parcel

    def _stopped(self, trouble: FhirconvError) -> Issue:
        sent = self.account.bundles["sent"] + self.account.bundles["skipped"]
        message = (
            f"stopped, as {trouble.message}: {sent} bundles are on the server, the rest is left; "
            "go on with --resume"
        )
        return Issue("fatal", "transient", message, trouble.where)

    def _checked(self, bundle: Resource, _document: Document) -> Prepared:
        """Return a bundle with why it cannot be sent to this server, if so."""
        return [bundle], self.server.problems(bundle)


def _doubtful(document: Document) -> Parcel:
    """Return a document of which an earlier run does not know whether it was taken."""
    message = (
        "unknown whether an earlier run has brought it, and not sent again as a POST would double "
        "it: look for it on the server, then push the dead letter or delete it"
    )
    issue = Issue("error", "incomplete", message, document.place)
    return Parcel(document, [], issues=[issue], digest=document.digest, doubtful=True)


def _damage(past: Past) -> Iterator[Issue]:
    if past.damaged:
        lines = "line is" if past.damaged == 1 else "lines are"
        message = f"{past.damaged} {lines} torn in the journal and counted as not written"
        yield Issue("warning", "incomplete", message, events.NAME)
