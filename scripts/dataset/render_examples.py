"""Render the rows of splits as prompts with gold completions, within the prompt budget."""

import argparse
import json
from pathlib import Path
from typing import Any

from acrflow.io.errors import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--rows",
        type=Path,
        nargs="+",
        required=True,
        help="splits: train.parquet, test.parquet, generalization.parquet",
    )
    parser.add_argument(
        "--prompt", type=Path, required=True, help="prompt file, for instance config/prompts/label.yaml"
    )
    parser.add_argument("--assigned", type=Path, help="assigned.parquet: these studies are the evidence, not ACR's")
    parser.add_argument("--condensed", type=Path, help="condensed.parquet: the texts of the assigned studies")
    parser.add_argument("--without-evidence", action="store_true", help="show no evidence")
    parser.add_argument("--tokenizer", required=True, help="folder or hub name of the base model")
    parser.add_argument("--revision", help="commit of the hub repository (default: its newest)")
    parser.add_argument("--template", type=json.loads, default={}, help="JSON: options of its chat template")
    parser.add_argument(
        "--max-tokens", type=int, required=True, help="longest prompt, in tokens with the chat template"
    )
    parser.add_argument("--out", type=Path, nargs="+", required=True, help="examples as Parquet, one file per split")
    parser.add_argument("--ledger", type=Path, nargs="+", required=True, help="JSON per split: rows in, kept, left out")
    args = parser.parse_args()
    if (args.assigned is None) != (args.condensed is None):
        parser.error("--assigned and --condensed go together")

    from acrflow import schemas
    from acrflow.dataset.examples import render, with_evidence
    from acrflow.io.ledger import Ledger
    from acrflow.models.tokenizer import load_tokenizer
    from acrflow.schemas.dataset import Examples, Rows
    from acrflow.schemas.evidence import Condensed
    from acrflow.schemas.retrieval import Assigned
    from acrflow.tasks.prompts import load_prompt

    other: dict[str, Any] | None = {} if args.without_evidence else None
    if args.assigned:
        from acrflow.retrieval.evidence import of_rows

        other = of_rows(schemas.read(Assigned, args.assigned), schemas.read(Condensed, args.condensed))
    prompt = load_prompt(args.prompt)
    tokenizer = load_tokenizer(args.tokenizer, args.revision, args.template)
    for path, out, ledger_out in zip(args.rows, args.out, args.ledger, strict=True):
        ledger = Ledger(f"render_examples.{out.stem}", "rows")
        rows = schemas.read(Rows, path)
        if other is not None:
            rows = with_evidence(rows, other)
        examples = render(rows, prompt, tokenizer, args.max_tokens, ledger)
        schemas.write(Examples, examples, out)
        ledger.write(ledger_out)
        print(f"longest prompt {ledger.facts['longest_prompt_tokens']} tokens")


if __name__ == "__main__":
    run(main)
