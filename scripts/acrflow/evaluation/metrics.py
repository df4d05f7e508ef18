"""Measure predictions against the panel's labels, with bootstrap intervals.

Everything is a function of one small table of counts per model: gold label x predicted label (or none) x well-formed
or not. Drawing rows with replacement is drawing that table from a multinomial distribution, so a thousand draws take
milliseconds whatever the number of rows.
"""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from acrflow.errors import InputError
from acrflow.labels import LABELS

UNPARSED = "unparsed"
COLUMNS = (*LABELS, UNPARSED)
SHORT = ("una", "mba", "ua")  # the labels in metric names, in the order of `LABELS`
MAIN = ("macro_f1", "weighted_f1", "accuracy", "balanced_accuracy", "unsafe", "unparsed", "well_formed")
WITH_INTERVAL = (*MAIN, *(f"f1_{short}" for short in SHORT))

Figures = dict[str, np.ndarray]


def figures(counts: np.ndarray) -> Figures:
    """Every figure of one or many tables of counts, as shares from 0 to 1.

    Args:
        counts: shape (..., 3, 4, 2): gold label, predicted label (the fourth: unparsed), well-formed (no, yes).

    Returns:
        Metric name -> array of shape (...). A label that is neither in the gold nor predicted has F1 0 in the macro
        average (as in scikit-learn with fixed labels); balanced accuracy averages over the labels in the gold.
        `unsafe` is the share of rows where Usually Not Appropriate was called Usually Appropriate, or the reverse.
        All figures of an empty table are NaN.
    """
    confusion = counts.sum(axis=-1)
    gold, predicted = confusion.sum(axis=-1), confusion.sum(axis=-2)[..., :3]
    right = np.diagonal(confusion[..., :3], axis1=-2, axis2=-1)
    rows = gold.sum(axis=-1)
    precision, recall, f1 = _share(right, predicted), _share(right, gold), _share(2 * right, gold + predicted)
    present = gold > 0
    with np.errstate(invalid="ignore"):
        shares = {
            "macro_f1": np.where(rows > 0, f1.mean(axis=-1), np.nan),
            "weighted_f1": (f1 * gold).sum(axis=-1) / rows,
            "accuracy": right.sum(axis=-1) / rows,
            "balanced_accuracy": (recall * present).sum(axis=-1) / present.sum(axis=-1),
            "unsafe": (confusion[..., 0, 2] + confusion[..., 2, 0]) / rows,
            "unparsed": confusion[..., 3].sum(axis=-1) / rows,
            "well_formed": counts[..., 1].sum(axis=(-2, -1)) / rows,
        }
    for i, short in enumerate(SHORT):
        shares |= {
            f"precision_{short}": precision[..., i],
            f"recall_{short}": recall[..., i],
            f"f1_{short}": f1[..., i],
        }
    return shares


def bootstrap(counts: np.ndarray, draws: int, seed: int) -> dict[str, tuple[float, float]]:
    """95 % percentile intervals of the figures in `WITH_INTERVAL`, rows drawn with replacement.

    Args:
        counts: shape (3, 4, 2), see `figures`.
        draws: number of bootstrap draws.
        seed: of the draws.
    """
    rows = int(counts.sum())
    if rows == 0:
        return {}
    drawn = np.random.default_rng(seed).multinomial(rows, counts.ravel() / rows, size=draws)
    shares = figures(drawn.reshape(draws, *counts.shape))
    limits = {name: np.quantile(shares[name], (0.025, 0.975)) for name in WITH_INTERVAL}
    return {name: (float(low), float(high)) for name, (low, high) in limits.items()}


def count(predictions: pl.DataFrame, rows: pl.DataFrame, asked: pl.DataFrame | None, source: Path) -> np.ndarray:
    """The table of counts, shape (3, 4, 2), see `figures`. A row that was not asked counts as unparsed.

    Args:
        predictions: of one model on one split (`schemas.Predictions`).
        rows: the split (`schemas.Rows`), with the gold labels.
        asked: rendered examples of the split where some rows' prompts were too long; None: all rows were asked.
        source: the predictions file, named in errors.

    Raises:
        InputError: the predictions are not those of exactly these rows.
    """
    expected = rows if asked is None else rows.join(asked.select("id"), on="id", how="semi")
    check_ids(predictions, expected, source)
    joined = rows.select("id", gold="appropriateness").join(
        predictions.select("id", "label", "well_formed"), on="id", how="left"
    )
    counts = np.zeros((len(LABELS), len(COLUMNS), 2), dtype=np.int64)
    place = {label: i for i, label in enumerate(COLUMNS)}
    for gold, label, well_formed in joined.drop("id").iter_rows():
        counts[place[gold], place[label or UNPARSED], int(bool(well_formed))] += 1
    return counts


def check_ids(predictions: pl.DataFrame, rows: pl.DataFrame, source: Path) -> None:
    """See that there is exactly one prediction for each row.

    Raises:
        InputError: naming the first ids that are duplicated, missing or foreign.
    """
    duplicated = predictions.filter(pl.col("id").is_duplicated())["id"].unique().sort().to_list()
    missing = rows.join(predictions, on="id", how="anti")["id"].sort().to_list()
    foreign = predictions.join(rows, on="id", how="anti")["id"].sort().to_list()
    problems = [
        f"{len(ids)} {what} ({', '.join(ids[:5])}{' ...' if len(ids) > 5 else ''})"
        for what, ids in (("duplicated", duplicated), ("missing", missing), ("not among the rows", foreign))
        if ids
    ]
    if problems:
        remedy = "predictions and rows must be of the same split of the same run; predict again"
        raise InputError(source, f"ids of the predictions differ from those of the rows: {'; '.join(problems)}", remedy)


def measure(
    predictions: pl.DataFrame,
    rows: pl.DataFrame,
    asked: pl.DataFrame | None,
    source: Path,
    draws: int,
    seed: int,
) -> dict[str, Any]:
    """All figures of one model on one split as plain values; arguments as for `count` and `bootstrap`."""
    counts = count(predictions, rows, asked, source)
    shares, limits = figures(counts), bootstrap(counts, draws, seed)
    return {
        "rows": rows.height,
        "not_asked": rows.height - predictions.height,
        "figures": {
            name: {
                "value": None if np.isnan(value) else float(value),
                "low": limits[name][0] if name in limits else None,
                "high": limits[name][1] if name in limits else None,
            }
            for name, value in shares.items()
        },
        "support": dict(zip(LABELS, counts.sum(axis=(1, 2)).tolist(), strict=True)),
        "confusion": {"gold": list(LABELS), "predicted": list(COLUMNS), "counts": counts.sum(axis=-1).tolist()},
        "bootstrap": {"draws": draws, "seed": seed, "resampled": "rows", "level": 0.95},
        "generation": {
            "tokens": int(predictions["tokens"].sum()),
            "seconds": float(predictions["seconds"].sum()),
            "truncated": int(predictions["truncated"].sum()),
        },
    }


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole, 0 where whole is 0."""
    return np.divide(part, whole, out=np.zeros(np.broadcast(part, whole).shape), where=whole > 0)
