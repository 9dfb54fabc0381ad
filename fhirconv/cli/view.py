"""fhirconv view: a page where the words of a report and its FHIR stand side by side."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from fhirconv import files
from fhirconv.cli import options, show
from fhirconv.cli.source import is_report_or_facts, without_reports, without_texts
from fhirconv.cli.verb import each, finish, verb
from fhirconv.errors import FactsError, ReadError
from fhirconv.files import Input, Outputs
from fhirconv.outcome import Issue

if TYPE_CHECKING:
    from fhirconv.stream import Converter
    from fhirconv.view import Page, Viewer
    from fhirconv.view.given import Given

CASE, INDEX = ".case.html", "index.html"
PAGES = (".html", ".htm")
LARGE = 20_000_000  # bytes of one file, from which on a browser takes its time


@verb("fhirconv view report.txt -o report.case.html")
@options.inputs
@options.out
@options.release
@options.mappings
@options.extractor
@options.server
@options.max_size
@options.speech
def view(
    inputs: tuple[str, ...],
    out: str | None,
    release: str | None,
    mappings: tuple[str, ...],
    extractor: str,
    server: str,
    max_size: int,
) -> None:
    """Show reports and what is made of them side by side, as pages for a browser.

    INPUT is what convert takes. The page has the words of the report, marked by kind, beside the
    course and a card for each resource; a click on either leads to the other, and from each
    element to its table row. It is one file, asks no network, and works without a script.

    Several inputs, or a folder, give NAME.case.html each in the folder of -o, and index.html:
    counts, treatments against adverse events, terms without a code, a link per case. Where OUT is
    called .html, all of them stand in that one file.
    """
    from fhirconv.stream import Converter
    from fhirconv.view import Viewer

    tables = options.tables_of(mappings)
    wanted = options.release_of(release, tables)
    listed = without_reports(without_texts(files.expand(inputs, is_report_or_facts)))
    several = files.many(inputs)
    whole = out is None or (Path(out).suffix.casefold() in PAGES and not files.is_folder(out))
    listed = _without_index(listed, out)
    outputs = files.plan(listed, out, CASE, several=several and not (whole and out))
    converter = Converter(
        wanted, folders=mappings, server=server, extractor=extractor, limit=max_size
    )
    with closing(converter):
        finish(_Work(converter, Viewer(tables, wanted), outputs).done(listed))


def _without_index(listed: list[Input], out: str | None) -> list[Input]:
    """Return the inputs without the index that is written anew."""
    index = Path(out) / INDEX if out and files.is_folder(out) else None
    if index is None or not index.is_file():
        return listed
    return [item for item in listed if item.path is None or not item.path.samefile(index)]


class _Work:
    """Pages made of inputs: each to a file of its own as it is made, or all to one."""

    def __init__(self, converter: "Converter", viewer: "Viewer", outputs: Outputs) -> None:
        self.converter = converter
        self.viewer = viewer
        self.outputs = outputs
        self.kept: list[Given] = []  # for the one file

    def done(self, listed: Sequence[Input]) -> list[Issue]:
        """Make all pages and return what could not be read."""
        issues = each(listed, "viewing", self._one)
        if self.outputs.folder is not None:
            path = self.outputs.folder / INDEX
            files.write(path, self.viewer.index())
            show.written([path])
        elif self.kept:
            self._write_whole(listed[0])
        return issues

    def _one(self, item: Input) -> Iterable[Issue]:
        """Make the pages of one input; what fails stands in the index too."""
        from fhirconv.view.given import given

        failed: list[Issue] = []
        try:
            found = given(item, self.converter, failed)
            if self.outputs.folder is None:
                self.kept += found
            else:
                self._write_each(item, found)
        except (ReadError, FactsError) as error:
            failed.append(Issue("fatal", "processing", error.message, error.where or item.shown))
        self.viewer.overview.add_failed(item.shown, failed)
        return failed

    def _write_each(self, item: Input, found: "Iterator[Given]") -> None:
        """Write a page for each; the index learns its name once it is written."""
        waiting: deque[Page] = deque()

        def pages() -> Iterator[bytes]:
            for one in found:
                waiting.append(self.viewer.page(one.document, one.conversion, one.report))
                yield self.viewer.alone(waiting[-1], INDEX)

        for path in self.outputs.put_each(item, pages()):
            self.viewer.overview.add(waiting.popleft(), quote(path.name))
            show.written([path])

    def _write_whole(self, item: Input) -> None:
        """Write the only page, or the index with all pages below it, to one file."""
        several = len(self.kept) > 1
        pages = []
        for number, one in enumerate(self.kept, 1):
            prefix = f"c{number}-" if several else ""
            page = self.viewer.page(one.document, one.conversion, one.report, prefix)
            pages.append(page)
            if several:
                self.viewer.overview.add(page, f"#{prefix}all")
        data = self.viewer.index(pages) if several else self.viewer.alone(pages[0])
        show.written(self.outputs.put(item, [data], as_it_is))
        if several and len(data) > LARGE:
            size = f"{len(self.kept)} cases make one file of {len(data) / 1e6:.0f} MB"
            show.remark(f"{size}: a browser is quicker with a page each (-o FOLDER/)")


def as_it_is(document: bytes, *, compact: bool = False) -> bytes:
    """Return a page, which is bytes already."""
    return document
