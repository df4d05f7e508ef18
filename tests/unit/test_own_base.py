"""An adapter with a base model of its own, beside those of the run's."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from chat_models import FAMILIES, write_chat_tokenizer
from tiny_training import GRPO, SFT, make, recipe

from acrflow import schemas
from acrflow.config import configuration
from acrflow.config.configuration import Config
from acrflow.config.language_model import LanguageModel
from acrflow.inference.backend import Decoding, open_language_model
from acrflow.io.errors import InputError
from acrflow.io.ledger import Ledger
from acrflow.models.tokenizer import load_tokenizer, prompt_tokens
from acrflow.schemas.dataset import Examples
from acrflow.synthetic.tiny_base import make_model
from acrflow.tasks.appropriateness import UA
from acrflow.training.examples import to_train_on

RUNS = {"model": "some/llama", "revision": "1234", "dtype": "float32", "template": {"date_string": "26 Jul 2024"}}


def loaded(own: dict[str, Any] | None, **more: Any) -> Config:
    adapters = {"mine": {"method": "sft", "base": own, "seeds": [5]}, "other": {"method": "sft"}}
    return configuration.load({"base": RUNS, "adapters": adapters, **more}, "test")


@pytest.fixture(scope="module")
def gemma(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Folder of a tiny random model that takes no system role, and ends a turn with another token than its own end."""
    folder = tmp_path_factory.mktemp("gemma")
    tokenizer = load_tokenizer(write_chat_tokenizer(FAMILIES["gemma_2"], folder))
    model = make_model(tokenizer, 32, 1, 1)
    model.generation_config.eos_token_id = tokenizer.convert_tokens_to_ids("<eos>")
    model.save_pretrained(folder)
    return str(folder)


def test_an_adapters_own_base_goes_over_the_runs_key_by_key() -> None:
    config = loaded({"dtype": "bfloat16"})
    for folder in ("mine", "mine-seed5"):
        assert config.base_of(folder).model_dump() == config.base.model_dump() | {"dtype": "bfloat16"}
    assert config.base_of("other") == config.base_of("base") == config.base
    assert config.recipe("mine").base.dtype == "bfloat16"


def test_another_model_takes_neither_revision_nor_template_from_the_runs() -> None:
    base = loaded({"model": "some/qwen"}).base_of("mine")
    assert (base.model, base.revision, base.template, base.dtype) == ("some/qwen", None, {}, "float32")


def test_only_an_adapter_that_reads_otherwise_than_the_run_counts_its_prompts_anew() -> None:
    limits = {
        kind: loaded(own, dataset={"prompt_tokens": 77}).recipe("mine").prompt_tokens
        for kind, own in {"none": None, "dtype": {"dtype": "bfloat16"}, "model": {"model": "some/qwen"}}.items()
    }
    assert limits == {"none": None, "dtype": None, "model": 77}


@pytest.mark.parametrize(
    ("mine", "named"),
    [
        ({"base": {"modle": "x"}}, r"adapters\.mine\.base\.modle: unknown key"),
        ({"base": {"model": "tiny"}}, r"adapters\.mine\.base\.model: tiny is made only for a run"),
        ({"base": {"template": {"enable thinking": False}}}, r"adapters\.mine\.base\.template"),
        ({"base": {"model": "some/qwen"}, "init_from": "other"}, r"adapters\.mine\.init_from: other has another base"),
    ],
)
def test_a_base_that_cannot_be_is_refused_with_the_configuration(mine: dict[str, Any], named: str) -> None:
    adapters = {"mine": {"method": "sft", **mine}, "other": {"method": "sft"}}
    with pytest.raises(InputError, match=named):
        configuration.load({"base": RUNS, "adapters": adapters}, "test")


def test_prompts_too_long_for_the_own_tokenizer_are_left_out_and_counted(gemma: str, examples: dict[str, Path]) -> None:
    frame = schemas.read(Examples, examples["label"])
    lengths = [len(ids) for ids in prompt_tokens(load_tokenizer(gemma), frame["messages"].to_list())]
    wanted = recipe("own", own={"method": "sft", "base": {"model": gemma}})
    budget = sorted(set(lengths))[-2]
    ledger = Ledger("train_adapter.own", "examples")
    kept = to_train_on(frame, wanted.model_copy(update={"prompt_tokens": budget}), gemma, Path("x"), ledger)
    assert kept["prompt_tokens"].to_list() == [length for length in lengths if length <= budget]
    left_out = ledger.as_dict()["left_out"]["prompt too long"]
    assert left_out["count"] == len(frame) - len(kept) > 0
    assert f"the budget is {budget}" in left_out["examples"][0]
    with pytest.raises(InputError, match="no examples to train on"):
        to_train_on(frame, wanted.model_copy(update={"prompt_tokens": 9}), gemma, Path("x"), ledger)


def test_grpo_puts_the_prompt_to_such_a_base_in_the_same_words(
    gemma: str, examples: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TRL applies the chat template itself, and must stop where a turn ends."""
    from acrflow.training.measured import MeasuredGrpo

    frame, tokenizer = schemas.read(Examples, examples["reasoning"]), load_tokenizer(gemma)
    known = {tuple(ids) for ids in prompt_tokens(tokenizer, frame["messages"].to_list())}
    seen: list[tuple[int, ...]] = []
    generate = MeasuredGrpo._generate

    def spy(self: MeasuredGrpo, *args: Any, **options: Any) -> Any:
        found = generate(self, *args, **options)
        seen.extend(tuple(ids) for ids in found[0])
        assert tokenizer.eos_token_id in self.eos_token_ids
        return found

    monkeypatch.setattr(MeasuredGrpo, "_generate", spy)
    own = {"method": "grpo", "rewards": {"chance": 1.0}, "base": {"model": gemma}}
    make(recipe("own", grpo={**GRPO, "steps": 2}, own=own), gemma, examples, tmp_path)
    assert seen and set(seen) <= known


def test_an_adapter_of_a_base_without_system_role_learns_to_answer_and_to_end_its_turn(
    gemma: str, examples: dict[str, Path], tmp_path: Path
) -> None:
    frame = schemas.read(Examples, examples["label"]).filter(pl.col("appropriateness") == UA)
    only = {"label": tmp_path / "one.parquet"}
    schemas.write(Examples, frame, only["label"])
    lora = {"r": 32, "alpha": 64}
    settings = {**SFT, "steps": 80, "batch": 4, "learning_rate": 1e-2, "save_every": 80, "lora": lora}
    wanted = recipe("own", sft=settings, own={"method": "sft", "base": {"model": gemma}})
    make(wanted, gemma, only, tmp_path)
    backend = open_language_model(
        LanguageModel(model=gemma, backend="transformers", dtype="float32"), {"own": tmp_path / "out"}
    )
    said = backend.generate(frame["messages"].to_list()[:2], Decoding(60), 0, "own")
    assert [(one.text, one.truncated) for one in said] == [(f"<answer>{UA}</answer>", False)] * 2
