"""brat's standoff annotations: entities, events, relations, attributes, each with its line."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

Span = tuple[int, int]

SPANS = re.compile(r"\d+ \d+(?:;\d+ \d+)*\Z")
ARGUMENT = re.compile(r"([^:\s]+):(\S+)\Z")
SPACE = re.compile(r"\s+")
EQUIVALENT = "*"
NOTES = "#"
IDENTIFIER = re.compile(r"[A-Z#]\S*\Z")


@dataclass(frozen=True, slots=True)
class Entity:
    """Words of the text with a type; several spans are one entity in pieces."""

    id: str
    type: str
    spans: tuple[Span, ...]
    words: str
    line: int

    @property
    def start(self) -> int:
        """Where it begins."""
        return self.spans[0][0]

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.spans[-1][1]


@dataclass(frozen=True, slots=True)
class Relation:
    """A relation from one annotation to another, by their ids."""

    type: str
    source: str
    target: str
    line: int


@dataclass(frozen=True, slots=True)
class Attribute:
    """A word about an annotation; a bare attribute has the value ''."""

    type: str
    target: str
    value: str
    line: int


@dataclass(slots=True)
class Standoff:
    """The annotations of one text; an event is known by its trigger, the entity it stands on."""

    entities: dict[str, Entity] = field(default_factory=dict)
    triggers: dict[str, str] = field(default_factory=dict)  # event -> entity
    events: dict[str, int] = field(default_factory=dict)  # event -> line
    relations: list[Relation] = field(default_factory=list)
    groups: list[tuple[str, tuple[str, ...], int]] = field(default_factory=list)  # type, ids, line
    attributes: list[Attribute] = field(default_factory=list)
    ignored: list[tuple[str, int]] = field(default_factory=list)  # notes and normalisations

    def entity(self, name: str) -> Entity | None:
        """Return the entity of an id, or of the trigger of an event."""
        return self.entities.get(self.triggers.get(name, name))


def parse(lines: list[str], text: str, problems: list[str]) -> Standoff:
    """Return the annotations of a text; what is wrong with a line goes to the problems."""
    found = Standoff()
    for number, line in enumerate(lines, 1):
        if line.strip():
            name, tab, rest = line.rstrip("\r\n").partition("\t")
            read = KINDS.get(name[:1])
            if not tab or read is None or not (name == EQUIVALENT or IDENTIFIER.match(name)):
                problems.append(f"line {number}: this is no annotation of brat: {_short(line)!r}")
                continue
            problem = read(found, name, rest, number)
            if problem:
                problems.append(f"line {number}: {problem}")
    if not problems:  # else an id may be unknown only because its line cannot be read
        problems += _unknown(found)
    problems += _misquoted(found, text)
    return found


def _entity(found: Standoff, name: str, rest: str, line: int) -> str:
    told, tab, words = rest.partition("\t")
    kind, _, places = told.partition(" ")
    if not kind or not tab or not SPANS.match(places.strip()):
        return f"an entity has a type, offsets and words, not {_short(rest)!r}"
    if name in found.entities:
        return f"the id {name!r} stands twice"
    pairs = [piece.split() for piece in places.strip().split(";")]
    spans = tuple((int(start), int(end)) for start, end in pairs)
    if any(start >= end for start, end in spans):
        return f"the offsets of {name} end before they begin: {places!r}"
    found.entities[name] = Entity(name, kind, spans, words.strip(), line)
    return ""


def _event(found: Standoff, name: str, rest: str, line: int) -> str:
    arguments = [ARGUMENT.match(each) for each in rest.split()]
    if not arguments or not all(arguments):
        return f"an event has a type and a trigger, not {_short(rest)!r}"
    if name in found.triggers:
        return f"the id {name!r} stands twice"
    (trigger, *roles) = [match for match in arguments if match]
    found.triggers[name], found.events[name] = trigger[2], line
    found.relations += [Relation(role[1], role[2], name, line) for role in roles]
    return ""


def _relation(found: Standoff, name: str, rest: str, line: int) -> str:
    kind, *others = rest.split() or [""]
    arguments = [match for each in others if (match := ARGUMENT.match(each))]
    if not kind or len(arguments) != 2 or len(others) != 2:
        return f"a relation has a type and two arguments, not {_short(rest)!r}"
    found.relations.append(Relation(kind, arguments[0][2], arguments[1][2], line))
    return ""


def _group(found: Standoff, name: str, rest: str, line: int) -> str:
    kind, *members = rest.split() or [""]
    if len(members) < 2:
        return f"a group has a type and two members or more, not {_short(rest)!r}"
    found.groups.append((kind, tuple(members), line))
    return ""


def _attribute(found: Standoff, name: str, rest: str, line: int) -> str:
    kind, *others = rest.split() or [""]
    if not kind or not others:
        return f"an attribute has a type and an annotation, not {_short(rest)!r}"
    found.attributes.append(Attribute(kind, others[0], " ".join(others[1:]), line))
    return ""


def _ignored(found: Standoff, name: str, rest: str, line: int) -> str:
    found.ignored.append((name, line))
    return ""


KINDS: dict[str, Callable[[Standoff, str, str, int], str]] = {  # by the first letter of the id
    "T": _entity,
    "E": _event,
    "R": _relation,
    EQUIVALENT: _group,
    "A": _attribute,
    "M": _attribute,
    "N": _ignored,
    NOTES: _ignored,
}


def _unknown(found: Standoff) -> Iterator[str]:
    """Yield the ids that lead to no entity."""
    for event, name in found.triggers.items():
        if name not in found.entities:
            line = found.events[event]
            yield f"line {line}: the trigger {name!r} of {event} is not annotated"
    listed = [(end, r.line) for r in found.relations for end in (r.source, r.target)]
    listed += [(a.target, a.line) for a in found.attributes if a.target[:1] in ("T", "E")]
    listed += [(member, line) for _, members, line in found.groups for member in members]
    for name, line in dict.fromkeys(listed):
        if name not in found.triggers and name not in found.entities:
            yield f"line {line}: {name!r} is not annotated"


def _misquoted(found: Standoff, text: str) -> Iterator[str]:
    """Yield the entities whose words do not stand in the text where they say."""
    for entity in found.entities.values():
        there = " ".join(text[start:end] for start, end in entity.spans)
        if entity.end > len(text) or _plain(there) != _plain(entity.words):
            yield (
                f"line {entity.line}: the text does not say {_short(entity.words)!r} "
                f"at {entity.start}-{entity.end}"
            )


def _plain(words: str) -> str:
    return SPACE.sub(" ", words).strip()


def _short(words: str) -> str:
    words = words.strip()
    return words if len(words) <= 60 else f"{words[:57]}..."
