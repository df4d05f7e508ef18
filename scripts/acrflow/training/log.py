"""What a training measured, as tables: read from what its adapter's folder holds, by whoever reports on it."""

from pathlib import Path

import polars as pl

from acrflow import schemas
from acrflow.io.errors import InputError
from acrflow.io.files import read_json
from acrflow.schemas.training import Samples, TrainingLog
from acrflow.training.checkpoints import SAMPLES, STATE


def read_log(folder: Path) -> pl.DataFrame:
    """The metrics of every step as `TrainingLog`, from an adapter's folder or a checkpoint.

    They come from the trainer's state, which each checkpoint holds: after a resume no step is missing or doubled.

    Raises:
        InputError: the folder holds none, as one of an earlier version, or is no adapter's.
    """
    path = folder / STATE
    if not path.is_file():
        raise InputError(path, "no trainer's state", "train the adapter again; earlier versions did not write it")
    history = read_json(path)["log_history"]
    rows = [
        {"step": entry["step"], "metric": metric, "value": None if value is None else float(value)}
        for entry in history
        if "train_runtime" not in entry
        for metric, value in entry.items()
        if metric != "step" and isinstance(value, int | float | None)
    ]
    return pl.DataFrame(rows, schema=schemas.polars_schema(TrainingLog))


def read_samples(folder: Path) -> pl.DataFrame:
    """The completions sampled while training, as `Samples`, from an adapter's folder."""
    return pl.DataFrame(read_json(folder / f"{SAMPLES}.json"), schema=schemas.polars_schema(Samples))
