"""Scores of a model's reasoning: by hand on a toy embedding, and with the real embedder, tagger and judge programs."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from invented_tables import predictions_of, rows_of, write_roster
from programs import program as program_file

from acrflow import schemas
from acrflow.evaluation import entities, reasoning
from acrflow.io.errors import InputError
from acrflow.io.ledger import Ledger
from acrflow.schemas.dataset import Examples, Rows
from acrflow.schemas.evaluation import ReasoningScores
from acrflow.schemas.inference import Predictions
from acrflow.tasks.appropriateness import UA

PROGRAM = program_file("score_reasoning")
AXES = ("film", "fracture", "knee", "quick")


def encode(texts: list[str]) -> np.ndarray:
    """A unit vector with an axis for each word that the text holds."""
    held = np.array([[float(axis in text.lower()) for axis in AXES] for text in texts]).reshape(len(texts), len(AXES))
    return held / np.maximum(np.linalg.norm(held, axis=1, keepdims=True), 1e-9)


def find(texts: list[str]) -> list[list[str]]:
    return [[axis for axis in AXES[:3] if axis in text.lower()] for text in texts]


def scored(said: str | None, traces: list[str], rate: Any = None, prompt: str = "") -> tuple[dict[str, Any], Ledger]:
    rows = rows_of([UA]).with_columns(traces=pl.Series([traces], dtype=pl.List(pl.String)))
    predictions = predictions_of([UA]).with_columns(reasoning=pl.lit(said, pl.String))
    ledger = Ledger("score_reasoning", "answers")
    table = reasoning.score(predictions, rows, {"row0": prompt}, encode, find, rate, 10, ledger)
    ReasoningScores.validate(table)
    return table.row(0, named=True), ledger


def test_alignment_is_the_mean_over_gold_of_the_best_cosine() -> None:
    row, _ = scored("The film is good. Pay attention.", ["The film shows the fracture.", "It is quick."])
    assert row["alignment"] == pytest.approx((1 / np.sqrt(2) + 0) / 2)


def test_entity_f1_is_by_best_cosine_both_ways() -> None:
    row, _ = scored("The film and the knee.", ["The film shows the fracture."])
    assert (row["entity_precision"], row["entity_recall"]) == (0.5, 0.5)  # film is found; knee and fracture are not
    assert row["entity_f1"] == 0.5
    assert scored("The film shows the fracture.", ["The film shows the fracture."])[0]["entity_f1"] == pytest.approx(1)


@pytest.mark.parametrize(
    ("said", "traces", "expected"),
    [
        ("It is good.", ["The film."], 0.0),  # no entity of our own
        ("The film.", ["It is good."], None),  # none in the gold
        (None, ["The film."], 0.0),  # no reasoning
        ("The film.", [], None),  # no gold reasoning
    ],
)
def test_empty_sets_of_entities(said: str | None, traces: list[str], expected: float | None) -> None:
    assert scored(said, traces)[0]["entity_f1"] == expected


def test_citations_are_compared_with_those_of_the_gold_reasoning() -> None:
    row, _ = scored("The film [1,2] is quick [9].", ["The film [1-4]."])
    assert (row["citation_precision"], row["citation_recall"]) == (pytest.approx(2 / 3), 0.5)
    row, _ = scored("The film.", ["The film [1]."])
    assert (row["citation_precision"], row["citation_recall"]) == (None, 0.0)
    assert scored("The film [1].", ["The film."])[0]["citation_recall"] is None


def test_numbers_that_neither_prompt_nor_gold_holds_are_counted() -> None:
    said = "It found 82 of 1,200 [7], or 6.50 %, in 2019 and 2019, twice."
    gold, prompt = ["It found 82."], "1200 patients, 6.5 percent [2019]"
    assert scored(said, gold, prompt=prompt)[0]["unsupported_numbers"] == 2  # 2019 and twice
    assert scored("It was seen in COVID19 [4].", gold, prompt="COVID19")[0]["unsupported_numbers"] == 0


def test_what_is_left_out_is_counted() -> None:
    assert scored(None, ["The film."])[1].as_dict()["left_out"]["no reasoning (scores 0)"]["count"] == 1
    assert scored("The film.", [])[1].as_dict()["left_out"]["no gold reasoning"]["count"] == 1


def test_a_judge_rates_what_there_is_to_rate() -> None:
    asked: list[str] = []

    def rate(questions: list[str]) -> list[float | None]:
        asked.extend(questions)
        return [0.7] * len(questions)

    assert scored("The film.", ["Gold."], rate)[0]["judge"] == 0.7
    assert "Gold." in asked[0] and "The film." in asked[0] and "to 10 (" in asked[0]
    assert scored(None, ["Gold."], rate)[0]["judge"] == 0.0
    assert scored("The film.", [], rate)[0]["judge"] is None
    row, ledger = scored("The film.", ["Gold."], lambda questions: [None] * len(questions))
    assert row["judge"] is None and ledger.facts == {"without_a_score_of_the_judge": 1}


def test_the_gazetteer_finds_the_longest_of_the_guidelines_own_terms() -> None:
    rows = rows_of([UA]).with_columns(
        condition=pl.lit("Acute Telvic Pain"),
        variant=pl.lit("Adult with suspected ostrel fever. Initial imaging."),
        procedure=pl.lit("MRI pelvis with IV contrast"),
    )
    found = entities.gazetteer(rows)(
        ["MRI pelvis shows ostrel fever; contrast helps in telvic pain of adults.", "", "Nothing known here."]
    )
    assert found[0] == ["mri pelvis", "ostrel fever", "contrast", "telvic pain"]
    assert found[1:] == [[], []]


@pytest.mark.parametrize(
    "text", ["There is no relevant literature.", "There is insufficient evidence", "Limited recent data exist."]
)
def test_a_lack_of_literature_is_one_entity(text: str) -> None:
    assert entities.gazetteer(rows_of([UA]))([text])[0][0] == entities.NO_LITERATURE


@pytest.fixture(scope="module")
def tagger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A token classifier that calls every word but "the" an entity, with a window of 16 tokens."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertForTokenClassification, PreTrainedTokenizerFast

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "film", "knee", "."]
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    )
    config = BertConfig(vocab_size=8, hidden_size=8, num_hidden_layers=0, num_attention_heads=1, intermediate_size=8,
                        max_position_embeddings=18, num_labels=2, id2label={0: "O", 1: "B-THING"})  # fmt: skip
    model = BertForTokenClassification(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        model.bert.embeddings.word_embeddings.weight[5:7, 0] = 1
        model.bert.embeddings.LayerNorm.weight.fill_(1)
        model.classifier.weight[1, 0] = 1
        model.classifier.bias[0] = 0.5
    folder = tmp_path_factory.mktemp("tagger")
    model.save_pretrained(folder)
    fast.save_pretrained(folder)
    return folder


def test_a_token_classifier_reads_a_long_sentence_to_its_end(tagger: Path) -> None:
    find = entities.token_classifier(str(tagger), "cpu")
    assert find(["the film", "the the", ""]) == [["film"], [], []]
    assert find(["the " * 60 + "knee"]) == [["knee"]]


def test_a_tagger_or_judge_that_cannot_be_loaded_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"models.entities: cannot load .*nowhere"):
        entities.token_classifier(str(tmp_path / "nowhere"), "cpu")
    done = program(tmp_path, "--judge", str(tmp_path / "no_judge"))
    assert done.returncode == 2 and "no_judge" in done.stderr and "Remedy" in done.stderr
    assert not (tmp_path / "reasoning.parquet").exists()


def program(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    rows = rows_of([UA]).with_columns(traces=pl.Series([["The film shows the fracture [1]."]]))
    predictions = predictions_of([UA]).with_columns(reasoning=pl.lit("The fracture shows on the film [1]."))
    example = {"id": "row0", "messages": [{"role": "user", "content": "?"}], "completion": "", "appropriateness": UA,
               "traces": [], "references": [], "prompt_tokens": 1, "prompt_hash": ""}  # fmt: skip
    examples = pl.DataFrame([example], schema=schemas.polars_schema(Examples))
    schemas.write(Rows, rows, folder / "test.parquet")
    schemas.write(Predictions, predictions, folder / "p/baseline/test.greedy.parquet")
    schemas.write(Examples, examples, folder / "e/reasoning.test.parquet")
    who = {"name": "baseline", "kind": "adapter", "prompt": "reasoning", "examples": "reasoning"}
    write_roster(
        folder / "roster.json", who, {"name": "sft", "kind": "adapter", "prompt": "label", "examples": "label"}
    )
    arguments = ["--roster", "roster.json", "--predictions", "p", "--examples", "e", "--rows", "test.parquet",
                 "--terms", "test.parquet", "--embedder", "bundled", "--entities", "gazetteer", "--base", "none",
                 "--device", "cpu", "--out", "reasoning.parquet", "--ledger", "ledger.json"]  # fmt: skip
    return subprocess.run([sys.executable, str(PROGRAM), *arguments, *more], cwd=folder, capture_output=True, text=True)


def test_the_program_scores_with_the_real_embedder(tmp_path: Path) -> None:
    done = program(tmp_path)
    assert done.returncode == 0, done.stderr
    row = schemas.read(ReasoningScores, tmp_path / "reasoning.parquet").row(0, named=True)
    assert 0.8 < row["alignment"] < 1 and row["citation_precision"] == 1 and row["judge"] is None
    assert json.loads((tmp_path / "ledger.json").read_text())["kept"] == 1
