"""Dead letters: what a server refused for good, each bundle with the outcome beside it."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from fhirconv import files
from fhirconv.bundle import serialise
from fhirconv.errors import WriteError
from fhirconv.loader.documents import Document
from fhirconv.outcome import Issue, operation_outcome

BUNDLE, OUTCOME = ".bundle.json", ".outcome.json"
KNOWN = 16  # letters of the hash in a name


class Letters:
    """The folder of dead letters, each known by the hash of its bundle."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._names = {_hash_of(path): path for path in folder.glob(f"*{BUNDLE}")}

    def __len__(self) -> int:
        return len(self._names)

    def put(self, document: Document, digest: str, issues: Sequence[Issue]) -> Path:
        """Write a bundle as it was and its outcome beside it; raises WriteError."""
        known = digest[:KNOWN]
        path = self._names.get(known) or self.folder / f"{_stem(document)}-{known}{BUNDLE}"
        outcome = operation_outcome(issues)
        self._make_folder()
        files.write(_outcome(path), serialise(outcome))
        if known not in self._names:
            files.write(path, document.data + b"\n")
            self._names[known] = path
        return path

    def _make_folder(self) -> None:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            message = f"the dead letters cannot be written: {files.reason(error)}"
            raise WriteError(message, files.printable(str(self.folder))) from error

    def drop(self, digest: str) -> None:
        """Take a letter away whose bundle has arrived, if there is one."""
        path = self._names.pop(digest[:KNOWN], None)
        if path:
            with suppress(OSError):
                path.unlink(missing_ok=True)
                _outcome(path).unlink(missing_ok=True)


def _stem(document: Document) -> str:
    """Return the start of a letter's name: the file that its bundle came from, and the line."""
    stem = document.item.stem.removesuffix(".bundle")[:100]
    return f"{stem}.{document.line}" if document.line else stem


def _outcome(path: Path) -> Path:
    return path.with_name(path.name.removesuffix(BUNDLE) + OUTCOME)


def _hash_of(path: Path) -> str:
    return path.name.removesuffix(BUNDLE).rpartition("-")[2]
