"""The FHIR server: what it must be, what it may be sent, what each of its answers means."""

import json
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhirconv.errors import ServerError, TableError
from fhirconv.http import Limits, Session
from fhirconv.outcome import Issue, has_errors
from fhirconv.release import release_of
from fhirconv.server import Server, push
from fhirconv.tables import Mark, Tables, built_in
from fhirconv.upload import Upload, refused, taken
from tests.stub_server import Reply, StubServer, outcome

Resource = dict[str, Any]

PATIENT = {"resourceType": "Patient", "id": "p1"}
CONDITION = {"resourceType": "Condition", "id": "c1", "subject": {"reference": "urn:uuid:p1"}}
EVENT = {"resourceType": "AdverseEvent", "id": "a1", "subject": {"reference": "urn:uuid:p1"}}


def put(*resources: Resource, kind: str = "transaction") -> Resource:
    """Return a Bundle that puts resources on their ids."""
    entries = []
    for resource in resources:
        url = f"{resource['resourceType']}/{resource['id']}"
        request = {"method": "PUT", "url": url}
        full_url = f"urn:uuid:{resource['id']}"
        entries.append({"fullUrl": full_url, "resource": resource, "request": request})
    return {"resourceType": "Bundle", "type": kind, "entry": entries}


def said(*responses: Resource, kind: str = "transaction-response") -> Resource:
    """Return the answer of a server to a Bundle."""
    return {"resourceType": "Bundle", "type": kind, "entry": [{"response": r} for r in responses]}


def connected(stub: StubServer, tables: Tables | None = None) -> Server:
    """Return a stub as a server for which nobody waits."""
    limits = Limits(tries=3, read=5)
    session = Session(stub.url, limits, {}, sleep=lambda seconds: None, now=lambda: 0.0)
    return Server(session, tables or built_in())


BUNDLE = put(PATIENT, CONDITION, EVENT)
LOST = CONDITION | {"encounter": {"reference": "urn:uuid:9"}}


# the server and its release


@pytest.mark.parametrize(
    ("version", "release"), [("4.0.1", "R4"), ("4.0.0", "R4"), ("5.0.0", "R5"), ("5.0", "R5")]
)
def test_a_server_speaks_the_release_of_its_version(version: str, release: str) -> None:
    with StubServer(version=version) as stub, connected(stub) as server:
        assert server.release().name == release
        assert server.release().name == release
        assert [r.path for r in stub.seen] == ["/fhir/metadata"]


STATEMENT = {"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1"}

# what answers to GET metadata, what is said
NO_SERVER = (
    (
        Reply(200, "<html>Hello</html>", {"Content-Type": "text/html; charset=utf-8"}),
        "the server answers in text/html, not in FHIR JSON: "
        "is this the base address of a FHIR server?",
    ),
    (
        Reply(404, "<html>No</html>", {"Content-Type": "text/html"}),
        "the server answers 404 Not Found in text/html, not in FHIR JSON",
    ),
    (
        Reply(200, '{"resourceType": "Capab'),
        "the server answers in broken JSON: unexpected end of data: line 1 column 24 (char 23)",
    ),
    (Reply(200), "the server answers with nothing: is this the base address of a FHIR server?"),
    (Reply(404), "the server answers 404 Not Found with nothing: is this the base address of"),
    (
        Reply(200, "Hello", {"Content-Type": ""}),
        "the server answers in no media type, not in FHIR JSON: ",
    ),
    (
        Reply(200, {"status": "UP"}),
        "the server answers with no resource, not CapabilityStatement: "
        "is this the base address of a FHIR server?",
    ),
    (Reply(200, [STATEMENT]), "the server answers with no resource, not CapabilityStatement"),
    (Reply(200, PATIENT), "the server answers with a Patient, not CapabilityStatement"),
    (
        Reply(404, outcome({"severity": "error", "diagnostics": "Unknown\nresource"})),
        "the server answers 404 Not Found with an OperationOutcome (Unknown resource), "
        "not CapabilityStatement: is this the base address of a FHIR server?",
    ),
    (
        Reply(200, STATEMENT | {"fhirVersion": "3.0.2"}),
        "the server speaks FHIR '3.0.2' (known: R4 (4.0.1), R5 (5.0.0))",
    ),
    (
        Reply(200, {"resourceType": "CapabilityStatement"}),
        "the server does not say which FHIR it speaks (known: R4 (4.0.1), R5 (5.0.0))",
    ),
    (
        Reply(401),
        "the server asks for credentials: 401 Unauthorized; "
        "set FHIRCONV_TOKEN or FHIRCONV_TOKEN_FILE",
    ),
    (Reply(403), "the server asks for credentials: 403 Forbidden; "),
)


