"""What the tests share: the folders beside the project, where they are there."""

from pathlib import Path

import pytest

pytest_plugins = ["tests.hapi_servers"]  # a real server, HL7's validator

PROJECT = Path(__file__).resolve().parents[1]
SHARED = PROJECT.parent / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The shared folder with the founding reports; skips where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("the folder ../shared with the founding reports is not here")
    return SHARED
