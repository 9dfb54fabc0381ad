"""What people and programs read of a push that is only tried: created, changed, left, and why."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from fhirconv.cli import options, show
from fhirconv.outcome import Issue, operation_outcome

if TYPE_CHECKING:
    from fhirconv.comparison import Change
    from fhirconv.foresight import Foreseen
    from fhirconv.loader.preview import Bundle

COLOURS = {"create": "green", "change": "yellow", "unknown": "red"}
SHOWN = 100  # characters of a value


@dataclass
class Preview:
    """What would become of the resources, told at once to people, at the end to programs."""

    as_json: bool
    issues: list[Issue] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    _listed: list[dict[str, Any]] = field(default_factory=list)

    def take(self, bundle: "Bundle") -> None:
        """Tell what would become of one bundle."""
        self.issues += bundle.issues
        self.counts.update(one.kind for one in bundle.foreseen)
        if self.as_json:
            self._listed += (_data(bundle.place, one) for one in bundle.foreseen)
        elif not show.setting(options.QUIET):
            for line in _lines(bundle):
                show.styled(line)

    def show(self, server: str) -> None:
        """Print the counts, and what cannot be sent."""
        from fhirconv.foresight import KINDS

        counts = {kind: self.counts[kind] for kind in KINDS}
        if self.as_json:
            outcome = operation_outcome(self.issues)
            told = {"server": server, "counts": counts, "resources": self._listed}
            show.document(told | {"outcome": outcome})
            return
        if self.issues:
            rows = [[issue.severity, issue.message, issue.where] for issue in self.issues]
            show.table("issues", ("severity", "message", "where"), rows)
        show.table("resources, if this is pushed", KINDS, [list(counts.values())])


def _data(place: str, one: "Foreseen") -> dict[str, Any]:
    changes = [{"path": c.path, "old": c.old, "new": c.new} for c in one.changes]
    told = {"place": place, "entry": one.entry, "resource": one.resource, "action": one.kind}
    more = {"version": one.version, "note": one.note, "changes": changes}
    return told | {name: value for name, value in more.items() if value}


def _lines(bundle: "Bundle") -> Iterator[str]:
    """Yield the lines that tell of a bundle; what is left as it is only if more is asked for."""
    told = [one for one in bundle.foreseen if _is_told(one)]
    left = len(bundle.foreseen) - len(told)
    if not bundle.foreseen:
        return
    rest = f" (left as is: {left})" if left else ""
    yield _styled(show.clean(bundle.place), bold=True) + rest
    for one in told:
        version = f" (version {one.version})" if one.version else ""
        note = f": {one.note}" if one.note else ""
        kind = _styled(one.kind, fg=COLOURS.get(one.kind))
        yield f"  {kind} " + show.clean(f"{one.resource}{version}{note}")
        for change in one.changes:
            yield from _change(change)


def _is_told(one: "Foreseen") -> bool:
    return one.kind != "leave" or bool(one.note) or show.setting(options.VERBOSE)


def _change(change: "Change") -> Iterator[str]:
    old = _styled(_value(change.old), fg="red")
    new = _styled(_value(change.new), fg="green")
    yield f"      {show.clean(change.path)}: {old} -> {new}"


def _value(value: Any) -> str:
    """Return a value as JSON, cut where it is long; nothing for what is not there."""
    from fhirconv.convert import serialise

    if value is None:
        return "nothing"
    text = show.clean(serialise({"": value}, compact=True).decode().strip()[1:-1].partition(":")[2])
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _styled(text: str, **style: Any) -> str:
    from fhirconv.cli.validate_text import in_colour

    return click.style(text, **style) if in_colour() else text