@pytest.mark.parametrize(("reply", "message"), NO_SERVER)
def test_what_is_no_fhir_server_is_one_sentence(reply: Reply, message: str) -> None:
    with StubServer(gets=[reply]) as stub, connected(stub) as server:
        with pytest.raises(ServerError) as raised:
            server.push(BUNDLE)
        assert raised.value.message.startswith(message)
        assert raised.value.where == f"{stub.url}/metadata"
        assert stub.asked("POST") == []


def test_a_server_that_stays_busy_is_one_sentence() -> None:
    with StubServer(posts=[Reply(503)] * 9) as stub, connected(stub) as server:
        with pytest.raises(ServerError) as raised:
            server.push(BUNDLE)
        message = "the server is too busy: 503 Service Unavailable, in 3 tries"
        assert str(raised.value) == f"{message} [{stub.url}]"


def test_a_token_that_is_not_accepted_is_one_sentence() -> None:
    with StubServer(gets=[Reply(401)]) as stub:
        with (
            Server(
                Session(stub.url, environment={"FHIRCONV_TOKEN": "t0ken"}), built_in()
            ) as server,
            pytest.raises(ServerError) as raised,
        ):
            server.release()
        message = "the server does not accept the credentials: 401 Unauthorized"
        assert str(raised.value) == f"{message} [{stub.url}/metadata]"


# what may be sent

# a resource, the message, its place
UNSENDABLE = (
    (PATIENT, "'Patient' is no Bundle: make it with convert --bundle transaction", "resourceType"),
    ({}, "None is no Bundle: make it with convert --bundle transaction", "resourceType"),
    (
        put(PATIENT, kind="collection"),
        "a Bundle of type 'collection' cannot be sent: make it with convert --bundle transaction",
        "Bundle.type",
    ),
    (
        {"resourceType": "Bundle", "entry": []},
        "a Bundle of type None cannot be sent: make it with convert --bundle transaction",
        "Bundle.type",
    ),
    (put(), "the Bundle has no entry to be sent", "Bundle.entry"),
    (put() | {"entry": "none"}, "the Bundle has no entry to be sent", "Bundle.entry"),
    (
        put(PATIENT) | {"entry": [{"resource": PATIENT}]},
        "the entry has no request with a method and a url: "
        "make it with convert --bundle transaction",
        "Bundle.entry[0].request",
    ),
    (
        put(PATIENT) | {"entry": [None]},
        "the entry has no request with a method and a url: "
        "make it with convert --bundle transaction",
        "Bundle.entry[0].request",
    ),
)


@pytest.mark.parametrize(("bundle", "message", "where"), UNSENDABLE)
def test_what_cannot_be_sent_is_not(bundle: Resource, message: str, where: str) -> None:
    with StubServer() as stub, connected(stub) as server:
        upload = server.push(bundle)
        assert stub.seen == []
    assert [(i.is_error, i.message, i.where) for i in upload.issues] == [(True, message, where)]
    assert upload.created == upload.updated == upload.unchanged == 0


