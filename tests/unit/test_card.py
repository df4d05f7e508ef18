"""The dataset's card tells every step's losses, the panel's own ceiling, the baselines, sources and terms."""

import json
from pathlib import Path

import polars as pl
import pytest
from invented_guidelines import guidelines_of, rows_of
from test_build_dataset import program

from acrflow import schemas
from acrflow.dataset import build, leaks
from acrflow.evaluation import published
from acrflow.evaluation.baselines import over_splits
from acrflow.io.files import sha256, write_json
from acrflow.io.ledger import Ledger
from acrflow.report.dataset_card import _beside_the_published
from acrflow.schemas.dataset import Examples, Rows
from acrflow.schemas.evaluation import SplitFigures
from acrflow.tasks.appropriateness import MBA, UA, UNA


def test_the_soft_label_is_the_share_of_the_panel() -> None:
    votes = pl.Series([[2, 1, 1, 3, 1, 0, 1, 1, 0], [0] * 8 + [5], None, [0] * 9], dtype=pl.List(pl.Int64))
    soft = build.soft_labels(votes)
    assert soft[0] == pytest.approx([0.4, 0.4, 0.2])
    assert soft[1:] == [[0.0, 0.0, 1.0], None, None]
    assert [build.entropy(one) for one in soft[1:]] == [0.0, None, None]
    assert build.entropy([1 / 3] * 3) == pytest.approx(1.585, abs=1e-3)
    assert build.entropy([0.5, 0.5, 0.0]) == pytest.approx(1.0)


