"""The leak report: what the test rows share with the training rows."""

from typing import Any, NamedTuple

import numpy as np
import polars as pl
from sklearn.feature_extraction.text import TfidfVectorizer

from acrflow.tasks import appropriateness
from acrflow.tasks.task import WORD, Task

LISTED = 50  # pairs of near duplicates listed, the most similar first; the counts are complete
BLOCK = 512  # rows compared with all training rows at once: 512 x 10,000 similarities are 40 MB


class Pair(NamedTuple):
    """A row of another split and the training row most like it."""

    row: int
    train_row: int
    similarity: float


def report(
    train: pl.DataFrame, others: dict[str, pl.DataFrame], threshold: float, task: Task = appropriateness.TASK
) -> dict[str, Any]:
    """What each other split shares with the training rows.

    Args:
        train: rows (`schemas.dataset.rows_table`).
        others: split name -> rows.
        threshold: cosine similarity, 0 to 1, from which two inputs are near duplicates (TF-IDF over words and pairs
            of words of the task's input texts).

    Returns:
        Plain values for leaks.json: per split the rows, variants and references shared, the near duplicates counted
        and the closest of them listed, and the label shares with their distance from the training rows'.
    """
    return {
        "near_duplicate_threshold": threshold,
        "train": {"rows": len(train), "labels": label_counts(train, task)},
        "splits": {name: _against(train, rows, threshold, task) for name, rows in others.items()},
    }


def _against(train: pl.DataFrame, rows: pl.DataFrame, threshold: float, task: Task) -> dict[str, Any]:
    scenario = ("topic", task.scenario)
    scenarios = set(train.select(scenario).iter_rows())
    in_shared = [key in scenarios for key in rows.select(scenario).iter_rows()]
    train_pmids, pmids = _pmids(train), _pmids(rows)
    close = [pair for pair in nearest(train, rows, task) if pair.similarity >= threshold]
    labels, train_labels = rows[task.gold].to_list(), train[task.gold].to_list()
    return {
        "rows": len(rows),
        "topics_shared": len(set(rows["topic"]) & set(train["topic"])),
        "variants_shared": rows.filter(pl.Series(in_shared, dtype=pl.Boolean)).select(scenario).n_unique(),
        "rows_of_shared_variants": sum(in_shared),
        "near_duplicates": len(close),
        "near_duplicates_with_the_same_label": sum(labels[pair.row] == train_labels[pair.train_row] for pair in close),
        "near_duplicates_listed": [
            {
                "row": rows["id"][pair.row],
                "train_row": train["id"][pair.train_row],
                "similarity": round(pair.similarity, 4),
            }
            for pair in sorted(close, key=lambda pair: -pair.similarity)[:LISTED]
        ],
        "references": len(pmids),
        "references_shared": len(pmids & train_pmids),
        "labels": label_counts(rows, task),
        "label_skew": _skew(train, rows, task),
    }


def nearest(train: pl.DataFrame, rows: pl.DataFrame, task: Task = appropriateness.TASK) -> list[Pair]:
    """For each row, the training row with the most similar input (the first of equals)."""
    if train.is_empty() or rows.is_empty():
        return []
    vectorizer = TfidfVectorizer(token_pattern=WORD, ngram_range=(1, 2), sublinear_tf=True, dtype=np.float32)
    known = vectorizer.fit_transform(task.input_texts(train)).T.tocsr()
    asked = vectorizer.transform(task.input_texts(rows))
    pairs = []
    for start in range(0, len(rows), BLOCK):
        similarities = (asked[start : start + BLOCK] @ known).toarray()
        best = similarities.argmax(axis=1)
        pairs += [Pair(start + i, int(j), float(similarities[i, j])) for i, j in enumerate(best)]
    return pairs


def label_counts(rows: pl.DataFrame, task: Task = appropriateness.TASK) -> dict[str, int]:
    """Rows per label, in the labels' order, zeros included."""
    return {label: rows.filter(pl.col(task.gold) == label).height for label in task.labels}


def _pmids(rows: pl.DataFrame) -> set[int]:
    """PMIDs of the evidence that the rows show."""
    return {study["pmid"] for evidence in rows["evidence"] for study in evidence}


def _skew(train: pl.DataFrame, rows: pl.DataFrame, task: Task) -> float | None:
    """Total variation distance of the label shares, 0 (equal) to 1 (disjoint); None where a split has no rows."""
    if train.is_empty() or rows.is_empty():
        return None
    there, here = label_counts(train, task), label_counts(rows, task)
    return round(sum(abs(there[label] / len(train) - here[label] / len(rows)) for label in task.labels) / 2, 4)
