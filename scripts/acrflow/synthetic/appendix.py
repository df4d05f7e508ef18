"""Render an invented topic's appendix: landscape pages, one ruled table a variant, references under each row."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Flowable, Frame, PageBreak, PageTemplate, Paragraph, Spacer

from acrflow.synthetic.fonts import NOTICE, SYMBOLS, register
from acrflow.synthetic.language import Reference, Row, Topic
from acrflow.tasks.appropriateness import MBA, UA

PAGE = (
    842,
    595,
)  # landscape A4: as in the real documents a portrait page (reportlab swaps the two) turned by 90 degrees
_SIZE = 10
_YEAR_OF_CUT_ROWS = 2033  # appendices of this year let a page break cut a row
_LEFT, _WIDTH = 40, 762
_HEADER = (
    ("Procedure", 150.91),
    ("Appropriateness Category", 93.03),
    ("SOE", 77.94),
    ("Adults RRL", 83.0),
    ("Peds RRL", 60.36),
    ("Rating", 45.27),
    ("Median", 62.85),
)
_TALLY = 20.96  # width of one of the nine columns of votes
_REFERENCES_AT, _REFERENCE_COLUMN = 201.9, 179.1
_RED, _YELLOW, _GREEN = (0.89804, 0.72157, 0.71765), (1, 1, 0.8), (0.57255, 0.81569, 0.31373)

_KEY = (
    ("Appropriateness Category:", "What the invented panel recommends for a procedure in a variant."),
    ("SOE:", "Strength of Evidence. How much evidence the invented studies give for the recommendation."),
    ("• References:", "The number in the bibliography and, in brackets, the invented PMID."),
    (
        "• Study Quality:",
        "The quality of one study, from 1 (best) to 4 (weakest); Good or Inadequate for a meta-analysis.",
    ),
    ("RRL:", "Relative Radiation Level. The radiation that a typical patient may receive."),
    ("Rating:", "The final rating (1-9 scale)."),
    ("Median:", "The median rating (1-9 scale)."),
    ("Final tabulations:", "How many members of the panel gave each rating."),
)


@dataclass
class _Cell:
    x: float
    width: float
    text: str
    font: str = "Times-Roman"
    fill: tuple[float, float, float] | None = None
    align: str = "center"  # "left" cells start at the top, as procedures do
    top: float = 0  # how far below the row's upper edge the cell begins
    height: float | None = None  # None: down to the row's lower edge
    padding: float = 2  # left and right
    part: list[str] | None = None  # the lines that stand here, where a page break has cut the cell

    @property
    def lines(self) -> list[str]:
        return self.part if self.part is not None else _wrap(self.text, self.font, self.width - 2 * self.padding)


def _wrap(text: str, font: str, width: float) -> list[str]:
    """Break text into lines at blanks and after hyphens, as the real appendices do (`3-` / `10 mSv`)."""
    lines = [""]
    for piece in re.findall(r"\s*[^\s-]*-?", text):
        if lines[-1] and stringWidth(lines[-1] + piece, font, _SIZE) > width:
            lines.append(piece.strip())
        else:
            lines[-1] += piece
    return [line.strip() for line in lines]


class _RuledRow(Flowable):
    """A row of ruled cells, each with its own rectangle; a page break may cut it between two lines if `breakable`."""

    def __init__(self, cells: Sequence[_Cell], height: float | None = None, breakable: bool = False):
        super().__init__()
        self._cells = cells
        self._breakable = breakable
        self.height = height or max(len(cell.lines) for cell in cells) * _SIZE + 4
        self.width = _WIDTH

    def wrap(self, available_width: float, available_height: float) -> tuple[float, float]:
        return self.width, self.height

    def split(self, available_width: float, available_height: float) -> list[Flowable]:
        fitting = int((available_height - 4) // _SIZE)
        if not self._breakable or fitting < 1:
            return []
        return [
            _RuledRow([replace(cell, part=cell.lines[:fitting]) for cell in self._cells]),
            _RuledRow([replace(cell, part=cell.lines[fitting:]) for cell in self._cells]),
        ]

    def draw(self) -> None:
        canvas: Canvas = self.canv
        canvas.setLineWidth(0.5)
        for cell in self._cells:
            height = cell.height or self.height - cell.top
            upper = self.height - cell.top
            if cell.fill:
                canvas.setFillColorRGB(*cell.fill)
                canvas.rect(cell.x, upper - height, cell.width, height, stroke=0, fill=1)
            canvas.setFillColorRGB(0, 0, 0)
            canvas.rect(cell.x, upper - height, cell.width, height, stroke=1, fill=0)
            canvas.setFont(cell.font, _SIZE)
            lines = cell.lines
            slack = 2 if cell.align == "left" else (height - len(lines) * _SIZE) / 2
            for position, line in enumerate(lines, start=1):
                baseline = upper - slack - position * _SIZE + 0.5
                if cell.align == "left":
                    canvas.drawString(cell.x + 2, baseline, line)
                else:
                    canvas.drawCentredString(cell.x + cell.width / 2, baseline, line)


def render_appendix(topic: Topic, path: Path) -> None:
    """Write a topic's appendix as PDF; the same topic gives the same bytes."""
    register()
    bold = ParagraphStyle("issuer", fontName="Times-Bold", fontSize=14, leading=18, alignment=1)
    title = ParagraphStyle("title", parent=bold, fontSize=12, leading=16, spaceBefore=14, spaceAfter=10)
    notice = ParagraphStyle("notice", fontName="Times-Italic", fontSize=9, leading=12, alignment=1)
    story: list[Flowable] = [
        Paragraph("Invented College of Imaging", bold),
        Paragraph("Invented Appropriateness Criteria", bold),
        Paragraph(NOTICE, notice),
        Paragraph(topic.title, title),
    ]
    for variant in topic.variants:
        story += [*_variant_heading(variant.number, variant.text), _header_row()]
        for row in variant.rows:
            story.append(_RuledRow(_row_cells(row), breakable=topic.year == _YEAR_OF_CUT_ROWS))
            if row.references:
                story += [_reference_row("References", "Study Quality"), *map(_printed_reference, row.references)]
    story += [PageBreak(), *_key()]

    document = BaseDocTemplate(
        str(path), pagesize=PAGE, rotation=90, invariant=1, title=topic.title, author="acrflow demo"
    )
    frame = Frame(_LEFT, 55, _WIDTH, 450, leftPadding=0, rightPadding=0, topPadding=0, bottomPadding=0)
    document.addPageTemplates(PageTemplate(frames=[frame], onPage=_turn))
    document.build(story)


