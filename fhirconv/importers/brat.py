"""brat standoff: NAME.ann with the annotations of the report NAME.txt beside it."""

from fhirconv.errors import ReadError
from fhirconv.importers.annotated import Annotated
from fhirconv.importers.imported import Imported, TextOf, refuse
from fhirconv.importers.knowledge import knowledge_of
from fhirconv.importers.mentions import Mentions
from fhirconv.importers.standoff import parse
from fhirconv.tables import Tables

FORMAT = "brat standoff"
ENDING, TEXT = ".ann", ".txt"


def accepts(data: bytes, name: str) -> bool:
    """Say whether a file is called annotations."""
    return name.casefold().endswith(ENDING)


def text_name(name: str) -> str:
    """Return the name of the text that annotations speak of."""
    return name[: -len(ENDING)] + TEXT


def load(data: bytes, name: str, tables: Tables, text_of: TextOf | None = None) -> Imported:
    """Return the facts document of annotations and their text.

    text_of gives the report of a file beside them. Raises ReadError where that is not there,
    and with all lines that cannot be read.
    """
    report = text_of(text_name(name)) if text_of else None
    if report is None:
        message = f"the text that the annotations speak of, {text_name(name)}, is not beside them"
        raise ReadError(message, name)
    try:
        lines = data.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise ReadError(f"the file is not UTF-8 at byte {error.start}", name) from error
    problems: list[str] = []
    found = parse(lines, report.text, problems)
    refuse(problems, name)
    known = knowledge_of(tables)
    annotated = Annotated(Mentions(found, known), report, known, name)
    return Imported.of([annotated.record()], known)
