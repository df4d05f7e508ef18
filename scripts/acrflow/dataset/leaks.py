"""The leak report: what the test rows share with the training rows."""

from typing import Any, NamedTuple

import numpy as np
import polars as pl
from sklearn.feature_extraction.text import TfidfVectorizer

from acrflow.dataset.inputs import WORD, input_texts
from acrflow.tasks.appropriateness import LABELS

LISTED = 50  # pairs of near duplicates listed, the most similar first; the counts are complete
BLOCK = 512  # rows compared with all training rows at once: 512 x 10,000 similarities are 40 MB


class Pair(NamedTuple):
    """A row of another split and the training row most like it."""

    row: int
    train_row: int
    similarity: float


def report(train: pl.DataFrame, others: dict[str, pl.DataFrame], threshold: float) -> dict[str, Any]:
    """What each other split shares with the training rows.

    Args:
        train: rows (`schemas.dataset.Rows`).
        others: split name -> rows.
        threshold: cosine similarity, 0 to 1, from which two inputs are near duplicates (TF-IDF over words and pairs
            of words of "condition | variant | procedure").

    Returns:
        Plain values for leaks.json: per split the rows, variants and references shared, the near duplicates counted
        and the closest of them listed, and the label shares with their distance from the training rows'.
    """
    return {
        "near_duplicate_threshold": threshold,
        "train": {"rows": len(train), "labels": label_counts(train)},
        "splits": {name: _against(train, rows, threshold) for name, rows in others.items()},
    }


def _against(train: pl.DataFrame, rows: pl.DataFrame, threshold: float) -> dict[str, Any]:
    variants = set(train.select("topic", "variant").iter_rows())
    in_shared = [key in variants for key in rows.select("topic", "variant").iter_rows()]
    train_pmids, pmids = _pmids(train), _pmids(rows)
    close = [pair for pair in nearest(train, rows) if pair.similarity >= threshold]
    labels, train_labels = rows["appropriateness"].to_list(), train["appropriateness"].to_list()
    return {
        "rows": len(rows),
        "topics_shared": len(set(rows["topic"]) & set(train["topic"])),
        "variants_shared": rows.filter(pl.Series(in_shared, dtype=pl.Boolean)).select("topic", "variant").n_unique(),
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
        "labels": label_counts(rows),
        "label_skew": _skew(train, rows),
    }


def nearest(train: pl.DataFrame, rows: pl.DataFrame) -> list[Pair]:
    """For each row, the training row with the most similar input (the first of equals)."""
    if train.is_empty() or rows.is_empty():
        return []
    vectorizer = TfidfVectorizer(token_pattern=WORD, ngram_range=(1, 2), sublinear_tf=True, dtype=np.float32)
    known = vectorizer.fit_transform(input_texts(train)).T.tocsr()
    asked = vectorizer.transform(input_texts(rows))
    pairs = []
    for start in range(0, len(rows), BLOCK):
        similarities = (asked[start : start + BLOCK] @ known).toarray()
        best = similarities.argmax(axis=1)
        pairs += [Pair(start + i, int(j), float(similarities[i, j])) for i, j in enumerate(best)]
    return pairs


def label_counts(rows: pl.DataFrame) -> dict[str, int]:
    """Rows per label, in the labels' order, zeros included."""
    return {label: rows.filter(pl.col("appropriateness") == label).height for label in LABELS}


def _pmids(rows: pl.DataFrame) -> set[int]:
    """PMIDs of the evidence that the rows show."""
    return {study["pmid"] for evidence in rows["evidence"] for study in evidence}


def _skew(train: pl.DataFrame, rows: pl.DataFrame) -> float | None:
    """Total variation distance of the label shares, 0 (equal) to 1 (disjoint); None where a split has no rows."""
    if train.is_empty() or rows.is_empty():
        return None
    there, here = label_counts(train), label_counts(rows)
    return round(sum(abs(there[label] / len(train) - here[label] / len(rows)) for label in LABELS) / 2, 4)
