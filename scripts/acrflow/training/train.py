"""Train one adapter, from recipe to folder."""

import errno
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from acrflow.config.training import Grpo, Launch
from acrflow.io.errors import InputError
from acrflow.io.files import read_json, whole_folder, write_json
from acrflow.training import checkpoints, crash
from acrflow.training.adapter import WEIGHTS, tokenizer_of
from acrflow.training.recipe import FILE, Resolved, written

if TYPE_CHECKING:
    from acrflow.training.measured import MeasuredGrpo, MeasuredSft

TERMINATED = 143  # exit status after SIGTERM, as the shell has it


@dataclass(frozen=True)
class Environment:
    """Where a training reads and writes, and how it is launched; nothing here decides a weight.

    Attributes:
        base: base model, a folder or a hub name.
        checkpoints: folder made ready by `checkpoints.prepare`.
        start: folder of the adapter to start from, None for a new one.
        tensorboard: folder of TensorBoard's events, None for none.
        launch: how completions are rolled out on these machines.
        still_ours: raises if another process has taken over the checkpoints (`acrflow.cluster.locks.Lock.check`).
    """

    base: str
    checkpoints: Path
    start: Path | None = None
    tensorboard: Path | None = None
    launch: Launch = field(default_factory=Launch)
    still_ours: Callable[[], None] = lambda: None


def train(recipe: Resolved, examples: pl.DataFrame, environment: Environment) -> Path | None:
    """Train to the recipe's last step, from the last complete checkpoint on if there is one.

    Args:
        recipe: `acrflow.training.recipe.resolve`.

    Returns:
        The checkpoint of the last step; None in all processes but the main one.

    Raises:
        InputError: something the user can mend, a training that stopped itself, or the same crash twice.
        SystemExit: 143 after SIGTERM; the checkpoint of the step that was running is saved.
    """
    steps = recipe.training.steps
    resume = checkpoints.last(environment.checkpoints)
    main = True
    # transformers takes one step more when a finished training is resumed
    if resume is None or checkpoints.step_of(resume) < steps:
        crash.refuse(environment.checkpoints)
        main = _run(recipe, examples, environment, resume)
    else:
        print(f"{recipe.adapter}: was trained to step {steps} before; only its adapter is written", flush=True)
    if not main:
        return None
    done = checkpoints.last(environment.checkpoints)
    if done is None or checkpoints.step_of(done) < steps:
        raise RuntimeError(f"the training ended before step {steps}; its checkpoints are in {environment.checkpoints}")
    return done


def _run(recipe: Resolved, examples: pl.DataFrame, environment: Environment, resume: Path | None) -> bool:
    """Train; whether this is the main process."""
    from transformers import PrinterCallback

    from acrflow.training.callbacks import Progress, Survival, TensorBoard, Watch

    name, settings = recipe.adapter, recipe.training
    _quiet()
    survival = Survival(environment.checkpoints, environment.still_ours)
    watch = Watch(settings.collapse_steps, settings.on_collapse) if isinstance(settings, Grpo) else Watch()
    events = [TensorBoard(environment.tensorboard)] if environment.tensorboard else []
    callbacks = [Progress(name, environment.checkpoints), survival, *events, watch]
    trainer = None
    try:
        trainer = _trainer(recipe, examples, environment, callbacks)
        trainer.remove_callback(PrinterCallback)
        if resume is not None:
            print(f"{name}: going on after step {checkpoints.step_of(resume)}", flush=True)
        trainer.train(resume_from_checkpoint=str(resume) if resume else None)
    except InputError:
        raise
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise checkpoints.cannot_write(environment.checkpoints, str(error.filename or "a file"), error) from error
    except Exception as error:
        done = trainer.state.global_step if trainer else checkpoints.step_of(resume) if resume else 0
        last_try = crash.record(environment.checkpoints, done, error)
        again = "the same crash as the last time: it will not be tried again" if last_try else "it may be tried again"
        print(f"{name}: crashed after step {done}; {again}", flush=True)
        if isinstance(error, crash.Stopped):
            remedy = "see the last rows of the metrics in TensorBoard; lower the learning rate or mend the rewards"
            raise InputError(environment.checkpoints, str(error), remedy) from error
        raise
    if survival.terminated and trainer.state.global_step < settings.steps:
        print(f"{name}: stopped by SIGTERM after step {trainer.state.global_step}, saved", flush=True)
        sys.exit(TERMINATED)
    return bool(trainer.is_world_process_zero())


def _trainer(
    recipe: Resolved, examples: pl.DataFrame, environment: Environment, callbacks: list[Any]
) -> "MeasuredSft | MeasuredGrpo":
    from acrflow.training import grpo, sft

    base, start, folder = environment.base, environment.start, environment.checkpoints
    if recipe.method == "sft":
        return sft.trainer(recipe, base, start, examples, folder, callbacks)
    return grpo.trainer(recipe, base, start, examples, folder, environment.launch, callbacks)


def _quiet() -> None:
    """Silence the libraries' own progress and warnings; ours say what a user needs."""
    import datasets
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    datasets.disable_progress_bars()


def write_adapter(recipe: Resolved, base: str, checkpoint: Path, out: Path) -> None:
    """Write the adapter's folder from its last checkpoint, whole: weights, tokenizer, recipe, the trainer's state.

    The state and the completions sampled while training are as the trainer wrote them: tables and the adapter's card
    are made from them by a rule of their own, so that no change there trains anything again.
    """
    with whole_folder(out) as folder:
        for name in (*WEIGHTS, checkpoints.STATE):
            shutil.copyfile(checkpoint / name, folder / name)  # not its mode: safetensors writes 0600
        tokenizer_of(recipe, base).save_pretrained(folder)
        if recipe.method == "grpo":
            write_json(folder / f"{checkpoints.SAMPLES}.json", sampled(checkpoint.parent))
        write_json(folder / FILE, written(recipe).model_dump(mode="json"))


def sampled(folder: Path) -> list[Any]:
    """The completions sampled while training, by step; a step that was repeated wrote over its own."""
    files = sorted((folder / checkpoints.SAMPLES).glob("*.json"), key=lambda path: int(path.stem))
    return [row for path in files for row in read_json(path)]
