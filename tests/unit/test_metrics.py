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
from hypothesis import given, settings
from hypothesis import strategies as st
from invented_tables import predictions_of, rows_of, write_roster
from programs import program as program_file
from sklearn import metrics as sk

from acrflow import schemas
from acrflow.evaluation import metrics, published
from acrflow.io.errors import InputError
from acrflow.schemas.dataset import Rows
from acrflow.schemas.evaluation import ReasoningScores
from acrflow.schemas.inference import Predictions
from acrflow.tasks.appropriateness import LABELS, MBA, TASK, UA, UNA
from acrflow.tasks.task import Task

PROGRAM = program_file("measure")
SOURCE = Path("predictions.parquet")

settings.register_profile("acrflow", deadline=None)  # a busy machine is no failure
settings.load_profile("acrflow")
label = st.sampled_from(LABELS)
answer = st.sampled_from([*LABELS, None])


def measured(gold: list[str], answers: list[str | None], draws: int = 20) -> dict:
    return metrics.measure(metrics.tally(predictions_of(answers), rows_of(gold), None, SOURCE), draws, seed=1)


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
    for i, short in enumerate(TASK.short):
        expected |= {f"precision_{short}": precision[i], f"recall_{short}": recall[i], f"f1_{short}": f1[i]}
    assert {name: value(result, name) for name in expected} == pytest.approx(expected)
    assert list(result["support"].values()) == support.tolist()
    assert np.array_equal(
        result["confusion"]["counts"], sk.confusion_matrix(gold, said, labels=[*LABELS, "unparsed"])[:3]
    )


@given(st.lists(st.tuples(label, answer), min_size=1, max_size=60))
def test_shares_and_intervals_stay_between_0_and_1_and_in_order(pairs: list[tuple[str, str | None]]) -> None:
    result = measured([pair[0] for pair in pairs], [pair[1] for pair in pairs])
    for name in metrics.MAIN:
        if name != "qwk" and len(pairs) > 1:
            figure = result["figures"][name]
            assert 0 <= figure["low"] <= figure["high"] <= 1, name
            assert 0 <= figure["value"] <= 1, name


@given(st.lists(st.tuples(label, answer), min_size=1, max_size=40), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(pairs: list[tuple[str, str | None]], random: Any) -> None:
    rows, predictions = rows_of([pair[0] for pair in pairs]), predictions_of([pair[1] for pair in pairs])
    order = list(range(len(pairs)))
    random.shuffle(order)
    shuffled = metrics.tally(predictions[order], rows[order[::-1]], None, SOURCE)
    assert metrics.measure(shuffled, 10, 1) == metrics.measure(metrics.tally(predictions, rows, None, SOURCE), 10, 1)


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
    for metric in ("macro_f1", "weighted_f1"):
        assert value(result, metric) == pytest.approx(published.FIGURES[adapter]["test"][metric], abs=0.002)


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
    began = time.process_time()
    measured(gold, said, draws=1000)
    assert time.process_time() - began < 20


def test_a_row_whose_prompt_was_too_long_counts_as_wrong() -> None:
    rows, asked = rows_of([UA, UA, UA]), pl.DataFrame({"id": ["row0", "row1"]})
    result = metrics.measure(metrics.tally(predictions_of([UA, UA]), rows, asked, SOURCE), 10, seed=1)
    assert (value(result, "accuracy"), value(result, "unparsed")) == (2 / 3, 1 / 3)


def topics_of(size: int, topics: int) -> pl.Series:
    return pl.Series([f"topic {i % topics}" for i in range(size)])


def test_the_interval_over_topics_is_that_of_topics_drawn_with_replacement() -> None:
    rng = np.random.default_rng(0)
    gold, topics = rng.choice(LABELS, 300).tolist(), topics_of(300, 12)
    skill = rng.random(12)  # topics differ, so that rows of one topic stand and fall together
    said = [one if rng.random() < skill[i % 12] else str(rng.choice(LABELS)) for i, one in enumerate(gold)]
    numbers = np.arange(300) % 12
    drawn = []
    for picked in rng.integers(0, 12, (1500, 12)):
        at = np.concatenate([np.flatnonzero(numbers == topic) for topic in picked])
        drawn.append(sk.f1_score(np.array(gold)[at], np.array(said)[at], labels=LABELS, average="macro"))
    rows = rows_of(gold).with_columns(topic=topics)
    figure = metrics.measure(metrics.tally(predictions_of(said), rows, None, SOURCE), 2000, 1)["figures"]["macro_f1"]
    assert [figure["topic_low"], figure["topic_high"]] == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.015)
    assert figure["topic_high"] - figure["topic_low"] > 1.5 * (figure["high"] - figure["low"])


