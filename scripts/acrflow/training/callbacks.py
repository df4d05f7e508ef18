"""What happens beside the training steps: progress, checkpoints, SIGTERM, values that are not finite."""

import math
import signal
import time
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from acrflow.training import checkpoints

LINES = 20  # progress lines of a training


class Progress(TrainerCallback):
    """Print step, reward, loss and time left, in about `LINES` lines a training."""

    def __init__(self, name: str):
        self._name = name

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self._started, self._first = time.monotonic(), state.global_step

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **now: Any) -> None:
        logs = now["logs"]
        step, steps = state.global_step, state.max_steps
        if "loss" not in logs or (step % max(1, steps // LINES) and step != steps):
            return
        left = (time.monotonic() - self._started) / max(1, step - self._first) * (steps - step)
        reward = f"  reward {logs['reward']:.2f}" if logs.get("reward") is not None else ""
        minutes, seconds = divmod(round(left), 60)
        print(
            f"{self._name}  step {step}/{steps}{reward}  loss {logs['loss']:.3f}  {minutes}:{seconds:02d} left",
            flush=True,
        )


class Survival(TrainerCallback):
    """Mark complete checkpoints; on SIGTERM, finish the step, save and stop."""

    def __init__(self, folder: Path):
        self._folder = folder
        self.terminated = False
        signal.signal(signal.SIGTERM, self._on_sigterm)

    def _on_sigterm(self, number: int, frame: Any) -> None:
        self.terminated = True

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if self.terminated:
            control.should_save = control.should_training_stop = True

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if state.is_world_process_zero:
            checkpoints.mark(self._folder, state.global_step)


class Watch(TrainerCallback):
    """Stop a training whose loss or gradient is no longer finite: nothing after that step is worth its time."""

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **now: Any) -> None:
        logs = now["logs"]
        for name in ("loss", "grad_norm"):
            if not math.isfinite(logs.get(name) or 0.0):
                raise FloatingPointError(f"{name} is {logs[name]} at step {state.global_step}; the training stops")
