"""The appendix PDF says exactly what its web page says."""

from pathlib import Path
from typing import Any

import guideline_pdf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acrflow.guideline.publishers.acr.appendix import column_names, is_header, read_appendix
from acrflow.guideline.witnesses import Ratings
from acrflow.io.errors import InputError
from acrflow.tasks.appropriateness import DISAGREEMENT
from acrflow.text.citations import pmid_of


@pytest.fixture(scope="module")
def real_topics(shared_data: Path) -> Any:
    return sorted((shared_data / "acr").iterdir())


def test_every_cell_of_a_real_appendix_equals_its_web_page(real_topics: list[Path]) -> None:
    for folder in real_topics:
        printed, page = (facts(read_appendix(folder / name)) for name in ("appendix.pdf", "appendix.html"))
        assert printed == page


def facts(appendix: Ratings) -> dict[str, Any]:
    """Everything that an appendix says, its places and the order of its rows left out."""
    return {
        "title": appendix.title,
        "unused": appendix.unused,
        "variants": [
            (
                v.number,
                v.text,
                sorted(({**vars(row), "place": None} for row in v.rows), key=lambda row: row["procedure"]),
            )
            for v in appendix.variants
        ],
    }


def test_no_text_of_a_real_appendix_is_left_over(real_topics: list[Path]) -> None:
    assert [read_appendix(folder / "appendix.pdf").unused for folder in real_topics] == [0] * len(real_topics)


@given(st.integers(min_value=1, max_value=99_999_999))
def test_a_number_of_one_to_eight_digits_is_a_pmid(number: int) -> None:
    assert pmid_of(str(number)) == pmid_of(number) == number


@pytest.mark.parametrize(
    "printed", ["-1234567", "0", "012", "123456789", "in press", "", None, "12 345", "12\n", "٣", 0, -31]
)
def test_what_is_no_plausible_pmid_is_none(printed: str | int | None) -> None:
    assert pmid_of(printed) is None


def test_column_headings_are_told_from_rows() -> None:
    assert is_header(["Procedure", "Appropriateness", "Category", "SOE", "Adults RRL", "1", "9"])
    assert is_header(["Final Tabulations"])
    assert not is_header(["1", "2", "3"])
    assert not is_header(["US procedure room", "Usually", "appropriate"])


def test_columns_are_named_by_their_headings_in_any_order() -> None:
    assert column_names(["Median", "Procedure", "Peds RRL", "Final Tabulations 1", "2", "Remarks"]) == [
        "median",
        "procedure",
        "pediatric",
        "1",
        "2",
        None,
    ]


VOTES = tuple("012345670")


def row(
    procedure: Any,
    category: str = "Usually appropriate",
    soe: Any = "Limited",
    adult: Any = "O 0 mSv",
    ped: Any = "O 0 mSv [ped]",
    rating: Any = "8",
    median: Any = "8",
) -> Any:
    return (procedure, category, soe, adult, ped, rating, median, *VOTES)


def many_rows(count: int) -> Any:
    return [
        (row(f"US region number {number} with a name that wraps"), [(f"{number} ({1000 + number})", "3")])
        for number in range(1, count)
    ]


@pytest.fixture
def drawn(tmp_path: Path) -> Any:
    def draw(variants: Any, **options: Any) -> Ratings:
        guideline_pdf.draw_appendix(tmp_path / "appendix.pdf", "Glimmer of the Elbow", variants, **options)
        return read_appendix(tmp_path / "appendix.pdf")

    return draw


def test_a_heading_that_wraps_and_crosses_a_page_is_whole_and_free_of_the_footer(drawn: Any) -> None:
    heading = "Variant 12: " + "Glimmer after a fall, as in Variant 2, with or without light. " * 60
    appendix = drawn(
        [("Variant 1: Glimmer.", many_rows(14)), (heading, many_rows(4))], footer="Page # of 9", header="Glimmer"
    )
    assert [variant.number for variant in appendix.variants] == [1, 12]
    assert appendix.variants[1].text == heading.removeprefix("Variant 12: ").strip()
    assert appendix.unused == 0


@pytest.mark.parametrize("repeat_header", [False, True])
def test_rows_that_cross_a_page_are_put_together(drawn: Any, repeat_header: bool) -> None:
    long = "CT elbow, forearm and wrist " * 5 + "without and with IV contrast"
    split = row(long.strip(), "May be appropriate (Disagreement)", rating="5", median="5")
    rows = [(split, [] if number % 2 else [("7 (12345)", "Good")]) for number in range(30)]
    for shift in range(5):  # the page break falls on another line of the row each time
        shifted: list[Any] = [(row("US elbow"), [])] * shift + rows
        variant = drawn([("Variant 1: Glimmer.", shifted)], footer="#", repeat_header=repeat_header).variants[0]
        assert [found.procedure for found in variant.rows] == ["US elbow"] * shift + [long] * 30
        assert {found.category for found in variant.rows[shift:]} == {DISAGREEMENT}
        assert {found.pediatric_rrl for found in variant.rows} == {"O 0 mSv [ped]"}
        assert [len(found.references) for found in variant.rows[shift:]] == [1, 0] * 15


def test_a_page_that_is_turned_reads_the_same(drawn: Any) -> None:
    variants = [("Variant 1: Glimmer.", many_rows(20)), ("Variant 2: No glimmer.", many_rows(3))]
    upright = drawn(variants)
    assert len(upright.variants[0].rows) == 19
    assert [drawn(variants, rotation=rotation) for rotation in (90, 180, 270)] == [upright] * 3


def test_what_an_appendix_may_leave_out_is_none(drawn: Any) -> None:
    bare = ("Rest", "May be appropriate", "", "Varies", "", "4", "n/a", *[""] * 9)
    found = (
        drawn([("Variant 1: Glimmer.", [(bare, [("3", "2"), ("4 (-77)", ""), ("5 (in press)", "Inadequate")])])])
        .variants[0]
        .rows[0]
    )
    assert (found.strength_of_evidence, found.adult_rrl, found.pediatric_rrl) == (None, "Varies", None)
    assert (found.rating, found.median, found.votes) == (4, None, None)
    assert [(ref.number, ref.printed, ref.pmid, ref.study_quality) for ref in found.references] == [
        (3, None, None, "2"),
        (4, "-77", None, None),
        (5, "in press", None, "Inadequate"),
    ]


def test_a_row_without_a_category_is_an_error_that_names_the_page(drawn: Any) -> None:
    rows = [*many_rows(20), (row("US elbow", "Sometimes nice"), [])]
    with pytest.raises(
        InputError, match=r"page 3, line \d+: row 'US elbow' has no appropriateness category \(found 'Sometimes nice'\)"
    ):
        drawn([("Variant 1: Glimmer.", rows)])


def test_a_rating_that_is_no_rating_is_an_error(drawn: Any) -> None:
    with pytest.raises(InputError, match="rating of 'US elbow' is '11'"):
        drawn([("Variant 1: Glimmer.", [(row("US elbow", rating="11"), [])])])
