"""The importers: one for each format of facts found by others, and the choice between them."""

from types import ModuleType

from fhirconv.importers import brat, line_list, phenopacket
from fhirconv.importers.imported import Imported, TextOf
from fhirconv.tables import Tables

# In the order in which they are asked: accepts(data, name), load(data, name, tables, text_of).
IMPORTERS: tuple[ModuleType, ...] = (brat, line_list, phenopacket)


def importer_of(data: bytes, name: str) -> ModuleType | None:
    """Return the importer that knows a file, by its name or content; None where none does."""
    return next((i for i in IMPORTERS if i.accepts(data, name)), None)


def load(
    importer: ModuleType, data: bytes, name: str, tables: Tables, text_of: TextOf | None = None
) -> Imported:
    """Return the facts documents of a file, and the issues; raises ReadError."""
    found: Imported = importer.load(data, name, tables, text_of)
    return found
