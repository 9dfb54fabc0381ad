"""The engine: each type is compiled once, when it is first met, to one function that checks it."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from fhirconv.tables import Tables
from fhirconv.validate import wording
from fhirconv.validate.checks import CHECKS, WAITING, Maker
from fhirconv.validate.definitions import SPLIT, Definitions, Element, Shape
from fhirconv.validate.invariants import rules_of
from fhirconv.validate.paths import PathModel
from fhirconv.validate.primitives import primitive_check
from fhirconv.validate.references import Index
from fhirconv.validate.scope import Check, Node, Problem, Scope, Waiting, due, error
from fhirconv.validate.shortcuts import SHORTCUTS

Wrong = dict[str, list[Problem]]  # by the name in JSON of the child
TYPE = "resourceType"
ABSENT = object()


class Engine:
    """The compiled checks of a release, as our tables know codes."""

    def __init__(self, definitions: Definitions, tables: Tables) -> None:
        self.definitions = definitions
        self.tables = tables
        self.paths = PathModel(definitions)
        self._resources: dict[str, Check] = {}
        self._objects: dict[tuple[str, str], Check] = {}
        self._values: dict[tuple[str, str], Check] = {}
        self._seen: dict[str, set[str]] = {}

    def seen(self, kind: str) -> set[str]:
        """Return the texts that were found right in a primitive type."""
        return self._seen.setdefault(kind, set())

    def check(self, value: Any, scope: Scope) -> list[Problem]:
        """Check a resource, and each resource in it; `scope` is its own."""
        compiled = self._resource(value)
        if compiled is None:
            names = self.definitions.resources
            return [wording.no_resource(value, names, self.definitions.release)]
        if value[TYPE] == "Bundle":
            scope.index = Index(value)
        found = list(compiled(value, scope) or ())
        for check in scope.profiles(value) if scope.profiles else ():
            found.extend(check(value, scope) or ())
        return found

    def _resource(self, value: Any) -> Check | None:
        """Return the check of a resource's type; None where it has none that is known."""
        name = value.get(TYPE) if isinstance(value, dict) else None
        if not isinstance(name, str):
            return None
        if name not in self._resources and self.definitions.is_resource(name):
            self._resources[name] = object_check(self.definitions.shape(name), None, self)
        return self._resources.get(name)

    def _inner(self, contained: bool) -> Check:
        """Return the check of a resource within another."""

        def check(value: Any, scope: Scope) -> list[Problem]:
            return self.check(value, scope.of_resource(value, contained))

        return check

    def object_of(self, element: Element) -> Check:
        """Return the check of one value of an element that has children."""
        if element.type == "Resource":
            return self._inner(element.name == "contained")
        shape = self.definitions.shape_of(element)
        key = (shape.name, "" if self._is_plain(element, shape) else element.path + element.type)
        if key not in self._objects:
            check = object_check(shape, element, self)
            shortcut = None if element.constraints else SHORTCUTS.get(shape.name)
            self._objects[key] = shortcut(check, element) if shortcut else check
        return self._objects[key]

    def _is_plain(self, element: Element, shape: Shape) -> bool:
        """Say whether a value is checked alike wherever it stands."""
        special = element.constraints or element.type in SPLIT or element.owner == shape.name
        return not special and not any(name in CHECKS for name in shape.types)

    def value(self, element: Element) -> Check:
        """Return the check of one value of a primitive element."""
        key = (element.path, element.type)
        if key not in self._values:
            self._values[key] = _with_rules(primitive_check(element, self), element, self)
        return self._values[key]

    @cached_property
    def extension(self) -> Check:
        """The check of what stands beside a primitive value."""
        return object_check(self.definitions.shape("Element"), None, self)

    def child(self, element: Element) -> Check:
        """Return the check of what stands under an element's name: a value, or an array of them."""
        simple = element.type in self.definitions.primitives
        one = self.value(element) if simple else self.object_of(element)
        return _array(one, element, simple) if element.many else one


def _array(one: Check, element: Element, simple: bool) -> Check:
    """Return the check of an array of values."""
    high = element.high or 0

    def check(value: Any, scope: Scope) -> list[Problem] | None:
        if type(value) is not list or not value or (high and len(value) > high):
            problem = wording.array_problem(value, element)
            return [problem] if problem else None
        found: list[Problem] = []
        for index, item in enumerate(value):
            if item is None and simple:
                message = f"{element.base} holds null, which is no value"
                found.append(error("structure", message, index))
                continue
            problems = one(item, scope)
            if problems:
                found += under(problems, index)
        return found

    return check


