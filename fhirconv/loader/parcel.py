"""A parcel: one document made ready to be sent, and which resources it writes."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any

import orjson

from fhirconv.errors import ReadError
from fhirconv.loader.documents import Document
from fhirconv.outcome import Issue, has_errors
from fhirconv.upload import Upload, can_repeat, entries_of

Resource = dict[str, Any]
Prepared = tuple[Sequence[Resource], Sequence[Issue]]  # what is to be sent, what is to be said
# a bundle of a document becomes none, one or several, sent in that order
Step = Callable[[Resource, Document], Prepared]

SIZE = 16  # bytes of a hash
WRITING = frozenset({"PUT", "POST"})


@dataclass(slots=True)
class Parcel:
    """What is sent of one document, and what has become of it so far."""

    document: Document
    bundles: list[Resource]
    number: int = 0  # in the order of the inputs, from 1
    issues: list[Issue] = field(default_factory=list)  # said before it was sent
    refused: int = 0  # entries that are not sent, as the issues say
    doubtful: bool = False  # an earlier run does not know whether it was taken
    writes: dict[str, bytes] = field(default_factory=dict)  # key of a resource: hash of its content
    there: dict[str, str] = field(default_factory=dict)  # key: Type/id of what others have sent
    sent: list[tuple[Resource, Upload]] = field(default_factory=list)  # bundles that were answered
    under_way: Resource = field(default_factory=dict)  # the bundle that was sent last
    digest: str = ""
    pending: int = 0  # parcels that it waits for
    conflict: Issue | None = None
    tries: int = 0  # in vain
    blamed: int = 0  # of these, while the server answered others
    silent: int = 0  # in a row, while it answered nobody
    tried: float = 0.0  # when it was last sent in vain
    announced: bool = False  # in the journal, before it is sent

    @property
    def is_repeatable(self) -> bool:
        """Say whether sending it twice leaves the server as sending it once does."""
        return all(
            can_repeat(entry["request"]) for bundle in self.bundles for entry in entries_of(bundle)
        )


def pack(document: Document, steps: Iterable[Step]) -> Parcel:
    """Return a document as a parcel; without bundles where its issues keep it from being sent."""
    try:
        bundles: list[Resource] = [document.resource()]
    except ReadError as error:
        issue = Issue("fatal", "processing", error.message, error.where or document.place)
        return Parcel(document, [], issues=[issue])
    issues: list[Issue] = []
    for step in steps:
        made = [step(bundle, document) for bundle in bundles]
        bundles = [bundle for bundles, _ in made for bundle in bundles]
        issues += [issue for _, said in made for issue in said]
        if has_errors(issues):
            count = len(entries_of(document.resource()))
            return Parcel(document, [], issues=issues, digest=document.digest, refused=count)
    writes = {key: hashed for bundle in bundles for key, hashed in _writes(bundle)}
    return Parcel(document, bundles, issues=issues, writes=writes, digest=document.digest)


def trimmed(bundle: Resource, there: dict[str, str]) -> Resource:
    """Return a bundle without the resources that the server has from others of this run.

    What refers to them by their fullUrl refers to their Type/id then.
    """
    if not there:
        return bundle
    left, names = [], {}
    for entry in entries_of(bundle):
        address = there.get(key_of(entry))
        if address is None or entry["request"]["method"] not in WRITING:
            left.append(entry)
        elif entry.get("fullUrl"):
            names[entry["fullUrl"]] = address
    return bundle | {"entry": [_pointed(entry, names) for entry in left] if names else left}


def key_of(entry: Resource) -> str:
    """Return what names the resource that an entry writes; empty where it writes none.

    A POST without a condition is known by its fullUrl, where that is a UUID.
    """
    request = entry["request"]
    method, url = request["method"], str(request["url"])
    if method in {"PUT", "PATCH", "DELETE"}:
        return url
    if method != "POST":
        return ""
    if request.get("ifNoneExist"):
        return f"{url}?{request['ifNoneExist']}"
    name = str(entry.get("fullUrl", ""))
    return f"{url} {name}" if name.startswith("urn:uuid:") else ""


def _writes(bundle: Resource) -> Iterator[tuple[str, bytes]]:
    for entry in entries_of(bundle):
        key = key_of(entry)
        if key:
            content = entry.get("resource", entry["request"]["method"])
            yield key, blake2b(_canonical(content), digest_size=SIZE).digest()


def _canonical(content: Any) -> bytes:
    return orjson.dumps(content, _digits, option=orjson.OPT_SORT_KEYS)


def _digits(number: Any) -> orjson.Fragment:
    """Return an exact decimal as a float of the same digits is written."""
    return orjson.Fragment(str(number).lower())


def _pointed(node: Any, names: dict[str, str]) -> Any:
    """Return a node of JSON whose references to these names are to their addresses."""
    if isinstance(node, dict):
        return {
            key: names.get(value, value)
            if key == "reference" and isinstance(value, str)
            else (value if isinstance(value, str) else _pointed(value, names))
            for key, value in node.items()
        }
    return [_pointed(one, names) for one in node] if isinstance(node, list) else node


def placed(issue: Issue, parcel: Parcel) -> Issue:
    """Return an issue that names the place of its document."""
    place = parcel.document.place
    where = issue.where if issue.where.startswith(place) else f"{place}: {issue.where}"
    return replace(issue, where=where.removesuffix(": "))
