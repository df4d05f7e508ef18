"""From parsed topics to the table of all rows."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import polars as pl

from acrflow.guideline.model import Guideline, Row, Variant
from acrflow.io.errors import InputError
from acrflow.io.ledger import Ledger
from acrflow.schemas import polars_schema
from acrflow.schemas.guideline import Guidelines, Studies, row_id


def collect(guidelines: Sequence[Guideline], ledger: Ledger) -> pl.DataFrame:
    """One row per condition x variant x procedure (`schemas.guideline.Guidelines`), in the order of the topics given.

    A procedure that a variant prints twice is kept once and counted in `ledger`; twice with different categories is
    an error of the document.

    Raises:
        InputError: a topic comes twice, or a procedure has two categories in one variant.
    """
    twice = [topic for topic, count in Counter(guideline.topic for guideline in guidelines).items() if count > 1]
    if twice:
        raise InputError("--guidelines", f"topic '{twice[0]}' is given twice", "give each topic once")
    kept: dict[str, dict[str, Any]] = {}
    for guideline in guidelines:
        for variant in guideline.variants:
            for row in variant.rows:
                ledger.taken += 1
                values = _values(guideline, variant, row)
                other = kept.setdefault(values["id"], values)
                if other is values:
                    continue
                name = f"{guideline.topic}, variant {variant.number}: {row.procedure}"
                if other["appropriateness"] != row.category:
                    what = f"printed twice, as '{other['appropriateness']}' and as '{row.category}'"
                    raise InputError(name, what, "correct the topic's JSON or leave the topic out")
                ledger.leave_out("printed twice", name)
    rows = list(kept.values())
    ledger.kept = len(rows)
    ledger.facts = {
        "topics": len(guidelines),
        "variants": sum(len(guideline.variants) for guideline in guidelines),
        "with_reasoning": sum(row["reasoning"] is not None for row in rows),
        "joins": dict(Counter(row["join"] for row in rows)),
        "appropriateness": dict(Counter(row["appropriateness"] for row in rows)),
    }
    return pl.DataFrame(rows, schema=polars_schema(Guidelines))


def studies(guidelines: Sequence[Guideline]) -> pl.DataFrame:
    """The entries of all evidence tables (`schemas.guideline.Studies`)."""
    rows = [{"topic": guideline.topic, **study.model_dump()} for guideline in guidelines for study in guideline.studies]
    return pl.DataFrame(rows, schema=polars_schema(Studies))


def quality(reports: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The sum of the topics' quality reports: how much was read, how well the documents agree, what was not used."""
    tables = [report["evidence_table"] for report in reports if report["evidence_table"]]
    conflicts = Counter(conflict["column"] for report in reports for conflict in report["conflicts"])
    flagged = Counter(reference["status"] for report in reports for reference in report["flagged_references"])
    return {
        "rows_in_appendix": sum(report["rows"]["appendix"] for report in reports),
        "rows_in_narrative": sum(report["rows"]["narrative"] for report in reports),
        "rows_only_in_appendix": sum(len(report["rows"]["only_in_appendix"]) for report in reports),
        "rows_only_in_narrative": sum(len(report["rows"]["only_in_narrative"]) for report in reports),
        "categories_compared": sum(report["categories"]["compared"] for report in reports),
        "categories_agree": sum(report["categories"]["agree"] for report in reports),
        "conflicts": dict(conflicts),
        "rows_without_reasoning": sum(len(report["rows_without_reasoning"]) for report in reports),
        "flagged_references": dict(flagged),
        "evidence_tables": len(tables),
        "studies": sum(table["studies"] for table in tables),
        "study_quality_conflicts": sum(len(table["study_quality_conflicts"]) for table in tables),
        "sections_not_used": sum(len(report["text_not_used"]["sections"]) for report in reports),
        "characters_not_used_in_appendices": sum(report["text_not_used"]["appendix_characters"] for report in reports),
    }


def _values(guideline: Guideline, variant: Variant, row: Row) -> dict[str, Any]:
    return {
        "id": row_id(guideline.topic, variant.text, row.procedure),
        "topic": guideline.topic,
        "condition": guideline.title,
        "revision": guideline.revision,
        "year": guideline.year,
        "variant_number": variant.number,
        "variant": variant.text,
        "procedure": row.procedure,
        "appropriateness": row.category,
        "rating": row.rating,
        "median": row.median,
        "votes": row.votes,
        "strength_of_evidence": row.strength_of_evidence,
        "adult_rrl": row.adult_rrl,
        "pediatric_rrl": row.pediatric_rrl,
        "references": [reference.number for reference in row.references],
        "narrative_procedure": row.narrative_procedure,
        "narrative_category": row.narrative_category,
        "reasoning": row.reasoning,
        "heading": row.heading,
        "join": row.join,
        "join_score": row.join_score,
    }
