"""What the tests share: the folders beside the project, where they are there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest_plugins = [
    "tests.hapi_servers",  # a real server, HL7's validator
    "tests.browsers",  # a real browser
]

PROJECT = Path(__file__).resolve().parents[1]
SHARED = PROJECT.parent / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The shared folder with the founding reports; skips where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("the folder ../shared with the founding reports is not here")
    return SHARED


@pytest.fixture(scope="session", autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Folders of the tests' own for cache, state and settings: the user's stay as they are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield
