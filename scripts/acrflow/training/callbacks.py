"""What happens beside the training steps: progress, TensorBoard, checkpoints, SIGTERM, and a watch on the metrics."""

import math
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from acrflow.io.files import write_json
from acrflow.training import checkpoints
from acrflow.training.crash import Stopped

LINES = 20  # progress lines of a training

# What a collapsed policy shows in every step; metric, level, and what it means.
SIGNS = (
    ("frac_reward_zero_std", 1.0, "no group had any spread of reward (nothing to learn from: all wrong, or all right)"),
    ("completions/clipped_ratio", 1.0, "every completion reached the length limit"),
    ("completions/repetition", 0.5, "half of the completions' three-word sequences were repetitions"),
)

# mean difference of a token's log-probability between the sampler (vLLM) and the trainer: how far the rollouts are from
# the policy that is trained. Base and adapter apart in float32 give 0.000, bfloat16 in both some hundredths.
MISMATCH, LARGEST_MISMATCH = "sampling/sampling_logp_difference/mean", 0.1
WARNED_AFTER, STOPPED_AFTER = 3, 20  # steps in a row


class Progress(TrainerCallback):
    """Print step, reward, loss and time left, in about `LINES` lines a training; keep the newest in a file.

    Args:
        name: the adapter's.
        folder: gets `progress.json` at every step, for `acrflow watch`.
    """

    def __init__(self, name: str, folder: Path):
        self._name, self._file = name, folder / "progress.json"

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self._started, self._first = time.monotonic(), state.global_step

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **now: Any) -> None:
        logs = now["logs"]
        step, steps = state.global_step, state.max_steps
        if "loss" not in logs or not state.is_world_process_zero:
            return
        left = (time.monotonic() - self._started) / max(1, step - self._first) * (steps - step)
        now_at = {
            "step": step,
            "steps": steps,
            "reward": logs.get("reward"),
            "loss": logs["loss"],
            "seconds_left": left,
        }
        write_json(self._file, now_at)
        if step % max(1, steps // LINES) and step != steps:
            return
        reward = f"  reward {logs['reward']:.2f}" if logs.get("reward") is not None else ""
        minutes, seconds = divmod(round(left), 60)
        print(
            f"{self._name}  step {step}/{steps}{reward}  loss {logs['loss']:.3f}  {minutes}:{seconds:02d} left",
            flush=True,
        )


class TensorBoard(TrainerCallback):
    """Write every metric to TensorBoard; what a killed training wrote after its last checkpoint is purged."""

    def __init__(self, folder: Path):
        self._folder = folder

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer = None
        if not state.is_world_process_zero:
            return
        if state.global_step == 0:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._writer = SummaryWriter(str(self._folder), purge_step=state.global_step + 1)

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **now: Any) -> None:
        if self._writer is None or "loss" not in now["logs"]:
            return
        try:
            for name, value in now["logs"].items():
                if isinstance(value, int | float):
                    self._writer.add_scalar(name, value, state.global_step)
        except OSError as error:  # a curve that nobody can draw is no reason to stop
            print(f"WARNING no more events for TensorBoard in {self._folder}: {error}", flush=True)
            self._writer = None

    def on_train_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if self._writer is not None:
            self._writer.close()


class Survival(TrainerCallback):
    """Mark complete checkpoints; on SIGTERM, finish the step, save and stop.

    Args:
        still_ours: raises if another process has taken over the folder; asked before anything is written to it.
    """

    def __init__(self, folder: Path, still_ours: Callable[[], None] = lambda: None):
        self._folder, self._still_ours = folder, still_ours
        self.terminated = False
        signal.signal(signal.SIGTERM, self._on_sigterm)

    def _on_sigterm(self, number: int, frame: Any) -> None:
        self.terminated = True

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if args.world_size > 1:  # the signal reaches the processes at different steps; they must stop at the same one
            import torch

            heard = torch.tensor(float(self.terminated), device=args.device)
            torch.distributed.all_reduce(heard, torch.distributed.ReduceOp.MAX)
            self.terminated = bool(heard.item())
        self._still_ours()
        if self.terminated:
            control.should_save = control.should_training_stop = True

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if state.is_world_process_zero:
            checkpoints.mark(self._folder, state.global_step)


class Watch(TrainerCallback):
    """Stop a training whose loss, gradient, reward or KL is no longer finite; warn of a collapse, or stop at it.

    Args:
        steps: a sign of collapse must show in so many steps in a row; 0 looks for none.
        action: "warn" or "stop".
    """

    def __init__(self, steps: int = 0, action: str = "warn"):
        self._steps, self._action = steps, action

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **now: Any) -> None:
        logs = now["logs"]
        for name in ("loss", "grad_norm", "reward", "kl"):
            if not math.isfinite(logs.get(name) or 0.0):
                raise Stopped(f"{name} is {logs[name]} at step {state.global_step}; no later step is worth its time")
        if logs.get(MISMATCH) is not None:
            self._watch_rollouts(in_a_row(state.log_history, MISMATCH, LARGEST_MISMATCH), state.global_step)
        if self._steps and "loss" in logs:
            for metric, level, meaning in SIGNS:
                # counted in the log that the checkpoints hold, so that a resumed training counts on
                if in_a_row(state.log_history, metric, level) == self._steps:
                    self._collapsed(f"for {self._steps} steps up to step {state.global_step}, {meaning}")

    def _watch_rollouts(self, steps: int, step: int) -> None:
        what = f"for {steps} steps up to step {step}, completions were sampled from another policy than the trained one"
        what += f" (log-probabilities differ by more than {LARGEST_MISMATCH} on average)"
        if steps == WARNED_AFTER:
            print(f"WARNING {what}; it stops after {STOPPED_AFTER}", flush=True)
        elif steps >= STOPPED_AFTER:
            raise Stopped(what)

    def _collapsed(self, what: str) -> None:
        if self._action == "stop":
            raise Stopped(f"{what} (training.grpo.on_collapse: stop)")
        print(f"WARNING {what}; look at samples of the completions, the rewards and the learning rate", flush=True)


def in_a_row(history: list[dict[str, Any]], metric: str, level: float) -> int:
    """How many of the last steps in a row had a metric at or above a level."""
    values = [entry[metric] for entry in history if entry.get(metric) is not None]
    return next((back for back, value in enumerate(reversed(values)) if value < level), len(values))
