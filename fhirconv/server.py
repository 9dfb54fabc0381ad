"""The FHIR server: is it there, which release, take this Bundle."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Self

from fhirconv.errors import ServerError
from fhirconv.http import LIMITS, Answer, Limits, Request, Session
from fhirconv.outcome import Issue
from fhirconv.release import marks_of
from fhirconv.tables import Release, Tables, built_in
from fhirconv.upload import (
    Upload,
    can_repeat,
    entries_of,
    issues_in,
    place,
    refused,
    status_text,
    taken,
    unsent,
)

Resource = dict[str, Any]

FHIR_JSON = "application/fhir+json"
SENDABLE = ("transaction", "batch")
ANSWERS = ("transaction-response", "batch-response")
GONE = frozenset({404, 410})
HINT = "is this the base address of a FHIR server?"


@dataclass
class Server:
    """One FHIR server through one session; its release is asked for once."""

    session: Session
    tables: Tables
    _release: Release | None = None
    _statement: Resource | None = None
    date: datetime | None = None  # of its last answer, by its own clock

    @classmethod
    def at(
        cls,
        address: str,
        tables: Tables | None = None,
        limits: Limits = LIMITS,
        connections: int = 1,
    ) -> Self:
        """Return the server at a base address; raises UsageError where that is none."""
        return cls(Session(address, limits, connections=connections), tables or built_in())

    def __enter__(self) -> Self:
        """Return the server, whose connections are closed at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self.session.close()

    def release(self) -> Release:
        """Return the release that the server speaks, or whose resources it takes.

        Raises ServerError where no FHIR server answers, or one of a release that no table has.
        """
        if self._release is None:
            version = str(self.statement().get("fhirVersion", ""))
            self._release = self._release_of(version, f"{self.session.address}/metadata")
        return self._release

    def statement(self) -> Resource:
        """Return the server's CapabilityStatement, asked for once; raises ServerError for none."""
        if self._statement is None:
            answer = self.session.get("metadata", accept=FHIR_JSON)
            self.check_status(answer)
            self._statement = self._read(answer, "CapabilityStatement")
        return self._statement

    def push(self, bundle: Resource, release: str | None = None) -> Upload:
        """Send a transaction or batch Bundle; return what became of its entries.

        A bundle that cannot be sent, or that the server refuses, gives an Upload with issues;
        raises ServerError where no server answers, or not in FHIR. `release` is the one that the
        caller means, for a bundle that does not show it.
        """
        problems = self.problems(bundle, release)
        if problems:
            return unsent(bundle, *problems)
        since = self.date
        answer = self.session.post(
            "", as_json(bundle), kind=FHIR_JSON, resend=is_repeatable(bundle)
        )
        self.check_status(answer)
        return self.upload(bundle, answer, since)

    def problems(self, bundle: Resource, release: str | None = None) -> list[Issue]:
        """Return why a bundle cannot be sent to this server; nothing where it can."""
        return list(_problems(bundle)) or list(self._misfits(bundle, release))

    def offer(self, body: bytes) -> Answer:
        """Return the answer to one try to send a bundle; raises PassingError for none."""
        return self.session.offer(body, kind=FHIR_JSON)

    def upload(self, bundle: Resource, answer: Answer, since: datetime | None) -> Upload:
        """Return what became of the entries of a bundle by the answer to it.

        `since` is the date of the server before it was sent. Raises ServerError for an answer
        that tells nothing of the entries.
        """
        said = self._read(answer, "Bundle", "OperationOutcome")
        if said["resourceType"] == "OperationOutcome":
            return refused(bundle, said, answer.status, answer.url)
        if not answer.is_fine or said.get("type") not in ANSWERS:
            kind = f"{status_text(answer.status)} with a Bundle of type {said.get('type')!r}"
            raise ServerError(f"the server answers {kind}", answer.url)
        return taken(bundle, said, since, answer.url)

    def validate(self, resource: Resource) -> list[Issue]:
        """Return what the server's $validate says of a resource, but for mere information.

        Raises ServerError where no server answers, or not in FHIR.
        """
        path = f"{resource['resourceType']}/$validate"
        answer = self.session.post(path, as_json(resource), kind=FHIR_JSON, resend=True)
        self.check_status(answer)
        said = self._read(answer, "OperationOutcome")
        return [replace(issue, where=_plain_path(issue.where)) for issue in issues_in(said)]

    def ask(self, path: str, *types: str) -> Resource | None:
        """Return the resource at a path or an address below ours, every number as it is written.

        None where nothing is there, or no more. What was asked a minute ago is asked anew. Raises
        ServerError where the answer is of none of these types.
        """
        headers = {"Accept": FHIR_JSON, "Cache-Control": "no-cache"}
        url = path if "://" in path else f"{self.session.address}/{path}"
        answer = self.session.send(Request("GET", url, headers, None, resend=True))
        if answer.status in GONE:
            return None
        self.check_status(answer)
        self._read(answer, *types)
        if not answer.is_fine:
            raise ServerError(f"the server answers {status_text(answer.status)}", answer.url)
        exact: Resource = json.loads(answer.body, parse_float=Decimal)
        return exact

    def _read(self, answer: Answer, *types: str) -> Resource:
        """Return the resource of an answer, one of these types; raises ServerError for others."""
        import orjson

        self.date = dated(answer.headers.get("date", "")) or self.date
        status = "" if answer.is_fine else f" {status_text(answer.status)}"
        try:
            said = orjson.loads(answer.body)
        except orjson.JSONDecodeError as error:
            message = f"the server answers{status} {_form(answer)}: {HINT}"
            if answer.body and "json" in answer.media_type:
                message = f"the server answers{status} in broken JSON: {error}"
            raise ServerError(message, answer.url) from error
        if isinstance(said, dict) and said.get("resourceType") in types:
            return said
        message = f"the server answers{status} with {_gist(said)}, not {' or '.join(types)}"
        raise ServerError(f"{message}: {HINT}", answer.url)

    def check_status(self, answer: Answer) -> None:
        """Raise ServerError for an answer that speaks of the client, not of what it sent."""
        text = status_text(answer.status)
        if answer.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
            message = f"the proxy asks for credentials: {text}"
            hint = "set HTTPS_PROXY or HTTP_PROXY with user and password"
            raise ServerError(f"{message}; {hint}", answer.url)
        if answer.status in (401, 403) and self.session.is_signed:
            raise ServerError(f"the server does not accept the credentials: {text}", answer.url)
        if answer.status in (401, 403):
            message = f"the server asks for credentials: {text}"
            hint = "set FHIRCONV_TOKEN or FHIRCONV_TOKEN_FILE"
            raise ServerError(f"{message}; {hint}", answer.url)
        if answer.is_busy:
            tries = f", in {answer.tries} tries" if answer.tries > 1 else ""
            raise ServerError(f"the server is too busy: {text}{tries}", answer.url)

    def _release_of(self, version: str, where: str) -> Release:
        """Return the release of a version; only its first two numbers count."""
        for release in self.tables.releases.values():
            versions = (release.version, *release.also)
            if version.split(".")[:2] in [known.split(".")[:2] for known in versions]:
                return release
        known = ", ".join(_words(r) for r in self.tables.releases.values())
        said = f"speaks FHIR {version!r}" if version else "does not say which FHIR it speaks"
        raise ServerError(f"the server {said} (known: {known})", where)

    def _spoken(self) -> str:
        """Return the release that the server speaks in words, also where it takes another's."""
        release, version = self.release(), str(self.statement().get("fhirVersion", ""))
        if version.split(".")[:2] in [known.split(".")[:2] for known in release.also]:
            return f"FHIR {version}, which takes what is made for {release.name}"
        return _words(release)

    def _misfits(self, bundle: Resource, release: str | None) -> Iterator[Issue]:
        """Yield why a bundle is of another release than the server, by its first mark."""
        spoken = self.release()
        if release and self.tables.release(release) != spoken:
            message = f"{release} is asked for and the server speaks {self._spoken()}"
            yield Issue("error", "not-supported", message, self.session.address)
            return
        for number, mark in marks_of(bundle, self.tables):
            if spoken.name not in mark.releases:
                element = f"{mark.resource}.{mark.element}".rstrip(".")
                message = (
                    f"the bundle is of {' or '.join(mark.releases)} (it has {element}) and the "
                    f"server speaks {self._spoken()}: convert with --release {spoken.name}"
                )
                yield Issue("error", "not-supported", message, place(bundle, number))
                return


