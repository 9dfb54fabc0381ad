"""Headers that a user adds to requests: none that signs, none with a secret in the open."""

import re
from collections.abc import Mapping
from pathlib import Path

from fhirconv.errors import UsageError
from fhirconv.secret import WAYS, Secret, is_reference, secret_of

NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110, 5.6.2
OURS = ("authorization", "proxy-authorization")
HIDING = re.compile(r"auth|cookie|key|token|secret|password|session", re.IGNORECASE)


def header(
    name: str, value: str, environment: Mapping[str, str], beside: Path, where: str
) -> str | Secret:
    """Return the value of a header, or the secret that it refers to.

    Raises UsageError for a name or value that is none, and for a secret that stands there itself.
    """
    if not NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no name of a header", where)
    if name.casefold() in OURS:
        message = f"the header {name} is made from credentials: set token, or user and password"
        raise UsageError(f"{message}, in the environment or the file of settings", where)
    if is_reference(value):
        return secret_of(value, f"header {name}", environment, beside)
    if HIDING.search(name):
        message = f"the header {name} looks like a secret, which does not stand there itself"
        raise UsageError(f"{message}: write {name}={' or '.join(WAYS)}", where)
    if not value.isprintable() or not value.isascii():
        raise UsageError(f"the value of the header {name} is no line of ASCII", where)
    return value
