"""Who we are to a server, how the way there is secured, and that no secret is ever seen."""

import base64
import json
import logging
import os
import ssl
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import jwt
import keyring
import pytest
import trustme
from click.testing import CliRunner
from cryptography.hazmat.primitives import serialization as pem
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from keyring.backend import KeyringBackend

from fhirconv.cli import main
from fhirconv.connection import session_of
from fhirconv.errors import ServerError, UsageError
from fhirconv.http import Session
from fhirconv.settings import Flags, settings_of
from tests.stub_server import Received, Reply, StubServer

posix = pytest.mark.skipif(os.name != "posix", reason="Windows has no such permissions")

ANY = "application/json"
TOKEN_PATH = "/fhir/token"
PASSWORD, SECRET, TOKEN = "pa55-w0rd/+", "cl1ent-s3cret:%", "t0ken-that-is-l0ng-enough"
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP384R1())


def text_of(key: Any) -> str:
    """Write a private key as PEM."""
    form, plain = pem.PrivateFormat.PKCS8, pem.NoEncryption()
    return str(key.private_bytes(pem.Encoding.PEM, form, plain).decode())


def jwk_of(key: Any, name: str) -> dict[str, Any]:
    """Write a private key as a JWK."""
    algorithm = RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else ECAlgorithm
    return json.loads(algorithm.to_jwk(key)) | {"kid": name}


@dataclass
class Guarded(StubServer):
    """A server that gives tokens, and answers those alone who have the last one."""

    life: Any = 300  # seconds, as it is said
    tokens: list[str] = field(default_factory=list)
    refusals: list[Reply] = field(default_factory=list)  # of the token endpoint, first
    elsewhere: str = ""  # another token endpoint that it names

    def reply(self, request: Received) -> Reply:
        """Give a token, say where, or answer who has one."""
        if request.path.endswith("smart-configuration"):
            where = self.elsewhere or self.url + "/token"
            return Reply(body={"token_endpoint": where}, headers={"Content-Type": ANY})
        if request.path == TOKEN_PATH:
            return self.refusals.pop(0) if self.refusals else self._token()
        if request.headers.get("authorization") != f"Bearer {self.tokens[-1]}":
            return Reply(401, {"resourceType": "OperationOutcome", "issue": []})
        return super().reply(request)

    def _token(self) -> Reply:
        self.tokens.append(f"{TOKEN}-{len(self.tokens) + 1}")
        given = {"access_token": self.tokens[-1], "token_type": "Bearer"}
        said = {} if self.life is None else {"expires_in": self.life}
        return Reply(body=given | said)

    def forms(self) -> list[dict[str, str]]:
        """Give what was sent to the token endpoint."""
        asked = [r for r in self.seen if r.path == TOKEN_PATH]
        return [{k: v[0] for k, v in parse_qs(r.body.decode()).items()} for r in asked]


def opened(url: str, environment: Mapping[str, str], **values: str) -> Session:
    """Open a session as a command does, with these settings of the environment."""
    named = {f"FHIRCONV_{name.upper()}": value for name, value in values.items()}
    around = {"XDG_CONFIG_HOME": "/nowhere"} | dict(environment) | named
    session = session_of(settings_of(Flags(url), around), environment=around)
    session.sleep = lambda seconds: None
    return session


# ---- basic and bearer


BASIC = "Basic " + base64.b64encode(f"ann:{PASSWORD}".encode()).decode()
PLAIN = (
    ({"FHIRCONV_USER": "ann", "FHIRCONV_PASSWORD": PASSWORD}, BASIC),
    ({"FHIRCONV_TOKEN": TOKEN}, f"Bearer {TOKEN}"),
    ({"FHIRCONV_TOKEN": TOKEN, "FHIRCONV_AUTH": "none"}, None),
    ({"FHIRCONV_USER": "ann"}, None),
)


@pytest.mark.parametrize(("environment", "header"), PLAIN)
def test_the_environment_says_who_we_are(environment: dict[str, str], header: str | None) -> None:
    with StubServer() as stub, opened(stub.url, environment) as session:
        session.get("metadata", accept=ANY)
        assert session.is_signed == (header is not None)
    assert stub.seen[0].headers.get("authorization") == header


