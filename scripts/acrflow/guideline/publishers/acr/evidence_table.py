"""The evidence table: per reference the citation, what kind of study it was, its patients, aim, results and quality."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from acrflow.guideline.layout import Band, join_lines
from acrflow.guideline.model import Study
from acrflow.guideline.pdf import AGAIN, read_pages
from acrflow.guideline.publishers.acr import STUDY_QUALITY
from acrflow.guideline.publishers.acr.appendix import sequence
from acrflow.guideline.web import AGAIN_HTML, TableLine, columns, is_web_page, laid_out, read_page
from acrflow.io.errors import InputError

NUMBERED = re.compile(r"(\d{1,4})\.\s+(?=\S)")
_STUDY_TYPE = re.compile(r"[A-Za-z/-]+-(?:Dx|Tx)$")  # one word, which the narrow column breaks without a hyphen
_NOTHING = frozenset({"", "n/a", "na", "-", "–", "—"})
# a word of the column's heading, and the field that stands under it; the first that fits wins
_COLUMNS = (
    ("quality", "study_quality"),
    ("objective", "objective"),
    ("purpose", "objective"),
    ("result", "results"),
    ("patient", "patients"),
    ("type", "study_type"),
    ("reference", "citation"),
    ("citation", "citation"),
)
_NEEDED = frozenset(["citation", "study_type", "results", "study_quality"])


def read_evidence_table(path: Path) -> list[Study]:
    """Parse an evidence table: the publisher's PDF, or its web page where the name ends in .html or .htm.

    Returns:
        The studies in the table's order.

    Raises:
        InputError: the document cannot be read, holds no evidence table, or has a number twice; with page or line.
    """
    rows = _of_web_page(path) if is_web_page(path) else _of_pdf(path)
    studies: dict[int, Study] = {}
    for place, cells in rows:
        study = _study(cells)
        if study.number in studies:
            what = f"reference {study.number} stands twice in the evidence table"
            raise InputError(f"{path}, {place}", what, f"{AGAIN}; if it looks right, report its layout")
        studies[study.number] = study
    if not studies:
        where = f"{path}, {'line' if is_web_page(path) else 'page'} 1"
        raise InputError(where, "no evidence table found", AGAIN_HTML if is_web_page(path) else AGAIN)
    return list(studies.values())


def _names(labels: Sequence[str]) -> list[str | None]:
    return [next((name for word, name in _COLUMNS if word in label.lower()), None) for label in labels]


def _of_pdf(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Place and cells of every reference; a row that a page break has cut is put together again."""
    edges: list[float] = []
    names: list[str | None] = []
    place, row = "", dict[str, str]()
    for item in sequence(read_pages(path)):
        if not isinstance(item, Band):
            continue
        labels = _names(item.cells(item.edges))
        if _NEEDED.issubset(labels):
            edges, names = item.edges, labels
            continue
        if not edges or abs(item.edges[0] - edges[0]) > 5 or abs(item.edges[-1] - edges[-1]) > 5:
            continue  # the key after the table
        cells = {name: text for name, text in zip(names, item.cells(edges), strict=True) if name}
        if NUMBERED.match(cells.get("citation", "")) and cells.get("study_type"):
            if row:
                yield place, row
            place, row = f"page {item.page}", cells
        elif row:
            row = {name: join_lines([text, cells.get(name, "")]) for name, text in row.items()}
    if row:
        yield place, row


def _of_web_page(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    names: list[str | None] = []
    for item in read_page(path).items:
        if not isinstance(item, TableLine):
            continue
        labels = _names(columns([item]))
        if _NEEDED.issubset(labels):
            names = labels
            continue
        cells = {name: text for name, text in zip(names, laid_out(item), strict=False) if name}
        if NUMBERED.match(cells.get("citation", "")):
            yield f"line {item.line}", cells


def _study(cells: dict[str, str]) -> Study:
    match = NUMBERED.match(cells["citation"])
    quality = cells.get("study_quality", "")
    values = {name: cells.get(name, "") for name in ("study_type", "patients", "objective", "results")}
    if _STUDY_TYPE.match(values["study_type"].replace(" ", "")):
        values["study_type"] = values["study_type"].replace(" ", "")
    return Study(
        number=int(match[1]) if match else 0,
        citation=NUMBERED.sub("", cells["citation"], count=1),
        study_quality=STUDY_QUALITY.get(quality.lower()),
        **{name: None if text.lower() in _NOTHING else text for name, text in values.items()},
    )
