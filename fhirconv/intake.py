"""A server takes files of resources in bulk: its $import is asked for, and followed to its end."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from fhirconv.address import is_within, shown
from fhirconv.bulk import MANIFEST
from fhirconv.errors import ReadError, ServerError
from fhirconv.http import Answer, Request, retry_after
from fhirconv.outcome import Issue, has_errors
from fhirconv.server import FHIR_JSON, Server, as_json
from fhirconv.serving import FHIR_NDJSON
from fhirconv.upload import issues_in, status_text

Resource = dict[str, Any]

OPERATION = "$import"
WAIT, LONGEST = 5.0, 15.0  # seconds between two questions, where the server names no other time


@dataclass(frozen=True, slots=True)
class File:
    """One file of resources of one type, in the folder of a manifest."""

    kind: str
    name: str
    count: int


def listed(folder: Path) -> list[File]:
    """Return the files that the manifest of a folder lists; raises ReadError for none."""
    path = folder / MANIFEST
    try:
        said = json.loads(path.read_bytes())
        found = [
            File(str(one["type"]), Path(str(one["url"])).name, int(one.get("count", 0)))
            for one in said["output"]
        ]
    except OSError as error:
        hint = "make the folder with convert --bundle ndjson"
        raise ReadError(f"there is no manifest of Bulk Data: {hint}", str(path)) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ReadError("this is no manifest of Bulk Data", str(path)) from error
    for file in found:
        if not (folder / file.name).is_file():
            raise ReadError("the manifest lists a file that is not there", str(folder / file.name))
    return found


def misfits(server: Server, folder: Path, files: Sequence[File]) -> list[Issue]:
    """Return why the resources are of another release than the server, by the first of each."""
    entries = []
    for file in files:
        with (folder / file.name).open("rb") as lines:
            first = lines.readline()
        try:
            resource = json.loads(first)
        except ValueError as error:
            raise ReadError("a line is no JSON", f"{folder / file.name}:1") from error
        request = {"method": "PUT", "url": f"{file.kind}/{resource.get('id')}"}
        entries.append({"resource": resource, "request": request})
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": entries}
    return server.problems(bundle) if entries else []


def parameters(files: Sequence[File], base: str) -> Resource:
    """Return what $import is asked with: the address of every file, and how to fetch it."""
    made: list[Resource] = [
        {"name": "inputFormat", "valueCode": FHIR_NDJSON},
        {"name": "inputSource", "valueUri": base},
        {"name": "storageDetail", "part": [{"name": "type", "valueCode": "https"}]},
    ]
    for file in files:
        kind = {"name": "type", "valueCode": file.kind}
        made.append(
            {"name": "input", "part": [kind, {"name": "url", "valueUri": base + file.name}]}
        )
    return {"resourceType": "Parameters", "parameter": made}


def kick_off(server: Server, asked: Resource) -> str:
    """Ask for an import; return the address that tells of it. Raises ServerError for none."""
    url = f"{server.session.address}/{OPERATION}"
    headers = {"Accept": FHIR_JSON, "Content-Type": FHIR_JSON, "Prefer": "respond-async"}
    answer = server.session.send(Request("POST", url, headers, as_json(asked), resend=False))
    server.check_status(answer)
    where = urljoin(url, answer.headers.get("content-location", ""))
    if answer.status != 202 or "content-location" not in answer.headers:
        reasons = [issue.message for issue in issues_in(_said(answer))]
        words = reasons[0] if reasons else status_text(answer.status)
        raise ServerError(f"the server does not import in bulk: {words}", answer.url)
    if not is_within(url, where):
        raise ServerError(f"the server tells of it on another host, {shown(where)!r}", answer.url)
    return where


def follow(server: Server, url: str, longest: float) -> Iterator[str | list[Issue]]:
    """Yield how far an import is as long as it goes on, and at last what it says of itself.

    Raises ServerError where it is not over after so many seconds; it then goes on alone.
    """
    session = server.session
    until = session.clock() + longest
    while session.clock() < until:
        answer = session.send(Request("GET", url, {"Accept": FHIR_JSON}, None, resend=True))
        server.check_status(answer)
        if answer.status != 202:
            yield _outcome(answer)
            return
        yield answer.headers.get("x-progress", "")
        asked = retry_after(answer.headers.get("retry-after", ""), session.now())
        session.sleep(min(WAIT if asked is None else asked, LONGEST))
    message = f"the import is not over after {longest:g} seconds; the server goes on with it"
    raise ServerError(message, shown(url))


def _outcome(answer: Answer) -> list[Issue]:
    """Return what is wrong with an import that is over; nothing where it is fine."""
    issues = [told for issue in issues_in(_said(answer)) for told in _of_report(issue)]
    if not answer.is_fine and not has_errors(issues):
        message = f"the import failed: {status_text(answer.status)}"
        issues.append(Issue("error", "processing", message, answer.url))
    return issues


def _of_report(issue: Issue) -> Iterator[Issue]:
    """Yield each error of HAPI's report with the file it speaks of; any other issue as it is."""
    try:
        report = str(json.loads(issue.message)["reportMsg"])
    except (ValueError, KeyError, TypeError):
        yield issue
        return
    source, is_error = "", False
    for line in map(str.strip, report.splitlines()):
        if line.startswith("Source:"):
            source, is_error = line.rpartition("/")[2], False
        elif line.startswith("* ") and is_error:
            yield Issue("error", "processing", line.removeprefix("* "), source)
        else:
            is_error = line == "Errors:" or is_error


def _said(answer: Answer) -> Resource:
    try:
        said = json.loads(answer.body or b"{}")
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
