"""The narrative's words come through whole and in order, and nothing else gets among them."""

import re
import string
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import guideline_pdf
import pypdfium2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acrflow.guideline.layout import join_lines, squeeze
from acrflow.guideline.publishers.acr.narrative import read_narrative
from acrflow.guideline.witnesses import Narrative
from acrflow.io.errors import InputError


def solid(text: str) -> Any:
    """The text without white space; pdfium's sign for a hyphen at a line's end is a hyphen."""
    return re.sub(r"\s+", "", text.replace("\ufffe", "-").replace("\x02", "-"))


def whole_text(path: Path) -> Any:
    document = pypdfium2.PdfDocument(path)
    return "".join(page.get_textpage().get_text_range() for page in document)


def test_the_real_discussions_are_read_to_the_last_character(shared_data: Path) -> None:
    for folder in sorted((shared_data / "acr").iterdir()):
        narrative = read_narrative(folder / "narrative.pdf")
        expected = ""
        for variant in narrative.variants.values():
            heading = f"Variant {variant.number}: {variant.text}"
            expected += heading + (variant.introduction or "")
            for letter, section in zip(string.ascii_uppercase, variant.sections, strict=False):
                expected += f"{heading} {letter}. {section.heading} {section.text}"
        text = solid(whole_text(folder / "narrative.pdf"))
        start = text.index(solid("Discussion of Procedures by Variant")) + len(
            solid("Discussion of Procedures by Variant")
        )
        assert text[start:].startswith(solid(expected) + solid("Summary of Recommendations"))


def test_the_real_bibliographies_are_read_to_the_last_character(shared_data: Path) -> None:
    for folder in sorted((shared_data / "acr").iterdir()):
        entries = read_narrative(folder / "narrative.pdf").bibliography
        assert [entry.number for entry in entries] == list(range(1, len(entries) + 1))
        expected = solid("".join(f"{entry.number}. {entry.citation}" for entry in entries))
        text = solid(whole_text(folder / "narrative.pdf"))
        text = text[text.rindex("References1.") + len("References") : text.rindex("DisclaimerThe")]
        assert Counter(expected) == Counter(text)  # pdfium itself puts a number or two in the wrong line


VARIANT = (
    "Glimmer of the elbow after a fall that was seen by nobody but an old dog, no prior imaging. Next imaging study."
)
RATINGS = [
    ("CT elbow with IV contrast", "Usually Appropriate", "Varies"),
    ("US elbow", "May Be Appropriate (Disagreement)", "O"),
]
LONG = " ".join(
    f"Sentence {number} says that a long-lasting glimmer is well-known [{number}]." for number in range(120)
)


@pytest.fixture
def drawn(tmp_path: Path) -> Any:
    def draw(discussion: Any, front: Any = None, back: Any = None, **options: Any) -> Narrative:
        sheet = guideline_pdf.Prose(tmp_path / "narrative.pdf", **options)
        sheet.text(480, 116, "Revised 2031", size=12)
        sheet.text(230, 70, "Invented Society of Pictures", guideline_pdf.BOLD, 10)
        for at, line in enumerate(("Glimmer of the Elbow and", "of the Shoulder")):
            sheet.text(220, 88 + 14 * at, line, guideline_pdf.BOLD, 12)
        sheet.y = 140
        if front:
            front(sheet)
        else:
            sheet.heading(f"Variant: 1 {VARIANT}")
            sheet.table(RATINGS)
        sheet.heading("Panel Members")
        sheet.paragraph("A. Nobody, MD; B. Noone, MD.")
        sheet.heading("Discussion of Procedures by Variant")
        discussion(sheet)
        sheet.heading("Summary of Recommendations")
        sheet.paragraph("Variant 1: look at the elbow.")
        if back:
            back(sheet)
        sheet.save()
        return read_narrative(tmp_path / "narrative.pdf")

    return draw


def section(sheet: guideline_pdf.Prose, heading: str, *paragraphs: str, variant: str = f"Variant 1: {VARIANT}") -> None:
    sheet.heading(variant)
    sheet.heading(heading)
    for paragraph in paragraphs:
        sheet.paragraph(paragraph)


