"""What holds for a server: options, environment or file, and what is no setting."""

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from fhirconv.cli import main
from fhirconv.errors import UsageError
from fhirconv.profiles import BY_NAME, file_of
from fhirconv.settings import Flags, Settings, as_shown, settings_of

DOCS = Path(__file__).resolve().parents[1] / "docs" / "servers.md"
URL = "http://127.0.0.1:8080/fhir"

CONFIG = f"""
server = "test"

[servers.test]
url = "{URL}/"
proxy = "http://proxy:1"

[servers.clinic]
url = "https://clinic.test/fhir"
user = "ann"
password = "env:PW"
ca = "ca.pem"

[servers.clinic.headers]
X-Tenant = "research"
"""


def held(folder: Path, flags: Flags, text: str = CONFIG, **environment: str) -> Settings:
    """Return what holds with a file of settings in a folder."""
    (folder / "fhirconv").mkdir(exist_ok=True)
    (folder / "fhirconv" / "config.toml").write_text(text, encoding="utf-8")
    return settings_of(flags, {"XDG_CONFIG_HOME": str(folder)} | environment)


# what is asked for, the environment, the address and where it was said (in the file: its line)
SERVERS = (
    (Flags(), {}, f"{URL}/", "config.toml:5"),
    (Flags("clinic"), {"PW": "p"}, "https://clinic.test/fhir", "config.toml:9"),
    (Flags(URL), {}, URL, "--server"),
    (Flags("http://other/fhir"), {}, "http://other/fhir", "--server"),
    (Flags(), {"FHIRCONV_SERVER": "clinic", "PW": "p"}, "https://clinic.test/fhir", "toml:9"),
    (Flags(), {"FHIRCONV_SERVER": "http://o/f"}, "http://o/f", "FHIRCONV_SERVER"),
    (Flags("test"), {"FHIRCONV_SERVER": "clinic"}, f"{URL}/", "config.toml:5"),
)


@pytest.mark.parametrize(("flags", "environment", "url", "source"), SERVERS)
def test_which_server_is_meant(
    flags: Flags, environment: dict[str, str], url: str, source: str, tmp_path: Path
) -> None:
    found = held(tmp_path, flags, **environment).values["url"]
    assert found.text == url
    assert found.source.endswith(source)


# options, the environment, the proxy, where it was said
ORDER = (
    ({}, {}, "http://proxy:1", "config.toml:6"),
    ({}, {"FHIRCONV_PROXY": "http://proxy:2"}, "http://proxy:2", "FHIRCONV_PROXY"),
    (
        {"proxy": "http://proxy:3"},
        {"FHIRCONV_PROXY": "http://proxy:2"},
        "http://proxy:3",
        "--proxy",
    ),
)


@pytest.mark.parametrize(("values", "environment", "proxy", "source"), ORDER)
def test_options_come_before_the_environment_and_that_before_the_file(
    values: dict[str, str], environment: dict[str, str], proxy: str, source: str, tmp_path: Path
) -> None:
    found = held(tmp_path, Flags(URL, values), **environment).values["proxy"]
    assert found.text == proxy
    assert found.source.endswith(source)


def test_an_address_takes_the_settings_of_the_server_that_has_it(tmp_path: Path) -> None:
    assert held(tmp_path, Flags("https://clinic.test/fhir/"), PW="p").profile == "clinic"
    assert held(tmp_path, Flags("https://clinic.test/other")).profile == ""


def test_credentials_of_the_environment_come_before_those_of_the_file(tmp_path: Path) -> None:
    assert held(tmp_path, Flags("clinic"), PW="p").auth == "basic"
    found = held(tmp_path, Flags("clinic"), PW="p", FHIRCONV_TOKEN="t")
    assert (found.auth, found.text("token")) == ("bearer", "t")


def test_paths_and_headers_of_the_file_are_read(tmp_path: Path) -> None:
    found = held(tmp_path, Flags("clinic", headers=["x-other=b"]), PW="p")
    assert found.text("ca") == str(tmp_path / "fhirconv" / "ca.pem")
    assert {n: v.text for n, v in found.headers.items()} == {
        "X-Tenant": "research",
        "x-other": "b",
    }


A = '[servers.a]\nurl = "http://a"\n'
# a file, what is said, at which line
WRONG = (
    ("servers = 1", "servers is no table: write [servers.NAME]", 1),
    ("x = 1", "no setting is called 'x' (known: server, servers)", 1),
    ('server = "b"\n' + A, "no server is called 'b' (known: a)", 1),
    (A + 'pasword = "p"', "no setting in [servers.a] is called 'pasword' (known: url, auth", 3),
    (A + "scope = 1", "scope is no text in quotes", 3),
    (A + 'auth = "kerberos"', "auth is 'kerberos' (known: none, basic, bearer, oauth2, smart)", 3),
    (A + 'token = "s3cret"', "a token does not stand there itself: write env:NAME, file:PATH", 3),
    (A + 'token = "env:NONE"', "the environment has no 'NONE', which is to hold the token", 3),
    (A + 'token = "file:gone"', "the file of the token cannot be read: No such file", 3),
    (A + 'proxy = "http://u:s3cret@p"', "a password does not stand in the proxy", 3),
    (A + "[servers.a.headers]\nX = 1", "the header X is no text in quotes", 4),
    (A + '[servers.a.headers]\nCookie = "s3cret"', "the header Cookie looks like a secret", 4),
    (A + '[servers.a.headers]\nAuthorization = "env:A"', "the header Authorization is made", 4),
    ('[servers.a]\nca = "x"', "the server has no url", 0),
    ('[servers.a]\nurl = "http://u:s3cret@a"', "a password does not stand in the url", 2),
    ("[servers", "the file of settings is no TOML: ", 0),
)


