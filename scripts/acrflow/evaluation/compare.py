"""Compare models: one long table, tables for readers, and McNemar's test for every pair."""

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from acrflow import schemas
from acrflow.errors import InputError
from acrflow.evaluation.published import FIGURES as PUBLISHED
from acrflow.evaluation.published import SOURCE

KINDS = ("adapter", "base", "cheap baseline")  # the order of rows in tables
SHOWN = {  # metric -> heading in tables
    "macro_f1": "Macro F1",
    "weighted_f1": "Weighted F1",
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "unsafe": "Unsafe errors",
    "unparsed": "Unparsed",
    "well_formed": "Well-formed",
}
PUBLISHED_SHOWN = ("macro_f1", "weighted_f1")

Measured = dict[str, Any]  # one metrics/{model}.{split}.json


def check(measured: Sequence[Measured], source: str) -> None:
    """See that the comparison is fair: every model on every split, on the same rows, the majority always in.

    Raises:
        InputError: a figure is there twice or missing, splits differ in their rows, or there is no majority row.
    """
    pairs = [(one["model"], one["split"]) for one in measured]
    models, splits = dict.fromkeys(model for model, _ in pairs), dict.fromkeys(split for _, split in pairs)
    double = sorted({f"{model} on {split}" for model, split in pairs if pairs.count((model, split)) > 1})
    missing = [f"{model} on {split}" for model in models for split in splits if (model, split) not in pairs]
    if double or missing:
        what = "; ".join(
            f"{how}: {', '.join(which)}"
            for how, which in (("measured twice", double), ("not measured", missing))
            if which
        )
        raise InputError(source, what, "give the metrics of every model on every split, once (snakemake evaluation)")
    if "majority" not in models:
        raise InputError(source, "the majority baseline is missing", "add metrics/majority.{split}.json")
    for split in splits:
        rows = {one["model"]: one["rows"] for one in measured if one["split"] == split}
        if len(set(rows.values())) > 1:
            what = f"models were measured on different rows of {split}: {rows}"
            raise InputError(source, what, "measure all models on the same rows")


def comparison(measured: Sequence[Measured]) -> pl.DataFrame:
    """Every model on every split, one figure a row (`schemas.Comparison`): adapters, base, cheap baselines."""
    rows = [
        {
            **{key: one[key] for key in ("model", "kind", "split")},
            "metric": metric,
            **figure,
            "draws": 0,
            "rows": one["rows"],
        }
        for one in sorted(measured, key=lambda one: KINDS.index(one["kind"]))
        for metric, figure in one["figures"].items()
    ]
    return pl.DataFrame(rows, schema=schemas.polars_schema(schemas.Comparison))


def wide(compared: pl.DataFrame, split: str) -> pl.DataFrame:
    """One split as a table for readers: a row a model; value, low and high of each shown metric; then the published.

    All figures are shares from 0 to 1. The published columns are filled for adapters that have the name of a published
    one, and empty for all others.
    """
    rows = []
    for (model, kind), group in compared.filter(split=split).group_by("model", "kind", maintain_order=True):
        figure = {row["metric"]: row for row in group.to_dicts()}
        row: dict[str, Any] = {"model": model, "kind": kind, "rows": group["rows"][0]}
        for metric in SHOWN:
            row |= {metric: figure[metric]["value"]}
            row |= {f"{metric}_low": figure[metric]["low"], f"{metric}_high": figure[metric]["high"]}
        for metric in PUBLISHED_SHOWN:
            percent = published(str(model), str(kind), split, metric)
            row[f"published_{metric}"] = None if percent is None else percent / 100
        rows.append(row)
    return pl.DataFrame(rows, infer_schema_length=None)


def published(model: str, kind: str, split: str, metric: str) -> float | None:
    """The published figure in percent of the adapter of this name; None if there is none."""
    return PUBLISHED.get(model, {}).get(split, {}).get(metric) if kind == "adapter" else None


