"""The dataset's programs, run as a user runs them, on small invented tables."""

import json
import runpy
import sys
from pathlib import Path

import polars as pl
import pytest
from invented_guidelines import condensed_of, guidelines_of, pmids_of, write_tokenizer
from programs import program as program_file

from acrflow import schemas
from acrflow.dataset.build import label_rows
from acrflow.io.errors import InputError
from acrflow.io.ledger import Ledger
from acrflow.schemas.dataset import Examples, Rows
from acrflow.schemas.evidence import Condensed, Pmids
from acrflow.schemas.guideline import Guidelines
from acrflow.tasks.appropriateness import DISAGREEMENT, MBA, UA, UNA

ROOT = Path(__file__).resolve().parents[2]


def program(name: str, *arguments: str | Path) -> int:
    """Run a program in this process, as `python scripts/NAME.py ARGUMENTS` does; its exit status."""
    path = program_file(name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [str(path), *map(str, arguments)])
        try:
            runpy.run_path(str(path), run_name="__main__")
        except SystemExit as stop:
            return int(stop.code or 0)
    return 0


def build(folder: Path, guidelines: pl.DataFrame, *more: str) -> int:
    schemas.write(Guidelines, guidelines, folder / "guidelines.parquet")
    schemas.write(Pmids, pmids_of(), folder / "pmids.parquet")
    schemas.write(Condensed, condensed_of(), folder / "condensed.parquet")
    write_tokenizer(folder / "base")
    traced = program(
        "extract_traces",
        *("--guidelines", folder / "guidelines.parquet", "--out", folder / "traces.parquet"),
        *("--ledger", folder / "traces.json"),
    )
    assert traced == 0
    inputs = [f"--{name}={folder / name}.parquet" for name in ("guidelines", "traces", "pmids", "condensed")]
    outputs = [f"--{name}={folder / name}.parquet" for name in ("train", "test")]
    outputs += [f"--generalization-out={folder / 'generalization.parquet'}", f"--leaks={folder / 'leaks.json'}"]
    outputs += [f"--ledger={folder / 'ledger.json'}"]
    settings = ["--seed=7", "--evidence-tokens=1000", f"--tokenizer={folder / 'base'}"]
    return program("build_dataset", *inputs, *outputs, *settings, *more)


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("dataset")
    guidelines = guidelines_of().with_columns(
        appropriateness=pl.when(pl.col("id") == guidelines_of()["id"][0])
        .then(pl.lit(DISAGREEMENT))
        .otherwise("appropriateness")
    )
    result = build(folder, guidelines, "--generalization", "topic_2")
    assert result == 0
    return folder


def rows_in(folder: Path) -> pl.DataFrame:
    names = ("train", "test", "generalization")
    return pl.concat([schemas.read(Rows, folder / f"{name}.parquet") for name in names])


def test_every_labelled_row_is_in_a_split_and_the_rest_is_in_the_ledger(built):
    ledger = json.loads((built / "ledger.json").read_text())
    assert (ledger["taken"], ledger["kept"]) == (144, 143)
    assert ledger["left_out"]["disagreement"]["examples"] == ["topic_0: variant 1, US velum 0"]
    assert rows_in(built)["id"].n_unique() == 143
    assert sum(sum(counts.values()) for counts in ledger["facts"]["splits"].values()) == 143
    assert ledger["facts"]["without_reasoning"] == rows_in(built)["traces"].list.len().eq(0).sum() == 72


def test_rows_carry_their_traces_and_the_studies_that_have_a_text(built):
    row = (
        rows_in(built)
        .filter(pl.col("procedure").str.starts_with("US velum"), pl.col("topic") == "topic_1")
        .to_dicts()[0]
    )
    assert row["traces"] == ["US is quick.", "US needs no contrast [3]."]
    assert [(study["number"], study["pmid"]) for study in row["evidence"]] == [(1, 99_000_011), (2, 99_000_012)]


def test_references_without_a_text_are_counted_by_topic_and_reason(built):
    references = json.loads((built / "ledger.json").read_text())["facts"]["references"]
    assert (references["cited"], references["shown"], references["without_text"]) == (15, 6, 9)
    assert references["without_text_by_topic"]["topic_0"] == {"no PMID": 1, "no record": 1, "retracted": 1}


