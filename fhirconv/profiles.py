"""The file of settings: servers by name, read strictly, every key with its line."""

import os
import re
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from fhirconv.address import base_of
from fhirconv.errors import UsageError
from fhirconv.headers import header
from fhirconv.secret import Secret, secret_of

FILE = "FHIRCONV_CONFIG"
SERVER, SERVERS, HEADERS = "server", "servers", "headers"
METHODS = ("none", "basic", "bearer", "oauth2", "smart")
TABLE = re.compile(r"\s*\[([^\[\]]+)\]")


class Key(NamedTuple):
    """A setting of a server: its name, what it is for, how it is written."""

    name: str
    purpose: str
    is_secret: bool = False
    choices: tuple[str, ...] = ()
    is_path: bool = False


KEYS = (
    Key("url", "base address of the server"),
    Key("auth", "who we are to it, where that is not plain", choices=METHODS),
    Key("user", "basic: the user"),
    Key("password", "basic: the password", is_secret=True),
    Key("token", "bearer: the token", is_secret=True),
    Key("client_id", "oauth2, smart: the name of the client"),
    Key("client_secret", "oauth2: the secret of the client", is_secret=True),
    Key("client_auth", "oauth2: how the secret is sent", choices=("basic", "post")),
    Key("key", "smart: the private key, PEM or JWK", is_secret=True),
    Key("key_id", "smart: the name of the key (kid)"),
    Key("algorithm", "smart: how is signed", choices=("RS384", "ES384")),
    Key("scope", "oauth2, smart: what is asked for"),
    Key("token_url", "oauth2, smart: the token endpoint; without it the one the server names"),
    Key("audience", "smart: whom the assertion is for; without it the token endpoint"),
    Key("ca", "certificates to trust instead of the usual ones", is_path=True),
    Key("certificate", "our own certificate, for mutual TLS", is_path=True),
    Key("certificate_key", "the key of our certificate, if in a file of its own", is_path=True),
    Key("certificate_password", "the password of that key", is_secret=True),
    Key("proxy", "address of the proxy; without it that of the environment"),
)
BY_NAME = {key.name: key for key in KEYS}


@dataclass(frozen=True, slots=True)
class Value:
    """What a setting is, and where it was said: by an option, in the environment, in the file."""

    value: str | Secret
    source: str
    layer: int  # 0, 1, 2: the first counts

    @property
    def text(self) -> str:
        """The value itself, a secret too."""
        return self.value.reveal() if isinstance(self.value, Secret) else self.value


@dataclass(frozen=True, slots=True)
class Profiles:
    """The servers of a file of settings, and which of them is meant where none is named."""

    path: Path = Path()
    lines: tuple[str, ...] = ()
    server: str = ""
    servers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def profile_of(self, server: str) -> str:
        """Return the name of the server that a name or an address means; '' for none."""
        if server in self.servers:
            return server
        if "://" not in server:
            return ""
        base = base_of(server)
        return next((n for n, s in self.servers.items() if _base(s.get("url")) == base), "")

    def values(
        self, profile: str, environment: Mapping[str, str]
    ) -> tuple[dict[str, Value], dict[str, Value]]:
        """Return the settings and the headers of a server; raises UsageError for wrong ones."""
        table, name = self.servers[profile], f"{SERVERS}.{profile}"
        made = {
            key: self._value(BY_NAME[key], value, self.where(key, name), environment)
            for key, value in table.items()
            if key != HEADERS
        }
        listed = table.get(HEADERS, {})
        if not isinstance(listed, dict):
            raise UsageError(
                f"{HEADERS} is no table of names and values", self.where(HEADERS, name)
            )
        return made, {
            key: self._header(key, value, self.where(key, f"{name}.{HEADERS}"), environment)
            for key, value in listed.items()
        }

    def where(self, key: str, table: str = "") -> str:
        """Return the file and line of a key; without the line where it is not found."""
        inside = ""
        for number, line in enumerate(self.lines, 1):
            begun = TABLE.match(line)
            inside = "".join(begun[1].split()).replace('"', "") if begun else inside
            if inside == table and re.match(rf'\s*"?{re.escape(key)}"?\s*[=.]', line):
                return f"{self.path}:{number}"
        return str(self.path)

    def _value(self, key: Key, value: object, where: str, environment: Mapping[str, str]) -> Value:
        if not isinstance(value, str) or not value:
            raise UsageError(f"{key.name} is no text in quotes", where)
        if key.is_secret:
            return Value(_kept(value, key.name, environment, self.path.parent, where), where, 2)
        path = str(self.path.parent / Path(value).expanduser()) if key.is_path else value
        return Value(path, where, 2)

    def _header(
        self, name: str, value: object, where: str, environment: Mapping[str, str]
    ) -> Value:
        if not isinstance(value, str):
            raise UsageError(f"the header {name} is no text in quotes", where)
        return Value(header(name, value, environment, self.path.parent, where), where, 2)


