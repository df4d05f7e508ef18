"""The narrative: title, rating tables, the discussion by variant and procedure family, the bibliography.

Headings are bold lines. The layout repeats the variant's heading before each procedure heading ("A. ..."); a heading
that wraps goes on as long as the variant's text, known from its rating table, is not complete.
"""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from acrflow.guideline.layout import Band, Line, join_lines, lines, without_margins
from acrflow.guideline.model import BibliographyEntry
from acrflow.guideline.pdf import AGAIN, Page, read_pages
from acrflow.guideline.publishers.acr.appendix import VARIANT, TableReader, sequence, title_of
from acrflow.guideline.witnesses import Narrative, NarrativeVariant, Section, TableRow, canonical
from acrflow.io.errors import InputError
from acrflow.tasks.appropriateness import parse_category

LETTER = re.compile(r"[A-Z]\.\s+(?=\S)")  # "A. CT Abdomen"
# a variant can have more sections than there are letters; what follows "Z." may be "AA.", "a." or a sign
AFTER_Z = re.compile(r"(?:[A-Za-z]{1,2}|[^A-Za-z0-9\s])\.\s+(?=\S)")
DISCUSSION = re.compile(r"discussion of procedures", re.IGNORECASE)
# bold headings of the layout itself that end the discussion
AFTER_DISCUSSION = re.compile(
    r"(summary of recommendations?|supporting documents?|appropriateness category names.*|relative radiation level .*"
    r"|safety considerations.*|gender equality.*|references|disclaimer)$",
    re.IGNORECASE,
)
REVISION = re.compile(r"([A-Z][A-Za-z ]*?)[ :]+((?:19|20)\d\d)$")
ENTRY = re.compile(r"(\d{1,4})\.\s*(.*)$")
PARAGRAPH_GAP = 1.45  # of the usual distance between two lines


def read_narrative(path: Path) -> Narrative:
    """Parse a narrative.

    Raises:
        InputError: the PDF cannot be read, or has neither a rating table nor a discussion of a variant.
    """
    return parse_narrative(read_pages(path), path)


def parse_narrative(pages: list[Page], path: Path) -> Narrative:
    """Parse the pages of a narrative; `path` is named in errors."""
    unused: Counter[str] = Counter()
    revision, year = _take_revision(pages[0])
    text_lines, margins = without_margins([lines(page.runs, page.number) for page in pages])
    unused["page headers and footers"] = sum(len(line.text) for line in margins)
    flow = [line for page in text_lines for line in page]

    start = _discussion_start(flow)
    title, variants = _front(pages, flow[start] if start < len(flow) else None, unused)
    end = next((at for at in range(start + 1, len(flow)) if _ends_discussion(flow[at])), len(flow))
    _Discussion(variants, flow[start:end]).read()
    bibliography = _bibliography(flow[end:], unused)
    if not any(variant.rows or variant.sections for variant in variants.values()):
        raise InputError(f"{path}, page 1", "no variant found: not the narrative of a guideline", AGAIN)
    found = {name: count for name, count in unused.items() if count}
    return Narrative(path, "page 1", title, revision, year, variants, bibliography, found)


def _take_revision(first: Page) -> tuple[str | None, int | None]:
    """The word and year of the revision, a run of its own above the first variant; it is taken off the page."""
    for run in sorted(first.runs, key=lambda run: run.base):
        if VARIANT.match(run.text):
            break
        match = REVISION.match(run.text.strip())
        if match:
            first.runs.remove(run)
            return match[1], int(match[2])
    return None, None


def _discussion_start(flow: Sequence[Line]) -> int:
    """Index of the discussion's heading; without one, of the first variant heading after the rating tables."""
    for at, line in enumerate(flow):
        if line.bold and DISCUSSION.match(line.text):
            return at
    headings = [at for at, line in enumerate(flow) if line.bold and VARIANT.match(line.text)]
    seen = set()
    for at in headings:
        match = VARIANT.match(flow[at].text)
        if match and match[1] in seen:
            return at
        seen.add(match and match[1])
    return len(flow)


