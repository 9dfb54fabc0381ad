"""One session: what it tries again, how long it waits, whom it tells its secrets, what it says."""

import errno
import logging
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from base64 import b64encode
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhirconv.address import base_of, is_within, shown
from fhirconv.errors import ServerError, UsageError
from fhirconv.http import Limits, Session, retry_after
from tests.stub_server import Reply, StubServer

NOON = 1_767_268_800.0  # 2026-01-01T12:00:00Z
ANY = "application/json"
OK = Reply(200, "{}")
BUSY = Reply(503)


@dataclass
class Clock:
    """A time that only passes while one sleeps."""

    time: float = NOON
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds


def session(address: str, clock: Clock, limits: Limits | None = None, **tokens: str) -> Session:
    return Session(address, limits or Limits(), tokens, clock.sleep, clock, clock)


# name, replies, slept (None: any back-off), tries, final status
TRIED = (
    ("at once", [OK], [], 1, 200),
    ("a refusal is final", [Reply(422), OK], [], 1, 422),
    ("an error of the server is final", [Reply(500), OK], [], 1, 500),
    ("503 passes", [BUSY, OK], [None], 2, 200),
    ("502 and 504 pass", [Reply(502), Reply(504), OK], [None, None], 3, 200),
    ("429 says when", [Reply(429, headers={"Retry-After": "7"}), OK], [7], 2, 200),
    ("503 says when", [Reply(503, headers={"Retry-After": "0"}), OK], [0], 2, 200),
    (
        "a date says when",
        [Reply(429, headers={"Retry-After": "Thu, 01 Jan 2026 12:00:20 GMT"}), OK],
        [20],
        2,
        200,
    ),
    (
        "a date that has passed",
        [Reply(429, headers={"Retry-After": "Thu, 01 Jan 2026 11:00:00 GMT"}), OK],
        [0],
        2,
        200,
    ),
    ("a day is not waited for", [Reply(429, headers={"Retry-After": "86400"}), OK], [60], 2, 200),
    ("soon is no time", [Reply(429, headers={"Retry-After": "soon"}), OK], [None], 2, 200),
    ("a dropped connection passes", [Reply(drop=True), OK], [None], 2, 200),
    ("a truncated answer passes", [Reply(200, "{...}", cut=2), OK], [None], 2, 200),
    ("five tries are enough", [BUSY] * 9, [None] * 4, 5, 503),
)


@pytest.mark.parametrize(("name", "replies", "slept", "tries", "status"), TRIED)
def test_what_may_pass_is_tried_again(
    name: str, replies: list[Reply], slept: list[float | None], tries: int, status: int
) -> None:
    clock = Clock()
    with StubServer(posts=replies) as stub, session(stub.url, clock) as open_session:
        answer = open_session.post("", b"{}", kind=ANY, resend=True)
        assert (answer.status, answer.tries, len(stub.seen)) == (status, tries, tries), name
    assert len(clock.slept) == len(slept)
    assert all(want is None or want == got for want, got in zip(slept, clock.slept, strict=True))


@pytest.mark.parametrize("reply", [BUSY, Reply(429, headers={"Retry-After": "1"})])
def test_what_must_not_be_resent_is_sent_once(reply: Reply) -> None:
    clock = Clock()
    with StubServer(posts=[reply, OK]) as stub, session(stub.url, clock) as open_session:
        assert open_session.post("", b"{}", kind=ANY, resend=False).status == reply.status
        assert len(stub.seen) == 1
    assert clock.slept == []


def test_a_dropped_connection_is_an_error_where_nothing_may_be_resent() -> None:
    with (
        StubServer(posts=[Reply(drop=True), OK]) as stub,
        session(stub.url, Clock()) as open_session,
    ):
        with pytest.raises(ServerError, match=r"^the connection broke: .*") as raised:
            open_session.post("", b"{}", kind=ANY, resend=False)
        assert raised.value.where == stub.url
        assert len(stub.seen) == 1


def test_each_wait_is_logged_with_its_reason(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "fhirconv.http")
    replies = [Reply(429, headers={"Retry-After": "2"}), Reply(drop=True), OK]
    with StubServer(posts=replies) as stub, session(stub.url, Clock()) as open_session:
        open_session.post("", b"{}", kind=ANY, resend=True)
    first, second = caplog.messages
    assert first == "try 1: status 429; next in 2.0 s"
    assert second.startswith("try 2: the connection broke: ")


