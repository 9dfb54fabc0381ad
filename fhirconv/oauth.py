"""OAuth2 for programs: a token for a client's secret or for its signed word (SMART Backend)."""

import threading
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode
from uuid import uuid4

from fhirconv.address import is_within, shown
from fhirconv.credentials import token_of
from fhirconv.errors import ServerError, UsageError
from fhirconv.http import Answer, Request, Session
from fhirconv.secret import Secret, without

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
CONFIGURATION = ".well-known/smart-configuration"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"  # RFC 7523
METHODS = ("basic", "post")  # how a client's secret is sent: RFC 6749, 2.3.1
ALGORITHMS = ("RS384", "ES384")  # that every SMART server knows
LIFE = 240  # seconds of an assertion; SMART allows 300
EARLY = 60.0  # seconds before its end at which a token is renewed, but not in its first half

Claims = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks for a token, and how it shows that it is who it says.

    With a `secret` it is sent as `method` says, with a `key` (PEM, a JWK or a set of them) an
    assertion is signed, for the `audience` or else the token endpoint itself.
    """

    name: str
    secret: Secret | None = None
    key: Secret | None = None
    key_id: str = ""
    algorithm: str = ""
    method: str = METHODS[0]
    scope: str = ""
    token_url: str = ""
    audience: str = ""


@dataclass
class Tokens:
    """A signer with a token that is kept in memory and renewed before it ends; thread-safe."""

    client: Client
    server: Session  # without credentials: where the token endpoint is looked up
    opened: Callable[[str], Session]  # a session for the endpoint, without credentials
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
    _header: str = field(default="", repr=False)
    _until: float = 0.0
    _url: str = ""
    _sent: str = field(default="", repr=False)  # what last said who we are
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        """Read the key; raises UsageError where it is none."""
        self._signed = _signing(self.client) if self.client.key else None

    def authorization(self, refused: str = "") -> str:
        """Return the header with a token that still holds and is not the one refused.

        Raises ServerError where none can be had.
        """
        with self._lock:
            if not self._header or self._header == refused or self.clock() >= self._until:
                self._renew()
            return self._header

    def secrets(self) -> tuple[str, ...]:
        """Return the client's secret, its key, the token of now, and what last went for it."""
        kept = (s.reveal() for s in (self.client.secret, self.client.key) if s)
        listed = [*kept, self._sent, self._header.removeprefix("Bearer ")]
        return tuple(s for one in listed for s in {one, quote(one, safe="")} if s)

    def _renew(self) -> None:
        url = self._url = self._url or self.client.token_url or self._found()
        asked = self.clock()
        with self.opened(url) as session:
            answer = session.send(Request("POST", url, self._headers(), self._body, resend=True))
        if not answer.is_fine:
            answer = replace(answer, body=without(self.secrets(), answer.body))
        said = _json(answer)
        token = said.get("access_token")
        if not answer.is_fine or not isinstance(token, str) or not token:
            raise ServerError(f"no token is given: {_reason(answer, said)}", answer.url)
        if str(said.get("token_type", "bearer")).casefold() != "bearer":
            raise ServerError("the token given is no bearer token", answer.url)
        self._header = f"Bearer {token_of(token, answer.url)}"
        self._until = asked + _life(said.get("expires_in"))

    def _headers(self) -> dict[str, str]:
        made = {"Accept": JSON, "Content-Type": FORM}
        if self.client.secret and self.client.method == METHODS[0]:
            parts = (quote(part, safe="") for part in (self.client.name, self._secret()))
            self._sent = b64encode(":".join(parts).encode()).decode()
            made["Authorization"] = f"Basic {self._sent}"
        return made

    def _body(self) -> bytes:
        """Return the form; an assertion is made anew for each try, as it may be used once."""
        form = {"grant_type": "client_credentials"}
        if self.client.scope:
            form["scope"] = self.client.scope
        if self._signed:
            form["client_assertion_type"] = ASSERTION
            form["client_assertion"] = self._sent = self._signed(self._claims())
        elif self.client.method != METHODS[0]:
            form |= {"client_id": self.client.name, "client_secret": self._secret()}
        return urlencode(form).encode()

    def _secret(self) -> str:
        return self.client.secret.reveal() if self.client.secret else ""

    def _claims(self) -> Claims:
        begun = int(self.now())
        audience = self.client.audience or self._url
        named = {"iss": self.client.name, "sub": self.client.name, "aud": audience}
        return named | {"iat": begun, "exp": begun + LIFE, "jti": str(uuid4())}

    def _found(self) -> str:
        """Return the token endpoint that the server names.

        A client's secret is sent to no other host on the server's word alone.
        """
        answer = self.server.get(CONFIGURATION, accept=JSON)
        url = _json(answer).get("token_endpoint")
        if not answer.is_fine or not isinstance(url, str) or not url:
            message = "the server names no token endpoint: set token_url"
            raise ServerError(message, answer.url)
        if self.client.secret and not is_within(self.server.address, url):
            message = f"the server names a token endpoint on another host, {shown(url)!r}"
            raise ServerError(f"{message}: set token_url if it is right", answer.url)
        return url


