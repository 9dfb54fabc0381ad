"""A Bundle sent without a transaction: in batches or one by one, what is referred to first."""

import json
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

from fhirconv.capability import WAYS
from fhirconv.http import Answer, PassingError, Request
from fhirconv.inquiry import Exchange
from fhirconv.references import address_of, groups, led, named, targets
from fhirconv.server import FHIR_JSON, as_json, dated
from fhirconv.upload import LOCATION, Upload, can_repeat, entries_of, issues_in, status_text, taken

Resource = dict[str, Any]

BRIEF = "return=OperationOutcome"
NONE_AT_ALL = frozenset({404, 405, 501})  # to a POST to the address
NOT_SUPPORTED = "not-supported"
URI = "urn:ietf:rfc:3986"  # the system of an identifier that is a URI


@dataclass(frozen=True, slots=True)
class Step:
    """One entry to be sent; `later` are those in a circle with it that are sent after it."""

    number: int
    needs: frozenset[int]
    later: frozenset[int] = frozenset()


def steps(bundle: Resource) -> list[list[Step]]:
    """Return the entries in rounds: an entry refers to those of earlier rounds only.

    Entries that refer to each other in a circle come one after the other, at first without what
    leads to those after them, and then again as they are.
    """
    leads = targets(entries_of(bundle))
    rounds: list[list[Step]] = []
    round_of: dict[int, int] = {}
    for group in groups(leads):
        needs = {n: frozenset(leads[n]) for n in group}
        outside = {n for found in needs.values() for n in found} - set(group)
        begin = max((round_of[n] + 1 for n in outside), default=0)
        circle = _circle(group, needs) if len(group) > 1 else [Step(group[0], needs[group[0]])]
        for place, step in enumerate(circle, begin):
            rounds += [[] for _ in range(place + 1 - len(rounds))]
            rounds[place].append(step)
            round_of[step.number] = place
    return rounds


def _circle(group: list[int], needs: dict[int, frozenset[int]]) -> list[Step]:
    """Return the steps of a circle: each entry, then again those that lead to later ones."""
    later = {n: needs[n] & frozenset(group[place:]) for place, n in enumerate(group)}
    first = [Step(n, needs[n] - later[n], later[n]) for n in group]
    return first + [Step(n, needs[n] | {n}) for n in group if later[n]]


