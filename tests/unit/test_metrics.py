"""Figures of a model: against scikit-learn, against the published tables, and under odd input."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from invented_tables import predictions_of, rows_of
from sklearn import metrics as sk

from acrflow import schemas
from acrflow.errors import InputError
from acrflow.evaluation import metrics, published
from acrflow.labels import LABELS, MBA, UA, UNA

PROGRAM = Path(__file__).resolve().parents[2] / "scripts" / "measure.py"
SOURCE = Path("predictions.parquet")

label = st.sampled_from(LABELS)
answer = st.sampled_from([*LABELS, None])


def measured(gold: list[str], answers: list[str | None], draws: int = 20) -> dict:
    return metrics.measure(predictions_of(answers), rows_of(gold), None, SOURCE, draws, seed=1)


def value(result: dict, metric: str) -> float:
    return result["figures"][metric]["value"]


@given(st.lists(st.tuples(label, answer), min_size=1, max_size=60))
def test_figures_agree_with_scikit_learn(pairs: list[tuple[str, str | None]]) -> None:
    gold, said = [pair[0] for pair in pairs], [pair[1] or "unparsed" for pair in pairs]
    result = measured(gold, [pair[1] for pair in pairs])
    expected = {
        "macro_f1": sk.f1_score(gold, said, labels=LABELS, average="macro", zero_division=0),
        "weighted_f1": sk.f1_score(gold, said, labels=LABELS, average="weighted", zero_division=0),
        "accuracy": sk.accuracy_score(gold, said),
        "balanced_accuracy": sk.recall_score(
            gold, said, labels=[one for one in LABELS if one in gold], average="macro", zero_division=0
        ),
    }
    precision, recall, f1, support = sk.precision_recall_fscore_support(gold, said, labels=LABELS, zero_division=0)
    for i, short in enumerate(metrics.SHORT):
        expected |= {f"precision_{short}": precision[i], f"recall_{short}": recall[i], f"f1_{short}": f1[i]}
    assert {name: value(result, name) for name in expected} == pytest.approx(expected)
    assert list(result["support"].values()) == support.tolist()
    assert np.array_equal(
        result["confusion"]["counts"], sk.confusion_matrix(gold, said, labels=[*LABELS, "unparsed"])[:3]
    )


@given(st.lists(st.tuples(label, answer), min_size=1, max_size=60))
def test_shares_and_intervals_stay_between_0_and_1_and_in_order(pairs: list[tuple[str, str | None]]) -> None:
    result = measured([pair[0] for pair in pairs], [pair[1] for pair in pairs])
    for name, figure in result["figures"].items():
        assert 0 <= figure["value"] <= 1, name
        if name in metrics.WITH_INTERVAL:
            assert 0 <= figure["low"] <= figure["high"] <= 1, name


@given(st.lists(st.tuples(label, answer), min_size=1, max_size=40), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(pairs: list[tuple[str, str | None]], random: Any) -> None:
    rows, predictions = rows_of([pair[0] for pair in pairs]), predictions_of([pair[1] for pair in pairs])
    order = list(range(len(pairs)))
    random.shuffle(order)
    shuffled = metrics.measure(predictions[order], rows, None, SOURCE, 10, seed=1)
    assert shuffled == metrics.measure(predictions, rows, None, SOURCE, 10, seed=1)


@given(st.lists(st.tuples(label, label), min_size=2, max_size=40), st.integers(0, 39))
def test_an_unparsed_answer_never_counts_better_than_a_right_one(pairs: list[tuple[str, str]], at: int) -> None:
    gold, said = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    at %= len(gold)
    right = measured(gold, [*said[:at], gold[at], *said[at + 1 :]])
    unparsed = measured(gold, [*said[:at], None, *said[at + 1 :]])
    for metric in ("macro_f1", "weighted_f1", "accuracy", "balanced_accuracy"):
        assert value(unparsed, metric) < value(right, metric)


def published_answers(adapter: str) -> tuple[list[str], list[str | None]]:
    """Gold labels and answers that have the paper's confusion matrix."""
    cells = [
        (LABELS[i], LABELS[j])
        for i, row in enumerate(published.CONFUSION[adapter])
        for j, count in enumerate(row)
        for _ in range(count)
    ]
    return [gold for gold, _ in cells], [said for _, said in cells]


@pytest.mark.parametrize("adapter", published.CONFUSION)
def test_the_published_confusion_matrix_gives_the_published_f1(adapter: str) -> None:
    result = measured(*published_answers(adapter))
    for metric, percent in published.FIGURES[adapter]["test"].items():
        assert 100 * value(result, metric) == pytest.approx(percent, abs=0.2)