@given(st.lists(st.tuples(label, label), min_size=1, max_size=60))
def test_weighted_kappa_agrees_with_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    gold, said = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    if len({*gold, *said}) > 1:
        expected = sk.cohen_kappa_score(gold, said, labels=LABELS, weights="quadratic")
        assert value(measured(gold, [*said]), "qwk") == pytest.approx(expected)


def test_an_unparsed_answer_counts_as_far_off_in_the_weighted_kappa() -> None:
    gold = [UNA, UNA, MBA, UA]
    assert value(measured(gold, [None, UNA, MBA, UA]), "qwk") == value(measured(gold, [UA, UNA, MBA, UA]), "qwk")


class Stars(Task):
    """An ordered task of four labels, on which ten judges vote."""

    name, purpose = "stars", "rate a film"
    labels, short = ("1", "2", "3", "4"), ("one", "two", "three", "four")
    fields, gold, scenario = ("film",), "stars", "film"
    ordered, unsafe, votes = True, (("unsafe_up", "1", "4"),), "judges"


def stars_of(gold: list[str]) -> pl.DataFrame:
    judges = pl.Series("judges", [[1, 2, 3, 4]] * len(gold), dtype=pl.List(pl.Int64))
    return rows_of([UA] * len(gold)).with_columns(pl.Series("stars", gold, dtype=pl.String), judges)


@given(st.lists(st.tuples(*[st.sampled_from(Stars.labels)] * 2), min_size=1, max_size=40))
def test_another_tasks_kappa_and_f1_agree_with_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    gold, said = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    result = metrics.measure(metrics.tally(predictions_of([*said]), stars_of(gold), None, SOURCE, task=Stars()), 5, 1)
    if len({*gold, *said}) > 1:
        expected = sk.cohen_kappa_score(gold, said, labels=Stars.labels, weights="quadratic")
        assert value(result, "qwk") == pytest.approx(expected)
    f1 = sk.f1_score(gold, said, labels=Stars.labels, average=None, zero_division=0)
    assert [value(result, f"f1_{short}") for short in Stars.short] == pytest.approx(f1)
    assert value(result, "unsafe") == value(result, "unsafe_up") == pairs.count(("1", "4")) / len(pairs)


def test_another_tasks_unparsed_answers_count_as_the_farthest_label_and_its_judges_as_they_voted() -> None:
    gold = ["1", "2", "3", "4", "2"]
    unparsed, farthest = (
        metrics.measure(metrics.tally(predictions_of([*said]), stars_of(gold), None, SOURCE, task=Stars()), 5, 1)
        for said in ([None, None, None, None, "2"], ["4", "4", "1", "1", "2"])
    )
    assert value(unparsed, "qwk") == pytest.approx(value(farthest, "qwk"))
    assert value(farthest, "vote_agreement") == pytest.approx((0.4 + 0.4 + 0.1 + 0.1 + 0.2) / 5)
    panel = metrics.measure(metrics.panel(stars_of(gold), Stars()), 5, 1)
    assert value(panel, "accuracy") == pytest.approx((0.1 + 0.2 + 0.3 + 0.4 + 0.2) / 5)


def test_calibration_and_brier_score_agree_with_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    gold, shares = rng.choice(LABELS, 500).tolist(), rng.dirichlet([1, 1, 1], 500)
    predictions = predictions_of(gold).with_columns(probabilities=pl.Series(shares.tolist()))
    result = metrics.measure(metrics.tally(predictions, rows_of(gold), None, SOURCE), 10, 1)
    place = np.array([LABELS.index(one) for one in gold])
    right, sure = shares.argmax(axis=1) == place, shares.max(axis=1)
    bins = np.minimum((sure * 10).astype(int), 9)
    expected = sum(abs(right[bins == b].sum() - sure[bins == b].sum()) for b in range(10)) / 500
    assert value(result, "ece") == pytest.approx(expected)
    assert value(result, "brier") == pytest.approx(sk.brier_score_loss(place, shares, scale_by_half=False))
    assert sum(one["rows"] for one in result["calibration"]) == 500


def test_without_probabilities_there_is_no_calibration() -> None:
    result = measured([UA, UNA], [UA, UNA])
    assert (value(result, "ece"), value(result, "brier"), result["calibration"]) == (None, None, [])


