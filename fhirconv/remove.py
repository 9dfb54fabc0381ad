"""What was pushed is taken off a server again; what others still refer to is left."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from fhirconv.errors import ServerError
from fhirconv.gather import PATIENT, gather
from fhirconv.http import Answer, Request
from fhirconv.outcome import Issue
from fhirconv.references import groups, home_of, named, resource_of, targets
from fhirconv.server import FHIR_JSON, GONE, Server, as_json
from fhirconv.upload import entries_of, issues_in, status_text

Resource = dict[str, Any]

DELETED, ABSENT, LEFT, FAILED = "deleted", "already gone", "left", "failed"
COUNTS = (DELETED, ABSENT, LEFT, FAILED)
CONFLICTS = frozenset({409, 412})  # something still refers to it
NOTHING_THERE = ("_NOT_FOUND", "_ALREADY_DELETED")  # HAPI ends so its codes for what it did not do


@dataclass
class Removal:
    """What became of the resources of a bundle, by Type/id, and why some are still there."""

    results: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, Issue] = field(default_factory=dict)

    def note(self, name: str, result: str, reason: Issue | None = None) -> None:
        """Keep what became of a resource; a later word counts."""
        self.results[name] = result
        self.reasons.pop(name, None)
        if reason:
            self.reasons[name] = reason

    @property
    def counts(self) -> dict[str, int]:
        """How many resources there are of each result."""
        found = Counter(self.results.values())
        return {name: found[name] for name in COUNTS}


def names_of(bundle: Resource) -> list[str]:
    """Return the Type/id of what a bundle has put on a server, referrers before what they name.

    Those that refer to each other in a circle stand in the order of the bundle.
    """
    entries = entries_of(bundle)
    order = (number for group in reversed(groups(targets(entries))) for number in group)
    listed = (home_of(entries[n]) or _named(entries[n]) for n in order)
    return list(dict.fromkeys(name for name in listed if name))


def found(server: Server, bundle: Resource) -> list[str]:
    """Return the Type/id of what a server that chose every id has of the patients of a bundle.

    Raises ServerError where it has nothing of a patient.
    """
    named = (resource_of(entry) for entry in entries_of(bundle))
    patients = [str(one.get("id")) for one in named if one.get("resourceType") == PATIENT]
    resources = {n: r for p in patients for n, r in gather(server, p).resources.items()}
    entries = [
        {"resource": resource, "request": {"method": "PUT", "url": name}}
        for name, resource in resources.items()
    ]
    return names_of({"entry": entries})


def remove(server: Server, names: Sequence[str], removal: Removal) -> None:
    """Take resources off a server, all at once where it lets us, else one by one.

    What others refer to is left. Raises ServerError where no server answers, or not in FHIR.
    """
    wanted = list(names)
    while wanted:
        blocked = _at_once(server, wanted, removal)
        if blocked is None:
            return
        if not blocked:
            _one_by_one(server, wanted, removal)
            return
        wanted.remove(blocked)


def _at_once(server: Server, names: Sequence[str], removal: Removal) -> str | None:
    """Delete in one transaction; return None where that is done, else the name in the way.

    The name is empty where the server does not say, or takes no transactions.
    """
    entries = [{"request": {"method": "DELETE", "url": name}} for name in names]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    answer = server.session.post("", as_json(bundle), kind=FHIR_JSON, resend=True)
    server.check_status(answer)
    said = _json(answer)
    responses = entries_of(said)
    if answer.is_fine and len(responses) == len(names):
        for name, entry in zip(names, responses, strict=True):
            _read(name, entry.get("response") if isinstance(entry, dict) else {}, removal)
        return None
    reasons = list(issues_in(said))
    if answer.status in CONFLICTS:
        for issue in reasons:
            name = _first(names, issue.message)
            if name:
                removal.note(name, LEFT, Issue("warning", "conflict", issue.message, name))
                return name
    return ""


def _one_by_one(server: Server, names: Sequence[str], removal: Removal) -> None:
    """Delete each resource, and those in the way again as long as something goes."""
    waiting = list(names)
    while waiting:
        for name in waiting:
            request = Request(
                "DELETE", f"{server.session.address}/{name}", {"Accept": FHIR_JSON}, None, True
            )
            answer = server.session.send(request)
            server.check_status(answer)
            said = _json(answer)
            _read(name, {"status": str(answer.status), "outcome": said}, removal)
        left = [name for name in waiting if removal.results[name] == LEFT]
        if len(left) == len(waiting):
            return
        waiting = left


def _read(name: str, response: Any, removal: Removal) -> None:
    """Note what became of a resource, by the response to its DELETE."""
    said = response if isinstance(response, dict) else {}
    found = re.match(r"\d{3}\b", str(said.get("status", "")))
    status = int(found[0]) if found else 0
    outcome = said["outcome"] if isinstance(said.get("outcome"), dict) else {}
    if status in GONE or (200 <= status < 300 and _did_nothing(outcome)):
        removal.note(name, ABSENT)
    elif 200 <= status < 300:
        removal.note(name, DELETED)
    else:
        words = next((issue.message for issue in issues_in(outcome)), status_text(status))
        if status in CONFLICTS:
            removal.note(name, LEFT, Issue("warning", "conflict", words, name))
        else:
            message = f"the server does not delete it: {words}"
            removal.note(name, FAILED, Issue("error", "processing", message, name))


def _did_nothing(outcome: Resource) -> bool:
    return any(code.endswith(NOTHING_THERE) for code in _codes(outcome))


def _codes(outcome: Resource) -> Iterator[str]:
    for issue in _dicts(outcome.get("issue")):
        details = issue.get("details")
        for coding in _dicts(details.get("coding") if isinstance(details, dict) else None):
            yield str(coding.get("code", ""))


def _first(names: Iterable[str], message: str) -> str:
    """Return the name that a message speaks of first: that of what is not deleted."""
    found = {
        place.start(): name
        for name in names
        if (place := re.search(rf"(?<![\w/-]){re.escape(name)}(?![\w-])", message))
    }
    return found[min(found)] if found else ""


def _named(entry: Any) -> str:
    """Return Type/id of the resource of an entry without a request, as a collection has them."""
    name = named(entry)
    return name if "/" in name and "request" not in entry else ""


def _json(answer: Answer) -> Resource:
    """Return the resource of an answer, if it is one; a DELETE may be answered with nothing."""
    import orjson

    try:
        said = orjson.loads(answer.body or b"{}")
    except orjson.JSONDecodeError as error:
        message = f"the server answers {status_text(answer.status)}, not in FHIR JSON"
        raise ServerError(message, answer.url) from error
    return said if isinstance(said, dict) else {}


def _dicts(value: Any) -> Iterator[Resource]:
    yield from (one for one in (value if isinstance(value, list) else ()) if isinstance(one, dict))