def test_title_revision_and_ratings_of_the_front_page(drawn: Any) -> None:
    narrative = drawn(lambda sheet: section(sheet, "A. CT Elbow", "It helps."))
    assert (narrative.title, narrative.revision, narrative.year) == (
        "Glimmer of the Elbow and of the Shoulder",
        "Revised",
        2031,
    )
    assert narrative.variants[1].text == VARIANT
    assert [(row.procedure, row.category, row.radiation) for row in narrative.variants[1].rows] == [
        ("CT elbow with IV contrast", "Usually Appropriate", "Varies"),
        ("US elbow", "May Be Appropriate (Disagreement)", "O"),
    ]


def test_a_section_over_pages_is_whole_and_free_of_headers_footers_and_page_numbers(drawn: Any) -> None:
    narrative = drawn(
        lambda sheet: section(sheet, "A. CT Elbow", LONG),
        header="Glimmer of the Elbow",
        footer="Society of Pictures 2031 page #",
    )
    assert narrative.variants[1].sections[0].text == LONG


def test_a_variant_may_have_more_sections_than_there_are_letters(drawn: Any) -> None:
    """Real ones have up to 36; nobody knows what is printed after "Z."."""
    marks = [*string.ascii_uppercase, "AA", "[", "_", "b", "AE"]
    names = [f"Look number {at} at the elbow" for at in range(len(marks))]

    def discussion(sheet: guideline_pdf.Prose) -> None:
        for mark, name in zip(marks, names, strict=True):
            section(sheet, f"{mark}. {name}", f"{name} helps.")

    sections = drawn(discussion).variants[1].sections
    assert [(part.heading, part.text) for part in sections] == [(name, f"{name} helps.") for name in names]


def test_a_variant_that_wraps_before_a_short_word_and_a_full_stop_is_no_procedure(drawn: Any) -> None:
    scenario = "Adult. Glimmer of the elbow that nobody saw on radiographs and then somebody saw by CT. Next imaging."

    def front(sheet: guideline_pdf.Prose) -> None:
        sheet.heading(f"Variant: 1 {scenario}")
        sheet.table(RATINGS)

    def discussion(sheet: guideline_pdf.Prose) -> None:
        for line in ("Variant 1: " + scenario.removesuffix(" CT. Next imaging."), "CT. Next imaging."):
            sheet.heading(line)
        sheet.paragraph("A fall is a fall.")
        section(sheet, "A. CT Elbow", "It helps.", variant=f"Variant 1: {scenario}")

    variant = drawn(discussion, front).variants[1]
    assert variant.introduction == "A fall is a fall."
    assert [(part.heading, part.text) for part in variant.sections] == [("CT Elbow", "It helps.")]


def test_no_paragraph_begins_with_a_small_letter(drawn: Any) -> None:
    """A line may end early before a long word."""

    def discussion(sheet: guideline_pdf.Prose) -> None:
        section(sheet, "A. CT Elbow")
        for line in ("The glimmer of the elbow is seen by", "glimmerographers of the old school.", "Not by dogs."):
            sheet.lines(line)

    text = drawn(discussion).variants[1].sections[0].text
    assert text == "The glimmer of the elbow is seen by glimmerographers of the old school.\n\nNot by dogs."


def test_introduction_sections_and_paragraphs_are_told_apart(drawn: Any) -> None:
    def discussion(sheet: guideline_pdf.Prose) -> None:
        sheet.heading(f"Variant 1: {VARIANT}")
        sheet.paragraph("A fall is a fall.")
        sheet.paragraph("So much for falls.")
        section(sheet, "A. CT Elbow", "First, in short.", "Second, in short.")
        section(sheet, "B. " + "US Elbow and All that Stands around It " * 3, "Only one.")
        section(sheet, "C. MRI Elbow")

    variant = drawn(discussion).variants[1]
    assert variant.introduction == "A fall is a fall.\n\nSo much for falls."
    assert [(part.heading, part.text) for part in variant.sections] == [
        ("CT Elbow", "First, in short.\n\nSecond, in short."),
        (("US Elbow and All that Stands around It " * 3).strip(), "Only one."),
        ("MRI Elbow", ""),
    ]


def test_paragraphs_end_at_a_gap_or_where_the_next_word_had_room(drawn: Any) -> None:
    def discussion(sheet: guideline_pdf.Prose) -> None:
        section(sheet, "A. CT Elbow")
        for text, y in (("W" * 45, 0), ("Next.", 32), ("One short item.", 64), ("Another item that is short.", 80)):
            sheet.text(36, sheet.y + y, text, size=12)
        sheet.y += 112

    assert drawn(discussion).variants[1].sections[0].text.split("\n\n") == [
        "W" * 45,
        "Next.",
        "One short item.",
        "Another item that is short.",
    ]


