"""The forms of extensions: what of one its definition is asked about, but for concepts."""

from dataclasses import dataclass, field

from fhirconv.validate.scope import Node

CODE = "valueCode"  # a value that is in the form too
# The URL of an extension, the list that it stands in, its code, its names, and for each of its
# parts the URL, the code and the names.
Form = tuple[str | tuple[str, ...], ...]
MEMORY = 1024  # forms of one place that are remembered
MOST, LONGEST = 16, 256  # names or parts of a form, and characters of its URL and its code together


@dataclass(frozen=True, slots=True)
class Spot:
    """Where extensions stand: what contexts call the place, and the forms that were sound there."""

    places: frozenset[str]
    sound: set[Form] = field(default_factory=set)

    def remember(self, form: Form) -> None:
        """Take extensions of a form for sound from now on."""
        if len(self.sound) >= MEMORY:
            self.sound.clear()
        self.sound.add(form)


def form_of(extension: Node, name: str) -> Form | None:
    """Return the form of an extension in the list of a name; None where it is odd or very long."""
    url, inner, code = extension.get("url"), extension.get("extension"), extension.get(CODE, "")
    if type(url) is not str or type(code) is not str or len(extension) > MOST:
        return None
    if len(url) + len(code) > LONGEST:
        return None
    if inner is None:
        return (url, name, code, *extension)
    parts = _parts(inner)
    return None if parts is None else (url, name, code, *extension, *parts)


def _parts(inner: object) -> list[tuple[str, ...]] | None:
    if type(inner) is not list or len(inner) > MOST:
        return None
    parts: list[tuple[str, ...]] = []
    for one in inner:
        if type(one) is not dict or len(one) > MOST:
            return None
        url, code = one.get("url"), one.get(CODE, "")
        if type(url) is not str or type(code) is not str or len(url) + len(code) > LONGEST:
            return None
        parts.append((url, code, *one))
    return parts
