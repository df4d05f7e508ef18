"""Comparing models: fairness of the table, McNemar and Holm by hand, the paper's figures where they belong."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from invented_tables import predictions_of, rows_of, write_roster
from programs import program as program_file
from sklearn import metrics as sk

from acrflow import schemas
from acrflow.evaluation import compare, metrics
from acrflow.io.errors import InputError
from acrflow.io.files import write_json
from acrflow.report import tables
from acrflow.schemas.dataset import Rows
from acrflow.schemas.evaluation import Comparison, Pairs
from acrflow.schemas.inference import Predictions
from acrflow.schemas.training import TrainingLog
from acrflow.tasks.appropriateness import LABELS, MBA, UA, UNA

GOLD = [UNA, MBA, UA, UA, UNA, MBA]
SAID: dict[str, tuple[str, list[str | None]]] = {
    "majority": ("baseline", [UNA] * 6),
    "base": ("base", [None] * 6),
    "citations": ("adapter", [UNA, MBA, UA, UA, UNA, None]),
    "homemade": ("adapter", [UNA, MBA, UNA, UA, UNA, MBA]),
}


def measured(model: str, split: str = "test") -> dict:
    kind, said = SAID[model]
    answers = metrics.tally(predictions_of(said, model, split), rows_of(GOLD), None, Path("p"))
    return {"model": model, "kind": kind, "split": split, "not_asked": 0, **metrics.measure(answers, 50, seed=1)}


def tally_of(right: list[bool]) -> metrics.Tally:
    gold = [UNA, UA] * (len(right) // 2)
    said = [label if good else MBA for label, good in zip(gold, right, strict=True)]
    names = [f"row{i:03}" for i in range(len(right))]  # so that sorting keeps their order
    rows, predictions = (frame.with_columns(id=pl.Series(names)) for frame in (rows_of(gold), predictions_of([*said])))
    return metrics.tally(predictions, rows, None, Path("p"))


def everything() -> list[dict]:
    return [measured(model, split) for split in ("test", "generalization") for model in SAID]


def test_mcnemar_and_holm_as_worked_by_hand() -> None:
    """Rows that only one of two models has right: a and b 9:1, a and c 6:0, b and c 3:5.

    Two-sided exact binomial: 2 (1 + 10) / 2^10 = 22/1024; 2 / 2^6 = 2/64; 2 (1 + 8 + 28 + 56) / 2^8 = 186/256.
    Holm: the smallest times 3, the next times 2 but not below the one before, the largest times 1.
    """
    a = np.array([True] * 9 + [False] + [True] * 10)
    b = np.array([False] * 9 + [True] * 11)
    c = a.copy()
    c[[0, 1, 2, 3, 10, 11]] = False  # four rows that b has wrong, and two that b has right
    answers = {"test": {name: tally_of(one.tolist()) for name, one in (("a", a), ("b", b), ("c", c))}}
    pairs = {(row["model_a"], row["model_b"]): row for row in compare.pairs(answers, 20, 1).to_dicts()}
    discordant = {pair: (row["only_a_right"], row["only_b_right"]) for pair, row in pairs.items()}
    assert discordant == {("a", "b"): (9, 1), ("a", "c"): (6, 0), ("b", "c"): (3, 5)}
    p_ab, p_ac, p_bc = 22 / 1024, 2 / 64, 186 / 256
    assert [row["p"] for row in pairs.values()] == pytest.approx([p_ab, p_ac, p_bc])
    assert [row["p_holm"] for row in pairs.values()] == pytest.approx([3 * p_ab, max(3 * p_ab, 2 * p_ac), p_bc])


def test_models_that_agree_everywhere_do_not_differ() -> None:
    same = tally_of([True, False, True, True])
    pair = compare.pairs({"test": {"a": same, "b": same}}, 50, 1).row(0, named=True)
    assert (pair["p"], pair["macro_f1"], pair["macro_f1_low"], pair["macro_f1_high"]) == (1.0, 0, 0, 0)


def test_differences_are_drawn_in_pairs() -> None:
    """Against the plain way; unpaired draws of two models that share most errors would be far wider."""
    rng = np.random.default_rng(0)
    b = rng.random(400) < 0.6
    a = b | (rng.random(400) < 0.1)
    pair = compare.pairs({"test": {"a": tally_of(a.tolist()), "b": tally_of(b.tolist())}}, 2000, 1).row(0, named=True)
    gold = np.array([UNA, UA] * 200)
    drawn = []
    for at in rng.integers(0, 400, (800, 400)):
        f1 = [sk.f1_score(gold[at], np.where(one, gold, MBA)[at], labels=LABELS, average="weighted", zero_division=0)
              for one in (a, b)]  # fmt: skip
        drawn.append(f1[0] - f1[1])
    found = [pair["weighted_f1_low"], pair["weighted_f1_high"]]
    assert found == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.006)


def test_the_comparison_holds_every_model_with_the_baselines_last_and_the_paper_beside() -> None:
    compared = compare.comparison(everything(), {"citations": 1.3})
    Comparison.validate(compared)
    table = tables.wide(compared, "test", tables.HEADLINE)
    assert table["model"].to_list() == ["citations", "homemade", "base", "majority"]
    assert table.filter(model="base")["unparsed"].item() == 1
    assert table["macro_f1_published"].to_list() == [pytest.approx(0.456), None, None, None]
    assert compared.filter(metric="relative_time", split="test").select("value", "published").row(0) == (1.3, 1.2)


def test_tables_are_written_for_readers() -> None:
    frame = tables.wide(compare.comparison(everything(), {}), "test", tables.PERFORMANCE)
    table = tables.for_readers(frame, "Performance of 100 % & more", same_task=False, paper=tables.PERFORMANCE)
    text, source = tables.markdown(table), tables.latex(table)
    assert "another task" in text and "| citations | adapter |" in text and "| 45.6 |" in text
    assert "another task" not in tables.markdown(
        tables.for_readers(frame, "P", same_task=True, paper=tables.PERFORMANCE)
    )
    assert r"\caption{Performance of 100 \% \& more" in source and source.count(r" \\") == 1 + table_rows(source)
    assert all(line.count("|") == len(table.heads) + 1 for line in text.splitlines() if line.startswith("|"))


def table_rows(source: str) -> int:
    return len(source.split(r"\midrule")[1].split(r"\bottomrule")[0].strip().splitlines())


def test_an_adapter_trained_with_further_seeds_shows_their_spread() -> None:
    results = everything()
    again = [{**one, "model": f"{one['model']}-seed7"} for one in results if one["model"] == "citations"]
    for one in again:
        one["figures"] = {**one["figures"], "accuracy": {**one["figures"]["accuracy"], "value": 0.5}}
    compared = compare.comparison([*results, *again], {}, {"citations-seed7": "citations"})
    row = compared.filter(model="citations", split="test", metric="accuracy").row(0, named=True)
    assert (row["seeds"], row["seeds_mean"]) == (2, pytest.approx((5 / 6 + 0.5) / 2))
    assert compare.comparison(results, {}).filter(model="citations")["seeds_mean"].is_null().all()


def test_training_times_are_relative_to_baseline() -> None:
    logs = {
        name: pl.DataFrame([{"step": 1, "metric": "seconds", "value": seconds}],
                           schema=schemas.polars_schema(TrainingLog))
        for name, seconds in (("baseline", 2.0), ("citations", 3.0))
    }  # fmt: skip
    assert compare.relative_times(logs) == {"baseline": 1.0, "citations": 1.5}
    assert compare.relative_times({"citations": logs["citations"]}) == {}


@pytest.mark.parametrize(
    ("drop", "message"),
    [
        (("majority", None), "majority baseline is missing"),
        (("citations", "generalization"), "not measured: citations on generalization"),
    ],
)
def test_an_unfair_comparison_is_refused(drop: tuple[str, str | None], message: str) -> None:
    model, split = drop
    kept = [one for one in everything() if not (one["model"] == model and split in (None, one["split"]))]
    with pytest.raises(InputError, match=message):
        compare.check(kept, "--metrics")


def test_models_measured_on_different_rows_are_refused() -> None:
    results = everything()
    results[0]["rows"] = 5
    with pytest.raises(InputError, match="different rows of test"):
        compare.check(results, "--metrics")


def test_predictions_of_other_rows_than_the_metrics_are_refused() -> None:
    fewer = predictions_of([UNA] * 5, "majority")
    with pytest.raises(InputError, match="not the predictions of the rows"):
        compare.tallies([(Path("p"), fewer)], [rows_of(GOLD)], [measured("majority")])


def write_run(folder: Path) -> dict[str, list[str]]:
    """The files of a run, by the flag that takes them."""
    files: dict[str, list[str]] = {"--metrics": [], "--predictions": [], "--rows": []}
    for split in ("test", "generalization"):
        rows = rows_of(GOLD).with_columns(id=split + pl.col("id"))
        schemas.write(Rows, rows, folder / "dataset" / f"{split}.parquet")
        files["--rows"].append(f"dataset/{split}.parquet")
        for model in SAID:
            predictions = predictions_of(SAID[model][1], model, split).with_columns(id=split + pl.col("id"))
            file = f"predictions/{model}/{split}.greedy.parquet"
            schemas.write(Predictions, predictions, folder / file)
            write_json(folder / f"{model}.{split}.json", measured(model, split))
            files["--predictions"].append(file)
            files["--metrics"].append(f"{model}.{split}.json")
    return files


def test_all_models_are_compared_and_summarized(tmp_path: Path) -> None:
    arguments = [part for flag, paths in write_run(tmp_path).items() for part in (flag, *paths)]
    write_roster(tmp_path / "roster.json", {"name": "citations", "kind": "adapter", "adapter": "citations"})
    out = ["--roster", "roster.json", "--out", "metrics/comparison.parquet", "--pairs", "pairs.parquet"]
    out += ["--tables", "tables", "--bootstrap", "50"]
    program = [sys.executable, str(program_file("compare_all")), *arguments, *out]
    subprocess.run(program, cwd=tmp_path, check=True, capture_output=True)
    names = ["performance", "reasoning", "generalization", "all.test", "all.generalization"]
    expected = {f"{name}.{ending}" for name in names for ending in ("csv", "md", "tex")} | {"pairs.csv"}
    assert {file.name for file in (tmp_path / "tables").iterdir()} == expected
    assert schemas.read(Pairs, tmp_path / "pairs.parquet").height == 12

    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "index.html").touch()
    program = [sys.executable, "-m", "acrflow.cli", "summary", "."]
    environment = {**os.environ, "COLUMNS": "100"}
    shown = subprocess.run(program, cwd=tmp_path, check=True, capture_output=True, text=True, env=environment)
    assert "majority" in shown.stdout and "Report: report/index.html" in shown.stdout


def compare_two(folder: Path, a: str, b: str) -> subprocess.CompletedProcess[str]:
    files = [f"predictions/{model}/test.greedy.parquet" for model in (a, b)]
    program = [sys.executable, "-m", "acrflow.cli", "compare", *files, "--bootstrap", "50"]
    return subprocess.run(program, cwd=folder, capture_output=True, text=True, env={**os.environ, "COLUMNS": "100"})


def test_two_files_are_compared_and_files_of_different_rows_are_refused(tmp_path: Path) -> None:
    write_run(tmp_path)
    done = compare_two(tmp_path, "citations", "majority")
    assert done.returncode == 0, done.stderr
    assert "Only A right 3, only B right 0: exact McNemar p = 0.25" in done.stdout
    assert "same label 2" in done.stdout

    file = tmp_path / "predictions/base/test.greedy.parquet"
    whole = schemas.read(Predictions, file)
    schemas.write(Predictions, whole[:5], file)
    fewer = compare_two(tmp_path, "citations", "base")
    assert fewer.returncode == 2 and "1 missing (testrow5)" in fewer.stderr
    whole[[0, *range(6)]].write_parquet(file)
    double = compare_two(tmp_path, "citations", "base")
    assert double.returncode == 2 and "unique" in double.stderr
