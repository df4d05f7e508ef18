"""A printed citation is taken apart as its bibliography meant it, and only its own record counts as the study."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acrflow.evidence.citation import Citation, read_citation, same_study, title_likeness
from acrflow.guideline.publishers.acr.narrative import read_narrative

CITED = Citation("Mirel AB", "Scans of morvane after a fall", "Imagin Radiol", 2011, "4", "17")


@pytest.mark.parametrize(
    "text",
    [
        "Mirel AB, Osta K, et al. Scans of morvane after a fall. Imagin Radiol. 4(2):17-23, 2011 May.",
        "Mirel AB, Osta K. Scans of morvane after a fall. [Review]. Imagin Radiol. 4(suppl. 2):17-23, 2011 May-Jun.",
        "Mirel AB. Scans of morvane after a fall. Imagin Radiol. 2011;4(2):17-23.",
        "Mirel AB. Scans of morvane after a fall. Imagin Radiol 2011 May 3;4(2):17-23.",
        "Mirel AB, Osta K, Jr., Peth C. Scans of morvane after a fall. Imagin Radiol. 4(2):17-9; discussion 20, 2011.",
        "Mirel AB. Scans of morvane after a fall?. Imagin Radiology. 4:17-23, 2011 05.Imagin Radiol. 4:17-23, 2011 05.",
    ],
)
def test_the_styles_of_bibliographies_give_the_same_parts(text: str) -> None:
    assert read_citation(text) == CITED


def test_full_stops_in_titles_and_journals_are_told_apart() -> None:
    two = read_citation("Mirel AB. Morvane pain. Part 1: the fall. IMAGIN. RADIOL.. 4(2):e17-23, 2011 May.")
    assert (two.title, two.journal, two.page) == ("Morvane pain. Part 1: the fall", "IMAGIN. RADIOL", "e17")


def test_what_is_no_article_has_no_place() -> None:
    page = read_citation("Invented College. Criteria of morvane. Available at: https://example.org/12/34.pdf.")
    assert (page.author, page.year, page.page, page.has_place) == ("Invented College", None, "", False)
    assert read_citation("").title == ""


words = st.lists(st.sampled_from(["scans", "of", "morvane", "in", "telvic", "pain"]), min_size=3).map(" ".join)


@given(words, st.integers(1900, 2099), st.integers(1, 999), st.sampled_from(["", "e", "W"]), st.integers(1, 99999))
def test_what_is_printed_is_read_back(title: str, year: int, volume: int, letter: str, page: int) -> None:
    meant = Citation("van Ostin D", title, "Made Up Med J", year, str(volume), f"{letter}{page}")
    head = f"van Ostin D, Peth C. {title}. Made Up Med J"
    assert read_citation(f"{head}. {volume}(3):{letter}{page}-9, {year} Dec.") == meant
    assert read_citation(f"{head}. {year};{volume}(3):{letter}{page}-9.") == meant


@given(st.text(max_size=200))
def test_any_text_is_read_without_an_error(text: str) -> None:
    assert not same_study(read_citation(text), replace(CITED, title="Another thing altogether"))


def test_the_same_study_may_differ_in_print_only() -> None:
    for other in (
        replace(CITED, title="[<i>Scans</i> of Morváne after a fall.]", year=2010, journal="Imaginary radiology"),
        replace(CITED, page="", volume=""),
        replace(CITED, title="Scans of morvane following a fall: a study", year=2012),  # placed, by the same author
    ):
        assert same_study(CITED, other), other


def test_another_study_is_not_taken_for_it() -> None:
    for other in (
        replace(CITED, page="18"),
        replace(CITED, page="", volume="5"),
        replace(CITED, year=2013),
        replace(CITED, year=None),
        replace(CITED, title="Scans of telvic pain in pregnant patients"),
        replace(CITED, title="Scans of morvane following a fall: a study", author="Peth C"),
    ):
        assert not same_study(CITED, other), other
    assert title_likeness("", "") == 0.0


def test_every_real_citation_of_an_article_gives_its_place(shared_data: Path) -> None:
    whole = 0
    for folder in (shared_data / "acr").iterdir():
        for entry in read_narrative(folder / "narrative.pdf").bibliography:
            found = read_citation(entry.citation)
            assert found.has_place != ("Available at" in entry.citation), entry.citation
            whole += bool(found.has_place and found.volume and found.author and len(found.title) > 15)
    assert whole == 81  # of 84; the others are web pages