def test_a_bundle_of_another_release_is_refused_unsent() -> None:
    event = EVENT | {"status": "completed", "code": {"text": "rash"}}
    with StubServer() as stub, connected(stub) as server:
        upload = server.push(put(PATIENT, event))
        assert stub.asked("POST") == []
    assert upload == Upload(
        failed=2,
        issues=(
            Issue(
                "error",
                "not-supported",
                "the bundle is of R5 (it has AdverseEvent.code) and the server speaks R4 (4.0.1): "
                "convert with --release R4",
                "Bundle.entry[1].resource/*AdverseEvent/a1*/",
            ),
        ),
    )


@pytest.mark.parametrize(("release", "accepted"), [(None, True), ("R4", True), ("R5", False)])
def test_where_a_bundle_does_not_tell_its_release_the_caller_may(
    release: str | None, accepted: bool
) -> None:
    with StubServer() as stub, connected(stub) as server:
        upload = server.push(put(PATIENT), release)
        assert len(stub.asked("POST")) == accepted
        refused = [(i.message, i.where) for i in upload.issues]
    message = "R5 is asked for and the server speaks R4 (4.0.1)"
    assert refused == ([] if accepted else [(message, stub.url)])


def test_an_unknown_release_lists_the_known_ones() -> None:
    with (
        StubServer() as stub,
        connected(stub) as server,
        pytest.raises(TableError, match=r"no FHIR release called 'R6' \(known: R4, R5\)"),
    ):
        server.push(put(PATIENT), "R6")


# the release of a bundle

# resources, their release
RELEASES: tuple[tuple[list[Resource], str | None], ...] = (
    ([PATIENT], None),
    ([], None),
    ([{"resourceType": "MedicationAdministration", "medicationCodeableConcept": {}}], "R4"),
    ([{"resourceType": "MedicationAdministration", "medication": {}}], "R5"),
    ([{"resourceType": "MedicationAdministration", "_effectiveDateTime": {}}], "R4"),
    ([PATIENT, {"resourceType": "AdverseEvent", "event": {}}], "R4"),
    ([{"resourceType": "AdverseEvent", "suspectEntity": [{}, {"instance": {}}]}], "R4"),
    ([{"resourceType": "AdverseEvent", "suspectEntity": [{"instanceReference": {}}]}], "R5"),
    ([{"resourceType": "AdverseEvent", "suspectEntity": ["?", None]}], None),
    ([{"resourceType": "Encounter", "class": {}}], "R4"),
    ([{"resourceType": "Encounter", "class": [{}]}], "R5"),
    ([{"resourceType": "Procedure", "performedString": "twice"}], "R4"),
    ([{"resourceType": "Procedure", "occurrenceTiming": {}}], "R5"),
    ([{"resourceType": "Condition", "evidence": [{"detail": [{}]}]}], "R4"),
    ([{"resourceType": "Composition", "subject": [{}]}], "R5"),
    ([{"resourceType": "Citation"}], "R5"),
    ([{"resourceType": "Encounter", "class": {}}, {"resourceType": "Citation"}], None),
)


@pytest.mark.parametrize(("resources", "release"), RELEASES)
def test_a_bundle_shows_its_release_by_its_elements(
    resources: list[Resource], release: str | None
) -> None:
    bundle = {"resourceType": "Bundle", "entry": [{"resource": r} for r in resources]}
    assert release_of(bundle, built_in()) == release


@pytest.mark.parametrize("entry", [None, "x", {}, [1, None, {}, {"resource": 7}, {"resource": []}]])
def test_what_is_no_bundle_has_no_release(entry: object) -> None:
    assert release_of({"resourceType": "Bundle", "entry": entry}, built_in()) is None


def test_the_founding_bundles_show_their_release(shared: Path) -> None:
    files = sorted((shared / "gold").glob("*.bundle.json"))
    shown = {f.name: release_of(json.loads(f.read_text("utf-8")), built_in()) for f in files}
    assert len(files) == 4
    assert shown == {f.name: f.name.split(".")[1].upper() for f in files}


