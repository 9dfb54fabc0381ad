"""Who we are to a server: a user and a password, or a token, and who renews it."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from fhirconv.address import user_of
from fhirconv.errors import UsageError
from fhirconv.secret import Secret, read


class Signer(Protocol):
    """Whoever signs the requests to one server; several threads may ask at once."""

    def authorization(self, refused: str = "") -> str:
        """Return the Authorization header, another one than `refused` where that can be had."""

    def secrets(self) -> tuple[str, ...]:
        """Return what must not be seen in what a server says."""


@dataclass(frozen=True, slots=True, repr=False)
class Fixed:
    """Credentials that stay as they are."""

    header: str
    hidden: tuple[str, ...]

    def authorization(self, refused: str = "") -> str:
        """Return the Authorization header."""
        return self.header

    def secrets(self) -> tuple[str, ...]:
        """Return the password or token, and how it is written."""
        return self.hidden


def by_address(address: str) -> Fixed | None:
    """Return the signer for the user and password of an address, if it has any."""
    user = user_of(address)
    return by_password(user[0], Secret(user[1], "the address")) if user else None


def by_password(user: str, password: Secret) -> Fixed:
    """Return the signer of HTTP's Basic; raises UsageError for a user with a colon."""
    if ":" in user:
        raise UsageError(f"the user {user!r} has a colon, which Basic cannot send")
    written = b64encode(f"{user}:{password.reveal()}".encode()).decode()
    return Fixed(f"Basic {written}", (written, password.reveal()))


def by_token(token: Secret) -> Fixed:
    """Return the signer with a bearer token; raises UsageError, without it, for what is none."""
    checked = token_of(token.reveal(), token.origin)
    return Fixed(f"Bearer {checked}", (checked,))


def token_of(text: str, where: str) -> str:
    """Return a token as a header may hold it; raises UsageError, without it, for another."""
    if any(not "!" <= letter <= "~" for letter in text):
        raise UsageError("the token has a space, a line break or a letter beyond ASCII", where)
    return text


def by_environment(environment: Mapping[str, str]) -> Fixed | None:
    """Return the signer with the token of the environment, if it has one.

    It stands in FHIRCONV_TOKEN, or in the file that FHIRCONV_TOKEN_FILE names. Raises UsageError,
    without the token, where the file cannot be read or what stands there is no token.
    """
    token, file = environment.get("FHIRCONV_TOKEN", "").strip(), ""
    if not token and (file := environment.get("FHIRCONV_TOKEN_FILE", "")):
        token, _ = read(Path(file), "token")
    return by_token(Secret(token, file or "FHIRCONV_TOKEN")) if token else None