def test_waits_double_with_jitter_up_to_a_ceiling() -> None:
    clock = Clock()
    limits = Limits(tries=7, first_wait=1, longest_wait=10)
    with (
        StubServer(posts=[BUSY] * 7) as stub,
        session(stub.url, clock, limits) as open_session,
    ):
        open_session.post("", b"{}", kind=ANY, resend=True)
    least = [1, 2, 4, 8, 10, 10]
    assert all(
        low <= wait <= min(low + 1, 10) for low, wait in zip(least, clock.slept, strict=True)
    )


def test_tries_end_before_the_total_time_does() -> None:
    clock = Clock()
    wait = Reply(503, headers={"Retry-After": "40"})
    with (
        StubServer(posts=[wait] * 9) as stub,
        session(stub.url, clock, Limits(total=100, tries=9)) as open_session,
    ):
        answer = open_session.post("", b"{}", kind=ANY, resend=True)
    assert (answer.status, answer.tries, clock.slept) == (503, 3, [40, 40])


# name, replies, limits, message
TROUBLE = (
    ("drops", [Reply(drop=True)] * 5, Limits(), r"^the connection broke: .*, in 5 tries \[http"),
    (
        "truncates",
        [Reply(200, "{...}", cut=2)] * 5,
        Limits(),
        r"^the answer broke off before its end, in 5 tries \[http",
    ),
    ("is slow", [Reply(hang=True)], Limits(read=0.1), r"^no answer within 0\.1 seconds \[http"),
    ("talks on", [Reply(200, b"x" * 99)], Limits(answer=9), r"^the answer is longer than 9 bytes "),
    (
        "leads in circles",
        [Reply(307, headers={"Location": "/fhir"})] * 9,
        Limits(),
        r"^the server redirects more than 5 times \[http",
    ),
    (
        "sends no gzip",
        [Reply(200, b"plain", headers={"Content-Encoding": "gzip"})],
        Limits(),
        r"^the answer cannot be unpacked \[http",
    ),
)


@pytest.mark.parametrize(("name", "replies", "limits", "message"), TROUBLE)
def test_a_server_that_gives_no_answer_is_one_sentence(
    name: str, replies: list[Reply], limits: Limits, message: str
) -> None:
    with (
        StubServer(gets=replies) as stub,
        session(stub.url, Clock(), limits) as open_session,
        pytest.raises(ServerError, match=message),
    ):
        open_session.get(accept=ANY)


def test_an_answer_that_trickles_ends_with_the_total_time() -> None:
    clock = Clock()
    with (
        StubServer(gets=[Reply(200, b"x" * 99)]) as stub,
        session(stub.url, clock, Limits(total=30)) as open_session,
    ):
        ticks = iter(range(0, 1000, 20))
        open_session.clock = lambda: float(next(ticks))
        with pytest.raises(ServerError, match=r"^the answer is not whole after 30 seconds \[http"):
            open_session.get(accept=ANY)


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def test_where_no_server_is_none_is_waited_for() -> None:
    clock = Clock()
    address = f"http://127.0.0.1:{_free_port()}/fhir"
    with (
        session(address, clock) as open_session,
        pytest.raises(
            ServerError, match=r"^no server answers there: the connection is refused \[http"
        ),
    ):
        open_session.get(accept=ANY)
    assert clock.slept == []


def test_a_server_that_restarts_is_waited_for() -> None:
    clock = Clock()
    with session("http://127.0.0.1:1", clock) as open_session:
        with StubServer() as stub:
            open_session.address = stub.url
            open_session.get("metadata", accept=ANY)
        with pytest.raises(ServerError, match=r"connection is refused, in 5 tries \[http"):
            open_session.get("metadata", accept=ANY)
    assert len(clock.slept) == 4


# what the system says, what is said, how often it is tried
SYSTEM = (
    (
        socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
        "the host cannot be found: name or service not known",
        1,
    ),
    (TimeoutError("timed out"), "no connection within 10 seconds, in 5 tries", 5),
    (
        OSError(errno.ENETUNREACH, "Network is unreachable"),
        "no connection can be made: network is unreachable",
        1,
    ),
)


@pytest.mark.parametrize(("error", "message", "tries"), SYSTEM)
def test_what_the_system_says_of_a_connection_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, error: OSError, message: str, tries: int
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    clock = Clock()
    with session("http://fhir.invalid/fhir", clock) as open_session:
        with pytest.raises(ServerError) as raised:
            open_session.get(accept=ANY)
        assert str(raised.value) == f"{message} [http://fhir.invalid/fhir]"
    assert len(clock.slept) == tries - 1


