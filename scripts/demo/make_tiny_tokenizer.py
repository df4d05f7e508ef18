"""Make the demo's tokenizer: a small byte-pair encoding of the words of the run's documents."""

import argparse
import json
from pathlib import Path

from acrflow.io.errors import InputError, run
from acrflow.io.files import whole_folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--guidelines", type=Path, required=True, help="guidelines.parquet: scenarios and procedures")
    parser.add_argument("--task", default="appropriateness", help="what is asked of a model (default: appropriateness)")
    parser.add_argument("--condensed", type=Path, required=True, help="condensed.parquet: abstracts")
    parser.add_argument("--traces", type=Path, required=True, help="traces.parquet: reasoning sentences")
    parser.add_argument("--prompts", type=Path, nargs="+", required=True, help="prompt files (config/prompts/*.yaml)")
    parser.add_argument("--settings", default="{}", help="JSON of the section base.tiny of the configuration")
    parser.add_argument("--seed", type=int, required=True, help="seed of the texts")
    parser.add_argument("--out", type=Path, required=True, help="folder of the tokenizer, written whole")
    args = parser.parse_args()

    from acrflow import schemas, tasks
    from acrflow.config.base import TinyBase
    from acrflow.dataset.build import complete_rows, label_rows
    from acrflow.io.ledger import Ledger
    from acrflow.schemas.dataset import Traces
    from acrflow.schemas.evidence import Condensed
    from acrflow.schemas.guideline import Guidelines
    from acrflow.synthetic import tiny_base
    from acrflow.tasks.prompts import load_prompt

    settings = TinyBase.model_validate(json.loads(args.settings))
    task = tasks.load(args.task)
    labelled = label_rows(schemas.read(Guidelines, args.guidelines), "keep", Ledger("make_tiny_tokenizer", "rows"))
    rows = task.make_rows(complete_rows(labelled, schemas.read(Traces, args.traces), {}, 0, len))
    rows = rows.select(*task.fields, "traces")
    if rows.is_empty():
        raise InputError(args.guidelines, "no rows to make texts from", "see the ledger of collect_guidelines")
    abstracts = schemas.read(Condensed, args.condensed)["text"].drop_nulls().to_list()

    prompts = [load_prompt(path, task) for path in args.prompts]
    corpus = tiny_base.Corpus(rows.to_dicts(), abstracts, task)
    tokenizer = tiny_base.tokenizer_for(corpus, prompts, settings, args.seed)
    with whole_folder(args.out) as folder:
        tokenizer.save_pretrained(folder)
    print(f"tokenizer: {len(tokenizer)} tokens, from {len(rows)} rows and {len(abstracts)} abstracts")


if __name__ == "__main__":
    run(main)
