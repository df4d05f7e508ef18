"""Render an invented topic's narrative: rating tables, reasoning by procedure family, bibliography."""

from pathlib import Path
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.styles import ParagraphStyle
from reportlab.platypus import BaseDocTemplate, Flowable, Frame, PageBreak, PageTemplate, Paragraph, Spacer, Table

from acrflow.synthetic.fonts import NOTICE, SYMBOLS, register
from acrflow.synthetic.language import Topic, Variant
from acrflow.tasks.appropriateness import CATEGORIES, MBA, UA

PAGE = (595, 842)  # A4
_MARGIN = 36
_WIDTHS = (258.6, 137.3, 127.1)

_TEXT = ParagraphStyle("text", fontName="Helvetica", fontSize=12, leading=15.95)
_APART = ParagraphStyle("apart", parent=_TEXT, spaceAfter=16)
_BOLD = ParagraphStyle("bold", parent=_TEXT, fontName="Helvetica-Bold")
_HEADING = ParagraphStyle("heading", parent=_BOLD, spaceBefore=20, spaceAfter=4)
_TITLE = ParagraphStyle("title", parent=_BOLD, alignment=1, leading=13)
_ISSUER = ParagraphStyle("issuer", parent=_TITLE, fontSize=10, leading=12)
_NOTICE = ParagraphStyle("notice", parent=_ISSUER, fontName="Helvetica-Oblique", fontSize=9)
_REVISION = ParagraphStyle("revision", parent=_TEXT, alignment=2)
_CELL = ParagraphStyle("cell", parent=_TEXT, fontSize=9, leading=11)
_CENTRED = ParagraphStyle("centred", parent=_CELL, alignment=1)
_CENTRED_BOLD = ParagraphStyle("centred bold", parent=_CENTRED, fontName="Helvetica-Bold")
_LISTED = ParagraphStyle("listed", parent=_TEXT, leftIndent=30, bulletIndent=17)
_REFERENCE = ParagraphStyle(
    "reference", parent=_TEXT, leftIndent=27, bulletIndent=4, bulletFontName="Helvetica-Bold", spaceAfter=6
)
_GREEN, _YELLOW, _RED = (
    colors.Color(0.86667, 0.96863, 0.86667),
    colors.Color(0.98431, 0.98431, 0.80784),
    colors.Color(0.99216, 0.92157, 0.93333),
)
_GRID = ("GRID", (0, 0), (-1, -1), 0.75, colors.black)
_TIGHT = [
    ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
    ("TOPPADDING", (0, 0), (-1, -1), 2),
    ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
    ("LEFTPADDING", (0, 0), (-1, -1), 3),
]

_PANEL = ("A. Mirel, MD", "K. Osta, MD, PhD", "R. Tavin, MD", "J. M. Belor, MD, MPH", "S. Quen, MD", "P. L. Daro, MD")
_PLACES = (
    "University of Ostrel, Ostrel. Panel Chair, Hospital of Dorvic. Clinic of Lumeric. Benneth School of Medicine."
)
_INITIAL_IMAGING = (
    "Initial imaging is the first imaging for the problem that the variant describes. More than one procedure can be "
    "usually appropriate in initial imaging:",
    "one procedure can take the place of another, and only one of them is ordered",
    "one procedure can add to another, and both of them are ordered",
)
_DEFINITIONS = {
    "Usually Appropriate": ("7, 8, or 9", "The procedure helps in this variant more than it can harm."),
    "May Be Appropriate": ("4, 5, or 6", "The procedure may help in this variant where a better one cannot be done."),
    "May Be Appropriate (Disagreement)": ("5", "The members of the panel rated the procedure too differently."),
    "Usually Not Appropriate": ("1, 2, or 3", "The procedure can harm in this variant more than it helps."),
}
_LEVELS = (
    ("O", "0 mSv", "0 mSv"),
    ("☢", "<0.1 mSv", "<0.03 mSv"),
    ("☢☢", "0.1-1 mSv", "0.03-0.3 mSv"),
    ("☢☢☢", "1-10 mSv", "0.3-3 mSv"),
    ("☢☢☢☢", "10-30 mSv", "3-10 mSv"),
    ("☢☢☢☢☢", "30-100 mSv", "10-30 mSv"),
)