def test_a_variant_heading_repeated_inside_a_section_does_not_end_it(drawn: Any) -> None:
    def discussion(sheet: guideline_pdf.Prose) -> None:
        section(sheet, "A. CT Elbow", "Before.")
        sheet.heading(f"Variant 1: {VARIANT}")
        sheet.paragraph("After.")

    variant = drawn(discussion).variants[1]
    assert [part.text for part in variant.sections] == ["Before.\n\nAfter."]


def test_a_sentence_about_a_variant_is_no_heading(drawn: Any) -> None:
    text = "See there. " * 8 + "Variant 2: of the other guideline, and Variant 3 too."
    narrative = drawn(lambda sheet: section(sheet, "A. CT Elbow", text))
    assert narrative.variants[1].sections[0].text == text
    assert list(narrative.variants) == [1]


def test_headings_without_letters_are_headings_after_a_variants_heading(drawn: Any) -> None:
    def discussion(sheet: guideline_pdf.Prose) -> None:
        section(sheet, "CT Elbow", "It helps.")
        section(sheet, "US Elbow", "It may help.")

    sections = drawn(discussion).variants[1].sections
    assert [(part.heading, part.text) for part in sections] == [("CT Elbow", "It helps."), ("US Elbow", "It may help.")]


def test_a_raised_sign_stays_in_its_line(drawn: Any) -> None:
    def discussion(sheet: guideline_pdf.Prose) -> None:
        section(sheet, "A. CT Elbow")
        sheet.text(36, sheet.y, "A lesion of 4 mm", size=12)
        sheet.text(36 + guideline_pdf.stringWidth("A lesion of 4 mm", "Helvetica", 12), sheet.y - 4, "3", size=8)
        sheet.text(150, sheet.y, "is small.", size=12)
        sheet.y += 32

    assert drawn(discussion).variants[1].sections[0].text == "A lesion of 4 mm3 is small."


def test_a_bibliography_keeps_entries_that_begin_a_line_with_a_number(drawn: Any) -> None:
    def back(sheet: guideline_pdf.Prose) -> None:
        sheet.heading("References")
        for number in range(1, 13):
            sheet.text(36, sheet.y, f"{number}.")
            sheet.lines("Nobody A. On elbows and their glimmer. J Elbows. Volume 12, pages", x=63)
            sheet.lines("14. Dog B. This line goes on with the entry above.", x=63)
        sheet.heading("Disclaimer")
        sheet.paragraph("1. This is not medical advice.")

    entries = drawn(lambda sheet: section(sheet, "A. CT Elbow", "It helps."), back=back).bibliography
    assert [entry.number for entry in entries] == list(range(1, 13))
    assert {entry.citation for entry in entries} == {
        "Nobody A. On elbows and their glimmer. J Elbows. Volume 12, pages"
        " 14. Dog B. This line goes on with the entry above."
    }


def test_text_that_is_not_used_is_counted_under_its_heading(drawn: Any) -> None:
    unused = drawn(lambda sheet: section(sheet, "A. CT Elbow", "It helps.")).unused
    assert unused["Panel Members"] >= len("A. Nobody, MD; B. Noone, MD.")
    assert unused["Summary of Recommendations"] == len("Variant 1: look at the elbow.")


def test_a_document_without_variants_is_refused(drawn: Any) -> None:
    with pytest.raises(InputError, match=r"narrative\.pdf, page 1: no variant found"):
        drawn(lambda sheet: sheet.paragraph("Nothing."), front=lambda sheet: sheet.paragraph("Nothing."))


@pytest.mark.parametrize(
    ("lines", "whole"),
    [
        (("a glimmer, long-", "lasting"), "a glimmer, long-lasting"),
        (("CT-", "or MRI-guided"), "CT- or MRI-guided"),
        (("a 3-", "10 mSv"), "a 3-10 mSv"),
        (("between -", "and 4"), "between - and 4"),
        (("before 48\u2013", "72 hours"), "before 48\u201372 hours"),
    ],
)
def test_a_hyphen_at_the_end_of_a_line_stays(lines: Sequence[str], whole: str) -> None:
    assert join_lines(lines) == whole


@given(st.lists(st.text(alphabet="ab-/ .(]\u2013", max_size=12), max_size=6))
def test_joining_lines_changes_white_space_only(lines: Sequence[str]) -> None:
    assert solid(join_lines(lines)) == solid("".join(lines))
    assert squeeze(join_lines(lines)) == join_lines(lines)
