"""The publisher's web pages: an appendix or an evidence table saved as HTML, as tables of texts.

Only the structure counts (headings, header cells with their spans, rows, tables inside a cell), not class names.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

from acrflow.guideline.layout import squeeze
from acrflow.io.errors import InputError

AGAIN_HTML = "save the page again from its publisher (the whole page, as HTML) and replace the file"
MAX_BYTES = 64_000_000  # the largest real page has 150 kB
MAX_DEPTH = 200  # of nested tables and cells
_HEADINGS = frozenset(f"h{level}" for level in range(1, 7))
_HIDDEN = frozenset(["script", "style", "template"])


@dataclass
class Cell:
    """A cell: its own text (that of buttons and of tables inside left out), and its spans."""

    text: str = ""
    columns: int = 1
    rows: int = 1


@dataclass
class TableLine:
    """A row of a table; `depth` 0 is a table of the page, 1 one inside a cell of it."""

    line: int
    depth: int
    cells: list[Cell] = field(default_factory=list)


@dataclass
class Heading:
    """A heading of the page, with its line in the file."""

    line: int
    text: str = ""


@dataclass
class _Page(HTMLParser):
    items: list[Heading | TableLine] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__()
        self._tables: list[TableLine | None] = []  # the open row of each open table
        self._cells: list[Cell | None] = []  # the open cell of each open table
        self._heading: Heading | None = None
        self._silent = 0  # open elements that show no text
        self._buttons: list[bool] = []  # for each open link whether it leads nowhere, as "show the references" does

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "a":
            self._buttons.append("href" not in values)
        if tag in _HIDDEN:
            self._silent += 1
        elif tag == "input" and values.get("value"):
            self.fields.setdefault(values.get("id", ""), squeeze(values["value"]))
        elif tag in _HEADINGS:
            self._heading = Heading(self.getpos()[0])
            self.items.append(self._heading)
        elif tag == "table" and len(self._tables) < MAX_DEPTH:
            self._tables.append(None)
            self._cells.append(None)
        elif tag == "tr" and self._tables:
            row = TableLine(self.getpos()[0], len(self._tables) - 1)
            self._tables[-1], self._cells[-1] = row, None
            self.items.append(row)
        elif tag in ("td", "th") and self._tables and (open_row := self._tables[-1]) is not None:
            cell = Cell(columns=_span(values.get("colspan")), rows=_span(values.get("rowspan")))
            self._cells[-1] = cell
            open_row.cells.append(cell)
        elif tag == "br":
            self.handle_data(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in _HIDDEN:
            self._silent = max(0, self._silent - 1)
        elif tag == "a" and self._buttons:
            self._buttons.pop()
        elif tag in _HEADINGS:
            self._heading = None
        elif tag in ("td", "th") and self._cells:
            self._cells[-1] = None
        elif tag == "tr" and self._tables:
            self._tables[-1] = self._cells[-1] = None
        elif tag == "table" and self._tables:
            self._tables.pop()
            self._cells.pop()

    def handle_data(self, data: str) -> None:
        if self._silent or any(self._buttons):
            return
        if self._cells and self._cells[-1] is not None:
            self._cells[-1].text += data
        elif self._heading is not None:
            self._heading.text += data


def _span(value: str | None) -> int:
    return min(int(value), 100) if value and value.isdecimal() and int(value) else 1


@dataclass
class WebPage:
    """A page's headings and table rows in order, and the values of its form fields by id."""

    items: list[Heading | TableLine]
    fields: dict[str, str]


def is_web_page(path: Path) -> bool:
    """Whether the file's name says that it is a web page."""
    return Path(path).suffix.lower() in (".html", ".htm")


def read_page(path: Path) -> WebPage:
    """Read a saved web page.

    Raises:
        InputError: the file is missing, empty, absurdly large, no HTML or not in UTF-8.
    """
    path = Path(path)
    try:
        size = path.stat().st_size
        text = path.read_text(encoding="utf-8-sig") if 0 < size <= MAX_BYTES else ""
    except OSError as error:
        raise InputError(path, f"the document cannot be read: {error.strerror}", AGAIN_HTML) from None
    except UnicodeDecodeError:
        raise InputError(path, "the file is no web page in UTF-8", AGAIN_HTML) from None
    if "<" not in text:
        what = "the file is empty" if not size else "the file is no web page"
        raise InputError(path, f"{what} ({size:,} bytes)", AGAIN_HTML)
    page = _Page()
    page.feed(text)
    page.close()
    for item in page.items:
        for part in item.cells if isinstance(item, TableLine) else [item]:
            part.text = squeeze(part.text)
    return WebPage(page.items, page.fields)


def columns(header: list[TableLine]) -> list[str]:
    """The label over each column: the texts of the header's rows laid over each other by their spans."""
    labels: dict[int, list[str]] = {}
    taken: set[tuple[int, int]] = set()
    for at, row in enumerate(header):
        for cell, column in zip(row.cells, _places(row, at, taken), strict=True):
            for step in range(cell.columns):
                labels.setdefault(column + step, []).append(cell.text)
                taken |= {(at + down, column + step) for down in range(cell.rows)}
    return [" ".join(labels[column]) for column in sorted(labels)]


def laid_out(row: TableLine) -> list[str]:
    """The texts of a row's cells, each at its column; a cell over several columns stands in its first one."""
    texts: list[str] = []
    for cell in row.cells:
        texts += [cell.text, *[""] * (cell.columns - 1)]
    return texts


def _places(row: TableLine, at: int, taken: set[tuple[int, int]]) -> Iterator[int]:
    """The column that each cell of a row begins at: the first that no cell of a row above reaches down to."""
    column = 0
    for cell in row.cells:
        while (at, column) in taken:
            column += 1
        yield column
        column += cell.columns
