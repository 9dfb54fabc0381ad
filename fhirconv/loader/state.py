"""The folder in which a push remembers what it did, one for each server, one push at a time."""

import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from fhirconv.address import base_of
from fhirconv.errors import UsageError, WriteError
from fhirconv.files import Input, printable, reason

LOCK = "lock"
LETTERS = "dead-letters"


def default_folder(address: str) -> Path:
    """Return the user's folder for a server, as the platform has it."""
    base = base_of(address)
    readable = re.sub(r"[^A-Za-z0-9.-]+", "-", base.partition("://")[2]).strip("-.")[:60]
    name = f"{readable}-{sha256(base.encode()).hexdigest()[:8]}"
    return _home() / "push" / name


def _home() -> Path:
    named = os.environ.get("XDG_STATE_HOME", "")
    if named and os.path.isabs(named):
        return Path(named) / "fhirconv"
    try:
        if sys.platform == "win32":
            local = os.environ.get("LOCALAPPDATA")
            return Path(local or Path.home() / "AppData" / "Local") / "fhirconv" / "State"
        parent = "Library/Application Support" if sys.platform == "darwin" else ".local/state"
        return Path.home() / parent / "fhirconv"
    except RuntimeError as error:
        raise UsageError("the user has no home folder for the state: give --state DIR") from error


def check_apart(folder: Path, arguments: Iterable[str]) -> None:
    """Raise UsageError where the state would stand in a folder that is pushed."""
    state = Path(os.path.realpath(folder))
    for argument in arguments:
        pushed = Path(os.path.realpath(argument))
        if pushed.is_dir() and state.is_relative_to(pushed):
            message = (
                f"the state {printable(str(folder))!r} stands in the folder "
                f"{printable(argument)!r} that is pushed: give another --state DIR"
            )
            raise UsageError(message)


def is_letter(item: Input, folder: Path) -> bool:
    """Say whether an input is one of the dead letters of a state folder."""
    letters = os.path.realpath(folder / LETTERS)
    return item.path is not None and os.path.dirname(os.path.realpath(item.path)) == letters


@contextmanager
def locked(folder: Path) -> Iterator[Path]:
    """Make a state folder and hold it alone; raises UsageError where another push holds it."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = (folder / LOCK).open("ab")
    except (OSError, ValueError) as error:
        message = f"the state folder cannot be written: {reason(error)}"
        raise WriteError(message, printable(str(folder))) from error
    with file:
        try:
            _lock(file.fileno())
        except OSError as error:
            message = "another push is at work with this state: wait, or give another --state DIR"
            raise UsageError(message, printable(str(folder))) from error
        yield folder


if sys.platform == "win32":
    import msvcrt

    def _lock(file: int) -> None:
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
