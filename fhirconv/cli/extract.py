"""fhirconv extract: a report in, its case facts out."""

from collections.abc import Iterable
from typing import Any

from fhirconv import files
from fhirconv.cli import options, show
from fhirconv.cli.source import FACTS, is_report, open_input, without_texts
from fhirconv.cli.verb import each, finish, verb
from fhirconv.files import Input
from fhirconv.outcome import Issue


@verb("fhirconv extract report.html -o report.facts.json")
@options.inputs
@options.out
@options.mappings
@options.extractor
@options.timestamp
@options.max_size
@options.speech
def extract(
    inputs: tuple[str, ...],
    out: str | None,
    mappings: tuple[str, ...],
    extractor: str,
    timestamp: str | None,
    max_size: int,
) -> None:
    """Find the facts that reports state of their patients.

    INPUT is a report (text, HTML, JATS XML, PDF, DOCX, records of PubMed or MEDLINE), a facts
    document (checked and written anew), facts of others (brat, phenopackets, a line list), a
    folder or ZIP archive of these, or - for standard input. Several inputs give one
    NAME.facts.json each in the folder of -o, several patients or records NAME.p1.facts.json and
    so on.
    """
    from fhirconv.convert import Imported, extract, serialise, stamped

    tables = options.tables_of(mappings)
    listed = without_texts(files.expand(inputs, is_report))
    outputs = files.plan(listed, out, FACTS, several=files.many(inputs))

    def work(item: Input) -> Iterable[Issue]:
        source = open_input(item, max_size, tables)
        if isinstance(source, Imported):
            documents = [stamped(document, timestamp) for document in source.documents]
            show.written(outputs.put(item, documents, serialise))
            return source.issues
        named: dict[str, Any] = {"timestamp": timestamp, "extractor": extractor}
        listed = source if isinstance(source, tuple) else (source,)
        found = [d if isinstance(d, dict) else extract(d, tables=tables, **named) for d in listed]
        show.written(outputs.put(item, found, serialise))
        return ()

    finish(each(listed, "extracting", work))