# what the environment has, what is said
HALF = (
    ({"AUTH": "basic", "USER": "ann"}, "basic needs password: set FHIRCONV_PASSWORD or its _FILE"),
    ({"PASSWORD": "p"}, "basic needs user: set FHIRCONV_USER"),
    ({"AUTH": "oauth2", "CLIENT_ID": "c"}, "oauth2 needs client_secret"),
    ({"KEY": "k"}, "smart needs client_id"),
    ({"AUTH": "kerberos"}, "auth is 'kerberos' (known: none, basic, bearer, oauth2, smart)"),
    ({"TOKEN": "t", "PASSWORD": "p"}, "password and token are set: say with auth which is meant"),
    ({"TOKEN": "two words"}, "the token has a space, a line break or a letter beyond ASCII"),
    ({"USER": "a:b", "PASSWORD": "p"}, "the user 'a:b' has a colon, which Basic cannot send"),
    ({"CLIENT_ID": "c", "KEY": "k", "KEY_ID": "1"}, "the key is no private key in PEM without a"),
    ({"CLIENT_ID": "c", "KEY": text_of(RSA)}, "the key has no name: set key_id"),
    ({"CLIENT_ID": "c", "KEY": '{"kty": "RSA"}'}, "the set has 0 private keys that may be meant"),
    ({"CLIENT_ID": "c", "KEY": "{"}, "the key is no private JWK"),
    (
        {"CLIENT_ID": "c", "KEY": text_of(RSA), "KEY_ID": "1", "ALGORITHM": "ES384"},
        "the key cannot sign with ES384",
    ),
    ({"CA": "/nowhere.pem"}, "the file of trusted certificates cannot be used: no such file"),
    ({"CERTIFICATE": "/nowhere.pem"}, "our certificate, or its key, cannot be used: no such file"),
)


@pytest.mark.parametrize(("values", "message"), HALF)
def test_credentials_that_are_not_whole_are_one_sentence(
    values: dict[str, str], message: str
) -> None:
    with pytest.raises(UsageError) as raised:
        opened("http://127.0.0.1/fhir", {}, **values)
    assert raised.value.message.startswith(message)


# ---- OAuth2


CLIENT = {"client_id": "c1", "client_secret": SECRET, "scope": "system/*.cruds"}


@pytest.mark.parametrize("method", ["basic", "post"])
def test_a_client_s_secret_is_sent_for_a_token_as_asked(method: str) -> None:
    with Guarded() as stub, opened(stub.url, {}, **CLIENT, client_auth=method) as session:
        assert session.get("metadata", accept=ANY).status == 200
        assert session.get("metadata", accept=ANY).status == 200
    form = {"grant_type": "client_credentials", "scope": "system/*.cruds"}
    sent = next(r for r in stub.seen if r.path == TOKEN_PATH).headers.get("authorization")
    if method == "post":
        assert (sent, stub.forms()) == (
            None,
            [form | {"client_id": "c1", "client_secret": SECRET}],
        )
    else:
        # RFC 6749, 2.3.1: both are escaped as in a form before they are joined
        written = base64.b64encode(b"c1:cl1ent-s3cret%3A%25").decode()
        assert (sent, stub.forms()) == (f"Basic {written}", [form])


@pytest.mark.parametrize(("key", "algorithm"), [(RSA, "RS384"), (EC, "ES384")])
@pytest.mark.parametrize("form", ["pem", "jwk", "jwks"])
def test_an_assertion_is_signed_as_smart_says(key: Any, algorithm: str, form: str) -> None:
    listed = [jwk_of(EC, "other"), jwk_of(key, "k1")]
    text = {
        "pem": text_of(key),
        "jwk": json.dumps(listed[1]),
        "jwks": json.dumps({"keys": listed}),
    }[form]
    with Guarded() as stub:
        with opened(stub.url, {}, client_id="c1", key=text, key_id="k1") as session:
            assert session.get("metadata", accept=ANY).status == 200
        (sent,) = stub.forms()
        kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        assert sent["client_assertion_type"] == kind
        token = sent["client_assertion"]
        assert jwt.get_unverified_header(token) == {"alg": algorithm, "kid": "k1", "typ": "JWT"}
        audience = f"{stub.url}/token"
        claims = jwt.decode(token, key.public_key(), algorithms=[algorithm], audience=audience)
    assert (claims["iss"], claims["sub"], claims["aud"]) == ("c1", "c1", audience)
    assert 0 < claims["exp"] - claims["iat"] <= 300
    assert len(claims["jti"]) == 36


