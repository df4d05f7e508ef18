"""Examples carry the messages, the gold completion and the gold columns, and end where they must."""

from pathlib import Path

import polars as pl
import pytest
from invented_guidelines import guidelines_of, rows_of, write_tokenizer

from acrflow import schemas
from acrflow.dataset.examples import render
from acrflow.io.errors import InputError
from acrflow.io.ledger import Ledger
from acrflow.models.tokenizer import check_end, counter, load_tokenizer
from acrflow.schemas.dataset import Examples, Rows
from acrflow.tasks import completion
from acrflow.tasks.prompts import load_prompt

PROMPTS = Path(__file__).resolve().parents[2] / "config" / "prompts"
CHAT = [{"role": "user", "content": "US?"}]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    return load_tokenizer(str(write_tokenizer(tmp_path_factory.mktemp("tokenizer"))))


@pytest.fixture
def rows() -> pl.DataFrame:
    schema = schemas.polars_schema(Rows)
    evidence = [{"number": 4, "pmid": 99_000_004, "text": "US found the lesion."}]
    return rows_of(guidelines_of(topics=1)).with_columns(
        pl.lit(["US is quick [4].", "US is safe."], dtype=schema["traces"]).alias("traces"),
        pl.Series("evidence", [evidence] * 48, dtype=schema["evidence"]),
    )


def rendered(rows, prompt, tokenizer, max_tokens=2000):
    ledger = Ledger("render_examples", "rows")
    return render(rows, load_prompt(PROMPTS / f"{prompt}.yaml"), tokenizer, max_tokens, ledger), ledger


def test_a_reasoning_example_teaches_the_traces_and_the_label(rows, tokenizer):
    examples, ledger = rendered(rows, "reasoning_evidence", tokenizer)
    Examples.validate(examples)
    assert examples["id"].to_list() == rows["id"].to_list()
    parsed = completion.parse(examples["completion"][0])
    assert parsed.well_formed
    assert (parsed.reasoning, parsed.label) == ("US is quick [4]. US is safe.", rows["appropriateness"][0])
    assert examples["references"].to_list() == [[4]] * 48
    assert "[4] US found the lesion." in examples["messages"][0][1]["content"]
    assert (ledger.taken, ledger.kept) == (48, 48)


def test_a_label_example_teaches_the_answer_alone_and_keeps_the_gold_traces(rows, tokenizer):
    examples, _ = rendered(rows, "label", tokenizer)
    assert examples["completion"][0] == completion.write(None, rows["appropriateness"][0])
    assert examples["references"].to_list() == [[]] * 48
    assert examples["traces"].to_list() == rows["traces"].to_list()


def test_prompt_tokens_are_those_that_the_chat_template_gives(rows, tokenizer):
    examples, _ = rendered(rows, "label", tokenizer)
    ids = tokenizer.apply_chat_template(examples["messages"].to_list()[0], add_generation_prompt=True)["input_ids"]
    assert examples["prompt_tokens"][0] == len(ids)


def test_prompts_over_the_budget_are_left_out_and_named(rows, tokenizer):
    long = rows.with_columns(
        variant=pl.when(pl.col("id") == rows["id"][3]).then(pl.lit("x" * 900)).otherwise("variant")
    )
    examples, ledger = rendered(long, "label", tokenizer, max_tokens=800)
    assert rows["id"][3] not in examples["id"].to_list()
    left_out = ledger.as_dict()["left_out"]["prompt too long"]
    assert left_out["count"] == 1
    assert rows["id"][3] in left_out["examples"][0]
    assert "the budget is 800" in left_out["examples"][0]


def test_a_budget_that_no_prompt_meets_is_an_error(rows, tokenizer):
    with pytest.raises(InputError, match="none of 48 prompts fits into 10 tokens"):
        rendered(rows, "label", tokenizer, max_tokens=10)


def test_a_split_without_rows_has_no_examples(rows, tokenizer):
    examples, ledger = rendered(rows.clear(), "reasoning", tokenizer)
    Examples.validate(examples)
    assert (len(examples), ledger.taken) == (0, 0)


def test_padding_with_the_end_of_sequence_is_refused(tmp_path, tokenizer):
    same = write_tokenizer(tmp_path, pad="<end>")
    with pytest.raises(InputError, match="no padding token other than the end of sequence <end>"):
        load_tokenizer(str(same))
    tokenizer = load_tokenizer(str(write_tokenizer(tmp_path / "own")))
    tokenizer.pad_token = tokenizer.eos_token
    with pytest.raises(InputError, match="missing or masked"):
        check_end(tokenizer, CHAT, "<answer>x</answer>")


def test_a_template_that_never_ends_an_answer_is_refused(tmp_path):
    endless = load_tokenizer(str(write_tokenizer(tmp_path, ended=False)))
    with pytest.raises(InputError, match="does not end an answer with <end>"):
        check_end(endless, CHAT, "<answer>x</answer>")


def test_a_base_without_padding_token_gets_the_spare_one_of_its_vocabulary(tmp_path):
    folder = write_tokenizer(tmp_path, pad="<|finetune_right_pad_id|>")
    config = folder / "tokenizer_config.json"
    config.write_text(config.read_text().replace('"pad_token"', '"unused"'))
    assert load_tokenizer(str(folder)).pad_token == "<|finetune_right_pad_id|>"


def test_a_missing_tokenizer_is_an_error_with_a_remedy(tmp_path):
    with pytest.raises(InputError, match=r"no tokenizer(.|\n)*Remedy: give a folder"):
        load_tokenizer(str(tmp_path))


def test_lines_are_counted_with_their_line_break(tokenizer):
    count = counter(tokenizer, ["[1] abc", "[2] d", "[1] abc"])
    assert (count("[1] abc"), count("[2] d")) == (8, 6)
