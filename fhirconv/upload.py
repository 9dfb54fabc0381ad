"""What a server says of a Bundle, entry by entry: created, updated, unchanged or failed."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from http import HTTPStatus
from typing import Any

from fhirconv.outcome import Issue, has_errors, issues_of

Resource = dict[str, Any]

NO_CHANGE = "_NO_CHANGE"  # HAPI ends so its code for an update that made no version
READING = frozenset({"GET", "HEAD"})
REPEATABLE = READING | {"PUT", "DELETE"}
CODES = {401: "login", 403: "forbidden", 404: "not-found", 409: "conflict", 412: "conflict"}
ENTRY = re.compile(r"Bundle\.entry\[(\d+)\](?:\.resource)?(?:\.ofType\(\w+\))?(?:/\*.*?\*/)?(.*)")
URN = re.compile(r"urn:(?:uuid|oid):[\w.-]*\w")
LOCATION = re.compile(r"(?:^|/)([A-Z][A-Za-z]+/[A-Za-z0-9.-]{1,64})(?:/_history/[^/]*)?/?$")
XPATH = re.compile(r"/f:entry\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class Upload:
    """What became of the entries of one or more bundles, and what is to be said of them."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    failed: int = 0
    issues: tuple[Issue, ...] = ()
    results: tuple["Result", ...] = field(default=(), compare=False, repr=False)  # of one bundle
    status: int = field(default=0, compare=False, repr=False)  # with which all of it was refused

    def __add__(self, other: "Upload") -> "Upload":
        """Return both as one, without the results of each entry."""
        return Upload(
            self.created + other.created,
            self.updated + other.updated,
            self.unchanged + other.unchanged,
            self.failed + other.failed,
            self.issues + other.issues,
        )


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one entry: the name of its count in Upload, its version, its issues."""

    kind: str
    version: str = ""
    issues: tuple[Issue, ...] = ()
    status: int = 0
    address: str = ""  # Type/id, where the server says it


def unsent(bundle: Resource, *issues: Issue) -> Upload:
    """Return the upload of a bundle of which nothing has been taken."""
    return Upload(failed=len(entries_of(bundle)), issues=issues)


def refused(bundle: Resource, outcome: Resource, status: int, where: str) -> Upload:
    """Return the upload of a bundle that the server refused as a whole, with its reasons."""
    issues = [_placed(issue, bundle, where) for issue in issues_in(outcome)]
    if not has_errors(issues):
        message = f"the server refuses the bundle with {status_text(status)}"
        issues.append(Issue("error", _code(status), message, where))
    return replace(unsent(bundle, *issues), status=status)


def taken(bundle: Resource, answer: Resource, since: datetime | None, where: str) -> Upload:
    """Return the upload of a bundle that the server answered entry by entry.

    `since` is a time by the server's clock before the bundle was sent: an entry that was last
    modified earlier is unchanged.
    """
    sent, got = entries_of(bundle), entries_of(answer)
    if len(sent) != len(got):
        message = f"the server answers for {len(got)} of {len(sent)} entries"
        return unsent(bundle, Issue("error", "incomplete", message, where))
    results = [_result(bundle, number, entry, since) for number, entry in enumerate(got)]
    counts = Counter(result.kind for result in results)
    issues = tuple(issue for result in results for issue in result.issues)
    return Upload(**counts, issues=issues, results=tuple(results))


def entries_of(bundle: Resource) -> list[Any]:
    """Return the entries of a bundle, of any shape; none where it has no list of them."""
    entries = bundle.get("entry")
    return entries if isinstance(entries, list) else []


def can_repeat(request: Resource) -> bool:
    """Say whether a request sent twice leaves the server as sent once does."""
    if request["method"] == "POST":
        return bool(request.get("ifNoneExist"))
    return request["method"] in REPEATABLE and not request.get("ifMatch")


def place(bundle: Resource, number: int, rest: str = "") -> str:
    """Return the FHIRPath of an entry's resource, with its type and id as HL7 writes them."""
    name = _name(entries_of(bundle)[number])
    return f"Bundle.entry[{number}].resource/*{name}*/{rest}" if name else f"Bundle.entry[{number}]"


def issues_in(outcome: Resource) -> Iterator[Issue]:
    """Yield the issues of an outcome that need attention, whatever shape a server gives it."""
    for listed in _dicts(outcome.get("issue")):
        sound: Resource = {"details": _dict(listed.get("details"))}
        for name in ("severity", "code", "diagnostics"):
            sound |= {name: listed[name]} if isinstance(listed.get(name), str) else {}
        for name in ("expression", "location"):
            places = listed.get(name)
            sound[name] = [str(p) for p in places] if isinstance(places, list) else []
        for issue in issues_of({"issue": [sound]}):
            if issue.severity != "information":
                yield replace(issue, message=_plain(str(issue.message)))


