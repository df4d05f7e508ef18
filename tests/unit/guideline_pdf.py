"""Small guideline PDFs, drawn to the point in the layout of the real ones. All text is invented."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

REGULAR, BOLD = "Helvetica", "Helvetica-Bold"
COLUMNS = (40, 191, 284, 362, 445, 505, 551, 613, *(613 + 21 * rating for rating in range(1, 10)))
LABELS = ("Procedure", "Appropriateness Category", "SOE", "Adults RRL", "Peds RRL", "Rating", "Median")


def wrap(text: str, width: float, font: str = REGULAR, size: float = 10) -> list[str]:
    """Break at blanks, and after hyphens as a browser does."""
    lines = [""]
    for word in text.replace("-", "-\0").replace("\0 ", " ").replace(" ", " \0").split("\0"):
        if lines[-1] and stringWidth((lines[-1] + word).rstrip(), font, size) > width:
            lines.append("")
        lines[-1] += word
    return [line.rstrip() for line in lines]


class Sheet:
    """Pages with a pen at `y` (downwards); header and footer stand on every page, # in them is its number."""

    def __init__(self, path: Path, width: float, height: float, rotation: int = 0, header: str = "", footer: str = ""):
        self.canvas = Canvas(str(path))
        self.width, self.height, self.rotation = width, height, rotation
        self.header, self.footer = header, footer
        self.page = 0
        self.new_page()

    def new_page(self) -> None:
        if self.page:
            self.canvas.showPage()
        self.page += 1
        turned = self.rotation in (90, 270)
        self.canvas.setPageSize((self.height, self.width) if turned else (self.width, self.height))
        self.canvas.setPageRotation(self.rotation)
        if self.rotation == 90:
            self.canvas.transform(0, 1, -1, 0, self.height, 0)
        elif self.rotation == 180:
            self.canvas.transform(-1, 0, 0, -1, self.width, self.height)
        elif self.rotation == 270:
            self.canvas.transform(0, -1, 1, 0, 0, self.width)
        self.y = 60.0
        for text, at in ((self.header, 30), (self.footer, self.height - 20)):
            if text:
                self.text(40, at, text.replace("#", str(self.page)))

    def text(self, x: float, y: float, text: str, font: str = REGULAR, size: float = 10) -> None:
        self.canvas.setFont(font, size)
        self.canvas.drawString(x, self.height - y, text)

    def box(self, x0: float, y0: float, x1: float, y1: float) -> None:
        self.canvas.rect(x0, self.height - y1, x1 - x0, y1 - y0)

    def save(self) -> None:
        self.canvas.save()

    def cells(self, texts: Sequence[str], edges: Sequence[float], font: str = REGULAR) -> None:
        """A row of ruled cells; what does not fit on the page goes on, cell by cell, on the next."""
        wrapped = [wrap(text, x1 - x0 - 6, font) for text, x0, x1 in zip(texts, edges, edges[1:], strict=False)]
        left = max(len(lines) for lines in wrapped)
        while left:
            room = int((self.height - 45 - self.y) // 11)
            if room < 1:
                self.new_page()
                continue
            height = min(left, room) * 11 + 4
            for lines, x0, x1 in zip(wrapped, edges, edges[1:], strict=False):
                self.box(x0, self.y, x1, self.y + height)
                for number, line in enumerate(lines[:room]):
                    self.text(x0 + 3, self.y + 11 * (number + 1), line, font)
                del lines[:room]
            self.y += height
            left = max(len(lines) for lines in wrapped)


def draw_appendix(
    path: Path, title: str, variants: Sequence[tuple[str, Sequence[tuple]]], repeat_header: bool = False, **options: Any
) -> None:
    """An appendix. A variant is (heading, rows); a row is (16 cell texts, [(reference, quality), ...])."""
    sheet = Sheet(path, 842, 595, **options)
    sheet.text(320, sheet.y, "Invented Society of Pictures", BOLD, 14)
    sheet.text(380, sheet.y + 40, title, BOLD, 12)
    sheet.y += 70
    for heading, rows in variants:
        for number, line in enumerate(wrap(heading, 700, BOLD)):
            if sheet.y > 540:
                sheet.new_page()
            sheet.text(42 if not number else 95, sheet.y, line, BOLD)
            sheet.y += 11
        sheet.y += 20
        table_header(sheet)
        page = sheet.page
        for texts, references in rows:
            if repeat_header and sheet.page != page:
                table_header(sheet)
                page = sheet.page
            sheet.cells(texts, COLUMNS)
            if references:
                for pair in (("References", "Study Quality"), *references):
                    sheet.cells(pair, (242, 421, 600))
        sheet.y += 30
    if sheet.y > 540:
        sheet.new_page()
    sheet.text(42, sheet.y, "Appendix Key", BOLD)
    sheet.save()


def table_header(sheet: Sheet) -> None:
    if sheet.y > 480:
        sheet.new_page()
    edges = (*COLUMNS[:8], COLUMNS[-1])
    sheet.cells(["", "", "", "", "", "", "", "Final Tabulations"], edges, BOLD)
    sheet.cells([*LABELS, *"123456789"], COLUMNS, BOLD)


class Prose(Sheet):
    """A narrative in the making: paragraphs, headings and rating tables, 12 points on 16."""

    def __init__(self, path: Path, **options: Any) -> None:
        super().__init__(path, 595, 842, **options)

    def lines(self, text: str, font: str = REGULAR, x: float = 36, size: float = 12, after: float = 0) -> None:
        for line in wrap(text, 555 - x, font, size):
            if self.y > 780:
                self.new_page()
            self.text(x, self.y, line, font, size)
            self.y += 16
        self.y += after

    def paragraph(self, text: str) -> None:
        self.lines(text, after=16)

    def heading(self, text: str) -> None:
        self.lines(text, BOLD)

    def table(self, rows: Sequence[Sequence[str]]) -> None:
        self.cells(("Procedure", "Appropriateness Category", "Relative Radiation Level"), (36, 295, 432, 558), BOLD)
        for row in rows:
            self.cells(row, (36, 295, 432, 558))
        self.y += 34
