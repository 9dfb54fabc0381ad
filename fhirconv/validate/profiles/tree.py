"""A profile as a tree: each element with what it asks for beyond its type, and its slices."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from fhirconv.validate.definitions import (
    STRUCTURE,
    Constraint,
    Definitions,
    Element,
    Shape,
    value_of,
)

Resource = dict[str, Any]

DEEPEST = 40  # profiles on profiles
CHOICE = "[x]"


@dataclass(frozen=True, slots=True)
class Type:
    """One type that an element may have, with the profiles that its value keeps."""

    code: str
    profiles: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()  # profiles of what a Reference leads to


@dataclass(frozen=True, slots=True)
class Discriminator:
    """What tells the slices of an element apart."""

    kind: str  # value | pattern | exists | type | profile
    path: str


@dataclass(frozen=True, slots=True)
class Slicing:
    """How the values of an element are sorted into slices."""

    by: tuple[Discriminator, ...]
    rules: str = "open"  # open | closed | openAtEnd
    ordered: bool = False


@dataclass(slots=True)
class Rule:
    """What a profile asks of one element, or of one slice of it."""

    name: str  # as FHIRPath has it: value
    choice: bool = False
    slice: str = ""
    low: int = 0
    high: int | None = None
    types: tuple[Type, ...] = ()
    fixed: Any = None
    pattern: Any = None
    binding: str = ""
    strength: str = ""
    longest: int | None = None
    least: Any = None
    most: Any = None
    constraints: tuple[Constraint, ...] = ()
    slicing: Slicing | None = None
    children: dict[str, "Rule"] = field(default_factory=dict)
    slices: dict[str, "Rule"] = field(default_factory=dict)
    targets: frozenset[str] = frozenset()  # to which types the element may lead; empty: any
    kind: str = ""  # the type or element whose children its values have, where that is one
    stated: bool = False  # the profile speaks of it, not only of what is below

    @property
    def shown(self) -> str:
        """The element as a message names it, with its slice as profiles write it."""
        return f"{self.name}:{self.slice}" if self.slice else self.name

    def child(self, name: str) -> "Rule":
        """Return the rule of a child, made where there is none."""
        base = name.removesuffix(CHOICE)
        if base not in self.children:
            self.children[base] = Rule(base, choice=name.endswith(CHOICE))
        return self.children[base]

    def of_slice(self, name: str) -> "Rule":
        """Return the rule of a slice, made where there is none; `a/b` is a slice of slice a."""
        above, _, _ = name.rpartition("/")
        owner = self.of_slice(above) if above else self
        if name not in owner.slices:
            owner.slices[name] = Rule(self.name, choice=self.choice, slice=name)
        return owner.slices[name]


def tree(structure: Resource, definitions: Definitions) -> Rule:
    """Return the rules of a profile; raises LookupError where its base is not at hand.

    A snapshot is taken as it is; a differential is laid over the elements of its base. What the
    base type asks for already is left out: its own check has said that.
    """
    root = Rule(structure["type"], kind=structure["type"])
    for key, element in elements(structure, definitions).items():
        rule = root
        for step in _steps(key)[1:]:
            name, _, part = step.partition(":")
            rule = rule.child(name)
            if part:
                rule = rule.of_slice(part)
        _state(rule, element)
    shape = definitions.shape(structure["type"])
    known = {constraint.key for constraint in shape.constraints}
    root.constraints = tuple(c for c in root.constraints if c.key not in known)
    _narrow(root, shape, definitions)
    return root


def elements(
    structure: Resource, definitions: Definitions, deep: int = 0
) -> dict[str, Mapping[str, Any]]:
    """Return the elements of a profile by id; raises LookupError where its base is unknown."""
    if "snapshot" in structure:
        listed = structure["snapshot"]["element"]
        return {_key(element): element for element in listed}
    base = definitions.find(STRUCTURE, str(structure.get("baseDefinition", "")))
    if base is None or deep > DEEPEST:
        raise LookupError(str(structure.get("baseDefinition")))
    core = base.get("derivation") != "constraint"
    found = {} if core else elements(base, definitions, deep + 1)
    for element in structure.get("differential", {}).get("element", ()):
        key = _key(element)
        found[key] = {**found.get(key, {}), **element}
    return found


def _key(element: Mapping[str, Any]) -> str:
    """Return the id of an element, made of its path and slice where it has none."""
    key = str(element.get("id", element["path"]))
    name = element.get("sliceName")
    return f"{key}:{name}" if name and ":" not in key.rpartition(".")[2] else key


def _steps(key: str) -> list[str]:
    """Return the steps of an id; a dot may stand in the name of a slice."""
    found: list[str] = []
    for step in key.split("."):
        if found and ":" in found[-1] and not step[:1].islower() and step:
            found[-1] += f".{step}"
        else:
            found.append(step)
    return found


def _state(rule: Rule, element: Mapping[str, Any]) -> None:
    """Write into a rule what an element says."""
    high = element.get("max", "*")
    binding = element.get("binding", {})
    rule.stated = True
    rule.low = int(element.get("min", 0))
    rule.high = None if high == "*" else int(high)
    rule.types = tuple(_type(listed) for listed in element.get("type", ()))
    rule.fixed = value_of(element, "fixed")
    rule.pattern = value_of(element, "pattern")
    rule.binding = binding.get("valueSet", "").partition("|")[0]
    rule.strength = binding.get("strength", "") if rule.binding else ""
    rule.longest = element.get("maxLength")
    rule.least = value_of(element, "minValue")
    rule.most = value_of(element, "maxValue")
    rule.slicing = _slicing(element.get("slicing"))
    rule.constraints = tuple(
        Constraint(c["key"], c["severity"], c["expression"], c["human"])
        for c in element.get("constraint", ())
        if "expression" in c
    )


def _type(listed: Mapping[str, Any]) -> Type:
    return Type(
        listed.get("code", ""),
        tuple(listed.get("profile", ())),
        tuple(listed.get("targetProfile", ())),
    )


def _slicing(told: Mapping[str, Any] | None) -> Slicing | None:
    if told is None:
        return None
    by = (Discriminator(d["type"], d["path"]) for d in told.get("discriminator", ()))
    return Slicing(tuple(by), told.get("rules", "open"), bool(told.get("ordered")))


def _narrow(rule: Rule, shape: Shape | None, definitions: Definitions) -> None:
    """Take out of the children of a rule, and of theirs, what their type asks for itself."""
    for child in rule.children.values():
        listed = _base(child, shape)
        if listed:
            _without_base(child, listed)
        for each in (child, *_slices(child)):
            each.kind = (listed[0].shape or listed[0].type) if len(listed) == 1 else ""
            if each is not child and listed:
                _without_base(each, listed, slice_of=True)
            _narrow(each, _inner(each, child, listed, definitions), definitions)


def _slices(rule: Rule) -> Iterator[Rule]:
    for each in rule.slices.values():
        yield each
        yield from _slices(each)


def _base(rule: Rule, shape: Shape | None) -> list[Element]:
    """Return the elements of the type, one for each type of a choice."""
    if shape is None:
        return []
    names = shape.names.get(rule.name, (rule.name,) if rule.name in shape.elements else ())
    return [shape.elements[name] for name in names if not name.startswith("_")]


def _without_base(rule: Rule, listed: list[Element], *, slice_of: bool = False) -> None:
    base = listed[0]
    known = {constraint.key for constraint in base.constraints}
    rule.constraints = tuple(c for c in rule.constraints if c.key not in known)
    rule.targets = frozenset(t for element in listed for t in element.targets)
    if not slice_of:
        rule.low = 0 if rule.low <= base.low else rule.low
        rule.high = None if rule.high == base.high else rule.high
    if (rule.binding, rule.strength) == (base.binding, base.strength):
        rule.binding = rule.strength = ""
    if {t.code for t in rule.types} >= {e.type for e in listed} and not _special(rule, listed):
        rule.types = ()


def _special(rule: Rule, listed: list[Element]) -> bool:
    """Say whether the types of a rule have profiles or targets that those of the base have not."""
    targets = {t.rpartition("/")[2] for type_ in rule.types for t in type_.targets}
    known = {t for element in listed for t in element.targets}
    return any(t.profiles for t in rule.types) or (bool(targets) and targets != known)


def _inner(
    rule: Rule, owner: Rule, listed: list[Element], definitions: Definitions
) -> Shape | None:
    """Return the shape of what stands in an element; None where its type is not one."""
    codes = {t.code for t in (rule.types or owner.types)}
    fitting = [e for e in listed if e.type in codes] or listed
    if len(fitting) != 1 or fitting[0].type in ("Resource", *definitions.primitives):
        return definitions.shape("Element") if fitting and len(fitting) == 1 else None
    return definitions.shape_of(fitting[0])
