"""A secret: read from the environment, a file or the keyring, and shown to nobody."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from fhirconv.errors import UsageError

HIDDEN = "(hidden)"
WAYS = ("env:NAME", "file:PATH", "keyring:SERVICE")
SHORTEST = 6  # letters of a secret that is looked for in what a server says


class Secret:
    """A value that only `reveal` gives: whatever prints the object says where it comes from."""

    __slots__ = ("_value", "origin", "warning")

    def __init__(self, value: str, origin: str, warning: str = "") -> None:
        self._value = value
        self.origin = origin
        self.warning = warning

    def reveal(self) -> str:
        """Return the value itself."""
        return self._value

    def __repr__(self) -> str:
        return f"<secret from {self.origin}>"

    def __reduce__(self) -> str:
        raise TypeError("a secret is not written down")


def is_reference(text: str) -> bool:
    """Say whether a text says where a secret is, rather than being one."""
    return text.partition(":")[0] in ("env", "file", "keyring") and ":" in text


def secret_of(reference: str, name: str, environment: Mapping[str, str], beside: Path) -> Secret:
    """Return the secret that a reference leads to; paths start at the folder `beside`.

    Raises UsageError where nothing is there, never with what stands there.
    """
    way, _, where = reference.partition(":")
    if way == "env":
        value, warning = environment.get(where, "").strip(), ""
        if not value:
            raise UsageError(f"the environment has no {where!r}, which is to hold the {name}")
    elif way == "file":
        value, warning = read(beside / Path(where).expanduser(), name)
    elif way == "keyring":
        value, warning = _of_keyring(where, name), ""
    else:
        raise UsageError(f"a {name} does not stand there itself: write {', '.join(WAYS)}")
    return Secret(value, reference, warning)


def read(path: Path, name: str) -> tuple[str, str]:
    """Return the secret in a file, and a warning where others may read the file too."""
    try:
        value = path.read_text(encoding="utf-8").strip()
        others = os.name == "posix" and path.stat().st_mode & 0o077
    except OSError as error:
        message = f"the file of the {name} cannot be read: {error.strerror}"
        raise UsageError(message, str(path)) from error
    except UnicodeDecodeError:
        raise UsageError(f"the file of the {name} is not text", str(path)) from None
    if not value:
        raise UsageError(f"the file of the {name} is empty", str(path))
    return value, f"others may read the file of the {name}: chmod 600 {path}" if others else ""


def _of_keyring(where: str, name: str) -> str:
    """Return what the keyring has for SERVICE/USER; without a user it is the secret's own name."""
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        message = "the keyring needs a package: pip install 'fhirconv[keyring]'"
        raise UsageError(message) from None
    service, _, user = where.partition("/")
    try:
        value = keyring.get_password(service, user or name)
    except KeyringError as error:
        raise UsageError(f"the keyring cannot be used: {type(error).__name__}") from None
    if not value:
        hint = f"keyring set {service} {user or name}"
        raise UsageError(f"the keyring has no {name} for {where!r}: {hint}")
    return str(value)


def without(secrets: Iterable[str], text: bytes, shortest: int = SHORTEST) -> bytes:
    """Return bytes in which no secret of some length stands any more."""
    for secret in secrets:
        if len(secret) >= shortest:
            text = text.replace(secret.encode(), HIDDEN.encode())
    return text
