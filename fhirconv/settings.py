"""What holds for a server: options before the environment before the file of settings."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fhirconv.address import base_of, shown, user_of
from fhirconv.errors import UsageError
from fhirconv.headers import header
from fhirconv.profiles import BY_NAME, FILE, KEYS, METHODS, SERVER, Profiles, Value, file_of, read
from fhirconv.secret import Secret, secret_of

ENVIRONMENT = "FHIRCONV_"
HEADER = "--header"
SIGNING = {  # the settings that say who we are, and how
    "password": "basic",
    "token": "bearer",
    "client_secret": "oauth2",
    "key": "smart",
}


@dataclass(frozen=True, slots=True)
class Flags:
    """What the options of a command say."""

    server: str = ""  # an address, or a name in the file of settings
    values: Mapping[str, str] = field(default_factory=dict)  # by the names of settings
    headers: Sequence[str] = ()  # NAME=VALUE
    file: str = ""  # the file of settings


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds for one server: its settings and its headers by name."""

    values: Mapping[str, Value]
    headers: Mapping[str, Value]
    profile: str = ""

    def text(self, name: str) -> str:
        """Return a setting; '' where it is not set."""
        return self.values[name].text if name in self.values else ""

    def secret(self, name: str) -> Secret | None:
        """Return a secret; None where it is not set."""
        value = self.values[name].value if name in self.values else None
        return value if isinstance(value, Secret) else None

    @property
    def auth(self) -> str:
        """How we say who we are: as it is set, else by the secrets that the first layer has.

        Raises UsageError where a layer has secrets for several ways.
        """
        if "auth" in self.values:
            return self.text("auth")
        for layer in range(3):
            held = [n for n in SIGNING if n in self.values and self.values[n].layer == layer]
            if len(held) > 1:
                ways = ", ".join(METHODS)
                message = f"{' and '.join(held)} are set: say with auth which is meant ({ways})"
                raise UsageError(message, self.values[held[0]].source)
            if held:
                return SIGNING[held[0]]
        return METHODS[0]

    def warnings(self) -> Iterator[str]:
        """Yield what a user should know of the secrets: that others may read a file."""
        for value in (*self.values.values(), *self.headers.values()):
            if isinstance(value.value, Secret) and value.value.warning:
                yield value.value.warning


def settings_of(flags: Flags, environment: Mapping[str, str]) -> Settings:
    """Return what holds for the server that is asked for, by its name in the file or its address.

    Without one it is that of FHIRCONV_SERVER, else that of the file. Raises UsageError for what
    is unknown or cannot be meant.
    """
    named = bool(flags.file or environment.get(FILE))
    file = read(file_of(environment, flags.file), named=named)
    address = _server(flags, environment, file)
    profile = file.profile_of(address.text)
    if not profile and "://" not in address.text:
        known = ", ".join(file.servers) or "none"
        message = f"{address.text!r} is no address of a server, nor the name of one in the file of"
        raise UsageError(f"{message} settings (known: {known})", address.source)
    values, headers = file.values(profile, environment) if profile else ({}, {})
    if "://" in address.text:
        values["url"] = address
    values |= _of_environment(environment)
    for name, text in flags.values.items():
        values[name] = Value(text, f"--{name.replace('_', '-')}", 0)
    headers |= dict(_headers(flags.headers, environment))
    _check(values, file.where(profile))
    return Settings(values, headers, profile)


def as_shown(value: Value) -> str:
    """Return a setting as it may be shown: a secret only as where it comes from."""
    if isinstance(value.value, Secret):
        return f"(secret from {value.value.origin})"
    return shown(value.value) if "://" in value.value else value.value


def _server(flags: Flags, environment: Mapping[str, str], file: Profiles) -> Value:
    name = ENVIRONMENT + SERVER.upper()
    if flags.server:
        return Value(flags.server, "--server", 0)
    if environment.get(name):
        return Value(environment[name], name, 1)
    if file.server:
        return Value(file.server, file.where(SERVER), 2)
    hint = f"give --server or set {name}"
    raise UsageError(f"no server is named, by its address or by its name in the settings: {hint}")


def _of_environment(environment: Mapping[str, str]) -> dict[str, Value]:
    """Return the settings of the environment; a secret's FHIRCONV_NAME_FILE names its file."""
    found: dict[str, Value] = {}
    for key in KEYS[1:]:  # the address is that of FHIRCONV_SERVER
        name = ENVIRONMENT + key.name.upper()
        text, file = environment.get(name, "").strip(), environment.get(f"{name}_FILE", "")
        if text:
            found[key.name] = Value(Secret(text, name) if key.is_secret else text, name, 1)
        elif file and key.is_secret:
            secret = secret_of(f"file:{file}", key.name, environment, Path())
            found[key.name] = Value(secret, f"{name}_FILE", 1)
    return found


def _headers(given: Sequence[str], environment: Mapping[str, str]) -> Iterator[tuple[str, Value]]:
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"{name!r} is no header: write NAME=VALUE", HEADER)
        yield name, Value(header(name, value, environment, Path(), HEADER), HEADER, 0)


def _check(values: Mapping[str, Value], where: str) -> None:
    """Raise UsageError for a value that is none, and for a password in an address."""
    for name, value in values.items():
        choices = BY_NAME[name].choices
        if choices and value.text not in choices:
            message = f"{name} is {value.text!r} (known: {', '.join(choices)})"
            raise UsageError(message, value.source)
    if "url" not in values:
        raise UsageError("the server has no url", where)
    base_of(values["url"].text)
    for name, hint in (("url", "user and password"), ("proxy", "HTTPS_PROXY in the environment")):
        held = values.get(name)
        if held and held.layer != 1 and (user_of(held.text) or ("", ""))[1]:
            message = f"a password does not stand in the {name}, where others see it: set {hint}"
            raise UsageError(message, held.source)
