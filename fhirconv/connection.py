"""Settings become a session with a server: who signs, what goes along, how the way is secured."""

import os
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from fhirconv.access import Access
from fhirconv.credentials import Signer, by_address, by_password, by_token
from fhirconv.errors import UsageError
from fhirconv.http import LIMITS, Limits, Session
from fhirconv.oauth import Client, Tokens
from fhirconv.outcome import Issue
from fhirconv.secret import Secret
from fhirconv.settings import Settings

LOOPBACK = ("localhost", "127.0.0.1", "::1")


def session_of(
    settings: Settings,
    limits: Limits = LIMITS,
    connections: int = 1,
    environment: Mapping[str, str] | None = None,
) -> Session:
    """Return a session with the server of the settings; no connection is opened yet.

    Raises UsageError for credentials that are not whole, or files that are not what they are for.
    """
    around = os.environ if environment is None else environment
    access = access_of(settings, limits, around)
    return Session(settings.text("url"), limits, around, connections=connections, access=access)


def access_of(settings: Settings, limits: Limits, environment: Mapping[str, str]) -> Access:
    """Return how the server of the settings is reached; raises as `session_of`."""
    plain = Access(
        headers={name: value.text for name, value in settings.headers.items()},
        private=tuple(v.text for v in settings.headers.values() if isinstance(v.value, Secret)),
        ca=settings.text("ca"),
        certificate=settings.text("certificate"),
        key=settings.text("certificate_key"),
        password=settings.secret("certificate_password"),
        proxy=settings.text("proxy"),
    )
    signer = _signer(settings, plain, limits, environment)
    return plain.signed(signer) if signer else plain


def issues_of(settings: Settings) -> Iterator[Issue]:
    """Yield what a user should know: who else may read a secret, in a file or on the way."""
    for warning in settings.warnings():
        yield Issue("warning", "security", warning)
    url = urlsplit(settings.text("url"))
    if url.scheme == "http" and url.hostname not in LOOPBACK and settings.auth != "none":
        yield Issue("warning", "security", "credentials go over http, where others may read them")


def _signer(
    settings: Settings, plain: Access, limits: Limits, environment: Mapping[str, str]
) -> Signer | None:
    auth = settings.auth
    if auth == "basic":
        return by_password(_needed(settings, "user"), _secret(settings, "password"))
    if auth == "bearer":
        return by_token(_secret(settings, "token"))
    if auth == "none":
        return None if "auth" in settings.values else by_address(settings.text("url"))

    def opened(address: str) -> Session:
        # the user's headers are for the server, not for whoever gives the tokens
        return Session(address, limits, environment, access=plain.bare())

    return Tokens(_client(settings, auth), opened(settings.text("url")), opened)


def _client(settings: Settings, auth: str) -> Client:
    """Return the client of OAuth2; raises UsageError where something of it is not set."""
    signs = auth == "smart"
    return Client(
        _needed(settings, "client_id"),
        None if signs else _secret(settings, "client_secret"),
        _secret(settings, "key") if signs else None,
        settings.text("key_id"),
        settings.text("algorithm"),
        settings.text("client_auth") or "basic",
        settings.text("scope"),
        settings.text("token_url"),
        settings.text("audience"),
    )


def _needed(settings: Settings, name: str) -> str:
    if name not in settings.values:
        raise UsageError(
            f"{settings.auth} needs {name}: set FHIRCONV_{name.upper()}, or it in the "
            "file of settings"
        )
    return settings.text(name)


def _secret(settings: Settings, name: str) -> Secret:
    found = settings.secret(name)
    if found is None:
        message = f"{settings.auth} needs {name}: set FHIRCONV_{name.upper()} or its _FILE"
        raise UsageError(f"{message}, or it in the file of settings")
    return found