def _signing(client: Client) -> Callable[[Claims], str]:
    """Return what signs claims with the key of a client; raises UsageError where it cannot."""
    try:
        import jwt
    except ImportError:
        message = "signing needs a package: pip install 'fhirconv[smart]'"
        raise UsageError(message) from None
    text = client.key.reveal() if client.key else ""
    where = client.key.origin if client.key else ""
    key, name, algorithm = _of_jwk(client, text) if text.startswith("{") else _of_pem(client, text)
    if algorithm not in ALGORITHMS:
        known = ", ".join(ALGORITHMS)
        raise UsageError(f"no key is used with the algorithm {algorithm!r} (known: {known})", where)
    if not name:
        raise UsageError("the key has no name: set key_id to the one the server knows", where)

    def sign(claims: Claims) -> str:
        return jwt.encode(dict(claims), key, algorithm=algorithm, headers={"kid": name})

    try:
        sign({})
    except (TypeError, ValueError, jwt.PyJWTError):
        raise UsageError(f"the key cannot sign with {algorithm}", where) from None
    return sign


def _of_pem(client: Client, text: str) -> tuple[Any, str, str]:
    """Return a key in PEM, its name and its algorithm."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(text.encode(), None)
    except (TypeError, ValueError, UnsupportedAlgorithm):
        where = client.key.origin if client.key else ""
        raise UsageError("the key is no private key in PEM without a password", where) from None
    usual = ALGORITHMS[0] if isinstance(key, RSAPrivateKey) else ALGORITHMS[1]
    return key, client.key_id, client.algorithm or usual


def _of_jwk(client: Client, text: str) -> tuple[Any, str, str]:
    """Return the key of a JWK, or of a set the one that is asked for, its name and algorithm."""
    import json

    import jwt

    where = client.key.origin if client.key else ""
    try:
        found = json.loads(text)
        listed = [k for k in found.get("keys", [found]) if "d" in k]
        if client.key_id:
            listed = [k for k in listed if k.get("kid") == client.key_id]
        if len(listed) != 1:
            message = f"the set has {len(listed)} private keys that may be meant: set key_id"
            raise UsageError(message, where)
        usual = ALGORITHMS[0] if listed[0].get("kty") == "RSA" else ALGORITHMS[1]
        algorithm = client.algorithm or listed[0].get("alg") or usual
        key = jwt.PyJWK.from_dict(listed[0], algorithm).key
    except (ValueError, TypeError, AttributeError, jwt.PyJWTError):
        raise UsageError("the key is no private JWK", where) from None
    return key, str(listed[0].get("kid") or ""), algorithm


def _life(seconds: object) -> float:
    """Return for how many seconds a token is used; for ever where nothing is said."""
    try:
        stated = float(str(seconds))
    except ValueError:
        return float("inf")
    return max(stated - EARLY, stated / 2)


def _json(answer: Answer) -> dict[str, Any]:
    """Return the object of an answer; an empty one for anything else."""
    import orjson

    try:
        said = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return {}
    return said if isinstance(said, dict) else {}


def _reason(answer: Answer, said: Mapping[str, Any]) -> str:
    """Return why there is no token, in the words of RFC 6749 where the server has them."""
    words = [said[name] for name in ("error", "error_description") if said.get(name)]
    told = ": ".join("".join(c for c in str(word) if c.isprintable())[:200] for word in words)
    known = answer.status in HTTPStatus.__members__.values()
    status = f"{answer.status} {HTTPStatus(answer.status).phrase}" if known else answer.status
    return told or f"the server answers {status}"
