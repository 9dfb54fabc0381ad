"""A terminology server is asked only where it is named, believed only where it is exact."""

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from click.testing import CliRunner, Result

import fhirconv.terminology
from fhirconv.answers import Answers
from fhirconv.assisted import Assisted
from fhirconv.cli import main
from fhirconv.convert import Conversion, convert, extract, read
from fhirconv.explain import explain
from fhirconv.http import Limits
from fhirconv.tables import built_in
from fhirconv.terminology import Terminology
from tests.hapi_servers import FHIR, or_skip, server
from tests.stub_server import Received, Reply, StubServer, outcome

NCIT = built_in().systems["NCIT"].uri
TERM, CODE = "flibbering pox", "C999999"
LOCAL = "urn:fhirconv:codes:"
QUICK = Limits(connect=1.0, read=0.3, total=0.5, tries=1)


def facts(label: str = TERM, **more: Any) -> dict[str, Any]:
    """Return a facts document with one condition."""
    document = extract(read(b"A man had acute myeloid leukemia.\n", name="case.txt"))
    document["relations"], document["statements"] = [], []
    fact = next(f for f in document["facts"] if f["kind"] == "condition")
    document["facts"] = [fact | {"label": label} | more]
    return document


def match(code: str = CODE, system: str = NCIT, element: str = "equivalence", word: str = "equal"):
    """Return a match of $translate."""
    concept = {"system": system, "code": code, "display": "Flibbering Pox"}
    return {
        "name": "match",
        "part": [
            {"name": element, "valueCode": word},
            {"name": "concept", "valueCoding": concept},
        ],
    }


def designation(name: str) -> dict[str, Any]:
    return {"name": "designation", "part": [{"name": "value", "valueString": name}]}


def parameters(*listed: dict[str, Any]) -> Reply:
    return Reply(body={"resourceType": "Parameters", "parameter": list(listed)})


@dataclass
class TermServer(StubServer):
    """A stub that translates some words, and knows some codes with their displays."""

    maps: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    displays: dict[str, list[str]] = field(default_factory=dict)
    trouble: Reply | None = None  # what all but /metadata is answered with

    def reply(self, request: Received) -> Reply:
        """Return what a terminology server says."""
        path, query = urlsplit(request.path).path, parse_qs(urlsplit(request.path).query)
        if path == "/fhir/metadata" or request.method == "POST":
            return super().reply(request)
        if self.trouble:
            return self.trouble
        code = (query.get("code") or query["sourceCode"])[0]
        if path.endswith("$translate"):
            found = self.maps.get(code, [])
            return parameters({"name": "result", "valueBoolean": bool(found)}, *found)
        names = self.displays.get(code)
        if not names:
            return Reply(404, outcome({"severity": "error", "code": "not-found"}))
        if path.endswith("$validate-code"):
            right = query["display"][0] in names
            return parameters({"name": "result", "valueBoolean": right})
        others = [
            {"name": "designation", "part": [{"name": "value", "valueString": n}]}
            for n in names[1:]
        ]
        return parameters({"name": "display", "valueString": names[0]}, *others)

    @property
    def questions(self) -> list[str]:
        """What was asked but for /metadata."""
        return [r.path for r in self.seen if not r.path.endswith("/metadata")]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def helped(
    server: StubServer, source: Any, release: str = "R4", limits: Limits = QUICK
) -> Conversion:
    with Terminology.at(server.url, built_in(), limits) as terminology:
        return Assisted(terminology, built_in(), release).convert(source)


def codings(made: Conversion) -> list[dict[str, str]]:
    """Return the codings of the code of every Condition."""
    resources = [e["resource"] for bundle in made.bundles for e in bundle["entry"]]
    conditions = [r for r in resources if r["resourceType"] == "Condition"]
    return [coding for r in conditions for coding in r["code"].get("coding", ())]