def render_narrative(topic: Topic, path: Path) -> None:
    """Write a topic's narrative as PDF; the same topic gives the same bytes."""
    register()
    story: list[Flowable] = [
        Paragraph(f"{topic.revision} {topic.year}", _REVISION),
        Paragraph("Invented College of Imaging", _ISSUER),
        Paragraph("Invented Appropriateness Criteria", _ISSUER),
        Paragraph(NOTICE, _NOTICE),
        Paragraph(topic.title, _TITLE),
        Spacer(0, 14),
        *(part for variant in topic.variants for part in _rating_table(variant)),
        PageBreak(),
        *_opening(topic),
        *_discussion(topic),
        *_recommendations(topic),
        *_definitions(),
        *_radiation_levels(len(topic.bibliography) + 1),
        *_bibliography(topic),
        *_closing(),
    ]
    document = BaseDocTemplate(str(path), pagesize=PAGE, invariant=1, title=topic.title, author="acrflow demo")
    frame = Frame(
        _MARGIN,
        56,
        PAGE[0] - 2 * _MARGIN,
        PAGE[1] - 56 - 36,
        leftPadding=0,
        rightPadding=0,
        topPadding=0,
        bottomPadding=0,
    )
    document.addPageTemplates(PageTemplate(frames=[frame]))
    document.build(story)


def _signs(level: str) -> str:
    """The first word of a radiation level, in the font that has the sign."""
    return f'<font name="{SYMBOLS}">{level.split()[0]}</font>'


def _colour(category: str) -> colors.Color:
    return _GREEN if category == UA else _YELLOW if category.startswith(MBA) else _RED


