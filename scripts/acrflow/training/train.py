"""Train one adapter, from recipe to folder."""

import shutil
import sys
from pathlib import Path

import polars as pl

from acrflow import schemas
from acrflow.dataset.tokenizer import load_tokenizer
from acrflow.files import read_json, whole_folder, write_json, write_text
from acrflow.training import checkpoints
from acrflow.training.card import model_card
from acrflow.training.recipe import Recipe, versions

TERMINATED = 143  # exit status after SIGTERM, as the shell has it
WEIGHTS = ("adapter_model.safetensors", "adapter_config.json")


def train(recipe: Recipe, base: str, examples: pl.DataFrame, folder: Path) -> Path:
    """Train to the recipe's last step, from the last complete checkpoint on if there is one.

    Args:
        recipe: `acrflow.training.recipe.resolve`.
        folder: checkpoints, made ready by `checkpoints.prepare`.

    Returns:
        The checkpoint of the last step.

    Raises:
        SystemExit: 143 after SIGTERM; the checkpoint of the step that was running is saved.
    """
    steps = recipe["training"]["steps"]
    resume = checkpoints.last(folder)
    # transformers takes one step more when a finished training is resumed
    if resume is None or checkpoints.step_of(resume) < steps:
        _run(recipe, base, examples, folder, resume)
    done = checkpoints.last(folder)
    if done is None or checkpoints.step_of(done) < steps:
        raise RuntimeError(f"the training ended before step {steps}; its checkpoints are in {folder}")
    return done


def _run(recipe: Recipe, base: str, examples: pl.DataFrame, folder: Path, resume: Path | None) -> None:
    import datasets
    from transformers import PrinterCallback
    from transformers.utils import logging

    from acrflow.training import grpo, sft
    from acrflow.training.callbacks import Progress, Survival, Watch

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    datasets.disable_progress_bars()
    survival = Survival(folder)
    make = sft.trainer if recipe["method"] == "sft" else grpo.trainer
    trainer = make(recipe, base, examples, folder, [Watch(), Progress(recipe["adapter"]), survival])
    trainer.remove_callback(PrinterCallback)
    if resume is not None:
        print(f"{recipe['adapter']}: going on after step {checkpoints.step_of(resume)}", flush=True)
    trainer.train(resume_from_checkpoint=str(resume) if resume else None)
    if survival.terminated and trainer.state.global_step < recipe["training"]["steps"]:
        print(f"{recipe['adapter']}: stopped by SIGTERM after step {trainer.state.global_step}, saved", flush=True)
        sys.exit(TERMINATED)


def read_log(checkpoint: Path) -> pl.DataFrame:
    """The metrics of every step as `schemas.TrainingLog`.

    They come from the trainer's state, which each checkpoint holds: after a resume no step is missing or doubled.
    """
    history = read_json(checkpoint / "trainer_state.json")["log_history"]
    rows = [
        {"step": entry["step"], "metric": metric, "value": None if value is None else float(value)}
        for entry in history
        if "train_runtime" not in entry
        for metric, value in entry.items()
        if metric != "step" and isinstance(value, int | float | None)
    ]
    return pl.DataFrame(rows, schema=schemas.polars_schema(schemas.TrainingLog))


def write_adapter(recipe: Recipe, base: str, checkpoint: Path, rows: int, out: Path) -> pl.DataFrame:
    """Write the adapter's folder from its last checkpoint, whole: weights, tokenizer, log, spec, card.

    Returns:
        The training log.
    """
    with whole_folder(out) as folder:
        for name in WEIGHTS:
            shutil.copyfile(checkpoint / name, folder / name)  # not its mode: safetensors writes 0600
        load_tokenizer(base, recipe["base"]["revision"]).save_pretrained(folder)
        log = read_log(checkpoint)
        schemas.write(schemas.TrainingLog, log, folder / "training_log.parquet")
        write_json(folder / "spec.json", {**recipe, "versions": versions()})
        write_text(folder / "README.md", model_card(recipe, log, rows))
    return log
