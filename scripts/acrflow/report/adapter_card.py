"""The adapter's model card, made from the facts of its training."""

import polars as pl

from acrflow.config.recipe import Recipe

CARD = """---
base_model: {base}
library_name: peft
pipeline_tag: text-generation
tags: [lora, {method}, imaging-appropriateness]
---

# {adapter}

A LoRA adapter that judges whether an imaging procedure is appropriate for a clinical scenario. For research; not a
medical device, and no substitute for a clinician's judgement.

| | |
| --- | --- |
| base model | {base}{revision} |
| method | {method} |
| evidence in the prompt | {evidence} |
| prompt | config/prompts/{prompt}.yaml |
| rewards | {rewards} |
| starts from | {start} |
| seed | {seed} |
| training rows | {rows} |
| steps | {steps} |
| {figure}, first quarter of the steps | {first:.3f} |
| {figure}, last quarter of the steps | {last:.3f} |
| seconds | {seconds:.0f} |

`recipe.json` beside the weights holds the whole recipe with the hashes of its inputs and the versions it was trained
with, `training_log.parquet` beside this card every metric of every step{samples}.
"""


def quarters(log: pl.DataFrame, metric: str) -> tuple[float, float]:
    """Mean of a metric over the first and over the last quarter of the steps (`schemas.training.TrainingLog`)."""
    values = log.filter(pl.col("metric") == metric).sort("step")["value"].drop_nulls().to_list()
    quarter = max(1, len(values) // 4)
    first, last = values[:quarter], values[-quarter:]
    return sum(first) / len(first), sum(last) / len(last)


def figure_of(recipe: Recipe) -> str:
    """What a training makes better: the loss of sft, the reward of grpo."""
    return "loss" if recipe.method == "sft" else "reward"


def model_card(recipe: Recipe, log: pl.DataFrame, rows: int) -> str:
    """Markdown with the front matter that model hubs read."""
    figure = figure_of(recipe)
    first, last = quarters(log, figure)
    weights = [f"{name} x {reward.weight:g}" for name, reward in recipe.rewards.items()]
    revision = recipe.base.revision
    return CARD.format(
        adapter=recipe.adapter,
        base=recipe.base.model,
        revision=f" at {revision}" if revision else "",
        method=recipe.method,
        evidence=recipe.evidence,
        prompt=recipe.prompt,
        rewards=", ".join(weights) or "none: cross-entropy on the gold completion",
        start=recipe.init_from or "the base model",
        seed=recipe.seed,
        rows=rows,
        steps=recipe.training.steps,
        figure=figure,
        samples=", `completions.parquet` samples of what was generated" if recipe.method == "grpo" else "",
        first=first,
        last=last,
        seconds=log.filter(pl.col("metric") == "seconds")["value"].sum(),
    )
