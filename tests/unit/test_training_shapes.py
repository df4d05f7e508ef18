"""Adapters of every shape and start: LoRA and its kin, optimizers, reasoning before GRPO, balanced labels, seeds."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tiny_training import GRPO, SFT, make, recipe, weights, with_rewards

from acrflow import schemas
from acrflow.config import configuration
from acrflow.io.errors import InputError
from acrflow.io.files import read_json
from acrflow.io.ledger import Ledger
from acrflow.models.base import load_base
from acrflow.report.adapter_card import model_card
from acrflow.schemas.dataset import Examples
from acrflow.tasks.appropriateness import LABELS, MBA, UA, UNA
from acrflow.training import common, grpo
from acrflow.training import rollouts as servers
from acrflow.training.adapter import check_start
from acrflow.training.examples import to_train_on
from acrflow.training.recipe import read

REASONED = {"method": "sft", "reasoning": True}
CONTINUED = {"method": "grpo", "init_from": "reasoned", "rewards": {"chance": 1.0}}
SHAPE = {"r": 4, "alpha": 8, "target_modules": ["q_proj", "v_proj", "up_proj"]}


@pytest.mark.parametrize(
    ("lora", "optimizer"),
    [
        ({}, "adamw_torch"),
        ({"rslora": True}, "exadam"),
        ({"dora": True}, "adamw_torch"),
        ({"rslora": True, "dora": True}, "exadam"),
    ],
)
def test_every_shape_of_adapter_and_both_kinds_of_optimizer_train(
    tiny_base: str, examples: dict[str, Path], tmp_path: Path, lora: dict[str, bool], optimizer: str
) -> None:
    gentle = {**SFT, "steps": 5, "learning_rate": 1e-3}
    wanted = recipe("sft", sft={**gentle, "optimizer": optimizer, "lora": {**SHAPE, **lora}})
    log = make(wanted, tiny_base, examples, tmp_path)
    written = read_json(tmp_path / "out/adapter_config.json")
    assert (written["use_rslora"], written["use_dora"]) == (lora.get("rslora", False), lora.get("dora", False))
    assert any("magnitude" in key for key in weights(tmp_path)) == lora.get("dora", False)
    losses = log.filter(pl.col("metric") == "loss")["value"].to_list()
    assert losses[-1] < losses[0]


def test_an_optimizer_of_pytorch_optimizer_is_used_and_goes_on_where_it_was(
    tiny_base: str, examples: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    wanted = recipe("sft", sft={**SFT, "steps": 4, "learning_rate": 1e-3, "optimizer": "exadam"})
    make(wanted, tiny_base, examples, tmp_path / "whole")
    interrupted = tmp_path / "interrupted"
    with monkeypatch.context() as patch:
        patch.setattr("acrflow.training.callbacks.Progress.on_log", stop_after(3))
        with pytest.raises(KeyboardInterrupt):
            make(wanted, tiny_base, examples, interrupted)
    state = torch.load(interrupted / "checkpoints/checkpoint-2/optimizer.pt", weights_only=True)
    assert "weight_decouple" in state["param_groups"][0]  # EXAdam's own; AdamW of torch has none
    make(wanted, tiny_base, examples, interrupted)
    assert all((weights(tmp_path / "whole")[key] == tensor).all() for key, tensor in weights(interrupted).items())


def stop_after(step: int) -> Any:
    """A callback's `on_log` that interrupts the training once it has logged a step."""

    def on_log(self: Any, args: Any, state: Any, control: Any, **now: Any) -> None:
        if state.global_step == step:
            raise KeyboardInterrupt

    return on_log


def test_grpo_goes_on_from_sft_with_reasoning(tiny_base: str, examples: dict[str, Path], tmp_path: Path) -> None:
    adapters: dict[str, Any] = {"reasoned": REASONED, "continued": CONTINUED}
    assert recipe("reasoned", **adapters).prompt == "reasoning"
    make(recipe("reasoned", **adapters), tiny_base, examples, tmp_path / "reasoned")
    wanted = recipe("continued", grpo={**GRPO, "steps": 2, "learning_rate": 1e-9, "beta": 0.04}, **adapters)
    log = make(wanted, tiny_base, examples, tmp_path / "continued", start=tmp_path / "reasoned/out")
    before, after = weights(tmp_path / "reasoned"), weights(tmp_path / "continued")
    assert before.keys() == after.keys()  # no copy of the reference among them
    assert all((before[key] - tensor).abs().max() < 1e-6 for key, tensor in after.items())
    assert log.filter(pl.col("metric") == "kl")["value"].abs().max() < 1e-3
    continued = read(tmp_path / "continued/out")
    assert continued.inputs.init_from
    card = model_card(continued, log, rows=12)
    assert "| starts from | reasoned |" in card and "| training rows | 12 |" in card