TAKEN = [
    # the version of the server, what it says of the match
    ("4.0.1", {"element": "equivalence", "word": "equal"}),
    ("4.0.1", {"element": "equivalence", "word": "equivalent"}),
    ("5.0.0", {"element": "relationship", "word": "equivalent"}),
]
LEFT = [
    ("4.0.1", {"element": "equivalence", "word": "wider"}),
    ("4.0.1", {"element": "equivalence", "word": "narrower"}),
    ("4.0.1", {"element": "equivalence", "word": "inexact"}),
    ("5.0.0", {"element": "relationship", "word": "related-to"}),
    ("5.0.0", {"element": "relationship", "word": "source-is-narrower-than-target"}),
    ("4.0.1", {"system": "http://example.org/unknown"}),
    ("4.0.1", {"code": "no code of NCIt"}),
    ("4.0.1", {"code": ""}),
]


@pytest.mark.parametrize("release", ["R4", "R5"])
@pytest.mark.parametrize(("version", "said"), TAKEN)
def test_a_term_without_a_code_takes_what_the_server_says_is_the_same(version, said, release):
    with TermServer(version=version, maps={TERM: [match(**said)]}) as server:
        made = helped(server, facts(), release)
    assert codings(made) == [{"system": NCIT, "code": CODE, "display": "Flibbering Pox"}]
    assert made.ledger.counts["text only"] == 0


@pytest.mark.parametrize(("version", "said"), LEFT)
def test_what_the_server_does_not_say_is_the_same_is_left(version, said):
    with TermServer(version=version, maps={TERM: [match(**said)]}) as server:
        made = helped(server, facts())
    assert codings(made) == []
    assert made.bundles == convert(facts(), "R4").bundles


def test_a_code_of_the_server_leads_back_to_the_request():
    with TermServer(maps={TERM: [match()]}) as server:
        made = helped(server, facts())
        asked = f"tx:{server.url}/ConceptMap/$translate?system=urn%3Afhirconv%3Acodes%3Aconditions"
    origin = f"{asked}&code=flibbering+pox"
    assert origin in {code for element in explain(made) for code in element.codes}
    assert [i.where for i in made.issues if "has a code of the server" in i.message] == [origin]


def test_words_are_asked_as_they_stand_and_in_lower_case():
    with TermServer(maps={TERM: [match()]}) as server:
        made = helped(server, facts(TERM.title()))
    assert len(codings(made)) == 1


def test_a_term_is_asked_once_for_many_documents():
    with TermServer() as server, Terminology.at(server.url, built_in(), QUICK) as terminology:
        assisted = Assisted(terminology, built_in(), "R4")
        for _ in range(3):
            assisted.convert(facts())
        assert len(server.questions) == len(set(server.questions))


def test_what_a_table_says_to_have_no_code_is_not_asked_for():
    tables = built_in()
    told = next(t.text for t in tables.vocabulary("conditions").terms.values() if not t.codings)
    with TermServer() as server:
        helped(server, facts(told))
        assert not [path for path in server.questions if "$translate" in path]


def test_what_has_a_code_is_not_asked_for():
    with TermServer() as server:
        helped(server, facts("acute myeloid leukemia"))
        assert not [path for path in server.questions if "$translate" in path]


STATED = [
    # what the server calls the code, whether it is taken
    (["Flibbering Pox"], True),
    (["Pox, flibbering", "flibbering pox"], True),
    (["Another Pox"], False),
    ([], False),
]


@pytest.mark.parametrize(("names", "taken"), STATED)
def test_a_code_that_the_source_states_is_taken_where_the_server_calls_it_so(names, taken):
    stated = {"codes": [{"system": NCIT, "code": CODE, "display": "whatever"}]}
    with TermServer(displays={CODE: names}) as server:
        made = helped(server, facts(**stated))
    assert [coding["code"] for coding in codings(made)] == [CODE] * taken


DISPLAYS = [
    # what the server calls the code, whether there is an issue
    (["Acute Myeloid Leukemia"], False),
    (["acute myeloid leukemia"], False),
    (["AML", "Acute Myeloid Leukemia"], False),
    (["Something else"], True),
    ([], False),
]


@pytest.mark.parametrize(("names", "told"), DISPLAYS)
def test_a_display_that_the_server_denies_is_told(names, told):
    [coding] = [
        c for c in codings(convert(facts("acute myeloid leukemia"), "R4")) if c["system"] == NCIT
    ]
    said = [n.replace("Acute Myeloid Leukemia", coding["display"]) for n in names]
    with TermServer(displays={coding["code"]: said}) as server:
        made = helped(server, facts("acute myeloid leukemia"))
    found = [i.message for i in made.issues if "the server says" in i.message]
    expected = f"the display of {coding['code']} is {coding['display']!r}, and the server says"
    assert [message.startswith(expected) for message in found] == [True] * told
    assert made.bundles == convert(facts("acute myeloid leukemia"), "R4").bundles


