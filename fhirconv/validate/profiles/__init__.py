"""Profiles: what an implementation guide asks of resources beyond their type."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Any

from fhirconv.errors import UsageError
from fhirconv.fhirpath import FhirpathError, Predicate, predicate
from fhirconv.validate.definitions import EVERY_RESOURCE, STRUCTURE, Constraint, Definitions
from fhirconv.validate.paths import PathModel, world_of
from fhirconv.validate.profiles.check import Case, problems
from fhirconv.validate.profiles.items import OF_TYPE, PART, RESOLVE, Item
from fhirconv.validate.profiles.tree import Rule, tree
from fhirconv.validate.scope import Check, Node, Problem, Scope, warning

CONSTRAINED = "constraint"
MOST = 2  # parts of a value set that a message names


class Profiles:
    """The profiles at hand, compiled as they are asked for: which checks a resource is due."""

    def __init__(self, definitions: Definitions, wanted: Sequence[str] = ()) -> None:
        self.definitions = definitions
        self._trees: dict[str, Rule | None] = {}
        self._unlisted: dict[str, str] = {}
        self._paths = PathModel(definitions)
        self._constraints: dict[tuple[str, str], Predicate | None] = {}
        self.wanted = tuple(self._known(url) for url in wanted)

    def __call__(self, resource: Node) -> Iterator[Check]:
        """Yield the checks of the profiles that are asked for and that a resource names."""
        kind = resource.get("resourceType")
        for url in self.wanted:
            if self.type_of(url) == kind:
                yield self._check(url)
        meta = resource.get("meta")
        named = meta.get("profile") if isinstance(meta, dict) else None
        for number, url in enumerate(named if isinstance(named, list) else ()):
            if isinstance(url, str) and url.partition("|")[0] not in self.wanted:
                yield self._named(url, number, str(kind))

    def _known(self, url: str) -> str:
        """Return the URL of a profile; raises UsageError for one that is not at hand."""
        plain = url.partition("|")[0]
        if self.definitions.find(STRUCTURE, plain) is None:
            facts = (source.facts(STRUCTURE) for source in self.definitions.sources)
            near = get_close_matches(plain, [u for known in facts for u in known], 3)
            hint = f" (nearest: {', '.join(near)})" if near else ""
            raise UsageError(f"no profile has the URL {url!r}{hint}", "--profile")
        return plain

    def _check(self, url: str) -> Check:
        """Return the check of a profile that is at hand."""

        def check(value: Node, scope: Scope) -> list[Problem]:
            return self.issues(
                url, Item(value, (), str(value.get("resourceType"))), Case(self, scope)
            )

        return check

    def _named(self, url: str, number: int, kind: str) -> Check:
        """Return the check of a profile that a resource names itself."""
        found = self.definitions.find(STRUCTURE, url)
        place = ("meta", "profile", number)
        if found is None:
            message = f"the profile {url!r} is not at hand, so it is not checked (--package)"
            return _saying(warning("not-found", message, *place))
        if found["type"] not in self.definitions.types(kind):
            message = f"the profile {url!r} is for {found['type']}, not for {kind}"
            return _saying(Problem("error", "structure", message, place))
        return self._check(url.partition("|")[0])

    def issues(self, url: str, item: Item, case: Case) -> list[Problem]:
        """Return what is wrong with a value by a profile, once for each value and profile."""
        rule = self.rule(url)
        key = (id(item.value), url)
        if rule is None or key in case.active:
            return []
        case.active.add(key)
        outer = (case.profile, case.kind)
        case.profile, case.kind = url.rpartition("/")[2], rule.name
        told = {(p.message, *p.steps): p for p in problems(rule, item, case)}  # each once
        case.profile, case.kind = outer
        case.active.discard(key)
        return list(told.values())

    def conforms(self, item: Item, url: str, case: Case) -> bool:
        """Say whether a value keeps a profile; one that is not at hand is taken as kept."""
        rule = self.rule(url)
        if rule is None or (rule.name == item.kind and not rule.children):
            return True
        if rule.name not in (item.kind, EVERY_RESOURCE) and item.kind:
            return False
        key = ("profile", id(item.value), url)
        if key not in case.scope.memo:
            case.scope.memo[key] = True  # while it is looked at, in a circle of references
            found = self.issues(url, item, case)
            case.scope.memo[key] = not any(problem.is_error for problem in found)
        return bool(case.scope.memo[key])

    def is_of(self, item: Item, url: str, case: Case) -> bool | None:
        """Say whether a value keeps a profile by which slices are told; None: not at hand."""
        if self.rule(url) is not None:
            return self.conforms(item, url, case)
        meta = item.node.get("meta")
        named = meta.get("profile") if isinstance(meta, dict) else None
        return True if isinstance(named, list) and url in named else None

    def one_of(self, urls: Sequence[str], item: Item, case: Case) -> Iterator[Problem]:
        """Yield what is wrong with a value that must keep one of some profiles."""
        listed = [url.partition("|")[0] for url in urls]
        if any(self.rule(url) is None for url in listed):
            return
        if len(listed) == 1:
            yield from self.issues(listed[0], item, case)
        elif not any(self.conforms(item, url, case) for url in listed):
            names = " or ".join(url.rpartition("/")[2] for url in listed)
            message = f"the value keeps none of the profiles {names}"
            yield case.says("error", "structure", message, item.steps)

    def rule(self, url: str) -> Rule | None:
        """Return the rules of a profile; None where it, or its base, is not at hand, or a type."""
        plain = url.partition("|")[0]
        if plain not in self._trees:
            found = self.definitions.find(STRUCTURE, plain)
            self._trees[plain] = self._tree(found) if found else None
        return self._trees[plain]

    def _tree(self, structure: dict[str, Any]) -> Rule | None:
        if structure.get("derivation") != CONSTRAINED:
            return Rule(structure["type"])
        try:
            return tree(structure, self.definitions)
        except LookupError:
            return None

    def type_of(self, url: str) -> str:
        """Return the type that a profile, or a type's own URL, is for; '' where not known."""
        found = self.definitions.find(STRUCTURE, url)
        return str(found["type"]) if found else ""

    def meant(self, rule: Rule, path: str, case: Case) -> Rule | None:
        """Return the rule at the path of a discriminator in a slice; None where none is."""
        here: Rule | None = rule
        for part in PART.findall(path):
            if here is None:
                return None
            if part in ("$this", RESOLVE) or OF_TYPE.fullmatch(part):
                continue
            here = here.children.get(part) or self._profiled(here, part)
        return here

    def _profiled(self, rule: Rule, part: str) -> Rule | None:
        """Return the rule of a child as the profile of the value's type has it."""
        for url in (url for type_ in rule.types for url in type_.profiles):
            inner = self.rule(url)
            found = inner.children.get(part) if inner else None
            if found is not None:
                return found
            if inner is None and part == "url":  # an extension's URL is that of its definition
                return Rule(part, fixed=url.partition("|")[0])
        return None

    def codes(self, rule: Rule, path: str) -> set[str]:
        """Return the types that a slice is told by."""
        if path.endswith(RESOLVE):
            return {self.type_of(url) for type_ in rule.types for url in type_.targets}
        return {type_.code for type_ in rule.types}

    def urls(self, rule: Rule, path: str) -> list[str]:
        """Return the profiles that a slice is told by."""
        leads = path.endswith(RESOLVE)
        return [url for t in rule.types for url in (t.targets if leads else t.profiles)]

    def unlisted(self, url: str) -> str:
        """Return why the codes of a value set cannot all be told, '' where they can."""
        if url not in self._unlisted:
            parts = list(dict.fromkeys(_unlisted(url, self.definitions, set())))
            more = [f"and {len(parts) - MOST} more"] if len(parts) > MOST else []
            self._unlisted[url] = "; ".join([*parts[:MOST], *more])
        return self._unlisted[url]

    def is_broken(self, constraint: Constraint, kind: str, item: Item, case: Case) -> bool:
        """Say whether a value breaks a constraint; what cannot be told here is not broken."""
        holds = self._predicate(constraint.expression, kind)
        if holds is None or item.value is None:
            return False
        try:
            return holds(item.value, case.scope) is False
        except FhirpathError:
            return False

    def _predicate(self, expression: str, kind: str) -> Predicate | None:
        """Return a compiled constraint; None where it is none that can be read."""
        key = (expression, kind)
        if key not in self._constraints:
            model = self._paths
            try:
                made = predicate(expression, kind, model, lambda v, s: world_of(v, kind, model, s))
            except FhirpathError:
                made = None
            self._constraints[key] = made
        return self._constraints[key]


def _unlisted(url: str, definitions: Definitions, seen: set[str]) -> Iterator[str]:
    """Yield the parts of a value set that cannot be listed offline."""
    value_set = definitions.find("ValueSet", url)
    if value_set is None or url in seen:
        return
    seen.add(url)
    for part in value_set.get("compose", {}).get("include", ()):
        for rule in part.get("filter", ()):
            if definitions.value_sets.concepts(part.get("system", "")) is None:
                told = f"{rule.get('property')} {rule.get('op')} {rule.get('value')}"
                yield f"{part.get('system')} where {told} needs a terminology server"
        for inner in part.get("valueSet", ()):
            yield from _unlisted(inner.partition("|")[0], definitions, seen)


def _saying(problem: Problem) -> Check:
    """Return a check that says one thing."""

    def check(value: Node, scope: Scope) -> list[Problem]:
        return [Problem(problem.severity, problem.code, problem.message, problem.steps[::-1])]

    return check
