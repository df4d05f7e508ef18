"""What other evidence does to an adapter is measured in pairs, against its own evidence."""

import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from invented_tables import predictions_of, rows_of, write_roster
from programs import program as program_file

from acrflow import schemas
from acrflow.config.evidence import examples_name
from acrflow.dataset.examples import with_evidence
from acrflow.evaluation import by_evidence, metrics
from acrflow.evaluation.published import FIGURES
from acrflow.report import tables
from acrflow.report.by_evidence import for_readers
from acrflow.schemas.dataset import Examples, Rows
from acrflow.schemas.evaluation import EvidenceEffects
from acrflow.schemas.inference import Predictions
from acrflow.tasks.appropriateness import MBA, UA, UNA
from acrflow.text.citations import renumbered

GOLD = [UNA, MBA, UA, UA, UNA, MBA, UA, UNA]
SAID = {
    "acr": [UNA, MBA, UA, UA, UNA, MBA, UA, UNA],
    "retrieved": [UNA, MBA, UA, UA, UNA, MBA, MBA, None],
    "none": [UNA] * 8,
}


def tally(said, split="generalization", model="citations"):
    return metrics.tally(predictions_of(said, model, split), rows_of(GOLD), None, Path("p"))


def test_changes_are_those_of_the_same_rows():
    answers = {kind: tally(said) for kind, said in SAID.items()}
    rows = by_evidence.effects(
        "generalization", "mine", "acr", answers, dict.fromkeys(SAID, 8), 400, 1, name="citations"
    )
    own, retrieved, none = by_evidence.table(rows).to_dicts()
    assert own["own"] and own["macro_f1"] == 1 and own["macro_f1_change"] is None and own["p"] == 1
    assert retrieved["unparsed"] == pytest.approx(1 / 8)
    assert retrieved["macro_f1_change"] == pytest.approx(retrieved["macro_f1"] - 1)
    assert retrieved["macro_f1_change_high"] == 0  # in no draw is it better, on whatever rows
    assert none["macro_f1_change_high"] < 0
    assert none["p"] == pytest.approx(2 / 2**5)  # five rows that it alone has wrong
    # the paper prints retrieved evidence for the held-out topics
    assert retrieved["macro_f1_published"] == FIGURES["citations"]["generalization_retrieved"]["macro_f1"]
    assert none["macro_f1_published"] is None


def test_the_table_for_readers_has_change_and_paper():
    answers = {kind: tally(said) for kind, said in SAID.items()}
    rows = by_evidence.effects(
        "generalization", "mine", "acr", answers, dict.fromkeys(SAID, 8), 400, 1, name="citations"
    )
    table = for_readers(by_evidence.table(rows), "generalization")
    own, retrieved, none = table.rows
    assert own[1] == "acr (trained with)" and own[4] == "–"
    change = 100 * (rows[1]["macro_f1"] - 1)
    assert retrieved[4].startswith(f"{change:.1f} [") and retrieved[5] == "40.4"
    assert none[5] == "–"
    assert r"\begin{tabular}" in tables.latex(table) and "| mine | none |" in tables.markdown(table)
    unknown = by_evidence.effects("generalization", "citations", "acr", answers, dict.fromkeys(SAID, 8), 50, 1)
    assert not any("paper" in head for head in for_readers(by_evidence.table(unknown), "generalization").heads)


def test_an_adapter_against_itself_does_not_change():
    answers = {"acr": tally(SAID["retrieved"]), "none": tally(SAID["retrieved"])}
    row = by_evidence.effects("test", "citations", "acr", answers, {"acr": 8, "none": 0}, 100, 1)[1]
    assert (row["macro_f1_change_low"], row["macro_f1_change"], row["macro_f1_change_high"]) == (0, 0, 0)


def test_the_program_reads_own_and_other_answers(tmp_path):
    schema = schemas.polars_schema(Examples)
    rows = rows_of(GOLD)
    schemas.write(Rows, rows, tmp_path / "test.parquet")
    for kind, said in SAID.items():
        folder = tmp_path / ("own" if kind == "acr" else f"others/{kind}")
        schemas.write(Predictions, predictions_of(said, "citations", "test"), folder / "citations/test.greedy.parquet")
        examples = rows.select(
            "id", messages=pl.lit([], schema["messages"]), completion=pl.lit(""), appropriateness="appropriateness",
            traces="traces", references=pl.lit([] if kind == "none" else [1], schema["references"]), votes="votes",
            prompt_tokens=pl.lit(1, pl.Int64), prompt_hash=pl.lit(""),
        )  # fmt: skip
        schemas.write(Examples, examples, tmp_path / f"{examples_name('reasoning_evidence', kind)}.test.parquet")
    who = {"name": "citations", "kind": "adapter", "prompt": "reasoning_evidence", "examples": "reasoning_evidence"}
    roster = write_roster(tmp_path / "roster.json", who | {"evidence": "acr"}, {"name": "base", "kind": "base"})
    done = subprocess.run(
        [sys.executable, program_file("compare_evidence"), "--roster", roster, "--evidence", *SAID,
         "--predictions", tmp_path / "own",
         "--others", tmp_path / "others", "--rows", tmp_path / "test.parquet", "--examples", tmp_path,
         "--bootstrap", "50", "--out", tmp_path / "evidence.parquet"], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    effects = schemas.read(EvidenceEffects, tmp_path / "evidence.parquet")
    assert effects.select("evidence", "own", "shown").rows() == [
        ("acr", True, 8), ("retrieved", False, 8), ("none", False, 0)]  # fmt: skip
    assert "citations on test with evidence none: macro F1" in done.stdout


def test_gold_reasoning_cites_by_the_numbers_of_the_evidence_that_is_shown():
    schema = schemas.polars_schema(Rows)
    study = {"number": 7, "pmid": 91, "text": "CT found the stone."}
    rows = rows_of([UNA, UA]).with_columns(
        traces=pl.lit(["CT is quick [3,7].", "US is safe [4]."], schema["traces"]),
        evidence=pl.lit([study], schema["evidence"]),
    )
    first = rows["id"][0]
    other = {
        first: [{"number": 1, "pmid": 5, "text": "New."}, {"number": 2, "pmid": 91, "text": "CT found the stone."}]
    }
    shown = with_evidence(rows, other)
    assert shown["traces"].to_list() == [["CT is quick [2].", "US is safe."], ["CT is quick.", "US is safe."]]
    assert [len(studies) for studies in shown["evidence"]] == [2, 0]
    assert renumbered("A [18F]FDG scan [1-3].", {2: 5}) == "A [18F]FDG scan [5]."
