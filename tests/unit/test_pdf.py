"""Text and rulings come off the page with their place, whatever the page's rotation, origin or font scaling."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reportlab.pdfgen.canvas import Canvas

from acrflow.guideline.layout import Line, bands, lines, without_margins
from acrflow.guideline.pdf import Page, Ruling, Run, read_pages


@pytest.fixture
def canvas(tmp_path: Path) -> Any:
    path = tmp_path / "page.pdf"
    made = Canvas(str(path), pagesize=(400, 600))

    def read() -> Page:
        made.save()
        return read_pages(path)[0]

    return made, read


def test_a_run_knows_its_place_size_and_weight(canvas: Any) -> None:
    sheet, read = canvas
    sheet.setFont("Helvetica-Bold", 14)
    sheet.drawString(50, 500, "Elbow")
    sheet.setFont("Helvetica", 9)
    sheet.drawString(50, 480, "or knee")
    heading, text = read().runs
    assert (heading.text, heading.bold, text.text, text.bold) == ("Elbow", True, "or knee", False)
    assert (heading.x0, heading.base, heading.size) == pytest.approx((50, 100, 14), abs=0.5)
    assert heading.x1 == pytest.approx(50 + sheet.stringWidth("Elbow", "Helvetica-Bold", 14), abs=1.5)
    assert (text.base, text.size) == pytest.approx((120, 9), abs=0.5)


def test_a_font_that_the_page_scales_has_its_visible_size(canvas: Any) -> None:
    sheet, read = canvas
    sheet.scale(12, 12)
    sheet.setFont("Helvetica", 1)
    sheet.drawString(5, 20, "Elbow")
    assert read().runs[0].size == pytest.approx(12, abs=0.1)


def test_words_drawn_apart_are_runs_apart_with_their_own_places(canvas: Any) -> None:
    sheet, read = canvas
    sheet.setFont("Helvetica", 10)
    sheet.drawString(50, 500, "left")
    sheet.drawString(200, 500, "right")
    left, right = read().runs
    assert (left.x0, right.x0) == pytest.approx((50, 200), abs=0.5)


def test_blanks_around_a_run_do_not_move_it(canvas: Any) -> None:
    sheet, read = canvas
    sheet.setFont("Helvetica", 10)
    sheet.drawString(50, 500, "    elbow    ")
    run = read().runs[0]
    assert run.text.strip() == "elbow"
    assert run.x0 == pytest.approx(50 + 4 * 2.78, abs=0.6)
    assert run.x1 < 90


def test_a_watermark_across_the_page_is_left_out_and_counted(canvas: Any) -> None:
    sheet, read = canvas
    sheet.setFont("Helvetica", 10)
    sheet.drawString(50, 500, "elbow")
    sheet.rotate(45)
    sheet.drawString(300, 100, "DRAFT")
    page = read()
    assert [run.text for run in page.runs] == ["elbow"]
    assert page.tilted == len("DRAFT")


def test_rectangles_and_lines_are_rulings(canvas: Any) -> None:
    sheet, read = canvas
    sheet.drawString(60, 110, "elbow")
    sheet.rect(50, 100, 200, 30)
    sheet.line(60, 400, 160, 400)
    page = read()
    assert sorted({round(ruling.at) for ruling in page.horizontal}) == [200, 470, 500]
    assert sorted({round(ruling.at) for ruling in page.vertical}) == [50, 250]
    top = min(page.horizontal, key=lambda ruling: ruling.at)
    assert (top.start, top.end) == pytest.approx((60, 160), abs=0.5)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text(alphabet="abcdefgh ijk-", min_size=1, max_size=20), min_size=1, max_size=8))
def test_every_character_drawn_is_read_once(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    path = tmp_path_factory.mktemp("pdf") / "page.pdf"
    sheet = Canvas(str(path))
    sheet.setFont("Helvetica", 10)
    for at, text in enumerate(["start", *texts]):
        sheet.drawString(50, 700 - 20 * at, text)
    sheet.save()
    found = "".join(line.text for line in lines(read_pages(path)[0].runs, 1))
    assert found.replace(" ", "") == "".join(["start", *texts]).replace(" ", "")


def test_cells_between_rulings_hold_the_runs_whose_middle_is_inside() -> None:
    def run(text: str, x0: float, base: float) -> Run:
        return Run(text, x0, x0 + 20, base, 10, False)

    page = Page(1, 300, 300, [run("a", 15, 30), run("b", 65, 30), run("b2", 65, 42), run("c", 15, 70)])
    page.horizontal = [Ruling(at, 10, 110) for at in (20, 21, 50, 80)]
    page.vertical = [Ruling(at, 20, 80) for at in (10, 60, 60.8, 110)]
    assert [band.cells(band.edges) for band in bands(page)] == [["a", "b b2"], ["c", ""]]


def test_margins_are_lines_that_stand_on_many_pages_at_one_height() -> None:
    def line(page: int, text: str, base: float) -> Line:
        return Line(page, text, 40, 100, base, 10, False)

    pages = [
        [line(page, "Glimmer", 20), line(page, f"Text {'abcdefg'[page]}", 60), line(page, f"Page {page}", 800)]
        for page in range(6)
    ]
    kept, taken = without_margins(pages)
    assert [[line.text for line in page] for page in kept] == [[f"Text {'abcdefg'[page]}"] for page in range(6)]
    assert len(taken) == 12


def test_a_sentence_that_two_pages_share_is_no_margin() -> None:
    pages = [[Line(page, "Same words.", 40, 100, 60, 10, False)] for page in range(2)]
    assert without_margins(pages)[1] == []
