"""The importers: one for each format of facts found by others, and the choice between them."""

import zlib
from types import ModuleType

from fhirconv.errors import ReadError
from fhirconv.importers import brat, line_list, phenopacket
from fhirconv.importers.imported import Imported, TextOf
from fhirconv.tables import Tables

# In the order in which they are asked: accepts(data, name), load(data, name, tables, text_of).
IMPORTERS: tuple[ModuleType, ...] = (brat, line_list, phenopacket)


GZIP, ENDING = b"\x1f\x8b", ".gz"


def unpacked(data: bytes, name: str, limit: int) -> tuple[bytes, str]:
    """Return a file packed by gzip as it was, and its name without .gz; else both as given.

    Raises ReadError for what is cut short, or is over the limit.
    """
    if not data.startswith(GZIP):
        return data, name
    plain = b""
    while data.startswith(GZIP):  # a gzip file may have several parts
        reader = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        try:
            plain += reader.decompress(data, limit + 1 - len(plain))
        except zlib.error as error:
            raise ReadError(f"the file is no sound gzip file: {error}", name) from error
        if len(plain) > limit:
            raise ReadError(f"the file is larger than {limit} bytes when unpacked", name)
        if not reader.eof:
            raise ReadError("the gzip file is cut short", name)
        data = reader.unused_data
    return plain, name[: -len(ENDING)] if name.casefold().endswith(ENDING) else name


def importer_of(data: bytes, name: str) -> ModuleType | None:
    """Return the importer that knows a file, by its name or content; None where none does."""
    return next((i for i in IMPORTERS if i.accepts(data, name)), None)


def load(
    importer: ModuleType, data: bytes, name: str, tables: Tables, text_of: TextOf | None = None
) -> Imported:
    """Return the facts documents of a file, and the issues; raises ReadError."""
    found: Imported = importer.load(data, name, tables, text_of)
    return found


__all__ = ["IMPORTERS", "Imported", "importer_of", "load", "unpacked"]