def markdown(table: pl.DataFrame, split: str, same_task: bool) -> str:
    """A table of `wide` as Markdown, in percent with 95 % intervals."""
    heads = ["Model", "Kind", *SHOWN.values(), *(f"*{SHOWN[metric]} in the paper*" for metric in PUBLISHED_SHOWN)]
    lines = [f"| {' | '.join(heads)} |", f"| --- | --- |{' ---: |' * (len(heads) - 2)}"]
    for row in table.to_dicts():
        cells = [row["model"], row["kind"], *(interval(row, metric) for metric in SHOWN)]
        cells += [percent(row[f"published_{metric}"]) for metric in PUBLISHED_SHOWN]
        lines.append(f"| {' | '.join(cells)} |")
    rows = table["rows"][0] if table.height else 0
    notes = [f"Split {split}, {rows} rows; percent, with 95 % bootstrap intervals. Unparsed answers count as wrong."]
    notes.append(f"Columns in italics: figures printed in {SOURCE}{'' if same_task else '; ' + OTHER_TASK}.")
    return "\n".join([*lines, "", *notes]) + "\n"


OTHER_TASK = "they come from Llama 3.1 8B on real guidelines, another task than this run's, and measure nothing here"


def percent(value: float | None) -> str:
    """A share as percent with one decimal; an en dash for None."""
    return "–" if value is None else f"{100 * value:.1f}"


def interval(row: dict[str, Any], metric: str) -> str:
    """A figure of `wide` with its interval, in percent."""
    if row[f"{metric}_low"] is None:
        return percent(row[metric])
    return f"{percent(row[metric])} [{percent(row[f'{metric}_low'])}, {percent(row[f'{metric}_high'])}]"


def answers(
    predictions: Sequence[tuple[Path, pl.DataFrame]], rows: Sequence[pl.DataFrame], measured: Sequence[Measured]
) -> dict[str, dict[str, np.ndarray]]:
    """Which rows each model got right: split -> model -> one bool per row of the split, in the rows' order.

    A row whose prompt was too long has no prediction and is wrong, as in the metrics.

    Args:
        predictions: path and table of each model on each split; empty tables are skipped.
        rows: the splits' rows; a split is found by its ids.
        measured: the metrics, which say how many rows were not asked.

    Raises:
        InputError: predictions are not of one of these splits, or lack more rows than the metrics say.
    """
    not_asked = {(one["model"], one["split"]): one["not_asked"] for one in measured}
    right: dict[str, dict[str, np.ndarray]] = {}
    for path, table in predictions:
        if table.is_empty():
            continue
        model, split = table["model"][0], table["split"][0]
        if (model, split) not in not_asked:
            raise InputError(path, f"{model} on {split} has no metrics", "measure these predictions first")
        gold = next((frame for frame in rows if table["id"].is_in(frame["id"].implode()).all()), None)
        if gold is None or gold.height - table.height != not_asked[model, split]:
            raise InputError(path, f"not the predictions of the rows that {split} was measured on", "predict again")
        joined = gold.select("id", "appropriateness").join(
            table.select("id", "label"), on="id", how="left", maintain_order="left"
        )
        right.setdefault(split, {})[model] = joined["label"].eq_missing(joined["appropriateness"]).to_numpy()
    return right


def mcnemar(right: dict[str, dict[str, np.ndarray]]) -> pl.DataFrame:
    """Exact McNemar test of every pair of models on every split, p-values corrected by Holm within the split.

    Returns:
        split, model_a, model_b, rows, both_right, only_a_right, only_b_right, both_wrong, p, p_holm.
    """
    from statsmodels.stats.contingency_tables import mcnemar as test
    from statsmodels.stats.multitest import multipletests

    rows: list[dict[str, Any]] = []
    for split, models in right.items():
        family = []
        for a, b in combinations(models, 2):
            x, y = models[a], models[b]
            table = [[int((x & y).sum()), int((x & ~y).sum())], [int((~x & y).sum()), int((~x & ~y).sum())]]
            family.append(
                {
                    "split": split,
                    "model_a": a,
                    "model_b": b,
                    "rows": len(x),
                    "both_right": table[0][0],
                    "only_a_right": table[0][1],
                    "only_b_right": table[1][0],
                    "both_wrong": table[1][1],
                    "p": float(test(table, exact=True).pvalue),
                }
            )
        if family:
            corrected = multipletests([row["p"] for row in family], method="holm")[1]
            rows += [{**row, "p_holm": float(p)} for row, p in zip(family, corrected, strict=True)]
    return pl.DataFrame(rows, schema=MCNEMAR)


MCNEMAR = pl.Schema(
    {
        "split": pl.String,
        "model_a": pl.String,
        "model_b": pl.String,
        "rows": pl.Int64,
        "both_right": pl.Int64,
        "only_a_right": pl.Int64,
        "only_b_right": pl.Int64,
        "both_wrong": pl.Int64,
        "p": pl.Float64,
        "p_holm": pl.Float64,
    }
)
