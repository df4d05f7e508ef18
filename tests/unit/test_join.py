"""Each row finds the heading that explains it, and no row finds one that does not."""

import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acrflow.guideline.join import THRESHOLD, best_match, pair, parse, plain

FAMILIES = [
    "CT Abdomen and Pelvis",
    "MRI Abdomen",
    "US Abdomen",
    "US Abdomen with IV Contrast",
    "US Duplex Doppler Abdomen",
]


def found(name: str, headings: list[str] = FAMILIES) -> Any:
    match = best_match([name], headings)
    return (None if match.index is None else headings[match.index], match.join)


@pytest.mark.parametrize("contrast", ["with IV contrast", "without IV contrast", "without and with IV contrast"])
def test_a_family_heading_explains_every_row_of_the_family(contrast: str) -> None:
    assert found(f"CT abdomen and pelvis {contrast}") == ("CT Abdomen and Pelvis", "family")


@pytest.mark.parametrize(
    ("name", "heading"),
    [
        ("US abdomen", "US Abdomen"),
        ("US abdomen with IV contrast", "US Abdomen with IV Contrast"),
        ("US duplex Doppler abdomen", "US Duplex Doppler Abdomen"),
    ],
)
def test_the_more_specific_heading_wins(name: str, heading: str) -> None:
    assert found(name) == (heading, "exact")


def test_a_heading_that_lists_regions_does_not_explain_an_examination_of_one_more() -> None:
    headings = ["CT Abdomen and Pelvis with IV Contrast", "US Abdomen"]
    assert found("CT chest abdomen pelvis with IV contrast", headings) == (None, "none")
    assert found("CT abdomen with IV contrast", headings) == (headings[0], "family")


def test_words_after_a_further_with_do_not_break_a_family() -> None:
    assert found("MRI abdomen without and with IV contrast with MRCP") == ("MRI Abdomen", "family")


@pytest.mark.parametrize(
    ("name", "heading"),
    [
        ("Fluoroscopy contrast enema", "Fluoroscopic Contrast-Enhanced Enema"),
        ("Radiography chest", "Chest Radiographs"),
        ("Radiography knee", "X-Ray Knee"),
        ("MRA head without IV contrast", "MR Angiography Head Without IV Contrast"),
        ("CTA chest with IV contrast", "CT Angiography Chest with Intravenous Contrast"),
        ("US pelvis transvaginal", "Transvaginal Ultrasound Pelvis"),
        ("CT pelvis with bladder contrast (CT cystography)", "CT Cystography"),
        ("Arteriography leg", "Angiography Legs"),
        ("CT head without IV contrast", "Noncontrast CT Head"),
    ],
)
def test_other_words_for_the_same_thing_are_found(name: str, heading: str) -> None:
    assert found(name, ["US Toe", heading, "CT Toe"]) == (heading, "synonym")


@pytest.mark.parametrize("name", ["CT neck with IV contrast", "MRI neck without IV contrast"])
def test_a_heading_that_lists_procedures_explains_each(name: str) -> None:
    assert found(name, ["US Neck", "CT or MRI Neck"])[0] == "CT or MRI Neck"
    assert found(name, ["US Neck", "CT Neck and MRI Neck"])[0] == "CT Neck and MRI Neck"


@pytest.mark.parametrize(
    ("name", "heading"),
    [
        ("CT chest with IV contrast", "CT Abdomen and Pelvis"),
        ("MRI abdomen without IV contrast", "CT Abdomen"),
        ("FDG-PET/CT skull base to mid-thigh", "CT Skull"),
        ("CT abdomen", "CT Abdomen with IV Contrast"),
        ("CT head without IV contrast", "CT Head with IV Contrast"),
        ("CT head without and with IV contrast", "CT Head without IV Contrast"),
        ("US abdomen", "US Pelvis"),
        ("Radiography chest", "Image-Guided Biopsy"),
    ],
)
def test_nothing_is_guessed(name: str, heading: str) -> None:
    match = best_match([name], [heading])
    assert (match.index, match.join, match.score) == (None, "none", 0.0)