def test_a_budget_too_small_for_both_studies_leaves_the_weaker_one_out(tmp_path):
    assert build(tmp_path, guidelines_of(), "--evidence-tokens=90") == 0
    rows = rows_in(tmp_path)
    assert {tuple(study["number"] for study in evidence) for evidence in rows["evidence"]} == {(1,)}
    assert rows["evidence_left_out"].to_list() == [[2]] * len(rows)


def test_no_generalization_topics_give_an_empty_table_and_it_goes_all_the_way(tmp_path):
    assert build(tmp_path, guidelines_of(), "--generalization") == 0
    rows = tmp_path / "generalization.parquet"
    assert schemas.read(Rows, rows).is_empty()
    train = tmp_path / "train.parquet"
    predicted = program(
        "run_baselines",
        *("--baselines", "tfidf_logreg", "--train", train, "--rows", tmp_path / "test.parquet", rows, "--seed", "7"),
        *("--embedder", "bundled", "--bootstrap", "20", "--out", tmp_path / "predictions"),
        *("--splits", tmp_path / "splits.parquet", "--ledger", tmp_path / "baselines.json"),
    )
    assert predicted == 0
    for table in (rows, train):
        rendered = program(
            "render_examples",
            *("--rows", table, "--prompt", ROOT / "config/prompts/reasoning.yaml", "--tokenizer", tmp_path / "base"),
            *("--max-tokens", "2000", "--out", tmp_path / "examples.parquet", "--ledger", tmp_path / "examples.json"),
        )
        assert rendered == 0
        assert len(schemas.read(Examples, tmp_path / "examples.parquet")) == len(schemas.read(Rows, table))


def test_a_second_build_writes_the_same_bytes(built, tmp_path):
    guidelines = schemas.read(Guidelines, built / "guidelines.parquet")
    assert build(tmp_path, guidelines, "--generalization", "topic_2") == 0
    for name in ("train.parquet", "test.parquet", "generalization.parquet", "traces.parquet", "leaks.json"):
        assert (tmp_path / name).read_bytes() == (built / name).read_bytes(), name


def test_a_missing_tokenizer_ends_with_one_message_before_anything_is_written(built, tmp_path, capsys):
    inputs = [f"--{name}={built / name}.parquet" for name in ("guidelines", "traces", "pmids", "condensed")]
    names = ("train", "test", "generalization-out", "leaks", "ledger")
    outputs = [f"--{name}={tmp_path / name}" for name in names]
    settings = ["--seed=7", "--evidence-tokens=9", f"--tokenizer={tmp_path / 'no'}"]
    assert program("build_dataset", *inputs, *outputs, *settings) == 2
    assert capsys.readouterr().err.startswith(f"ERROR {tmp_path / 'no'}: no such folder\n  Remedy: give a folder")
    assert list(tmp_path.iterdir()) == []


def labelled(guidelines: pl.DataFrame, disagreement="drop") -> tuple[pl.DataFrame, dict]:
    ledger = Ledger("build_dataset", "rows")
    return label_rows(guidelines, disagreement, ledger), ledger.as_dict()


def twins(**changes: str) -> pl.DataFrame:
    first = guidelines_of().head(1)
    return pl.concat(
        [first, first.with_columns(id=pl.lit("twin"), **{name: pl.lit(value) for name, value in changes.items()})]
    )


def test_disagreement_is_kept_as_may_be_appropriate_when_asked_for():
    rows, ledger = labelled(guidelines_of().head(1).with_columns(appropriateness=pl.lit(DISAGREEMENT)), "keep")
    assert rows["appropriateness"].to_list() == [MBA]
    assert ledger["left_out"] == {}


def test_the_same_key_in_other_letters_and_the_same_label_counts_once():
    rows, ledger = labelled(twins(procedure="us  VELUM 0"))
    assert rows["procedure"].to_list() == ["US velum 0"]
    assert ledger["left_out"]["duplicate"]["count"] == 1


def test_the_same_key_with_two_labels_is_an_error_that_names_both_rows():
    assert guidelines_of()["appropriateness"][0] == UA
    with pytest.raises(InputError, match=f"us velum 0: rated {UNA}, but {UA} in topic_0: variant 1, US velum 0"):
        labelled(twins(procedure="us velum 0", appropriateness=UNA))


@pytest.mark.parametrize("column", ["variant", "procedure"])
def test_a_row_without_variant_or_procedure_is_an_error_that_names_it(column):
    with pytest.raises(InputError, match="row twin has no variant or no procedure"):
        labelled(twins(**{column: " "}))