def test_what_is_no_web_server_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet() -> None:
            peer, _ = listener.accept()
            with peer:
                peer.recv(9999)
                peer.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")

        thread = threading.Thread(target=greet)
        thread.start()
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with (
            session(address, Clock()) as open_session,
            pytest.raises(ServerError, match=r"^what answers there speaks no HTTP \[http"),
        ):
            open_session.get(accept=ANY)
        thread.join()


def test_https_to_a_server_of_http_is_one_sentence() -> None:
    with StubServer() as stub:
        address = stub.url.replace("http:", "https:")
        with (
            session(address, Clock()) as open_session,
            pytest.raises(ServerError, match=r"^no secure connection \(https\) can be made: .*"),
        ):
            open_session.get(accept=ANY)


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if not openssl:
        pytest.skip("openssl, which makes the certificate, is not here")
    key, certificate = str(tmp_path / "key.pem"), str(tmp_path / "certificate.pem")
    made = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1"]
    command = [openssl, *made, "-keyout", key, "-out", certificate]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    clock = Clock()
    with (
        StubServer(tls=context) as stub,
        session(stub.url, clock) as open_session,
        pytest.raises(ServerError, match=r"^the server's certificate is not trusted: self.signed"),
    ):
        open_session.get(accept=ANY)
    assert clock.slept == []


# what the environment has, what the address has, the Authorization header
SIGNED = (
    ({}, "", None),
    ({"FHIRCONV_TOKEN": "s3cret"}, "", "Bearer s3cret"),
    ({"FHIRCONV_TOKEN": " s3cret\n"}, "", "Bearer s3cret"),
    ({}, "ann:p%40ss@", "Basic " + b64encode(b"ann:p@ss").decode()),
    ({"FHIRCONV_TOKEN": "s3cret"}, "ann:pw@", "Basic " + b64encode(b"ann:pw").decode()),
)


@pytest.mark.parametrize(("tokens", "user", "header"), SIGNED)
def test_credentials_come_from_the_address_or_the_environment(
    tokens: dict[str, str], user: str, header: str | None
) -> None:
    with StubServer() as stub:
        address = stub.url.replace("//", f"//{user}")
        with session(address, Clock(), **tokens) as open_session:
            open_session.get("metadata", accept=ANY)
            assert open_session.address == stub.url
            assert open_session.is_signed == (header is not None)
    assert stub.seen[0].headers.get("authorization") == header


def test_a_token_may_stand_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("s3cret\n")
    with (
        StubServer() as stub,
        session(stub.url, Clock(), FHIRCONV_TOKEN_FILE=str(file)) as open_session,
    ):
        open_session.get("metadata", accept=ANY)
    assert stub.seen[0].headers["authorization"] == "Bearer s3cret"


BAD_FILES = (
    (None, "the file of the token cannot be read: No such file or directory"),
    (b"\xff\xfe", "the file of the token is not text"),
    (b" \n", "the file of the token is empty"),
    (b"two words", "the token has a space, a line break or a letter beyond ASCII"),
)


@pytest.mark.parametrize(("content", "message"), BAD_FILES)
def test_a_file_without_a_token_is_one_sentence(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UsageError) as raised:
        session("http://127.0.0.1", Clock(), FHIRCONV_TOKEN_FILE=str(file))
    assert str(raised.value) == f"{message} [{file}]"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_host_is_sent_nothing(status: int) -> None:
    with StubServer() as other:
        away = Reply(status, headers={"Location": other.url.replace("//", "//eve:pw@")})
        with StubServer(gets=[away], posts=[away]) as stub:
            address = stub.url.replace("//", "//ann:pa55word@")
            with session(address, Clock()) as open_session:
                for ask in (
                    lambda: open_session.get(accept=ANY),
                    lambda: open_session.post("", b"{}", kind=ANY, resend=True),
                ):
                    with pytest.raises(ServerError) as raised:
                        ask()
                    message = str(raised.value)
                    assert f"redirects to another host, {other.url!r}, which is" in message
                    assert "pa55word" not in message
                    assert "eve" not in message
        assert other.seen == []


# status, method at the end of the way
WITHIN = ((301, "POST"), (302, "POST"), (303, "GET"), (307, "POST"), (308, "POST"))