def _has(models: str, mark: Mark) -> bool:
    """Say whether the models of a release have the element of a mark, in the shape it says."""
    module = import_module(f"{models}.{mark.resource.lower()}")
    name = mark.resource
    for step in mark.element.split("."):
        fields = getattr(module, name).model_fields if hasattr(module, name) else {}
        kinds = {field.alias or key: str(field.annotation) for key, field in fields.items()}
        kind = kinds.get(step.removesuffix("[]"))
        if kind is None or ("List" in kind) != step.endswith("[]"):
            return False
        name += step[0].upper() + step[1:].removesuffix("[]")
    return True


def test_each_mark_is_an_element_of_just_its_releases() -> None:
    tables = built_in()
    marks = [
        mark for mark in tables.marks if mark.element
    ]  # R4B, which stands for R4, has Citation
    assert len(marks) > 100
    for mark in marks:
        found = tuple(r.name for r in tables.releases.values() if _has(r.models, mark))
        assert found == mark.releases, mark


# the answer


def test_a_new_bundle_is_created_and_the_same_again_is_unchanged() -> None:
    changed = put(PATIENT, CONDITION | {"code": {"text": "anaemia"}}, EVENT)
    with StubServer() as stub, connected(stub) as server:
        assert server.push(BUNDLE) == Upload(created=3)
        assert server.push(BUNDLE) == Upload(unchanged=3)
        assert server.push(changed) == Upload(updated=1, unchanged=2)
        assert server.push(changed) == Upload(unchanged=3)
        assert [r.method for r in stub.seen] == ["GET", "POST", "POST", "POST", "POST"]


HAPI_SAME = outcome(
    {
        "severity": "information",
        "code": "informational",
        "details": {"coding": [{"code": "SUCCESSFUL_UPDATE_NO_CHANGE"}]},
    }
)

# the response of an entry, its count
COUNTED = (
    ({"status": "201 Created", "etag": "1"}, Upload(created=1)),
    ({"status": "201"}, Upload(created=1)),
    ({"status": 201}, Upload(created=1)),
    ({"status": "200 OK", "etag": "7"}, Upload(updated=1)),
    ({"status": "200 OK"}, Upload(updated=1)),
    ({"status": "200 OK", "etag": "1"}, Upload(unchanged=1)),
    ({"status": "200 OK", "etag": 'W/"1"'}, Upload(unchanged=1)),
    ({"status": "200 OK", "etag": "7", "outcome": HAPI_SAME}, Upload(unchanged=1)),
    ({"status": "200 OK", "lastModified": "2025-12-31T23:59:00Z"}, Upload(unchanged=1)),
    ({"status": "200 OK", "lastModified": "2026-01-01T09:00:00+09:00"}, Upload(unchanged=1)),
    ({"status": "200 OK", "lastModified": "2026-01-01T00:02:00.000Z"}, Upload(updated=1)),
    ({"status": "200 OK", "lastModified": "2025-12-31T23:59:00"}, Upload(updated=1)),
    ({"status": "200 OK", "lastModified": "yesterday"}, Upload(updated=1)),
    ({"status": "304 Not Modified"}, Upload(unchanged=1)),
)


@pytest.mark.parametrize(("response", "upload"), COUNTED)
def test_an_entry_counts_as_what_became_of_it(response: Resource, upload: Upload) -> None:
    with StubServer(posts=[Reply(200, said(response))]) as stub, connected(stub) as server:
        assert server.push(put(PATIENT)) == upload


AT_EVENT = "Bundle.entry[1].resource/*AdverseEvent/a1*/"

