"""What the generator wrote into the documents is exactly what the parser reads from them."""

from pathlib import Path
from typing import Any

import pytest

from acrflow.guideline import model
from acrflow.guideline.publishers.acr.evidence_table import read_evidence_table
from acrflow.guideline.qa import parse_topic
from acrflow.synthetic.appendix import render_appendix
from acrflow.synthetic.evidence_table import render_evidence_table, results
from acrflow.synthetic.language import Row, Topic, invent
from acrflow.synthetic.narrative import render_narrative

TITLES = (
    "Morvane Syndrome", "Telvic Pain", "Ostrel Fever", "Quillan Mass", "Dorvic Trauma",
    "Benneth Bleeding", "Cardane Distress", "Yarrow Stenosis", "Lumeric Swelling", "Hesper Colic",
)  # fmt: skip
TOPICS = [(title.lower().replace(" ", "_"), title) for title in TITLES]


def parse(topic: Topic, folder: Path) -> tuple[model.Guideline, dict[str, Any]]:
    render_narrative(topic, folder / "narrative.pdf")
    render_appendix(topic, folder / "appendix.pdf")
    return parse_topic(topic.topic, {kind: folder / f"{kind}.pdf" for kind in ("narrative", "appendix")})


def truth_of(row: Row) -> dict[str, Any]:
    return {
        "procedure": row.procedure,
        "category": row.category,
        "strength_of_evidence": row.strength_of_evidence,
        "adult_rrl": row.adult_rrl,
        "pediatric_rrl": row.pediatric_rrl,
        "rating": row.rating,
        "median": row.median,
        "votes": list(row.votes),
        "references": [
            {
                "number": reference.number,
                "printed": reference.study.printed,
                "pmid": reference.study.pmid,
                "study_quality": reference.study.quality,
            }
            for reference in row.references
        ],
        "narrative_procedure": row.narrative_procedure,
        "narrative_category": row.category,
        "heading": row.heading,
        "reasoning": row.reasoning,
    }


@pytest.mark.parametrize("seed", [7, 8])
@pytest.mark.parametrize("index", range(len(TOPICS)))
def test_every_row_comes_back_as_it_was_written(index: int, seed: int, tmp_path: Path) -> None:
    topic = invent(TOPICS, seed)[index]
    parsed, _ = parse(topic, tmp_path)
    assert (parsed.title, parsed.revision, parsed.year) == (topic.title, topic.revision, topic.year)
    assert [(variant.number, variant.text, variant.introduction) for variant in parsed.variants] == [
        (variant.number, variant.text, variant.introduction) for variant in topic.variants
    ]
    for variant, truth in zip(parsed.variants, topic.variants, strict=True):
        found = [row.model_dump(exclude={"join", "join_score"}) for row in variant.rows]
        assert found == [truth_of(row) for row in truth.rows]


def test_the_bibliography_comes_back_as_it_was_written(tmp_path: Path) -> None:
    topic = invent(TOPICS, seed=7)[4]
    parsed, _ = parse(topic, tmp_path)
    *entries, radiation = parsed.bibliography
    assert [(entry.number, entry.citation) for entry in entries] == [
        (reference.number, reference.study.citation) for reference in topic.bibliography
    ]
    assert radiation.number == len(entries) + 1 and radiation.citation.startswith("Invented College of Imaging.")


def test_the_evidence_table_comes_back_as_it_was_written(tmp_path: Path) -> None:
    for topic in invent(TOPICS, seed=7)[:4]:
        render_evidence_table(topic, tmp_path / "table.pdf")
        studies = read_evidence_table(tmp_path / "table.pdf")
        assert [(study.number, study.citation, study.study_quality) for study in studies] == [
            (reference.number, reference.study.citation, reference.study.quality) for reference in topic.bibliography
        ]
        assert [study.results for study in studies] == [results(reference.study) for reference in topic.bibliography]


def test_a_page_break_cuts_a_row_in_at_least_one_appendix(tmp_path: Path) -> None:
    from acrflow.guideline.pdf import read_pages

    begun_above = 0
    for topic in invent(TOPICS, seed=7):
        render_appendix(topic, tmp_path / "appendix.pdf")
        for page in read_pages(tmp_path / "appendix.pdf"):
            highest = min(run.base for run in page.runs)
            begun_above += any(run.text.strip().startswith("appropriate") for run in page.runs if run.base == highest)
    assert begun_above


def test_the_report_counts_what_the_generator_made_odd(tmp_path: Path) -> None:
    topics = invent(TOPICS, seed=7)
    _, report = parse(topics[1], tmp_path)
    assert [reference["status"] for reference in report["flagged_references"]] == ["not_a_pmid"]
    _, report = parse(topics[6], tmp_path)
    assert len(report["rows_without_reasoning"]) == len(topics[6].variants)
