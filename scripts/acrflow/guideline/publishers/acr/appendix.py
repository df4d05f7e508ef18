"""The appendix: per variant a ruled table of procedures with their ratings, votes, radiation and references."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from acrflow.guideline.layout import Band, Line, bands, free_lines, join_lines, squeeze, without_margins
from acrflow.guideline.model import RowReference
from acrflow.guideline.pdf import AGAIN, Page, read_pages
from acrflow.guideline.publishers.acr import STUDY_QUALITY
from acrflow.guideline.web import AGAIN_HTML, Heading, TableLine, WebPage, columns, is_web_page, laid_out, read_page
from acrflow.guideline.witnesses import RatedRow, RatedVariant, Ratings
from acrflow.io.errors import InputError
from acrflow.tasks.appropriateness import parse_category
from acrflow.text.citations import pmid_of

# "Variant 1: ..." or "Variant: 1 ..."; without a colon it is a mention inside a sentence
VARIANT = re.compile(r"Variant\s*(?=:\s*\d|\d+\s*[:.]):?\s*(\d+)\s*[:.]?\s*(.*)", re.DOTALL)
# the words that the layout itself puts over columns; a band made of nothing else is a header
_HEADINGS = (
    "procedure procedures appropriateness category soe strength of evidence adult adults ped peds pediatric rrl"
    " relative radiation level rating median final tabulations"
)
HEADER_WORDS = frozenset(_HEADINGS.split())
_HEADER_MARKS = frozenset(["procedure", "procedures", "appropriateness", "category", "tabulations", "median"])
_REFERENCE = re.compile(r"(\d+)(?:\s*\((.*)\))?$", re.DOTALL)
NESTED = 10.0  # points; a table that begins this much further right stands inside another: the references of a row
_NOTHING = frozenset({"", "n/a", "na", "-", "–", "—"})


@dataclass
class _OpenRow:
    """A row whose cells may go on after a page break."""

    page: int
    place: str
    cells: dict[str, str]
    references: list[RowReference]

    @property
    def complete(self) -> bool:
        return bool(self.cells.get("procedure")) and parse_category(self.cells.get("category", "")) is not None


def read_appendix(path: Path) -> Ratings:
    """Parse an appendix: the publisher's PDF, or its web page where the name ends in .html or .htm.

    Raises:
        InputError: the document cannot be read, holds no variant with rows, or a row cannot be understood; with the
            page of the PDF or the line of the web page.
    """
    return parse_web_appendix(read_page(path), path) if is_web_page(path) else parse_appendix(read_pages(path), path)


def parse_appendix(pages: list[Page], path: Path) -> Ratings:
    """Parse the pages of an appendix; `path` is named in errors."""
    reader = _Reader(path)
    title: list[Line] = []
    unused = 0
    for item in sequence(pages):
        if isinstance(item, Band):
            reader.band(item)
        elif not reader.line(item):
            if not reader.variants:
                title.append(item)
            elif not reader.ended:
                unused += len(item.text)
    reader.finish()
    return Ratings(path, "page 1", title_of(title), reader.variants, unused)


def sequence(pages: list[Page]) -> list[Line | Band]:
    """Free lines and table bands of all pages in reading order, page headers and footers left out."""
    # a band without text is the space between two tables that happen to have rulings on both sides
    tables = [[band for band in bands(page) if band.runs] for page in pages]
    loose, _ = without_margins([free_lines(page, table) for page, table in zip(pages, tables, strict=True)])
    items: list[Line | Band] = []
    for table, outside in zip(tables, loose, strict=True):
        on_page: list[Line | Band] = [*table, *outside]
        items += sorted(on_page, key=lambda item: item.top)
    return items


def title_of(head: list[Line]) -> str:
    """The title among the lines before the first variant: the last block of lines set in one size."""
    if not head:
        return ""
    block = [head[-1]]
    for line in reversed(head[:-1]):
        near = block[-1].base - line.base < 1.8 * line.size
        if line.page != block[-1].page or abs(line.size - block[-1].size) > 0.5 or not near:
            break
        block.append(line)
    return join_lines(line.text for line in reversed(block))


def is_header(runs: Iterable[str]) -> bool:
    """Whether these texts are column headings and nothing else."""
    words = [word for text in runs for word in re.findall(r"[a-z0-9]+", text.lower())]
    labels = [word for word in words if not re.fullmatch(r"[1-9]", word)]
    return HEADER_WORDS.issuperset(labels) and not _HEADER_MARKS.isdisjoint(labels)


def column_names(labels: list[str]) -> list[str | None]:
    """The field that stands under each column heading; votes are "1" to "9", an unknown heading gives None."""
    return [_column_name(label.lower()) for label in labels]


def _column_name(label: str) -> str | None:
    digits = re.findall(r"\b[1-9]\b", label)
    if digits:
        return digits[-1]
    for word, name in (
        ("procedure", "procedure"),
        ("category", "category"),
        ("soe", "soe"),
        ("strength", "soe"),
        ("adult", "adult"),
        ("ped", "pediatric"),
        ("rating", "rating"),
        ("median", "median"),
        ("relative radiation", "radiation"),
    ):
        if word in label:
            return name
    return None


class TableReader:
    """Finds header bands and cuts the others into named cells; a table may go on over pages."""

    def __init__(self) -> None:
        self.edges: list[float] = []
        self.names: list[str | None] = []
        self._header: list[Band] = []

    def cut(self, band: Band) -> dict[str, str] | None:
        """The band's cells by field name; None for a header band, and for a band before any header."""
        if is_header(run.text for run in band.runs):
            self._header.append(band)
            return None
        if self._header:
            self._name_columns()
        if not self.edges:
            return None
        texts = band.cells(self.edges)
        return {name: text for name, text in zip(self.names, texts, strict=True) if name}

    def _name_columns(self) -> None:
        finest = max(self._header, key=lambda band: len(band.edges))
        merged = Band(finest.page, finest.top, finest.bottom, finest.edges)
        merged.runs = [run for band in self._header for run in band.runs]
        self.edges, self._header = finest.edges, []
        self.names = column_names(merged.cells(self.edges))


