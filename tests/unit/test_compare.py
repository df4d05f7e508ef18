"""Comparing models: fairness of the table, McNemar and Holm by hand, the paper's figures where they belong."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from invented_tables import predictions_of, rows_of

from acrflow import schemas
from acrflow.errors import InputError
from acrflow.evaluation import compare, metrics
from acrflow.files import write_json
from acrflow.labels import LABELS, MBA, UA, UNA

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
GOLD = [UNA, MBA, UA, UA, UNA, MBA]
SAID: dict[str, tuple[str, list[str | None]]] = {
    "majority": ("cheap baseline", [UNA] * 6),
    "base": ("base", [None] * 6),
    "citations": ("adapter", [UNA, MBA, UA, UA, UNA, None]),
    "homemade": ("adapter", [UNA, MBA, UNA, UA, UNA, MBA]),
}


def measured(model: str, split: str = "test") -> dict:
    kind, said = SAID[model]
    result = metrics.measure(predictions_of(said, model, split), rows_of(GOLD), None, Path("p"), 50, seed=1)
    return {"model": model, "kind": kind, "split": split, "draw": "greedy", **result}


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
    pairs = {
        (row["model_a"], row["model_b"]): row for row in compare.mcnemar({"test": {"a": a, "b": b, "c": c}}).to_dicts()
    }
    discordant = {pair: (row["only_a_right"], row["only_b_right"]) for pair, row in pairs.items()}
    assert discordant == {("a", "b"): (9, 1), ("a", "c"): (6, 0), ("b", "c"): (3, 5)}
    p_ab, p_ac, p_bc = 22 / 1024, 2 / 64, 186 / 256
    assert [row["p"] for row in pairs.values()] == pytest.approx([p_ab, p_ac, p_bc])
    assert [row["p_holm"] for row in pairs.values()] == pytest.approx([3 * p_ab, max(3 * p_ab, 2 * p_ac), p_bc])


def test_models_that_agree_everywhere_do_not_differ() -> None:
    right = np.array([True, False, True])
    assert compare.mcnemar({"test": {"a": right, "b": right}})["p"].to_list() == [1.0]


def test_the_table_holds_every_model_with_the_cheap_baselines_last() -> None:
    compared = compare.comparison(everything())
    schemas.Comparison.validate(compared)
    table = compare.wide(compared, "test")
    assert table["model"].to_list() == ["citations", "homemade", "base", "majority"]
    assert table.filter(model="base")["unparsed"].item() == 1


def test_published_figures_stand_beside_adapters_of_that_name_only() -> None:
    table = compare.wide(compare.comparison(everything()), "test")
    assert dict(table.select("model", "published_macro_f1").iter_rows()) == {
        "citations": pytest.approx(0.456),
        "homemade": None,
        "base": None,
        "majority": None,
    }
    assert "another task" in compare.markdown(table, "test", same_task=False)
    assert "another task" not in compare.markdown(table, "test", same_task=True)


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
        compare.answers([(Path("p"), fewer)], [rows_of(GOLD)], [measured("majority")])


def test_compare_writes_its_tables_and_summarize_prints_them(tmp_path: Path) -> None:
    files: dict[str, list[str]] = {"--metrics": [], "--predictions": [], "--rows": []}
    for split in ("test", "generalization"):
        rows = rows_of(GOLD).with_columns(id=split + pl.col("id"))
        schemas.write(schemas.Rows, rows, tmp_path / f"{split}.parquet")
        files["--rows"].append(f"{split}.parquet")
        for model in SAID:
            predictions = predictions_of(SAID[model][1], model, split).with_columns(id=split + pl.col("id"))
            schemas.write(schemas.Predictions, predictions, tmp_path / f"{model}.{split}.parquet")
            write_json(tmp_path / f"{model}.{split}.json", measured(model, split))
            files["--predictions"].append(f"{model}.{split}.parquet")
            files["--metrics"].append(f"{model}.{split}.json")
    arguments = [part for flag, paths in files.items() for part in (flag, *paths)]
    program = [sys.executable, str(SCRIPTS / "compare.py"), *arguments, "--out", "c.parquet", "--tables", "tables"]
    subprocess.run(program, cwd=tmp_path, check=True, capture_output=True)
    assert {file.name for file in (tmp_path / "tables").iterdir()} == {
        "test.csv", "test.md", "generalization.csv", "generalization.md", "mcnemar.csv"
    }  # fmt: skip
    assert pl.read_csv(tmp_path / "tables" / "mcnemar.csv").height == 12
    assert schemas.read(schemas.Comparison, tmp_path / "c.parquet")["metric"].n_unique() == 7 + 3 * len(LABELS)

    program = [sys.executable, str(SCRIPTS / "summarize.py"), "--comparison", "c.parquet", "--report", "r/index.html"]
    shown = subprocess.run(program, cwd=tmp_path, check=True, capture_output=True, text=True, env={"COLUMNS": "100"})
    assert "majority" in shown.stdout and "Report: r/index.html" in shown.stdout
