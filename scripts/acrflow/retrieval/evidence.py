"""The studies assigned to rows as the evidence of prompts."""

from typing import Any

import polars as pl


def of_rows(assigned: pl.DataFrame, condensed: pl.DataFrame) -> dict[str, list[dict[str, Any]]]:
    """The evidence of each row that has some: {number, pmid, text}, as `schemas.dataset.Rows` holds it.

    Args:
        assigned: `schemas.retrieval.Assigned`.
        condensed: the studies' texts (`schemas.evidence.Condensed`).
    """
    studies = assigned.join(condensed.select("pmid", "text"), on="pmid", how="left").sort("id", "number")
    grouped: dict[str, list[dict[str, Any]]] = {}
    for row in studies.select("id", "number", "pmid", "text").iter_rows(named=True):
        grouped.setdefault(row.pop("id"), []).append(row)
    return grouped
