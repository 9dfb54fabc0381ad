"""ZIP archives as folders: their files by name, within limits, never unpacked to the disk."""

import io
import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from fhirconv.errors import ReadError

MARK = b"PK\x03\x04"
DOCUMENTS = frozenset({"[Content_Types].xml", "mimetype", "META-INF/container.xml"})  # Office, EPUB
MOST = 100_000  # files
RATIO, FREE = 200, 100_000_000  # how many times its size an archive may hold, bytes beside that
UTF8_NAME, ENCRYPTED = 0x800, 0x1
TROUBLE = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError)


def is_archive(path: Path) -> bool:
    """Say whether a file is a sound ZIP archive of files, and no document that is packed so."""
    try:
        with path.open("rb") as file:
            if file.read(len(MARK)) != MARK:
                return False
        with zipfile.ZipFile(path) as archive:
            return DOCUMENTS.isdisjoint(archive.namelist())
    except (OSError, ValueError, *TROUBLE):
        return False


def members(path: Path, wanted: Callable[[str], bool]) -> list[str]:
    """Return the names of the wanted files of an archive, sorted; hidden ones are left out.

    Raises ReadError for an archive that holds too many files, or files that are too large for
    its size, or two of one name.
    """
    with zipfile.ZipFile(path) as archive:
        listed = [entry for entry in archive.infolist() if _is_file(entry)]
    if len(listed) > MOST:
        raise ReadError(f"the archive holds {len(listed)} files, more than {MOST}", str(path))
    size = sum(entry.file_size for entry in listed)
    if size > RATIO * path.stat().st_size + FREE:
        raise ReadError(f"the archive would unpack to {size} bytes, which is not done", str(path))
    names = Counter(map(name_of, listed))
    for name, count in names.items():
        if count > 1:
            raise ReadError(f"the archive holds {name!r} {count} times", str(path))
    return sorted(name for name in names if wanted(PurePosixPath(name).name))


def name_of(entry: zipfile.ZipInfo) -> str:
    """Return the name of a file, which old programs wrote as UTF-8 without saying so."""
    name = entry.filename
    if not entry.flag_bits & UTF8_NAME:
        try:
            name = name.encode("cp437").decode("utf-8")
        except UnicodeError:
            name = entry.filename
    return name.replace("\\", "/")


def _is_file(entry: zipfile.ZipInfo) -> bool:
    """Say whether an entry is a file that is not hidden: no folder, no link."""
    mode = entry.external_attr >> 16
    steps = PurePosixPath(name_of(entry)).parts
    hidden = any(s.startswith(".") and s != ".." for s in steps) or "__MACOSX" in steps
    return not (entry.is_dir() or stat.S_ISLNK(mode) or hidden or not steps)


class Member(io.RawIOBase):
    """One file of an archive, read as it is unpacked; trouble is an OSError that says what."""

    def __init__(self, path: Path, name: str) -> None:
        try:
            self._archive = zipfile.ZipFile(path)
            entry = next(e for e in self._archive.infolist() if name_of(e) == name)
            if entry.flag_bits & ENCRYPTED:
                raise OSError("it is encrypted within the archive")
            self._file = self._archive.open(entry)
        except StopIteration as error:
            raise OSError("it is no longer in the archive") from error
        except TROUBLE as error:
            raise OSError(_reason(error)) from error

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: object) -> int:
        """Fill a buffer and return the number of bytes."""
        view = memoryview(buffer)  # type: ignore[arg-type]
        try:
            got = self._file.read(len(view))
        except TROUBLE as error:
            raise OSError(_reason(error)) from error
        view[: len(got)] = got
        return len(got)

    def close(self) -> None:
        """Close the file and the archive."""
        if not self.closed and hasattr(self, "_file"):
            self._file.close()
            self._archive.close()
        super().close()


def _reason(error: Exception) -> str:
    said = str(error).split("\n")[0] or type(error).__name__
    return f"the archive is broken or packed in an unknown way ({said[:100]})"