def file_of(environment: Mapping[str, str], name: str = "") -> Path | None:
    """Return the file of settings: the one named, else the user's own; None without a home."""
    named = name or environment.get(FILE, "")
    if named:
        return Path(named).expanduser()
    folder = environment.get("XDG_CONFIG_HOME", "")
    if not os.path.isabs(folder):
        home = os.path.expanduser("~")
        usual = os.path.join(home, ".config") if os.path.isabs(home) else ""
        folder = environment.get("APPDATA", "") if sys.platform == "win32" else usual
    return Path(folder) / "fhirconv" / "config.toml" if folder else None


def read(path: Path | None, *, named: bool) -> Profiles:
    """Return what a file of settings says; nothing where there is none, unless it is named.

    Raises UsageError where it is no TOML, or has a key that nobody knows.
    """
    if path is None or not (named or path.exists()):
        return Profiles()
    try:
        text = path.read_text(encoding="utf-8")
        content = tomllib.loads(text)
    except OSError as error:
        message = f"the file of settings cannot be read: {error.strerror}"
        raise UsageError(message, str(path)) from error
    except UnicodeDecodeError:
        raise UsageError("the file of settings is not text", str(path)) from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"the file of settings is no TOML: {error}", str(path)) from None
    found = Profiles(path, tuple(text.splitlines()))
    _check(content, found)
    return Profiles(path, found.lines, content.get(SERVER, ""), content.get(SERVERS, {}))


def _check(content: Mapping[str, Any], file: Profiles) -> None:
    """Raise UsageError for a key that nobody knows, and for a shape that is another."""
    _known(content, (SERVER, SERVERS), "", file)
    if not isinstance(content.get(SERVER, ""), str):
        raise UsageError(f"{SERVER} is no text in quotes", file.where(SERVER))
    servers = content.get(SERVERS, {})
    if not isinstance(servers, dict):
        raise UsageError(f"{SERVERS} is no table: write [{SERVERS}.NAME]", file.where(SERVERS))
    for name, table in servers.items():
        if not isinstance(table, dict):
            message = f"{SERVERS}.{name} is no table: write [{SERVERS}.NAME]"
            raise UsageError(message, file.where(name, SERVERS))
        _known(table, (*BY_NAME, HEADERS), f"{SERVERS}.{name}", file)
    default = content.get(SERVER, "")
    if default and default not in servers and "://" not in default:
        known = ", ".join(servers) or "none"
        message = f"no server is called {default!r} (known: {known})"
        raise UsageError(message, file.where(SERVER))


def _known(table: Mapping[str, Any], names: tuple[str, ...], where: str, file: Profiles) -> None:
    for name in table:
        if name not in names:
            inside = f" in [{where}]" if where else ""
            message = f"no setting{inside} is called {name!r} (known: {', '.join(names)})"
            raise UsageError(message, file.where(name, where))


def _kept(
    reference: str, name: str, environment: Mapping[str, str], beside: Path, where: str
) -> Secret:
    """Return the secret of a reference; raises UsageError with the line of the file."""
    try:
        return secret_of(reference, name, environment, beside)
    except UsageError as error:
        at = f"{where}, {error.where}" if error.where else where
        raise UsageError(error.message, at) from None


def _base(url: object) -> str:
    try:
        return base_of(url) if isinstance(url, str) else ""
    except UsageError:
        return ""