TROUBLES = [
    # what it answers, words of the issue
    (Reply(500, b"oops"), "status 500"),
    (Reply(503, b""), "status 503"),
    (Reply(401, b""), "status 401"),
    (Reply(200, b"<html>"), "in no FHIR JSON"),
    (Reply(200, b'{"broken'), ""),
    (Reply(drop=True), "connection"),
    (Reply(hang=True), "no answer within"),
]


@pytest.mark.parametrize(("trouble", "words"), TROUBLES)
def test_a_server_in_trouble_costs_one_issue_and_no_more(trouble: Reply, words: str):
    with TermServer(trouble=trouble) as server, Terminology.at(server.url, built_in(), QUICK) as it:
        assisted = Assisted(it, built_in(), "R4")
        made = [assisted.convert(facts(f"{TERM} {n}")) for n in range(3)]
    told = [i for one in made for i in one.issues if "is asked no more" in i.message]
    assert [i.severity for i in told] == ["warning"]
    assert words in told[0].message
    for number, one in enumerate(made):
        assert one.bundles == convert(facts(f"{TERM} {number}"), "R4").bundles


def test_a_server_that_is_not_there_costs_one_issue():
    with StubServer() as server:
        address = server.url
    with Terminology.at(address, built_in(), QUICK) as terminology:
        made = Assisted(terminology, built_in(), "R4").convert(facts())
    assert [i.severity for i in made.issues if "is asked no more" in i.message] == ["warning"]


def test_the_number_of_questions_is_bounded(monkeypatch: pytest.MonkeyPatch):
    with TermServer() as server, Terminology.at(server.url, built_in(), QUICK) as terminology:
        terminology.most = 2
        assisted = Assisted(terminology, built_in(), "R4")
        issues = [i for n in range(5) for i in assisted.convert(facts(f"{TERM} {n}")).issues]
        assert len(server.questions) == 2
    told = [i.message for i in issues if "is asked no more" in i.message]
    assert told == [
        "the terminology server is asked no more: 2 questions were asked, which is the bound"
    ]


# --- what was answered is kept -------------------------------------------------------------------


def test_an_answer_is_kept_for_the_next_run_also_that_there_is_none():
    with TermServer(maps={TERM: [match()]}) as server:
        first = helped(server, facts())
        asked = len(server.seen)
        assert helped(server, facts()) == first or len(server.seen) == asked
        assert len(server.seen) == asked
        server.maps = {}
        assert codings(helped(server, facts())) == codings(first)


def test_an_old_answer_is_asked_for_again_and_another_server_is_another():
    time = 1_000_000.0
    answers = Answers("http://a", now=lambda: time)
    answers.put("question", b"answer")
    answers.close()
    cases = [
        ("http://a", time + 1, b"answer"),
        ("http://b", time + 1, None),
        ("http://a", time * 9, None),
    ]
    for address, now, expected in cases:
        again = Answers(address, now=lambda now=now: now)
        assert again.get("question") == expected
        again.close()


def test_a_file_of_answers_that_is_none_is_done_without(tmp_path: Path):
    (tmp_path / "cache" / "fhirconv").mkdir(parents=True)
    (tmp_path / "cache" / "fhirconv" / "terminology.sqlite").write_bytes(
        b"this is no database" * 99
    )
    answers = Answers("http://a")
    answers.put("question", b"answer")
    assert answers.get("question") == b"answer"
    answers.close()


def test_nothing_is_kept_where_the_cache_is_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FHIRCONV_CACHE", "off")
    with TermServer() as server:
        helped(server, facts())
    assert not (tmp_path / "cache").exists()


# --- the command ----------------------------------------------------------------------------------


def call(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments])


@pytest.fixture
def case(tmp_path: Path) -> Path:
    path = tmp_path / "case.facts.json"
    path.write_text(json.dumps(facts()), encoding="utf-8")
    return path


