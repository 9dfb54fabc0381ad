"""Other ways than a transaction: without one, in parts, or on ids that the server chooses."""

import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from fhirconv.capability import WAYS, capability_of
from fhirconv.http import Answer, Request, retry_after
from fhirconv.inquiry import Exchange, Inquiry
from fhirconv.loader.account import Account
from fhirconv.loader.carrier import AGAIN, SLOWER, AgainError, Carrier, Transactions
from fhirconv.outcome import Issue
from fhirconv.own_ids import Finder, Searches, UnfindableError, is_conditional
from fhirconv.references import homes_of
from fhirconv.server import Server
from fhirconv.split import NO_LIMIT, Limit, part, portions
from fhirconv.stepwise import NOT_SUPPORTED, Walk, takes_none
from fhirconv.upload import ENTRY, Result, Upload, entries_of, place, unsent

Resource = dict[str, Any]

TRANSACTION, BATCH, SINGLE = WAYS
AUTO = "auto"
IDS = CLIENT, SERVER = ("client", "server")  # who chooses them
TOO_LARGE = 413
CHOSEN = re.compile(r"client[- ](assigned|supplied|defined|provided) id", re.IGNORECASE)

Piece = tuple[Sequence[int], Upload]  # the numbers of some entries, what became of them


@dataclass
class Wire:
    """Brings one request to the server, once, and counts it."""

    server: Server
    account: Account

    def __call__(self, request: Request) -> Answer:
        """Return the answer; raises AgainError where the server wants to be asked later."""
        begun = time.perf_counter()
        answer = self.server.session.once(request)
        sent = len(request.body) if isinstance(request.body, bytes) else 0
        self.account.answered(time.perf_counter() - begun, sent, len(answer.body))
        if answer.status == 401 or (answer.status == 403 and not self.account.has_sent):
            self.server.check_status(answer)
        is_fhir = answer.body.lstrip().startswith(b"{")
        if answer.status in SLOWER or (answer.status in AGAIN and not is_fhir):
            wait = retry_after(answer.headers.get("retry-after", ""), time.time())
            raise AgainError(Upload(), answer.status, wait, answer.url)
        return answer


@dataclass
class Stepwise:
    """Carries each bundle in batches or as single requests, what is referred to first."""

    wire: Wire
    batch: bool

    def __call__(self, bundle: Resource) -> Upload:
        """Send the entries of a bundle; see Carrier."""
        server = self.wire.server
        since = server.date
        walk = Walk(server.session.address, bundle, self.wire, batch=self.batch)
        try:
            walk.go()
        except AgainError as error:
            error.upload = walk.upload(since)
            raise
        self.batch = self.batch and not walk.refused
        upload = walk.upload(since)
        passing = next((r.status for r in upload.results if r.status in AGAIN), None)
        if passing is not None:
            raise AgainError(upload, passing, None, server.session.address)
        return upload


@dataclass
class Free:
    """Carries transactions until the server says that it takes none, and then step by step."""

    transactions: Transactions
    stepwise: Stepwise
    is_whole: bool = True

    def __call__(self, bundle: Resource) -> Upload:
        """Send a bundle the best way that is known; see Carrier."""
        if self.is_whole:
            upload = self.transactions(bundle)
            if not _takes_none(upload):
                return upload
            self.is_whole = False
        return self.stepwise(bundle)


def _takes_none(upload: Upload) -> bool:
    """Say whether a server refused a Bundle as it takes no transactions."""
    if upload.results or not upload.failed:
        return False
    said = {"issue": [{"code": i.code, "diagnostics": i.message} for i in upload.issues]}
    return takes_none(upload.status, said)


@dataclass
class Cutting:
    """Carries a bundle that is too large for the server in parts, once that is known."""

    inner: Carrier
    limit: Limit = NO_LIMIT

    def __call__(self, bundle: Resource) -> Upload:
        """Send a bundle within the limit; see Carrier."""
        cut = portions(bundle, self.limit)
        if isinstance(cut, Issue):
            return unsent(bundle, replace(cut, where=place(bundle, _number(cut))))
        if len(cut) == 1:
            upload = self.inner(bundle)
            if upload.status != TOO_LARGE:
                return upload
            self.limit = self.limit.below(bundle)
            return self(bundle)
        return self._in_parts(bundle, cut)

    def _in_parts(self, bundle: Resource, cut: list[list[int]]) -> Upload:
        """Send the parts in their order; none after one that failed."""
        entries = entries_of(bundle)
        homes: dict[str, str] = {}
        done: list[Piece] = []
        for numbers in cut:
            made = part(bundle, numbers, homes)
            try:
                upload = self(made)
            except AgainError as error:
                error.upload = merged(bundle, [*done, (numbers, error.upload)])
                raise
            done.append((numbers, upload))
            if upload.failed:
                break
            homes |= homes_of(entries[number] for number in numbers)
            for entry, result in zip(made["entry"], upload.results, strict=False):
                if result.address and isinstance(entry.get("fullUrl"), str):
                    homes[entry["fullUrl"]] = result.address
        return merged(bundle, done)