def under(problems: Iterable[Problem], step: str | int) -> list[Problem]:
    """Return problems of a child as those of what is above it."""
    listed = list(problems)
    for problem in listed:
        problem.steps.append(step)
    return listed


def _with_rules(one: Check, element: Element, engine: Engine) -> Check:
    """Return the check of a primitive with the rules that HL7 has for this element."""
    rules = rules_of(None, element, engine)
    if not rules:
        return one

    def check(value: Any, scope: Scope) -> list[Problem]:
        found = list(one(value, scope) or ())
        if not found:
            for _, rule in rules:
                found.extend(rule(value, scope) or ())
        return found

    return check


@dataclass(frozen=True, slots=True)
class Form:
    """What is to be done with every object of a type that has the same names in JSON."""

    children: tuple[tuple[str, Check], ...]
    asked: tuple[Check, ...]  # of what spans children, all that may have something to say
    is_sound: bool  # no name is unknown, none is missing, no choice is made twice


FORMS = 256  # of one type at one element, that are remembered


class Plan:
    """What the check of an object goes by, made when its type is first met."""

    def __init__(self, shape: Shape, element: Element | None, engine: Engine) -> None:
        self.shape = shape
        self.engine = engine
        names = [n for n in shape.elements if not n.startswith("_")]
        self.steps = {name: shape.elements[name].step for name in names}
        simple = engine.definitions.primitives
        single = (e for n, e in shape.elements.items() if n == e.name and not e.many)
        self.children: dict[str, Check] = {
            f"_{e.name}": _beside_value(engine) for e in single if e.type in simple
        }
        if shape.is_resource:
            self.children[TYPE] = _nothing
        makers = [m for name in shape.types for m in CHECKS.get(name, ())]
        made = [(maker, maker(shape, element, engine)) for maker in makers]
        self.rules = rules_of(shape, element, engine)
        self.spans: tuple[Check, ...] = (
            *(_waiting(maker, check, shape) for maker, check in made if check),
            *(rule for _, rule in self.rules),
        )
        self.forms: dict[tuple[str, ...], Form] = {}

    def form(self, value: Node) -> Form:
        """Return the form of an object; a sound one is remembered by its names in their order."""
        names = value.keys()
        children = ((name, self._child(name)) for name in names)
        known = [(name, child) for name, child in children if child]
        checks = tuple((name, child) for name, child in known if child is not _nothing)
        is_sound = len(known) == len(names) and self._is_whole(names)
        found = Form(checks, due(self.spans, names) if is_sound else (), is_sound)
        if is_sound:
            if len(self.forms) >= FORMS:
                self.forms.clear()
            self.forms[tuple(value)] = found
        return found

    def _child(self, name: str) -> Check | None:
        """Return the check of a child, compiled when it is first asked; None for no child."""
        if name not in self.children and name in self.steps:
            self.children[name] = self.engine.child(self.shape.elements[name])
        return self.children.get(name)

    def _is_whole(self, names: Collection[str]) -> bool:
        """Say whether no required child is missing, and of each choice one is made at most."""
        shape = self.shape
        if not (set(shape.required) - set(shape.choices)).issubset(names):
            return False
        chosen = (
            (int(b in shape.required), set(shape.names[b]).intersection(names))
            for b in shape.choices
        )
        return all(low <= len(found) <= 1 for low, found in chosen)


def _waiting(maker: Maker, check: Check, shape: Shape) -> Check:
    """Return a check that is asked only where one of the children is that it waits for."""
    waits = WAITING.get(maker) or WAITING.get(check)
    if not waits:
        return check
    beside = (name for name in shape.elements if name.startswith("_"))
    names = frozenset((*waits, *(beside if "_" in waits else ())))
    return Waiting(lambda given: not names.isdisjoint(given), check)


def _beside_value(engine: Engine) -> Check:
    """Return the check of what stands beside a value: what is odd is looked at carefully."""
    odd = [error("structure", "this is looked at again with the value")]

    def check(value: Any, scope: Scope) -> Iterable[Problem] | None:
        if type(value) is dict and "extension" in value:
            return engine.extension(value, scope)
        return odd

    return check


def _nothing(value: Any, scope: Scope) -> None:
    """Find nothing wrong."""


