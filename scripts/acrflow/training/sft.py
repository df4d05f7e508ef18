"""Supervised fine-tuning: cross-entropy on the gold completion, the prompt masked."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from acrflow.models.tokenizer import answer_tokens, prompt_tokens
from acrflow.training import common
from acrflow.training.adapter import policy, tokenizer_of
from acrflow.training.recipe import Resolved

if TYPE_CHECKING:
    from acrflow.training.measured import MeasuredSft

MASKED = -100  # no target


def trainer(
    recipe: Resolved, base: str, start: Path | None, examples: pl.DataFrame, checkpoints: Path, callbacks: list[Any]
) -> "MeasuredSft":
    """A trainer of the recipe on `schemas.dataset.Examples`; trains on `messages` -> `completion`."""
    from datasets import Dataset
    from trl import SFTConfig

    from acrflow.training.measured import MeasuredSft

    named, optimizer = common.optimizer(recipe.training)
    rows = common.drawn(examples, recipe.training.prompts, recipe.seed)
    tokenizer = tokenizer_of(recipe, base)
    prompts = prompt_tokens(tokenizer, rows["messages"].to_list())
    answers = answer_tokens(tokenizer, rows["completion"].to_list())
    # as tokens, since TRL would put the completion through the chat template, which may rewrite it
    tokens = [
        {"input_ids": [*prompt, *answer], "labels": [*[MASKED] * len(prompt), *answer]}
        for prompt, answer in zip(prompts, answers, strict=True)
    ]
    model, shape = policy(recipe, base, start)
    made = MeasuredSft(
        model=model,
        args=SFTConfig(
            **common.arguments(recipe, checkpoints),
            **named,
            max_length=None,  # the examples are already no longer than dataset.prompt_tokens
        ),
        train_dataset=Dataset.from_list(tokens),
        processing_class=tokenizer,
        peft_config=shape,
        callbacks=callbacks,
    )
    made.optimizer_cls_and_kwargs = optimizer
    return made
