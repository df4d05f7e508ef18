"""Training on the tiny base: it learns, it survives, and what it leaves is whole."""

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tiny_training import GRPO, SFT, command, make, recipe, wait_for, weights, with_rewards

from acrflow import schemas
from acrflow.config.recipe import Recipe
from acrflow.config.registry import declare
from acrflow.io.errors import InputError
from acrflow.io.files import read_json, sha256
from acrflow.report.adapter_card import quarters
from acrflow.schemas.dataset import Examples
from acrflow.tasks.appropriateness import UA
from acrflow.training import checkpoints, grpo
from acrflow.training.log import read_log


def test_sft_lowers_its_loss_and_writes_a_whole_adapter(
    tiny_base: str, examples: dict[str, Path], tmp_path: Path
) -> None:
    log = make(recipe("sft"), tiny_base, examples, tmp_path)
    first, last = quarters(log, "loss")
    assert last < first - 0.1
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names >= {"adapter_model.safetensors", "adapter_config.json", "tokenizer.json", "recipe.json"}
    assert not any(name.endswith((".bin", ".pt", ".pkl")) for name in names)
    written = read_json(tmp_path / "out/recipe.json")
    assert written["inputs"]["examples"] == sha256(examples["label"])
    assert written["versions"]["trl"]


def test_an_sft_adapter_answers_and_stops(tiny_base: str, examples: dict[str, Path], tmp_path: Path) -> None:
    """The end of sequence is learned: with a pad token equal to it, it would be masked and generation run on."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    frame = schemas.read(Examples, examples["label"])
    only = {"label": tmp_path / "one.parquet"}
    schemas.write(Examples, frame.filter(pl.col("appropriateness") == UA), only["label"])
    make(recipe("sft", sft={**SFT, "steps": 30, "batch": 4, "learning_rate": 1e-2}), tiny_base, only, tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "out")
    assert tokenizer.pad_token_id != tokenizer.eos_token_id
    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(tiny_base), tmp_path / "out")
    prompt = tokenizer.apply_chat_template(
        frame["messages"][0].to_list(), add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    generated = model.generate(**prompt, max_new_tokens=40, do_sample=False)[0, prompt["input_ids"].shape[1] :]
    assert tokenizer.decode(generated, skip_special_tokens=True) == f"<answer>{UA}</answer>"
    assert generated[-1] == tokenizer.eos_token_id


@pytest.mark.parametrize("name", ["baseline", "llm_eval", "medreason_embed"])
def test_grpo_changes_the_adapter_and_logs_every_reward(
    tiny_base: str, examples: dict[str, Path], tmp_path: Path, name: str
) -> None:
    # the tiny base seldom earns another reward in three steps; without any, nothing would move
    wanted = with_rewards(recipe(name, grpo={**GRPO, "steps": 3}), chance={})
    log = make(wanted, tiny_base, examples, tmp_path)
    moved = [tensor.abs().max().item() for key, tensor in weights(tmp_path).items() if "lora_B" in key]
    assert moved
    assert min(moved) > 0  # B starts at zero
    metrics = set(log["metric"])
    for reward in wanted.rewards:
        assert {f"rewards/{reward}/{what}" for what in ("mean", "std", "none", "seconds")} <= metrics
    assert {"reward", "reward_std", "frac_reward_zero_std", "entropy", "learning_rate", "grad_norm"} <= metrics
    assert log.filter(pl.col("metric") == "reward")["step"].to_list() == [1, 2, 3]


def test_gold_travels_with_its_prompt_through_trl(
    tiny_base: str, examples: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TRL shuffles, groups and repeats the rows; each completion must meet the gold label of its own prompt."""
    frame = schemas.read(Examples, examples["reasoning"])
    gold = {json.dumps(row["messages"]): row["appropriateness"] for row in frame.iter_rows(named=True)}
    seen: list[tuple[str, str]] = []

    class Spy:
        __name__ = "spy"
        columns = ("appropriateness",)

        def __call__(self, prompts: list[Any], completions: list[Any], appropriateness: list[str], **_: Any) -> Any:
            seen.extend((json.dumps(p), label) for p, label in zip(prompts, appropriateness, strict=True))
            return [0.0] * len(prompts)

    monkeypatch.setattr(grpo, "load_rewards", lambda *_: [Spy()])
    spied = {"method": "grpo", "rewards": {"answer": 1.0}}
    wanted = recipe("spied", grpo={**GRPO, "steps": 3}, spied=spied)
    make(wanted, tiny_base, examples, tmp_path)
    assert len({prompt for prompt, _ in seen}) > 3
    assert all(gold[prompt] == label for prompt, label in seen)


@pytest.mark.parametrize(("name", "stop"), [("baseline", signal.SIGKILL), ("control", signal.SIGTERM)])
def test_a_killed_training_resumes_to_the_same_weights_and_log(
    tiny_base: str, examples: dict[str, Path], tmp_path: Path, name: str, stop: signal.Signals
) -> None:
    wanted = recipe(name)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    log = make(wanted, tiny_base, examples, whole)

    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command(wanted, tiny_base, examples, killed), env=environment)
    wait_for(lambda: checkpoints.last(killed / "checkpoints") is not None, process)
    process.send_signal(stop)
    status = process.wait(60)
    if stop == signal.SIGTERM:
        assert status == 143
    if status != 0:  # else it was faster than the signal; the equality below holds all the same
        assert not (killed / "out").exists()
        make(wanted, tiny_base, examples, killed)

    assert all((weights(whole)[key] == tensor).all() for key, tensor in weights(killed).items())
    resumed = read_log(killed / "out")
    timeless = ~pl.col("metric").str.contains("time|seconds")
    assert resumed.filter(timeless).equals(log.filter(timeless))
    assert resumed.filter(pl.col("metric") == "reward")["step"].to_list() == list(range(1, GRPO["steps"] + 1))