@pytest.mark.parametrize(("status", "method"), WITHIN)
def test_a_redirect_at_the_same_host_keeps_body_and_credentials(status: int, method: str) -> None:
    away = Reply(status, headers={"Location": "/fhir/there#part"})
    with (
        StubServer(gets=[OK], posts=[away, OK]) as stub,
        session(stub.url, Clock(), FHIRCONV_TOKEN="s3cret") as open_session,
    ):
        answer = open_session.post("", b"{}", kind=ANY, resend=True)
        assert answer.url == f"{stub.url}/there"
    last = stub.seen[-1]
    assert (last.method, last.path) == (method, "/fhir/there")
    assert last.body == (b"{}" if method == "POST" else b"")
    assert last.headers["authorization"] == "Bearer s3cret"


HOSTS = (
    ("http://a/x", "http://a/y", True),
    ("http://a/x", "http://a:80/y", True),
    ("http://a/x", "https://a/y", True),
    ("https://a/x", "http://a/y", False),
    ("http://a/x", "http://a:81/y", False),
    ("http://a:8080/x", "https://a/y", False),
    ("http://a/x", "http://b/x", False),
    ("http://a/x", "http://a.b/x", False),
    ("http://a/x", "ftp://a/x", False),
    ("http://a/x", "http://a:port/x", False),
)


@pytest.mark.parametrize(("address", "target", "within"), HOSTS)
def test_a_host_is_scheme_name_and_port(address: str, target: str, within: bool) -> None:
    assert is_within(address, target) is within


ADDRESSES = (
    ("http://a", "http://a"),
    (" http://a/fhir/ ", "http://a/fhir"),
    ("https://ann:pw@a:8443/fhir//", "https://a:8443/fhir"),
    ("http://[::1]:8080/fhir", "http://[::1]:8080/fhir"),
)


@pytest.mark.parametrize(("address", "base"), ADDRESSES)
def test_a_base_address_has_no_user_and_no_last_slash(address: str, base: str) -> None:
    assert base_of(address) == base


# what is given, what is shown, why not
BAD_ADDRESSES = (
    ("", "", "it must begin with http:// or https://"),
    ("localhost:8080/fhir", "localhost:8080/fhir", "it must begin with http:// or https://"),
    ("ftp://ann:pw@a/fhir", "ftp://a/fhir", "it must begin with http:// or https://"),
    ("file:///etc/passwd", "file:///etc/passwd", "it must begin with http:// or https://"),
    ("http://", "http://", "its host or port cannot be read"),
    ("http://ann:pw@/fhir", "http:///fhir", "its host or port cannot be read"),
    ("ann:pw@a/fhir", "a/fhir", "it must begin with http:// or https://"),
    ("http://ann:p/w@a/fhir", "http://a/fhir", "its host or port cannot be read"),
    ("http://ann:p?w@a/fhir", "http://a/fhir", "its host or port cannot be read"),
    ("http://a:port/fhir", "http://a:port/fhir", "its host or port cannot be read"),
    ("http://a:99999", "http://a:99999", "its host or port cannot be read"),
    ("http://[::1/fhir", "http://[::1/fhir", "its host or port cannot be read"),
    ("http://a b/fhir", "http://a b/fhir", "its host or port cannot be read"),
    ("http://a/fhir?key=s3cret", "http://a/fhir", "it must end before a '?' or '#'"),
    ("http://a/fhir#s3cret", "http://a/fhir", "it must end before a '?' or '#'"),
)


@pytest.mark.parametrize(("address", "seen", "why"), BAD_ADDRESSES)
def test_what_is_no_address_says_why(address: str, seen: str, why: str) -> None:
    with pytest.raises(UsageError) as raised:
        Session(address)
    assert str(raised.value) == f"{seen!r} is no address of a server: {why}"


WORD = st.text("abcXYZ019.-_~%:@/", min_size=1)


@given(user=st.text("abcXYZ019:.@", min_size=1), path=st.text("abc/", max_size=9), query=WORD)
def test_no_secret_of_an_address_is_ever_shown(user: str, path: str, query: str) -> None:
    assert shown(f"http://s3cret{user}@host/{path}?s3cret={query}") == f"http://host/{path}"


@given(st.text())
def test_any_retry_after_is_seconds_or_nothing(value: str) -> None:
    wait = retry_after(value, NOON)
    assert wait is None or wait >= 0


def test_nothing_that_opens_connections_is_imported_before_it_is_needed() -> None:
    program = (
        "import sys, fhirconv.server, fhirconv.http\n"
        "print({'requests', 'urllib3', 'tenacity', 'orjson'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert done.stdout == "set()\n"
