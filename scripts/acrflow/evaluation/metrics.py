"""Measure predictions against the gold labels, with bootstrap intervals over rows and over topics.

Every figure is a function of sums over rows: of a one-hot table of counts (gold label x predicted label or none x
well-formed or not), of values that some rows have, and of calibration bins. A bootstrap draw only weighs the rows
anew, so that a thousand draws are one matrix product, and two models drawn with the same seed are drawn in pairs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from acrflow import schemas
from acrflow.io.errors import InputError
from acrflow.schemas.inference import Predictions
from acrflow.stats.bootstrap import LEVEL, limits, resampled
from acrflow.tasks import appropriateness
from acrflow.tasks.task import Task

UNPARSED = "unparsed"


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

Figures = dict[str, np.ndarray]


class Places:
    """Where the numbers of a line stand, for a task of so many labels: counts, sums, how many are known, bins."""

    def __init__(self, labels: int):
        self.shape = (labels, labels + 1, 2)  # gold label, predicted label (the last: unparsed), well-formed (no, yes)
        self.cells = slice(0, int(np.prod(self.shape)))
        self.sums = slice(self.cells.stop, self.cells.stop + len(VALUES))
        self.known = slice(self.sums.stop, self.sums.stop + len(VALUES))
        self.bins = slice(self.known.stop, self.known.stop + 3 * BINS)
        self.width = self.bins.stop


@cache
def places(task: Task) -> Places:
    return Places(len(task.labels))


@dataclass(frozen=True)
class Tally:
    """One model on one split, ready to be summed: a line of numbers per row, and the topic of each row.

    Attributes:
        task: whose labels are counted.
        lines: shape (rows, K): one-hot counts, values (0 where there is none), 1 where there is one, calibration bins.
        topics: shape (rows,): number of the row's topic.
    """

    task: Task
    lines: np.ndarray
    topics: np.ndarray

    def right(self) -> np.ndarray:
        """Which rows have the right answer, shape (rows,)."""
        at = places(self.task)
        counts = self.lines[:, at.cells].reshape(-1, *at.shape)
        found: np.ndarray = sum(counts[:, i, i, :].sum(axis=-1) for i in range(len(self.task.labels))) > 0
        return found

    def figures(self) -> Figures:
        """Every figure over all rows."""
        return figures(self.lines.sum(axis=0), self.task)

    def drawn(self, draws: int, seed: int, by_topic: bool = False) -> Figures:
        """The figures of every draw of rows, or of whole topics; none of fewer than two."""
        lines = self.by_topic() if by_topic else self.lines
        return figures(resampled(lines, draws, seed), self.task) if len(lines) > 1 else {}

    def by_topic(self) -> np.ndarray:
        """Sums within each topic, shape (topics, K)."""
        sums = np.zeros((self.topics.max(initial=-1) + 1, places(self.task).width))
        np.add.at(sums, self.topics, self.lines)
        return sums


def figures(sums: np.ndarray, task: Task) -> Figures:
    """Every figure of one or many sums of lines.

    Args:
        sums: shape (..., K), see `Tally`.
        task: whose labels were counted.

    Returns:
        Metric name -> array of shape (...); shares from 0 to 1 but for `qwk` (-1 to 1), `brier` (0 to 2), and the
        means `tokens`, `seconds` and `unsupported_numbers`. NaN where no row has the value.
        A label that is neither in the gold nor predicted has F1 0 in the macro average (as in scikit-learn with fixed
        labels); balanced accuracy averages over the labels in the gold. Of a task whose labels are ordered, `qwk` is
        the quadratic-weighted kappa, an unparsed answer taken for the label farthest from the gold (half each way from
        the middle). Of a task with unsafe errors, `unsafe` is the share of rows with any of them: Usually Not
        Appropriate called Usually Appropriate (`unsafe_up`), or the reverse (`unsafe_down`). `ece` is the expected
        calibration error of the most probable label.
    """
    at, size = places(task), len(task.labels)
    counts = sums[..., at.cells].reshape(*sums.shape[:-1], *at.shape)
    confusion = counts.sum(axis=-1)
    gold, predicted = confusion.sum(axis=-1), confusion.sum(axis=-2)[..., :size]
    right = np.diagonal(confusion[..., :size], axis1=-2, axis2=-1)
    rows = gold.sum(axis=-1)
    precision, recall, f1 = _share(right, predicted), _share(right, gold), _share(2 * right, gold + predicted)
    present = gold > 0
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Figures = {
            "macro_f1": np.where(rows > 0, f1.mean(axis=-1), np.nan),
            "weighted_f1": (f1 * gold).sum(axis=-1) / rows,
            "accuracy": right.sum(axis=-1) / rows,
            "balanced_accuracy": (recall * present).sum(axis=-1) / present.sum(axis=-1),
            **({"qwk": _kappa(confusion)} if task.ordered else {}),
            **{name: count / rows for name, count in _unsafe(confusion, task).items()},
            "unparsed": confusion[..., size].sum(axis=-1) / rows,
            "well_formed": counts[..., 1].sum(axis=(-2, -1)) / rows,
        }
        for i, short in enumerate(task.short):
            for name, by_label in {"precision": precision, "recall": recall, "f1": f1}.items():
                found[f"{name}_{short}"] = np.where(rows > 0, by_label[..., i], np.nan)
        found |= {name: sums[..., at.sums][..., i] / sums[..., at.known][..., i] for i, name in enumerate(VALUES)}
        bins = sums[..., at.bins].reshape(*sums.shape[:-1], BINS, 3)
        found["ece"] = np.abs(bins[..., 1] - bins[..., 2]).sum(axis=-1) / bins[..., 0].sum(axis=-1)
    return found


def _unsafe(confusion: np.ndarray, task: Task) -> dict[str, np.ndarray]:
    """Rows with an unsafe error, of any kind and of each; none of a task that knows no such error."""
    place = task.labels.index
    each = {name: confusion[..., place(gold), place(said)] for name, gold, said in task.unsafe}
    return {"unsafe": np.sum([*each.values()], axis=0), **each} if each else {}


def _kappa(confusion: np.ndarray) -> np.ndarray:
    """Quadratic-weighted kappa of tables (..., labels, labels + 1), see `figures`."""
    size = confusion.shape[-2]
    distance = (np.arange(size)[:, None] - np.arange(size)[None, :]) ** 2
    farthest = distance == distance.max(axis=1, keepdims=True)
    table = confusion[..., :size] + confusion[..., size:] * (farthest / farthest.sum(axis=1, keepdims=True))
    chance = table.sum(axis=-1)[..., :, None] * table.sum(axis=-2)[..., None, :]
    observed, expected = (distance * table).sum(axis=(-2, -1)), (distance * chance).sum(axis=(-2, -1))
    kappa: np.ndarray = 1 - observed * table.sum(axis=(-2, -1)) / expected
    return kappa


def _intervals(drawn: Figures) -> dict[str, tuple[float, float]]:
    """95 % percentile intervals of the figures of many draws."""
    return {name: limits(values) for name, values in drawn.items() if np.isfinite(values).any()}


def tally(
    predictions: pl.DataFrame,
    rows: pl.DataFrame,
    asked: pl.DataFrame | None,
    source: Path,
    scores: pl.DataFrame | None = None,
    task: Task = appropriateness.TASK,
) -> Tally:
    """One model's answers as a tally, in the order of the rows' ids. A row that was not asked counts as unparsed.

    Args:
        predictions: of one model on one split (`schemas.inference.Predictions`).
        rows: the split (`schemas.dataset.rows_table`), with the gold labels.
        asked: rendered examples of the split where some rows' prompts were too long; None: all rows were asked.
        source: the predictions file, named in errors.
        scores: the model's reasoning on this split (`schemas.evaluation.ReasoningScores`), if it was scored.

    Raises:
        InputError: the predictions are not those of exactly these rows, or hold a label that the task does not have.
    """
    check_ids(predictions, rows if asked is None else rows.join(asked.select("id"), on="id", how="semi"), source)
    at, labels = places(task), len(task.labels)
    joined = rows.select("id", "topic", *([task.votes] if task.votes else []), gold=task.gold).sort("id")
    joined = joined.join(
        predictions.select("id", "label", "well_formed", "tokens", "seconds", "probabilities"),
        on="id",
        how="left",
        maintain_order="left",
    )
    if scores is not None:
        joined = joined.join(scores.select("id", *REASONING), on="id", how="left", maintain_order="left")
    size = joined.height
    place = {label: i for i, label in enumerate((*task.labels, UNPARSED))}
    if foreign := sorted({*joined["label"].drop_nulls()} - {*task.labels}):
        remedy = f"its labels are {', '.join(task.labels)}; predict again, or measure the task of these predictions"
        raise InputError(source, f"{', '.join(foreign)}: no label of the task {task.name}", remedy)
    gold = np.array([place[label] for label in joined["gold"]], dtype=int)
    said = np.array([place[label or UNPARSED] for label in joined["label"]], dtype=int)
    formed = joined["well_formed"].fill_null(value=False).to_numpy().astype(int)
    lines = np.zeros((size, at.width))
    lines[np.arange(size), np.ravel_multi_index((gold, said, formed), at.shape)] = 1

    values = {}
    if task.votes:
        shares = task.vote_shares(joined[task.votes])
        agreement = np.where(said < labels, shares[np.arange(size), np.minimum(said, labels - 1)], 0.0)
        values["vote_agreement"] = np.where(np.isnan(shares[:, 0]), np.nan, agreement)
    probabilities = np.array([one if one is not None else [np.nan] * labels for one in joined["probabilities"]])
    probabilities = probabilities.reshape(size, labels)
    values["brier"] = ((probabilities - np.eye(labels)[gold]) ** 2).sum(axis=1)
    for name in ("tokens", "seconds", *(REASONING if scores is not None else ())):
        values[name] = joined[name].cast(pl.Float64).fill_null(np.nan).to_numpy()
    for i, name in enumerate(VALUES):
        column = values.get(name, np.full(size, np.nan))
        lines[:, at.sums.start + i] = np.nan_to_num(column)
        lines[:, at.known.start + i] = ~np.isnan(column)

    known = ~np.isnan(probabilities[:, 0])
    sure = np.where(known, np.nan_to_num(probabilities).max(axis=1), 0.0)
    bins = np.minimum((sure * BINS).astype(int), BINS - 1)
    for offset, column in enumerate((known, sure, known & (np.nan_to_num(probabilities).argmax(axis=1) == gold))):
        lines[np.arange(size), at.bins.start + 3 * bins + offset] = np.where(known, column, 0)
    return Tally(task, lines, joined["topic"].rank("dense").cast(pl.Int64).to_numpy() - 1)


def panel(rows: pl.DataFrame, task: Task = appropriateness.TASK) -> Tally:
    """The ceiling: one panelist drawn at random, against the gold label, over the rows that have votes.

    A row's votes count in parts (`Task.vote_counts`: of appropriateness, 1-3 as Usually Not Appropriate, 4-6 as May Be,
    7-9 as Usually Appropriate). Its agreement with the panel is that of two panelists drawn without replacement.
    Nobody voted on the rows of a task without votes.
    """
    at, labels = places(task), len(task.labels)
    voted = rows.filter(pl.col(task.votes).list.sum() > 0).sort("id") if task.votes else rows.clear()
    votes = voted[task.votes].to_list() if task.votes else []
    shares, counts = task.vote_shares(votes), np.array([task.vote_counts(one) for one in votes]).reshape(-1, labels)
    gold = np.array([task.labels.index(label) for label in voted[task.gold]], dtype=int)
    panelists, size = counts.sum(axis=1), voted.height
    lines = np.zeros((size, at.width))
    for said in range(labels):
        cells = np.ravel_multi_index((gold, np.full(size, said), np.ones(size, int)), at.shape)
        lines[np.arange(size), cells] = shares[:, said]
    several = panelists > 1
    pairs = _share((counts * (counts - 1)).sum(axis=1), panelists * (panelists - 1))
    lines[:, at.sums.start + VALUES.index("vote_agreement")] = np.where(several, pairs, 0)
    lines[:, at.known.start + VALUES.index("vote_agreement")] = several
    return Tally(task, lines, voted["topic"].rank("dense").cast(pl.Int64).to_numpy() - 1)


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
    at, labels, sums = places(one.task), one.task.labels, one.lines.sum(axis=0)
    by_rows = _intervals(one.drawn(draws, seed))
    over_topics = _intervals(one.drawn(draws, seed, by_topic=True))
    others = [other.figures() for other in sampled]
    counts = sums[at.cells].reshape(at.shape)
    bins = sums[at.bins].reshape(BINS, 3)
    return {
        "rows": len(one.lines),
        "topics": len(one.by_topic()),
        "figures": {
            name: _figure(value, by_rows.get(name), over_topics.get(name), [other[name] for other in others])
            for name, value in figures(sums, one.task).items()
        },
        "known": {name: int(sums[at.known][i]) for i, name in enumerate(VALUES)},
        "support": dict(zip(labels, counts.sum(axis=(1, 2)).round(3).tolist(), strict=True)),
        "confusion": {"gold": [*labels], "predicted": [*labels, UNPARSED], "counts": counts.sum(axis=-1).tolist()},
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