def test_no_assertion_is_sent_twice() -> None:
    with Guarded(refusals=[Reply(503), Reply(drop=True)]) as stub:
        with opened(stub.url, {}, client_id="c1", key=text_of(EC), key_id="k1") as session:
            assert session.get("metadata", accept=ANY).status == 200
        assert len({form["client_assertion"] for form in stub.forms()}) == 3


def test_a_token_is_renewed_before_it_ends_and_no_sooner() -> None:
    with Guarded(life=300) as stub, opened(stub.url, {}, **CLIENT) as session:
        assert session.access is not None
        time = [0.0]
        session.access.signer.clock = lambda: time[0]  # type: ignore[union-attr]
        for now, given in ((0, 1), (239, 1), (240, 2), (479, 2), (480, 3)):
            time[0] = now
            assert session.get("metadata", accept=ANY).status == 200
            assert len(stub.tokens) == given


@pytest.mark.parametrize("life", [None, "soon"])
def test_a_token_of_unknown_life_is_used_until_it_is_refused(life: Any) -> None:
    with Guarded(life=life) as stub, opened(stub.url, {}, **CLIENT) as session:
        session.get("metadata", accept=ANY)
        stub.tokens.append("taken-back")
        assert session.get("metadata", accept=ANY).status == 200
    assert len(stub.tokens) == 3


def test_a_post_that_must_not_be_resent_is_sent_again_with_a_new_token() -> None:
    bundle = b'{"type": "transaction", "entry": []}'
    with Guarded() as stub, opened(stub.url, {}, **CLIENT) as session:
        session.get("metadata", accept=ANY)
        stub.tokens.append("taken-back")
        assert session.post("", bundle, kind=ANY, resend=False).status == 200


def test_a_token_that_is_refused_at_once_is_renewed_only_once() -> None:
    class Strict(Guarded):
        def reply(self, request: Received) -> Reply:
            if request.path == "/fhir/metadata":
                return Reply(401)
            return super().reply(request)

    with Strict() as stub, opened(stub.url, {}, **CLIENT) as session:
        assert session.get("metadata", accept=ANY).status == 401
        assert len(stub.tokens) == 2


