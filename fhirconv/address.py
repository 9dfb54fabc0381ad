"""The address of a server: checked, shown without secrets, compared with another."""

import re
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from fhirconv.errors import UsageError

PORTS = {"http": 80, "https": 443}
SCHEME = re.compile(r"([A-Za-z][\w+.-]*:)?//")
END = re.compile("[/?#]")
END_OF_PATH = re.compile("[?#]")
NO_PORT = re.compile(r":[^:\]]*[^:\]\d][^:\]]*$")


def base_of(address: str) -> str:
    """Return a base address without user, password and last slash.

    Raises UsageError for another scheme, an unreadable host or port, a query or a fragment.
    """
    problem = _problem(address.strip())
    if problem:
        raise UsageError(f"{shown(address)!r} is no address of a server: {problem}")
    parts = urlsplit(address.strip())
    return urlunsplit((parts.scheme, _host(parts.netloc), parts.path.rstrip("/"), "", ""))


def user_of(address: str) -> tuple[str, str] | None:
    """Return the user and password that stand in an address, if they do."""
    parts = urlsplit(address.strip())
    if "@" not in parts.netloc:
        return None
    return unquote(parts.username or ""), unquote(parts.password or "")


def shown(address: str) -> str:
    """Return an address as a message may show it: no user, password, query or fragment."""
    scheme = SCHEME.match(address)
    begin, rest = (scheme[0], address[scheme.end() :]) if scheme else ("", address)
    host = END.split(rest, maxsplit=1)[0]
    # a password with a '/', '?' or '#' that should be escaped looks like a port that is none
    hidden = host if "@" in host or not NO_PORT.search(host) else rest
    return begin + END_OF_PATH.split(rest[hidden.rfind("@") + 1 :], maxsplit=1)[0]


def is_within(address: str, target: str) -> bool:
    """Say whether a target is on the same host and port, or only goes from http to https there."""
    try:
        old, new = _origin(address), _origin(target)
    except ValueError:
        return False
    return new == old or (old[0] == "http" and new == ("https", old[1], 443) and old[2] == 80)


def _problem(address: str) -> str:
    """Return what is wrong with a base address; nothing where it is fine."""
    try:
        parts = urlsplit(address)
        readable = bool(parts.hostname) and parts.port != 0
    except ValueError:
        readable, parts = False, SplitResult(address.partition(":")[0].lower(), "", "", "", "")
    if parts.scheme not in PORTS:
        return "it must begin with http:// or https://"
    if not readable or any(letter.isspace() or not letter.isprintable() for letter in address):
        return "its host or port cannot be read"
    return "it must end before a '?' or '#'" if parts.query or parts.fragment else ""


def _host(netloc: str) -> str:
    return netloc.rpartition("@")[2]


def _origin(address: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(address)
    return parts.scheme, parts.hostname, parts.port or PORTS.get(parts.scheme)