def test_no_server_is_asked_unless_one_is_named(case: Path):
    with TermServer(maps={TERM: [match()]}) as server:
        assert call("convert", case).exit_code == 0
        assert server.seen == []
        result = call("convert", case, "--tx", server.url)
    assert result.exit_code == 0, result.stderr
    assert CODE in result.stdout


def test_many_documents_are_helped_too_whatever_the_number_of_processes(case: Path):
    lines = case.parent / "x.ndjson"
    lines.write_bytes(b"\n".join(json.dumps(facts()).encode() for _ in range(3)))
    with TermServer(maps={TERM: [match()]}) as server:
        made = [call("convert", lines, "--tx", server.url, "-j", n).stdout for n in (1, 2)]
    assert made[0].count(CODE) == 3
    assert made[0] == made[1]


def test_the_terms_that_the_server_has_are_not_listed(case: Path):
    with TermServer(maps={TERM: [match()]}) as server:
        assert TERM in call("tables", "unmapped", case).stdout
        assert TERM not in call("tables", "unmapped", case, "--tx", server.url).stdout


def test_an_address_that_is_none_is_wrong_usage(case: Path):
    result = call("convert", case, "--tx", "ftp://a.b")
    assert result.exit_code == 2
    assert "is no address of a server" in result.stderr


def test_a_secret_of_the_address_is_sent_and_never_shown(case: Path):
    with TermServer(maps={TERM: [match()]}) as server:
        address = server.url.replace("http://", "http://me:hush@")
        report = case.parent / "report.json"
        result = call("convert", case, "--tx", address, "--report", report, "-v")
        assert all("authorization" in request.headers for request in server.seen)
    assert "hush" not in result.output + report.read_text(encoding="utf-8")


# --- the real thing -------------------------------------------------------------------------------


@pytest.fixture
def loaded(request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    """A HAPI server with a small code system and a map of a term to it.

    A server of its own: one that was asked about the system before remembers not to have it.
    """
    with ExitStack() as running:
        with or_skip():
            base = running.enter_context(server(request.param))
        load(base, request.param)
        yield base, request.param


def load(base: str, release: str) -> None:
    """Give a server the code system and the map."""
    headers = {"Accept": FHIR, "Content-Type": FHIR}
    system = {
        "resourceType": "CodeSystem", "id": "pox", "url": NCIT, "status": "active",
        "content": "complete",
        "concept": [
            {"code": CODE, "display": "Flibbering Pox"}, {"code": "C3171", "display": "Other"},
        ],
    }  # fmt: skip
    key = "equivalence" if release == "R4" else "relationship"
    source = f"{LOCAL}conditions"
    target = {"code": CODE, "display": "Flibbering Pox", key: "equivalent"}
    group = {"source": source, "target": NCIT, "element": [{"code": TERM, "target": [target]}]}
    concept_map = {
        "resourceType": "ConceptMap", "id": "pox", "url": "urn:test:pox", "status": "active",
        "group": [group],
    }  # fmt: skip
    for resource in (system, concept_map):
        url = f"{base}/{resource['resourceType']}/{resource['id']}"
        done = requests.put(url, json=resource, headers=headers, timeout=300)
        assert done.ok, done.text


@pytest.mark.parametrize("loaded", ["R4", "R5"], indirect=True)
def test_a_real_server_translates_looks_up_and_denies(loaded: tuple[str, str]):
    base, release = loaded
    tables = built_in()
    with Terminology.at(base, tables, fhirconv.terminology.LIMITS) as terminology:
        made = Assisted(terminology, tables, release).convert(facts())
        assert CODE in [coding["code"] for coding in codings(made)]
        assert not [i for i in made.issues if "is asked no more" in i.message]
        confirmed = terminology.confirmed(NCIT, CODE, "flibbering pox")
        assert confirmed is not None
        assert terminology.confirmed(NCIT, CODE, "another pox") is None
        assert terminology.confirmed(NCIT, "C1", TERM) is None
        assert terminology.contradiction(NCIT, CODE, "Flibbering Pox") is None
        assert terminology.contradiction(NCIT, "C77777", "unknown to it") is None
        denied = terminology.contradiction(NCIT, "C3171", "Acute Myeloid Leukemia")
        assert denied is not None
        assert re.search("the server says 'Other'", denied.message)
        assert terminology.issues() == []
