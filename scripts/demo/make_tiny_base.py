"""Make the demo's base model: a tiny Llama, taught the language of the training split but none of its labels."""

import argparse
import json
from pathlib import Path

from acrflow.io.errors import InputError, run
from acrflow.io.files import whole_folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=Path, required=True, help="train.parquet: the model reads no other row")
    parser.add_argument("--task", default="appropriateness", help="what is asked of a model (default: appropriateness)")
    parser.add_argument("--tokenizer", required=True, help="folder of the tokenizer (make_tiny_tokenizer.py)")
    parser.add_argument("--prompts", type=Path, nargs="+", required=True, help="prompt files (config/prompts/*.yaml)")
    parser.add_argument("--settings", default="{}", help="JSON of the section base.tiny of the configuration")
    parser.add_argument("--seed", type=int, required=True, help="seed of texts and weights")
    parser.add_argument("--out", type=Path, required=True, help="folder of the model, written whole")
    args = parser.parse_args()

    from acrflow import schemas, tasks
    from acrflow.config.base import TinyBase
    from acrflow.models.tokenizer import load_tokenizer
    from acrflow.schemas.dataset import rows_table
    from acrflow.synthetic import tiny_base
    from acrflow.tasks.prompts import load_prompt

    settings = TinyBase.model_validate(json.loads(args.settings))
    task = tasks.load(args.task)
    rows = schemas.read(rows_table(task), args.rows).select(*task.fields, "traces", "evidence")
    if rows.is_empty():
        raise InputError(args.rows, "no rows to make texts from", "see the ledger of build_dataset")
    abstracts = sorted({study["text"] for row in rows["evidence"].to_list() for study in row})
    corpus = tiny_base.Corpus(rows.drop("evidence").to_dicts(), abstracts, task)

    def progress(step: int, loss: float) -> None:
        if step % max(1, settings.steps // 10) == 0:
            print(f"base  step {step}/{settings.steps}  loss {loss:.3f}", flush=True)

    prompts = [load_prompt(path, task) for path in args.prompts]
    with whole_folder(args.out) as folder:
        losses = tiny_base.make(corpus, load_tokenizer(args.tokenizer), prompts, settings, args.seed, folder, progress)
    print(f"base: {settings.steps} steps, loss {losses[0]:.2f} -> {losses[-1]:.2f}")


if __name__ == "__main__":
    run(main)