def _rating_table(variant: Variant) -> list[Flowable]:
    """The table of a variant: by category, and within one in an order of its own (not the appendix's)."""
    rows = sorted(variant.rows, key=lambda row: (-row.rating // 3, row.procedure[::-1]))
    header = [
        Paragraph(t, _CENTRED_BOLD) for t in ("Procedure", "Appropriateness Category", "Relative Radiation Level")
    ]
    cells = [
        [
            Paragraph(row.narrative_procedure, _CELL),
            Paragraph(row.category, _CENTRED),
            Paragraph(_signs(row.adult_rrl), _CENTRED),
        ]
        for row in rows
    ]
    fills = [("BACKGROUND", (1, i), (1, i), _colour(row.category)) for i, row in enumerate(rows, start=1)]
    style = [_GRID, *_TIGHT, ("BACKGROUND", (0, 0), (-1, 0), colors.Color(0.898, 0.898, 0.898)), *fills]
    heading = f"<u>Variant: {variant.number}</u>&nbsp;&nbsp;&nbsp;{escape(variant.text)}"
    return [Spacer(0, 16), Paragraph(heading, _BOLD), Spacer(0, 2), Table([header, *cells], _WIDTHS, style=style)]


def _opening(topic: Topic) -> list[Flowable]:
    panel = "; ".join(f"{name}<super>{chr(ord('a') + i)}</super>" for i, name in enumerate(_PANEL))
    first, *bullets = _INITIAL_IMAGING
    return [
        Paragraph("Panel Members", _BOLD),
        Paragraph(f"{panel}.", _TEXT),
        Paragraph("Summary of Literature Review", _HEADING),
        Paragraph("Introduction/Background", _HEADING),
        *(Paragraph(escape(paragraph), _APART) for paragraph in topic.background),
        Paragraph("Initial Imaging Definition", _HEADING),
        Paragraph(first, _APART),
        *(Paragraph(bullet, _LISTED, bulletText="•") for bullet in bullets),
    ]


def _discussion(topic: Topic) -> list[Flowable]:
    story: list[Flowable] = [Paragraph("Discussion of Procedures by Variant", _HEADING)]
    for variant in topic.variants:
        heading = Paragraph(escape(f"Variant {variant.number}: {variant.text}"), _BOLD)
        story += [heading, Paragraph(variant.introduction, _TEXT)]
        for position, section in enumerate(variant.sections):
            *before, last = section.reasoning.split("\n\n")
            story += [
                Paragraph(escape(f"Variant {variant.number}: {variant.text}"), _BOLD),
                Paragraph(f"{chr(ord('A') + position)}. {section.heading}", _BOLD),
                *(Paragraph(escape(paragraph), _APART) for paragraph in before),
                Paragraph(escape(last), _TEXT),
            ]
    return story


def _recommendations(topic: Topic) -> list[Flowable]:
    story: list[Flowable] = [Paragraph("Summary of Recommendations", _HEADING), Spacer(0, 12)]
    for variant in topic.variants:
        names = " or ".join(row.procedure for row in variant.rows if row.category == UA)
        text = f"<b>Variant {variant.number}</b>: {names} is usually appropriate."
        story.append(Paragraph(text, _LISTED, bulletText="•"))
    support = "The appendix of this topic has the strength of evidence, the references and the votes of the panel."
    return [*story, Paragraph("Supporting Documents", _HEADING), Paragraph(f"{support} {NOTICE}", _TEXT)]


def _definitions() -> list[Flowable]:
    header = [
        Paragraph(f"<b>{t}</b>", _CENTRED)
        for t in ("Appropriateness Category Name", "Appropriateness Rating", "Appropriateness Category Definition")
    ]
    order = (CATEGORIES[2], CATEGORIES[1], CATEGORIES[3], CATEGORIES[0])
    cells = [[Paragraph(c, _CENTRED) for c in (name, *_DEFINITIONS[name])] for name in order]
    fills = [("BACKGROUND", (0, i), (0, i), _colour(name)) for i, name in enumerate(order, start=1)]
    return [
        Paragraph("Appropriateness Category Names and Definitions", _HEADING),
        Table([header, *cells], (139, 96, 287), style=[_GRID, *_TIGHT, *fills]),
    ]


def _radiation_levels(number: int) -> list[Flowable]:
    text = (
        "Radiation can harm, so a relative radiation level (RRL) is given for each procedure. Children are at higher "
        f"risk than adults, so their levels are lower. The doses are explained elsewhere [{number}]."
    )
    header = [
        "Relative Radiation Level*",
        "Adult Effective Dose Estimate Range",
        "Pediatric Effective Dose Estimate Range",
    ]
    rows = [
        [Paragraph(_signs(level), _CELL), *(Paragraph(escape(c), _CELL) for c in doses)] for level, *doses in _LEVELS
    ]
    cells = [
        [Paragraph("<b>Relative Radiation Level Designations</b>", _CELL), "", ""],
        [Paragraph(f"<b>{t}</b>", _CELL) for t in header],
        *rows,
        [
            Paragraph(
                "*The dose of some procedures varies too much to be given. They are designated as “Varies.”", _CELL
            ),
            "",
            "",
        ],
    ]
    spans = [("SPAN", (0, 0), (-1, 0)), ("SPAN", (0, -1), (-1, -1))]
    return [
        Paragraph("Relative Radiation Level Information", _HEADING),
        Paragraph(text, _TEXT),
        Table(cells, (355, 80, 88), style=[_GRID, *_TIGHT, *spans]),
    ]


def _bibliography(topic: Topic) -> list[Flowable]:
    entries = [(r.number, r.study.citation) for r in topic.bibliography]
    entries.append(
        (
            len(entries) + 1,
            "Invented College of Imaging. Invented Appropriateness Criteria Radiation Dose Introduction. Available at: "
            "https://invented.example/radiation-dose-introduction.pdf.",
        )
    )
    listed = [Paragraph(escape(citation), _REFERENCE, bulletText=f"{number}.") for number, citation in entries]
    return [Paragraph("References", _HEADING), *listed]


def _closing() -> list[Flowable]:
    disclaimer = (
        f"{NOTICE} The conditions, patients, studies and ratings in this document do not exist. It was written by a "
        "program, to show and to test a workflow that reads documents of this layout."
    )
    box = Table([[Paragraph(disclaimer, _CELL)]], (523,), style=[("BACKGROUND", (0, 0), (-1, -1), colors.lightgrey)])
    return [Paragraph("Disclaimer", _BOLD), box, Spacer(0, 16), Paragraph(f"<super>a</super>{_PLACES}", _TEXT)]
