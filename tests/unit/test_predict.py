"""Predicting with a tiny random Llama and a random LoRA adapter made on the spot."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from acrflow import schemas
from acrflow.errors import InputError
from acrflow.evaluation.backends import Base, Decoding, TransformersBackend, open_backend
from acrflow.evaluation.predict import predict, table

PROGRAM = Path(__file__).resolve().parents[2] / "scripts" / "predict.py"
WORDS = ["adult", "child", "pain", "fever", "chest", "knee", "head", "first", "next", "imaging", "film", "without"]
TEMPLATE = (
    "<|begin|>{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Llama of a few thousand parameters with a word-level tokenizer."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    special = ["<|pad|>", "<|end|>", "<|begin|>", "<|system|>", "<|user|>", "<|assistant|>", "<|unknown|>"]
    vocabulary = {word: i for i, word in enumerate([*special, *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<|unknown|>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<|pad|>",
        eos_token="<|end|>",
        bos_token="<|begin|>",
        unk_token="<|unknown|>",
        extra_special_tokens=special[3:6],
    )
    fast.chat_template = TEMPLATE
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        initializer_range=0.3,
        pad_token_id=0,
        eos_token_id=1,
        bos_token_id=2,
    )
    folder = tmp_path_factory.mktemp("base")
    LlamaForCausalLM(config).save_pretrained(folder)
    fast.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def adapter(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LoRA adapter whose weights are random, so that it changes what is generated."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(1)
    lora = LoraConfig(r=4, lora_alpha=16, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    folder = tmp_path_factory.mktemp("adapter")
    get_peft_model(AutoModelForCausalLM.from_pretrained(base), lora).save_pretrained(str(folder))
    return folder


def examples(rows: int) -> pl.DataFrame:
    """Prompts of different lengths."""
    values = [
        {
            "id": f"{i:016x}",
            "messages": [
                {"role": "system", "content": "imaging"},
                {"role": "user", "content": " ".join(WORDS[i % 7 : i % 7 + 1 + i % 9])},
            ],
            "completion": "<answer>Usually Appropriate</answer>",
            "appropriateness": "Usually Appropriate",
            "traces": [],
            "references": [],
            "votes": None,
            "prompt_tokens": 5 + i % 9,
            "prompt_hash": f"hash{i}",
        }
        for i in range(rows)
    ]
    return pl.DataFrame(values, schema=schemas.polars_schema(schemas.Examples))


def texts(done: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {id_: record["text"] for id_, record in done.items()}


def complete(base: Path, adapter: Path | None, rows: int, batch: int, partial: Path, seed: int | None = None) -> Any:
    opened = lambda: open_backend("transformers", Base(str(base)), adapter)  # noqa: E731
    return predict(examples(rows), opened, Decoding(12, seed), batch, partial, {})


def test_a_prompt_is_completed_alike_alone_and_in_a_padded_batch(base: Path, adapter: Path, tmp_path: Path) -> None:
    batched = complete(base, adapter, 10, 4, tmp_path / "batched")
    alone = complete(base, adapter, 10, 1, tmp_path / "alone")
    assert texts(batched) == texts(alone)
    assert any(texts(batched).values())


def test_the_adapter_changes_what_the_base_says(base: Path, adapter: Path, tmp_path: Path) -> None:
    assert texts(complete(base, adapter, 6, 3, tmp_path / "a")) != texts(complete(base, None, 6, 3, tmp_path / "b"))


def test_a_seed_repeats_a_sampled_run_and_another_seed_does_not(base: Path, tmp_path: Path) -> None:
    first, again, other = (
        texts(complete(base, None, 8, 4, tmp_path / name, seed)) for name, seed in (("a", 5), ("b", 5), ("c", 6))
    )
    assert first == again != other


def test_a_completion_ends_at_its_first_end_of_sequence(base: Path) -> None:
    backend = TransformersBackend(Base(str(base)), None)
    ended = backend._completion([7, 8, 1, 0, 0])
    cut = backend._completion([7, 8, 9])
    assert (ended.text, ended.tokens, ended.truncated) == ("adult child", 3, False)
    assert (cut.tokens, cut.truncated) == (3, True)


class DiesAfter:
    """A backend that ends in an error after some batches."""

    def __init__(self, backend: TransformersBackend, batches: int):
        self.backend, self.batches = backend, batches

    def generate(self, *arguments: Any) -> Any:
        if self.batches == 0:
            raise KeyboardInterrupt
        self.batches -= 1
        return self.backend.generate(*arguments)


def test_a_resumed_sampled_run_equals_one_that_was_never_interrupted(base: Path, tmp_path: Path) -> None:
    decoding, partial = Decoding(12, 5), tmp_path / "partial"
    backend = TransformersBackend(Base(str(base)), None)
    with pytest.raises(KeyboardInterrupt):
        predict(examples(11), lambda: DiesAfter(backend, 2), decoding, 4, partial, {})
    with open(partial, "ab") as file:
        file.write(b'{"id": "00000000000000')  # what a kill in the middle of a write leaves
    told: list[int] = []
    resumed = predict(examples(11), lambda: backend, decoding, 4, partial, {}, told.append)
    whole = predict(examples(11), lambda: backend, decoding, 4, tmp_path / "whole", {})
    assert told == [8, 3]
    assert texts(resumed) == texts(whole)


def test_the_partial_file_of_another_adapter_is_not_taken_up(base: Path, tmp_path: Path) -> None:
    backend, partial = TransformersBackend(Base(str(base)), None), tmp_path / "partial"
    predict(examples(4), lambda: backend, Decoding(4), 2, partial, {"adapter_weights": "one"})
    told: list[int] = []
    predict(examples(4), lambda: backend, Decoding(4), 2, partial, {"adapter_weights": "two"}, told.append)
    assert told == [0, 2, 2]


def test_predictions_keep_the_order_of_the_examples(base: Path, tmp_path: Path) -> None:
    asked = examples(9)
    predictions = table(complete(base, None, 9, 4, tmp_path / "p"), asked, "base", "test", "greedy")
    schemas.Predictions.validate(predictions)
    assert predictions["id"].to_list() == asked["id"].to_list()


def command(base: Path, tmp_path: Path, rows: tuple[int, int], *more: str) -> list[str]:
    for split, count in zip(("test", "generalization"), rows, strict=True):
        schemas.write(schemas.Examples, examples(count), tmp_path / f"{split}.examples.parquet")
    files = [[str(tmp_path / f"{split}.{what}") for split in ("test", "generalization")] for what in
             ("examples.parquet", "greedy.parquet")]  # fmt: skip
    return [sys.executable, str(PROGRAM), "--model", "base", "--base", str(base), "--examples", *files[0],
            "--splits", "test", "generalization", "--out", *files[1], *more]  # fmt: skip


def test_a_killed_program_loses_at_most_one_batch_and_an_empty_split_is_fine(base: Path, tmp_path: Path) -> None:
    run = command(base, tmp_path, (40, 0), "--batch", "2", "--max-new-tokens", "200")
    partial = tmp_path / "test.greedy.parquet.partial.jsonl"
    with open(tmp_path / "log", "w") as log:
        process = subprocess.Popen(run, stderr=log, stdout=log, env={**os.environ, "OMP_NUM_THREADS": "1"})
        until = time.monotonic() + 90
        while not (partial.is_file() and partial.read_bytes().count(b"\n") >= 5):
            assert process.poll() is None and time.monotonic() < until, (tmp_path / "log").read_text()
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
    before = partial.read_bytes()
    assert not (tmp_path / "test.greedy.parquet").exists()

    subprocess.run(run, check=True, capture_output=True, timeout=120)
    kept = before.split(b"\n")[1:-1]
    predictions = schemas.read(schemas.Predictions, tmp_path / "test.greedy.parquet")
    seconds = dict(predictions.select("id", "seconds").iter_rows())
    assert all(seconds[json.loads(line)["id"]] == json.loads(line)["seconds"] for line in kept)  # not made again
    assert predictions.height == 40
    assert schemas.read(schemas.Predictions, tmp_path / "generalization.greedy.parquet").is_empty()
    assert not list(tmp_path.glob("*.partial.jsonl"))


@pytest.mark.parametrize("missing", ["adapter_config.json", "adapter_model.safetensors"])
def test_a_folder_that_is_no_adapter_is_named(base: Path, adapter: Path, tmp_path: Path, missing: str) -> None:
    for file in adapter.glob("adapter_*"):
        if file.name != missing:
            (tmp_path / file.name).write_bytes(file.read_bytes())
    with pytest.raises(InputError, match=missing):
        open_backend("transformers", Base(str(base)), tmp_path)


def test_a_base_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no tokenizer"):
        open_backend("transformers", Base(str(tmp_path)), None)