def test_a_finished_training_is_only_written_out_again(
    tiny_base: str, examples: dict[str, Path], tmp_path: Path
) -> None:
    """Killed between the last step and the output; transformers itself would take one step too many."""
    wanted = recipe("sft", sft={**SFT, "steps": 7})  # ends within an epoch
    make(wanted, tiny_base, examples, tmp_path)
    first = weights(tmp_path)
    log = make(wanted, tiny_base, examples, tmp_path)
    assert log["step"].max() == 7
    assert all((first[key] == tensor).all() for key, tensor in weights(tmp_path).items())


def test_an_adapter_lost_after_its_training_is_written_out_again_and_then_its_checkpoint_goes(
    tiny_base: str, examples: dict[str, Path], tmp_path: Path
) -> None:
    """A SIGTERM in the seconds before Snakemake knows of the end has it remove the adapter and run the job again."""
    results, wanted = tmp_path / "results", recipe("baseline", grpo={**GRPO, "steps": 2})
    checkpoint, out = results / "checkpoints/mine", results / "adapters/mine"
    call = command(wanted, tiny_base, examples, tmp_path)
    for option, folder in {"--checkpoints": checkpoint, "--out": out}.items():
        call[call.index(option) + 1] = str(folder)
    said = [subprocess.run(call, capture_output=True, text=True, check=True).stdout]
    first = {path.name: sha256(path) for path in out.iterdir()}
    assert not list(checkpoint.rglob("*.pt"))  # nor what is only needed to go on
    shutil.rmtree(out)
    checkpoints.sweep(results)
    said.append(subprocess.run(call, capture_output=True, text=True, check=True).stdout)
    assert "was trained to step 2 before" in said[1] and "left" not in said[1] and "left" in said[0]
    assert {path.name: sha256(path) for path in out.iterdir()} == first
    checkpoints.sweep(results)
    assert not checkpoint.exists() and out.exists()


def seeded(seed: int) -> Recipe:
    return recipe("sft").model_copy(update={"seed": seed})


@pytest.mark.parametrize(("seed", "code", "used"), [(1, "same", True), (2, "same", False), (1, "edited", False)])
def test_what_a_finished_training_left_is_used_for_its_own_recipe_and_code_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, code: str, used: bool
) -> None:
    folder = tmp_path / "mine"
    checkpoints.prepare(folder, seeded(1), restart=False)
    for step in (2, 4):
        (folder / f"checkpoint-{step}").mkdir()
        checkpoints.mark(folder, step)
    checkpoints.finish(folder)
    assert not (folder / "checkpoint-2").exists()
    if code == "edited":
        monkeypatch.setattr(checkpoints, "_code", lambda: code)
    left = checkpoints.prepare(folder, seeded(seed), restart=False)
    assert left == (folder / "checkpoint-4" if used else None)


def test_checkpoints_of_another_recipe_are_refused_with_the_difference(
    tiny_base: str, examples: dict[str, Path], tmp_path: Path
) -> None:
    make(recipe("sft"), tiny_base, examples, tmp_path)
    with pytest.raises(InputError, match=r"(?s)training\.learning_rate: 0\.005 -> 0\.1.*--restart"):
        make(recipe("sft", sft={**SFT, "learning_rate": 0.1}), tiny_base, examples, tmp_path)
    changed = {"label": tmp_path / "changed.parquet"}
    schemas.write(Examples, schemas.read(Examples, examples["label"]).head(5), changed["label"])
    with pytest.raises(InputError, match=r"inputs\.examples: "):
        make(recipe("sft"), tiny_base, changed, tmp_path)


def test_a_checkpoint_without_its_marker_does_not_count(tmp_path: Path) -> None:
    checkpoints.prepare(tmp_path, seeded(1), restart=False)
    for step in (9, 10, 11):
        (tmp_path / f"checkpoint-{step}").mkdir()
    for step in (9, 10):
        checkpoints.mark(tmp_path, step)
    last = checkpoints.last(tmp_path)
    assert last is not None
    assert last.name == "checkpoint-10"
    assert checkpoints.prepare(tmp_path, seeded(1), restart=False) == last
    assert not (tmp_path / "checkpoint-11").exists()
    assert checkpoints.prepare(tmp_path, seeded(2), restart=True) is None


def test_bad_input_ends_before_any_training(tiny_base: str, examples: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no-such-folder.*\n.*Remedy"):
        make(recipe("sft"), str(tmp_path / "no-such-folder"), examples, tmp_path / "a")
    four_bit = recipe("four_bit", four_bit={"method": "sft", "base": {"quantization": "4bit"}})
    import torch

    if not torch.cuda.is_available():
        with pytest.raises(InputError, match="4bit needs a GPU"):
            make(four_bit, tiny_base, examples, tmp_path / "b")
    with pytest.raises(InputError, match="needs the column votes"):
        from acrflow import rewards

        function = lambda *_: []  # noqa: E731
        reward = rewards.Reward("panel", function, declare(function, ("votes",), 0, 1))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(rewards, "load", lambda *_: reward)
            grpo.load_rewards(recipe("baseline"), tiny_base, pl.DataFrame({"appropriateness": [UA]}))


def test_the_log_is_read_without_the_summary_of_the_run(tmp_path: Path) -> None:
    history = [{"loss": 1.0, "step": 1}, {"loss": None, "step": 2}, {"train_runtime": 3.0, "step": 2}]
    (tmp_path / "trainer_state.json").write_text(json.dumps({"log_history": history}))
    assert read_log(tmp_path).rows() == [(1, "loss", 1.0), (2, "loss", None)]