@pytest.mark.parametrize(
    ("adapter", "count"), [("baseline", 1), ("citations", 4), ("llm_eval", 1), ("medreason_embed", 2)]
)
def test_answers_that_the_paper_left_out_are_counted_and_cost_f1(adapter: str, count: int) -> None:
    assert published.left_out(adapter) == count
    gold, said = published_answers(adapter)
    whole = measured(gold + [MBA] * count, [*said, *[None] * count])
    assert whole["rows"] == published.TEST_ROWS
    assert value(whole, "unparsed") == pytest.approx(count / 521)
    assert value(whole, "macro_f1") < value(measured(gold, said), "macro_f1")


def test_unsafe_errors_are_the_two_opposite_calls_only() -> None:
    result = measured([UNA, UA, UNA, UA, MBA, UNA], [UA, UNA, MBA, None, UA, UNA])
    assert value(result, "unsafe") == pytest.approx(2 / 6)


def test_the_interval_is_that_of_rows_drawn_with_replacement() -> None:
    rng = np.random.default_rng(0)
    gold = rng.choice(LABELS, 200).tolist()
    said = [one if rng.random() < 0.6 else str(rng.choice(LABELS)) for one in gold]
    drawn = [
        sk.f1_score(np.array(gold)[rows], np.array(said)[rows], average="macro")
        for rows in rng.integers(0, 200, (1000, 200))
    ]
    figure = measured(gold, said, draws=2000)["figures"]["macro_f1"]
    assert [figure["low"], figure["high"]] == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.01)


def test_ten_thousand_predictions_with_a_thousand_draws_take_seconds() -> None:
    rng = np.random.default_rng(0)
    gold, said = rng.choice(LABELS, 10_000).tolist(), rng.choice(LABELS, 10_000).tolist()
    began = time.perf_counter()
    measured(gold, said, draws=1000)
    assert time.perf_counter() - began < 10


def test_a_row_whose_prompt_was_too_long_counts_as_wrong() -> None:
    rows, asked = rows_of([UA, UA, UA]), pl.DataFrame({"id": ["row0", "row1"]})
    result = metrics.measure(predictions_of([UA, UA]), rows, asked, SOURCE, 10, seed=1)
    assert (result["not_asked"], value(result, "accuracy"), value(result, "unparsed")) == (1, 2 / 3, 1 / 3)


def test_no_rows_give_no_figures() -> None:
    result = measured([], [])
    assert result["rows"] == 0
    assert {figure["value"] for name, figure in result["figures"].items() if name in metrics.MAIN} == {None}


def test_predictions_of_other_rows_are_refused_by_name() -> None:
    rows = rows_of([UA, UA, UA])
    double = predictions_of([UA, UA, UA])[[0, 0, 1, 2]]
    foreign = predictions_of([UA, UA, UA]).with_columns(id=pl.col("id").replace("row1", "elsewhere"))
    with pytest.raises(InputError, match=r"1 duplicated \(row0\)"):
        metrics.count(double, rows, None, SOURCE)
    with pytest.raises(InputError, match=r"1 missing \(row1\); 1 not among the rows \(elsewhere\)"):
        metrics.count(foreign, rows, None, SOURCE)


def test_the_program_writes_nothing_for_predictions_of_another_model(tmp_path: Path) -> None:
    schemas.write(schemas.Rows, rows_of([UA, MBA]), tmp_path / "rows.parquet")
    schemas.write(schemas.Predictions, predictions_of([UA, None]), tmp_path / "p.parquet")
    files = ["--predictions", "p.parquet", "--rows", "rows.parquet", "--out", "m.json"]
    arguments = [sys.executable, str(PROGRAM), *files, "--split", "test", "--kind", "adapter"]
    refused = subprocess.run([*arguments, "--model", "sft"], cwd=tmp_path, capture_output=True, text=True)
    assert refused.returncode == 2
    assert "p.parquet: column model holds baseline, not sft" in refused.stderr
    assert not (tmp_path / "m.json").exists()

    subprocess.run([*arguments, "--model", "baseline"], cwd=tmp_path, check=True, capture_output=True)
    written = json.loads((tmp_path / "m.json").read_text())
    assert (written["model"], written["kind"], written["draw"], written["rows"]) == ("baseline", "adapter", "greedy", 2)
    assert value(written, "accuracy") == 0.5
