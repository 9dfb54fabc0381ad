"""What earlier runs have done, by their journal: what is not to be sent again."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from fhirconv.loader import journal
from fhirconv.loader.index import BEFORE, OURS, Index
from fhirconv.loader.journal import Line


@dataclass
class Past:
    """What the journal tells of one server, put into the index of this run."""

    index: Index
    server: str
    damaged: int = 0  # lines that are torn or changed, which count for nothing
    _number: int = 0

    def resume(self, folder: Path) -> int:
        """Recall the last run and those that it went on with; return how many bundles it took."""
        taken = 0
        for line in self._lines(folder):
            if line["event"] == journal.BEGUN and not line.get("resumes"):
                self.index.clear()
                taken = 0
            elif line["event"] in (
                journal.TAKEN,
                journal.REFUSED,
                journal.UNKNOWN,
                journal.SENDING,
            ):
                once = line["event"] in (journal.SENDING, journal.UNKNOWN)
                self.index.note(line["digest"], line["event"], once=once)
                taken += line["event"] == journal.TAKEN
                self._recall(line, OURS)
        return taken

    def since(self, folder: Path, moment: datetime) -> None:
        """Recall the resources that were taken at a time or later."""
        for line in self._lines(folder):
            if line["event"] == journal.TAKEN and datetime.fromisoformat(line["at"]) >= moment:
                self._recall(line, BEFORE)

    def _lines(self, folder: Path) -> Iterator[Line]:
        """Yield the sound lines that speak of this server."""
        for line in journal.lines(folder):
            if line is None:
                self.damaged += 1
            elif line["server"] == self.server:
                yield line

    def _recall(self, line: Line, state: int) -> None:
        self._number -= 1  # those of this run count up
        rows = [
            (key, bytes.fromhex(told[3]), told[0], told[1])
            for key, told in line.get("resources", {}).items()
        ]
        self.index.add(line["place"], self._number, rows, state)
