"""What a training tells of itself, and when it stops itself."""

import os
import resource
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
from tiny_training import GRPO, SFT, command, make, recipe, wait_for, with_rewards

from acrflow import schemas
from acrflow.io.errors import InputError
from acrflow.io.files import read_json
from acrflow.schemas.dataset import Examples
from acrflow.schemas.training import Samples
from acrflow.training import checkpoints, crash
from acrflow.training.callbacks import Watch, in_a_row
from acrflow.training.log import read_log, read_samples
from acrflow.training.measured import sampled


@pytest.fixture(scope="module")
def trained(tiny_base: str, examples: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a GRPO training of 3 steps with KL, two forward passes a step, and an embedding reward."""
    folder = tmp_path_factory.mktemp("trained")
    grpo = {**GRPO, "steps": 3, "batch": 2, "accumulation": 2, "beta": 0.04}
    make(with_rewards(recipe("medreason_embed", grpo=grpo), chance={}), tiny_base, examples, folder)
    return folder


def test_the_seconds_of_a_step_are_split_by_part_and_add_up(trained: Path) -> None:
    log = read_log(trained / "out")
    steps = log.pivot("metric", index="step", values="value").rows(named=True)
    assert len(steps) == 3
    for row in steps:
        parts = [row[f"seconds/{part}"] for part in ("generation", "rewards", "loss", "rest")]
        assert sum(parts) == pytest.approx(row["seconds"])
        assert min(parts) > 0
        rewards = sum(row[f"rewards/{name}/seconds"] for name in ("format", "reasoning_embedding", "chance"))
        assert 0 < rewards <= row["seconds/rewards"]
    assert "seconds/inputs" not in set(log["metric"])


def test_every_metric_of_the_policy_is_in_the_log(trained: Path) -> None:
    metrics = set(read_log(trained / "out")["metric"])
    assert metrics >= {"reward", "reward_std", "frac_reward_zero_std", "kl", "entropy", "learning_rate", "grad_norm"}
    assert metrics >= {f"completions/{what}" for what in ("mean_length", "clipped_ratio", "repetition")}
    assert metrics >= {f"rewards/format/{what}" for what in ("mean", "std", "none", "seconds")}


def test_completions_are_sampled_with_their_rewards_and_the_prompt_they_answer(
    trained: Path, examples: dict[str, Path]
) -> None:
    samples = Samples.validate(read_samples(trained / "out"))
    assert samples["step"].unique(maintain_order=True).to_list() == [1, 2, 3]
    known = schemas.read(Examples, examples["reasoning_evidence"])["prompt_hash"]
    assert samples["prompt_hash"].is_in(known.implode()).all()
    assert [reward["reward"] for reward in samples["rewards"][0]] == ["format", "reasoning_embedding", "chance"]
    assert samples["completion"].str.len_chars().min() > 0


def test_about_twenty_steps_are_sampled_and_the_last_one_always() -> None:
    assert sum(sampled(step, 200) for step in range(1, 201)) == 20
    assert [step for step in range(1, 8) if sampled(step, 7)] == list(range(1, 8))
    assert sampled(47, 47)


def test_tensorboard_gets_every_step_once_also_after_a_resume(
    tiny_base: str, examples: dict[str, Path], tmp_path: Path
) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    class Killed(BaseException):
        """As sudden as SIGKILL: nothing tidies up."""

    wanted = recipe("sft", sft={**SFT, "steps": 6, "save_every": 2})
    with pytest.MonkeyPatch.context() as patch:
        watch = Watch.on_log

        def killed(self: Watch, args: Any, state: Any, control: Any, **now: Any) -> None:
            watch(self, args, state, control, **now)
            if state.global_step == 5:
                raise Killed

        patch.setattr(Watch, "on_log", killed)
        with pytest.raises(Killed):
            make(wanted, tiny_base, examples, tmp_path)
    make(wanted, tiny_base, examples, tmp_path)
    board = EventAccumulator(str(tmp_path / "board")).Reload()
    assert {"loss", "learning_rate", "seconds/loss"} <= set(board.Tags()["scalars"])
    assert [event.step for event in board.Scalars("loss")] == [1, 2, 3, 4, 5, 6]


def history(metric: str, *values: float | None) -> Any:
    entries = [{"step": step, metric: value} for step, value in enumerate(values, 1)]
    return SimpleNamespace(log_history=entries, global_step=len(values))


@pytest.mark.parametrize("metric", ["frac_reward_zero_std", "completions/clipped_ratio", "completions/repetition"])
def test_a_collapse_is_warned_of_once_or_stops_the_training(metric: str, capsys: pytest.CaptureFixture[str]) -> None:
    for values, warned in (((0.2, 1, 1, 1), True), ((1, 1, 0.2, 1, 1), False), ((0.2, 1, 1, 1, 1), False)):
        Watch(3, "warn").on_log(None, history(metric, *values), None, logs={"loss": 0.1})
        assert ("WARNING for 3 steps" in capsys.readouterr().out) == warned
    with pytest.raises(crash.Stopped, match="up to step 4"):
        Watch(3, "stop").on_log(None, history(metric, 0.2, 1, 1, 1), None, logs={"loss": 0.1})
    Watch(0, "stop").on_log(None, history(metric, 1, 1, 1, 1), None, logs={"loss": 0.1})
    assert in_a_row([{"a": 1.0}, {"b": 0.0}, {"a": None}, {"a": 1.0}], "a", 1.0) == 2


def test_a_collapsed_training_stops_with_its_reason(
    tiny_base: str, examples: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every group without spread, since every completion of the tiny base gets the same reward."""
    grpo = {**GRPO, "collapse_steps": 2, "on_collapse": "stop"}
    wanted = recipe("same", grpo=grpo, same={"method": "grpo", "rewards": {"chance": {"options": {"share": 1.0}}}})
    with pytest.raises(InputError, match=r"for 2 steps up to step 2, no group had any spread"):
        make(wanted, tiny_base, examples, tmp_path)
    assert "it may be tried again" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["loss", "grad_norm", "reward", "kl"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_metric_that_is_not_finite_stops_the_training(name: str, value: float) -> None:
    state = SimpleNamespace(global_step=3, log_history=[])
    with pytest.raises(crash.Stopped, match=rf"{name} is (nan|inf) at step 3"):
        Watch().on_log(None, state, None, logs={"loss": 0.1, name: value})
    Watch().on_log(None, state, None, logs={"loss": 0.1, "reward": None})  # no reward applied: nothing wrong


def test_the_same_crash_at_the_same_step_twice_is_not_tried_again(
    tiny_base: str, examples: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    calls: list[int] = []

    def explode(self: Watch, args: Any, state: Any, control: Any, **now: Any) -> None:
        calls.append(state.global_step)
        if state.global_step == 4:
            raise RuntimeError("CUDA error: an illegal memory access\nmore")

    wanted = recipe("sft", sft={**SFT, "steps": 6})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Watch, "on_log", explode)
        for word in ("may be tried again", "will not be tried again"):
            with pytest.raises(RuntimeError, match="illegal memory"):
                make(wanted, tiny_base, examples, tmp_path)
            assert word in capsys.readouterr().out
        assert calls == [1, 2, 3, 4, 3, 4]  # the second try went on after the checkpoint of step 2
        with pytest.raises(
            InputError, match=r"(?s)2 times after step 4: RuntimeError: CUDA error.*crash.json.*--restart"
        ):
            make(wanted, tiny_base, examples, tmp_path)
        assert len(calls) == 6
    (tmp_path / "checkpoints/crash.json").unlink()
    make(wanted, tiny_base, examples, tmp_path)


def test_another_crash_or_step_begins_the_count_anew(tmp_path: Path) -> None:
    assert not crash.record(tmp_path, 3, RuntimeError("a"))
    assert not crash.record(tmp_path, 4, RuntimeError("a"))
    assert not crash.record(tmp_path, 4, RuntimeError("b"))
    crash.refuse(tmp_path)
    assert crash.record(tmp_path, 4, RuntimeError("b"))
    with pytest.raises(InputError):
        crash.refuse(tmp_path)


def test_a_full_disk_leaves_the_last_good_checkpoint(tiny_base: str, examples: dict[str, Path], tmp_path: Path) -> None:
    """Files may no longer grow beyond 1 kB, from the first checkpoint on: what the process writes then fails."""
    steps = 40
    wanted = recipe("sft", sft={**SFT, "steps": steps})
    process = subprocess.Popen(
        command(wanted, tiny_base, examples, tmp_path),
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
        text=True,
    )
    folder = tmp_path / "checkpoints"
    wait_for(lambda: checkpoints.last(folder) is not None, process)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (1024, 1024))
    _, said = process.communicate(timeout=60)
    assert process.returncode == 2, said
    last = checkpoints.last(folder)
    assert last is not None and checkpoints.step_of(last) < steps
    assert "cannot be written" in said and f"the training goes on after step {checkpoints.step_of(last)}" in said
    assert not (tmp_path / "out").exists()
    log = make(wanted, tiny_base, examples, tmp_path)
    assert log.filter(pl.col("metric") == "loss")["step"].to_list() == list(range(1, steps + 1))
    assert read_json(tmp_path / "out/recipe.json")["training"]["steps"] == steps
