"""Condensed abstracts keep what was found, in the abstract's own words."""

import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from eutils_programs import article

from acrflow import schemas
from acrflow.evidence.condense import condense, condense_sections
from acrflow.evidence.reader import absent, read_records
from acrflow.io.ledger import Ledger
from acrflow.schemas.evidence import Condensed, Records
from acrflow.text.sentences import split_sentences


def section(label: str | None, text: str, category: str | None = None) -> dict[str, str | None]:
    return {"label": label, "category": category, "text": text}


def condense_one(*sections: dict[str, str | None], unstructured: str = "findings") -> str:
    return condense_sections(sections, unstructured)


def records(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=schemas.polars_schema(Records), orient="row")


def test_results_and_conclusions_are_kept_and_methods_dropped() -> None:
    text = condense_one(
        section("PURPOSE", "To scan 12 patients.", "OBJECTIVE"),
        section("FINDINGS", "Uptake rose.", "RESULTS"),
        section("INTERPRETATION", "Scan early.", "CONCLUSIONS"),
    )
    assert text == "Uptake rose. Scan early."


@pytest.mark.parametrize(
    "label",
    [
        "MAIN RESULTS",
        "AUTHORS' CONCLUSIONS",
        "REVIEWER’S CONCLUSIONS",
        "METHODS AND RESULTS",
        "Conclusion and Relevance",
        "DATA SYNTHESIS",
        "CLINICAL IMPACT",
    ],
)
def test_a_label_counts_where_pubmed_assigns_no_category(label: str) -> None:
    sections = (
        section("AIM", "To scan.", "UNASSIGNED"),
        section(label, "It rose.", "UNASSIGNED"),
        section("RESULTS", "So."),
    )
    assert condense_one(*sections) == "It rose. So."


def test_headings_inside_the_text_count_as_sections() -> None:
    text = (
        "OBJECTIVE: To scan 12 patients. MATERIALS AND METHODS: We scanned. RESULTS: Uptake (DNA: none) rose "
        "in 3 of 4. CONCLUSION: Scan early."
    )
    assert condense_one(section(None, text)) == "Uptake (DNA: none) rose in 3 of 4. Scan early."
    assert condense_one(section(None, text.title().replace("Dna", "DNA"))).startswith("Uptake")


def test_results_told_under_another_heading_are_not_lost() -> None:
    text = condense_one(
        section("OBJECTIVE", "We like scans. Mortality was 7 %.", "OBJECTIVE"), section("CONCLUSION", "Scan early.")
    )
    assert text == "Mortality was 7 %. Scan early."


def test_an_unstructured_abstract_keeps_findings_and_its_last_sentence() -> None:
    text = (
        "Scans are common. Sensitivity was high. We read T2-weighted scans twice. Uptake rose in 34 % of patients. "
        "Readers disagreed. CT was better than MRI. Half of them left. Further work is planned."
    )
    assert condense_one(section(None, text)) == (
        "Sensitivity was high. Uptake rose in 34 % of patients. CT was better than MRI. Half of them left. "
        "Further work is planned."
    )
    assert condense_one(section(None, text), unstructured="whole") == text


def test_what_has_no_text_says_why() -> None:
    xml = "".join(
        [
            article(90_000_001),
            article(90_000_002, types="Retracted Publication"),
            article(90_000_003, ""),
        ]
    )
    read = read_records(f"<PubmedArticleSet>{xml}</PubmedArticleSet>".encode())
    ledger = Ledger("condense_abstracts", "studies")
    condensed = Condensed.validate(condense(records(*read, absent(90_000_004)), "findings", ledger))
    assert condensed["dropped"].to_list() == [None, "retracted", "no abstract", "no record"]
    assert condensed["text"].to_list()[1:] == [None, None, None]
    first = condensed.row(0, named=True)
    assert (first["text"], first["words_before"], first["words_after"]) == (
        f"Telvic uptake rose in {90_000_001 % 97} % of invented patients.", 14, 9
    )  # fmt: skip
    assert (ledger.taken, ledger.kept) == (4, 1)


def test_real_abstracts_lose_methods_and_gain_no_word(shared_data: Path) -> None:
    files = [shared_data / "pubmed/efetch_mixed_real.xml", *(shared_data / "pubmed" / "efetch").glob("*.xml")]
    read = [record for file in files for record in read_records(file.read_bytes())]
    frame = records(*read)
    condensed = condense(frame, "findings", Ledger("condense_abstracts", "studies"))
    for record, row in zip(read, condensed.iter_rows(named=True), strict=True):
        source = " ".join(section["text"] for section in record["sections"])
        numbers = re.findall(r"\d+(?:\.\d+)?", row["text"] or "")
        assert all(number in source for number in numbers)
        assert all(sentence in source for sentence in split_sentences(row["text"] or "").sentences)
        assert row["dropped"] or row["text"]
    assert 0.3 < sum(condensed["words_after"]) / sum(condensed["words_before"]) < 0.8


def test_an_aim_is_no_finding_but_what_it_goes_on_to_tell_is() -> None:
    text = (
        "To compare the accuracy of CT between 2006 and 2007. The aim of this study was to assess sensitivity. "
        "To assess CT, we scanned 12 patients and found it in 50 %. The objective response rate was 40 %. Scan early."
    )
    assert condense_one(section(None, text)) == (
        "To assess CT, we scanned 12 patients and found it in 50 %. The objective response rate was 40 %. Scan early."
    )


def test_cases_counted_in_words_are_findings_and_counted_things_are_not() -> None:
    text = (
        "The disease has two phases. It was seen in five patients. Nine of ten were well. "
        "No bleeding was precipitated. CT is the modality of choice. Two readers disagreed. It is common. The end."
    )
    assert condense_one(section(None, text)) == (
        "It was seen in five patients. Nine of ten were well. No bleeding was precipitated. "
        "CT is the modality of choice. Two readers disagreed. The end."
    )