def test_rows_without_traces_are_left_out_of_sft_with_reasoning_alone(examples: dict[str, Path]) -> None:
    frame = schemas.read(Examples, examples["reasoning"])
    empty = pl.Series("traces", [[]] * 3 + frame["traces"].to_list()[3:], dtype=pl.List(pl.String))
    frame = frame.with_columns(empty)
    ledger = Ledger("train_adapter.test", "examples")
    kept = to_train_on(frame, recipe("reasoned", reasoned=REASONED), "", Path("x"), ledger)
    assert (len(kept), ledger.as_dict()["left_out"]["no reasoning to learn"]["count"]) == (9, 3)
    assert len(to_train_on(frame, recipe("baseline"), "", Path("x"), ledger)) == 12
    with pytest.raises(InputError, match="no examples to train on"):
        to_train_on(frame.head(2), recipe("reasoned", reasoned=REASONED), "", Path("x"), ledger)


def test_balanced_prompts_repeat_rare_labels_until_all_are_as_frequent() -> None:
    labels = [UNA] * 11 + [MBA] * 3 + [UA] * 4
    frame = pl.DataFrame({"id": range(18), "appropriateness": labels})
    assert common.drawn(frame, "uniform", 1).equals(frame)
    drawn = common.drawn(frame, "balanced", 1)
    assert Counter(drawn["appropriateness"]) == dict.fromkeys(LABELS, 11)
    times = Counter(drawn["id"])
    assert set(times) == set(range(18))
    assert all(times[row] in ((1,), (3, 4), (2, 3))[LABELS.index(labels[row])] for row in range(18))
    assert not common.drawn(frame, "balanced", 2).equals(drawn)


def test_balanced_class_weights_are_taken_from_the_examples() -> None:
    assert grpo.balanced_weights([UNA] * 6 + [UA] * 2) == {UNA: pytest.approx(2 / 3), UA: 2.0}
    wanted = with_rewards(recipe("baseline"), answer={"class_weights": "balanced"})
    examples = pl.DataFrame({"appropriateness": [UNA] * 6 + [UA] * 2})
    answer = grpo.load_rewards(wanted, "", examples)[0]
    right = [f"<answer>{label}</answer>" for label in (UNA, UA)]
    assert answer(right, appropriateness=[UNA, UA]) == [pytest.approx(1 / 3), 1.0]


def test_each_seed_is_a_folder_of_its_own() -> None:
    adapters = {"mine": {"method": "sft", "seeds": [5, 6]}, "other": {"method": "sft", "seed": 2}}
    loaded = configuration.load({"adapters": adapters, "seed": 9}, "test")
    assert loaded.trained() == {
        "mine": ("mine", 9),
        "mine-seed5": ("mine", 5),
        "mine-seed6": ("mine", 6),
        "other": ("other", 2),
    }
    first, second = loaded.recipe("mine"), loaded.recipe("mine-seed5")
    assert (first.adapter, first.seed) == ("mine", 9)
    assert (second.adapter, second.seed) == ("mine-seed5", 5)
    assert first.model_copy(update={"adapter": "mine-seed5", "seed": 5}) == second


@pytest.mark.parametrize(
    ("adapters", "named"),
    [
        ({"a": {"method": "sft", "init_from": "b"}}, "neither an adapter"),
        ({"a": {"method": "sft", "init_from": "a"}}, "leads back to itself"),
        ({"a": {**CONTINUED, "init_from": "b"}, "b": {**CONTINUED, "init_from": "a"}}, "leads back to itself"),
        ({"a": {**CONTINUED, "init_from": "b", "training": {"lora": {"r": 7}}}, "b": REASONED}, "another lora shape"),
        ({"a": {"method": "sft", "seeds": [1, 1]}}, "named twice"),
        ({"a": {"method": "sft", "seed": 1, "seeds": [1]}}, "named twice"),
        ({"a": {"method": "grpo", "rewards": {"answer": 0.0}}}, "weight other than 0"),
        ({"a": {**CONTINUED, "init_from": None, "training": {"generation_batch": 9}}}, "multiple of generations"),
        ({"a": {**CONTINUED, "init_from": None, "training": {"save_every": 7, "generation_batch": 48}}}, "save_every"),
    ],
)
def test_starts_seeds_and_batches_that_cannot_be_are_refused_with_the_configuration(
    adapters: dict[str, Any], named: str
) -> None:
    with pytest.raises(InputError, match=named):
        configuration.load({"adapters": adapters}, "test")