class _Reader:
    def __init__(self, path: Path):
        self.path = path
        self.variants: list[RatedVariant] = []
        self.ended = False
        self._heading: list[str] | None = None
        self._table = TableReader()
        self._row: _OpenRow | None = None

    def line(self, line: Line) -> bool:
        """Take a line outside the tables; False if it belongs to no variant heading."""
        match = VARIANT.match(line.text)
        if match:
            self._close_row()
            self.variants.append(RatedVariant(f"page {line.page}", int(match[1]), ""))
            self._heading = [match[2]]
            return True
        if self._heading is not None:
            self._heading.append(line.text)
            return True
        if self._row is not None and line.bold:
            self.ended = True  # the key below the last table
        return False

    def band(self, band: Band) -> None:
        """Take a band of a table."""
        if self._heading is not None:
            self.variants[-1].text = join_lines(self._heading)
            self._heading = None
        cells = self._table.cut(band)
        if cells is None or not self.variants:
            return
        if _is_reference_header([run.text for run in sorted(band.runs, key=lambda run: run.x0)]):
            return
        nested = band.edges[0] > self._table.edges[0] + NESTED
        if nested or not (cells.get("procedure") or cells.get("category")):
            reference = reference_of(band.cells(band.edges))
            if reference and self._row is not None:
                self._row.references.append(reference)
                return
        self._add(_OpenRow(band.page, band.place, cells, []))

    def _add(self, row: _OpenRow) -> None:
        """Begin a row, or go on with the one that a page break has cut."""
        cut = self._row is not None and row.page > self._row.page and not self._row.references
        if cut and self._row is not None and not (row.complete and self._row.complete):
            for name, text in row.cells.items():
                self._row.cells[name] = join_lines([self._row.cells.get(name, ""), text])
            return
        self._close_row()
        self._row = row

    def _close_row(self) -> None:
        row, self._row = self._row, None
        if row is not None:
            self.variants[-1].rows.append(_read_row(row.cells, row.references, row.place, self.path))

    def finish(self) -> None:
        """Close what is open and see that there is something."""
        self._close_row()
        _refuse_empty(self.variants, f"{self.path}, page 1", AGAIN)