def status_text(status: int) -> str:
    """Return a status with its usual words."""
    known = status in HTTPStatus.__members__.values()
    return f"{status} {HTTPStatus(status).phrase}" if known else str(status)


def _result(bundle: Resource, number: int, entry: object, since: datetime | None) -> Result:
    """Return what became of one entry, by its response."""
    response = _dict(_dict(entry).get("response"))
    status = _status(response)
    version = re.sub(r'^W/|"', "", str(response.get("etag", "")))
    issues = [_placed(i, bundle, "", number) for i in issues_in(_dict(response.get("outcome")))]
    if 200 <= status < 300 or status == HTTPStatus.NOT_MODIFIED:
        request = _dict(_dict(entries_of(bundle)[number]).get("request"))
        kind, told = _kind(request, response, version, since), str(response.get("location", ""))
        return Result(kind, version, tuple(issues), status, _address(told))
    if not has_errors(issues):
        said = f"with {status_text(status)}" if status else "without a status"
        message = f"the server refuses the entry {said}"
        issues.append(Issue("error", _code(status), message, place(bundle, number)))
    return Result("failed", version, tuple(issues), status)


def _kind(request: Resource, response: Resource, version: str, since: datetime | None) -> str:
    """Return what a success was: an update is answered with 200 whether it changed or not."""
    if _status(response) == HTTPStatus.CREATED:
        return "created"
    modified = _instant(str(response.get("lastModified", "")))
    untouched = since is not None and modified is not None and modified < since
    said = any(code.endswith(NO_CHANGE) for code in _codes(_dict(response.get("outcome"))))
    first = version == "1"  # an update would have made the second
    read = request.get("method") in READING or _status(response) == HTTPStatus.NOT_MODIFIED
    return "unchanged" if read or untouched or said or first else "updated"


def _address(location: str) -> str:
    """Return Type/id of the location of a resource, whatever base and version it has."""
    found = LOCATION.search(location)
    return found[1] if found else ""


def _status(response: Resource) -> int:
    found = re.match(r"\d{3}\b", str(response.get("status", "")))
    return int(found[0]) if found else 0


def _code(status: int) -> str:
    """Return FHIR's IssueType for a status."""
    return CODES.get(status, "exception" if status >= 500 else "processing")


def _instant(text: str) -> datetime | None:
    """Return a FHIR instant; None for anything else, also for a time without its zone."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    return instant if instant.tzinfo else None


def _codes(outcome: Resource) -> Iterator[str]:
    """Yield the codes of an OperationOutcome's details."""
    for issue in _dicts(outcome.get("issue")):
        for coding in _dicts(_dict(issue.get("details")).get("coding")):
            yield str(coding.get("code", ""))


def _placed(issue: Issue, bundle: Resource, where: str, number: int | None = None) -> Issue:
    """Return an issue with the entry it belongs to, by its number, its place or its words."""
    entries = entries_of(bundle)
    stated, inner = _stated(issue.where)
    for found in (number, stated, _meant(issue.message, entries)):
        if found is not None and found < len(entries):
            return replace(issue, where=place(bundle, found, inner))
    return replace(issue, where=issue.where or where)


def _stated(where: str) -> tuple[int | None, str]:
    """Return the number of the entry that a FHIRPath or XPath leads to, and the path in it."""
    if found := ENTRY.match(where):
        return int(found[1]), found[2]
    found = XPATH.search(where)
    return (int(found[1]) - 1 if found else None), ""


def _meant(message: str, entries: list[Any]) -> int | None:
    """Return the number of the entry that a message names, else of one with the URN it names."""
    for number, entry in enumerate(entries):
        names = (_name(entry), _request_url(entry), str(_dict(entry).get("fullUrl", "")))
        if any(_is_in(name, message) for name in names):
            return number
    urns = URN.findall(message)
    holding = (n for n, entry in enumerate(entries) if any(urn in str(entry) for urn in urns))
    return next(holding, None)


def _name(entry: object) -> str:
    """Return Type/id of an entry's resource, else where its request goes."""
    resource = _dict(_dict(entry).get("resource"))
    if resource.get("resourceType") and resource.get("id"):
        return f"{resource['resourceType']}/{resource['id']}"
    return _request_url(entry)


def _request_url(entry: object) -> str:
    return str(_dict(_dict(entry).get("request")).get("url", ""))


def _is_in(name: str, message: str) -> bool:
    return bool(name) and re.search(rf"(?<![\w/-]){re.escape(name)}(?![\w-])", message) is not None


def _plain(message: str) -> str:
    """Return a server's words as one line without control characters."""
    return "".join(letter for letter in " ".join(message.split()) if letter.isprintable())


def _dict(value: object) -> Resource:
    return value if isinstance(value, dict) else {}


def _dicts(value: object) -> Iterator[Resource]:
    yield from (one for one in (value if isinstance(value, list) else ()) if isinstance(one, dict))