@pytest.mark.parametrize(
    "adapter",
    [
        {"rewards": {"answr": 1.0}},
        {"method": "grpo", "rewards": {"answr": None}},
        {"method": "grpo", "rewards": {"answr": {"wheight": 1}}, "evidnce": "acr"},
    ],
)
def test_a_misspelt_reward_is_named_with_the_known_ones_whatever_else_is_wrong(adapter: dict[str, Any]) -> None:
    with pytest.raises(
        InputError,
        match=r"adapters\.a\.rewards: unknown reward answr \(did you mean answer\?\); known are answer, chance",
    ):
        configuration.load({"adapters": {"a": adapter}}, "test")


@pytest.mark.parametrize("rollouts", ["vllm", "vllm_server", "transformers"])
def test_a_4_bit_base_is_rolled_out_by_transformers_alone(rollouts: str) -> None:
    adapter = {"method": "grpo", "rewards": {"answer": 1.0}, "training": {"rollouts": rollouts}}
    values = {"base": {"quantization": "4bit"}, "adapters": {"a": adapter, "b": {"method": "sft"}}}
    if rollouts == "transformers":
        configuration.load(values, "test")
        return
    with pytest.raises(InputError, match=r"adapters\.a: vLLM cannot roll out a 4-bit base"):
        configuration.load(values, "test")


def test_a_module_an_optimizer_and_rollouts_that_are_not_there_are_named(
    tiny_base: str, examples: dict[str, Path], tmp_path: Path
) -> None:
    lora = {**SHAPE, "target_modules": ["q_proj", "w_proj"]}
    with pytest.raises(InputError, match=r"(?s)no w_proj.*choose from .*down_proj"):
        make(recipe("sft", sft={**SFT, "lora": lora}), tiny_base, examples, tmp_path / "a")
    with pytest.raises(InputError, match=r"no adamm.*\n.*exadam"):
        make(recipe("sft", sft={**SFT, "optimizer": "adamm"}), tiny_base, examples, tmp_path / "b")
    import torch

    if not torch.cuda.is_available():
        with pytest.raises(InputError, match="vLLM rollouts need a GPU"):
            make(recipe("control", grpo={**GRPO, "rollouts": "vllm"}), tiny_base, examples, tmp_path / "c")


def test_a_rollout_server_that_does_not_answer_is_named_with_what_to_do() -> None:
    with pytest.raises(InputError, match=r"no rollout server at http://127.0.0.1:9.*\n.*vllm serve some/base --"):
        grpo.check_server("http://127.0.0.1:9", servers.by_hand("some/base", 32, "bfloat16"))


def test_code_that_comes_with_a_base_is_never_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = {"model_type": "own", "auto_map": {"AutoConfig": "own.Own", "AutoModelForCausalLM": "own.Own"}}
    (tmp_path / "config.json").write_text(json.dumps(wanted))
    (tmp_path / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Own: pass\n")
    monkeypatch.setattr("builtins.input", lambda *_: "y")  # a user who says yes to everything
    with pytest.raises(InputError, match="base model cannot be loaded"):
        load_base(str(tmp_path), None, "float32", "none")
    assert not (tmp_path / "ran").exists()


def test_an_adapter_to_start_from_must_be_safetensors_of_the_same_shape(tmp_path: Path) -> None:
    shape = recipe("sft").training.lora
    with pytest.raises(InputError, match=r"adapter_model.safetensors, adapter_config.json is missing"):
        check_start(tmp_path, shape)
    (tmp_path / "adapter_config.json").write_text('{"r": 64, "lora_alpha": 8, "target_modules": ["q_proj"]}')
    (tmp_path / "adapter_model.safetensors").write_bytes(b"\x80\x02}q\x00.")  # a pickle by that name
    with pytest.raises(InputError, match="not a safetensors file"):
        check_start(tmp_path, shape)
    from safetensors.torch import save_file

    save_file({}, tmp_path / "adapter_model.safetensors")
    with pytest.raises(InputError, match=r"another shape: r 64, not 4; .*target_modules \['q_proj'\]"):
        check_start(tmp_path, shape)
