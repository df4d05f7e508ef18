"""Predict: the completions of one model on the examples of a split, resumable by row."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from acrflow import schemas
from acrflow.config.language_model import LanguageModel
from acrflow.inference import backend as generation
from acrflow.inference.backend import Backend, Conversation, Decoding, Generated
from acrflow.inference.cache import CachedModel, Progress
from acrflow.io.files import sha256
from acrflow.schemas.inference import Predictions
from acrflow.tasks import appropriateness, completion
from acrflow.tasks.task import Task


def predict(
    examples: pl.DataFrame,
    model: CachedModel,
    decoding: Decoding,
    progress: Progress = lambda rows: None,
    adapter: str | None = None,
    task: Task = appropriateness.TASK,
) -> dict[str, dict[str, Any]]:
    """Complete the prompts of `examples`, batch by batch; greedy completions get the labels' probabilities as well.

    Args:
        examples: rendered prompts (`schemas.dataset.examples_table`).
        model: completes them; its cached completions are used where they were made in the same batches, since in half
            precision, and wherever one is drawn by chance, a completion depends on those beside it.
        decoding: how completions are drawn.
        progress: called with the number of rows done, those found in the cache included.
        adapter: which of the backend's adapters answers; None: the base.
        task: whose labels get a probability.

    Returns:
        For each id: text, tokens, truncated, seconds (the row's share of its batch's wall time), and the labels'
        probabilities or None.
    """
    ordered = examples.sort(["prompt_tokens", "id"], descending=[True, False])  # like lengths together: less padding
    batches = {
        "batch": model.batch,
        "labels": [*task.labels],
        "prompts": hashlib.sha256("".join(ordered["id"] + ordered["prompt_hash"]).encode()).hexdigest(),
    }
    model = replace(model, identity={**model.identity, **batches})
    prompts = dict(zip(ordered["id"], ordered["messages"].to_list(), strict=True))

    def score(
        backend: Backend, conversations: Sequence[Conversation], generated: Sequence[Generated]
    ) -> list[list[float] | None]:
        openings = [completion.opening(one.text) for one in generated]
        return backend.choose(conversations, openings, completion.candidates(task), adapter)

    answers = model.complete(prompts, decoding, progress, adapter, score)
    return {id_: answer._asdict() for id_, answer in answers.items()}


def identity(settings: LanguageModel, adapter: Path | None, merge: bool) -> dict[str, Any]:
    """What decides completions beside prompts and decoding: model, adapter's weights, and the backends' code."""
    weights = adapter / "adapter_model.safetensors" if adapter is not None else None
    code = sorted(Path(generation.__file__).parent.glob("*.py"))
    return {
        **generation.identity(settings),
        "code": hashlib.sha256("".join(map(sha256, code)).encode()).hexdigest(),
        "adapter_weights": sha256(weights) if weights is not None and weights.is_file() else None,
        "merge": merge,
    }


def table(
    done: dict[str, dict[str, Any]],
    examples: pl.DataFrame,
    model: str,
    split: str,
    draw: str,
    task: Task = appropriateness.TASK,
) -> pl.DataFrame:
    """The predictions (`schemas.inference.Predictions`) in the examples' order, each completion taken apart."""
    rows = []
    for id_, prompt_hash in examples.select("id", "prompt_hash").iter_rows():
        record = done[id_]
        parts = completion.parse(record["text"], task)
        rows.append(
            {
                "id": id_,
                "model": model,
                "split": split,
                "draw": draw,
                "completion": record["text"],
                "label": parts.label,
                "reasoning": parts.reasoning,
                "well_formed": parts.well_formed,
                "tokens": record["tokens"],
                "truncated": record["truncated"],
                "seconds": record["seconds"],
                "prompt_hash": prompt_hash,
                "probabilities": record["probabilities"],
            }
        )
    return pl.DataFrame(rows, schema=schemas.polars_schema(Predictions))
