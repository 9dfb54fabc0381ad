"""A JSON Schema compiled to plain functions that say whether a document keeps it.

For speed only: which word is wrong, and where, jsonschema says. A keyword that is not known
here is an error when the schema is compiled, never a check left out.
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

Test = Callable[[Any], Any]  # what it returns is true or not; TypeError: it is not
Schema = Mapping[str, Any]

ANNOTATIONS = frozenset("$schema $id $defs title description format then".split())
OBJECT = frozenset("required properties additionalProperties unevaluatedProperties".split())
ARRAY = frozenset(("items", "minItems"))
NUMBERS = ("integer", "number")
GROUPS = {"object": OBJECT, "array": ARRAY}  # type -> the keywords that one function holds


def is_number(value: Any) -> bool:
    """Say whether a value is a number of JSON; exact decimals are."""
    return value.__class__ is int or (
        isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)
    )


def is_integer(value: Any) -> bool:
    """Say whether a value is a whole number of JSON, which may be written 3.0."""
    if value.__class__ is int:
        return True
    return isinstance(value, (float, Decimal)) and float(value).is_integer()


TYPES: dict[str, Test] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: value.__class__ is str or isinstance(value, str),
    "boolean": lambda value: value is True or value is False,
    "null": lambda value: value is None,
    "integer": is_integer,
    "number": is_number,
}


def compiled(schema: Schema, also: Mapping[str, Test] | None = None) -> Test:
    """Return the function that says whether a value keeps a schema (draft 2020-12, in part).

    also is what a schema cannot say: by its name in $defs, a further test of such a value.
    Raises ValueError for a keyword that is not known here.
    """
    test = _Compiler(schema, also or {}).test(schema)

    def keeps(value: Any) -> bool:
        try:
            return bool(test(value))
        except TypeError:  # a word was asked for, and the value cannot be one
            return False

    return keeps


class _Compiler:
    """The tests of one schema, those of its $defs made when first asked for."""

    def __init__(self, root: Schema, also: Mapping[str, Test]) -> None:
        self.root = root
        self.also = also
        self.known: dict[str, Test] = {}

    def test(self, schema: Schema) -> Test:
        """Return the test of a schema: all of its keywords."""
        made: list[Test] = []
        left = [name for name in schema if name not in ANNOTATIONS]
        if set(left) == {"type", "pattern"} and schema["type"] == "string":
            return re.compile(schema["pattern"]).search  # of what is no string a TypeError
        for kind, make in (("object", self._object), ("array", self._array)):
            if GROUPS[kind] & schema.keys():
                made.append(make(schema, schema.get("type") == kind))
                held = GROUPS[kind] | ({"type"} if schema.get("type") == kind else set())
                left = [name for name in left if name not in held]
        for name in sorted(left, key=lambda name: name != "type"):  # the others may rely on it
            if name not in KEYWORDS:
                raise ValueError(f"the keyword {name!r} of JSON Schema is not known here")
            made.append(KEYWORDS[name](self, schema))
        return _all(made)

    def _object(self, schema: Schema, is_typed: bool) -> Test:
        """Return the test of what an object must have, may have, and what this must be."""
        tests = {name: self.test(part) for name, part in schema.get("properties", {}).items()}
        more = schema.get("additionalProperties", schema.get("unevaluatedProperties", True))
        others: Test = _anything if more else _never
        if isinstance(more, Mapping):
            others = self.test(more)
        required = frozenset(schema.get("required", ()))
        if not tests and others is _anything:
            return _has(required, is_typed)
        find = tests.get
        texts = frozenset(name for name, part in tests.items() if part is TYPES["string"])

        def test(value: Any) -> Any:
            if value.__class__ is not dict and not isinstance(value, dict):
                return not is_typed
            for name, part in value.items():
                if name in texts and part.__class__ is str:
                    continue
                if not find(name, others)(part):
                    return False
            return not required or value.keys() >= required

        return test

    def _array(self, schema: Schema, is_typed: bool) -> Test:
        inner = self.test(schema.get("items", {}))
        least: int = schema.get("minItems", 0)

        def test(value: Any) -> Any:
            if not isinstance(value, list):
                return not is_typed
            for item in value:
                if not inner(item):
                    return False
            return len(value) >= least

        return test

    def reference(self, schema: Schema) -> Test:
        """Return the test of a part in $defs; within this part itself, one that finds it later."""
        name = schema["$ref"].removeprefix("#/$defs/")
        if name not in self.known:
            self.known[name] = _Later(self.known, name)
            more = [self.also[name]] if name in self.also else []
            self.known[name] = _all([self.test(self.root["$defs"][name]), *more])
        return self.known[name]

    def type(self, schema: Schema) -> Test:
        """Return the test of a type, or of several of which one will do."""
        names = schema["type"]
        if isinstance(names, str):
            return TYPES[names]
        tests = [TYPES[name] for name in names]
        return lambda value: any(test(value) for test in tests)

    def one_of(self, schema: Schema) -> Test:
        """Return the test that exactly one of several schemas is kept."""
        tests = [self.test(part) for part in schema["oneOf"]]
        if len(tests) != 2:
            return lambda value: sum(bool(test(value)) for test in tests) == 1
        one, two = tests
        first, second = schema["oneOf"]
        if first == {"type": "null"} and second.get("type") == "object":
            return lambda value: value is None or two(value)
        name = _telling(first, second)
        if name is not None:
            return lambda value: (
                (one if name in value else two)(value) if value.__class__ is dict else False
            )
        return lambda value: bool(one(value)) != bool(two(value))

    def all_of(self, schema: Schema) -> Test:
        """Return the test that all of several schemas are kept.

        Conditions that ask for the word of one property are asked by that word, all at once.
        """
        parts = schema["allOf"]
        asked = [_asked(part) for part in parts]
        names = {each[0] for each in asked if each}
        if len(names) != 1 or None in asked:
            return _all([self.test(part) for part in parts])
        by_word: dict[str, list[Test]] = {}
        for (_, word), part in zip(filter(None, asked), parts, strict=True):
            by_word.setdefault(word, []).append(self.test(part["then"]))
        tests = {word: _all(listed) for word, listed in by_word.items()}
        return _by_word(names.pop(), tests)

    def condition(self, schema: Schema) -> Test:
        """Return the test of what holds where something else does."""
        test, then = self.test(schema["if"]), self.test(schema["then"])
        return lambda value: not test(value) or then(value)


class _Later:
    """The test of a part that is still being compiled, because it is within itself."""

    def __init__(self, known: Mapping[str, Test], name: str) -> None:
        self._known, self._name = known, name

    def __call__(self, value: Any) -> Any:
        return self._known[self._name](value)


def _all(tests: list[Test]) -> Test:
    if len(tests) == 1:
        return tests[0]
    if len(tests) == 2:
        one, two = tests
        return lambda value: one(value) and two(value)
    if len(tests) == 3:
        one, two, three = tests
        return lambda value: one(value) and two(value) and three(value)
    return lambda value: all(test(value) for test in tests)


def _has(required: frozenset[str], is_typed: bool) -> Test:
    """Return the test that an object has these properties, whatever they are."""
    return lambda value: value.keys() >= required if isinstance(value, dict) else not is_typed


def _anything(_: Any) -> bool:
    return True


def _never(_: Any) -> bool:
    return False


def _telling(one: Schema, two: Schema) -> str | None:
    """Return the property that the first of two kinds of object must and the second may not have.

    Whatever has it can only be of the first kind, whatever has it not only of the second.
    """
    if {one.get("type"), two.get("type")} != {"object"}:
        return None
    if two.get("additionalProperties", True) is not False:
        return None
    return next((name for name in one.get("required", ()) if name not in two["properties"]), None)


def _asked(schema: Schema) -> tuple[str, str] | None:
    """Return the property and the word that a condition asks for, where it asks just this."""
    if schema.keys() != {"if", "then"} or schema["if"].keys() != {"properties"}:
        return None
    properties = list(schema["if"]["properties"].items())
    if len(properties) != 1 or properties[0][1].keys() != {"const"}:
        return None
    name, word = properties[0][0], properties[0][1]["const"]
    return (name, word) if isinstance(word, str) else None


def _by_word(name: str, tests: Mapping[str, Test]) -> Test:
    """Return the test that the word of a property asks for; without the property, every one."""
    every = _all(list(tests.values()))

    def test(value: Any) -> Any:
        if not isinstance(value, dict) or name not in value:
            return every(value)
        word = value[name]
        return tests[word](value) if isinstance(word, str) and word in tests else True

    return test


def _const(_: _Compiler, schema: Schema) -> Test:
    return lambda value: bool(value == schema["const"])


def _enum(_: _Compiler, schema: Schema) -> Test:
    words = frozenset(schema["enum"])
    if not all(isinstance(word, str) for word in words):
        raise ValueError(f"an enum of JSON Schema is of words here, not {schema['enum']}")
    return words.__contains__


def _pattern(_: _Compiler, schema: Schema) -> Test:
    search = re.compile(schema["pattern"]).search
    if schema.get("type") == "string":
        return lambda value: search(value) is not None
    return lambda value: not isinstance(value, str) or search(value) is not None


def _minimum(_: _Compiler, schema: Schema) -> Test:
    least = schema["minimum"]
    if schema.get("type") in NUMBERS:
        return lambda value: bool(value >= least)
    return lambda value: not is_number(value) or value >= least


def _maximum(_: _Compiler, schema: Schema) -> Test:
    most = schema["maximum"]
    if schema.get("type") in NUMBERS:
        return lambda value: bool(value <= most)
    return lambda value: not is_number(value) or value <= most


def _min_length(_: _Compiler, schema: Schema) -> Test:
    least = schema["minLength"]
    if schema.get("type") == "string":
        return (lambda value: value != "") if least == 1 else lambda value: len(value) >= least
    return lambda value: not isinstance(value, str) or len(value) >= least


def _min_properties(_: _Compiler, schema: Schema) -> Test:
    least = schema["minProperties"]
    return lambda value: not isinstance(value, dict) or len(value) >= least


KEYWORDS: dict[str, Callable[[_Compiler, Schema], Test]] = {
    "$ref": _Compiler.reference,
    "type": _Compiler.type,
    "oneOf": _Compiler.one_of,
    "allOf": _Compiler.all_of,
    "if": _Compiler.condition,
    "const": _const,
    "enum": _enum,
    "pattern": _pattern,
    "minimum": _minimum,
    "maximum": _maximum,
    "minLength": _min_length,
    "minProperties": _min_properties,
}