def _ends_discussion(line: Line) -> bool:
    return line.bold and AFTER_DISCUSSION.match(line.text) is not None


def _front(pages: list[Page], discussion: Line | None, unused: Counter[str]) -> tuple[str, dict[int, NarrativeVariant]]:
    """Title and rating tables: everything before the discussion."""
    variants: dict[int, NarrativeVariant] = {}
    head: list[Line] = []
    heading: list[str] | None = None
    current: NarrativeVariant | None = None
    table = TableReader()
    row_page = 0  # of the last row, which may go on on the next page
    part = ""
    last = discussion.page if discussion else len(pages)
    for item in sequence(pages[:last]):
        if isinstance(item, Band):
            if current is not None and heading is not None:
                current.text, heading = join_lines(heading), None
            if current is not None and _add_table_row(table, item, current, cut=item.page > row_page):
                row_page = item.page
            continue
        if discussion is not None and (item.page, item.base) >= (discussion.page, discussion.base):
            break
        match = VARIANT.match(item.text) if item.bold else None
        if match:
            current = variants.setdefault(int(match[1]), NarrativeVariant(int(match[1]), "", place=f"page {item.page}"))
            heading = [match[2]]
        elif heading is not None:
            heading.append(item.text)
        elif current is None:
            head.append(item)
        else:
            part = item.text if item.bold else part
            unused[part] += len(item.text)
    return title_of(head), {number: variant for number, variant in variants.items() if variant.rows}


def _add_table_row(table: TableReader, band: Band, variant: NarrativeVariant, cut: bool) -> bool:
    """Take a band; True where it begins a row. `cut`: a page break stands before it."""
    cells = table.cut(band)
    if not cells:
        return False
    name, category = cells.get("procedure", ""), parse_category(cells.get("category", ""))
    radiation = cells.get("radiation") or cells.get("adult") or None
    if name and category:
        variant.rows.append(TableRow(band.place, name, category, radiation))
        return True
    if variant.rows and cut:  # the rest of the last row
        row = variant.rows[-1]
        row.procedure = join_lines([row.procedure, name])
        row.category = parse_category(f"{row.category} {cells.get('category', '')}") or row.category
    return False


