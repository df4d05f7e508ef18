"""Render an invented topic's evidence table: landscape pages, a ruled row a study, the header on every page."""

import re
from pathlib import Path
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.styles import ParagraphStyle
from reportlab.platypus import BaseDocTemplate, Flowable, Frame, PageTemplate, Paragraph, Spacer, Table

from acrflow.synthetic.fonts import NOTICE
from acrflow.synthetic.language import Topic
from acrflow.synthetic.studies import Study

PAGE = (842, 595)  # landscape A4
_WIDTHS = (190.6, 63, 63, 191, 191, 63)
_HEADER = (
    "Reference",
    "Study Type",
    "Patients/Events",
    "Study Objective (Purpose of Study)",
    "Study Results",
    "Study Quality",
)
_CELL = ParagraphStyle("study", fontName="Times-Roman", fontSize=10, leading=10)
_CENTRED = ParagraphStyle("study centred", parent=_CELL, alignment=1, splitLongWords=1)
_BOLD = ParagraphStyle("study bold", parent=_CENTRED, fontName="Times-Bold")
_MARKUP = re.compile(r"<[^>]+>")


def study_type(study: Study) -> str:
    """What kind of study the table calls it."""
    return "Review/Other-Dx" if study.publication_type == "Review" else "Observational-Dx"


def results(study: Study) -> str:
    """What the table prints as its results: the abstract's last part, without markup."""
    return " ".join(_MARKUP.sub("", study.abstract[-1].text).split()) if study.abstract else "No results stated."


def render_evidence_table(topic: Topic, path: Path) -> None:
    """Write a topic's evidence table as PDF; the same topic gives the same bytes."""
    rows = [[Paragraph(label, _BOLD) for label in _HEADER]]
    for reference in topic.bibliography:
        study = reference.study
        rows.append(
            [
                Paragraph(escape(f"{reference.number}. {study.citation}"), _CELL),
                Paragraph(study_type(study), _CENTRED),
                Paragraph("N/A" if study.publication_type == "Review" else "100 patients", _CENTRED),
                Paragraph(escape(f"To study: {study.title}."), _CELL),
                Paragraph(escape(results(study)), _CELL),
                Paragraph(study.quality, _CENTRED),
            ]
        )
    style = [("GRID", (0, 0), (-1, -1), 0.5, colors.black), ("VALIGN", (0, 0), (-1, -1), "TOP")]
    story: list[Flowable] = [
        Table(rows, _WIDTHS, repeatRows=1, style=style),
        Spacer(0, 20),
        Paragraph(f"<b>Evidence Table Key</b> {NOTICE}", _CELL),
    ]
    document = BaseDocTemplate(str(path), pagesize=PAGE, invariant=1, title=topic.title, author="acrflow demo")
    frame = Frame(40, 40, 762, 470, leftPadding=0, rightPadding=0, topPadding=0, bottomPadding=0)
    document.addPageTemplates(PageTemplate(frames=[frame]))
    document.build(story)
