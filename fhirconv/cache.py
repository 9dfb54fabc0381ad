"""What was compiled once is kept in the user's cache folder, until a file it came from changes."""

import hashlib
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from fhirconv.version import VERSION

SWITCH = "FHIRCONV_CACHE"
OFF = frozenset({"off", "0", "no", "false"})
KEPT = 8  # stacks of tables; the oldest go
ENDING = ".tables.json"
MARK = b"fhirconv"

Vocabularies = Mapping[str, Mapping[str, Sequence[Any]]]  # terms by vocabulary and key
Loaded = Mapping[str, Mapping[str, str]]
State = tuple[tuple[str, int, int], ...]  # path, size and time of change of every file


def kept(paths: Sequence[Path], make: Callable[[], Vocabularies]) -> Vocabularies | Loaded:
    """Return what is made of these files, from the cache where they have not changed since.

    From there each term is still the text of a JSON array.
    """
    before = _state(paths) if folder() else None
    if before is None:
        return make()
    found = _load(before)
    if found is not None:
        return found
    made = make()
    if _state(paths) == before:  # not changed while they were read
        _keep(before, made)
    return made


def _state(paths: Iterable[Path]) -> State | None:
    """Return what tells whether files have changed since; None where one cannot be asked."""
    listed = []
    with suppress(OSError):
        for path in paths:
            found = path.stat()
            listed.append((os.path.realpath(path), found.st_size, found.st_mtime_ns))
        return tuple(listed)
    return None


def folder() -> Path | None:
    """Return the user's folder for it, as the platform has it; None where it is switched off."""
    if os.environ.get(SWITCH, "").casefold() in OFF:
        return None
    named = os.environ.get("XDG_CACHE_HOME", "")
    if named and os.path.isabs(named):
        return Path(named) / "fhirconv"
    with suppress(RuntimeError):  # no home
        if sys.platform == "win32":
            local = os.environ.get("LOCALAPPDATA")
            return Path(local or Path.home() / "AppData" / "Local") / "fhirconv" / "Cache"
        parent = "Library/Caches" if sys.platform == "darwin" else ".cache"
        return Path.home() / parent / "fhirconv"
    return None


def _load(found: State) -> Loaded | None:
    """Return what was kept for this state of the files; None where nothing sound is there."""
    place = _path(found)
    if place is None:
        return None
    try:
        data = place.read_bytes()
    except OSError:
        return None
    head, _, body = data.partition(b"\n")
    if head != _head(body):
        return None
    import orjson

    with suppress(orjson.JSONDecodeError):
        loaded: Loaded = orjson.loads(body)
        return loaded
    return None


def _keep(found: State, made: Vocabularies) -> None:
    """Keep what was compiled from this state of the files; where that cannot be, do without."""
    place = _path(found)
    if place is None:
        return
    import orjson

    texts = {
        name: {key: orjson.dumps(term).decode() for key, term in terms.items()}
        for name, terms in made.items()
    }
    body = orjson.dumps(texts)
    draft = place.parent / f".{os.urandom(8).hex()}.tmp"
    try:
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with draft.open("xb") as file:
            file.write(_head(body) + b"\n" + body)
        os.replace(draft, place)
        _forget(place.parent)
    except OSError:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def _path(found: State) -> Path | None:
    place = folder()
    if place is None:
        return None
    name = hashlib.sha256(repr((VERSION, found)).encode("utf-8", "surrogatepass")).hexdigest()
    return place / (name[:32] + ENDING)


def _head(body: bytes) -> bytes:
    """Return the line before the content, by which a file that is cut or changed is known."""
    return MARK + b" " + hashlib.blake2b(body, digest_size=16).hexdigest().encode()


def _forget(place: Path) -> None:
    """Remove the oldest of what is kept."""
    listed = sorted(place.glob(f"*{ENDING}"), key=lambda path: path.stat().st_mtime_ns)
    for path in listed[:-KEPT]:
        path.unlink(missing_ok=True)
