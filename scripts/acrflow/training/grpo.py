"""Group-relative policy optimisation: several completions a prompt, each rewarded, compared within the group."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from acrflow import models, rewards
from acrflow.dataset.tokenizer import load_tokenizer
from acrflow.errors import InputError
from acrflow.rewards import Reward
from acrflow.training import common
from acrflow.training.recipe import Recipe

if TYPE_CHECKING:
    from trl import GRPOTrainer


def load_rewards(recipe: Recipe, base: str, columns: list[str]) -> list[Reward]:
    """The adapter's rewards, each with the models it asks for.

    Args:
        columns: columns of the examples.

    Raises:
        InputError: an unknown reward or option, a column that the examples lack, a model that cannot be loaded.
    """
    names = recipe.get("models") or {}
    device = names.get("device", "auto")
    sources: dict[str, Callable[[], Any]] = {
        "embedder": partial(models.embedder, names.get("embedder", ""), device),
        "judge": partial(models.judge, names.get("judge", ""), base, device),
    }
    loaded = [rewards.load(name, reward["options"], sources) for name, reward in recipe["rewards"].items()]
    for reward in loaded:
        missing = sorted(set(reward.columns) - set(columns))
        if missing:
            remedy = f"the examples have the columns {', '.join(columns)}"
            raise InputError(f"rewards.{reward.__name__}", f"it needs the column {', '.join(missing)}", remedy)
    return loaded


def trainer(
    recipe: Recipe, base: str, examples: pl.DataFrame, checkpoints: Path, callbacks: list[Any]
) -> "GRPOTrainer":
    """A trainer of the recipe on `schemas.Examples`; the gold columns travel with each prompt to the rewards."""
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    settings = recipe["training"]
    functions = load_rewards(recipe, base, examples.columns)
    gold = sorted({column for function in functions for column in function.columns})
    rows = examples.select(pl.col("messages").alias("prompt"), *gold).to_dicts()
    return GRPOTrainer(
        model=common.load_model(base, recipe),
        reward_funcs=list(functions),
        args=GRPOConfig(
            **common.arguments(recipe, checkpoints),
            reward_weights=[reward["weight"] for reward in recipe["rewards"].values()],
            num_generations=settings["generations"],
            max_completion_length=settings["completion_tokens"],
            temperature=settings["temperature"],
            top_p=settings["top_p"],
            beta=settings["beta"],
            loss_type=settings["loss"],
            epsilon=settings["epsilon"],
            epsilon_high=settings["epsilon_high"],
            scale_rewards=settings["scale_rewards"],
            use_vllm=settings["vllm"],
            vllm_mode="colocate",
        ),
        train_dataset=Dataset.from_list(rows),
        processing_class=load_tokenizer(base, recipe["base"]["revision"]),
        peft_config=common.lora(settings["lora"]),
        callbacks=callbacks,
    )
