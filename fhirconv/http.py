"""One session: time limits, retries, authentication; the only place that opens a connection."""

import http.client
import logging
import os
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urldefrag, urljoin

from fhirconv.access import Access
from fhirconv.address import base_of, is_within, shown
from fhirconv.credentials import by_address, by_environment
from fhirconv.errors import ServerError
from fhirconv.secret import without
from fhirconv.wire import Forms, opened

if TYPE_CHECKING:
    from requests import Response
    from tenacity import RetryCallState

BUSY = frozenset({429, 502, 503, 504})
MOVED = frozenset({301, 302, 303, 307, 308})
REDIRECTS = 5  # in a row
REFUSED = 401
TOKEN = 16  # letters of a secret that no word of a resource is
CHUNK = 65536  # bytes at a time, so that length and time of an answer are looked at in between

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how often a server is asked; times in seconds."""

    connect: float = 10.0
    read: float = 120.0  # of silence
    total: float = 600.0  # one request with all its tries and the waits between them
    tries: int = 5
    first_wait: float = 0.5  # doubled at each try
    longest_wait: float = 60.0  # a Retry-After is heeded up to here
    answer: int = 256_000_000  # bytes


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a server; `resend` says that asking twice does no harm."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | Callable[[], bytes] | None  # made anew for each try where it must differ
    resend: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered: status, headers (names in lower case) and the whole body."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str
    tries: int = 1

    @property
    def is_fine(self) -> bool:
        """Say whether the server did what it was asked."""
        return 200 <= self.status < 300

    @property
    def is_busy(self) -> bool:
        """Say whether the same request may well succeed later."""
        return self.status in BUSY

    @property
    def media_type(self) -> str:
        """The media type of the body, without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class PassingError(ServerError):
    """No answer came, for a reason that may be gone at the next try; the request may be taken."""


class UnreachedError(PassingError):
    """No connection was made, so the request is not taken."""


class SilentError(PassingError):
    """The server has said nothing for so long that it is not asked again by itself."""


