"""An appendix saved as a web page is read as exactly as its PDF."""

from pathlib import Path

import pytest

from acrflow.guideline.check import check_documents, documents_of, find_topics
from acrflow.guideline.publishers.acr.appendix import read_appendix
from acrflow.guideline.web import TableLine, columns, read_page
from acrflow.io.errors import InputError
from acrflow.tasks.appropriateness import DISAGREEMENT, UA, UNA

HEADER = (
    "".join(
        f"<td rowspan='2'>{label}</td>"
        for label in ("Procedure", "Appropriateness Category", "SOE", "Adult RRL", "Peds RRL", "Rating", "Median")
    )
    + "<td colspan='9'>Final Tabulations</td></tr><tr>"
    + "".join(f"<td>{rating}</td>" for rating in range(1, 10))
)


def row(*cells: str, references: str = "") -> str:
    nested = f"<tr><td colspan=4><table><tr><td>References<td>Study Quality</tr>{references}</table></td></tr>"
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>{nested if references else ''}"


def save(path: Path, *tables: str) -> Path:
    """Variants 1, 2, ... of an invented topic; unclosed and oddly nested tags as browsers accept them."""
    body = "".join(
        f"<h5>Variant {number}: Glimmer of\n the elbow &lt; {number}0 days.</h5><table><tr>{HEADER}</tr>{rows}</table>"
        for number, rows in enumerate(tables, start=1)
    )
    path.write_text(
        "<!DOCTYPE html><html><body><h1>Criteria</h1><input id=hdnTopicName value='Glimmer of the Elbow'>"
        f"<table><tr><td><div></div></td></tr></table>{body}<p>Footer</body></html>",
        encoding="utf-8",
    )
    return path


VOTES = [str(count) for count in (0, 1, 0, 4, 4, 1, 1, 8, 2)]
FIRST = row(
    "US elbow<br>with   sound",
    "Usually appropriate ",
    "Limited <a onclick='show()'><span>References</span></a>",
    "O 0 mSv",
    "",
    "8",
    "n/a",
    *VOTES,
    references="<tr><td>14  (26209440)<td>Good</tr><tr><td>7 (-31)</td><td>4</td></tr><tr><td>8<td></td></tr>",
)
SECOND = row("CT elbow", "May be appropriate (Disagreement)", "", "☢☢", "Varies", "5", "5", *[""] * 9)


def test_rows_votes_and_references_are_read_by_structure(tmp_path: Path) -> None:
    appendix = read_appendix(save(tmp_path / "appendix.html", FIRST + SECOND, SECOND))
    assert (appendix.title, appendix.unused) == ("Glimmer of the Elbow", 0)
    assert [(variant.number, variant.text) for variant in appendix.variants] == [
        (1, "Glimmer of the elbow < 10 days."),
        (2, "Glimmer of the elbow < 20 days."),
    ]
    first, second = appendix.variants[0].rows
    assert (first.procedure, first.category, first.strength_of_evidence) == ("US elbow with sound", UA, "Limited")
    assert (first.adult_rrl, first.pediatric_rrl, first.rating, first.median) == ("O 0 mSv", None, 8, None)
    assert first.votes == [int(count) for count in VOTES]
    assert [(ref.number, ref.printed, ref.pmid, ref.study_quality) for ref in first.references] == [
        (14, "26209440", 26209440, "Good"),
        (7, "-31", None, "4"),
        (8, None, None, None),
    ]
    assert (second.category, second.votes, second.references) == (DISAGREEMENT, None, [])


def test_a_header_over_two_rows_names_every_column(tmp_path: Path) -> None:
    page = read_page(save(tmp_path / "appendix.html", FIRST))
    header = [item for item in page.items if isinstance(item, TableLine) and len(item.cells) > 1][:2]
    assert columns(header)[:2] == ["Procedure", "Appropriateness Category"]
    assert columns(header)[-1] == "Final Tabulations 9"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("plain words", "the file is no web page"),
        ("<html><body>503 Service Unavailable</body></html>", "line 1: no variant with a rating table"),
    ],
)
def test_what_is_no_appendix_is_refused(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "appendix.html"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_appendix(path)


def test_a_row_without_a_category_is_named_with_its_line(tmp_path: Path) -> None:
    path = save(tmp_path / "appendix.html", row("US elbow", "Nice", "", "", "", "1", "1", *VOTES))
    with pytest.raises(InputError, match=r"line \d+: row 'US elbow' has no appropriateness category"):
        read_appendix(path)


def test_a_folder_may_hold_the_web_page_instead_of_the_pdf(tmp_path: Path) -> None:
    """Where both are there the PDF is read."""
    folder = tmp_path / "elbow"
    folder.mkdir()
    page = save(folder / "appendix.html", FIRST)
    assert find_topics(tmp_path) == ["elbow"]
    assert documents_of(folder) == {"appendix": page}
    with pytest.raises(InputError, match=r"narrative.pdf: the document is missing"):
        check_documents(tmp_path, ["elbow"])
    (folder / "appendix.pdf").touch()
    assert documents_of(folder)["appendix"].name == "appendix.pdf"


def test_deeply_nested_tables_end_in_an_answer(tmp_path: Path) -> None:
    path = tmp_path / "appendix.html"
    path.write_text("<table><tr><td>" * 50_000)
    with pytest.raises(InputError, match="no variant"):
        read_appendix(path)


def test_categories_of_the_page_are_those_of_the_pdf(tmp_path: Path) -> None:
    rows = row("US elbow", "USUALLY NOT APPROPRIATE", "", "", "", "2", "2", *VOTES)
    assert read_appendix(save(tmp_path / "appendix.html", rows)).variants[0].rows[0].category == UNA
