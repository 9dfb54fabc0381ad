"""JSON is read fast where that loses nothing, which what is read proves itself."""

from typing import Any

SPACE = b" \t\n\r"


def exactly(data: bytes) -> Any:
    """Return the value of a JSON document; None where it must be read another way.

    What is written again byte by byte as it was read, space aside, has lost nothing: no object
    had a key twice, no number more digits than a float holds or other digits than it shows.
    """
    import orjson

    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    written = orjson.dumps(value)
    return value if written.translate(None, SPACE) == data.translate(None, SPACE) else None