@dataclass
class Session:
    """Requests to one base address, whose host alone gets the credentials.

    Without an access they are the user and password of the address, else the bearer token of
    the environment.
    """

    address: str
    limits: Limits = LIMITS
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
    connections: int = 1  # kept open at once, for as many threads
    access: Access | None = None

    def __post_init__(self) -> None:
        """Take the credentials out of the address; no connection is opened yet."""
        given, self.address = self.address, base_of(self.address)
        if self.access is None:
            self.access = Access(by_address(given) or by_environment(self.environment))
        self._answered = False
        self._requests = opened(self.access, self.address, self.environment, self.connections)
        self._forms = Forms(self._requests)

    def __enter__(self) -> Self:
        """Return the session, to be closed at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self.close()

    @property
    def is_signed(self) -> bool:
        """Say whether requests carry credentials."""
        return bool(self.access and self.access.signer)

    def close(self) -> None:
        """Close the connections."""
        self._requests.close()

    def get(self, path: str = "", *, accept: str) -> Answer:
        """Return the answer to a GET of a path below the address; see `send`."""
        return self.send(Request("GET", self._below(path), {"Accept": accept}, None, True))

    def post(self, path: str, body: bytes, *, kind: str, resend: bool) -> Answer:
        """Return the answer to a POST of a body of a media type; see `send`."""
        headers = {"Accept": kind, "Content-Type": kind}
        return self.send(Request("POST", self._below(path), headers, body, resend))

    def offer(self, body: bytes, *, kind: str) -> Answer:
        """Return the answer to one try of a POST to the address; see `once`."""
        return self.once(
            Request("POST", self.address, {"Accept": kind, "Content-Type": kind}, body, False)
        )

    def send(self, request: Request) -> Answer:
        """Return the last answer, whatever its status, after as many tries as are allowed.

        Raises ServerError where none comes: refused, broken off, too slow, not trusted,
        redirected elsewhere. A request that must not be resent has one try.
        """
        from tenacity import Retrying, retry_if_exception, retry_if_result

        begun = self.clock()
        retrying = Retrying(
            retry=retry_if_result(_is_busy) | retry_if_exception(_passes),
            wait=self._wait,
            stop=lambda state: not request.resend or self._is_over(state, begun),
            sleep=self.sleep,
            before_sleep=_tell,
            retry_error_callback=_last,
        )
        answer: Answer = retrying(self._follow, request, begun + self.limits.total)
        return replace(answer, tries=retrying.statistics["attempt_number"])

    def once(self, request: Request) -> Answer:
        """Return the answer to one try; raises PassingError where another may help."""
        return self._follow(request, self.clock() + self.limits.total)

    def _below(self, path: str) -> str:
        return f"{self.address}/{path}" if path else self.address

    def _wait(self, state: "RetryCallState") -> float:
        """Return the seconds to the next try: what the server asks for, else back-off."""
        from tenacity import wait_exponential, wait_random

        outcome = state.outcome
        if outcome and not outcome.failed:
            asked = retry_after(outcome.result().headers.get("retry-after", ""), self.now())
            if asked is not None:
                return min(asked, self.limits.longest_wait)
        first, longest = self.limits.first_wait, self.limits.longest_wait
        return min(wait_exponential(first)(state) + wait_random(0, first)(state), longest)

    def _is_over(self, state: "RetryCallState", begun: float) -> bool:
        spent = self.clock() - begun + state.upcoming_sleep
        return state.attempt_number >= self.limits.tries or spent >= self.limits.total

    def _follow(self, request: Request, deadline: float) -> Answer:
        """Return the answer behind any redirects; they must stay at the host."""
        for _ in range(REDIRECTS + 1):
            answer = self._signed(request, deadline)
            if answer.status not in MOVED or "location" not in answer.headers:
                return answer
            request = _moved(request, answer)
        raise ServerError(f"the server redirects more than {REDIRECTS} times", shown(request.url))

    def _signed(self, request: Request, deadline: float) -> Answer:
        """Return the answer to a request with our credentials, renewed once if they are refused.

        What was refused was not done, so that it may always be sent again.
        """
        signer = self.access.signer if self.access else None
        if signer is None:
            return self._exchange(request, deadline, "")
        used = signer.authorization()
        answer = self._exchange(request, deadline, used)
        renewed = signer.authorization(used) if answer.status == REFUSED else used
        return answer if renewed == used else self._exchange(request, deadline, renewed)

    def _exchange(self, request: Request, deadline: float, authorization: str) -> Answer:
        """Return the answer to one request on the wire, without any secret in what it says."""
        from requests import RequestException
        from urllib3.exceptions import HTTPError

        left = max(deadline - self.clock(), 0.001)
        limits = (min(self.limits.connect, left), min(self.limits.read, left))
        try:
            content = request.body() if callable(request.body) else request.body
            filled = self._forms.fill(
                request.method, request.url, request.headers, content, authorization
            )
            with self._requests.send(
                filled, timeout=limits, allow_redirects=False, stream=True
            ) as response:
                headers = {name.lower(): value for name, value in response.headers.items()}
                body = self._body(response, deadline)
        except (RequestException, HTTPError, UnicodeError) as error:
            raise _trouble(error, shown(request.url), limits, self._answered) from error
        self._answered = True
        answer = Answer(response.status_code, headers, body, shown(request.url))
        secrets = self.access.secrets() if self.access else ()
        # what is fine may be what we asked for, to be kept as it is: no word of it is a token
        return replace(
            answer, body=without(secrets, body, *(() if not answer.is_fine else (TOKEN,)))
        )

    def _body(self, response: "Response", deadline: float) -> bytes:
        """Return the body; raises ServerError where it is too long, or too slow in coming."""
        body = bytearray()
        while chunk := response.raw.read1(CHUNK, decode_content=True):
            body += chunk
            if len(body) > self.limits.answer:
                message = f"the answer is longer than {self.limits.answer} bytes"
                raise ServerError(message, shown(response.url))
            if self.clock() > deadline:
                message = f"the answer is not whole after {self.limits.total:g} seconds"
                raise SilentError(message, shown(response.url))
        return bytes(body)


def retry_after(value: str, now: float) -> float | None:
    """Return the seconds of a Retry-After, given as seconds or a date; None for neither."""
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    aware = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max(0.0, aware.timestamp() - now)


def _moved(request: Request, answer: Answer) -> Request:
    """Return the request for where a redirect leads; raises ServerError for another host.

    The method and body stay, except after 303: a bundle is not to turn into a GET.
    """
    target = urldefrag(urljoin(request.url, answer.headers["location"])).url
    if not is_within(request.url, target):
        message = f"the server redirects to another host, {shown(target)!r}, which is sent nothing"
        raise ServerError(f"{message}: give that address if it is right", shown(request.url))
    if answer.status == HTTPStatus.SEE_OTHER:
        return replace(request, url=target, method="GET", body=None)
    return replace(request, url=target)


def _is_busy(answer: Answer) -> bool:
    return answer.is_busy


def _passes(error: BaseException) -> bool:
    return isinstance(error, PassingError) and not isinstance(error, SilentError)


def _tell(state: "RetryCallState") -> None:
    """Log why and how long the next try is waited for."""
    outcome = state.outcome
    if outcome:
        why = outcome.exception() or f"status {outcome.result().status}"
        log.info("try %d: %s; next in %.1f s", state.attempt_number, why, state.upcoming_sleep)


def _last(state: "RetryCallState") -> Any:
    """Return the last answer, or raise the last trouble with the number of its tries."""
    outcome = state.outcome
    trouble = outcome.exception() if outcome else None
    if isinstance(trouble, PassingError):
        times = f", in {state.attempt_number} tries" if state.attempt_number > 1 else ""
        raise type(trouble)(trouble.message + times, trouble.where) from trouble
    return outcome.result() if outcome else None


def _trouble(
    error: Exception, where: str, limits: tuple[float, float], answered: bool
) -> ServerError:
    """Return why no answer came; a PassingError where another try may help."""
    from requests.exceptions import ConnectTimeout
    from urllib3.exceptions import DecodeError, ProxyError, ReadTimeoutError

    # before its first answer a server that refuses is none, later it is one that restarts
    away, odd = (UnreachedError, PassingError) if answered else (ServerError, ServerError)
    kinds: tuple[tuple[type[BaseException], str, type[ServerError]], ...] = (
        (ssl.SSLCertVerificationError, "the server's certificate is not trusted: {}", ServerError),
        (ssl.SSLError, "no secure connection (https) can be made: {}", ServerError),
        (ProxyError, "the proxy cannot be reached, or refuses us", away),
        (socket.gaierror, "the host cannot be found: {}", away),
        (ConnectTimeout, f"no connection within {limits[0]:g} seconds", UnreachedError),
        (ReadTimeoutError, f"no answer within {limits[1]:g} seconds", SilentError),
        (ConnectionRefusedError, "no server answers there: the connection is refused", away),
        (ConnectionError, "the connection broke: {}", PassingError),
        (http.client.IncompleteRead, "the answer broke off before its end", PassingError),
        (http.client.HTTPException, "what answers there speaks no HTTP", odd),
        (DecodeError, "the answer cannot be unpacked", odd),
    )
    causes = list(_causes(error))
    for kind, sentence, made in kinds:
        cause = next((c for c in causes if isinstance(c, kind)), None)
        if cause is not None:
            return made(sentence.format(_why(cause)), where)
    words = (_why(c) for c in causes if isinstance(c, OSError) and c.strerror)
    return ServerError(f"no connection can be made: {next(words, type(error).__name__)}", where)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and what it wraps, outermost first: requests and urllib3 wrap deeply."""
    seen: list[BaseException] = []
    waiting = [error]
    while waiting:
        cause = waiting.pop(0)
        if cause in seen:
            continue
        seen.append(cause)
        yield cause
        inner = (*cause.args, getattr(cause, "reason", None), cause.__cause__)
        waiting += [one for one in inner if isinstance(one, BaseException)]


def _why(cause: BaseException) -> str:
    """Return the words of the system for a failure, without numbers and names of modules."""
    if isinstance(cause, ssl.SSLCertVerificationError):
        return cause.verify_message
    if isinstance(cause, ssl.SSLError):
        return (cause.reason or "the server broke off").lower().replace("_", " ")
    said = getattr(cause, "strerror", None) or str(cause)
    return said[:1].lower() + said[1:]
