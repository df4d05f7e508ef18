"""Render the rows of splits as prompts with gold completions, within the prompt budget."""

import argparse
from pathlib import Path

from acrflow.errors import run


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
    parser.add_argument("--tokenizer", required=True, help="folder or hub name of the base model")
    parser.add_argument("--revision", help="commit of the hub repository (default: its newest)")
    parser.add_argument(
        "--max-tokens", type=int, required=True, help="longest prompt, in tokens with the chat template"
    )
    parser.add_argument("--out", type=Path, nargs="+", required=True, help="examples as Parquet, one file per split")
    parser.add_argument("--ledger", type=Path, nargs="+", required=True, help="JSON per split: rows in, kept, left out")
    args = parser.parse_args()

    from acrflow import schemas
    from acrflow.dataset.examples import render
    from acrflow.dataset.prompts import load_prompt
    from acrflow.dataset.tokenizer import load_tokenizer
    from acrflow.ledger import Ledger

    prompt = load_prompt(args.prompt)
    tokenizer = load_tokenizer(args.tokenizer, args.revision)
    for path, out, ledger_out in zip(args.rows, args.out, args.ledger, strict=True):
        ledger = Ledger(f"render_examples.{prompt.name}.{path.stem}", "rows")
        examples = render(schemas.read(schemas.Rows, path), prompt, tokenizer, args.max_tokens, ledger)
        schemas.write(schemas.Examples, examples, out)
        ledger.write(ledger_out)
        print(f"longest prompt {ledger.facts['longest_prompt_tokens']} tokens")


if __name__ == "__main__":
    run(main)