@pytest.mark.parametrize(("text", "message", "line"), WRONG)
def test_what_is_wrong_in_the_file_is_told_with_its_line(
    text: str, message: str, line: int, tmp_path: Path
) -> None:
    with pytest.raises(UsageError) as raised:
        held(tmp_path, Flags("a"), text)
    assert raised.value.message.startswith(message)
    path = tmp_path / "fhirconv" / "config.toml"
    assert raised.value.where.startswith(f"{path}:{line}" if line else str(path))
    assert "s3cret" not in str(raised.value)


# options, what is said
WRONG_OPTIONS = (
    (Flags("b"), "'b' is no address of a server, nor the name of one in the file of settings"),
    (Flags("http://ann:s3cret@a"), "a password does not stand in the url, where others see it"),
    (Flags("http://a", {"proxy": "http://u:s3cret@p"}), "a password does not stand in the proxy"),
    (Flags("http://a", headers=["X"]), "'X' is no header: write NAME=VALUE"),
    (Flags("http://a", headers=["X Y=1"]), "'X Y' is no name of a header"),
    (Flags("http://a", headers=["X=a\r\nY: b"]), "the value of the header X is no line of ASCII"),
    (Flags("http://a", headers=["authorization=s3cret"]), "the header authorization is made from"),
    (Flags("http://a", headers=["Cookie=s3cret"]), "the header Cookie looks like a secret"),
    (Flags("http://a", headers=["X-Api-Key=s3cret"]), "the header X-Api-Key looks like a secret"),
    (Flags("http://a", file="/nowhere.toml"), "the file of settings cannot be read: No such file"),
    (Flags(), "no server is named, by its address or by its name in the settings: give --server"),
)


@pytest.mark.parametrize(("flags", "message"), WRONG_OPTIONS)
def test_what_options_cannot_mean_is_one_sentence(flags: Flags, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        settings_of(flags, {"XDG_CONFIG_HOME": "/nowhere"})
    assert raised.value.message.startswith(message)
    assert "s3cret" not in str(raised.value)


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such permissions")
@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o644, True), (0o640, True)])
def test_a_secret_that_others_may_read_is_warned_of(
    mode: int, warned: bool, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text("s3cret")
    file.chmod(mode)
    environment = {"FHIRCONV_TOKEN_FILE": str(file), "XDG_CONFIG_HOME": str(tmp_path)}
    listed = list(settings_of(Flags(URL), environment).warnings())
    told = f"others may read the file of the token: chmod 600 {file}"
    assert listed == ([told] if warned else [])


def test_the_command_shows_what_holds_and_from_where_without_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "c.toml").write_text(CONFIG)
    monkeypatch.setenv("PW", "s3cret")
    named = ["settings", "--config", str(tmp_path / "c.toml"), "--server", "clinic"]
    (tmp_path / "ca.pem").write_text("no certificate")
    done = CliRunner().invoke(main, [*named, "--format", "json"])
    assert (done.exit_code, done.stdout) == (2, "")
    assert "the file of trusted certificates cannot be used" in done.stderr
    monkeypatch.setenv("FHIRCONV_CA", __import__("certifi").where())
    done = CliRunner().invoke(main, [*named, "--format", "json"])
    told = json.loads(done.stdout)
    assert told["password"]["value"] == "(secret from env:PW)"
    assert told["password"]["from"].endswith("c.toml:11")
    assert told["ca"]["from"] == "FHIRCONV_CA"
    assert told["header X-Tenant"]["value"] == "research"
    assert "s3cret" not in done.output


def test_where_the_file_of_settings_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    monkeypatch.setattr("sys.platform", "linux")
    for environment, name, path in (
        ({}, "", "/home/ann/.config/fhirconv/config.toml"),
        ({"XDG_CONFIG_HOME": "/x"}, "", "/x/fhirconv/config.toml"),
        ({"XDG_CONFIG_HOME": "x"}, "", "/home/ann/.config/fhirconv/config.toml"),
        ({"FHIRCONV_CONFIG": "/y.toml"}, "", "/y.toml"),
        ({"FHIRCONV_CONFIG": "/y.toml"}, "/z.toml", "/z.toml"),
    ):
        assert file_of(environment, name) == Path(path)


@pytest.mark.parametrize("name", BY_NAME)
def test_every_setting_stands_in_the_document(name: str) -> None:
    environment = "SERVER" if name == "url" else name.upper()
    assert f"| `{name}` | `FHIRCONV_{environment}` |" in DOCS.read_text(encoding="utf-8")


def test_a_value_without_a_secret_is_shown_without_a_user(tmp_path: Path) -> None:
    found = held(tmp_path, Flags("http://a"), "", FHIRCONV_PROXY="http://u:s3cret@p:1")
    assert as_shown(found.values["proxy"]) == "http://p:1"