def object_check(shape: Shape, element: Element | None, engine: Engine) -> Check:
    """Return the check of an object: each child, what is missing, then what spans children."""
    plan = Plan(shape, element, engine)
    forms, steps, is_resource = plan.forms, plan.steps, shape.is_resource

    def check(value: Any, scope: Scope) -> list[Problem] | None:
        if type(value) is not dict or (
            len(value) < 2 and not is_resource and ("id" in value or not value)
        ):
            return [wording.no_object(value, element)] if element else None
        form = forms.get(tuple(value)) or plan.form(value)
        wrong: Wrong | None = None
        for name, child in form.children:
            found = child(value[name], scope)
            if found:
                wrong = wrong or {}
                wrong[name] = under(found, steps[name]) if name in steps else []
        if wrong is None and form.is_sound:
            problems: list[Problem] | None = None
            for asked in form.asked:
                found = asked(value, scope)
                if found:
                    problems = [*(problems or ()), *found]
            return problems
        return carefully(value, scope, wrong or {}, plan)

    return check


def spanning(checks: Iterable[Check], value: Node, scope: Scope) -> list[Problem] | None:
    """Check what spans the children of an object, which are sound."""
    found: list[Problem] | None = None
    for check in checks:
        problems = check(value, scope)
        if problems:
            found = [*(found or ()), *problems]
    return found


def carefully(value: Node, scope: Scope, wrong: Wrong, plan: Plan) -> list[Problem]:
    """Check an object that has something odd: `wrong` is what its children were found to be."""
    shape = plan.shape
    problems: list[Problem] = []
    failed: set[str] = set()  # names in FHIRPath of children in which an error was found
    for name in value:
        found, base = _of_child(name, value, scope, wrong, plan)
        problems += found
        failed |= {base} if any(problem.is_error for problem in found) else set()
    missing = [base for base in shape.required if not shape.has(value, base)]
    problems += [wording.missing(shape, base) for base in missing]
    for base in shape.choices:
        twice = wording.chosen_twice(value, base, shape.names[base])
        if twice:
            problems.append(twice)
            failed.add(base)
    failed.update(missing)
    if not failed:
        return [*problems, *(spanning(plan.spans, value, scope) or ())]
    for elements, rule in plan.rules:
        if elements is not None and failed.isdisjoint(elements):
            problems += (problem for problem in rule(value, scope) or () if not problem.vague)
    return problems


def _of_child(
    name: str, value: Node, scope: Scope, wrong: Wrong, plan: Plan
) -> tuple[list[Problem], str]:
    """Return what is wrong with the child of one name, and its name in FHIRPath."""
    element = plan.shape.elements.get(name)
    if element is None:
        known = name == TYPE and plan.shape.is_resource
        release = scope.definitions.release
        return ([] if known else [wording.unknown(name, plan.shape, release)]), name
    if f"_{element.name}" not in value or element.type not in scope.definitions.primitives:
        return wrong.get(name, []), element.base
    if name != element.name and element.name in value:  # _name is checked with name
        return [], element.base
    given = value.get(element.name, ABSENT), value[f"_{element.name}"]
    return under(_extended(*given, element, scope, plan.engine), element.step), element.base


def _extended(
    given: Any, extended: Any, element: Element, scope: Scope, engine: Engine
) -> list[Problem]:
    """Check the value or values of a primitive element, and the extensions beside them."""
    if not element.many:
        return _beside(given, extended, element, scope, engine)
    arrays = [value for value in (given, extended) if value is not ABSENT]
    broken = [wording.array_problem(value, element) for value in arrays]
    if any(broken):
        return [problem for problem in broken if problem]
    found: list[Problem] = []
    for index in range(max(map(len, arrays))):
        pair = [_item(value, index) for value in (given, extended)]
        if pair == [ABSENT, ABSENT]:
            message = f"{element.base} holds null, which is no value"
            found.append(error("structure", message, index))
        else:
            found += under(_beside(pair[0], pair[1], element, scope, engine), index)
    return found


def _item(listed: Any, index: int) -> Any:
    """Return an item of an array; ABSENT where there is none, or null."""
    item = listed[index] if listed is not ABSENT and index < len(listed) else None
    return ABSENT if item is None else item


def _beside(
    given: Any, extended: Any, element: Element, scope: Scope, engine: Engine
) -> list[Problem]:
    """Check one primitive value and the object beside it that holds its id and extensions."""
    found = list(engine.value(element)(given, scope) or ()) if given is not ABSENT else []
    if extended is not ABSENT:
        problem = wording.no_extension(extended, given is not ABSENT, element)
        found += [problem] if problem else (engine.extension(extended, scope) or ())
    return found


@lru_cache(maxsize=8)
def engine_of(definitions: Definitions, tables: Tables) -> Engine:
    """Return the engine of a release with our tables; what it compiled, it keeps."""
    return Engine(definitions, tables)
