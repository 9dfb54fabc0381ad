"""A bundle is carried to the server, once: what became of its entries, or why that is not known."""

import time
from dataclasses import dataclass, replace
from typing import Any, Protocol

from fhirconv.errors import ServerError
from fhirconv.http import Answer, PassingError, retry_after
from fhirconv.loader.account import Account
from fhirconv.outcome import Issue
from fhirconv.server import Server, as_json
from fhirconv.upload import Upload, status_text, unsent

Resource = dict[str, Any]

SLOWER = frozenset({429, 503})  # the server asks for fewer requests
NOT_TAKEN = frozenset({408, 409, 412, 425, 429, 503})  # the server says that it did nothing
AGAIN = NOT_TAKEN | {500, 502, 504, 507, 508, 509, 520, 521, 522, 523, 524, 529}
GONE = frozenset({429, 502, 503, 504, 521, 522, 523})  # as long as all say so, no server is there


class AgainError(ServerError):
    """The server answers that it did not take a bundle, which another try may change."""

    def __init__(self, upload: Upload, status: int, wait: float | None, where: str) -> None:
        super().__init__(f"the server answers {status_text(status)}", where)
        self.upload = upload
        self.status = status
        self.wait = wait  # seconds, where it says how long

    @property
    def is_untaken(self) -> bool:
        """Say whether the bundle is surely not taken."""
        return self.status in NOT_TAKEN


class Carrier(Protocol):
    """What brings one bundle to a server."""

    def __call__(self, bundle: Resource) -> Upload:
        """Return what became of the entries, after one try.

        Raises PassingError where no answer came that can be read, AgainError where it may be
        taken later, and ServerError where no other bundle would be taken either.
        """


@dataclass
class Transactions:
    """Carries each bundle as one request to the base address."""

    server: Server
    account: Account

    def __call__(self, bundle: Resource) -> Upload:
        """Send a transaction or batch once; see Carrier."""
        body, since = as_json(bundle), self.server.date
        begun = time.perf_counter()
        answer = self.server.offer(body)
        self.account.answered(time.perf_counter() - begun, len(body), len(answer.body))
        if answer.status == 401 or (answer.status == 403 and not self.account.has_sent):
            self.server.check_status(answer)
        upload = self._read(bundle, answer, since)
        statuses = [answer.status, *(result.status for result in upload.results)]
        passing = next((status for status in statuses if status in AGAIN), None)
        if passing is not None:
            wait = retry_after(answer.headers.get("retry-after", ""), time.time())
            raise AgainError(upload, passing, wait, answer.url)
        return upload

    def _read(self, bundle: Resource, answer: Answer, since: Any) -> Upload:
        try:
            return self.server.upload(bundle, answer, since)
        except ServerError as error:
            if answer.is_fine:
                raise PassingError(error.message, error.where) from error
            issue = Issue("error", "processing", error.message, error.where)
            return replace(unsent(bundle, issue), status=answer.status)
