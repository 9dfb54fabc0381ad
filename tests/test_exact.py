"""What is read fast is what is read slowly; whatever might lose something is left to the latter."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhirconv.exact import exactly
from fhirconv.validate.parsing import load_json

LEFT = [  # what reading fast would lose, or not read at all
    b'{"a": 1, "a": 1}',
    b'[{"b": {"a": 1, "c": 2, "a": 3}}]',
    b'{"a": 0.50}',
    b'{"a": 1E2}',
    b'{"a": 12345678901234567890123}',
    b'{"a": 0.1234567890123456789}',
    b'{"a": 1e400}',
    b'{"a": -0}',
    b'{"a": NaN}',
    b'{"a": Infinity}',
    b'{"a": "\\ud800"}',
    b'\xef\xbb\xbf{"a": 1}',
    b'{"a": "\xff"}',
    b'{"a": 1} {"a": 1}',
    b'{"a": "caf\\u00e9"}',  # the same, written otherwise: slower, not wrong
    b'{"a": "a\\/b"}',
    b"{",
    b"",
    b"null",
]


@pytest.mark.parametrize("data", LEFT)
def test_what_reading_fast_could_lose_is_left_to_the_slow_way(data: bytes) -> None:
    assert exactly(data) is None


READ = [
    b'{"a": 0.5}',
    b"[1.0, -2, 1e-7]",
    b'{ "a" :\t[ 1 ,\r\n 2 ] }',
    '{"é": "a : b, 0.50"}'.encode(),
]


@pytest.mark.parametrize("data", READ)
def test_the_rest_is_read_fast(data: bytes) -> None:
    assert plain(load_json(data)) == exactly(data)


def plain(value: Any) -> Any:
    """Return a value with floats instead of exact decimals."""
    return json.loads(json.dumps(value, default=float), parse_float=float)


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)


@settings(deadline=None)
@given(VALUES, st.sampled_from([None, 2]), st.booleans())
def test_what_is_read_fast_has_the_digits_and_keys_of_the_document(
    value: Any, indent: int | None, ascii_only: bool
) -> None:
    try:
        data = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode()
    except UnicodeEncodeError:  # half a pair of surrogates
        return
    fast, slow = exactly(data), load_json(data)
    if fast is not None:
        assert exact(fast) == slow


def exact(value: Any) -> Any:
    """Return a value with the decimals that its floats show."""
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, dict):
        return {name: exact(part) for name, part in value.items()}
    return [exact(part) for part in value] if isinstance(value, list) else value