def test_threads_share_one_token() -> None:
    with Guarded() as stub, opened(stub.url, {}, **CLIENT) as session:
        assert session.access is not None
        signer = session.access.signer
        assert signer is not None
        found: list[str] = []
        threads = [
            threading.Thread(target=lambda: found.append(signer.authorization())) for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (len(stub.tokens), set(found)) == (1, {f"Bearer {stub.tokens[0]}"})


REFUSALS = (
    (Reply(400, {"error": "invalid_client"}), "no token is given: invalid_client"),
    (
        Reply(401, {"error": "invalid_scope", "error_description": "no\nsuch scope"}),
        "no token is given: invalid_scope: nosuch scope",
    ),
    (Reply(500, "<html>"), "no token is given: the server answers 500 Internal Server Error"),
    (Reply(200, "{}"), "no token is given: the server answers 200 OK"),
    (Reply(200, {"access_token": "a", "token_type": "mac"}), "the token given is no bearer token"),
)


@pytest.mark.parametrize(("reply", "message"), REFUSALS)
def test_why_there_is_no_token_is_one_sentence(reply: Reply, message: str) -> None:
    with Guarded(refusals=[reply]) as stub, opened(stub.url, {}, **CLIENT) as session:
        with pytest.raises(ServerError) as raised:
            session.get("metadata", accept=ANY)
        assert str(raised.value) == f"{message} [{stub.url}/token]"


def test_a_secret_goes_to_no_other_host_on_a_server_s_word() -> None:
    with Guarded() as other, Guarded(elsewhere=f"{other.url}/token") as stub:
        with (
            opened(stub.url, {}, **CLIENT) as session,
            pytest.raises(ServerError, match=r"token endpoint on another host, .*: set token_url"),
        ):
            session.get("metadata", accept=ANY)
        assert other.seen == []


def test_a_server_without_a_configuration_asks_for_the_token_endpoint() -> None:
    with (
        StubServer() as stub,
        opened(stub.url, {}, **CLIENT) as session,
        pytest.raises(ServerError, match=r"^the server names no token endpoint: set token_url"),
    ):
        session.get("metadata", accept=ANY)


# ---- TLS, proxies, headers


@dataclass(frozen=True)
class Certificates:
    """Files of certificates of the tests' own."""

    ca: str
    client: str
    server: ssl.SSLContext


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """A CA, a client that it vouches for, and a server that asks for such a client."""
    folder, ca = tmp_path_factory.mktemp("tls"), trustme.CA()
    ca.cert_pem.write_to_path(str(folder / "ca.pem"))
    ca.issue_cert("client@fhirconv.test").private_key_and_cert_chain_pem.write_to_path(
        str(folder / "client.pem")
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    ca.configure_trust(context)
    context.verify_mode = ssl.CERT_OPTIONAL
    return Certificates(str(folder / "ca.pem"), str(folder / "client.pem"), context)


@dataclass
class Asking(StubServer):
    """A server of TLS that answers clients with a certificate alone."""

    def answer(self, handler: Any) -> None:
        """Drop whoever has none."""
        self.gets = [Reply(200 if handler.connection.getpeercert() else 403)]
        self._scripts["GET"] = list(self.gets)
        super().answer(handler)


def test_a_ca_of_our_own_is_trusted(certificates: Certificates) -> None:
    with StubServer(tls=certificates.server) as stub:
        with opened(stub.url, {}, ca=certificates.ca) as session:
            assert session.get("metadata", accept=ANY).status == 200
        with opened(stub.url, {"REQUESTS_CA_BUNDLE": certificates.ca}) as session:
            assert session.get("metadata", accept=ANY).status == 200
        with (
            opened(stub.url, {}) as session,
            pytest.raises(ServerError, match="certificate is not trusted"),
        ):
            session.get("metadata", accept=ANY)


@pytest.mark.parametrize(("shown", "status"), [(True, 200), (False, 403)])
def test_our_certificate_is_shown(certificates: Certificates, shown: bool, status: int) -> None:
    own = {"certificate": certificates.client} if shown else {}
    with (
        Asking(tls=certificates.server) as stub,
        opened(stub.url, {}, ca=certificates.ca, **own) as session,
    ):
        assert session.get("metadata", accept=ANY).status == status


def test_a_key_with_a_password_is_opened_with_it(
    certificates: Certificates, tmp_path: Path
) -> None:
    text = Path(certificates.client).read_bytes()
    key = pem.load_pem_private_key(text, None)
    locked = pem.BestAvailableEncryption(PASSWORD.encode())
    form = pem.PrivateFormat.TraditionalOpenSSL
    (tmp_path / "key.pem").write_bytes(key.private_bytes(pem.Encoding.PEM, form, locked))
    files = {"certificate": certificates.client, "certificate_key": str(tmp_path / "key.pem")}
    with Asking(tls=certificates.server) as stub:
        named = {"ca": certificates.ca, **files}
        with opened(stub.url, {}, **named, certificate_password=PASSWORD) as session:
            assert session.get("metadata", accept=ANY).status == 200
        with pytest.raises(UsageError, match=r"^our certificate, or its key, cannot be used: "):
            opened(stub.url, {}, **named)


def test_a_proxy_gets_the_request_and_its_own_password_and_no_more() -> None:
    with StubServer(gets=[Reply(200, "{}")]) as proxy:
        address = proxy.url.removesuffix("/fhir").replace("//", "//ann:pr0xy-pass@")
        for environment in ({"HTTP_PROXY": address}, {"FHIRCONV_PROXY": address}):
            with pytest.MonkeyPatch.context() as patch:
                for name, value in environment.items():
                    patch.setenv(name, value)
                patch.delenv("no_proxy", raising=False)
                patch.delenv("NO_PROXY", raising=False)
                with opened("http://fhir.test/fhir", environment) as session:
                    session.get("metadata", accept=ANY)
                    assert "pr0xy-pass" not in repr(session)
    for seen in proxy.seen:
        sent = "Basic " + base64.b64encode(b"ann:pr0xy-pass").decode()
        assert (seen.path, seen.headers["proxy-authorization"]) == (
            "http://fhir.test/fhir/metadata",
            sent,
        )


def test_headers_go_along(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("k3y-of-the-api")
    headers = ("X-Tenant=a", "X-Empty=", "X-API-Key=env:KEY", f"X-Auth=file:{tmp_path / 'key'}")
    with StubServer() as stub:
        around = {"KEY": "k3y", "XDG_CONFIG_HOME": "/nowhere"}
        held = settings_of(Flags(stub.url, headers=headers), around)
        with session_of(held, environment=around) as session:
            session.get("metadata", accept=ANY)
    sent = stub.seen[0].headers
    assert (sent["x-tenant"], sent["x-empty"]) == ("a", "")
    assert (sent["x-api-key"], sent["x-auth"]) == ("k3y", "k3y-of-the-api")


# ---- no secret is ever seen


class Keyring(KeyringBackend):  # type: ignore[misc]
    """A keyring of the tests' own."""

    priority = 1

    def get_password(self, service: str, username: str) -> str | None:
        """Give the one secret that it has."""
        return TOKEN if (service, username) == ("clinic", "token") else None

    def set_password(self, service: str, username: str, password: str) -> None:
        """Take none."""

    def delete_password(self, service: str, username: str) -> None:
        """Take none away."""


@pytest.fixture
def own_keyring() -> Iterator[None]:
    """The tests' own keyring in place of the system's."""
    kept = keyring.get_keyring()
    keyring.set_keyring(Keyring())
    yield
    keyring.set_keyring(kept)


@dataclass
class Telling(Guarded):
    """A server that refuses everybody, and says aloud what it was told."""

    status: int = 401

    def reply(self, request: Received) -> Reply:
        """Repeat the header, its parts, and the body."""
        if request.path.endswith("smart-configuration") or (
            request.path == TOKEN_PATH and self.status != 400
        ):
            return super().reply(request)
        header = request.headers.get("authorization", "")
        word = header.partition(" ")[2]
        plain = base64.b64decode(word).decode() if header.startswith("Basic ") else word
        told = f"{header} {plain} {request.headers.get('x-api-key')} {request.body.decode()}"
        form = {k: v[0] for k, v in parse_qs(request.body.decode()).items()}
        issue = {"severity": "error", "code": "login", "diagnostics": told + str(form)}
        outcome = {"resourceType": "OperationOutcome", "issue": [issue]}
        error = {"error": "invalid_client", "error_description": told + str(form)}
        return Reply(self.status, outcome | error)


WHO: dict[str, dict[str, str]] = {
    "basic": {"FHIRCONV_USER": "ann", "FHIRCONV_PASSWORD": PASSWORD},
    "bearer": {"FHIRCONV_TOKEN": TOKEN},
    "oauth2 basic": {"FHIRCONV_CLIENT_ID": "c1", "FHIRCONV_CLIENT_SECRET": SECRET},
    "oauth2 post": {
        "FHIRCONV_CLIENT_ID": "c1",
        "FHIRCONV_CLIENT_SECRET": SECRET,
        "FHIRCONV_CLIENT_AUTH": "post",
    },
    "smart": {
        "FHIRCONV_CLIENT_ID": "c1",
        "FHIRCONV_KEY": text_of(EC),
        "FHIRCONV_KEY_ID": "k1",
    },
}
SECRETS = (PASSWORD, SECRET, TOKEN, "k3y-of-the-api", "pr0xy-pass", text_of(EC).split("\n")[1])


@pytest.mark.parametrize("status", [400, 401, 403, 422, 500])
@pytest.mark.parametrize("who", WHO)
def test_no_secret_is_printed_logged_or_shown(
    who: str,
    status: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    for name, value in (WHO[who] | {"API_KEY": "k3y-of-the-api"}).items():
        monkeypatch.setenv(name, value)
    entry = {
        "resource": {"resourceType": "Patient", "id": "p"},
        "request": {"method": "PUT", "url": "Patient/p"},
    }
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    (tmp_path / "case.json").write_text(json.dumps(bundle))
    with Telling(status=status) as stub:
        named = ["--server", stub.url, "--header", "X-API-Key=env:API_KEY", "-v"]
        done = CliRunner().invoke(main, ["push", str(tmp_path / "case.json"), *named])
        shown = CliRunner().invoke(main, ["settings", *named])
        held = settings_of(Flags(stub.url, headers=["X-API-Key=env:API_KEY"]), os.environ)
        with session_of(held) as session:
            seen = [repr(session), repr(session.access), repr(held)]
            with pytest.raises(ServerError) as raised:
                raise ServerError(str(session.get(accept=ANY).body), "")
            seen.append(str(raised.value))
    assert done.exit_code == 1
    assert shown.exit_code == 0
    told = "\n".join([done.output, shown.output, caplog.text, *seen])
    written = base64.b64encode(f"ann:{PASSWORD}".encode()).decode()
    tokens = [value for request in stub.seen for value in _signed(request)]
    for secret in (*SECRETS, written, *tokens):
        assert secret not in told, secret


def _signed(request: Received) -> Iterator[str]:
    """Give what a request had that must not be seen."""
    word = request.headers.get("authorization", "").partition(" ")[2]
    if word:
        yield word
    form = parse_qs(request.body.decode()) if request.path == TOKEN_PATH else {}
    yield from form.get("client_assertion", [])


def test_a_secret_is_not_written_down_by_accident() -> None:
    import copy
    import pickle

    from fhirconv.secret import Secret

    secret = Secret(TOKEN, "env:T")
    assert (repr(secret), str(secret), f"{secret}") == ("<secret from env:T>",) * 3
    for way in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError, match="a secret is not written down"):
            way(secret)


@pytest.mark.usefixtures("own_keyring")
def test_the_keyring_has_secrets(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[servers.a]\nurl = "http://127.0.0.1/fhir"\ntoken = "keyring:clinic"\n')
    held = settings_of(Flags("a", file=str(file)), {})
    assert held.text("token") == TOKEN
    file.write_text('[servers.a]\nurl = "http://127.0.0.1/fhir"\ntoken = "keyring:x/ann"\n')
    with pytest.raises(UsageError, match=r"has no token for 'x/ann': keyring set x ann \[.*:3\]"):
        settings_of(Flags("a", file=str(file)), {})


@pytest.mark.parametrize(
    ("package", "values"),
    [("jwt", {"CLIENT_ID": "c", "KEY": "k", "KEY_ID": "1"}), ("keyring", {})],
)
def test_a_part_that_is_not_installed_is_named(
    package: str, values: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    header = () if values else ("X-Key=keyring:a",)
    around = {f"FHIRCONV_{name}": value for name, value in values.items()}
    extra = "smart" if package == "jwt" else "keyring"
    with pytest.raises(UsageError, match=rf"pip install 'fhirconv\[{extra}\]'"):
        session_of(settings_of(Flags("http://127.0.0.1", headers=header), around))


def test_no_secret_stands_in_a_traceback() -> None:
    import traceback

    around = {"FHIRCONV_PROXY": "http://ann:pr0xy-pass@127.0.0.1:1"}
    who = (
        WHO["basic"],
        WHO["smart"] | {"FHIRCONV_TOKEN_URL": "http://127.0.0.1:1/token"},
        WHO["oauth2 post"] | {"FHIRCONV_TOKEN_URL": "http://127.0.0.1:1/token"},
        {"FHIRCONV_CLIENT_ID": "c", "FHIRCONV_KEY": PASSWORD, "FHIRCONV_KEY_ID": "k"},
        {"FHIRCONV_TOKEN": f"{TOKEN} {TOKEN}"},
    )
    for environment in who:
        for proxied in ({}, around):
            with pytest.raises((ServerError, UsageError)) as raised:
                opened("http://127.0.0.1:1/fhir", environment | proxied).get(accept=ANY)
            told = "".join(traceback.format_exception(raised.value))
            assert [secret for secret in SECRETS if secret in told] == []


@dataclass
class Fickle(Guarded):
    """A server that takes its token back after ten bundles, when others are under way."""

    taken: int = 0
    one: threading.Lock = field(default_factory=threading.Lock)

    def take(self, bundle: dict[str, Any]) -> dict[str, Any]:
        """Store a bundle, and after the tenth take the token back."""
        with self.one:
            self.taken += 1
            if self.taken == 10:
                self.tokens.append("taken-back")
            return super().take(bundle)


def bundle_of(number: int) -> str:
    """Write a small bundle of its own."""
    name = f"p{number}"
    entry = {
        "resource": {"resourceType": "Patient", "id": name},
        "request": {"method": "PUT", "url": f"Patient/{name}"},
    }
    return json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": [entry]})


def test_a_push_over_several_connections_outlives_its_tokens(
    tmp_path: Path, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (WHO["smart"] | {"FHIRCONV_CA": certificates.ca}).items():
        monkeypatch.setenv(name, value)
    (tmp_path / "cases.ndjson").write_text("\n".join(map(bundle_of, range(40))))
    with Fickle(tls=certificates.server) as stub:
        named = ["--server", stub.url, "--jobs", "4", "--state", str(tmp_path / "state")]
        done = CliRunner().invoke(main, ["push", str(tmp_path / "cases.ndjson"), *named])
        assert done.exit_code == 0, done.output
        assert len(stub.store) == 40
        assert len(stub.forms()) == 2
    kept = b"".join(path.read_bytes() for path in (tmp_path / "state").rglob("*") if path.is_file())
    assert TOKEN.encode() not in kept
