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
from invented_tables import write_roster
from programs import HANGING
from programs import program as program_file

from acrflow import schemas
from acrflow.config.language_model import LanguageModel
from acrflow.inference.backend import Decoding, open_language_model
from acrflow.inference.cache import CachedModel
from acrflow.inference.predict import predict, table
from acrflow.inference.transformers import TransformersBackend
from acrflow.io.errors import InputError
from acrflow.schemas.dataset import Examples
from acrflow.schemas.inference import Predictions

PROGRAM = program_file("predict")
WORDS = ["adult", "child", "pain", "fever", "chest", "knee", "head", "first", "next", "imaging", "film", "without",
         "Not", "Be", "Appropriate</answer>"]  # the labels' own, so that they can be told apart  # fmt: skip
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
def adapters(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two LoRA adapters whose weights are random, so that they change what is generated."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    folder = tmp_path_factory.mktemp("adapters")
    for seed, name in enumerate(("one", "two"), start=1):
        torch.manual_seed(seed)
        lora = LoraConfig(r=4, lora_alpha=16, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
        get_peft_model(AutoModelForCausalLM.from_pretrained(base), lora).save_pretrained(str(folder / name))
    return folder


@pytest.fixture(scope="session")
def adapter(adapters: Path) -> Path:
    return adapters / "one"


def settings(base: Path) -> LanguageModel:
    return LanguageModel(model=str(base), backend="transformers", dtype="float32")


def opened(base: Path, *adapters: Path, merge: bool = False) -> TransformersBackend:
    return TransformersBackend(settings(base), {one.name: one for one in adapters}, merge)


def cached(backend: Any, path: Path, batch: int, **identity: str) -> CachedModel:
    """A backend that is open already, and the cache of its answers."""
    return CachedModel(lambda: backend, identity, path, batch)


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
    return pl.DataFrame(values, schema=schemas.polars_schema(Examples))


def texts(done: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {id_: record["text"] for id_, record in done.items()}


def complete(base: Path, adapter: Path | None, rows: int, batch: int, path: Path, seed: int | None = None) -> Any:
    name, adapters = (None, []) if adapter is None else (adapter.name, [adapter])
    return predict(examples(rows), cached(opened(base, *adapters), path, batch), Decoding(12, seed), adapter=name)


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
    backend = opened(base)
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

    def choose(self, *arguments: Any) -> Any:
        return self.backend.choose(*arguments)


def test_a_resumed_sampled_run_equals_one_that_was_never_interrupted(base: Path, tmp_path: Path) -> None:
    decoding, path = Decoding(12, 5), tmp_path / "cache"
    backend = opened(base)
    with pytest.raises(KeyboardInterrupt):
        predict(examples(11), cached(DiesAfter(backend, 2), path, 4), decoding)
    with open(path, "ab") as file:
        file.write(b'{"00000000000000')  # what a kill in the middle of a write leaves
    told: list[int] = []
    resumed = predict(examples(11), cached(backend, path, 4), decoding, told.append)
    whole = predict(examples(11), cached(backend, tmp_path / "whole", 4), decoding)
    assert told == [8, 3]
    assert texts(resumed) == texts(whole)
    again = predict(examples(11), cached(None, path, 4), decoding, told.append)  # no model is needed any more
    assert (again, told) == (resumed, [8, 3, 11])


def test_the_completions_of_another_adapter_or_another_batch_size_are_not_used(base: Path, tmp_path: Path) -> None:
    backend, path = opened(base), tmp_path / "cache"
    first = predict(examples(4), cached(backend, path, 2, adapter_weights="one"), Decoding(4))
    for other in (cached(backend, path, 2, adapter_weights="two"), cached(backend, path, 4, adapter_weights="one")):
        told: list[int] = []
        predict(examples(4), other, Decoding(4), told.append)
        assert told == [0, *[other.batch] * (4 // other.batch)]
    # and those of the first are still there
    assert predict(examples(4), cached(None, path, 2, adapter_weights="one"), Decoding(4)) == first


def test_predictions_keep_the_order_of_the_examples(base: Path, tmp_path: Path) -> None:
    asked = examples(9)
    predictions = table(complete(base, None, 9, 4, tmp_path / "p"), asked, "base", "test", "greedy")
    Predictions.validate(predictions)
    assert predictions["id"].to_list() == asked["id"].to_list()


def test_adapters_that_share_a_base_answer_as_they_do_alone(base: Path, adapters: Path) -> None:
    asked, decoding = examples(6)["messages"].to_list(), Decoding(12)
    shared = opened(base, adapters / "one", adapters / "two")
    together = {name: shared.generate(asked, decoding, 0, name) for name in ("two", None, "one")}
    alone = {name: opened(base, adapters / name).generate(asked, decoding, 0, name) for name in ("one", "two")}
    assert together == {**alone, None: opened(base).generate(asked, decoding, 0)}
    assert together["one"] != together["two"]


def test_a_merged_adapter_says_what_it_says_unmerged_and_leaves_the_base_as_it_was(base: Path, adapters: Path) -> None:
    asked, decoding = examples(6)["messages"].to_list(), Decoding(12)
    names = ("one", "two", None, "one")
    plain = opened(base, adapters / "one", adapters / "two")
    merging = opened(base, adapters / "one", adapters / "two", merge=True)
    for name in names:
        assert merging.generate(asked, decoding, 0, name) == plain.generate(asked, decoding, 0, name)


def test_probabilities_of_candidates_are_those_of_the_model_held_to_them(base: Path, adapter: Path) -> None:
    """Against the plain way: the log-probability of every token, renormalised wherever the candidates part."""
    import torch

    backend = opened(base, adapter)
    asked, openings = examples(3)["messages"].to_list(), ["adult ", "", "chest pain knee "]
    candidates = ("fever next", "fever imaging film", "head")
    found = backend.choose(asked, openings, candidates, adapter.name)
    ids = {word: 7 + place for place, word in enumerate(WORDS)}
    for conversation, opening, shares in zip(asked, openings, found, strict=True):
        prompt = backend._tokenizer.apply_chat_template(conversation, add_generation_prompt=True, tokenize=False)
        start = backend._tokenizer(prompt + opening, add_special_tokens=False)["input_ids"]

        def after(*words: str, start: list[int] = start) -> Any:
            tokens = torch.tensor([[*start, *(ids[word] for word in words)]])
            return backend._model(input_ids=tokens).logits[0, -1].softmax(-1).tolist()

        with torch.no_grad():
            first, second = after(), after("fever")
        fever = first[ids["fever"]] / (first[ids["fever"]] + first[ids["head"]])
        following = second[ids["next"]] / (second[ids["next"]] + second[ids["imaging"]])
        assert shares == pytest.approx([fever * following, fever * (1 - following), 1 - fever], abs=1e-5)


def test_greedy_answers_come_with_probabilities_and_sampled_ones_without(base: Path, tmp_path: Path) -> None:
    greedy = table(complete(base, None, 5, 2, tmp_path / "g"), examples(5), "base", "test", "greedy")
    assert greedy["probabilities"].list.sum().to_list() == pytest.approx([1.0] * 5)
    assert greedy["probabilities"].list.len().to_list() == [3] * 5
    sampled = table(complete(base, None, 5, 2, tmp_path / "s", 3), examples(5), "base", "test", "3")
    assert sampled["probabilities"].null_count() == 5


def command(base: Path, tmp_path: Path, rows: tuple[int, int], tokens: int, *more: str) -> list[str]:
    shared = {"prompt": "reasoning", "examples": "reasoning", "completion_tokens": tokens}
    loaded = {"model": str(base), "dtype": "float32"}
    roster = write_roster(tmp_path / "roster.json", {"name": "base", "kind": "base", "base": loaded, **shared})
    for split, count in zip(("test", "generalization"), rows, strict=True):
        schemas.write(Examples, examples(count), tmp_path / f"examples/reasoning.{split}.parquet")
    folders = [part for flag in ("examples", "cache", "out") for part in (f"--{flag}", str(tmp_path / flag))]
    return [sys.executable, str(PROGRAM), "--roster", str(roster), "--models", "base", *folders,
            "--splits", "test", "generalization", *more]  # fmt: skip


def test_a_killed_program_loses_at_most_one_batch_and_an_empty_split_is_fine(base: Path, tmp_path: Path) -> None:
    run = command(base, tmp_path, (40, 0), 200, "--batch", "2")
    cache = tmp_path / "cache/base/test.greedy.jsonl"
    with open(tmp_path / "log", "w") as log:
        process = subprocess.Popen(run, stderr=log, stdout=log, env={**os.environ, "OMP_NUM_THREADS": "1"})
        until = time.monotonic() + HANGING
        while not (cache.is_file() and cache.read_bytes().count(b"\n") >= 6):
            assert process.poll() is None and time.monotonic() < until, (tmp_path / "log").read_text()
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
    before = cache.read_bytes()
    assert not (tmp_path / "out").exists()

    subprocess.run(run, check=True, capture_output=True, timeout=HANGING)
    predictions = schemas.read(Predictions, tmp_path / "out/base/test.greedy.parquet")
    done = [json.loads(line) for line in before.split(b"\n")[:-1] if line]
    assert len(done) >= 3
    seconds = {answer[3] for batch in done for answer in batch.values()}
    assert seconds <= set(predictions["seconds"])  # they were not made again
    assert predictions.height == 40
    assert schemas.read(Predictions, tmp_path / "out/base/generalization.greedy.parquet").is_empty()


@pytest.mark.parametrize("missing", ["adapter_config.json", "adapter_model.safetensors"])
def test_a_folder_that_is_no_adapter_is_named(base: Path, adapter: Path, tmp_path: Path, missing: str) -> None:
    for file in adapter.glob("adapter_*"):
        if file.name != missing:
            (tmp_path / file.name).write_bytes(file.read_bytes())
    with pytest.raises(InputError, match=missing):
        open_language_model(settings(base), {"mine": tmp_path})


def test_a_base_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no tokenizer"):
        open_language_model(settings(tmp_path))