def test_votes_and_the_panel_as_worked_by_hand() -> None:
    """Ten panelists: 7 for UNA, 2 for MBA, 1 for UA; published UNA. And 5 for UA alone, published UA."""
    votes = [[3, 3, 1, 2, 0, 0, 0, 0, 1], [0, 0, 0, 0, 0, 0, 0, 5, 0], None]
    rows = rows_of([UNA, UA, UA]).with_columns(votes=pl.Series(votes, dtype=pl.List(pl.Int64)))
    result = metrics.measure(metrics.tally(predictions_of([MBA, UA, UA]), rows, None, SOURCE), 10, 1)
    assert value(result, "vote_agreement") == pytest.approx((0.2 + 1) / 2)  # the third row has no votes
    panel = metrics.measure(metrics.panel(rows), 10, 1)
    assert panel["rows"] == 2
    assert value(panel, "accuracy") == pytest.approx((0.7 + 1) / 2)
    assert value(panel, "unsafe") == pytest.approx(0.1 / 2)
    assert value(panel, "vote_agreement") == pytest.approx(((7 * 6 + 2 * 1) / 90 + 1) / 2)
    assert panel["confusion"]["counts"][0] == pytest.approx([0.7, 0.2, 0.1, 0])


def test_sampled_runs_stand_beside_the_greedy_figure() -> None:
    rows = rows_of([UA, UNA])
    greedy, one, other = (
        metrics.tally(predictions_of(said), rows, None, SOURCE) for said in ([UA, UNA], [UA, UA], [UA, UNA])
    )
    figure = metrics.measure(greedy, 10, 1, [one, other])["figures"]["accuracy"]
    assert (figure["value"], figure["draws"], figure["draws_mean"]) == (1, 2, 0.75)
    assert figure["draws_sd"] == pytest.approx(np.std([0.5, 1], ddof=1))


def test_reasoning_is_averaged_over_the_rows_that_have_it() -> None:
    rows, predictions = rows_of([UA, UNA, MBA]), predictions_of([UA, UNA, MBA])
    values = [{"id": "row0", "model": "m", "split": "test", "alignment": 0.5}]
    values.append({"id": "row2", "model": "m", "split": "test", "alignment": None})
    scores = pl.DataFrame(values, schema=schemas.polars_schema(ReasoningScores))
    result = metrics.measure(metrics.tally(predictions, rows, None, SOURCE, scores), 10, 1)
    assert (value(result, "alignment"), result["known"]["alignment"], value(result, "judge")) == (0.5, 1, None)


def test_no_rows_give_no_figures() -> None:
    result = measured([], [])
    assert result["rows"] == 0
    assert {figure["value"] for name, figure in result["figures"].items() if name in metrics.MAIN} == {None}


def test_predictions_of_other_rows_are_refused_by_name() -> None:
    rows = rows_of([UA, UA, UA])
    double = predictions_of([UA, UA, UA])[[0, 0, 1, 2]]
    foreign = predictions_of([UA, UA, UA]).with_columns(id=pl.col("id").replace("row1", "elsewhere"))
    with pytest.raises(InputError, match=r"1 duplicated \(row0\)"):
        metrics.tally(double, rows, None, SOURCE)
    with pytest.raises(InputError, match=r"1 missing \(row1\); 1 not among the rows \(elsewhere\)"):
        metrics.tally(foreign, rows, None, SOURCE)


def program(folder: Path, **kinds: str) -> subprocess.CompletedProcess[str]:
    schemas.write(Rows, rows_of([UA, MBA]), folder / "test.parquet")
    schemas.write(Predictions, predictions_of([UA, None]), folder / "p" / "baseline" / "test.greedy.parquet")
    models = [{"name": name, "kind": kind} for name, kind in kinds.items()]
    roster = write_roster(folder / "roster.json", *models, {"name": "panel", "kind": "ceiling"})
    files = ["--predictions", "p", "--rows", "test.parquet", "--examples", "e", "--out", "m", "--bootstrap", "20"]
    arguments = [sys.executable, str(PROGRAM), "--roster", str(roster), *files]
    return subprocess.run(arguments, cwd=folder, capture_output=True, text=True)


def test_the_program_measures_every_model_and_the_panel(tmp_path: Path) -> None:
    done = program(tmp_path, baseline="reference")
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "m" / "baseline.test.json").read_text())
    assert (result["kind"], result["rows"], value(result, "unparsed")) == ("reference", 2, 0.5)
    assert json.loads((tmp_path / "m" / "panel.test.json").read_text())["kind"] == "ceiling"


def test_the_program_writes_nothing_where_predictions_are_missing_or_of_another_model(tmp_path: Path) -> None:
    missing = program(tmp_path, baseline="reference", sft="adapter")
    assert missing.returncode == 2 and "p/sft/test.greedy.parquet" in missing.stderr
    schemas.write(Predictions, predictions_of([UA, None]), tmp_path / "p" / "sft" / "test.greedy.parquet")
    other = program(tmp_path, baseline="reference", sft="adapter")
    assert other.returncode == 2 and "holds baseline, not sft" in other.stderr
    assert not (tmp_path / "m").exists()
