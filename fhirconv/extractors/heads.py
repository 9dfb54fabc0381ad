"""What the last word of a phrase says of it: ablation is a procedure, whatever -itis a disease."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fhirconv.extractors.words import MOST, Folding


@dataclass(frozen=True)
class Head:
    """What a last word says about the phrase that it ends."""

    kind: str
    origin: str


class Heads(dict[str, Head]):
    """The last words that make a phrase a disease, a drug, a treatment, by their key."""

    def __init__(self, rows: Iterable[Mapping[str, str]], folding: Folding) -> None:
        super().__init__()
        self.endings: dict[int, dict[str, Head]] = {}
        self.known: dict[str, Head | None] = {}
        for row in rows:
            key, head = folding.key(row["head"]), Head(row["kind"], row["origin"])
            if row["where"] == "word":
                self.setdefault(key, head)
            elif row["where"] == "suffix":
                self.endings.setdefault(len(key), {})[key] = head

    def of(self, key: str) -> Head | None:
        """Return what a word says as the last of a phrase: by the word, else by its ending."""
        if key not in self.known:
            if len(self.known) > MOST:
                self.known.clear()
            self.known[key] = self.get(key) or self._by_ending(key)
        return self.known[key]

    def _by_ending(self, key: str) -> Head | None:
        """Return what the longest ending of a word says."""
        for length in sorted(self.endings, reverse=True) if len(key) > 5 else ():
            if len(key) > length + 1 and key[-length:] in self.endings[length]:
                return self.endings[length][key[-length:]]
        return None
