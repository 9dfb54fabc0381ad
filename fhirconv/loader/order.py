"""Who may be sent when: never two writers on one resource at a time, and nothing twice."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from fhirconv.loader.index import OURS, Index
from fhirconv.loader.parcel import Parcel
from fhirconv.outcome import Issue
from fhirconv.upload import Result


@dataclass
class Order:
    """The lines before the resources that parcels want to write, in the order of the inputs.

    The head of a line may write. Once the server has its resource, the others behind it need not
    send it any more; where it failed, the next one may try. Not safe between threads by itself.
    """

    index: Index
    lines: dict[str, deque[Parcel]] = field(default_factory=dict)

    def enter(self, parcel: Parcel) -> bool:
        """Stand a parcel in its lines; say whether it is at the head of all of them."""
        known = self.index.find(parcel.writes)
        for key, found in known.items():
            if found.hash == parcel.writes[key]:
                parcel.there[key] = found.address
            elif found.state == OURS:
                parcel.conflict = _conflict(key, self.index.place(found.place))
        for key in parcel.writes if parcel.conflict is None else ():
            if key not in parcel.there:
                line = self.lines.setdefault(key, deque())
                parcel.pending += bool(line)
                line.append(parcel)
        return parcel.pending == 0

    def leave(self, parcel: Parcel, brought: Mapping[str, Result]) -> list[Parcel]:
        """Take a parcel out of its lines, with what became of each resource that it brought.

        Returns the parcels that are now at the head of all their lines.
        """
        if brought:
            rows = [
                (key, parcel.writes[key], result.address or key, result.version)
                for key, result in brought.items()
            ]
            self.index.add(parcel.document.place, parcel.number, rows)
        free: list[Parcel] = []
        for key in parcel.writes:
            line = self.lines.get(key)
            if not line or line[0] is not parcel:
                continue
            line.popleft()
            freed = [*line] if key in brought else [*line][:1]
            for other in freed:
                if key in brought:
                    _tell(other, key, parcel, brought[key].address or key)
                other.pending -= 1
                free += [other] if other.pending == 0 else []
            if key in brought or not line:
                del self.lines[key]
        return free


def _tell(other: Parcel, key: str, parcel: Parcel, address: str) -> None:
    """Tell a parcel that another has brought a resource that it carries too."""
    if other.writes[key] == parcel.writes[key]:
        other.there[key] = address
    else:
        other.conflict = _conflict(key, parcel.document.place)


def _conflict(key: str, place: str) -> Issue:
    message = f"{key} is in {place} with another content, which was sent: this bundle is not"
    return Issue("error", "conflict", message, key)
