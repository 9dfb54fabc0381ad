"""What earlier runs brought is looked for on the server, before it is left out for being there."""

from collections.abc import Iterable, Iterator
from itertools import islice

from fhirconv.inquiry import Found, Inquiry
from fhirconv.loader.index import BEFORE, Index
from fhirconv.loader.parcel import Parcel

AT_ONCE = 16  # parcels whose resources are asked for together


def confirmed(parcels: Iterable[Parcel], index: Index, inquiry: Inquiry) -> Iterator[Parcel]:
    """Yield the parcels once the index knows which of their resources are still there.

    What the server has in another version, or no more, is forgotten, and so it is sent again.
    Raises ServerError where the server cannot be asked.
    """
    source = iter(parcels)
    while group := list(islice(source, AT_ONCE)):
        wanted: dict[str, tuple[str, str]] = {}  # key: address, version
        for parcel in group:
            for key, known in index.find(parcel.writes).items():
                if known.state == BEFORE and known.hash == parcel.writes[key]:
                    wanted[key] = (known.address, known.version)
        found = inquiry.ask([f"{address}?_elements=id" for address, _ in wanted.values()])
        for (key, (_, version)), one in zip(wanted.items(), found, strict=True):
            index.confirm(key, is_there=_version(one) == version)
        yield from group


def _version(found: Found) -> str | None:
    """Return the version of a resource on the server; None where there is none."""
    meta = found.resource.get("meta")
    stated = meta.get("versionId") if isinstance(meta, dict) else None
    return str(stated) if found.is_there and stated else None
