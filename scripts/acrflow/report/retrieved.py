"""What the report says of retrieved evidence: how each condition fared, the judgement, and the grader's own figures."""

from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl

from acrflow import schemas
from acrflow.io.errors import InputError
from acrflow.io.files import read_json
from acrflow.retrieval.grader_file import CARD
from acrflow.retrieval.judge import FINDABLE, WITH_PMID
from acrflow.retrieval.search import FOUND, REPEATED
from acrflow.schemas.evidence import Condensed
from acrflow.schemas.retrieval import Found, Grades, Judgement, Queries

LIKENESS = {  # figure -> its name, and how it reads
    "mesh_jaccard": ("MeSH headings, Jaccard index", "share of all headings that both have; 1 is the same set"),
    "mesh_cosine": ("MeSH headings, cosine", "of how many studies have each heading; 1 is the same mixture"),
    "centre_distance": ("Findings, cosine distance", "of the mean embeddings; 0 is the same place"),
}
ONLY_OWN = "nothing beyond the guideline's own references"
NO_ABSTRACT = "no study with an abstract"


def gather(folder: Path, grader: Path | None) -> dict[str, Any]:
    """Everything the section shows, as plain values.

    Args:
        folder: holds the tables of the retrieval.
        grader: folder of the grader that was used; None: nothing was graded.

    Raises:
        InputError: a file is missing or is not what it should be.
    """
    judged = schemas.read(Judgement, folder / "judgement.parquet")
    return {
        "conditions": _conditions(folder, judged, graded=grader is not None),
        "recall": _recall(judged),
        "likeness": _likeness(judged),
        "coverage": _coverage(judged),
        "grader": _card(grader) if grader else None,
    }


def _conditions(folder: Path, judged: pl.DataFrame, graded: bool) -> list[dict[str, Any]]:
    """One condition a line: what was asked, found, hidden, fetched and graded."""
    queries = schemas.read(Queries, folder / "queries.parquet")
    found = schemas.read(Found, folder / "found.parquet")
    condensed = schemas.read(Condensed, folder / "condensed.parquet")
    studies = found.join(condensed.select("pmid", "text", "dropped"), on="pmid", how="left")
    if graded:
        grades = schemas.read(Grades, folder / "grades.parquet")
        studies = studies.join(grades.select("pmid", "strong"), on="pmid", how="left")
    rows = []
    for (topic, condition), asked in queries.group_by("topic", "condition", maintain_order=True):
        own = studies.filter(topic=topic)
        shown = own.filter(hidden=False)
        usable = shown.drop_nulls("text")
        rows.append(
            {
                "condition": condition,
                "status": _status(asked, own, usable),
                "statuses": _counted(Counter(_short(status) for status in asked["status"])),
                "queries": asked.select("template", "text", "query", "hits", "status", "repaired").to_dicts(),
                "found": own.height,
                "hidden": own.height - shown.height,
                "usable": usable.height,
                "dropped": _counted(Counter(shown["dropped"].drop_nulls())),
                "strong": int(shown["strong"].sum()) if graded and shown["strong"].count() else None,
                "recall": _one(judged, str(topic), "recall", FINDABLE),
            }
        )
    return rows


def _status(asked: pl.DataFrame, own: pl.DataFrame, usable: pl.DataFrame) -> str:
    """Why a condition has no evidence; empty where it has some."""
    if usable.height:
        return ""
    if own.is_empty():
        return _counted(Counter(_short(status) for status in asked["status"] if status not in (FOUND, REPEATED)))
    return ONLY_OWN if own["hidden"].all() else NO_ABSTRACT


def _short(status: str) -> str:
    """A status without the words of the engine or the validator, which stand beside the query."""
    return status.partition(":")[0]


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{name} ({count})" for name, count in counts.most_common())


def _recall(judged: pl.DataFrame) -> dict[str, Any]:
    """Recall at each k over all conditions: a line per k, a column per kind of references."""
    over_all = judged.filter(pl.col("topic").is_null(), metric="recall")
    lines: dict[int | None, dict[str, Any]] = {}
    for row in over_all.iter_rows(named=True):
        lines.setdefault(row["k"], {})[row["among"]] = row
    return {"kinds": [WITH_PMID, FINDABLE], "lines": lines}


def _likeness(judged: pl.DataFrame) -> list[dict[str, Any]]:
    """A line per figure: to the condition's own references, to other topics', and how often its own are the nearest."""
    return [
        {
            "name": title,
            "meaning": meaning,
            "own": _one(judged, None, name),
            "others": _one(judged, None, f"{name}_others"),
            "nearest": _one(judged, None, f"{name}_own_nearest"),
        }
        for name, (title, meaning) in LIKENESS.items()
        if _one(judged, None, name)
    ]


def _coverage(judged: pl.DataFrame) -> list[dict[str, Any]]:
    """A line per split: rows with evidence and studies per row, retrieved beside ACR's."""
    names = ("rows_with_retrieved", "rows_with_acr", "studies_per_row_retrieved", "studies_per_row_acr")
    splits = judged.filter(pl.col("metric") == names[0])["among"].unique(maintain_order=True)
    return [{"split": split} | {name: _one(judged, None, name, split) for name in names} for split in splits]


def _one(judged: pl.DataFrame, topic: str | None, metric: str, among: str | None = None) -> dict[str, Any] | None:
    """The figure of all studies found (no k), if there is one."""
    rows = judged.filter(
        pl.col("topic").eq_missing(topic), pl.col("among").eq_missing(among), pl.col("k").is_null(), metric=metric
    )
    return rows.row(0, named=True) if rows.height else None


def _card(grader: Path) -> dict[str, Any]:
    """What a grader was trained on and how it did on topics that it had not seen."""
    try:
        card: dict[str, Any] = read_json(grader / CARD)
        return card["evaluation"] | {"sjr": card["sjr"], "trained": card["threshold"] is not None}
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            grader / CARD, f"no grader's card: {error}", "name a folder that train_grader.py wrote"
        ) from None