def _turn(canvas: Canvas, document: BaseDocTemplate) -> None:
    canvas.transform(0, 1, -1, 0, PAGE[1], 0)


def _variant_heading(number: int, text: str) -> list[Flowable]:
    style = ParagraphStyle(
        "variant",
        fontName="Times-Bold",
        fontSize=_SIZE,
        leading=12,
        leftIndent=55,
        bulletIndent=2,
        bulletFontName="Times-Bold",
    )
    return [Spacer(0, 22), Paragraph(text, style, bulletText=f"Variant {number}:"), Spacer(0, 22)]


def _header_row() -> _RuledRow:
    cells, x = [], 0.0
    for text, width in _HEADER:
        cells.append(_Cell(x, width, text, "Times-Bold"))
        x += width
    cells.append(_Cell(x, 9 * _TALLY, "Final Tabulations", "Times-Bold", height=16))
    for rating in range(1, 10):
        fill = _RED if rating < 4 else _YELLOW if rating < 7 else _GREEN
        cells.append(_Cell(x + (rating - 1) * _TALLY, _TALLY, str(rating), "Times-Bold", fill, top=16))
    return _RuledRow(cells, height=30)


def _row_cells(row: Row) -> list[_Cell]:
    colour = {UA: _GREEN, MBA: _YELLOW}.get(row.category, _YELLOW if row.category.startswith(MBA) else _RED)
    category = row.category[0] + row.category[1:].lower().replace("(d", "(D")  # only the first word is capitalised here
    median = "n/a" if row.median is None else str(row.median)
    texts = (
        row.procedure,
        category,
        row.strength_of_evidence,
        row.adult_rrl,
        row.pediatric_rrl or "",
        str(row.rating),
        median,
    )
    cells, x = [], 0.0
    for (title, width), text in zip(_HEADER, texts, strict=True):
        cells.append(_Cell(x, width, text, SYMBOLS if title.endswith("RRL") else "Times-Roman"))
        x += width
    cells[0].align, cells[1].fill = "left", colour
    cells[1].padding, cells[3].padding = 12, 4  # so that they break where the real ones do
    return cells + [_Cell(x + i * _TALLY, _TALLY, str(count)) for i, count in enumerate(row.votes)]


def _reference_row(left: str, right: str) -> _RuledRow:
    return _RuledRow(
        [
            _Cell(_REFERENCES_AT, _REFERENCE_COLUMN, left),
            _Cell(_REFERENCES_AT + _REFERENCE_COLUMN, _REFERENCE_COLUMN, right),
        ]
    )


def _printed_reference(reference: Reference) -> _RuledRow:
    printed = reference.study.printed
    return _reference_row(
        f"{reference.number} ({printed})" if printed else str(reference.number), reference.study.quality
    )


def _key() -> list[Flowable]:
    plain = ParagraphStyle("key", fontName="Times-Roman", fontSize=_SIZE, leading=10, leftIndent=78, spaceAfter=18)
    story: list[Flowable] = [Paragraph(f"<b>Appendix Key</b><br/>{NOTICE}", plain)]
    for term, meaning in _KEY:
        story.append(Paragraph(f"<b>{term}</b> {meaning}", plain))
    return story
