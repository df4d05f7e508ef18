"""The adapter's model card, made from the facts of its training."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
import polars as pl

from acrflow.config.recipe import Recipe

TEMPLATES = Path(__file__).parent / "templates"


def environment() -> jinja2.Environment:
    """Where the cards' templates are rendered: a name that is not given is an error."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def quarters(log: pl.DataFrame, metric: str) -> tuple[float, float]:
    """Mean of a metric over the first and over the last quarter of the steps (`schemas.training.TrainingLog`)."""
    values = log.filter(pl.col("metric") == metric).sort("step")["value"].drop_nulls().to_list()
    quarter = max(1, len(values) // 4)
    first, last = values[:quarter], values[-quarter:]
    return sum(first) / len(first), sum(last) / len(last)


def figure_of(recipe: Recipe) -> str:
    """What a training makes better: the loss of sft, the reward of grpo."""
    return "loss" if recipe.method == "sft" else "reward"


def model_card(
    recipe: Recipe,
    log: pl.DataFrame | None,
    rows: int,
    name: str | None = None,
    about: Mapping[str, Any] | None = None,
    results: Mapping[str, Any] | None = None,
) -> str:
    """The adapter's card, with the front matter that model hubs read: as soon as it is trained, and on the hub.

    Args:
        log: `schemas.training.TrainingLog`, if it is there.
        rows: trained on.
        name: on the hub; None: the adapter's own.
        about: of the run, for the hub: documents, topics, invented, tiny.
        results: for the hub: split -> table and rows.
    """
    measured = None
    if log is not None:
        first, last = quarters(log, figure_of(recipe))
        seconds = log.filter(pl.col("metric") == "seconds")["value"].sum()
        measured = {"figure": figure_of(recipe), "first": first, "last": last, "seconds": seconds}
    template = environment().get_template("model_card.md.j2")
    shown = {"rows": rows, "log": measured, "about": about, "results": results}
    return template.render(name=name or recipe.adapter, recipe=recipe, **shown)