def test_rows_stand_beside_the_published_ones_where_the_same_topics_are_held_out() -> None:
    rows = rows_of(guidelines_of(topics=5))
    names = dict(zip(sorted(set(rows["topic"])), sorted(published.HELD_OUT), strict=True))
    theirs = rows.with_columns(pl.col("topic").replace(names))
    assert _beside_the_published({"train": rows, "test": rows, "generalization": rows}) == []
    seen, held_out = _beside_the_published({"train": rows, "test": rows, "generalization": theirs})
    assert sum(seen["ours"]) == 2 * len(rows) and sum(seen["theirs"]) == 1736
    assert sum(held_out["ours"]) == len(rows) and sum(held_out["theirs"]) == 259


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a card of 8 invented topics, in which 10 panelists vote 8 to 2 for every row."""
    folder = tmp_path_factory.mktemp("card")
    eight_to_two = {UNA: [8, 0, 0, 0, 2, 0, 0, 0, 0], MBA: [2, 0, 0, 0, 8, 0, 0, 0, 0], UA: [0, 0, 0, 0, 2, 0, 0, 8, 0]}
    rows = rows_of(guidelines_of(topics=8))
    votes = pl.Series("votes", [eight_to_two[label] for label in rows["appropriateness"]])
    soft = pl.Series("soft_label", build.soft_labels(votes))
    rows = rows.with_columns(votes, soft, label_entropy=pl.Series([build.entropy(one) for one in soft.to_list()]))
    parts = {"train": rows.head(len(rows) // 2), "test": rows.tail(len(rows) - len(rows) // 2)}
    for name, part in parts.items():
        schemas.write(Rows, part, folder / f"{name}.parquet")
        path = folder / f"label.{name}.parquet"
        examples = part.select("id", "appropriateness", "traces", "votes").with_columns(
            messages=pl.lit([], schemas.polars_schema(Examples)["messages"]),
            completion=pl.lit(""),
            references=pl.lit([], pl.List(pl.Int64)),
            prompt_tokens=pl.int_range(100, 100 + len(part)),
            prompt_hash=pl.lit(""),
        )
        schemas.write(Examples, examples.select(schemas.polars_schema(Examples).keys()), path)
    ledger = Ledger("build_dataset", "rows")
    ledger.taken, ledger.kept = 300, 288
    ledger.leave_out("disagreement", "topic_0: variant 1, US velum 0")
    missing = {"topic_0": {"retracted": 1}}
    ledger.facts["references"] = {
        "cited": 9,
        "shown": 7,
        "over_budget": 1,
        "without_text": 1,
        "without_text_by_topic": missing,
    }
    ledger.write(folder / "ledger.json")
    write_json(folder / "leaks.json", leaks.report(parts["train"], {"test": parts["test"]}, 0.9))
    figures = over_splits(rows, ["majority", "tfidf_logreg"], 0.3, 7, [], None, 50, Ledger("run_baselines", "ways"))
    schemas.write(SplitFigures, figures, folder / "splits.parquet")
    (folder / "narrative.pdf").write_bytes(b"%PDF invented")
    (folder / "downloaded/topic_1").mkdir(parents=True)
    (folder / "downloaded/topic_1/appendix.pdf").write_bytes(b"%PDF arrived")
    done = program(
        "write_card",
        *("--name", "invented", "--rows", folder / "train.parquet", folder / "test.parquet", "--examples"),
        *(folder / "label.train.parquet", folder / "label.test.parquet", "--leaks", folder / "leaks.json"),
        *("--ledgers", folder / "ledger.json", "--baselines", folder / "splits.parquet"),
        *("--settings", '{"split by": "row"}', "--sources", folder / "narrative.pdf", folder / "downloaded"),
        *("--figures", folder / "figures"),
        *("--croissant", folder / "croissant.json", "--out", folder / "card.md"),
    )
    assert done == 0
    return folder


def test_the_card_tells_losses_references_sources_and_terms(card: Path) -> None:
    text = (card / "card.md").read_text()
    assert "| build_dataset | 300 rows | 288 | 1 disagreement |" in text
    assert "9 cited, 7 shown in a prompt, 1 beyond the token budget, 1 without a text." in text
    assert "- topic_0: 1 retracted" in text
    assert f"narrative.pdf | `{sha256(card / 'narrative.pdf')}` |" in text
    assert f"topic_1/appendix.pdf | `{sha256(card / 'downloaded/topic_1/appendix.pdf')}` |" in text
    assert "is not redistributed" in text


def test_the_card_tells_the_panels_own_ceiling(card: Path) -> None:
    """8 of 10 panelists agree with the published category in every row."""
    line = next(
        line for line in (card / "card.md").read_text().splitlines() if line.startswith("| test |") and "0.72" in line
    )
    assert line.split(" | ")[3].startswith("80.0 (80.0 to 80.0)")


def test_the_card_tells_every_baseline_on_every_way_of_splitting(card: Path) -> None:
    text = (card / "card.md").read_text()
    for kind in ("row", "variant", "topic"):
        assert f"| {kind} | test | majority | " in text and f"| {kind} | test | tfidf_logreg | " in text


def test_its_charts_are_drawn_and_named_in_it(card: Path) -> None:
    text = (card / "card.md").read_text()
    for name in ("labels", "baselines", "prompt_tokens"):
        assert f"](figures/{name}.svg)" in text
        assert "<svg" in (card / "figures" / f"{name}.svg").read_text()[:500]


def test_croissant_names_every_file_with_its_checksum_and_every_column(card: Path) -> None:
    described = json.loads((card / "croissant.json").read_text())
    assert {file["@id"]: file["sha256"] for file in described["distribution"]} == {
        name: sha256(card / f"{name}.parquet") for name in ("train", "test")
    }
    fields = [field["name"] for field in described["recordSet"][0]["field"]]
    assert fields == list(schemas.polars_schema(Rows))


def test_the_splits_load_with_datasets_as_they_stand(card: Path, tmp_path: Path) -> None:
    import datasets

    files = {name: str(card / f"{name}.parquet") for name in ("train", "test")}
    loaded = datasets.load_dataset("parquet", data_files=files, cache_dir=str(tmp_path))
    assert loaded["train"].column_names == list(schemas.polars_schema(Rows))
    assert loaded["test"].num_rows == len(pl.read_parquet(card / "test.parquet"))
