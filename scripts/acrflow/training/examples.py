"""Which examples a training learns from."""

from pathlib import Path

import polars as pl

from acrflow.config.recipe import Recipe
from acrflow.io.errors import InputError
from acrflow.io.ledger import Ledger
from acrflow.models.tokenizer import check_end, prompt_tokens
from acrflow.training.adapter import tokenizer_of


def to_train_on(examples: pl.DataFrame, recipe: Recipe, base: str, source: Path, ledger: Ledger) -> pl.DataFrame:
    """The examples that the recipe can learn from.

    Args:
        examples: `schemas.dataset.Examples`, counted with the tokenizer of the run's base model.
        recipe: SFT with reasoning leaves out rows without traces, which would teach it to think nothing; an adapter
            with a base of its own counts the prompts anew, and leaves out those over the budget.
        base: the recipe's base model, a folder or a hub name.
        source: where the examples come from, for the error.
        ledger: gets the rows left out.

    Raises:
        InputError: there are none, or the base cannot end an answer.
    """
    reasoned = recipe.method == "sft" and recipe.prompt.startswith("reasoning")
    kept = examples.filter(pl.col("traces").list.len() > 0) if reasoned else examples
    for name in examples.filter(~pl.col("id").is_in(kept["id"].implode()))["id"]:
        ledger.leave_out("no reasoning to learn", name)
    if recipe.prompt_tokens is not None and len(kept):
        kept = _fitting(kept, recipe, recipe.prompt_tokens, base, ledger)
    ledger.taken, ledger.kept = len(examples), len(kept)
    if kept.is_empty():
        raise InputError(source, "no examples to train on", "see the ledgers of build_dataset and render_examples")
    return kept


def _fitting(examples: pl.DataFrame, recipe: Recipe, budget: int, base: str, ledger: Ledger) -> pl.DataFrame:
    """The examples counted with the recipe's own base, those over the budget left out."""
    tokenizer = tokenizer_of(recipe, base)
    check_end(tokenizer, examples["messages"].to_list()[0], examples["completion"][0])
    lengths = [len(ids) for ids in prompt_tokens(tokenizer, examples["messages"].to_list())]
    counted = examples.with_columns(pl.Series("prompt_tokens", lengths, dtype=pl.Int64))
    for name, tokens in counted.filter(pl.col("prompt_tokens") > budget).select("id", "prompt_tokens").iter_rows():
        ledger.leave_out("prompt too long", f"{name}: {tokens} tokens of {base}, the budget is {budget}")
    return counted.filter(pl.col("prompt_tokens") <= budget)