# the response of the second entry, its issues: severity, code, message, place
FAILED = (
    (
        {"status": "422 Unprocessable Entity"},
        [("error", "processing", "the server refuses the entry with 422 Unprocessable", AT_EVENT)],
    ),
    (
        {"status": "404"},
        [("error", "not-found", "the server refuses the entry with 404 Not Found", AT_EVENT)],
    ),
    (
        {"status": "500 Oops"},
        [("error", "exception", "the server refuses the entry with 500 Internal", AT_EVENT)],
    ),
    (
        {"status": "999"},
        [("error", "exception", "the server refuses the entry with 999", AT_EVENT)],
    ),
    ({}, [("error", "processing", "the server refuses the entry without a status", AT_EVENT)]),
    (
        {"status": "fine"},
        [("error", "processing", "the server refuses the entry without a status", AT_EVENT)],
    ),
    (
        {
            "status": "422",
            "outcome": outcome(
                {
                    "severity": "error",
                    "code": "invariant",
                    "diagnostics": "no  actuality\n\x1b[31mat all",
                    "expression": ["AdverseEvent.actuality"],
                },
                {"severity": "warning", "code": "value", "details": {"text": "odd"}},
                {"severity": "information", "code": "informational", "diagnostics": "took 4 ms"},
            ),
        },
        [
            ("error", "invariant", "no actuality [31mat all", AT_EVENT),
            ("warning", "value", "odd", AT_EVENT),
        ],
    ),
    (
        {"status": "412", "outcome": outcome({"severity": "warning", "diagnostics": "hm"})},
        [
            ("warning", "", "hm", AT_EVENT),
            ("error", "conflict", "the server refuses the entry with 412 Precondition", AT_EVENT),
        ],
    ),
    (
        {"status": "400", "outcome": {"resourceType": "OperationOutcome", "issue": "none"}},
        [("error", "processing", "the server refuses the entry with 400 Bad Request", AT_EVENT)],
    ),
)


@pytest.mark.parametrize(("response", "issues"), FAILED)
def test_an_entry_that_failed_in_a_success_is_an_error(
    response: Resource, issues: list[tuple[str, str, str, str]]
) -> None:
    reply = Reply(200, said({"status": "201 Created"}, response))
    with StubServer(posts=[reply]) as stub, connected(stub) as server:
        upload = server.push(put(PATIENT, EVENT))
    assert (upload.created, upload.failed) == (1, 1)
    assert len(upload.issues) == len(issues)
    for issue, (severity, code, message, where) in zip(upload.issues, issues, strict=True):
        assert (issue.severity, issue.code, issue.where) == (severity, code, where)
        assert issue.message.startswith(message)


def test_a_warning_of_a_success_is_told() -> None:
    warned = outcome({"severity": "warning", "code": "code-invalid", "diagnostics": "odd code"})
    reply = Reply(200, said({"status": "201 Created", "outcome": warned}))
    with StubServer(posts=[reply]) as stub, connected(stub) as server:
        upload = server.push(put(PATIENT))
    issue = Issue("warning", "code-invalid", "odd code", "Bundle.entry[0].resource/*Patient/p1*/")
    assert upload == Upload(created=1, issues=(issue,))


# what stands in a refused transaction's issue, the place that is told
PLACED = (
    (
        {"expression": ["Bundle.entry[2].resource.event"]},
        ".entry[2].resource/*AdverseEvent/a1*/.event",
    ),
    (
        {"expression": ["Bundle.entry[2].resource/*AdverseEvent/a1*/.event.coding[0]"]},
        ".entry[2].resource/*AdverseEvent/a1*/.event.coding[0]",
    ),
    (
        {"expression": ["Bundle.entry[2].resource.ofType(AdverseEvent).event"]},
        ".entry[2].resource/*AdverseEvent/a1*/.event",
    ),
    (
        {"location": ["/f:Bundle/f:entry[2]/f:resource/f:Condition"]},
        ".entry[1].resource/*Condition/c1*/",
    ),
    ({"diagnostics": "HAPI-1094: Condition/c1 is wrong"}, ".entry[1].resource/*Condition/c1*/"),
    ({"diagnostics": "Condition/c10 is wrong"}, None),
    ({"diagnostics": "twice urn:uuid:a1"}, ".entry[2].resource/*AdverseEvent/a1*/"),
    ({"diagnostics": "nowhere urn:uuid:9: lost"}, ".entry[1].resource/*Condition/c1*/"),
    ({"diagnostics": "nowhere urn:uuid:8"}, None),
    ({"expression": ["Bundle.entry[9].resource"]}, ".entry[9].resource"),
    ({"location": "Line 4"}, None),
)


