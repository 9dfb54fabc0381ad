"""Who we are to a server: the user and password of its address, or a token."""

from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path

from fhirconv.address import user_of
from fhirconv.errors import UsageError


def basic(address: str) -> str:
    """Return the Authorization header for the user and password of an address, if it has any."""
    user = user_of(address)
    return f"Basic {b64encode(':'.join(user).encode()).decode()}" if user else ""


def bearer(environment: Mapping[str, str]) -> str:
    """Return the Authorization header for the token of the environment, if it has one.

    It stands in FHIRCONV_TOKEN, or in the file that FHIRCONV_TOKEN_FILE names. Raises UsageError,
    without the token, where the file cannot be read or what stands there is no token.
    """
    token, where = environment.get("FHIRCONV_TOKEN", "").strip(), "FHIRCONV_TOKEN"
    file = environment.get("FHIRCONV_TOKEN_FILE", "")
    if file and not token:
        token, where = _token_of(file), file
    if any(not "!" <= letter <= "~" for letter in token):
        raise UsageError("the token has a space, a line break or a letter beyond ASCII", where)
    return f"Bearer {token}" if token else ""


def _token_of(file: str) -> str:
    try:
        token = Path(file).read_text(encoding="utf-8").strip()
    except OSError as error:
        message = f"the file of FHIRCONV_TOKEN_FILE cannot be read: {error.strerror}"
        raise UsageError(message, file) from error
    except UnicodeDecodeError as error:
        raise UsageError("the file of FHIRCONV_TOKEN_FILE is not text", file) from error
    if not token:
        raise UsageError("the file of FHIRCONV_TOKEN_FILE is empty", file)
    return token