class _Discussion:
    """Reads the discussion into the variants: introductions and sections."""

    def __init__(self, variants: dict[int, NarrativeVariant], flow: Sequence[Line]):
        self.variants = variants
        self.flow = flow
        ends = sorted(line.x1 for line in flow)
        self.right = ends[int(0.97 * len(ends))] if ends else 0.0  # a table or an address may stand out
        self.lettered = any(line.bold and LETTER.match(line.text) for line in flow)
        self.pitch = _usual_pitch(flow)
        self.variant: NarrativeVariant | None = None
        self.section: str | None = None  # heading of the open section
        self.held: list[Line] = []  # lines of the open section, or of the introduction

    def read(self) -> None:
        at = 0
        while at < len(self.flow):
            line = self.flow[at]
            variant = VARIANT.match(line.text) if line.bold else None
            if variant:
                at = self._variant_heading(at, int(variant[1]), variant[2])
            elif self.variant is not None and (self._letter(line) or (line.bold and not self.lettered)):
                at = self._procedure_heading(at)
            else:
                self.held.append(line)
                at += 1
        self._close()

    def _letter(self, line: Line) -> re.Match[str] | None:
        """The letter in front of a procedure heading; "CT. Next imaging study." at a line's start is none."""
        begun = len(self.variant.sections) + (self.section is not None) if self.variant else 0
        return (LETTER if begun < 26 else AFTER_Z).match(line.text) if line.bold else None

    def _variant_heading(self, at: int, number: int, text: str) -> int:
        """Take a variant's heading with the lines it wraps into; gives the index of the line after it."""
        known = self.variants.get(number)
        wanted = canonical(known.text) if known else ""
        following = at + 1
        while following < len(self.flow) and self._goes_on(following, wanted, canonical(text)):
            text = join_lines([text, self.flow[following].text])
            following += 1
        if known is None:
            known = self.variants[number] = NarrativeVariant(number, text, place=f"page {self.flow[at].page}")
        if self.variant is not known:
            self._close()
            self.variant = known
        # the same variant again: a procedure heading follows, and if none does, the open text goes on
        return following

    def _goes_on(self, at: int, wanted: str, sofar: str) -> bool:
        line = self.flow[at]
        if not line.bold or VARIANT.match(line.text):
            return False
        if wanted and (sofar == wanted or wanted.startswith(sofar + canonical(line.text))):
            return sofar != wanted
        if self._letter(line):
            return False
        # a procedure's heading, or one that does not spell the variant as the table does: go by the room on the line
        return self._wraps(self.flow[at - 1], line)

    def _procedure_heading(self, at: int) -> int:
        self._close()
        line = self.flow[at]
        letter = self._letter(line)
        text, following = line.text[letter.end() if letter else 0 :], at + 1
        while (
            following < len(self.flow)
            and self._goes_on(following, "", "")
            and not _ends_discussion(self.flow[following])
        ):
            text = join_lines([text, self.flow[following].text])
            following += 1
        self.section = text
        return following

    def _wraps(self, line: Line, following: Line) -> bool:
        """Whether `following` goes on with `line`: its first word had no room on it."""
        word = following.text.split(" ", 1)[0]
        width = (following.x1 - following.x0) * len(word) / max(1, len(following.text))
        return line.x1 + width + 1.3 * line.size > self.right

    def _close(self) -> None:
        """Put the held lines where they belong: the open section, or the variant's introduction."""
        held, section = self.held, self.section
        self.held, self.section = [], None
        if self.variant is None:
            return  # between the discussion's heading and its first variant
        text = self._paragraphs(held)
        if section is not None:
            self.variant.sections.append(Section(section, text))
        elif text:
            self.variant.introduction = "\n\n".join(part for part in (self.variant.introduction, text) if part)

    def _paragraphs(self, held: Sequence[Line]) -> str:
        paragraphs: list[list[str]] = []
        previous: Line | None = None
        for line in held:
            if previous is None or self._begins_paragraph(previous, line):
                paragraphs.append([])
            paragraphs[-1].append(line.text)
            previous = line
        return "\n\n".join(join_lines(texts) for texts in paragraphs)

    def _begins_paragraph(self, previous: Line, line: Line) -> bool:
        if line.page == previous.page and line.base - previous.base > PARAGRAPH_GAP * self.pitch:
            return True
        # a line may end early before a long word; no paragraph begins with a small letter
        return not line.text[0].islower() and not self._wraps(previous, line)


def _usual_pitch(flow: Sequence[Line]) -> float:
    """The most frequent distance between two lines, in points."""
    steps = Counter(round(after.base - before.base) for before, after in pairwise(flow) if after.base > before.base)
    return float(steps.most_common(1)[0][0]) if steps else 14.0


def _bibliography(flow: Sequence[Line], unused: Counter[str]) -> list[BibliographyEntry]:
    """The numbered entries after the heading "References"; entries hang, so a new one begins at the left edge."""
    entries: list[tuple[int, list[str]]] = []
    part, inside, left = "", False, 0.0
    for line in flow:
        if line.bold and (inside or not entries) and not ENTRY.match(line.text):
            part, inside = line.text, line.text.lower() == "references"
            continue
        match = ENTRY.match(line.text) if inside else None
        if match and not entries:
            left = line.x0
        number = int(match[1]) if match else 0
        if match and abs(line.x0 - left) < line.size and number > (entries[-1][0] if entries else 0):
            entries.append((number, [match[2]]))
        elif inside and entries:
            entries[-1][1].append(line.text)
        else:
            unused[part] += len(line.text)
    return [BibliographyEntry(number=number, citation=join_lines(texts)) for number, texts in entries]
