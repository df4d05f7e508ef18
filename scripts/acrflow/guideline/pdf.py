"""What stands on a PDF's pages and where: runs of text with font, size and position, and the rulings of tables.

Coordinates are points in the page as it is read: x to the right, y downwards, page rotation undone.

pdfium gives a character's unicode, box and font by one call each, so a page of 3,000 characters would take
about 20,000 calls. Positions are therefore asked for once per *run* (the characters that one text-showing operation of
the page draws, without a gap), which is a few hundred calls a page and all that the layout needs.
"""

import ctypes
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from acrflow.io import sandbox
from acrflow.io.errors import InputError

AGAIN = (
    "get the document again from its publisher, as PDF, and replace the file; or leave the topic out (topics.leave_out)"
)
TAIL = 2048  # bytes at the end of the file in which a whole PDF has its end marker
MAX_PAGES = 1000  # a guideline has 10 to 80
MAX_CHARACTERS = 100_000  # of one page; a dense page has 5,000
MAX_OBJECTS = 100_000  # of one page, and as many segments of its paths; a dense page has 3,000
MAX_SIDE = 14_400  # points; the largest page that the format knows, 5 m
FORCE_BOLD = 1 << 18  # the font descriptor's flag
BLANKS = " \xa0\u2007\u202f\r\n\t\x00\ufeff\u200b"
HYPHEN = "\x02"  # what pdfium gives for a hyphen at the end of a line
_PIECES = re.compile(r"\S+|\s")  # words and single blanks: pdfium puts in nothing but blanks
NOT_WORDS = str.maketrans(
    {
        HYPHEN: "-",
        "\ufffe": "-",  # the same sign where pdfium gives a text as a whole
        "\xa0": " ",
        "\u2007": " ",
        "\u202f": " ",
        "\r": " ",
        "\n": " ",
        "\t": " ",
        "\x00": None,
        "\ufeff": None,
        "\u200b": None,
        "\ufb00": "ff",
        "\ufb01": "fi",
        "\ufb02": "fl",
        "\ufb03": "ffi",
        "\ufb04": "ffl",
    }
)


@dataclass(slots=True)
class Run:
    """Characters drawn together, in one font, on one baseline.

    Attributes:
        x0, x1: left and right edge.
        base: y of the baseline.
        size: height of the font in points.
    """

    text: str
    x0: float
    x1: float
    base: float
    size: float
    bold: bool


@dataclass(slots=True)
class Ruling:
    """A horizontal or vertical line, or the edge of a rectangle: `at` its y (or x), from `start` to `end`."""

    at: float
    start: float
    end: float


@dataclass(slots=True)
class Page:
    """A page: `number` counts from 1; `tilted` counts the characters not set upright, which are left out."""

    number: int
    width: float
    height: float
    runs: list[Run] = field(default_factory=list)
    horizontal: list[Ruling] = field(default_factory=list)
    vertical: list[Ruling] = field(default_factory=list)
    tilted: int = 0


@contextmanager
def open_document(path: Path) -> Iterator[pdfium.PdfDocument]:
    """Open a PDF.

    Raises:
        InputError: missing, no PDF, cut off, encrypted, damaged, empty or with more than `MAX_PAGES` pages.
    """
    path = Path(path)
    sandbox.at(str(path))
    try:
        with open(path, "rb") as file:
            head = file.read(1024)
            file.seek(max(0, path.stat().st_size - TAIL))
            tail = file.read()
    except OSError as error:
        raise InputError(path, f"the document cannot be read: {error.strerror}", AGAIN) from None
    if b"%PDF-" not in head:
        kind = "a web page (HTML)" if b"<html" in head.lower() or b"<!doctype" in head.lower() else "not a PDF"
        raise InputError(path, f"the file is {kind} in spite of its name", AGAIN)
    if b"%%EOF" not in tail:
        raise InputError(path, "the PDF is cut off: its end is missing", AGAIN)
    try:
        document = pdfium.PdfDocument(path)
    except pdfium.PdfiumError as error:
        encrypted = raw.FPDF_GetLastError() == raw.FPDF_ERR_PASSWORD or "password" in str(error).lower()
        what = "the PDF is encrypted" if encrypted else "the PDF is damaged and cannot be opened"
        remedy = "save it without a password and replace the file" if encrypted else AGAIN
        raise InputError(path, what, remedy) from None
    try:
        if not 0 < len(document) <= MAX_PAGES:
            raise InputError(path, f"the PDF has {len(document)} pages; a guideline has 1 to {MAX_PAGES}", AGAIN)
        yield document
    finally:
        document.close()


