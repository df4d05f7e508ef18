"""Measure predictions against the panel's labels, with bootstrap intervals over rows and over topics.

Every figure is a function of sums over rows: of a one-hot table of counts (gold label x predicted label or none x
well-formed or not), of values that some rows have, and of calibration bins. A bootstrap draw only weighs the rows
anew, so that a thousand draws are one matrix product, and two models drawn with the same seed are drawn in pairs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from acrflow import schemas
from acrflow.io.errors import InputError
from acrflow.schemas.inference import Predictions
from acrflow.stats.bootstrap import LEVEL, limits, resampled
from acrflow.tasks.appropriateness import LABELS
from acrflow.tasks.votes import _categories, vote_shares

UNPARSED = "unparsed"


COLUMNS = (*LABELS, UNPARSED)


SHORT = ("una", "mba", "ua")  # the labels in metric names, in the order of `LABELS`


MAIN = ("macro_f1", "weighted_f1", "accuracy", "balanced_accuracy", "qwk", "unsafe", "unparsed", "well_formed")


REASONING = (  # columns of `schemas.evaluation.ReasoningScores`
    "alignment",
    "entity_precision",
    "entity_recall",
    "entity_f1",
    "judge",
    "citation_precision",
    "citation_recall",
    "unsupported_numbers",
)


VALUES = ("vote_agreement", "brier", "tokens", "seconds", *REASONING)  # means over the rows that have them


BINS = 10  # of equal width in confidence


SHAPE = (len(LABELS), len(COLUMNS), 2)  # gold label, predicted label (the fourth: unparsed), well-formed (no, yes)


_CELLS = slice(0, int(np.prod(SHAPE)))


_SUMS = slice(_CELLS.stop, _CELLS.stop + len(VALUES))


_KNOWN = slice(_SUMS.stop, _SUMS.stop + len(VALUES))


_BINS = slice(_KNOWN.stop, _KNOWN.stop + 3 * BINS)


_WIDTH = _BINS.stop


_DISTANCE = (np.arange(3)[:, None] - np.arange(3)[None, :]) ** 2


Figures = dict[str, np.ndarray]


@dataclass(frozen=True)
class Tally:
    """One model on one split, ready to be summed: a line of numbers per row, and the topic of each row.

    Attributes:
        lines: shape (rows, K): one-hot counts, values (0 where there is none), 1 where there is one, calibration bins.
        topics: shape (rows,): number of the row's topic.
    """

    lines: np.ndarray
    topics: np.ndarray

    def right(self) -> np.ndarray:
        """Which rows have the right answer, shape (rows,)."""
        counts = self.lines[:, _CELLS].reshape(-1, *SHAPE)
        found: np.ndarray = sum(counts[:, i, i, :].sum(axis=-1) for i in range(len(LABELS))) > 0
        return found

    def by_topic(self) -> np.ndarray:
        """Sums within each topic, shape (topics, K)."""
        sums = np.zeros((self.topics.max(initial=-1) + 1, _WIDTH))
        np.add.at(sums, self.topics, self.lines)
        return sums


def figures(sums: np.ndarray) -> Figures:
    """Every figure of one or many sums of lines.

    Args:
        sums: shape (..., K), see `Tally`.

    Returns:
        Metric name -> array of shape (...); shares from 0 to 1 but for `qwk` (-1 to 1), `brier` (0 to 2), and the
        means `tokens`, `seconds` and `unsupported_numbers`. NaN where no row has the value.
        A label that is neither in the gold nor predicted has F1 0 in the macro average (as in scikit-learn with fixed
        labels); balanced accuracy averages over the labels in the gold; `qwk` is the quadratic-weighted kappa, an
        unparsed answer taken for the label farthest from the gold (half each way from the middle).
        `unsafe` is the share of rows where Usually Not Appropriate was called Usually Appropriate (`unsafe_up`), or
        the reverse (`unsafe_down`). `ece` is the expected calibration error of the most probable label.
    """
    counts = sums[..., _CELLS].reshape(*sums.shape[:-1], *SHAPE)
    confusion = counts.sum(axis=-1)
    gold, predicted = confusion.sum(axis=-1), confusion.sum(axis=-2)[..., :3]
    right = np.diagonal(confusion[..., :3], axis1=-2, axis2=-1)
    rows = gold.sum(axis=-1)
    precision, recall, f1 = _share(right, predicted), _share(right, gold), _share(2 * right, gold + predicted)
    present = gold > 0
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Figures = {
            "macro_f1": np.where(rows > 0, f1.mean(axis=-1), np.nan),
            "weighted_f1": (f1 * gold).sum(axis=-1) / rows,
            "accuracy": right.sum(axis=-1) / rows,
            "balanced_accuracy": (recall * present).sum(axis=-1) / present.sum(axis=-1),
            "qwk": _kappa(confusion),
            "unsafe": (confusion[..., 0, 2] + confusion[..., 2, 0]) / rows,
            "unsafe_up": confusion[..., 0, 2] / rows,
            "unsafe_down": confusion[..., 2, 0] / rows,
            "unparsed": confusion[..., 3].sum(axis=-1) / rows,
            "well_formed": counts[..., 1].sum(axis=(-2, -1)) / rows,
        }
        for i, short in enumerate(SHORT):
            found[f"precision_{short}"], found[f"recall_{short}"] = precision[..., i], recall[..., i]
            found[f"f1_{short}"] = f1[..., i]
        found |= {name: sums[..., _SUMS][..., i] / sums[..., _KNOWN][..., i] for i, name in enumerate(VALUES)}
        bins = sums[..., _BINS].reshape(*sums.shape[:-1], BINS, 3)
        found["ece"] = np.abs(bins[..., 1] - bins[..., 2]).sum(axis=-1) / bins[..., 0].sum(axis=-1)
    return found


def _kappa(confusion: np.ndarray) -> np.ndarray:
    """Quadratic-weighted kappa of tables (..., 3, 4), see `figures`."""
    table = confusion[..., :3].copy()
    unparsed = confusion[..., 3]
    table[..., 0, 2] += unparsed[..., 0]
    table[..., 2, 0] += unparsed[..., 2]
    table[..., 1, 0] += unparsed[..., 1] / 2
    table[..., 1, 2] += unparsed[..., 1] / 2
    chance = table.sum(axis=-1)[..., :, None] * table.sum(axis=-2)[..., None, :]
    observed, expected = (_DISTANCE * table).sum(axis=(-2, -1)), (_DISTANCE * chance).sum(axis=(-2, -1))
    kappa: np.ndarray = 1 - observed * table.sum(axis=(-2, -1)) / expected
    return kappa


def drawn(lines: np.ndarray, draws: int, seed: int) -> Figures:
    """The figures of every draw; none of fewer than two lines."""
    return figures(resampled(lines, draws, seed)) if len(lines) > 1 else {}


def intervals(lines: np.ndarray, draws: int, seed: int) -> dict[str, tuple[float, float]]:
    """95 % percentile intervals of the figures; none of fewer than two lines."""
    if len(lines) < 2:
        return {}
    drawn = figures(resampled(lines, draws, seed))
    return {name: limits(values) for name, values in drawn.items() if np.isfinite(values).any()}


def tally(
    predictions: pl.DataFrame,
    rows: pl.DataFrame,
    asked: pl.DataFrame | None,
    source: Path,
    scores: pl.DataFrame | None = None,
) -> Tally:
    """One model's answers as a tally, in the order of the rows' ids. A row that was not asked counts as unparsed.

    Args:
        predictions: of one model on one split (`schemas.inference.Predictions`).
        rows: the split (`schemas.dataset.Rows`), with the gold labels.
        asked: rendered examples of the split where some rows' prompts were too long; None: all rows were asked.
        source: the predictions file, named in errors.
        scores: the model's reasoning on this split (`schemas.evaluation.ReasoningScores`), if it was scored.

    Raises:
        InputError: the predictions are not those of exactly these rows.
    """
    check_ids(predictions, rows if asked is None else rows.join(asked.select("id"), on="id", how="semi"), source)
    joined = rows.select("id", "topic", "votes", gold="appropriateness").sort("id")
    joined = joined.join(
        predictions.select("id", "label", "well_formed", "tokens", "seconds", "probabilities"),
        on="id",
        how="left",
        maintain_order="left",
    )
    if scores is not None:
        joined = joined.join(scores.select("id", *REASONING), on="id", how="left", maintain_order="left")
    size = joined.height
    place = {label: i for i, label in enumerate(COLUMNS)}
    gold = np.array([place[label] for label in joined["gold"]], dtype=int)
    said = np.array([place[label or UNPARSED] for label in joined["label"]], dtype=int)
    formed = joined["well_formed"].fill_null(value=False).to_numpy().astype(int)
    lines = np.zeros((size, _WIDTH))
    lines[np.arange(size), np.ravel_multi_index((gold, said, formed), SHAPE)] = 1

    shares = vote_shares(joined["votes"])
    agreement = np.where(said < 3, shares[np.arange(size), np.minimum(said, 2)], 0.0)
    values = {"vote_agreement": np.where(np.isnan(shares[:, 0]), np.nan, agreement)}
    probabilities = np.array([one if one is not None else [np.nan] * 3 for one in joined["probabilities"]])
    probabilities = probabilities.reshape(size, 3)
    values["brier"] = ((probabilities - np.eye(3)[gold]) ** 2).sum(axis=1)
    for name in ("tokens", "seconds", *(REASONING if scores is not None else ())):
        values[name] = joined[name].cast(pl.Float64).fill_null(np.nan).to_numpy()
    for i, name in enumerate(VALUES):
        column = values.get(name, np.full(size, np.nan))
        lines[:, _SUMS.start + i] = np.nan_to_num(column)
        lines[:, _KNOWN.start + i] = ~np.isnan(column)

    known = ~np.isnan(probabilities[:, 0])
    sure = np.where(known, np.nan_to_num(probabilities).max(axis=1), 0.0)
    bins = np.minimum((sure * BINS).astype(int), BINS - 1)
    for offset, column in enumerate((known, sure, known & (np.nan_to_num(probabilities).argmax(axis=1) == gold))):
        lines[np.arange(size), _BINS.start + 3 * bins + offset] = np.where(known, column, 0)
    return Tally(lines, joined["topic"].rank("dense").cast(pl.Int64).to_numpy() - 1)


def panel(rows: pl.DataFrame) -> Tally:
    """The ceiling: one panelist drawn at random, against the published label, over the rows that have votes.

    A row's votes count in parts: 1-3 as Usually Not Appropriate, 4-6 as May Be, 7-9 as Usually Appropriate. Its
    agreement with the panel is that of two panelists drawn without replacement.
    """
    voted = rows.filter(pl.col("votes").list.sum() > 0).sort("id")
    shares, size = vote_shares(voted["votes"]), voted.height
    counts = np.array([_categories(votes) for votes in voted["votes"]]).reshape(size, 3)
    panelists = counts.sum(axis=1)
    lines = np.zeros((size, _WIDTH))
    for said in range(3):
        gold = np.array([LABELS.index(label) for label in voted["appropriateness"]], dtype=int)
        lines[np.arange(size), np.ravel_multi_index((gold, np.full(size, said), np.ones(size, int)), SHAPE)] = shares[
            :, said
        ]
    several = panelists > 1
    pairs = _share((counts * (counts - 1)).sum(axis=1), panelists * (panelists - 1))
    lines[:, _SUMS.start + VALUES.index("vote_agreement")] = np.where(several, pairs, 0)
    lines[:, _KNOWN.start + VALUES.index("vote_agreement")] = several
    return Tally(lines, voted["topic"].rank("dense").cast(pl.Int64).to_numpy() - 1)


def read_predictions(path: Path, model: str, split: str) -> pl.DataFrame:
    """Predictions, seen to be this model's on this split.

    Raises:
        InputError: they are another's.
    """
    predictions = schemas.read(Predictions, path)
    for column, expected in (("model", model), ("split", split)):
        found = set(predictions[column]) - {expected}
        if found:
            what = f"column {column} holds {', '.join(sorted(found))}, not {expected}"
            raise InputError(path, what, "predict again; the file's name and content must be of the same thing")
    return predictions


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


def measure(one: Tally, draws: int, seed: int, sampled: Sequence[Tally] = ()) -> dict[str, Any]:
    """All figures of one model on one split as plain values.

    Args:
        one: the greedy answers (or the panel's votes).
        draws, seed: of the bootstrap.
        sampled: the sampled runs, whose mean and standard deviation stand beside each figure.
    """
    sums, by_topic = one.lines.sum(axis=0), one.by_topic()
    shares, by_rows = figures(sums), intervals(one.lines, draws, seed)
    over_topics = intervals(by_topic, draws, seed)
    others = [figures(other.lines.sum(axis=0)) for other in sampled]
    counts = sums[_CELLS].reshape(SHAPE)
    bins = sums[_BINS].reshape(BINS, 3)
    return {
        "rows": len(one.lines),
        "topics": len(by_topic),
        "figures": {
            name: _figure(value, by_rows.get(name), over_topics.get(name), [other[name] for other in others])
            for name, value in shares.items()
        },
        "known": {name: int(sums[_KNOWN][i]) for i, name in enumerate(VALUES)},
        "support": dict(zip(LABELS, counts.sum(axis=(1, 2)).round(3).tolist(), strict=True)),
        "confusion": {"gold": list(LABELS), "predicted": list(COLUMNS), "counts": counts.sum(axis=-1).tolist()},
        "calibration": [
            {"low": i / BINS, "rows": int(rows), "confidence": sure / rows, "accuracy": right / rows}
            for i, (rows, sure, right) in enumerate(bins.tolist())
            if rows
        ],
        "bootstrap": {"draws": draws, "seed": seed, "level": LEVEL},
    }


def _figure(
    value: np.ndarray,
    rows: tuple[float, float] | None,
    topics: tuple[float, float] | None,
    others: Sequence[np.ndarray],
) -> dict[str, Any]:
    """A figure with its intervals and the sampled runs' mean and standard deviation, plain."""
    nothing = (None, None)
    known = np.array([float(other) for other in others if np.isfinite(other)])
    if not np.isfinite(value):
        rows = topics = None
    return {
        "value": float(value) if np.isfinite(value) else None,
        **dict(zip(("low", "high"), rows or nothing, strict=True)),
        **dict(zip(("topic_low", "topic_high"), topics or nothing, strict=True)),
        "draws": len(others),
        "draws_mean": float(known.mean()) if len(known) else None,
        "draws_sd": float(known.std(ddof=1)) if len(known) > 1 else None,
    }


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole, 0 where whole is 0."""
    return np.divide(part, whole, out=np.zeros(np.broadcast(part, whole).shape), where=whole > 0)
