"""Predictions scored per second with 1,000 bootstrap draws: weights over sums, against scikit-learn draw by draw.

The baseline draws rows and calls scikit-learn for macro and weighted F1, accuracy and kappa, four of the figures that
ours gives, over rows only; ours gives all, over rows and over topics. It gets fewer draws, since a draw is a draw.
"""

import statistics
import sys
import time

import numpy as np
import polars as pl
from harness import ROOT, help_or_go, write

sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "tests" / "unit")]
ROWS, DRAWS, BASELINE_DRAWS, RUNS = 10_000, 1000, 50, 5


def main() -> None:
    from pathlib import Path

    import sklearn
    from invented_tables import predictions_of, rows_of
    from sklearn import metrics as sk

    from acrflow.evaluation import metrics
    from acrflow.tasks.appropriateness import LABELS

    random = np.random.default_rng(0)
    gold = random.choice(LABELS, ROWS, p=(0.64, 0.17, 0.19))
    said = np.where(random.random(ROWS) < 0.6, gold, random.choice(LABELS, ROWS))
    topics = pl.Series([f"topic {i % 35}" for i in range(ROWS)])
    rows = rows_of(gold.tolist()).with_columns(topic=topics)
    predictions = predictions_of(said.tolist())
    place = {label: i for i, label in enumerate(LABELS)}
    x, y = (np.array([place[label] for label in labels]) for labels in (gold, said))

    def ours() -> None:
        metrics.measure(metrics.tally(predictions, rows, None, Path("predictions")), DRAWS, seed=1)

    def baseline() -> None:
        for drawn in np.random.default_rng(1).integers(0, ROWS, (BASELINE_DRAWS, ROWS)):
            a, b = x[drawn], y[drawn]
            sk.f1_score(a, b, average="macro"), sk.f1_score(a, b, average="weighted"), sk.accuracy_score(a, b)
            sk.cohen_kappa_score(a, b, weights="quadratic")

    rates: dict[str, list[float]] = {"ours": [], "baseline": []}
    ours()  # once without the clock
    for _ in range(RUNS):
        for name, call, draws in (("ours", ours, DRAWS), ("baseline", baseline, BASELINE_DRAWS)):
            began = time.perf_counter()
            call()
            rates[name].append(draws / (time.perf_counter() - began))
    means = {name: statistics.mean(values) for name, values in rates.items()}
    write(
        "metrics",
        ours=means["ours"],
        baseline=means["baseline"],
        ratio=means["ours"] / means["baseline"],
        unit="draws/s",
        runs=RUNS,
        spread={name: round(statistics.stdev(values), 3) for name, values in rates.items()},
        baseline_is=f"scikit-learn {sklearn.__version__}, draw by draw, rows only",
        predictions=ROWS,
        seconds_of_1000_draws=round(1000 / means["ours"], 2),
    )


if __name__ == "__main__":
    help_or_go(__doc__)
    main()