def read_pages(path: Path) -> list[Page]:
    """Runs and rulings of every page.

    Raises:
        InputError: as `open_document`; a page that cannot be loaded or holds absurdly much text; no text at all.
    """
    pages = []
    with open_document(path) as document:
        for index in range(len(document)):
            where = f"{path}, page {index + 1}"
            sandbox.at(where)
            try:
                page = document[index]
            except pdfium.PdfiumError:
                raise InputError(where, "the page is damaged and cannot be loaded", AGAIN) from None
            try:
                pages.append(_read_page(page, index + 1, where))
            finally:
                page.close()
    if not any(page.runs for page in pages):
        raise InputError(f"{path}, page 1", "the PDF has no text (is it a scan?)", AGAIN)
    return pages


def _read_page(page: pdfium.PdfPage, number: int, where: str) -> Page:
    width, height = page.get_size()
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
        raise InputError(where, f"the page measures {width:.0f} x {height:.0f} points", AGAIN)
    if raw.FPDFPage_CountObjects(page.raw) > MAX_OBJECTS:
        raise InputError(
            where, f"the page holds more than {MAX_OBJECTS} objects; a guideline's have a few thousand", AGAIN
        )
    place = _Placement(page)
    result = Page(number, width, height)
    textpage = raw.FPDFText_LoadPage(page.raw)
    try:
        count = raw.FPDFText_CountChars(textpage)
        if count > MAX_CHARACTERS:
            raise InputError(where, f"the page holds {count} characters; a guideline's have a few thousand", AGAIN)
        _read_runs(textpage, count, place, result)
    finally:
        raw.FPDFText_ClosePage(textpage)
    _read_rulings(page.raw, place, result, where)
    return result


class _Placement:
    """From the page's user space to the page as it is read."""

    def __init__(self, page: pdfium.PdfPage):
        self.left, self.bottom, self.right, self.top = page.get_bbox()
        self.rotation = page.get_rotation()

    def point(self, x: float, y: float) -> tuple[float, float]:
        if self.rotation == 90:
            return y - self.bottom, x - self.left
        if self.rotation == 180:
            return self.right - x, y - self.bottom
        if self.rotation == 270:
            return self.top - y, self.right - x
        return x - self.left, self.top - y

    def direction(self, a: float, b: float) -> tuple[float, float]:
        x0, y0 = self.point(0, 0)
        x1, y1 = self.point(a, b)
        return x1 - x0, y1 - y0


def _read_runs(textpage: Any, count: int, place: _Placement, page: Page) -> None:
    text = _characters(textpage, count)
    fonts: dict[int | None, bool] = {}
    start, owner = 0, None
    for piece in _PIECES.finditer(text):
        first, last = piece.start(), piece.end() - 1
        current = _owner(textpage, first)
        # the two ends of a word are looked at, and its inside only if they differ: a third of the calls
        whole = last == first or _owner(textpage, last) == current
        for index in (first,) if whole else range(first, last + 1):
            current = current if whole else _owner(textpage, index)
            if current != owner:
                if owner is not None:
                    _add_run(textpage, text[start:index], start, index - 1, place, fonts, page)
                start, owner = index, current
    if owner is not None:
        _add_run(textpage, text[start:count], start, count - 1, place, fonts, page)


def _owner(textpage: Any, index: int) -> int | None:
    """The text object that draws the character; None if pdfium put it in (a space at a gap, an end of line)."""
    drawn = raw.FPDFText_GetTextObject(textpage, index)
    return ctypes.addressof(drawn.contents) if drawn else None


def _characters(textpage: Any, count: int) -> str:
    """One Python character for each of pdfium's."""
    buffer = (ctypes.c_ushort * (count + 1))()
    raw.FPDFText_GetText(textpage, 0, count, buffer)
    text = bytes(buffer)[: 2 * count].decode("utf-16-le", errors="replace")
    if len(text) != count:  # signs outside the basic plane take two units
        text = "".join(chr(raw.FPDFText_GetUnicode(textpage, index) or 32) for index in range(count))
    return text


