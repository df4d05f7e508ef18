"""Complete the prompts of one or more splits with the base model or an adapter."""

import argparse
from functools import cache
from pathlib import Path

from acrflow.errors import InputError, run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True, help="name in the tables: the adapter's name, or base")
    parser.add_argument("--base", required=True, help="base model: hub name or folder")
    parser.add_argument("--revision", help="commit of the base model's hub repository")
    parser.add_argument(
        "--dtype", choices=["float32", "bfloat16"], default="float32", help="type of the base's weights"
    )
    parser.add_argument("--quantization", choices=["none", "4bit"], default="none", help="4bit needs a GPU")
    parser.add_argument("--adapter", type=Path, help="folder of a PEFT adapter; without it the base answers")
    parser.add_argument("--examples", type=Path, nargs="+", required=True, help="examples.parquet, one per split")
    parser.add_argument("--splits", nargs="+", required=True, help="names of the splits, in the examples' order")
    parser.add_argument("--out", type=Path, nargs="+", required=True, help="predictions.parquet, one per split")
    parser.add_argument("--draw", default="greedy", help="greedy, or the seed of a sampled run")
    parser.add_argument("--temperature", type=float, default=1.0, help="of sampled runs (default 1.0)")
    parser.add_argument("--top-p", type=float, default=1.0, help="of sampled runs (default 1.0)")
    parser.add_argument("--batch", type=int, default=16, help="prompts generated at once (default 16)")
    parser.add_argument("--max-new-tokens", type=int, default=1000, help="length limit in tokens (default 1000)")
    parser.add_argument("--backend", choices=["transformers", "vllm"], default="transformers")
    args = parser.parse_args()
    if not len(args.examples) == len(args.splits) == len(args.out):
        parser.error("--examples, --splits and --out name one file or split each, in the same order")
    if args.draw != "greedy" and not args.draw.isdigit():
        raise InputError("--draw", f"{args.draw!r} is neither greedy nor a seed", "give greedy or a whole number")

    from tqdm import tqdm

    from acrflow import schemas
    from acrflow.evaluation import backends
    from acrflow.evaluation.predict import identity, predict, table

    base = backends.Base(args.base, args.revision, args.dtype, args.quantization)
    seed = None if args.draw == "greedy" else int(args.draw)
    decoding = backends.Decoding(args.max_new_tokens, seed, args.temperature, args.top_p)
    opened = cache(lambda: backends.open_backend(args.backend, base, args.adapter))  # once for all splits

    made_by = identity(args.backend, base, args.adapter)
    partials, tables = [], []
    for path, split, out in zip(args.examples, args.splits, args.out, strict=True):
        examples = schemas.read(schemas.Examples, path)
        partial = out.with_name(f"{out.name}.partial.jsonl")
        with tqdm(total=examples.height, desc=f"{args.model} on {split}", unit="row") as bar:
            done = predict(examples, opened, decoding, args.batch, partial, made_by, bar.update)
        partials.append(partial)
        tables.append(table(done, examples, args.model, split, args.draw))

    # written together at the end: whoever deletes the outputs of a killed job (Snakemake does) keeps the partial files
    for predictions, out in zip(tables, args.out, strict=True):
        schemas.write(schemas.Predictions, predictions, out)
    for partial in partials:
        partial.unlink(missing_ok=True)
    for split, predictions in zip(args.splits, tables, strict=True):
        unparsed, cut = predictions["label"].null_count(), predictions["truncated"].sum()
        print(f"{args.model} on {split}: {predictions.height} rows, {unparsed} answers do not parse, {cut} cut short")


if __name__ == "__main__":
    run(main)
