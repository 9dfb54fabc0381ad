"""The readers: one for each format of a report, and the choice between them."""

from types import ModuleType

from fhirconv.errors import ReadError
from fhirconv.readers import docx as docx
from fhirconv.readers import html as html
from fhirconv.readers import jats as jats
from fhirconv.readers import medline as medline
from fhirconv.readers import pdf as pdf
from fhirconv.readers import pubmed as pubmed
from fhirconv.readers import text as text
from fhirconv.readers.decode import refuse
from fhirconv.report import Report
from fhirconv.tables import Tables

# In the order in which they are asked: accepts(data) by content, read(data, name, tables).
READERS: tuple[ModuleType, ...] = (pdf, docx, jats, pubmed, html, medline, text)
PACKED = (pdf, docx)  # whose files are no text
KNOWN = ", ".join(reader.FORMAT for reader in READERS)


def read(data: bytes, name: str, tables: Tables) -> Report:
    """Return the report that a file holds; raises ReadError where no reader can read it."""
    reader = next((r for r in READERS if r.accepts(data)), None)
    if reader not in PACKED:
        refuse(data, name, tables, KNOWN)
    if reader is None:
        raise ReadError(f"no reader knows the format of this file (known: {KNOWN})", name)
    report: Report = reader.read(data, name, tables)
    return report
