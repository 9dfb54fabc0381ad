"""A set of rows is written as the text of one plain function that makes their resource.

The text holds what the rows say once and for all: which rows read one field, which of them can
meet in one element, which words and codes are always the same. What is not known before a fact
is there stands in it as a step. Whatever comes from a table stands in the text as a literal.
"""

from dataclasses import dataclass, field
from typing import Any

from fhirconv.datatypes import NARRATIVE, TAGS, coding_of, escaped, narrative, plain, words
from fhirconv.errors import TableError
from fhirconv.fill import (
    EXACT,
    Codings,
    Finder,
    has_home,
    has_value,
    inside,
    referrer,
    term_of,
)
from fhirconv.plan import Arrow, Step, container_of, is_inside
from fhirconv.tables import Tables

FIRST = ("resourceType", "id", "meta", "language", "text", "extension")  # FHIR's own order
BEGUN = FIRST[:2]  # what a resource begins with

Steps = tuple[Step, ...]
Field = tuple[str, ...]


@dataclass(slots=True)
class _Place:
    """One element, or list item, that rows lead to or through."""

    name: str  # of its variable
    is_spread: bool = False  # its list takes the nth of several values
    ends: int = 0  # how many rows fill it whole
    passed: int = 0  # how many rows fill what is within


@dataclass(slots=True)
class Writer:
    """The function of a set of rows in the making: its text, and what the text calls by name.

    The function takes (item, name, site) and returns the resource, and whether its words got no
    code; a traced one takes a list too, to which it adds every element that it makes.
    """

    resource: str
    arrows: tuple[Arrow, ...]
    tables: Tables
    release: str
    traced: bool = False
    bound: dict[str, Any] = field(default_factory=dict)
    _lines: list[str] = field(default_factory=list)
    _depth: int = 1
    _places: dict[Steps, _Place] = field(default_factory=dict)
    _claims: dict[tuple[Steps, str], str] = field(default_factory=dict)  # who may be one of rivals
    _begun: dict[str, str] = field(default_factory=dict)  # variable -> what it begins as
    _fields: dict[Field, str] = field(default_factory=dict)  # a field, or what it lies in -> name
    _guards: list[tuple[Steps, str]] = field(default_factory=list)  # what needs a field
    _narratives: dict[str, str] = field(default_factory=dict)  # variable of its parts -> name

    def text(self) -> str:
        """Return the text of the function."""
        self.bound.update(inside=inside, has_value=has_value, has_home=has_home)
        self.bound.update(term_of=term_of, coding_of=coding_of, narrative=narrative)
        self.bound.update(escaped=escaped)
        self._survey()
        prologue = self._prologue()
        for arrow in self.arrows:
            self._row(arrow)
        parameters = "item, name, site, placed" if self.traced else "item, name, site"
        begun = [f"    {name} = {value}" for name, value in self._begun.items()]
        lines = [f"def fill({parameters}):", *prologue, *begun, *self._lines, *self._epilogue()]
        return "\n".join(lines) + "\n"

    def _survey(self) -> None:
        """Find the places that rows share, and the fields that several rows read."""
        for arrow in self.arrows:
            for position in range(len(arrow.steps)):
                steps = arrow.steps[: position + 1]
                place = self._places.setdefault(steps, _Place(f"n{len(self._places)}"))
                place.is_spread |= arrow.spread == position and self._repeats(arrow)
                place.ends += steps == arrow.steps
                place.passed += steps != arrow.steps
        read = (
            arrow.field for arrow in self.arrows if not arrow.row.fixed or self._is_needed(arrow)
        )
        for path in dict.fromkeys(read):
            for length in range(1, len(path) + 1):
                self._fields.setdefault(path[:length], f"f{len(self._fields)}")

    def _repeats(self, arrow: Arrow) -> bool:
        """Say whether a row may make more than the first item of its list."""
        if arrow.row.fixed:
            return arrow.lists_codings and len(self._constant(arrow) or ()) > 1
        return not arrow.appends

    @staticmethod
    def _is_needed(arrow: Arrow) -> bool:
        """Say whether what holds the element is made only where the row has a value."""
        return arrow.row.need == "item" and bool(arrow.field)

    def _prologue(self) -> list[str]:
        """Return the lines that read the fields, and find what rows may not make without them."""
        self._say("get, items, homes = item.fields.get, site.items, site.homes")
        for path, name in self._fields.items():
            if len(path) == 1:
                self._say(f"{name} = get({path[0]!r})")
                self._inner(path)
        for number, arrow in enumerate(self.arrows):
            if self._is_needed(arrow):
                self._guards.append((container_of(arrow), f"w{number}"))
                values = self._fields[arrow.field]
                test = f"has_home({self._bind(arrow.targets)}, {values}, homes)"
                test = test if arrow.make is None else f"has_value({values})"
                self._say(f"w{number} = {values} is not None and {test}")
        self._say(f"whole = {{'resourceType': {self.resource!r}, 'id': name}}")
        self._say("concept, coded = '', set()")
        lines, self._lines = self._lines, []
        return lines

    def _inner(self, path: Field) -> None:
        """Write how the fields within a field are read, where it is there at all."""
        inner = [p for p in self._fields if len(p) == len(path) + 1 and p[:-1] == path]
        within = [name for p, name in self._fields.items() if p != path and p[: len(path)] == path]
        if not inner:
            return
        outer, depth = self._fields[path], self._depth
        if depth == 1:
            self._say(f"{' = '.join(within)} = None")
        self._open(f"if {outer}:")
        for each in inner:
            step, name = each[-1], self._fields[each]
            way = f"{outer}.get({step!r}) if {outer}.__class__ is dict"
            self._say(f"{name} = {way} else inside({outer}, {step!r}, items)")
            self._inner(each)
        self._depth = depth

    def _epilogue(self) -> list[str]:
        """Return the lines that join the narratives and put first what FHIR puts first."""
        lines = [
            f"    if {parts}: {parts}_in[{name!r}] = narrative({parts})"
            for parts, name in self._narratives.items()
        ]
        lines.append(f"    made = {{'resourceType': {self.resource!r}, 'id': name}}")
        roots = {arrow.steps[0].name for arrow in self.arrows}
        lines += [
            f"    if {name!r} in whole: made[{name!r}] = whole[{name!r}]"
            for name in FIRST
            if name in roots
        ]
        return [
            *lines,
            "    made.update(whole)",
            "    return made, bool(concept) and concept not in coded",
        ]

    def _row(self, arrow: Arrow) -> None:
        self._depth = 1
        self._say(f"# {arrow.row.origin!a}")
        guards = [name for container, name in self._guards if is_inside(arrow, container)]
        if guards:
            self._open(f"if {' and '.join(guards)}:")
        if arrow.row.fixed:
            self._fixed(arrow)
        elif arrow.field:
            self._field(arrow)

    def _fixed(self, arrow: Arrow) -> None:
        """Write a row of a fixed word: what it makes is a literal."""
        codings = self._constant(arrow) or ()
        if not codings and arrow.row.codes:
            self._say(f"value = {arrow.row.fixed!r}")
            self._look_up(arrow)  # tells that the table lacks the word
        for number, coding in enumerate(codings if arrow.lists_codings else ()):
            self._place(arrow, str(number), repr(coding_of(coding)), self._bind((coding,)))
        if not arrow.lists_codings and arrow.make is not None:
            made = arrow.make(arrow.row.fixed, codings)
            if made is not None and made != "":
                self._place(arrow, "0", repr(made), self._bind(codings))

    def _field(self, arrow: Arrow) -> None:
        """Write a row of a field: its value or values, their codings, what they make."""
        name = self._fields[arrow.field]
        self._open(f"if {name} is not None:")
        if arrow.spread < 0 and not arrow.appends:  # more than one value has no place
            self._say(f"value = {name}")
            self._say("if value.__class__ is list: value = value[0] if value else None")
            self._open("if value is not None and value != '':")
        elif arrow.appends:  # all go to one place: which of the values it is says nothing
            one = f"({name},) if {name} != '' else ()"
            self._open(f"for value in {name} if {name}.__class__ is list else {one}:")
            self._open("if value is not None:")
        else:
            one = f"({name} if {name} != '' else None,)"
            self._open(
                f"for number, value in enumerate({name} if {name}.__class__ is list else {one}):"
            )
            self._open("if value is not None:")
        codings = self._look_up(arrow) if arrow.row.codes else "()"
        if arrow.lists_codings:
            self._open(f"for number, coding in enumerate({codings}):")
            self._place(arrow, "number", "coding_of(coding)", "(coding,)")
        else:
            self._place(arrow, "number", self._made(arrow, codings), codings)

    def _look_up(self, arrow: Arrow) -> str:
        """Write how the codings of a value are found; return their name."""
        row = arrow.row
        constant = self._constant(arrow)
        if constant:
            return self._bind(constant)
        self._say("text = value if value.__class__ is str else term_of(value)")
        self._say(f"codings = {self._bind(Finder(row, self.tables, self.release))}[text]")
        if row.type == "code":
            message = f"f'{{text!r}} has no code in ' + {row.codes.partition('.')[0]!r}"
            told = f"site.tell('warning', 'not-found', {message}, {self._bind(row)}, item)"
            self._say(f"if not codings: {told}")
        elif row.type not in EXACT and not row.fixed:
            root = arrow.steps[0].name
            if row.field == "label":
                self._say(f"concept = {root!r}")
            self._say(f"if codings: coded.add({root!r})")
        return "codings"

    def _constant(self, arrow: Arrow) -> Codings | None:
        """Return the codings of a row that are the same for every value; None where none are."""
        row = arrow.row
        if not row.fixed and (row.type not in EXACT or "." not in row.codes):
            return None
        if not row.codes:
            return None
        try:
            return Finder(row, self.tables, self.release)[row.fixed] or None
        except TableError:
            return None  # told when a value comes

    def _around(self, arrow: Arrow) -> tuple[str, str] | None:
        """Return what stands around the words of a part of a narrative, where this is known."""
        codings = self._constant(arrow)
        if not arrow.appends or (arrow.row.codes and not codings):
            return None
        before, slot, after = (codings[0].display if codings else "{}").partition("{}")
        tag = TAGS[arrow.row.type]
        whole = (f"<{tag}>{escaped(before)}", f"{escaped(after)}</{tag}>")
        return whole if slot and (before or after or not codings) and "{}" not in after else None

    def _always(self, arrow: Arrow) -> str:
        """Return the words that a row makes of every value; '' where they depend on it."""
        codings = self._constant(arrow) if arrow.make is words else None
        display = codings[0].display if codings else ""
        return "" if "{}" in display else display

    def _made(self, arrow: Arrow, codings: str) -> str:
        """Write what a value makes; return its name. What is nothing is not placed."""
        around, always = self._around(arrow), self._always(arrow)
        if always:
            self._say(f"made = {always!r}")
        elif around:
            self._say("text = (value if value.__class__ is str else str(value)).strip()")
            if not arrow.row.codes:
                self._open("if text:")
            self._say(f"made = {around[0]!r} + escaped(text) + {around[1]!r}")
        elif arrow.make is None:
            self._say(f"made = {self._bind(referrer(arrow, self.tables))}(value, site, item)")
            self._open("if made is not None:")
        elif arrow.make is plain:
            self._say("made = value")
            self._open("if made != '':")
        elif arrow.make is words and not arrow.row.codes:
            self._say("made = (value if value.__class__ is str else str(value)).strip()")
            self._open("if made:")
        else:
            self._say(f"made = {self._bind(arrow.make)}(value, {codings})")
            self._open("if made is not None and made != '':")
        return "made"

    def _place(self, arrow: Arrow, number: str, made: str, codings: str) -> None:
        """Write a value to the end of its steps, unless a rival or a better row was there first."""
        depth, target, last = self._depth, "whole", len(arrow.steps) - 1
        if arrow.spread < 0 or arrow.appends:
            number = "0"
        for position, step in enumerate(arrow.steps):
            if arrow.contested[position]:
                self._claim(arrow, position, number)
            if position < last:
                target = self._node(arrow, position, target, number)
            else:
                self._put(arrow, step, target, (made, self._key(arrow, position, number)))
        if self.traced:
            self._say(f"placed.append(({self._bind(arrow)}, {number}, made, {codings}))")
        self._depth = depth

    def _key(self, arrow: Arrow, position: int, number: str) -> str:
        """Return which of the items of one place is meant, as an expression; '' of only one."""
        numbers = [
            number if at == arrow.spread else "0"
            for at in range(position + 1)
            if self._places[arrow.steps[: at + 1]].is_spread
        ]
        return f"({', '.join(numbers)})" if len(numbers) > 1 else "".join(numbers)

    def _claim(self, arrow: Arrow, position: int, number: str) -> None:
        """Write that this step is taken, unless a rival (another type, or '_x' of x) has it."""
        step = arrow.steps[position]
        key = self._key(arrow, position - 1, number)
        place = (arrow.steps[:position], step.canonical)
        name = self._claims.setdefault(place, f"r{len(self._claims)}")
        self._begun[name] = "{}" if key else "None"
        if key:
            self._open(f"if {name}.setdefault({key}, {step.name!r}) == {step.name!r}:")
        else:
            self._say(f"{name} = {name} or {step.name!r}")
            self._open(f"if {name} == {step.name!r}:")

    def _node(self, arrow: Arrow, position: int, target: str, number: str) -> str:
        """Write the object that holds the next step, made where it is not; return its name."""
        step, place = arrow.steps[position], self._places[arrow.steps[: position + 1]]
        key, name, begin = self._key(arrow, position, number), place.name, "{}"
        self._begun[name] = "{}" if key else "None"
        stored = f"{name}[{key}]" if key else name
        if key:
            self._say(f"{name}_of = {name}.get({key})")
            name = f"{name}_of"
            stored = f"{name} = {stored}"
        if step.name == "extension" and step.slot:  # a part of one is called by its bare name
            known = self.tables.extensions.get((step.slot, self.release), step.slot)
            begin = repr({"url": known})
        if step.slot is not None:
            self._say(f"if {name} is None:")
            self._say(f"    {stored} = {begin}")
            self._say(f"    {target}.setdefault({step.name!r}, []).append({name})")
        elif place.ends or self._may_be_there(arrow, position):
            self._say(f"if {name} is None and {step.name!r} not in {target}:")
            self._say(f"    {stored} = {target}[{step.name!r}] = {begin}")
            self._open(f"if {name} is not None:")
        else:
            self._say(f"if {name} is None:")
            self._say(f"    {stored} = {target}[{step.name!r}] = {begin}")
        return name

    def _may_be_there(self, arrow: Arrow, position: int) -> bool:
        """Say whether a step may be there because a row made what it lies in as a whole."""
        outer = (self._places[arrow.steps[:at]] for at in range(1, position + 1))
        return any(place.ends for place in outer) or (not position and arrow.steps[0].name in BEGUN)

    def _put(self, arrow: Arrow, step: Step, target: str, made_at: tuple[str, str]) -> None:
        """Write the value into the object that holds it."""
        made, key = made_at
        place = self._places[arrow.steps]
        is_shared = place.ends + place.passed > 1 or arrow.lists_codings
        if made != "made":
            self._say(f"made = {made}")
        if arrow.appends:
            parts = f"{place.name}_parts"
            self._begun[parts], self._narratives[parts] = "[]", step.name
            self._say(f"if not {parts}: {parts}_in, {target}[{step.name!r}] = {target}, ''")
            self._say(f"{parts}.append(({NARRATIVE[arrow.row.type]!r}, made))")
        elif step.slot is None:
            if is_shared or self._may_be_there(arrow, len(arrow.steps) - 1):
                self._open(f"if {step.name!r} not in {target}:")
            self._say(f"{target}[{step.name!r}] = made")
        else:
            if is_shared:
                self._begun[place.name] = "{}" if key else "None"
                is_free = f"{key} not in {place.name}" if key else f"{place.name} is None"
                self._open(f"if {is_free}:")
                self._say(f"{place.name}{f'[{key}]' if key else ''} = made")
            self._say(f"{target}.setdefault({step.name!r}, []).append(made)")

    def _say(self, text: str) -> None:
        self._lines.append("    " * self._depth + text)

    def _open(self, text: str) -> None:
        self._say(text)
        self._depth += 1

    def _bind(self, value: Any) -> str:
        """Return the name by which the text calls a value."""
        name = f"k{len(self.bound)}"
        self.bound[name] = value
        return name
