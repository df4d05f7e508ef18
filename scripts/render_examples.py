"""Render the rows of a split as prompts with gold completions, within the prompt budget."""

import argparse
from pathlib import Path

from acrflow.errors import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--rows", type=Path, required=True, help="train.parquet, test.parquet or generalization.parquet"
    )
    parser.add_argument(
        "--prompt", type=Path, required=True, help="prompt file, for instance config/prompts/label.yaml"
    )
    parser.add_argument("--tokenizer", required=True, help="folder or hub name of the base model")
    parser.add_argument("--revision", help="commit of the hub repository (default: its newest)")
    parser.add_argument(
        "--max-tokens", type=int, required=True, help="longest prompt, in tokens with the chat template"
    )
    parser.add_argument("--out", type=Path, required=True, help="examples, written as Parquet")
    parser.add_argument("--ledger", type=Path, required=True, help="JSON: rows taken, kept and left out, with reasons")
    args = parser.parse_args()

    from acrflow import schemas
    from acrflow.dataset.examples import render
    from acrflow.dataset.prompts import load_prompt
    from acrflow.dataset.tokenizer import load_tokenizer
    from acrflow.ledger import Ledger

    prompt = load_prompt(args.prompt)
    rows = schemas.read(schemas.Rows, args.rows)
    tokenizer = load_tokenizer(args.tokenizer, args.revision)
    ledger = Ledger(f"render_examples.{prompt.name}.{args.rows.stem}", "rows")
    examples = render(rows, prompt, tokenizer, args.max_tokens, ledger)
    schemas.write(schemas.Examples, examples, args.out)
    ledger.write(args.ledger)
    print(f"longest prompt {ledger.facts['longest_prompt_tokens']} tokens")


if __name__ == "__main__":
    run(main)