@dataclass
class OurIds:
    """Carries bundles on our ids, and says what to do where the server wants to choose them."""

    inner: Carrier

    def __call__(self, bundle: Resource) -> Upload:
        """Send a bundle; see Carrier."""
        upload = self.inner(bundle)
        if not upload.failed:
            return upload
        return replace(upload, issues=tuple(_hinted(issue) for issue in upload.issues))


def _hinted(issue: Issue) -> Issue:
    if not CHOSEN.search(issue.message):
        return issue
    return replace(issue, message=f"{issue.message.rstrip('. ')}: try --ids server")


@dataclass
class OwnIds:
    """Carries what a server does not have yet, which chooses the ids."""

    inner: Carrier
    finder: Finder

    def __call__(self, bundle: Resource) -> Upload:
        """Send what is not found on the server; see Carrier."""
        entries = entries_of(bundle)
        if all(not is_conditional(e) or self.finder.is_searchable(e) for e in entries):
            return self.inner(bundle)
        try:
            found = self.finder.find(bundle)
        except UnfindableError as error:
            return unsent(bundle, Issue("error", NOT_SUPPORTED, error.message, error.where))
        there = Upload(unchanged=len(found), results=tuple(map(_there, found.values())))
        homes = {
            entries[number]["fullUrl"]: result.address
            for number, result in zip(found, there.results, strict=True)
            if isinstance(entries[number].get("fullUrl"), str)
        }
        rest = [number for number in range(len(entries)) if number not in found]
        if not rest:
            return there
        made = part(bundle, rest, homes)
        made["entry"] = [self._plain(entry) for entry in made["entry"]]
        try:
            upload = self.inner(made)
        except AgainError as error:
            error.upload = merged(bundle, [(list(found), there), (rest, error.upload)])
            raise
        return merged(bundle, [(list(found), there), (rest, upload)])

    def _plain(self, entry: Resource) -> Resource:
        """Return an entry without a condition that the server cannot search by."""
        if not is_conditional(entry) or self.finder.is_searchable(entry):
            return entry
        request = {k: v for k, v in entry["request"].items() if k != "ifNoneExist"}
        return entry | {"request": request}


def _there(stored: Resource) -> Result:
    meta = stored.get("meta")
    version = str(meta.get("versionId", "")) if isinstance(meta, dict) else ""
    address = f"{stored.get('resourceType')}/{stored.get('id')}"
    return Result("unchanged", version, (), 200, address)


def merged(bundle: Resource, pieces: Sequence[Piece]) -> Upload:
    """Return what became of a bundle that went in pieces; what is in none of them has failed."""
    results = [Result("failed")] * len(entries_of(bundle))
    issues: list[Issue] = []
    for numbers, upload in pieces:
        for number, result in zip(numbers, upload.results, strict=False):
            results[number] = result
        issues += [_renumbered(issue, numbers) for issue in upload.issues]
    counts = Counter(result.kind for result in results)
    return Upload(**counts, issues=tuple(issues), results=tuple(results))


def _renumbered(issue: Issue, numbers: Sequence[int]) -> Issue:
    """Return an issue of a piece with the number that its entry has in the whole."""
    found = ENTRY.match(issue.where)
    if not found or int(found[1]) >= len(numbers):
        return issue
    start = f"Bundle.entry[{found[1]}]"
    where = f"Bundle.entry[{numbers[int(found[1])]}]{issue.where.removeprefix(start)}"
    return replace(issue, where=where)


def _number(issue: Issue) -> int:
    found = ENTRY.match(issue.where)
    return int(found[1]) if found else 0


@dataclass(frozen=True, slots=True)
class Terms:
    """How bundles are brought: on whose ids, in which way, how much at once."""

    ids: str = CLIENT
    way: str = AUTO
    limit: Limit = NO_LIMIT

    def carrier(self, server: Server, account: Account) -> Carrier:
        """Return what carries bundles so."""
        wire = Wire(server, account)
        way = capability_of(server.statement()).way if self.way == AUTO else self.way
        stepwise = Stepwise(wire, way != SINGLE)
        carrier: Carrier = stepwise
        if way == TRANSACTION:
            whole = Transactions(server, account)
            carrier = Free(whole, stepwise) if self.way == AUTO else whole
        cutting = Cutting(carrier, self.limit)
        if self.ids == CLIENT:
            return OurIds(cutting)
        return OwnIds(cutting, finder(server, wire))


def finder(server: Server, exchange: Exchange | None = None) -> Finder:
    """Return what finds resources on a server that chooses the ids."""
    return Finder(Inquiry(server, exchange), how_to_find(server))


def how_to_find(server: Server) -> Searches:
    """Return by which searches a server finds what it has."""
    capability = capability_of(server.statement())
    return Searches(capability, server.tables, server.release().name)
