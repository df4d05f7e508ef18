"""Make the demo's base model: a tiny Llama with its own tokenizer, taught the run's language but none of its labels."""

import argparse
import json
from pathlib import Path

from acrflow.errors import InputError, run
from acrflow.files import whole_folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--guidelines", type=Path, required=True, help="guidelines.parquet: scenarios and procedures")
    parser.add_argument("--condensed", type=Path, required=True, help="condensed.parquet: abstracts")
    parser.add_argument("--traces", type=Path, required=True, help="traces.parquet: reasoning sentences")
    parser.add_argument("--prompts", type=Path, nargs="+", required=True, help="prompt files (config/prompts/*.yaml)")
    parser.add_argument("--settings", default="{}", help="JSON of the section base.tiny of the configuration")
    parser.add_argument("--seed", type=int, required=True, help="seed of texts and weights")
    parser.add_argument("--out", type=Path, required=True, help="folder of the model, written whole")
    args = parser.parse_args()

    import polars as pl

    from acrflow import config, schemas
    from acrflow.dataset.prompts import load_prompt
    from acrflow.training import tiny_base

    settings = config.TinyBase.model_validate(json.loads(args.settings))
    rows = schemas.read(schemas.Guidelines, args.guidelines).select("id", "condition", "variant", "procedure")
    traces = schemas.read(schemas.Traces, args.traces).group_by("id").agg(pl.col("trace").alias("traces"))
    rows = rows.join(traces, on="id", how="left", maintain_order="left").with_columns(pl.col("traces").fill_null([]))
    if rows.is_empty():
        raise InputError(args.guidelines, "no rows to make texts from", "see the ledger of collect_guidelines")
    abstracts = schemas.read(schemas.Condensed, args.condensed)["text"].drop_nulls().to_list()

    def progress(step: int, loss: float) -> None:
        if step % max(1, settings.steps // 10) == 0:
            print(f"base  step {step}/{settings.steps}  loss {loss:.3f}", flush=True)

    prompts = [load_prompt(path) for path in args.prompts]
    with whole_folder(args.out) as folder:
        losses = tiny_base.make(
            tiny_base.Corpus(rows.to_dicts(), abstracts), prompts, settings, args.seed, folder, progress
        )
    print(f"base: {settings.steps} steps, loss {losses[0]:.2f} -> {losses[-1]:.2f}")


if __name__ == "__main__":
    run(main)