def _add_run(
    textpage: Any, text: str, first: int, last: int, place: _Placement, fonts: dict[int | None, bool], page: Page
) -> None:
    if not text.strip(BLANKS):
        return
    # blanks have no ink: positions come from the outermost inked characters
    last -= len(text) - len(text.rstrip(BLANKS))
    first += len(text) - len(text.lstrip(BLANKS))
    matrix = raw.FS_MATRIX()
    raw.FPDFText_GetMatrix(textpage, first, matrix)
    dx, dy = place.direction(matrix.a, matrix.b)
    if dx <= 0 or abs(dy) > 0.1 * dx:  # a watermark across the page
        page.tilted += len(text)
        return
    scale = math.hypot(matrix.c, matrix.d)
    size = raw.FPDFText_GetFontSize(textpage, first) * scale
    x, y = ctypes.c_double(), ctypes.c_double()
    raw.FPDFText_GetCharOrigin(textpage, first, x, y)
    x0, base = place.point(x.value, y.value)
    corners = [ctypes.c_double() for _ in range(4)]
    raw.FPDFText_GetCharBox(textpage, last, *corners)
    left, right, bottom, top = (corner.value for corner in corners)
    x1 = max(place.point(left, bottom)[0], place.point(right, top)[0])
    page.runs.append(Run(text.translate(NOT_WORDS), x0, max(x0, x1), base, size, _is_bold(textpage, first, fonts)))


def _is_bold(textpage: Any, index: int, fonts: dict[int | None, bool]) -> bool:
    """Whether the character's font is bold, by name, weight or flag; asked once per font of the page."""
    font = raw.FPDFTextObj_GetFont(raw.FPDFText_GetTextObject(textpage, index))
    key = ctypes.addressof(font.contents) if font else None
    if key not in fonts:
        flags, name = ctypes.c_int(), ctypes.create_string_buffer(256)
        raw.FPDFText_GetFontInfo(textpage, index, name, 256, flags)
        named = any(word in name.value.lower() for word in (b"bold", b"black", b"heavy"))
        fonts[key] = named or bool(flags.value & FORCE_BOLD) or raw.FPDFText_GetFontWeight(textpage, index) >= 600
    return fonts[key]


def _read_rulings(page: Any, place: _Placement, result: Page, where: str) -> None:
    segments = 0
    for index in range(raw.FPDFPage_CountObjects(page)):
        item = raw.FPDFPage_GetObject(page, index)
        if raw.FPDFPageObj_GetType(item) != raw.FPDF_PAGEOBJ_PATH:
            continue
        segments += raw.FPDFPath_CountSegments(item)
        if segments > MAX_OBJECTS:
            raise InputError(where, f"the page's lines have more than {MAX_OBJECTS} segments", AGAIN)
        matrix = raw.FS_MATRIX()
        raw.FPDFPageObj_GetMatrix(item, matrix)
        corners = list(_segments(item, matrix, place))
        for (x0, y0), (x1, y1) in corners:
            if abs(y1 - y0) < 0.5 < abs(x1 - x0):
                result.horizontal.append(Ruling((y0 + y1) / 2, min(x0, x1), max(x0, x1)))
            elif abs(x1 - x0) < 0.5 < abs(y1 - y0):
                result.vertical.append(Ruling((x0 + x1) / 2, min(y0, y1), max(y0, y1)))


def _segments(item: Any, matrix: Any, place: _Placement) -> Iterator[tuple[tuple[float, float], tuple[float, float]]]:
    """The straight pieces of a path, as pairs of points."""
    x, y = ctypes.c_float(), ctypes.c_float()
    begin = previous = None
    for index in range(raw.FPDFPath_CountSegments(item)):
        segment = raw.FPDFPath_GetPathSegment(item, index)
        raw.FPDFPathSegment_GetPoint(segment, x, y)
        point = place.point(
            matrix.a * x.value + matrix.c * y.value + matrix.e, matrix.b * x.value + matrix.d * y.value + matrix.f
        )
        kind = raw.FPDFPathSegment_GetType(segment)
        if kind == raw.FPDF_SEGMENT_MOVETO:
            begin = point
        elif kind == raw.FPDF_SEGMENT_LINETO and previous is not None:
            yield previous, point
        previous = point
        if begin is not None and raw.FPDFPathSegment_GetClose(segment):
            yield point, begin
            previous = begin