class Walk:
    """One bundle on its way: what is sent, where the server put it, what was answered."""

    def __init__(self, address: str, bundle: Resource, exchange: Exchange, *, batch: bool) -> None:
        self.answers: dict[int, Resource] = {}
        self.refused = 0  # the status with which batches are refused
        self._address = address
        self._bundle = bundle
        self._exchange = exchange
        self._in_batches = batch
        self._entries: list[Any] = entries_of(bundle)
        self._homes: dict[str, str] = {}

    def go(self) -> None:
        """Send the entries in their order; what refers to one that was not taken is not sent."""
        for listed in steps(self._bundle):
            ready = [step for step in listed if self._is_ready(step)]
            if not self._in_batches or self.refused or not self._batch(ready):
                for step in ready:
                    self._single(step)

    def upload(self, since: datetime | None) -> Upload:
        """Return what became of the entries so far, read as the answer to a transaction."""
        left = _refusal(HTTPStatus.FAILED_DEPENDENCY, "not sent, as an earlier one was not taken")
        answered = [{"response": self.answers.get(n, left)} for n in range(len(self._entries))]
        return taken(self._bundle, {"entry": answered}, since, self._address)

    def _is_ready(self, step: Step) -> bool:
        """Say whether all that an entry refers to has been taken; else answer for the server."""
        missing = [n for n in sorted(step.needs) if not _is_fine(self.answers[n])]
        if missing and step.number not in missing:
            name = named(self._entries[missing[0]])
            text = f"not sent, as {name}, which it refers to, was not taken"
            self.answers[step.number] = _refusal(HTTPStatus.FAILED_DEPENDENCY, text)
        return not missing

    def _batch(self, listed: list[Step]) -> bool:
        """Send the entries of a round in one batch; say whether the server takes batches."""
        if not listed:
            return True
        entries = [self._entry(step) for step in listed]
        bundle = {"resourceType": "Bundle", "type": "batch", "entry": entries}
        resend = all(can_repeat(entry["request"]) for entry in entries)
        headers = {"Accept": FHIR_JSON, "Content-Type": FHIR_JSON}
        sent = Request("POST", self._address, headers, as_json(bundle), resend)
        answer = self._exchange(sent)
        said = _json(answer)
        responses = entries_of(said)
        if answer.is_fine and len(responses) != len(listed):
            message = f"the server answers for {len(responses)} of {len(listed)} entries"
            raise PassingError(message, answer.url)
        if not answer.is_fine and takes_none(answer.status, said):
            self.refused = answer.status
            return False
        if not answer.is_fine:
            responses = [{"response": _response(answer, said)}] * len(listed)
        for step, response in zip(listed, responses, strict=True):
            self._take(step, response.get("response") or {})
        return True

    def _single(self, step: Step) -> None:
        """Send one entry as a request of its own."""
        entry = self._entry(step)
        request = entry["request"]
        headers = {"Accept": FHIR_JSON, "Content-Type": FHIR_JSON, "Prefer": BRIEF}
        for name, header in (("ifNoneExist", "If-None-Exist"), ("ifMatch", "If-Match")):
            headers |= {header: request[name]} if request.get(name) else {}
        body = as_json(entry["resource"]) if "resource" in entry else None
        url = f"{self._address}/{request['url']}"
        sent = Request(request["method"], url, headers, body, can_repeat(request))
        answer = self._exchange(sent)
        self._take(step, _response(answer, _json(answer)))

    def _entry(self, step: Step) -> Resource:
        """Return an entry with its references led to where the server has put what they mean."""
        entry = self._entries[step.number]
        if "resource" not in entry:
            return {"request": entry["request"]}
        urls = {self._entries[n].get("fullUrl") for n in step.later}
        resource = led(_unlinked(entry["resource"], urls), self._homes)
        return {"resource": resource, "request": entry["request"]}

    def _take(self, step: Step, response: Resource) -> None:
        """Remember the answer to an entry, and where its resource is now."""
        before = self.answers.get(step.number)
        if before and _is_fine(response):
            response |= {"status": before["status"]}  # what the first half of a circle did
        self.answers[step.number] = response
        entry = self._entries[step.number]
        found = LOCATION.search(str(response.get("location", "")))
        home = found[1] if found else address_of(entry)
        if _is_fine(response) and home and isinstance(entry.get("fullUrl"), str):
            self._homes[entry["fullUrl"]] = home


def _unlinked(item: Any, urls: set[Any]) -> Any:
    """Return a resource with references to some URLs as logical ones, which lead nowhere yet."""
    if isinstance(item, dict):
        made = {name: _unlinked(value, urls) for name, value in item.items()}
        reference = made.get("reference")
        if isinstance(reference, str) and reference in urls:
            made["identifier"] = {"system": URI, "value": made.pop("reference")}
        return made
    return [_unlinked(value, urls) for value in item] if isinstance(item, list) else item


def _is_fine(response: Resource) -> bool:
    return str(response.get("status", "")).startswith(("2", "304"))


def _refusal(status: int, text: str) -> Resource:
    issue = {"severity": "error", "code": "transient", "diagnostics": text}
    outcome = {"resourceType": "OperationOutcome", "issue": [issue]}
    return {"status": status_text(status), "outcome": outcome}


def _response(answer: Answer, said: Resource) -> Resource:
    """Return the answer to a request as the response of an entry."""
    made: Resource = {"status": status_text(answer.status)}
    for name in ("location", "etag"):
        made |= {name: answer.headers[name]} if answer.headers.get(name) else {}
    modified = dated(answer.headers.get("last-modified", ""))
    made |= {"lastModified": modified.isoformat()} if modified else {}
    if said.get("resourceType") == "OperationOutcome":
        made["outcome"] = said
    return made


def _json(answer: Answer) -> Resource:
    """Return the resource of an answer; an empty one where it has none.

    Raises PassingError for a success that is no FHIR, as of a page to log in at.
    """
    try:
        said = json.loads(answer.body) if answer.body else {}
    except ValueError as error:
        if answer.is_fine:
            kind = answer.media_type or "no media type"
            raise PassingError(f"the server answers in {kind}, not FHIR", answer.url) from error
        return {}
    return said if isinstance(said, dict) else {}


def takes_none(status: int, outcome: Resource) -> bool:
    """Say whether a server refuses a Bundle as it takes none of this kind at all."""
    issues = [issue for issue in issues_in(outcome) if issue.code == NOT_SUPPORTED]
    said = any(kind in issue.message.lower() for issue in issues for kind in WAYS[:2])
    return status in NONE_AT_ALL or said
