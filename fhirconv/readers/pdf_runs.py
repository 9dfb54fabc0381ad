"""The text layer of a PDF as runs of characters with their places, read in a process of its own.

A PDF can be made to crash, hang or swell whatever opens it, so this file is run as a program by
readers/pdf.py: a PDF comes in on standard input, JSON goes out on standard output.
"""

import ctypes
import json
import math
import sys
from collections.abc import Iterator
from typing import Any

MOST_PAGES = 1_000
MOST_CHARACTERS = 5_000_000
MEMORY = 2 * 1024**3  # bytes of address space
UPRIGHT = 0.1  # radians that a line may lean
FAR = 0.25  # of the size of the letters: a space that nobody wrote
APART = 1.2  # of the size: another column, or another cell of a table
SHIFT = 0.12  # of the size: a superscript or subscript
SAME_SIZE = 0.08
LIGATURES = dict(enumerate(("ff", "fi", "fl", "ffi", "ffl", "st", "st"), 0xFB00))
UNKNOWN = (0, 0xFFFD)  # a font that does not say which character it shows
HYPHENS = {0x02: "-", 0xFFFE: "-"}  # as PDFium writes one at the end of a line

Run = list[Any]  # [text, left, baseline, right, size]


def pages_of(data: bytes) -> Iterator[dict[str, Any]]:
    """Yield each page: its width, height and runs; raises ValueError for too much of it."""
    import pypdfium2

    document = pypdfium2.PdfDocument(data)
    if len(document) > MOST_PAGES:
        raise ValueError(f"has {len(document)} pages, more than {MOST_PAGES}")
    total = 0
    for page in document:
        text = page.get_textpage()
        total += text.count_chars()
        if total > MOST_CHARACTERS:
            raise ValueError(f"holds more than {MOST_CHARACTERS} characters")
        width, height = page.get_size()
        yield {"width": width, "height": height, "runs": list(runs_of(characters(text)))}
        text.close()
        page.close()


def characters(text: Any) -> Iterator[tuple[str, float, float, float, float]]:
    """Yield the upright characters of a page: (letters, left, baseline, right, size)."""
    from pypdfium2 import raw

    left, bottom, right, top = (ctypes.c_double() for _ in range(4))
    loose, x, y = raw.FS_RECTF(), ctypes.c_double(), ctypes.c_double()
    for index in range(text.count_chars()):
        if raw.FPDFText_IsGenerated(text, index) == 1:
            continue
        angle = raw.FPDFText_GetCharAngle(text, index)
        if min(angle, 2 * math.pi - angle) > UPRIGHT:
            continue
        code = raw.FPDFText_GetUnicode(text, index)
        raw.FPDFText_GetCharBox(text, index, left, right, bottom, top)
        raw.FPDFText_GetCharOrigin(text, index, x, y)
        raw.FPDFText_GetLooseCharBox(text, index, loose)
        size = loose.top - loose.bottom
        sign = letters_of(code)
        if size > 0 and sign:
            yield sign, left.value, y.value, max(right.value, loose.right), size


def letters_of(code: int) -> str:
    """Return the letters of a character: a ligature taken apart, '\ufffd' for an unknown one."""
    if code in UNKNOWN:
        return "\ufffd"
    if code in HYPHENS or code in LIGATURES:
        return HYPHENS.get(code) or LIGATURES[code]
    if 0xD800 <= code < 0xE000 or code < 0x20 or code == 0x7F:
        return " " if code in (9, 10, 13) else ""
    return chr(code)


def runs_of(signs: Iterator[tuple[str, float, float, float, float]]) -> Iterator[Run]:
    """Yield characters that stand side by side on one line and are of one size, as runs."""
    run: Run | None = None
    for sign, left, base, right, size in signs:
        if run is not None and follows(run, left, base, size):
            space = left - run[3] > FAR * size and not run[0].endswith(" ") and sign != " "
            run[0] += (" " if space else "") + sign
            run[3] = max(run[3], right)
            continue
        if run is not None:
            yield rounded(run)
        run = [sign, left, base, right, size]
    if run is not None:
        yield rounded(run)


def follows(run: Run, left: float, base: float, size: float) -> bool:
    """Say whether a character goes on with a run."""
    beside = -0.5 * size < left - run[3] < APART * size
    largest = max(size, run[4])
    level = abs(base - run[2]) < SHIFT * largest
    return bool(beside and level and abs(size - run[4]) < SAME_SIZE * largest)


def rounded(run: Run) -> Run:
    """Return a run with places in hundredths of a point."""
    return [run[0], *(round(value, 2) for value in run[1:])]


def limit_memory() -> None:
    """Bound what this process may take, where the system can."""
    try:
        import resource
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    """Read a PDF and write its pages, or what is wrong with it."""
    limit_memory()
    try:
        import pypdfium2
    except ImportError:
        said: dict[str, Any] = {"problem": "missing"}
    else:
        try:
            said = {"pages": list(pages_of(sys.stdin.buffer.read()))}
        except pypdfium2.PdfiumError as error:
            said = {"problem": str(error)}
        except ValueError as error:
            said = {"limit": str(error)}
        except MemoryError:
            said = {"limit": "needs too much memory"}
    sys.stdout.buffer.write(json.dumps(said).encode("ascii"))


if __name__ == "__main__":
    main()
