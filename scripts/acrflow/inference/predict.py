"""Predict: the completions of one model on the examples of a split, resumable by row."""

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl

from acrflow import schemas
from acrflow.inference import backend as generation
from acrflow.inference.backend import Backend, Choice, Decoding
from acrflow.io.files import sha256
from acrflow.schemas.inference import Predictions
from acrflow.tasks import appropriateness, completion
from acrflow.tasks.task import Task

Progress = Callable[[int], None]  # told how many rows were done


def predict(
    examples: pl.DataFrame,
    open_backend: Callable[[], Backend],
    decoding: Decoding,
    batch: int,
    partial: Path,
    identity: dict[str, Any],
    progress: Progress = lambda rows: None,
    adapter: str | None = None,
    task: Task = appropriateness.TASK,
) -> dict[str, dict[str, Any]]:
    """Complete the prompts of `examples`, batch by batch; greedy completions get the labels' probabilities as well.

    Each finished batch is appended to `partial` before the next begins, so that a kill loses at most one batch; the
    next call with the same `identity` goes on from there, or finds everything done.

    Args:
        examples: rendered prompts (`schemas.dataset.examples_table`).
        open_backend: loads the model; called only if a row is left to do.
        decoding: how completions are drawn.
        batch: prompts generated at once.
        partial: JSON lines, one row each, after a line that says what they belong to.
        identity: whatever decides the completions (model, adapter's hash, base ...); a `partial` of another identity
            is started over.
        progress: called with the number of rows done, those found in `partial` included.
        adapter: which of the backend's adapters answers; None: the base.
        task: whose labels get a probability.

    Returns:
        For each id: text, tokens, truncated, seconds (the row's share of its batch's wall time), and the labels'
        probabilities or None.
    """
    ordered = examples.sort(["prompt_tokens", "id"], descending=[True, False])  # like lengths together: less padding
    header = {
        **identity,
        "decoding": vars(decoding),
        "labels": [*task.labels],
        "batch": batch,
        "rows": ordered.height,
        "prompts": hashlib.sha256("".join(ordered["id"] + ordered["prompt_hash"]).encode()).hexdigest(),
    }
    done = _read_partial(partial, header, batch)
    progress(len(done))
    if len(done) == ordered.height:
        return done
    backend = open_backend()
    for number, rows in _batches(ordered, batch):
        if rows[0]["id"] in done:
            continue
        began = time.perf_counter()
        asked = [row["messages"] for row in rows]
        generated = backend.generate(asked, decoding, number, adapter)
        seconds = (time.perf_counter() - began) / len(rows)
        probabilities: list[list[float] | None] = [None] * len(rows)
        if decoding.seed is None:
            openings = [completion.opening(one.text) for one in generated]
            probabilities = backend.choose(asked, openings, completion.candidates(task), adapter)
        records = {
            row["id"]: {**vars(one), "seconds": seconds, "probabilities": chosen}
            for row, one, chosen in zip(rows, generated, probabilities, strict=True)
        }
        _append(partial, [{"id": id_, **record} for id_, record in records.items()])
        done.update(records)
        progress(len(rows))
    return done


def identity(choice: Choice, adapter: str | None) -> dict[str, Any]:
    """What decides completions beside prompts and decoding: folders by the hash of their weights, hub by name."""
    weights = choice.adapters[adapter] / "adapter_model.safetensors" if adapter is not None else None
    code = sorted(Path(generation.__file__).parent.glob("*.py"))
    return {
        "backend": choice.backend,
        "server": choice.server.url if choice.backend == "server" else None,
        "code": hashlib.sha256("".join(map(sha256, code)).encode()).hexdigest(),
        "base": vars(choice.base),
        "base_weights": {file.name: sha256(file) for file in sorted(Path(choice.base.model).glob("*.safetensors"))},
        "adapter_weights": sha256(weights) if weights is not None and weights.is_file() else None,
        "merge": choice.merge,
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


def _batches(frame: pl.DataFrame, size: int) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    for number, piece in enumerate(frame.iter_slices(size)):
        yield number, piece.to_dicts()


def _read_partial(path: Path, header: dict[str, Any], batch: int) -> dict[str, dict[str, Any]]:
    """The whole batches of an earlier, killed call; an empty file with this header where there are none."""
    lines = path.read_bytes().split(b"\n")[:-1] if path.is_file() else []  # the last piece is empty or was cut
    if not lines or json.loads(lines[0]) != header:
        if lines:
            print(f"{path}: belongs to other settings, starting over")
        lines = [json.dumps(header).encode()]
    records = [json.loads(line) for line in lines[1:]]
    total = header["rows"]
    whole = len(records) if len(records) == total else len(records) // batch * batch
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(line + b"\n" for line in lines[: whole + 1]))
    return {record.pop("id"): record for record in records[:whole]}


def _append(path: Path, records: list[dict[str, Any]]) -> None:
    """Append one batch and see it on the disk."""
    with open(path, "ab") as file:
        file.write(b"".join(json.dumps(record).encode() + b"\n" for record in records))
        file.flush()
        os.fsync(file.fileno())
