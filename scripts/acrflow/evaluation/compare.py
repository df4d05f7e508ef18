"""Compare models: one long table of every figure, and every pair's McNemar test and paired bootstrap differences."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from acrflow import schemas
from acrflow.evaluation import metrics, published
from acrflow.io.errors import InputError
from acrflow.schemas.evaluation import KINDS, Comparison, Pairs
from acrflow.stats.bootstrap import limits

DIFFERENCES = ("macro_f1", "weighted_f1")  # figures whose difference each pair gets

Measured = dict[str, Any]  # one metrics/{model}.{split}.json
Tallies = dict[str, dict[str, metrics.Tally]]  # split -> model -> its answers


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
        # the panel is measured on the rows that have votes
        rows = {one["model"]: one["rows"] for one in measured if one["split"] == split and one["kind"] != "ceiling"}
        if len(set(rows.values())) > 1:
            what = f"models were measured on different rows of {split}: {rows}"
            raise InputError(source, what, "measure all models on the same rows")


def comparison(
    measured: Sequence[Measured], relative_times: Mapping[str, float], adapters: Mapping[str, str] | None = None
) -> pl.DataFrame:
    """Every model on every split, one figure a row (`Comparison`), models in the order of `schemas.evaluation.KINDS`.

    Args:
        measured: all metrics.
        relative_times: adapter -> training time over that of the adapter named baseline.
        adapters: adapter folder -> configured adapter, of which it is one seed; one that is not there is its own.
    """
    families: dict[tuple[str, str], list[Measured]] = {}  # an adapter and those of its further seeds
    for one in measured:
        families.setdefault(((adapters or {}).get(one["model"], one["model"]), one["split"]), []).append(one)
    rows = []
    for one in sorted(measured, key=lambda one: KINDS.index(one["kind"])):
        who = {key: one[key] for key in ("model", "kind", "split")}
        figures = dict(one["figures"])
        if one["kind"] == "adapter" and one["model"] in relative_times:
            figures["relative_time"] = {"value": relative_times[one["model"]], "draws": 0}
        for metric, figure in figures.items():
            seeds = (
                _over_seeds(families.get((one["model"], one["split"]), []), metric) if one["kind"] == "adapter" else {}
            )
            printed = published.figure(one["model"], one["kind"], one["split"], metric)
            rows.append(
                {**who, "metric": metric, **figure, "seeds": 0, **seeds, "published": printed, "rows": one["rows"]}
            )
    return pl.DataFrame(rows, schema=schemas.polars_schema(Comparison))


def _over_seeds(family: Sequence[Measured], metric: str) -> dict[str, Any]:
    """A figure over an adapter and those of its further seeds: how many, mean and standard deviation."""
    known = [
        one["figures"][metric]["value"] for one in family if one["figures"].get(metric, {}).get("value") is not None
    ]
    if len(known) < 2:
        return {"seeds": len(family)}
    return {"seeds": len(family), "seeds_mean": float(np.mean(known)), "seeds_sd": float(np.std(known, ddof=1))}


def relative_times(logs: Mapping[str, pl.DataFrame]) -> dict[str, float]:
    """Training time of each adapter over that of the adapter named baseline (`TrainingLog`); none without."""
    seconds = {
        name: float(log.filter(pl.col("metric") == "seconds")["value"].drop_nulls().sum()) for name, log in logs.items()
    }
    reference = seconds.get("baseline", 0.0)
    return {name: one / reference for name, one in seconds.items() if one} if reference else {}


def tallies(
    predictions: Sequence[tuple[Path, pl.DataFrame]], rows: Sequence[pl.DataFrame], measured: Sequence[Measured]
) -> Tallies:
    """The answers of every model on every split.

    A row whose prompt was too long has no prediction and is wrong, as in the metrics.

    Args:
        predictions: path and table of each model on each split; empty tables are skipped.
        rows: the splits' rows; a split is found by its ids.
        measured: the metrics, which say how many rows were not asked.

    Raises:
        InputError: predictions are not of one of these splits, or lack more rows than the metrics say.
    """
    not_asked = {(one["model"], one["split"]): one["not_asked"] for one in measured}
    found: Tallies = {}
    for path, table in predictions:
        if table.is_empty():
            continue
        model, split = table["model"][0], table["split"][0]
        if (model, split) not in not_asked:
            raise InputError(path, f"{model} on {split} has no metrics", "measure these predictions first")
        gold = next((frame for frame in rows if table["id"].is_in(frame["id"].implode()).all()), None)
        if gold is None or gold.height - table.height != not_asked[model, split]:
            raise InputError(path, f"not the predictions of the rows that {split} was measured on", "predict again")
        found.setdefault(split, {})[model] = metrics.tally(table, gold, table, path)
    return found


def pairs(answers: Tallies, draws: int, seed: int) -> pl.DataFrame:
    """Every pair of models on every split (`Pairs`).

    The exact McNemar test with Holm's correction within the split; differences of the figures with paired bootstrap
    intervals: both models are drawn with the same seed, so that each draw weighs the same rows (or topics).
    """
    from statsmodels.stats.contingency_tables import mcnemar
    from statsmodels.stats.multitest import multipletests

    rows: list[dict[str, Any]] = []
    for split, models in answers.items():
        right = {name: one.right() for name, one in models.items()}
        values = {name: metrics.figures(one.lines.sum(axis=0)) for name, one in models.items()}
        by_rows = {name: metrics.drawn(one.lines, draws, seed) for name, one in models.items()}
        by_topics = {name: metrics.drawn(one.by_topic(), draws, seed) for name, one in models.items()}
        family = []
        for a, b in combinations(models, 2):
            x, y = right[a], right[b]
            table = [[int((x & y).sum()), int((x & ~y).sum())], [int((~x & y).sum()), int((~x & ~y).sum())]]
            row: dict[str, Any] = {"split": split, "model_a": a, "model_b": b, "rows": len(x)}
            names = ("both_right", "only_a_right", "only_b_right", "both_wrong")
            row |= dict(zip(names, [*table[0], *table[1]], strict=True))
            row["p"] = float(mcnemar(table, exact=True).pvalue)
            for metric in DIFFERENCES:
                row[metric] = float(values[a][metric] - values[b][metric])
                for way, drawn in (("", by_rows), ("_topic", by_topics)):
                    if drawn[a]:
                        low, high = limits(drawn[a][metric] - drawn[b][metric])
                        row |= {f"{metric}{way}_low": low, f"{metric}{way}_high": high}
            family.append(row)
        if family:
            corrected = multipletests([row["p"] for row in family], method="holm")[1]
            rows += [{**row, "p_holm": float(p)} for row, p in zip(family, corrected, strict=True)]
    return pl.DataFrame(rows, schema=schemas.polars_schema(Pairs))


def find_rows(predictions: Path, given: Path | None) -> Path:
    """The split's rows: those given, or those of the run that the predictions lie in.

    Raises:
        InputError: none are given, and none lie where a run has them.
    """
    rows = given or predictions.resolve().parents[2] / "dataset" / f"{predictions.name.split('.')[0]}.parquet"
    if not rows.is_file():
        raise InputError(
            rows, "the split's rows are missing", "name them with --rows (results/RUN/dataset/SPLIT.parquet)"
        )
    return rows


def two(a: tuple[Path, pl.DataFrame], b: tuple[Path, pl.DataFrame], rows: pl.DataFrame) -> dict[str, metrics.Tally]:
    """The answers of two prediction files, on the rows that both hold.

    Raises:
        InputError: an id twice, other ids in one than in the other, or ids that are not among the rows.
    """
    metrics.check_ids(a[1], a[1].select("id").unique(), a[0])
    metrics.check_ids(b[1], a[1].select("id"), b[0])
    asked = rows.join(a[1].select("id"), on="id", how="semi")
    return {"A": metrics.tally(a[1], asked, None, a[0]), "B": metrics.tally(b[1], asked, None, b[0])}


def differences(
    answers: Mapping[str, metrics.Tally], draws: int, seed: int
) -> dict[str, tuple[float, float, float | None, float | None]]:
    """Each figure that is known of both files: A's, B's, and the limits of A - B by the paired bootstrap over rows.

    A single row has no limits.
    """
    values = {name: metrics.figures(one.lines.sum(axis=0)) for name, one in answers.items()}
    drawn = {name: metrics.drawn(one.lines, draws, seed) for name, one in answers.items()}
    found = {}
    for metric, a in values["A"].items():
        b = values["B"][metric]
        if not (np.isnan(a) or np.isnan(b)):
            low, high = limits(drawn["A"][metric] - drawn["B"][metric]) if drawn["A"] else (None, None)
            found[metric] = (float(a), float(b), low, high)
    return found
