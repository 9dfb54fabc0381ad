"""A terminology server, asked for what no table has: only an exact answer of it counts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlencode

from fhirconv.answers import Answers
from fhirconv.errors import ServerError, TableError
from fhirconv.http import Limits
from fhirconv.outcome import Issue
from fhirconv.server import FHIR_JSON, Server
from fhirconv.tables import Coding, System, Tables
from fhirconv.terms import term_key
from fhirconv.validate.codes import code_problem

LIMITS = Limits(connect=5.0, read=10.0, total=20.0, tries=2, answer=4_000_000)
MOST = 2_000  # requests of one run of one process
TRANSLATE, LOOKUP, VALIDATE = "translate", "lookup", "validate"  # of tx/questions.csv
NOT_FOUND = range(400, 500)  # the server understands, and has no answer

Parts = Mapping[str, Any]


@dataclass
class Terminology:
    """One terminology server: what it is asked, what it answered, and when it is given up.

    The first trouble ends the asking: one Issue says so, and what was answered stands.
    """

    server: Server
    tables: Tables
    answers: Answers
    most: int = MOST
    asked: int = 0
    troubles: list[Issue] = field(default_factory=list)
    _given_up: bool = False

    @classmethod
    def at(cls, address: str, tables: Tables, limits: Limits = LIMITS) -> Self:
        """Return the server at a base address; raises UsageError where that is none."""
        server = Server.at(address, tables, limits)
        return cls(server, tables, Answers(server.session.address))

    def __enter__(self) -> Self:
        """Return the server, whose connections are closed at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self.close()

    def close(self) -> None:
        """Close the connections and the file of answers."""
        self.server.session.close()
        self.answers.close()

    def issues(self) -> list[Issue]:
        """Return what kept the server from being asked, told once."""
        told, self.troubles = self.troubles, []
        return told

    def translations(self, vocabulary: str, term: str) -> list[Coding]:
        """Return the codes that the server's maps give the words of a term as equivalent."""
        answer, origin = self._ask(TRANSLATE, {"vocabulary": vocabulary, "term": term})
        found = [self._coding(match, origin) for match in _matches(answer)]
        return list(dict.fromkeys(coding for coding in found if coding))

    def confirmed(self, system: str, code: str, words: str) -> Coding | None:
        """Return the code that a source stated where the server calls it by just these words."""
        known = self._system(system, "codes")
        if known is None:
            return None
        answer, origin = self._ask(LOOKUP, {"system": system, "code": code})
        display = _value(answer, "display")
        if term_key(words) not in {term_key(name) for name in _names(answer)}:
            return None
        return Coding(known.prefix, system, code, display, "exact", (), origin)

    def contradiction(self, system: str, code: str, display: str) -> Issue | None:
        """Return the issue of a display that the server denies; None for a code it has not."""
        if self._system(system, "displays") is None:
            return None
        answer, _ = self._ask(LOOKUP, {"system": system, "code": code})
        names = {term_key(name) for name in _names(answer)}
        if not names or term_key(display) in names:
            return None
        asked = {"system": system, "code": code, "display": display}
        verdict, origin = self._ask(VALIDATE, asked)
        if _value(verdict, "result") != "false" and not _value(verdict, "message"):
            return None  # with a message a server such as HAPI says 'true, but'
        right = _value(answer, "display")
        message = f"the display of {code} is {display!r}, and the server says {right!r}"
        return Issue("warning", "code-invalid", message, origin)

    def _system(self, uri: str, column: str) -> System | None:
        """Return the code system of a URI where tx/systems.csv says that it is asked."""
        asked = {line["prefix"] for line in self.tables.tx.get("systems", ()) if line[column]}
        systems = self.tables.systems.values()
        return next((s for s in systems if s.uri == uri and s.prefix in asked), None)

    def _coding(self, match: Parts, origin: str) -> Coding | None:
        """Return the coding of a match that counts as exact, of a system that is asked."""
        exact = any(
            match.get(line["element"]) == line["code"] and line["match"] == "exact"
            for line in self.tables.tx.get("answers", ())
        )
        concept = match.get("concept")
        if not (exact and isinstance(concept, dict) and concept.get("code")):
            return None
        known = self._system(str(concept.get("system")), "codes")
        if known is None or code_problem(known.check, str(concept["code"])):
            return None
        display = str(concept.get("display") or "")
        return Coding(known.prefix, known.uri, str(concept["code"]), display, "exact", (), origin)

    def _ask(self, question: str, values: Mapping[str, str]) -> tuple[list[Parts], str]:
        """Return the parameters of an answer (none where the server has none) and the request."""
        import orjson

        try:
            path = self._path(question, values)
            origin = f"tx:{self.server.session.address}/{path}"
            answer = self.answers.get(path)
            if answer is None:
                answer = self._send(path)
            said = orjson.loads(answer) if answer else {}
        except (ServerError, orjson.JSONDecodeError) as error:
            self._give_up(str(error))
            return [], ""
        listed = said.get("parameter") if isinstance(said, dict) else None
        return [p for p in listed or () if isinstance(p, dict)], origin

    def _path(self, question: str, values: Mapping[str, str]) -> str:
        """Return the path and query of a question, as tx/questions.csv has it."""
        release = self._release()
        rows = [
            line
            for line in self.tables.tx.get("questions", ())
            if line["question"] == question
            and (not line["releases"] or release in line["releases"].split())
        ]
        if not rows:
            raise TableError(f"no row says how to {question} in {release}", "tx/questions.csv")
        query = urlencode([(r["parameter"], r["before"] + values[r["value"]]) for r in rows])
        return f"{rows[0]['path']}?{query}"

    def _release(self) -> str:
        """Return the release that the server speaks, asked for once; raises ServerError."""
        known = self.answers.get("")
        if known is None:
            if self._given_up:
                return self.tables.default_release
            known = self.server.release().name.encode()
            self.answers.put("", known)
        return known.decode()

    def _send(self, path: str) -> bytes:
        """Return the body of an answer, empty where the server has none; raises ServerError."""
        if self._given_up:
            return b""
        if self.asked >= self.most:
            raise ServerError(f"{self.most} questions were asked, which is the bound", "")
        self.asked += 1
        answer = self.server.session.get(path, accept=FHIR_JSON)
        refused = answer.status in (401, 403, 407, 429)
        if refused or not (answer.is_fine or answer.status in NOT_FOUND):
            raise ServerError(f"the server answers with status {answer.status}", answer.url)
        body = answer.body if answer.is_fine else b""
        if body and not body.lstrip().startswith(b"{"):
            raise ServerError("the server answers in no FHIR JSON", answer.url)
        self.answers.put(path, body)
        return body

    def _give_up(self, why: str) -> None:
        if not self._given_up:
            self._given_up = True
            message = f"the terminology server is asked no more: {why}"
            self.troubles.append(
                Issue("warning", "transient", message, self.server.session.address)
            )


def _matches(parameters: list[Parts]) -> Iterator[dict[str, Any]]:
    """Yield the parts of each match of an answer, by name."""
    for parameter in parameters:
        parts = parameter.get("part")
        if parameter.get("name") == "match" and isinstance(parts, list):
            named = [part for part in parts if isinstance(part, dict)]
            yield {str(part.get("name")): _value_of(part) for part in named}


def _names(parameters: list[Parts]) -> Iterator[str]:
    """Yield the display of a code and its other names."""
    yield from filter(None, [_value(parameters, "display")])
    for parameter in parameters:
        parts = parameter.get("part")
        if parameter.get("name") == "designation" and isinstance(parts, list):
            yield from filter(None, [_value([p for p in parts if isinstance(p, dict)], "value")])


def _value(parameters: list[Parts], name: str) -> str:
    """Return the value of the first parameter of this name as words, '' for none."""
    found = next((_value_of(p) for p in parameters if p.get("name") == name), None)
    return str(found).lower() if isinstance(found, bool) else str(found or "")


def _value_of(parameter: Parts) -> Any:
    return next((v for k, v in parameter.items() if k.startswith("value")), None)
