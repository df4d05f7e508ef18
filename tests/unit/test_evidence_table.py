"""The evidence table gives every study whole, from the PDF as from the web page."""

from pathlib import Path
from typing import Any

import guideline_pdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acrflow.guideline.model import BibliographyEntry, Guideline, Row, RowReference, Study, Variant
from acrflow.guideline.publishers.acr.evidence_table import read_evidence_table
from acrflow.guideline.qa import use_studies
from acrflow.io.errors import InputError

EDGES = (40, 231, 294, 357, 548, 739, 802)
LABELS = (
    "Reference",
    "Study Type",
    "Patients/Events",
    "Study Objective (Purpose of Study)",
    "Study Results",
    "Study Quality",
)
WORDS = st.lists(st.sampled_from(["glimmer", "elbow", "12%", "p=0.04;", "Dogs", "(CT)", "well-known"]), min_size=1)


def study(number: int, **values: str | None) -> Study:
    plain = {
        "citation": f"Author{number} A. Glimmer of the elbow {number}. J Pict. 2{number}(1):4-9, 2019 Mar.",
        "study_type": "Observational-Dx",
        "patients": f"{number + 20} patients",
        "objective": "To see the glimmer of the elbow.",
        "results": "It glimmered in 4 of 9.",
        "study_quality": "3",
    }
    return Study(number=number, **{**plain, **values})


def cells(entry: Study) -> list[str]:
    values = [entry.study_type, entry.patients, entry.objective, entry.results, entry.study_quality]
    return [f"{entry.number}. {entry.citation}", *(value or "N/A" for value in values)]


def draw(path: Path, studies: list[Study]) -> None:
    """A landscape table with its header on every page, cut by page breaks, and the key after it."""
    sheet = guideline_pdf.Sheet(path, 842, 595)
    sheet.cells(LABELS, EDGES, guideline_pdf.BOLD)
    for entry in studies:
        sheet.cells(cells(entry), EDGES)
    sheet.new_page()
    sheet.text(42, sheet.y, "Evidence Table Key", guideline_pdf.BOLD)
    sheet.text(42, sheet.y + 20, "1. A study that is very good.")
    sheet.save()


def page(path: Path, studies: list[Study]) -> None:
    """A web page with the header in a table of its own, as the publisher has it."""
    rows = "".join(f"<tr>{''.join(f'<td>{text}</td>' for text in cells(entry))}</tr>\n" for entry in studies)
    header = "".join(f"<th> {label} <button>?</button></th>" for label in LABELS)
    path.write_text(
        f"<html><body><script>'<td>no</td>'</script><table><tr>{header}</tr></table><table>{rows}</table></body></html>"
    )


MANY = [
    study(1, patients=None, study_quality="Good"),
    study(2, study_type="Review/Other-Dx", results="Nothing glimmered. " * 130),
    study(3, results=None, objective=None),
    study(14, study_type="Meta-analysis", study_quality="Inadequate"),
    *(study(number) for number in range(15, 40)),
]


@pytest.mark.parametrize("name", ["table.pdf", "table.html"])
def test_every_study_comes_back_as_it_was_written(name: str, tmp_path: Path) -> None:
    """A row that fills more than a page is put together again, and the key is no study."""
    (draw if name.endswith("pdf") else page)(tmp_path / name, MANY)
    assert read_evidence_table(tmp_path / name) == [
        entry.model_copy(update={"results": entry.results and entry.results.strip()}) for entry in MANY
    ]


@settings(max_examples=15, deadline=None)
@given(texts=st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=12))
def test_pdf_and_web_page_say_the_same(texts: list[tuple[list[str], list[str]]], tmp_path_factory) -> None:
    folder = tmp_path_factory.mktemp("table")
    studies = [
        study(number, objective=" ".join(first), results=" ".join(second))
        for number, (first, second) in enumerate(texts, start=1)
    ]
    draw(folder / "table.pdf", studies)
    page(folder / "table.html", studies)
    assert read_evidence_table(folder / "table.pdf") == read_evidence_table(folder / "table.html") == studies


def test_real_evidence_tables_are_the_same_in_pdf_and_web_page(shared_data: Path) -> None:
    for folder in sorted((shared_data / "acr").iterdir()):
        printed, saved = (read_evidence_table(folder / f"evidence_table.{kind}") for kind in ("pdf", "html"))
        assert [entry.number for entry in printed] == list(range(1, len(printed) + 1))
        assert printed == saved


def test_a_number_that_stands_twice_is_an_error_with_its_place(tmp_path: Path) -> None:
    page(tmp_path / "table.html", [study(4), study(4)])
    with pytest.raises(InputError, match=r"table.html, line \d+: reference 4 stands twice"):
        read_evidence_table(tmp_path / "table.html")


def test_another_document_is_refused(tmp_path: Path) -> None:
    guideline_pdf.draw_appendix(tmp_path / "appendix.pdf", "Glimmer", [])
    with pytest.raises(InputError, match="page 1: no evidence table found"):
        read_evidence_table(tmp_path / "appendix.pdf")


def test_the_evidence_table_fills_gaps_of_the_appendix_and_conflicts_keep_both_values() -> None:
    """A number that is another citation's in the bibliography gives nothing."""
    blank = {"study_type": None, "patients": None, "objective": None, "results": None}
    values: dict[str, Any] = dict.fromkeys(Row.model_fields)
    cited = [
        RowReference(number=number, printed=None, pmid=None, study_quality=quality)
        for number, quality in ((1, None), (2, "4"), (3, None), (9, "1"))
    ]
    row = Row(**{**values, "procedure": "US", "category": "x", "references": cited, "join": "none", "join_score": 0})
    guideline = Guideline(
        topic="t",
        title="T",
        revision=None,
        year=None,
        variants=[Variant(number=1, text="v", introduction=None, rows=[row])],
        bibliography=[
            BibliographyEntry(number=n, citation=f"{name} A. Glimmer.")
            for n, name in enumerate(["Mirelson", "Ostavik", "Tavinger"], 1)
        ],
        studies=[
            Study(number=1, citation="Mirelson A. Glimmer", study_quality="2", **blank),
            Study(number=2, citation="Ostavik A. Glimmer", study_quality="3", **blank),
            Study(number=3, citation="Somebody Else. Rust", study_quality="1", **blank),
        ],
    )
    assert use_studies(guideline) == {
        "studies": 3,
        "study_quality_taken_over": [1],
        "study_quality_conflicts": [{"number": 2, "appendix": "4", "evidence_table": "3"}],
        "references_without_study": [9],
        "other_citation_in_bibliography": [3],
    }
    assert [reference.study_quality for reference in cited] == ["2", "4", None, "1"]