def test_two_headings_that_fit_equally_well_explain_nothing() -> None:
    assert found("CT abdomen and pelvis", ["CT Abdomen", "CT Pelvis"]) == (None, "none")
    assert found("CT chest abdomen pelvis", ["CT Chest Abdomen", "CT Abdomen Pelvis"]) == (None, "none")


def test_a_heading_of_its_own_wins_over_one_that_lists_it() -> None:
    assert found("CT neck", ["CT or MRI Neck", "Neck CT"]) == ("Neck CT", "synonym")


def test_the_narrative_tables_name_finds_the_heading_too() -> None:
    match = best_match(["Barium swallow", "Fluoroscopy biphasic esophagram"], ["Fluoroscopy Biphasic Esophagram"])
    assert (match.join, match.score) == ("exact", 1.0)


def test_contrast_is_read_in_any_order() -> None:
    assert parse("CT head without and with IV contrast") == parse("CT head with and without intravenous contrast")
    assert parse("CT head with or without IV contrast").contrast is None


def test_tables_pair_one_to_one_and_renamed_rows_find_each_other() -> None:
    appendix = ["US abdomen", "Fluoroscopy contrast enema", "CT head with IV contrast", "Bone scan"]
    narrative = ["CT head with IV contrast", "Fluoroscopic contrast-enhanced enema", "US Abdomen", "MRI toe"]
    assert pair(appendix, narrative) == {0: 2, 1: 1, 2: 0}


WORDS = "CT MRI US abdomen pelvis head with without and IV contrast or MRCP (CT) FDG-PET/CT ; bone scan"
NAMES = st.lists(st.sampled_from(WORDS.split(" ")), max_size=9).map(" ".join)


@given(NAMES, st.lists(NAMES, max_size=5))
def test_a_match_is_above_the_threshold_or_none(name: str, headings: list[str]) -> None:
    match = best_match([name], headings)
    assert (match.index is None) == (match.join == "none") == (match.score < THRESHOLD)
    if plain(name) in map(plain, headings):
        assert match.join == "exact"


@given(st.lists(NAMES, max_size=6), st.lists(NAMES, max_size=6))
def test_no_table_row_is_paired_twice(names: list[str], others: list[str]) -> None:
    pairs = pair(names, others)
    assert len(set(pairs.values())) == len(pairs)


@pytest.mark.parametrize(
    ("name", "heading", "join"),
    [
        ("CT abdomen with IV contrast", "CT Abdomen and Pelvis", "family"),
        ("US pelvis transvaginal", "US Pelvis Transabdominal and US Pelvis Transvaginal", "family"),
        ("CT hip without IV contrast", "CT Arthrography Hip", "none"),
        ("CT arthrography hip", "CT Hip", "none"),
        ("CT neck and chest", "CT Chest", "none"),
        ("MRI neck without IV contrast", "MRI Head and MRA Head and Neck", "none"),
        ("Gallium scan whole body", "WBC Scan Whole Body", "none"),
        ("CT leg area of interest (not hip or knee)", "MRI Leg Area of Interest (not Hip or Knee)", "none"),
        ("Bone scan with SPECT or SPECT/CT hip", "Bone Scan with SPECT or SPECT/CT Spine", "none"),
    ],
)
def test_a_heading_may_say_more_only_by_an_and(name: str, heading: str, join: str) -> None:
    assert best_match([name], [heading]).join == join


def test_with_the_right_headings_no_real_procedure_is_misplaced(shared_data: Path) -> None:
    table = pl.read_csv(shared_data / "acr_tables" / "acr_2025_all.csv.gz", columns=["Topic", "Variant", "Procedure"])
    contrast = re.compile(r"\s*\b(without and with|with and without|without|with)\s+(IV\s+)?contrast\b", re.IGNORECASE)
    wrong = []
    for _, rows in table.unique(maintain_order=True).group_by(["Topic", "Variant"]):
        names = rows["Procedure"].to_list()
        families = {plain(contrast.sub("", name)): contrast.sub("", name).strip() for name in names}
        headings = list(families.values())
        for name in names:
            match = best_match([name], headings)
            if match.index is None or plain(headings[match.index]) != plain(contrast.sub("", name)):
                wrong.append((name, match))
    assert len(wrong) <= 0.001 * table.height, wrong[:10]