@pytest.mark.parametrize(("listed", "where"), PLACED)
def test_a_refused_transaction_says_which_entry(listed: Resource, where: str | None) -> None:
    refusal = outcome({"severity": "error", "code": "processing", "diagnostics": "no"} | listed)
    with StubServer(posts=[Reply(400, refusal)]) as stub, connected(stub) as server:
        upload = server.push(put(PATIENT, LOST, EVENT))
        address = stub.url
    message = listed.get("diagnostics", "no")
    issue = Issue("error", "processing", message, f"Bundle{where}" if where else address)
    assert upload == Upload(failed=3, issues=(issue,))


# status, what is said
REFUSED = (
    (422, "the server refuses the bundle with 422 Unprocessable"),
    (200, "the server refuses the bundle with 200 OK"),
)


@pytest.mark.parametrize(("status", "message"), REFUSED)
def test_a_refusal_without_a_reason_is_an_error(status: int, message: str) -> None:
    with StubServer(posts=[Reply(status, outcome())]) as stub, connected(stub) as server:
        upload = server.push(BUNDLE)
        assert [i.where for i in upload.issues] == [stub.url]
    assert upload.failed == 3
    assert upload.issues[0].message.startswith(message)


@pytest.mark.parametrize("count", [0, 2, 4])
def test_an_answer_for_another_number_of_entries_is_an_error(count: int) -> None:
    reply = Reply(200, said(*[{"status": "201 Created"}] * count))
    with StubServer(posts=[reply]) as stub, connected(stub) as server:
        upload = server.push(BUNDLE)
        message = f"the server answers for {count} of 3 entries"
        assert upload == Upload(failed=3, issues=(Issue("error", "incomplete", message, stub.url),))


WORDS = st.sampled_from(
    "response status outcome issue severity details text expression etag entry coding code "
    "error 201 Bundle.entry[1] 422 1".split()
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
)


@given(st.lists(st.fixed_dictionaries({"response": JSON}) | JSON, min_size=3, max_size=3))
def test_whatever_an_answer_says_each_entry_is_counted_once(entries: list[object]) -> None:
    upload = taken(BUNDLE, {"entry": entries}, None, "here")
    assert upload.created + upload.updated + upload.unchanged + upload.failed == 3
    assert has_errors(upload.issues) or not upload.failed


@given(JSON)
def test_whatever_a_refusal_says_it_is_an_error(said: object) -> None:
    upload = refused(BUNDLE, {"issue": said}, 422, "here")
    assert upload.failed == 3
    assert has_errors(upload.issues)
    assert all(isinstance(part, str) for i in upload.issues for part in (i.message, i.where))


# what a server answers to a bundle, what is said
NO_ANSWER = (
    (Reply(200, "<html/>", {"Content-Type": "text/html"}), "the server answers in text/html, not"),
    (
        Reply(500, "Oops", {"Content-Type": "text/plain"}),
        "the server answers 500 Internal Server Error in text/plain, not in FHIR JSON",
    ),
    (
        Reply(200, '{"resourceType": "Bundle", "ent'),
        "the server answers in broken JSON: unexpected ",
    ),
    (Reply(201, PATIENT), "the server answers with a Patient, not Bundle or OperationOutcome: "),
    (
        Reply(200, said(kind="searchset")),
        "the server answers 200 OK with a Bundle of type 'searchset'",
    ),
    (
        Reply(418, said({"status": "201"})),
        "the server answers 418 I'm a Teapot with a Bundle of type 'transaction-response'",
    ),
)


