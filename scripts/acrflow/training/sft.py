"""Supervised fine-tuning: cross-entropy on the gold completion, the prompt masked."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from acrflow.models.tokenizer import load_tokenizer
from acrflow.training import common
from acrflow.training.adapter import policy
from acrflow.training.recipe import Recipe, task_of

if TYPE_CHECKING:
    from acrflow.training.measured import MeasuredSft


def trainer(
    recipe: Recipe, base: str, start: Path | None, examples: pl.DataFrame, checkpoints: Path, callbacks: list[Any]
) -> "MeasuredSft":
    """A trainer of the recipe on `schemas.dataset.Examples`; trains on `messages` -> `completion`."""
    from datasets import Dataset
    from trl import SFTConfig

    from acrflow.training.measured import MeasuredSft

    settings = recipe["training"]
    named, optimizer = common.optimizer(settings)
    rows = [
        {"prompt": messages, "completion": [{"role": "assistant", "content": completion}]}
        for messages, completion in common.drawn(examples, settings["prompts"], recipe["seed"], task_of(recipe))
        .select("messages", "completion")
        .iter_rows()
    ]
    model, shape = policy(recipe, base, start)
    made = MeasuredSft(
        model=model,
        args=SFTConfig(
            **common.arguments(recipe, checkpoints),
            **named,
            completion_only_loss=True,
            max_length=None,  # the examples are already no longer than dataset.prompt_tokens
        ),
        train_dataset=Dataset.from_list(rows),
        processing_class=load_tokenizer(base, recipe["base"]["revision"]),
        peft_config=shape,
        callbacks=callbacks,
    )
    made.optimizer_cls_and_kwargs = optimizer
    return made
