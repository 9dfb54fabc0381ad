"""A JSON Schema compiled to plain functions that say whether a document keeps it.

For speed only: which word is wrong, and where, jsonschema says. A keyword that is not known
here is an error when the schema is compiled, never a check left out.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

Test = Callable[[Any], bool]


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


ANNOTATIONS = frozenset("$schema $id $defs title description format".split())
TYPES: dict[str, Test] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "integer": lambda value: _is_number(value) and float(value).is_integer(),
    "number": _is_number,
}


def compiled(schema: Mapping[str, Any]) -> Test:
    """Return the function that says whether a value keeps a schema (draft 2020-12, in part).

    Raises ValueError for a keyword that is not known here.
    """
    return _Compiler(schema).test(schema)


class _Compiler:
    """The tests of one schema, those of its $defs made when first asked for."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self.root = root
        self.known: dict[str, Test] = {}

    def test(self, schema: Mapping[str, Any]) -> Test:
        """Return the test of a schema: all of its keywords."""
        tests = [made for name in schema if (made := self._keyword(name, schema)) is not None]
        if len(tests) == 1:
            return tests[0]
        return lambda value: all(test(value) for test in tests)

    def _keyword(self, name: str, schema: Mapping[str, Any]) -> Test | None:
        if name in ANNOTATIONS or name == "then":
            return None
        make = KEYWORDS.get(name)
        if make is None:
            raise ValueError(f"the keyword {name!r} of JSON Schema is not known here")
        return make(self, schema)

    def _reference(self, schema: Mapping[str, Any]) -> Test:
        name = schema["$ref"].removeprefix("#/$defs/")

        def test(value: Any) -> bool:
            if name not in self.known:
                self.known[name] = self.test(self.root["$defs"][name])
            return self.known[name](value)

        return test

    def _type(self, schema: Mapping[str, Any]) -> Test:
        names = schema["type"]
        if isinstance(names, str):
            return TYPES[names]
        tests = [TYPES[name] for name in names]
        return lambda value: any(test(value) for test in tests)

    def _properties(self, schema: Mapping[str, Any]) -> Test:
        tests = {name: self.test(part) for name, part in schema["properties"].items()}
        closed = schema.get("additionalProperties", True) is False
        closed = closed or schema.get("unevaluatedProperties", True) is False

        def test(value: Any) -> bool:
            if not isinstance(value, dict):
                return True
            for name, part in value.items():
                inner = tests.get(name)
                if inner is None:
                    if closed:
                        return False
                elif not inner(part):
                    return False
            return True

        return test

    def _others(self, schema: Mapping[str, Any]) -> Test | None:
        if schema["additionalProperties"] is False and "properties" in schema:
            return None  # `properties` holds the rule
        if "properties" in schema:
            raise ValueError("properties beside a schema of additionalProperties")
        inner = self.test(schema["additionalProperties"])
        return lambda value: not isinstance(value, dict) or all(map(inner, value.values()))

    def _items(self, schema: Mapping[str, Any]) -> Test:
        inner = self.test(schema["items"])
        return lambda value: not isinstance(value, list) or all(map(inner, value))

    def _one_of(self, schema: Mapping[str, Any]) -> Test:
        tests = [self.test(part) for part in schema["oneOf"]]
        return lambda value: sum(test(value) for test in tests) == 1

    def _all_of(self, schema: Mapping[str, Any]) -> Test:
        tests = [self.test(part) for part in schema["allOf"]]
        return lambda value: all(test(value) for test in tests)

    def _condition(self, schema: Mapping[str, Any]) -> Test:
        test, then = self.test(schema["if"]), self.test(schema["then"])
        return lambda value: not test(value) or then(value)


def _required(_: _Compiler, schema: Mapping[str, Any]) -> Test:
    names = frozenset(schema["required"])
    return lambda value: not isinstance(value, dict) or names <= value.keys()


def _const(_: _Compiler, schema: Mapping[str, Any]) -> Test:
    return lambda value: bool(value == schema["const"])


def _enum(_: _Compiler, schema: Mapping[str, Any]) -> Test:
    words = frozenset(schema["enum"])
    return lambda value: isinstance(value, str) and value in words


def _pattern(_: _Compiler, schema: Mapping[str, Any]) -> Test:
    search = re.compile(schema["pattern"]).search
    return lambda value: not isinstance(value, str) or search(value) is not None


def _minimum(_: _Compiler, schema: Mapping[str, Any]) -> Test:
    return lambda value: not _is_number(value) or value >= schema["minimum"]


def _maximum(_: _Compiler, schema: Mapping[str, Any]) -> Test:
    return lambda value: not _is_number(value) or value <= schema["maximum"]


def _min_length(_: _Compiler, schema: Mapping[str, Any]) -> Test:
    return lambda value: not isinstance(value, str) or len(value) >= schema["minLength"]


def _min_items(_: _Compiler, schema: Mapping[str, Any]) -> Test:
    return lambda value: not isinstance(value, list) or len(value) >= schema["minItems"]


def _min_properties(_: _Compiler, schema: Mapping[str, Any]) -> Test:
    return lambda value: not isinstance(value, dict) or len(value) >= schema["minProperties"]


def _closed(compiler: _Compiler, schema: Mapping[str, Any]) -> Test | None:
    return None  # `properties` beside it holds the rule


KEYWORDS: dict[str, Callable[[_Compiler, Mapping[str, Any]], Test | None]] = {
    "$ref": _Compiler._reference,
    "type": _Compiler._type,
    "properties": _Compiler._properties,
    "additionalProperties": _Compiler._others,
    "items": _Compiler._items,
    "oneOf": _Compiler._one_of,
    "allOf": _Compiler._all_of,
    "if": _Compiler._condition,
    "unevaluatedProperties": _closed,
    "required": _required,
    "const": _const,
    "enum": _enum,
    "pattern": _pattern,
    "minimum": _minimum,
    "maximum": _maximum,
    "minLength": _min_length,
    "minItems": _min_items,
    "minProperties": _min_properties,
}
