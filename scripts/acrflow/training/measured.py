"""What both trainers add to TRL's: seconds by part, repetition, samples, and a clear word on a full disk."""

import shutil
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from trl import GRPOTrainer, SFTTrainer

from acrflow.io.files import write_json
from acrflow.tasks.prompts import prompt_hash
from acrflow.text.ngrams import repeated_share
from acrflow.training import checkpoints

SAMPLED_STEPS = 20  # steps of a training whose completions are sampled
SAMPLED = 4  # completions of such a step


class Measured:
    """Mixed into a trainer; logs with every step, in seconds of wall time on the main process:

    - `seconds`: the whole step, with what happened since the last one (saving, logging)
    - `seconds/generation`, `seconds/rewards` (all of them; each has `rewards/<name>/seconds`), `seconds/loss` (forward
      and backward) and `seconds/rest`, which add up to `seconds`
    """

    _since: float | None = None

    def __init__(self, *args: Any, **kwargs: Any):
        self._spent: defaultdict[str, float] = defaultdict(float)
        super().__init__(*args, **kwargs)

    @contextmanager
    def _clock(self, part: str) -> Iterator[None]:
        begin = _now()
        yield
        self._spent[part] += _now() - begin

    def training_step(self, *args: Any, **kwargs: Any) -> torch.Tensor:
        if self._since is None:
            self._since = _now()
        with self._clock("loss"):  # less what the inputs took, which are prepared inside
            loss: torch.Tensor = super().training_step(*args, **kwargs)  # type: ignore[misc]
        self._spent["loss"] -= self._spent.pop("inputs", 0.0)
        return loss

    def _prepare_inputs(self, *args: Any, **kwargs: Any) -> Any:
        with self._clock("inputs"):
            return super()._prepare_inputs(*args, **kwargs)  # type: ignore[misc]

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        if self._since is not None and "loss" in logs:
            whole, self._since = _now() - self._since, _now()
            logs |= {f"seconds/{part}": spent for part, spent in self._spent.items()}
            logs |= {"seconds": whole, "seconds/rest": whole - sum(self._spent.values())}
            self._spent.clear()
        super().log(logs, start_time)  # type: ignore[misc]

    def _save_checkpoint(self, *args: Any, **kwargs: Any) -> None:
        """Save; on a full disk, give back the space and say which checkpoint stands."""
        folder, step = Path(self.args.output_dir), self.state.global_step  # type: ignore[attr-defined]
        try:
            super()._save_checkpoint(*args, **kwargs)  # type: ignore[misc]
        except Exception as error:  # an OSError, or what torch and safetensors make of it
            shutil.rmtree(folder / f"checkpoint-{step}", ignore_errors=True)
            raise checkpoints.cannot_write(folder, f"the checkpoint of step {step}", error) from error


class MeasuredSft(Measured, SFTTrainer):
    """TRL's SFT trainer, measured."""


class MeasuredGrpo(Measured, GRPOTrainer):
    """TRL's GRPO trainer, measured; samples of its completions go to `<checkpoints>/samples/<step>.json`."""

    def _generate(self, *args: Any, **kwargs: Any) -> Any:
        with self._clock("generation"):
            return super()._generate(*args, **kwargs)

    def _calculate_rewards(self, inputs: Any, prompts: Any, completions: Any, completion_ids_list: Any) -> Any:
        with self._clock("rewards"):
            values = super()._calculate_rewards(inputs, prompts, completions, completion_ids_list)
        shares = [repeated_share(completion[-1]["content"], 3) for completion in completions]
        gathered = self.accelerator.gather(torch.tensor(shares, device=self.accelerator.device))
        self._metrics["train"]["completions/repetition"].append(gathered.mean().item())
        return values

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        step = self.state.global_step
        if "loss" in logs and self.accelerator.is_main_process and sampled(step, self.state.max_steps):
            write_json(Path(str(self.args.output_dir)) / checkpoints.SAMPLES / f"{step}.json", self._samples(step))
        super().log(logs, start_time)

    def _samples(self, step: int) -> list[dict[str, Any]]:
        """Completions of the last generated batch, evenly over its prompts, as rows of `schemas.TrainingSamples`."""
        logs: dict[str, Any] = self._logs
        count = len(logs["completion"])
        return [
            {
                "step": step,
                "prompt_hash": prompt_hash(logs["prompt"][place]),
                "completion": logs["completion"][place][-1]["content"],
                "rewards": [
                    {"reward": name, "value": None if values[place] != values[place] else values[place]}
                    for name, values in logs["rewards"].items()
                ],
                "advantage": logs["advantages"][place],
            }
            for place in sorted({share * count // SAMPLED for share in range(SAMPLED)} if count else set())
        ]


def sampled(step: int, steps: int) -> bool:
    """Whether the completions of this step are sampled: about `SAMPLED_STEPS` steps, the last one among them."""
    return step % max(1, steps // SAMPLED_STEPS) == 0 or step == steps


def _now() -> float:
    """The wall clock, in seconds, once the GPU has done what it was asked to."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()