def push(
    bundle: Resource, server: str, release: str | None = None, tables: Tables | None = None
) -> Upload:
    """Send one bundle to the server at a base address; see Server.push."""
    with Server.at(server, tables) as there:
        return there.push(bundle, release)


def is_repeatable(bundle: Resource) -> bool:
    """Say whether sending a bundle twice leaves the server as sending it once does."""
    return all(can_repeat(entry["request"]) for entry in entries_of(bundle))


def _problems(bundle: Resource) -> Iterator[Issue]:
    """Yield what keeps a resource from being sent as it is."""
    hint = "make it with convert --bundle transaction"
    kind = bundle.get("resourceType")
    if kind != "Bundle":
        yield Issue("error", "structure", f"{kind!r} is no Bundle: {hint}", "resourceType")
    elif bundle.get("type") not in SENDABLE:
        message = f"a Bundle of type {bundle.get('type')!r} cannot be sent: {hint}"
        yield Issue("error", "not-supported", message, "Bundle.type")
    elif not entries_of(bundle):
        yield Issue("error", "required", "the Bundle has no entry to be sent", "Bundle.entry")
    else:
        for number, entry in enumerate(entries_of(bundle)):
            request = entry.get("request") if isinstance(entry, dict) else None
            fields = request if isinstance(request, dict) else {}
            if not (isinstance(fields.get("method"), str) and isinstance(fields.get("url"), str)):
                message = f"the entry has no request with a method and a url: {hint}"
                yield Issue("error", "required", message, f"Bundle.entry[{number}].request")


