"""The appendix PDF says exactly what its web page says."""

import appendix_html
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acrflow.guideline.appendix import column_names, is_header, pmid_of, read_appendix


@pytest.fixture(scope="module")
def real_topics(shared_data):
    return sorted((shared_data / "acr").iterdir())


def test_every_cell_of_a_real_appendix_equals_its_web_page(real_topics):
    for folder in real_topics:
        compare(read_appendix(folder / "appendix.pdf"), appendix_html.read(folder / "appendix.html"))


def compare(appendix, page):

    assert {variant.number: variant.text for variant in appendix.variants} == {
        number: variant["text"] for number, variant in page.items()
    }
    for variant in appendix.variants:
        printed = {
            row.procedure: {
                "category": row.category.lower(),
                "soe": row.strength_of_evidence or "",
                "adult": row.adult_rrl or "",
                "pediatric": row.pediatric_rrl or "",
                "rating": str(row.rating),
                "median": f"{row.median:g}",
                "votes": [str(count) for count in row.votes],
                "references": [(ref.number, ref.printed, ref.study_quality) for ref in row.references],
            }
            for row in variant.rows
        }
        assert printed == page[variant.number]["rows"]
        assert len(variant.rows) == len(printed)


def test_no_text_of_a_real_appendix_is_left_over(real_topics):
    assert [read_appendix(folder / "appendix.pdf").unused for folder in real_topics] == [0] * len(real_topics)


@given(st.integers(min_value=1, max_value=99_999_999))
def test_a_number_of_one_to_eight_digits_is_a_pmid(number):
    assert pmid_of(str(number)) == number


@pytest.mark.parametrize("printed", ["-3194700", "0", "012", "123456789", "in press", "", None, "12 345"])
def test_what_is_no_plausible_pmid_is_none(printed):
    assert pmid_of(printed) is None


def test_column_headings_are_told_from_rows():
    assert is_header(["Procedure", "Appropriateness", "Category", "SOE", "Adults RRL", "1", "9"])
    assert is_header(["Final Tabulations"])
    assert not is_header(["1", "2", "3"])
    assert not is_header(["US procedure room", "Usually", "appropriate"])


def test_columns_are_named_by_their_headings_in_any_order():
    assert column_names(["Median", "Procedure", "Peds RRL", "Final Tabulations 1", "2", "Remarks"]) == [
        "median",
        "procedure",
        "pediatric",
        "1",
        "2",
        None,
    ]
