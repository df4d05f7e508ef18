"""From runs to lines of text and to the bands of ruled tables, by position alone."""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from acrflow.guideline.pdf import Page, Ruling, Run

SAME_RULING = 2.0  # points; neighbouring cells draw their common edge twice, up to a pen's width apart
WORD_GAP = 0.12  # of the font size: the gap between two runs that is a blank (a blank is 0.2 to 0.3 wide)
MARGIN_SHARE = 0.4  # a line that stands on this share of the pages, at the same place, is a page header or footer


@dataclass(slots=True)
class Line:
    """A line of text: `base` is its baseline, `top` where its characters begin (about a font size above)."""

    page: int
    text: str
    x0: float
    x1: float
    base: float
    size: float
    bold: bool

    @property
    def top(self) -> float:
        return self.base - 0.8 * self.size


@dataclass(slots=True)
class Band:
    """What stands between two neighbouring horizontal rulings of a table.

    Attributes:
        edges: x of the vertical rulings that cross the band, from left to right.
        line: which of the page's lines of text, counted from 1, is its first.
    """

    page: int
    top: float
    bottom: float
    edges: list[float]
    runs: list[Run] = field(default_factory=list)
    line: int = 1

    @property
    def place(self) -> str:
        """Where the band stands, for a message."""
        return f"page {self.page}, line {self.line}"

    def cells(self, edges: Sequence[float]) -> list[str]:
        """Text of each cell, one more than `edges` has gaps is never made: `len(edges) - 1` texts."""
        held: list[list[Run]] = [[] for _ in edges[1:]]
        for run in self.runs:
            middle = (run.x0 + run.x1) / 2
            inside = sum(edge <= middle for edge in edges) - 1
            held[min(max(inside, 0), len(held) - 1)].append(run)
        return [join_lines([line.text for line in lines(runs, self.page)]) for runs in held]


def squeeze(text: str) -> str:
    """White space normalised: single blanks, none at the ends."""
    return " ".join(text.split())


_DASHED = re.compile(r"[\w)\]%°][-\u2010\u2011\u2013]$|[a-z]/$", re.IGNORECASE)
_ADDRESS = re.compile(r"(?:https?://|www\.)\S*[^\s.,;)\]]$")  # a web address that no full stop ends
_SUSPENDED = re.compile(r"(?:and|or|to|versus|nor)\b", re.IGNORECASE)


def join_lines(texts: Iterable[str]) -> str:
    """Set the lines of one paragraph or cell in a row.

    A line that ends in a hyphen, a dash or a slash joins the next one without a blank: these documents break
    lines after a hyphen the author wrote ("long-", "lasting") and never hyphenate themselves, so the hyphen
    stays. The exception is the suspended hyphen ("CT-", "or MRI-guided"), which keeps its blank. A web address is
    broken anywhere; it goes on with anything but a capital letter.
    """
    whole = ""
    for text in texts:
        text = squeeze(text)
        if not text:
            continue
        hyphen = _DASHED.search(whole) and not _SUSPENDED.match(text)
        address = _ADDRESS.search(whole) and not text[0].isupper()
        whole += text if hyphen or address or not whole else f" {text}"
    return whole


def lines(runs: Iterable[Run], page: int) -> list[Line]:
    """Runs that stand on the same height, joined; from top to bottom.

    A superscript or subscript overlaps its line by more than half its own height and joins it.
    """
    groups: list[list[Run]] = []
    for run in sorted(runs, key=lambda run: (run.base, run.x0)):
        group = groups[-1] if groups else None
        if group is not None and _same_height(max(group, key=lambda member: member.size), run):
            group.append(run)
        else:
            groups.append([run])
    return [_line(group, page) for group in groups]


def _same_height(anchor: Run, run: Run) -> bool:
    top = max(anchor.base - 0.75 * anchor.size, run.base - 0.75 * run.size)
    bottom = min(anchor.base, run.base)
    return bottom - top > 0.5 * 0.75 * min(anchor.size, run.size)


def _line(group: list[Run], page: int) -> Line:
    group.sort(key=lambda run: run.x0)
    text, end = "", group[0].x0
    for run in group:
        blank = run.x0 - end > WORD_GAP * run.size
        text += (" " if text and blank else "") + run.text
        end = max(end, run.x1)
    main = max(group, key=lambda run: (run.size, len(run.text)))
    bold = all(run.bold for run in group if any(sign.isalnum() for sign in run.text))
    return Line(page, squeeze(text), group[0].x0, end, main.base, main.size, bold)


def bands(page: Page) -> list[Band]:
    """The bands of the page's ruled tables, from top to bottom, each with the runs inside it."""
    found = []
    heights = _positions(page.horizontal)
    baselines = sorted({round(run.base) for run in page.runs})
    for top, bottom in pairwise(heights):
        middle = (top + bottom) / 2
        edges = _positions([ruling for ruling in page.vertical if ruling.start < middle < ruling.end])
        if len(edges) > 1:
            found.append(Band(page.number, top, bottom, edges, line=1 + bisect_left(baselines, round(top))))
    for run in page.runs:
        band = next((band for band in found if holds(band, run)), None)
        if band:
            band.runs.append(run)
    return found


def holds(band: Band, run: Run) -> bool:
    """Whether the run's middle lies inside the band."""
    middle = run.base - 0.35 * run.size
    return band.top <= middle < band.bottom and band.edges[0] <= (run.x0 + run.x1) / 2 <= band.edges[-1]


def _positions(rulings: Iterable[Ruling]) -> list[float]:
    """Distinct positions; rulings within a pen's width of each other are one."""
    distinct: list[float] = []
    for at in sorted(ruling.at for ruling in rulings):
        if not distinct or at - distinct[-1] > SAME_RULING:
            distinct.append(at)
    return distinct


def free_lines(page: Page, inside: Sequence[Band]) -> list[Line]:
    """The page's lines outside these bands, from top to bottom."""
    return lines([run for run in page.runs if not any(holds(band, run) for band in inside)], page.number)


def without_margins(pages: Sequence[Sequence[Line]]) -> tuple[list[list[Line]], list[Line]]:
    """Take page headers, footers and page numbers away.

    A line is one if it is among the first or last two of its page and the same text (numbers aside) stands at the same
    height on two fifths of the pages (left and right pages may differ), and on three at least.

    Returns:
        the pages' lines that remain, and the lines taken away.
    """
    seen = Counter(key for page in pages for key in {_margin_key(line) for line in _outer(page)})
    enough = max(3, MARGIN_SHARE * len(pages))
    kept, taken = [], []
    for page in pages:
        outer = {id(line) for line in _outer(page)}
        margin = [line for line in page if id(line) in outer and seen[_margin_key(line)] >= enough]
        taken += margin
        kept.append([line for line in page if not any(line is other for other in margin)])
    return kept, taken


def _outer(page: Sequence[Line]) -> list[Line]:
    return [*page[:2], *page[2:][-2:]]


def _margin_key(line: Line) -> tuple[str, int]:
    return re.sub(r"\d+", "#", line.text), round(line.base)