def as_json(bundle: Resource) -> bytes:
    """Return a bundle as JSON; a Decimal keeps its digits."""
    import orjson

    def number(value: object) -> orjson.Fragment:
        if isinstance(value, Decimal):
            return orjson.Fragment(str(value))
        raise TypeError(f"{type(value).__name__} is no JSON")

    try:
        return orjson.dumps(bundle, default=number)
    except TypeError as error:
        raise ServerError(f"the Bundle cannot be written as JSON: {error}", "") from error


def _plain_path(where: str) -> str:
    """Return a server's FHIRPath without the remarks and the types of resources in it."""
    return re.sub(r"/\*.*?\*/|(?<=\.resource)\.ofType\([A-Za-z]+\)", "", where)


def dated(header: str) -> datetime | None:
    """Return the time that a header of HTTP says; None where it says none."""
    try:
        date = parsedate_to_datetime(header)
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _form(answer: Answer) -> str:
    """Return in few words the form of an answer that is no JSON."""
    if not answer.body:
        return "with nothing"
    return f"in {answer.media_type or 'no media type'}, not in FHIR JSON"


def _gist(said: object) -> str:
    """Return in few words what an answer is that was not asked for."""
    if not isinstance(said, dict) or not isinstance(said.get("resourceType"), str):
        return "no resource"
    if said["resourceType"] != "OperationOutcome":
        return f"a {said['resourceType']}"
    reasons = [issue.message for issue in issues_in(said)]
    return f"an OperationOutcome ({reasons[0]})" if reasons else "an OperationOutcome"


def _words(release: Release) -> str:
    return f"{release.name} ({release.version})"