@pytest.mark.parametrize(("reply", "message"), NO_ANSWER)
def test_an_answer_that_tells_nothing_of_the_entries_is_one_sentence(
    reply: Reply, message: str
) -> None:
    with StubServer(posts=[reply]) as stub, connected(stub) as server:
        with pytest.raises(ServerError) as raised:
            server.push(put(PATIENT))
        assert raised.value.message.startswith(message)
        assert raised.value.where == stub.url


def test_an_entry_without_a_name_is_told_by_its_number() -> None:
    bundle = {"entry": [{"request": {}}]}
    upload = taken(bundle, {"entry": [{"response": {"status": "400"}}]}, None, "here")
    assert [i.where for i in upload.issues] == ["Bundle.entry[0]"]


@pytest.mark.parametrize("date", ["", "yesterday", "Thu, 01 Jan 2026 00:00:00"])
def test_a_server_may_keep_no_clock(date: str) -> None:
    modified = {"status": "200 OK", "lastModified": "2026-01-01T00:02:00.000Z"}
    dated = {"Date": date}
    replies = [Reply(200, STATEMENT, dated)], [Reply(200, said(modified), dated)]
    with StubServer(*replies) as stub, connected(stub) as server:
        assert server.push(put(PATIENT)) == Upload(updated=1)


# retries


def test_a_transaction_of_puts_is_sent_again_after_a_broken_connection() -> None:
    replies = [Reply(503), Reply(200, said({"status": "201"}), cut=9)]
    with StubServer(posts=replies) as stub, connected(stub) as server:
        assert server.push(put(PATIENT)) == Upload(created=1)
        assert len(stub.asked("POST")) == 3
        assert len({r.body for r in stub.asked("POST")}) == 1


def test_a_transaction_that_would_double_is_sent_once() -> None:
    bundle = put(PATIENT)
    bundle["entry"][0]["request"] = {"method": "POST", "url": "Patient"}
    with StubServer(posts=[Reply(drop=True)]) as stub, connected(stub) as server:
        with pytest.raises(ServerError, match=r"^the connection broke: "):
            server.push(bundle)
        assert len(stub.asked("POST")) == 1


# what is sent


def test_a_bundle_is_sent_as_fhir_json_with_its_digits() -> None:
    bundle = put(PATIENT | {"note": "Ödem", "value": Decimal("1.50")})
    with StubServer() as stub, connected(stub) as server:
        server.push(bundle)
        request = stub.asked("POST")[0]
    assert request.path == "/fhir"
    assert request.headers["content-type"] == "application/fhir+json"
    assert request.headers["accept"] == "application/fhir+json"
    assert request.headers["user-agent"].startswith("fhirconv/")
    assert '"note":"Ödem","value":1.50}' in request.body.decode()


@pytest.mark.parametrize("value", [b"bytes", {1}, "\ud800"])
def test_what_is_no_json_is_one_sentence(value: object) -> None:
    with (
        StubServer() as stub,
        connected(stub) as server,
        pytest.raises(ServerError, match=r"^the Bundle cannot be written as JSON: "),
    ):
        server.push(put(PATIENT | {"value": value}))


def test_push_is_one_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FHIRCONV_TOKEN", raising=False)
    with StubServer() as stub:
        assert push(BUNDLE, stub.url) == Upload(created=3)
        assert push(BUNDLE, stub.url + "/") == Upload(unchanged=3)


def test_uploads_add_up() -> None:
    issue = Issue("error", "processing", "no")
    one, two = Upload(1, 2, 3, 4, (issue,)), Upload(10, 20, 30, 40, (issue,))
    assert one + two == Upload(11, 22, 33, 44, (issue, issue))