def parse_web_appendix(page: WebPage, path: Path) -> Ratings:
    """Parse the publisher's web page of an appendix; `path` is named in errors."""
    variants: list[RatedVariant] = []
    header: list[TableLine] = []
    open_header = unused = 0
    for item in page.items:
        if isinstance(item, Heading):
            match = VARIANT.match(item.text)
            if match:
                variants.append(RatedVariant(f"line {item.line}", int(match[1]), squeeze(match[2])))
                header = []
            continue
        texts = [cell.text for cell in item.cells]
        if not variants or not any(texts):
            continue
        if item.depth and variants[-1].rows:
            reference = None if _is_reference_header(texts) else reference_of(texts)
            if reference:
                variants[-1].rows[-1].references.append(reference)
            elif not _is_reference_header(texts):
                unused += len("".join(texts))
        elif open_header or is_header(texts):
            header = [*header, item] if open_header else [item]
            open_header = (open_header or max(cell.rows for cell in item.cells)) - 1
        else:
            names = column_names(columns(header))
            cells = {name: text for name, text in zip(names, laid_out(item), strict=False) if name}
            variants[-1].rows.append(_read_row(cells, [], f"line {item.line}", path))
    _refuse_empty(variants, f"{path}, line 1", AGAIN_HTML)
    return Ratings(path, "line 1", page.fields.get("hdnTopicName", ""), variants, unused)


def _refuse_empty(variants: list[RatedVariant], where: str, remedy: str) -> None:
    if not any(variant.rows for variant in variants):
        raise InputError(where, "no variant with a rating table found: no guideline's appendix", remedy)


def _read_row(cells: dict[str, str], references: list[RowReference], place: str, path: Path) -> RatedRow:
    """A row from its cells' texts by field name."""
    where, name = f"{path}, {place}", cells.get("procedure") or "(no name)"
    category = parse_category(cells.get("category", ""))
    if not cells.get("procedure") or category is None:
        what = f"row '{name}' has no appropriateness category (found '{cells.get('category', '')}')"
        raise InputError(where, what, f"{AGAIN}; if it looks right, report its layout")
    return RatedRow(
        place=place,
        procedure=name,
        category=category,
        strength_of_evidence=cells.get("soe") or None,
        adult_rrl=cells.get("adult") or None,
        pediatric_rrl=cells.get("pediatric") or None,
        rating=_integer(cells.get("rating", ""), f"rating of '{name}'", where),
        median=_number(cells.get("median", ""), f"median of '{name}'", where),
        votes=_votes([cells.get(str(rating), "") for rating in range(1, 10)], name, where),
        references=references,
    )


def reference_of(texts: Sequence[str]) -> RowReference | None:
    """The reference that a row of cells prints: number, PMID in brackets, study quality; None if it is none."""
    parts = [text for text in texts if text]
    quality = STUDY_QUALITY.get(parts[-1].lower()) if len(parts) > 1 else None
    match = _REFERENCE.match(squeeze(" ".join(parts[:-1] if quality else parts)))
    if not match:
        return None
    printed = squeeze(match[2] or "") or None
    return RowReference(number=int(match[1]), printed=printed, pmid=pmid_of(printed), study_quality=quality)


def _is_reference_header(texts: Iterable[str]) -> bool:
    words = " ".join(texts).lower().split()
    return bool(words) and {"references", "reference", "study", "quality"}.issuperset(words)


def _integer(text: str, what: str, where: str) -> int | None:
    number = _number(text, what, where)
    if number is not None and number != int(number):
        raise InputError(where, f"{what} is '{text}', not a whole number", f"{AGAIN}; or report its layout")
    return None if number is None else int(number)


def _number(text: str, what: str, where: str) -> float | None:
    if text.lower() in _NOTHING:
        return None
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 1 <= number <= 9:
        raise InputError(where, f"{what} is '{text}', not a number from 1 to 9", f"{AGAIN}; or report its layout")
    return number


def _votes(texts: list[str], procedure: str, where: str) -> list[int] | None:
    if all(text.lower() in _NOTHING for text in texts):
        return None
    if not all(text.isdecimal() for text in texts):
        what = f"the votes of '{procedure}' are {texts}, not nine counts"
        raise InputError(where, what, f"{AGAIN}; or report its layout")
    return [int(text) for text in texts]
