"""Which examples a training learns from."""

from pathlib import Path

import polars as pl

from acrflow.io.errors import InputError
from acrflow.io.ledger import Ledger
from acrflow.training.recipe import Recipe


def to_train_on(examples: pl.DataFrame, spec: Recipe, source: Path, ledger: Ledger) -> pl.DataFrame:
    """The examples that the recipe can learn from.

    Args:
        examples: `schemas.dataset.Examples`.
        spec: the recipe; SFT with reasoning leaves out rows without traces, which would teach it to think nothing.
        source: where the examples come from, for the error.
        ledger: gets the rows left out.

    Raises:
        InputError: there are none.
    """
    reasoned = spec["method"] == "sft" and spec["prompt"].startswith("reasoning")
    kept = examples.filter(pl.col("traces").list.len() > 0) if reasoned else examples
    ledger.taken, ledger.kept = len(examples), len(kept)
    for name in examples.filter(~pl.col("id").is_in(kept["id"].implode()))["id"]:
        ledger.leave_out("no reasoning to learn", name)
    if kept.is_empty():
        raise InputError(source, "no examples to train on", "see the ledgers of build_dataset and render_examples")
    return kept
