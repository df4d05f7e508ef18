"""Supervised fine-tuning: cross-entropy on the gold completion, the prompt masked."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from acrflow.dataset.tokenizer import load_tokenizer
from acrflow.training import common
from acrflow.training.recipe import Recipe

if TYPE_CHECKING:
    from trl import SFTTrainer


def trainer(recipe: Recipe, base: str, examples: pl.DataFrame, checkpoints: Path, callbacks: list[Any]) -> "SFTTrainer":
    """A trainer of the recipe on `schemas.Examples`; trains on `messages` -> `completion`."""
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    rows = [
        {"prompt": messages, "completion": [{"role": "assistant", "content": completion}]}
        for messages, completion in examples.select("messages", "completion").iter_rows()
    ]
    return SFTTrainer(
        model=common.load_model(base, recipe),
        args=SFTConfig(
            **common.arguments(recipe, checkpoints),
            completion_only_loss=True,
            max_length=None,  # the examples are already no longer than dataset.prompt_tokens
        ),
        train_dataset=Dataset.from_list(rows),
        processing_class=load_tokenizer(base, recipe["base"]["revision"]),
        peft_config=common.lora(recipe["training"]["lora"]),
        callbacks=callbacks,
    )
